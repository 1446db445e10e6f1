"""Comparison of the fleet's stacks with those in the state backend. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.fleet.merging import Layer, explain
from operations.fleet.results import ACCOUNT_WIDE, Cell, Result, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from operations.fleet.configuration import Rendered
    from operations.fleet.settings import FleetSettings

_ID = re.compile(r"[0-9]{12}")
_GONE = "not in the fleet file"


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """Stack of the fleet whose account is not in the fleet.

    Attributes:
        account_id: Account ID.
        stack: Name of the stack.
        reason: Reason why the account is not in the fleet.
    """

    account_id: str
    stack: str
    reason: str


def orphans(
    settings: FleetSettings, stacks: Iterable[str], accounts: Iterable[str], left_out: Mapping[str, str]
) -> list[Orphan]:
    """Return stacks whose names match the fleet's pattern and whose accounts are not in it; other stacks are ignored.

    Args:
        settings: Settings of the fleet.
        stacks: Names of the stacks in the backend.
        accounts: IDs of the fleet's accounts.
        left_out: Reasons why known accounts are not in the fleet, by account ID.
    """
    prefix, wanted = settings.stack_prefix, set(accounts)
    ours = {name.removeprefix(prefix): name for name in stacks if name.startswith(prefix)}
    return [
        Orphan(account_id=account, stack=name, reason=left_out.get(account, _GONE))
        for account, name in sorted(ours.items())
        if _ID.fullmatch(account) and account not in wanted
    ]


def planned(
    rendered: Rendered, wave: str, last: Mapping[str, Any] | None, project_defaults: Mapping[str, Any]
) -> Result:
    """Return the planned change of one stack, by its configuration only; `preview` shows the program's changes.

    Args:
        rendered: Account with its configuration.
        wave: Wave of the account.
        last: Configuration of the last successful update. None: there was no successful update.
        project_defaults: Defaults in Pulumi.yaml for keys that the stack does not set.
    """
    account = rendered.account
    if last is None:
        return Result(name=account.name, id=account.id, wave=wave, state=State.ADDED)
    changed = changed_settings({**project_defaults, **last}, {**project_defaults, **rendered.values})
    state = State.CHANGED if changed else State.UNCHANGED
    cells = {ACCOUNT_WIDE: Cell(state=state, differences=tuple(changed))} if changed else {}
    return Result(name=account.name, id=account.id, wave=wave, state=state, cells=cells)


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of settings that differ between two configurations, sorted."""
    earlier, later = _flat(before), _flat(after)
    return sorted(name for name in earlier.keys() | later.keys() if earlier.get(name) != later.get(name))


def fingerprint(values: Mapping[str, Any], program: str) -> str:
    """Return the fingerprint of a configuration together with its program."""
    text = json.dumps([values, program], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    settings = explain([Layer(origin="", values=values)])
    return {".".join(each.path): json.dumps(each.value, sort_keys=True) for each in settings}
