"""The commands, whole, over a `pulumi` that follows orders; the real one is used in tests/engine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from local.workspace import REPOSITORY
from tests.operations.fleet.arrangement import FLEET, IDS, FakePulumi

# It waits for processes most of the time, so it begins before the tests that only compute.
pytestmark = pytest.mark.timeout(120)

STEP: dict[str, Any] = {
    "op": "create",
    "type": "aws:cloudwatch/logGroup:LogGroup",
    "urn": "urn:pulumi:s::p::t::logs",
    "new": {"inputs": {"region": "us-east-1"}},
}
CREATE = [{"resourcePreEvent": {"metadata": STEP}}]


def states(result: Result) -> dict[str, str]:
    return {each["name"]: each["state"] for each in json.loads(result.stdout)["accounts"]}


def without(*names: str) -> dict[str, Any]:
    return FLEET | {"accounts": {"list": [each for each in FLEET["accounts"]["list"] if each["name"] not in names]}}


def test_up_deploys_accounts_wave_by_wave(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    pulumi.configure("web", events=CREATE)
    result = fleet("up", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [{key: value for key, value in each.items() if key != "seconds"} for each in document["accounts"]] == [
        {"name": name, "id": IDS[name], "wave": wave, "state": state, "changes": changes, "error": None}
        for name, wave, state, changes in (
            ("payments", "canary", "unchanged", {}),
            ("web", "rest", "changed", {"create": 1}),
            ("data", "rest", "unchanged", {}),
            ("tools", "rest", "unchanged", {}),
        )
    ]
    (cell,) = [each for each in document["regions"] if each["differences"]]
    assert (cell["id"], cell["region"], cell["differences"]) == (IDS["web"], "us-east-1", ["create LogGroup logs"])
    assert pulumi.calls() == list(IDS)
    assert pulumi.stacks == set(IDS.values())
    assert "canary  111111111111  payments: no differences" in result.stderr


def test_up_stops_after_failed_canary_and_resumes(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    pulumi.configure("payments", fails="role missing")
    result = fleet("up", "--json")
    assert (result.exit_code, states(result)) == (
        1,
        {"payments": "failed", "web": "notBegun", "data": "notBegun", "tools": "notBegun"},
    )
    assert pulumi.stacks == {IDS["payments"]}
    error = json.loads(result.stdout)["accounts"][0]["error"]
    assert error.startswith("role missing (log: ")
    pulumi.reset()
    assert set(states(fleet("up", "--json")).values()) == {"unchanged"}


def test_up_resumes_after_completed_accounts(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    pulumi.configure("tools", fails="throttled")
    assert fleet("up").exit_code == 1
    pulumi.reset()
    pulumi.forget_calls()
    result = fleet("up", "--json")
    assert states(result) == {"payments": "done", "web": "done", "data": "done", "tools": "unchanged"}
    assert pulumi.calls() == ["tools"]
    pulumi.forget_calls()
    assert fleet("up").exit_code == 0
    assert pulumi.calls() == list(IDS), "a run that was finished is not gone on with"


def test_up_repeats_changed_settings_and_program(
    fleet: Callable[..., Result], pulumi: FakePulumi, tmp_path: Path
) -> None:
    pulumi.configure("tools", fails="throttled")
    fleet("up")
    pulumi.forget_calls()
    other = FLEET | {"overrides": {"accounts": {"web": {"shell-access:tags": {"a": "b"}}}}}
    assert fleet("up", content=other).exit_code == 1
    assert pulumi.calls() == ["payments", "web", "tools"]
    (tmp_path / "program" / "__main__.py").write_text("second")
    pulumi.forget_calls()
    fleet("up", content=other)
    assert pulumi.calls() == list(IDS)


@pytest.mark.parametrize("option", [["--again"], ["--refresh"]], ids=" ".join)
def test_up_with_again_or_refresh_repeats_all_accounts(
    option: list[str], fleet: Callable[..., Result], pulumi: FakePulumi
) -> None:
    pulumi.configure("tools", fails="throttled")
    fleet("up")
    pulumi.forget_calls()
    fleet("up", *option)
    assert pulumi.calls() == list(IDS)


def test_up_without_stack_fails_its_account_only(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    pulumi.configure("web", refuses_init="access denied")
    result = fleet("up", "--json")
    assert states(result) == {"payments": "unchanged", "web": "failed", "data": "unchanged", "tools": "unchanged"}
    assert json.loads(result.stdout)["accounts"][1]["error"] == "access denied"


@pytest.mark.parametrize("command", ["preview", "up", "drift"])
def test_unread_state_fails_its_account_only(command: str, fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    """Without the encryption in the state, the engine would encrypt it in another way."""
    fleet("up")
    pulumi.configure("web", refuses_export="no such key")
    result = fleet(command, "--json")
    assert (result.exit_code, [name for name, state in states(result).items() if state != "unchanged"]) == (1, ["web"])
    error = json.loads(result.stdout)["accounts"][1]["error"]
    assert error == f"The state of stack {IDS['web']} cannot be read: no such key"


def test_up_is_limited_to_account_and_wave(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up", "--account", "web", "--account", IDS["tools"])
    assert pulumi.calls() == ["web", "tools"]
    fleet("up", "--wave", "canary")
    assert pulumi.calls() == ["web", "tools", "payments"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account", "wbe"], "--account: expected an account of the fleet, got wbe; did you mean web?\n"),
        (["--wave", "canry"], "--wave: expected a wave of the fleet, got canry; did you mean canary?\n"),
    ],
    ids=["account", "wave"],
)
def test_up_rejects_unknown_account_and_wave(
    arguments: list[str], said: str, fleet: Callable[..., Result], pulumi: FakePulumi
) -> None:
    result = fleet("up", *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)
    assert pulumi.calls() == []


def test_up_with_invalid_settings_starts_nothing(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    overrides = {"accounts": {"web": {"shell-access:sessionManager": {"idleSessionTimeout": 99}}}}
    result = fleet("up", content=FLEET | {"overrides": overrides})
    assert result.exit_code == 2
    assert "no operation was started" in result.stderr
    assert (
        "overrides.accounts.web.shell-access:sessionManager.idleSessionTimeout: expected whole minutes from 1 to 60, got 99."
        in result.stderr
    )
    assert not pulumi.log.exists()


def test_plan_shows_added_changed_and_orphaned_stacks(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up", content=without("tools"))
    pulumi.add_stack("dev")
    pulumi.add_stack("9" * 12)
    pulumi.forget_calls()
    overrides = {"accounts": {"web": {"shell-access:sessionManager": {"idleSessionTimeout": 7}}}}
    exclude = FLEET["accounts"] | {"exclude": ["data"]}
    result = fleet("plan", "--json", content=FLEET | {"accounts": exclude, "overrides": overrides})
    assert result.exit_code == 0
    assert states(result) == {
        "payments": "changed",
        "web": "changed",
        "tools": "added",
        IDS["data"]: "orphaned",
        "9" * 12: "orphaned",
    }
    listed = {each["id"]: (each["differences"], each["remedy"]) for each in json.loads(result.stdout)["regions"]}
    settings = ["shell-access:sessionManager.idleSessionTimeout: not set -> 7"]
    assert listed[IDS["web"]] == (settings, None)
    assert listed["9" * 12][0] == [f"stack {'9' * 12}: not in the fleet file"]
    differences, remedy = listed[IDS["data"]]
    assert differences == [f"stack {IDS['data']}: excluded"]
    assert remedy.endswith(f" --account {IDS['data']}")
    assert not pulumi.log.exists(), "nothing is run for a plan"


def test_plan_reads_histories_concurrently(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up", "--json")
    pulumi.configure("payments", meets=IDS["tools"])
    pulumi.configure("tools", meets=IDS["payments"])
    result = fleet("plan", "--json")
    assert set(states(result).values()) == {"unchanged"}, result.output


def test_matrix_prints_accounts_for_ci(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up", content=without("tools"))
    result = fleet("matrix")
    assert json.loads(result.stdout)["include"][0] == {
        "account": "payments",
        "id": IDS["payments"],
        "wave": "canary",
        "stack": IDS["payments"],
    }
    assert [each["account"] for each in json.loads(fleet("matrix", "--changed").stdout)["include"]] == ["tools"]
    assert len(json.loads(fleet("matrix", "--wave", "rest").stdout)["include"]) == 3
    assert pulumi.calls("preview") == []


def test_plan_explain_shows_source_of_each_setting(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    result = fleet("plan", "--account", "payments", "--explain")
    assert result.exit_code == 0
    assert (
        "shell-access:sessionManager.idleSessionTimeout: 10\n  from:        overrides.accounts.payments"
        in result.stdout
    )
    machine = json.loads(fleet("plan", "--account", "payments", "--explain", "--json").stdout)["payments"]
    by_setting = {each["setting"]: (each["value"], each["from"]) for each in machine}
    assert by_setting["shell-access:sessionManager.idleSessionTimeout"] == (10, "overrides.accounts.payments")
    assert by_setting["shell-access:regions"] == (["eu-west-1", "us-east-1"], "defaults")
    assert by_setting["aws:allowedAccountIds"] == ([IDS["payments"]], "the fleet itself")
    assert not pulumi.log.exists()
    assert fleet("plan", "--explain").exit_code == 2


def test_preview_of_new_account_creates_no_stack(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    pulumi.add_stack(IDS["payments"])
    pulumi.configure("web", events=CREATE)
    result = fleet("preview", "--json")
    assert (result.exit_code, states(result)["web"]) == (0, "changed")
    assert pulumi.stacks == {IDS["payments"]}
    assert sorted(pulumi.calls("init-scratch")) == ["data", "tools", "web"]
    assert pulumi.calls("init") == []


def test_drift_reports_region_and_remedy(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up")
    pulumi.configure(
        "data", events=[{"resOutputsEvent": {"metadata": STEP | {"op": "update", "diffs": ["retentionInDays"]}}}]
    )
    result = fleet("drift", "--json")
    assert result.exit_code == 1
    assert states(result) == {"payments": "unchanged", "web": "unchanged", "data": "different", "tools": "unchanged"}
    (cell,) = [each for each in json.loads(result.stdout)["regions"] if each["state"] != "unchanged"]
    assert (cell["id"], cell["region"]) == (IDS["data"], "us-east-1")
    assert cell["differences"] == ["update LogGroup logs: retentionInDays"]
    assert cell["remedy"].startswith("python -m operations fleet up --refresh --file ")
    assert cell["remedy"].endswith(""" --account data --policy-pack "$(shell-access policy-pack)\"""")


