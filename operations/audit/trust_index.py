"""Index of the principals that trust policies could admit, by name and by resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.aws.arns import split_arn
from common.iam.patterns import matches
from common.iam.trust import ASSUME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from common.iam.documents import Statement
    from common.iam.principals import Principal

_Patterns = tuple[str, ...]


class TrustIndex:
    """An index over the trust policies of an account.

    Results may include principals that cannot assume the role, and never omit one that can: `common.iam.trust` evaluates them.
    """

    def __init__(self, account_id: str, principals: Iterable[Principal]) -> None:
        """Index the roles by the principals that they name, and the principals by the roles that their statements name."""
        self._everyone = tuple(principals)
        self._account = {account_id, *(f"arn:{each}:iam::{account_id}:root" for each in _partitions(self._everyone))}
        self._by_name = {name: each for each in self._everyone for name in (each.arn, each.unique_id) if name}
        self._roles = tuple(each for each in self._everyone if each.kind == "role" and each.trust is not None)
        self._by_role_name = {each.name: each for each in self._roles}
        self._named: dict[Principal, list[Principal]] = {}
        self._open: list[Principal] = []
        self._of_account: list[Principal] = []
        for role in self._roles:
            self._index(role)
        self._holders: dict[_Patterns, list[Principal]] = {}
        for each in self._everyone:
            for key in _keys(each):
                self._holders.setdefault(key, []).append(each)
        self._reach: dict[_Patterns, tuple[Principal, ...]] = {}

    def roles_for(self, principal: Principal) -> Iterator[Principal]:
        """Return the roles that could admit a principal, each once."""
        found = dict.fromkeys((*self._named.get(principal, ()), *self._open))
        for key in _keys(principal):
            found.update(dict.fromkeys(self._reached(key)))
        return iter(found)

    def principals_for(self, role: Principal) -> tuple[Principal, ...]:
        """Return the principals that a role could admit, each once."""
        named, is_open, of_account = self._names(role)
        if is_open:
            return self._everyone
        found = dict.fromkeys(named)
        if of_account:
            for key, holders in self._holders.items():
                if _may_match(key, role.arn):
                    found.update(dict.fromkeys(holders))
        return tuple(found)

    def _index(self, role: Principal) -> None:
        named, is_open, of_account = self._names(role)
        for each in named:
            self._named.setdefault(each, []).append(role)
        if is_open:
            self._open.append(role)
        elif of_account:
            self._of_account.append(role)

    def _names(self, role: Principal) -> tuple[list[Principal], bool, bool]:
        """Return the principals that a trust policy names, whether it names every principal, and whether it names the account."""
        named: list[Principal] = []
        is_open = of_account = False
        for statement in role.trust.covering(ASSUME) if role.trust else ():
            principals = statement.principals
            if not statement.allows or principals is None:
                continue
            is_open = is_open or principals.negated or "*" in principals.aws
            for name in principals.aws:
                if name in self._account or name.endswith(":root"):
                    of_account = True
                elif (principal := self._by_name.get(name) or self._session(name)) is not None:
                    named.append(principal)
        return named, is_open, of_account

    def _session(self, name: str) -> Principal | None:
        """Return the role whose session a trust policy names."""
        before, found, rest = name.partition(":assumed-role/")
        return self._by_role_name.get(rest.partition("/")[0]) if found and ":sts:" in f"{before}:" else None

    def _reached(self, key: _Patterns) -> tuple[Principal, ...]:
        if key not in self._reach:
            self._reach[key] = tuple(role for role in self._of_account if _may_match(key, role.arn))
        return self._reach[key]


def _keys(principal: Principal) -> Iterator[_Patterns]:
    statements = (each for policy in principal.permissions.identity for each in policy.covering(ASSUME))
    return (_key(each) for each in statements if each.allows)


def _key(statement: Statement) -> _Patterns:
    """Return the resource patterns of a statement; with variables or NotResource every role."""
    wide = statement.all_but_resources or any("${" in each for each in statement.resources)
    return ("*",) if wide else statement.resources


def _may_match(key: _Patterns, arn: str) -> bool:
    return any(matches(pattern, arn) for pattern in key)


def _partitions(principals: Iterable[Principal]) -> set[str]:
    return {split_arn(each.arn).partition for each in principals}
