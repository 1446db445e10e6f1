"""A small fleet, and a `pulumi` that follows the orders of a test."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operations.fleet.accounts import FleetAccount
from operations.fleet.fleet_file import FleetSettings

FAKE_PULUMI = Path(__file__).with_name("fake_pulumi.txt")

IDS = {name: digit * 12 for name, digit in (("payments", "1"), ("web", "2"), ("data", "3"), ("tools", "4"))}
FLEET: dict[str, Any] = {
    "accounts": {"list": [{"name": name, "id": account} for name, account in IDS.items()]},
    "assumeRole": "arn:aws:iam::{accountId}:role/ShellAccessDeployer",
    "defaults": {"shell-access:regions": ["eu-west-1", "us-east-1"], "shell-access:sessionManager": {}},
    "overrides": {"accounts": {"payments": {"shell-access:sessionManager": {"idleSessionTimeout": 10}}}},
    "waves": [
        {"name": "canary", "accounts": ["payments"], "concurrency": 1},
        {"name": "rest", "concurrency": 1, "failureTolerance": "34%"},
    ],
}


def settings(**changes: Any) -> FleetSettings:
    """The fleet with some keys of its file replaced."""
    return FleetSettings.model_validate(FLEET | changes)


def account(name: str = "payments", **changes: Any) -> FleetAccount:
    return FleetAccount(**{"id": IDS.get(name, "9" * 12), "name": name} | changes)


@dataclass(frozen=True)
class FakePulumi:
    """Orders and calls of the `pulumi` on PATH."""

    root: Path

    def configure(self, account_name: str, **orders: Any) -> None:
        """`fails="why"`, `hangs=1` (until so many interrupts), `events=[...]`, `meets=ID`; of `pulumi stack` `hangs_at="init"`
        (without end), `refuses_init="why"` and `refuses_export="why"`.
        """
        (self.root / f"{IDS[account_name]}.orders").write_text(json.dumps(orders))

    def reset(self) -> None:
        """Removes all orders."""
        for each in self.root.glob("*.orders"):
            each.unlink()

    def calls(self, *operations: str) -> list[str]:
        """Accounts by name, in the order in which an operation was run for them."""
        names = {identity: name for name, identity in IDS.items()}
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        split = [line.split() for line in lines]
        return [names.get(stack, stack) for operation, stack in split if operation in (operations or ("up",))]

    def forget_calls(self) -> None:
        self.log.unlink(missing_ok=True)

    @property
    def log(self) -> Path:
        return self.root / "calls"

    @property
    def stacks(self) -> set[str]:
        return {each.stem for each in self.root.glob("*.stack")}

    def add_stack(self, name: str) -> None:
        (self.root / f"{name}.stack").write_text("[]")
