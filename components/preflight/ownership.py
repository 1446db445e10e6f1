"""Ownership of the account and of every fixed name, looked up before the first resource is registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.problems import NAMESPACE, Problem, SettingsError
from components.adoption.governance import policy_arn
from components.adoption.inventory import Existing, FixedName
from components.adoption.lookup import find_all, rely_on_state
from components.adoption.resource_kinds import Kind
from components.preflight.fixed_names import fixed_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.account import Account
    from components.settings import Settings

Found = tuple[FixedName, Existing]

_PATH = ("takeOver",)


def check_ownership(
    settings: Settings, account: Account, owner: str, recording_region: str, operators: Iterable[str] = ()
) -> None:
    """Refuse to govern another stack's account, and resources that another stack or principal owns.

    For `recording_region` and `operators`, see `fixed_names`.

    Raises:
        SettingsError: Another stack or principal is the owner and the settings do not permit to take over, or a lookup
            fails; lists all problems.
    """
    if not settings.governs:
        return
    record = FixedName(
        kind=Kind.POLICY,
        region=settings.regions[0],
        name=policy_arn(account.partition, account.id),
        path=_PATH,
        take_over=settings.takes_over_account,
        is_adopted=False,
    )
    governing, problems = find_all([record])
    if any(existing.owner == owner for _, existing in governing):
        rely_on_state()
    found, wrong = find_all(fixed_names(settings, account, recording_region, operators))
    found, problems = [*governing, *found], list(dict.fromkeys([*problems, *wrong]))
    problems += ownership_problems(found, record, account, owner)
    if problems:
        raise SettingsError(problems)


def ownership_problems(found: Iterable[Found], record: FixedName, account: Account, owner: str) -> list[Problem]:
    """Return a problem for each other stack that owns a resource, and for each name of another principal. Pure."""
    others: dict[str, list[FixedName]] = {}
    problems: list[Problem] = []
    for name, existing in found:
        if existing.owner is None:
            if not (name.is_adopted or existing.made_here):
                problems.append(Problem(path=name.path, message=_of_another_principal(existing)))
        elif existing.owner != owner and not name.take_over:
            others.setdefault(existing.owner, []).append(name)
    return problems + [_of_another_stack(stack, names, record, account) for stack, names in others.items()]


def _of_another_principal(existing: Existing) -> str:
    return (
        f"{existing} exists and was not created by a stack of this program; it is not taken over, as what else it allows would "
        "stay. Delete it, then run the same command again"
    )


def _of_another_stack(stack: str, names: list[FixedName], record: FixedName, account: Account) -> Problem:
    kept = tuple(f"{name} ({NAMESPACE}:{name.path[0]}.takeOver)" for name in names if name is not record)
    owner = f"resources that this stack would change are owned by the stack {stack}"
    if record in names:
        owner = f"account {account.id} is governed by the stack {stack}, and one stack governs an account"
    remedy = f"Destroy that stack first, or set {NAMESPACE}:takeOver to true here to take everything over from it"
    listed = ". Its resources that this stack would change" if kept else ""
    return Problem(path=_PATH, message=f"{owner}. {remedy}{listed}", details=kept)
