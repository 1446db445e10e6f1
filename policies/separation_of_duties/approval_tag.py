"""Who may set or remove the tag that is an approval, by the statements of policies.

IAM takes keys that differ in case alone for the same one (IAM User Guide, "Tags for IAM resources"). Session tags take
precedence over those of the principal (IAM User Guide, "Pass session tags in AWS STS").
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from components.approval.names import TAG_KEY
from components.iam.choices import Choice
from components.iam.context import ABSENT, Known, known
from components.iam.evaluation import Grant, Target
from components.iam.patterns import SOME
from policies.separation_of_duties.requests import Requests, allowed, each_once, partitions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from components.iam.documents import Policy

SETTING: Final = ("iam:TagRole", "iam:TagUser", "iam:CreateRole", "iam:CreateUser", "sts:TagSession")
EVERYBODY: Final = ("role/*", "user/*")
REMOVING: Final = ("iam:UntagRole", "iam:UntagUser")

_KEYS: Final = "aws:tagkeys"
_VALUE: Final = f"aws:requesttag/{TAG_KEY}".lower()
_INSTANCE: Final = "i-0feedfacecafebeef"


def sets_approval_tag(
    policies: Sequence[Policy], admitted: Sequence[str] = (), tagged: Sequence[str] = EVERYBODY
) -> list[Grant]:
    """The statements that set or remove the tag.

    Args:
        policies: that somebody holds together.
        admitted: principals that may.
        tagged: principals whose tag counts: `role/Operator`, with wildcards.
    """
    target = Target(
        tuple(
            f"arn:{partition}:iam::{SOME}:{name}"
            for partition in partitions(policies, (*SETTING, *REMOVING))
            for pattern in tagged
            for name in _names(pattern)
        )
    )
    found: list[Grant] = []
    for action in (*SETTING, *REMOVING):
        mentioned = [
            (condition.key, value)
            for policy in policies
            for statement in policy.covering(action)
            for condition in statement.conditions
            for value in condition.values
        ]
        if not any(policy.allowed((action,)) for policy in policies):
            continue
        values = () if action in REMOVING else tuple(value for key, value in mentioned if key == _VALUE)
        given = {_KEYS: _keys(value for key, value in mentioned if key == _KEYS), _VALUE: _values(action, values)}
        found += allowed(policies, action, target, Requests(given, admitted))
    return each_once(found)


def _names(pattern: str) -> Iterator[str]:
    """A pattern of names, in which a star stands for no colon."""
    first, *others = pattern.split("*")
    for between in product(("", SOME), repeat=len(others)):
        yield first + "".join(text for pair in zip(between, others, strict=True) for text in pair)


def _keys(mentioned: Iterable[str]) -> tuple[Choice, ...]:
    """The tag alone and among others that policies ask for, in each spelling."""
    several = tuple(dict.fromkeys(each for each in mentioned if "$" not in each))
    ours = (TAG_KEY, *(each for each in several if each.lower() == TAG_KEY.lower()), TAG_KEY.lower(), TAG_KEY.upper())
    plain = tuple(each.replace("*", "").replace("?", "x") for each in several)
    others = tuple(each for each in plain if each.lower() != TAG_KEY.lower())
    choices = [Known((each,), many=True) for each in dict.fromkeys(ours)]
    if others:
        choices += [Known((each, *others), many=True) for each in dict.fromkeys(ours)]
    return tuple(map(Choice, choices))


def _values(action: str, mentioned: tuple[str, ...]) -> tuple[Choice, ...]:
    if action in REMOVING:
        return (Choice(ABSENT),)
    return tuple(Choice(known(each)) for each in dict.fromkeys((_INSTANCE, *mentioned)))
