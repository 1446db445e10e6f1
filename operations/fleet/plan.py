"""What is to be: the fleet's stacks against those that the state backend has. Pure; nothing is asked here."""

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
    """A stack of the fleet whose account is none of the fleet's.

    Attributes:
        account_id: 12 digits.
        stack: its name.
        reason: why the account is none of the fleet's.
    """

    account_id: str
    stack: str
    reason: str


def orphans(
    settings: FleetSettings, stacks: Iterable[str], accounts: Iterable[str], left_out: Mapping[str, str]
) -> list[Orphan]:
    """Stacks that are called like this fleet's and have no account in it. Any other stack is none of ours.

    Args:
        settings: of the fleet.
        stacks: names that the backend has.
        accounts: IDs of the fleet's accounts.
        left_out: why known accounts are none of the fleet's, by ID.
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
    """What becomes of one stack, as far as its configuration tells; what the program would do, `preview` tells.

    Args:
        rendered: the account with its configuration.
        wave: its wave.
        last: the configuration of its last successful update; None where there has been none.
        project_defaults: what Pulumi.yaml gives for keys that the stack leaves out.
    """
    account = rendered.account
    if last is None:
        return Result(name=account.name, id=account.id, wave=wave, state=State.ADDED)
    changed = changed_settings({**project_defaults, **last}, {**project_defaults, **rendered.values})
    state = State.CHANGED if changed else State.UNCHANGED
    cells = {ACCOUNT_WIDE: Cell(state=state, differences=tuple(changed))} if changed else {}
    return Result(name=account.name, id=account.id, wave=wave, state=state, cells=cells)


def changed_settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of settings that are not the same in two configurations, sorted."""
    earlier, later = _flat(before), _flat(after)
    return sorted(name for name in earlier.keys() | later.keys() if earlier.get(name) != later.get(name))


def fingerprint(values: Mapping[str, Any], program: str) -> str:
    """Names a configuration together with the program that it was applied with."""
    text = json.dumps([values, program], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    settings = explain([Layer(origin="", values=values)])
    return {".".join(each.path): json.dumps(each.value, sort_keys=True) for each in settings}
