"""`python -m bench.fleet`: twelve accounts with four Regions each, through all operations of a fleet.

Print the processor time of each run, as a ratio to one stack and to an empty program, and write all figures to the file
that docs/fleet-costs.md uses. Takes about fifteen minutes on two processors.
"""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from bench.__main__ import REGIONS as ALL_REGIONS
from bench.measure import Usage, Watch
from components.session_manager.document import DOCUMENT_NAME
from tests.support.emulator import running_emulator
from tests.support.fleet import LocalFleet, Ran
from tests.support.recorder import calls, reset_calls
from tests.support.stack import Stack

REGIONS = ["eu-west-1", "us-east-1", "eu-central-1", "ap-southeast-2"]
ACCOUNTS = [f"account-{number:02}" for number in range(1, 13)]
CANARY, ROLELESS, GONE, NEW = ACCOUNTS[0], ACCOUNTS[5], ACCOUNTS[11], "account-13"
HELD = ACCOUNTS[4]
DRIFTED = {(ACCOUNTS[1], "eu-west-1"), (ACCOUNTS[1], "ap-southeast-2"), (ACCOUNTS[7], "us-east-1")}
REST = len(ACCOUNTS) - 1
CONCURRENCY = 3
REGION_COUNTS = (1, 17)
FLOOR = "an empty program"
ONE = "one account"
_WIDTH = 110
MEASURED = Path(__file__).with_name("fleet.json")


def of_regions(count: int) -> str:
    """Return the name of the runs of one account with this many Regions."""
    return f"{ONE}, {count} Region{'' if count == 1 else 's'}"


class UnexpectedError(Exception):
    """Accounts have unexpected results, so that no figure is valid."""


