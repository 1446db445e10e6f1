"""Golden files of `python -m operations fleet`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.operations.fleet.arrangement import FLEET, IDS, FakePulumi
from tests.support.golden_files import Golden

STEP: dict[str, Any] = {
    "op": "update",
    "type": "aws:cloudwatch/logGroup:LogGroup",
    "urn": "urn:pulumi:s::p::t::logs",
    "new": {"inputs": {"region": "us-east-1"}},
    "diffs": ["retentionInDays"],
}
CHANGE = [{"resourcePreEvent": {"metadata": STEP}}, {"resOutputsEvent": {"metadata": STEP}}]
LEFT = FLEET | {"accounts": {"list": FLEET["accounts"]["list"][:2]}}
DISCOVERED = {"discover": {"organizationalUnits": ["ou-ab12-c3d4e5f6"]}}


@pytest.mark.parametrize("name", ["preview", "up", "drift"])
def test_fleet_runs_is_golden(name: str, fleet: Callable[..., Result], pulumi: FakePulumi, golden: Golden) -> None:
    fleet("up")
    results = {"no changes": fleet(name, "--json")}
    pulumi.configure("web", events=CHANGE)
    results["changes"] = fleet(name, "--json")
    pulumi.configure("web", fails="no such role")
    results["failed"] = fleet(name, "--json")
    golden.command(f"fleet {name}", results | unusable(fleet, pulumi, name))


def test_fleet_plan_is_golden(fleet: Callable[..., Result], pulumi: FakePulumi, golden: Golden) -> None:
    fleet("up", content=LEFT)
    results = {
        "added": fleet("plan", "--json"),
        "orphaned": fleet("plan", "--json", content=LEFT | {"accounts": {"list": LEFT["accounts"]["list"][:1]}}),
        "explained": fleet("plan", "--explain", "--account", "payments", "--json"),
    }
    golden.command("fleet plan", results | unusable(fleet, pulumi, "plan"))


def test_fleet_remove_is_golden(fleet: Callable[..., Result], pulumi: FakePulumi, golden: Golden) -> None:
    fleet("up")
    results = {"nothing left": fleet("remove", "--json"), "listed": fleet("remove", "--json", content=LEFT)}
    pulumi.configure("data", fails="account is closed")
    results["failed"] = fleet("remove", "--json", "--account", IDS["data"], content=LEFT)
    pulumi.reset()
    results["removed"] = fleet("remove", "--json", "--account", IDS["data"], content=LEFT)
    golden.command("fleet remove", results | unusable(fleet, pulumi, "remove"))


def test_fleet_matrix_is_golden(fleet: Callable[..., Result], pulumi: FakePulumi, golden: Golden) -> None:
    golden.command("fleet matrix", {"printed": fleet("matrix")} | unusable(fleet, pulumi, "matrix"))


def test_fleet_verify_is_golden(fleet: Callable[..., Result], pulumi: FakePulumi, golden: Golden) -> None:
    nothing = FLEET | {"defaults": {"shell-access:regions": ["eu-west-1"]}, "overrides": {}}
    results = {
        "no differences": fleet("verify", "--json", content=nothing),
        "AWS does not answer": fleet("verify", "--json"),
    }
    golden.command("fleet verify", results | {"unusable file": unusable(fleet, pulumi, "verify")["unusable file"]})


def test_fleet_report_is_golden(
    fleet: Callable[..., Result], pulumi: FakePulumi, golden: Golden, tmp_path: Path
) -> None:
    file = tmp_path / "results.json"
    file.write_text(fleet("preview", "--json").stdout)
    results = {"no failures": fleet("report", str(file), "--json")}
    pulumi.configure("web", fails="no such role")
    file.write_text(fleet("preview", "--json").stdout)
    results["failures"] = fleet("report", str(file), "--json")
    file.write_text("{}")
    golden.command("fleet report", results | {"unusable file": fleet("report", str(file), "--json")})


def unusable(fleet: Callable[..., Result], pulumi: FakePulumi, name: str) -> dict[str, Result]:
    """Return results of a command whose file, organization or state backend cannot be used."""
    results = {
        "unusable file": fleet(name, content={}),
        "AWS does not answer": fleet(name, content=FLEET | {"accounts": DISCOVERED}),
    }
    (pulumi.root / "unreachable").touch()
    return results | {"backend does not answer": fleet(name)}