def test_drift_without_stack_fails(fleet: Callable[..., Result]) -> None:
    result = fleet("drift", "--json")
    assert result.exit_code == 1
    assert {each["error"] for each in json.loads(result.stdout)["accounts"]} == {
        "the stack does not exist. Run: fleet up"
    }


def test_remove_destroys_named_orphans_only(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up")
    left = without("data", "tools")
    listed = fleet("remove", "--json", content=left)
    assert (listed.exit_code, states(listed)) == (0, {IDS["data"]: "orphaned", IDS["tools"]: "orphaned"})
    assert pulumi.calls("destroy") == []
    refused = fleet("remove", "--account", IDS["web"], content=left)
    assert (refused.exit_code, pulumi.calls("destroy")) == (2, [])
    assert f"({IDS['data']}, {IDS['tools']})" in refused.stderr
    removed = fleet("remove", "--json", "--account", IDS["data"], content=left)
    assert (removed.exit_code, states(removed)) == (0, {IDS["data"]: "removed"})
    assert pulumi.stacks == {IDS["payments"], IDS["web"], IDS["tools"]}


def test_remove_keeps_stack_that_fails(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up")
    pulumi.configure("data", fails="account is closed")
    result = fleet("remove", "--json", "--account", IDS["data"], content=without("data"))
    assert (result.exit_code, states(result)) == (1, {IDS["data"]: "failed"})
    assert IDS["data"] in pulumi.stacks


def test_remove_keeps_stack_whose_state_is_unread(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    fleet("up")
    pulumi.configure("data", refuses_export="no such key")
    named = ("--account", IDS["data"], "--account", IDS["tools"])
    result = fleet("remove", "--json", *named, content=without("data", "tools"))
    assert (result.exit_code, states(result)) == (1, {IDS["data"]: "failed", IDS["tools"]: "removed"})


def test_unreadable_backend_is_unusable(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    (pulumi.root / "unreachable").touch()
    for command in ("plan", "preview", "up", "drift", "remove"):
        result = fleet(command)
        assert (result.exit_code, result.stderr) == (
            2,
            "The stacks in the state backend cannot be listed: no such bucket\n",
        )


def test_verify_checks_every_account(fleet: Callable[..., Result]) -> None:
    result = fleet("verify", "--json")
    assert result.exit_code == 1, "no answer"
    assert set(states(result)) == set(IDS)


def test_report_merges_results_into_page_and_comment(
    fleet: Callable[..., Result], pulumi: FakePulumi, tmp_path: Path
) -> None:
    pulumi.configure("web", fails="no")
    files = [tmp_path / "canary.json", tmp_path / "rest.json"]
    for file, wave in zip(files, ("canary", "rest"), strict=True):
        file.write_text(fleet("preview", "--json", "--wave", wave).stdout)
    page, comment = tmp_path / "page.html", tmp_path / "comment.md"
    result = fleet("report", *map(str, files), "--html", str(page), "--markdown", str(comment), "--json")
    assert (result.exit_code, list(states(result))) == (1, list(IDS))
    assert "<!doctype html>" in page.read_text()
    assert comment.read_text().startswith("### fleet preview: 4 accounts")
    (tmp_path / "other.json").write_text("{}")
    assert fleet("report", str(tmp_path / "other.json")).exit_code == 2


def test_up_table_ends_with_counts(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    pulumi.configure("web", fails="no such role")
    result = fleet("up")
    assert "error:           no such role (log: " in result.stdout
    *_, counts, purpose, command = result.stdout.splitlines()
    assert counts == "fleet up: 4 accounts: 3 no differences, 1 failed"
    assert purpose == "Next step: Fix the errors, then resume:"
    assert command.startswith("  python -m operations fleet up --file ")
    assert command.endswith('--policy-pack "$(shell-access policy-pack)"')


def test_each_command_names_the_next_one(fleet: Callable[..., Result], pulumi: FakePulumi, tmp_path: Path) -> None:
    def following(*arguments: str) -> list[tuple[str, str]]:
        steps = json.loads(fleet(*arguments, "--json").stdout)["nextSteps"]
        return [(each["purpose"], each["command"].partition(" --file ")[0].rpartition("fleet ")[2]) for each in steps]

    assert following("plan") == [("Preview the changes", "preview")]
    metadata = {"op": "update", "type": "aws:sns:Topic", "urn": "urn:pulumi:s::p::t::topic"}
    pulumi.configure(
        "web", events=[{"resourcePreEvent": {"metadata": metadata}}, {"resOutputsEvent": {"metadata": metadata}}]
    )
    waves = "canary: 1 account, then rest: 3 accounts"
    assert following("preview") == [(f"Apply the changes, wave by wave ({waves})", "up")]
    assert following("up") == [("Compare the accounts with the settings", "verify")]
    assert following("plan") == []
    assert following("drift") == [(f"Repair the differences, wave by wave ({waves})", "up --refresh")]
    pack = tmp_path / "my pack"
    result = fleet("preview", "--account", "web", "--policy-pack", str(pack), "--json")
    (step,) = json.loads(result.stdout)["nextSteps"]
    assert step["command"].endswith(f"--account web --policy-pack '{pack}'")
    levels = tmp_path / "levels.json"
    levels.write_text("{}")
    options = ("--policy-pack", "policies", "--policy-pack-config", str(levels))
    (step,) = json.loads(fleet("preview", "--account", "web", *options, "--json").stdout)["nextSteps"]
    assert step["command"].endswith(f"--policy-pack policies --policy-pack-config {levels}")


def test_up_repeats_accounts_after_a_change_of_levels(
    fleet: Callable[..., Result], pulumi: FakePulumi, tmp_path: Path
) -> None:
    levels = tmp_path / "levels.json"
    options = ("--policy-pack", "policies", "--policy-pack-config", str(levels), "--json")
    pulumi.configure("web", fails="no such role")
    levels.write_text("{}")
    fleet("up", *options)
    assert states(fleet("up", *options))["payments"] == "done"
    levels.write_text('{"all": "advisory"}')
    assert states(fleet("up", *options))["payments"] == "unchanged"


def test_up_refuses_unequal_numbers_of_packs_and_files(fleet: Callable[..., Result], tmp_path: Path) -> None:
    levels = tmp_path / "levels.json"
    levels.write_text("{}")
    result = fleet("up", "--policy-pack-config", str(levels))
    assert result.exit_code == 2
    assert "--policy-pack-config: expected one per --policy-pack (0), got 1." in result.stderr


def test_up_keeps_leading_zeros_of_account_ids(fleet: Callable[..., Result], pulumi: FakePulumi) -> None:
    # The fake reads the configuration as JSON: nothing in it is left to what a YAML parser takes for a number.
    zeros = {
        "accounts": {"list": [{"name": "zeros", "id": "009900990099"}]},
        "overrides": {},
        "waves": [{"name": "all"}],
    }
    assert fleet("up", content=FLEET | zeros).exit_code == 0
    (update,) = json.loads((pulumi.root / "009900990099.stack").read_text())
    assert update["config"]["aws:allowedAccountIds"]["objectValue"] == ["009900990099"]


def test_up_removes_temporary_configurations(fleet: Callable[..., Result], pulumi: FakePulumi, tmp_path: Path) -> None:
    fleet("up")
    assert sorted(each.name for each in (tmp_path / "program").iterdir()) == ["Pulumi.yaml", "__main__.py"]
    logs = tmp_path / ".fleet" / "fleet" / "logs"
    assert sorted(each.name for each in logs.iterdir()) == [f"{each}-up.log" for each in sorted(IDS.values())]
    assert pulumi.calls("cancel") == []


def interrupted(
    fleet_file: Callable[..., Path], pulumi: FakePulumi, tmp_path: Path, signals: list[int]
) -> dict[str, Any]:
    """Runs `up` in a process of its own, with a hanging `pulumi`, and sends it signals; gives the state of each account."""
    code, output = signalled(fleet_file, pulumi, tmp_path, signals)
    assert code == 1
    return {each["name"]: each["state"] for each in json.loads(output)["accounts"]}


def signalled(
    fleet_file: Callable[..., Path], pulumi: FakePulumi, tmp_path: Path, signals: list[int]
) -> tuple[int, str]:
    """As `interrupted`; gives the exit code and the output."""
    (tmp_path / "program").mkdir(exist_ok=True)
    (tmp_path / "program" / "Pulumi.yaml").write_text("name: shell-access\nruntime: python\n")
    command = [sys.executable, "-m", "operations", "fleet", "up", "--json", "--file", str(fleet_file())]
    process = subprocess.Popen(
        [*command, "--cwd", str(tmp_path / "program")],
        cwd=REPOSITORY,
        env=os.environ,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    marker = pulumi.root / "hanging"
    while not marker.exists():
        assert process.poll() is None
        time.sleep(0.02)
    for number in signals:
        # As a terminal does: to everything that the command has started in its own group.
        os.killpg(process.pid, number)
        time.sleep(0.3)
    output, _ = process.communicate()
    engine = int(marker.read_text())
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{engine}"):  # noqa: PTH110
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process.returncode, output


def test_up_after_signal_finishes_engine_and_resumes(
    fleet: Callable[..., Result], fleet_file: Callable[..., Path], pulumi: FakePulumi, tmp_path: Path
) -> None:
    pulumi.configure("web", hangs=1)
    expected = {"payments": "unchanged", "web": "interrupted", "data": "notBegun", "tools": "notBegun"}
    assert interrupted(fleet_file, pulumi, tmp_path, [signal.SIGTERM]) == expected
    assert pulumi.calls("cancel") == [], "an engine that ends by itself unlocks by itself"
    pulumi.reset()
    (tmp_path / "program" / "__main__.py").unlink(missing_ok=True)
    pulumi.forget_calls()
    result = fleet("up", "--json", "--wave", "rest")
    assert pulumi.calls() == ["web", "data", "tools"]
    assert set(states(result).values()) == {"unchanged"}


def test_signal_ends_the_listing_of_stacks(fleet_file: Callable[..., Path], pulumi: FakePulumi, tmp_path: Path) -> None:
    (pulumi.root / "hangs").touch()
    assert signalled(fleet_file, pulumi, tmp_path, [signal.SIGINT]) == (130, "")


@pytest.mark.parametrize("command", ["init", "export"])
def test_second_signal_ends_a_command_that_hangs(
    command: str, fleet_file: Callable[..., Path], pulumi: FakePulumi, tmp_path: Path
) -> None:
    pulumi.configure("payments", hangs_at=command)
    if command == "export":
        pulumi.add_stack(IDS["payments"])
    states_ = interrupted(fleet_file, pulumi, tmp_path, [signal.SIGINT, signal.SIGINT])
    assert states_["payments"] == "interrupted"
    assert set(states_.values()) == {"interrupted", "notBegun"}


def test_up_after_second_signal_aborts_and_unlocks(
    fleet_file: Callable[..., Path], pulumi: FakePulumi, tmp_path: Path
) -> None:
    pulumi.configure("payments", hangs=2)
    states_ = interrupted(fleet_file, pulumi, tmp_path, [signal.SIGINT, signal.SIGINT])
    assert states_["payments"] == "interrupted"
    assert pulumi.calls("cancel") == ["payments"]