class FleetBench:
    """The fleet, and the usage of its runs."""

    def __init__(self, folder: Path, endpoint: str, console: Console) -> None:
        self._endpoint = endpoint
        self._console = console
        self._folder = folder
        self.usages: dict[str, Usage] = {}
        self.calls: dict[str, dict[str, int]] = {}
        self.state_bytes: dict[int, int] = {}
        """Size of one account's state, by its number of Regions."""
        self.fleet = LocalFleet(folder, endpoint, ACCOUNTS, warm=False)
        self.ask_for(REGIONS)

    def ask_for(self, regions: list[str], minutes: int = 20) -> None:
        """Write the fleet file: the preferences with all defaults, in some Regions."""
        preferences = {"idleSessionTimeout": minutes}
        self.fleet.write(
            {"shell-access:regions": regions, "shell-access:sessionManager": preferences},
            [
                {"name": "canary", "accounts": [CANARY], "concurrency": 1},
                {"name": "rest", "concurrency": CONCURRENCY, "failureTolerance": 1},
            ],
            preview_role=None,
        )

    def play(self) -> None:
        """Run all operations, in an order in which each finds what it needs.

        Raises:
            UnexpectedError: Accounts have unexpected results.
        """
        self._empty_program()
        self._first_runs()
        self._one_account()
        self._everyday_runs()
        self._drift()
        self._signal()
        self._coming_and_going()
        self._numbers_of_regions()

    def _empty_program(self) -> None:
        folder, source = self._folder / "empty", self._folder / "empty-program"
        folder.mkdir()
        source.mkdir()
        (source / "__main__.py").write_text("import pulumi\n")
        stack = Stack(folder, self._endpoint, program=source, warm=False)
        stack.configure({})
        stack.up().succeeded()
        self._begins(FLOOR)
        process = subprocess.Popen(
            ["pulumi", "preview", "--stack", stack.name],
            cwd=stack.folder,
            env=stack.full_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        watch = Watch(process)
        process.communicate()
        self._ended(FLOOR, watch)

    def _first_runs(self) -> None:
        self._run("plan, no stacks yet", "plan", expected={"added": 12})
        self.fleet.proxy.without_role = {self.fleet.ids[CANARY]}
        self._run("up, the canary fails", "up", expected={"failed": 1, "notBegun": REST})
        self.fleet.proxy.without_role = {self.fleet.ids[ROLELESS]}
        self._run("up, one role missing", "up", expected={"changed": REST, "failed": 1})
        self.fleet.proxy.without_role = set()
        self._run("up, resumed", "up", expected={"done": REST, "changed": 1})

    def _one_account(self) -> None:
        only = ("--account", CANARY)
        self._run(f"{ONE}: plan", "plan", *only, expected={"unchanged": 1})
        self._quiet_runs(ONE, *only)

    def _quiet_runs(self, what: str, *only: str) -> None:
        for run in ("preview", "up, nothing to do", "drift", "verify"):
            self._run(f"{what}: {run}", run.partition(",")[0], *only, expected={"unchanged": 1})

    def _everyday_runs(self) -> None:
        self._run("plan", "plan", expected={"unchanged": 12})
        self._run("preview", "preview", expected={"unchanged": 12})
        self._run("up, nothing to do", "up", "--again", expected={"unchanged": 12})
        self._run("verify", "verify", expected={"unchanged": 12})

    def _drift(self) -> None:
        for account, region in DRIFTED:
            ssm = self.fleet.client("ssm", region, self.fleet.ids[account])
            content = json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"])
            content["inputs"]["idleSessionTimeout"] = "55"
            changed = ssm.update_document(Name=DOCUMENT_NAME, DocumentVersion="$LATEST", Content=json.dumps(content))
            latest = changed["DocumentDescription"]["DocumentVersion"]
            ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion=latest)
        ran = self._run("drift, three cells", "drift", expected={"unchanged": 10, "different": 2})
        names = {account: name for name, account in self.fleet.ids.items()}
        cells = {
            (names[each["id"]], each["region"]) for each in ran.document["regions"] if each["state"] == "different"
        }
        if cells != DRIFTED:
            raise UnexpectedError(f"drift was found in {sorted(cells)}")

    def _signal(self) -> None:
        """Change a setting of all accounts, and send SIGTERM while one of them publishes its document."""
        self.ask_for(REGIONS, minutes=25)
        account = self.fleet.ids[HELD]
        self.fleet.proxy.hold(account, "UpdateDocument")
        what = "up --refresh, a signal in mid-wave"
        self._begins(what)
        process = self.fleet.start("up", "--refresh", "--json")
        watch = Watch(process)
        self.fleet.proxy.wait_for_held(process)
        process.send_signal(signal.SIGTERM)
        log = self.fleet.file.parent / ".fleet" / "fleet" / "logs" / f"{account}-up.log"
        while process.poll() is None and "cancelling" not in log.read_text():
            time.sleep(0.1)
        self.fleet.proxy.release()
        states = Counter(self.fleet.end(process).states.values())
        self._ended(what, watch)
        if not states["interrupted"] or not states["notBegun"] or self.fleet.locks:
            raise UnexpectedError(f"after the signal: {dict(states)}, locks: {self.fleet.locks}")
        went_on = self._run("up, gone on with", "up")
        minutes = {self._minutes(name, region) for name in ACCOUNTS for region in REGIONS}
        if went_on.code or self.fleet.locks or minutes != {"25"}:
            raise UnexpectedError(f"after going on: {went_on.states}, {minutes}, locks: {self.fleet.locks}")

    def _minutes(self, name: str, region: str) -> str:
        """Return the effective idle timeout."""
        ssm = self.fleet.client("ssm", region, self.fleet.ids[name])
        return json.loads(ssm.get_document(Name=DOCUMENT_NAME)["Content"])["inputs"]["idleSessionTimeout"]

    def _coming_and_going(self) -> None:
        gone = self.fleet.ids[GONE]
        self.fleet.leave(gone)
        self.fleet.ids[NEW] = self.fleet.join(NEW)
        expected = {"added": 1, "orphaned": 1, "unchanged": REST}
        self._run("plan, one came and one went", "plan", expected=expected)
        self._run(f"{ONE}: up, new", "up", "--account", NEW, expected={"changed": 1})
        self._run(f"{ONE}: remove", "remove", "--account", gone, expected={"removed": 1})

    def _numbers_of_regions(self) -> None:
        """Add one new account each, with one Region and with the maximum number of Regions of an organization."""
        for count in REGION_COUNTS:
            name = f"account-of-{count}"
            self.fleet.ids[name] = self.fleet.join(name)
            self.ask_for(list(ALL_REGIONS[:count]), minutes=25)
            only, what = ("--account", name), of_regions(count)
            self._run(f"{what}: up, new", "up", *only, expected={"changed": 1})
            self.state_bytes[count] = self._state_of(name)
            self._quiet_runs(what, *only)

    def _state_of(self, name: str) -> int:
        (file,) = self.fleet.workspace.state.glob(f".pulumi/stacks/*/{self.fleet.ids[name]}.json")
        return file.stat().st_size

    def _run(self, what: str, command: str, *arguments: str, expected: dict[str, int] | None = None) -> Ran:
        self._begins(what)
        process = self.fleet.start(command, "--json", *arguments)
        watch = Watch(process)
        ran = self.fleet.end(process)
        self._ended(what, watch)
        found = Counter(ran.states.values())
        if expected is not None and found != expected:
            errors = [each["error"] for each in ran.document["accounts"] if each["error"]]
            raise UnexpectedError(f"{what}: {dict(found)} instead of {expected}: {errors[:3]}")
        return ran

    def _begins(self, what: str) -> None:
        self._console.print(f"  {what} ...", style="dim")
        reset_calls(self._endpoint)

    def _ended(self, what: str, watch: Watch) -> None:
        self.usages[what] = watch.end()
        self.calls[what] = calls(self._endpoint)


def _table(made: FleetBench) -> Table:
    title = f"{len(ACCOUNTS)} accounts, {len(REGIONS)} Regions, {CONCURRENCY} at a time"
    table = Table("run", "s", "processor s", "x one stack", "x empty program", "peak MB", "AWS calls", title=title)
    one, floor = made.usages[f"{ONE}: up, nothing to do"], made.usages[FLOOR]
    for what, usage in made.usages.items():
        table.add_row(
            what,
            f"{usage.seconds:.1f}",
            f"{usage.cpu_seconds:.1f}",
            f"{usage.cpu_seconds / one.cpu_seconds:.2f}",
            f"{usage.cpu_seconds / floor.cpu_seconds:.1f}",
            f"{usage.peak_megabytes:.0f}",
            str(sum(made.calls[what].values())),
        )
    return table


def fleet_bench() -> None:
    """Run the fleet, print the table and write the figures."""
    progress, result = Console(stderr=True), Console(width=_WIDTH)
    with tempfile.TemporaryDirectory() as folder, running_emulator() as emulator:
        made = FleetBench(Path(folder), emulator.endpoint_url, progress)
        try:
            made.play()
        except UnexpectedError as problem:
            progress.print(str(problem), style="red")
            raise typer.Exit(1) from None
        finally:
            made.fleet.proxy.close()
    measured = {
        "runs": {
            what: {name: round(number, 2) for name, number in asdict(usage).items()} | {"calls": made.calls[what]}
            for what, usage in made.usages.items()
        },
        "stateBytes": made.state_bytes,
    }
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n")
    result.print(_table(made))


if __name__ == "__main__":
    typer.run(fleet_bench)
