"""Requests that set or remove a tag, and the statements that allow them.

A request may carry other tags beside the one in question, so a condition that requires a tag (`aws:RequestTag/CostCenter`,
`ForAnyValue:StringEquals aws:TagKeys`) limits nothing: the caller adds the tag that it requires. Only a condition on every
key of the request (`ForAllValues`), on the key itself, or a Deny keeps a tag out.

IAM takes keys that differ in case alone for the same key (IAM User Guide, "Tags for IAM resources"). Whether `aws:TagKeys`
compares them so is not documented: a request in another spelling is possible, not certain. Creating a user, role or session
with tags also requires the tagging action (Service Authorization Reference, dependent actions), so the actions here are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final

from common.iam.choices import SOMETHING_ELSE, Choice, Knowledge, samples, situations
from common.iam.context import ABSENT, Known, RequestContext, known
from common.iam.evaluation import AllowingStatement, grants

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from common.iam.documents import Condition, Statement
    from common.iam.evaluation import Permissions, Target

SETTING: Final = ("iam:TagRole", "iam:TagUser", "sts:TagSession")
"""Actions that set a principal's tags or the tags of its session."""

REMOVING: Final = ("iam:UntagRole", "iam:UntagUser")
"""Actions that remove a principal's tags."""

TAG_KEYS: Final = "aws:tagkeys"
REQUEST_TAG: Final = "aws:requesttag/"

MAX_COMPANIONS: Final = 48
"""Maximum of combinations of other tags; beyond it, only none and all of them are evaluated."""

RequestKeys = Mapping[str, tuple[Choice, ...]]
"""Condition keys of a request, in lowercase; a key that ends in a slash is a prefix."""


@dataclass(frozen=True, kw_only=True)
class TagRequest:
    """The tags of one request.

    Attributes:
        tags: Value by key, as the request spells it.
        removes: Whether the request removes the keys and so carries no values.
        certain: Whether the spelling certainly reaches the tag.
    """

    tags: Mapping[str, str]
    removes: bool = False
    certain: bool = True

    def keys(self) -> dict[str, tuple[Choice, ...]]:
        """Return the condition keys of the request that are about its tags."""
        values = {} if self.removes else {f"{REQUEST_TAG}{key}".lower(): value for key, value in self.tags.items()}
        return {
            TAG_KEYS: (Choice(Known(tuple(self.tags), many=True), certain=self.certain),),
            **{key: (Choice(known(value)),) for key, value in values.items()},
            REQUEST_TAG: (Choice(ABSENT),),
        }


def tag_grants(  # noqa: PLR0913 -- what a question about a tag consists of
    permissions: Permissions,
    action: str,
    target: Target,
    key: str,
    knowledge: Callable[[RequestKeys], Knowledge],
    *,
    value: str = SOMETHING_ELSE,
    is_only_value: bool = False,
    context: RequestContext | None = None,
) -> list[AllowingStatement]:
    """Return each statement that allows an action to set or remove a tag, at its most certain.

    Args:
        permissions: Policies of the caller.
        action: One of `SETTING` or `REMOVING`, or another action whose request carries tags.
        target: Resources whose tag counts.
        key: Key of the tag.
        knowledge: Knowledge of the other condition keys, for given keys of the request.
        value: Value to set where the policies name none.
        is_only_value: Whether no value that the policies name counts beside it.
        context: Keys of the caller, to resolve policy variables; None: the caller is not known.
    """
    statements = [each for policy in permissions.every() for each in policy.covering(action)]
    found: dict[Statement, AllowingStatement] = {}
    for request in tag_requests(key, action, statements, value=value, is_only_value=is_only_value, context=context):
        choices = situations(permissions, action, knowledge(request.keys()))
        for grant in grants(permissions, action, target, choices):
            known_grant = found.get(grant.statement)
            if known_grant is None or len(grant.doubts) < len(known_grant.doubts):
                found[grant.statement] = grant
    return list(found.values())


def tag_requests(  # noqa: PLR0913 -- what a question about a tag consists of
    key: str,
    action: str,
    statements: Sequence[Statement],
    *,
    value: str = SOMETHING_ELSE,
    is_only_value: bool = False,
    context: RequestContext | None = None,
) -> list[TagRequest]:
    """Return the requests with a tag that could meet the conditions of some statements.

    Args:
        key: Key of the tag.
        action: Action of the request.
        statements: Statements about the action, of which the conditions count.
        value: Value to set where the statements name none.
        is_only_value: Whether no value that the statements name counts beside it.
        context: Keys of the caller, to resolve policy variables; None: the caller is not known.
    """
    removes = action in REMOVING
    conditions = [condition for statement in statements for condition in statement.conditions]
    named = [each for condition in conditions if condition.key == TAG_KEYS for each in condition.values]
    spellings = dict.fromkeys((key, *(each for each in named if _same(each, key)), key.lower(), key.upper()))
    others = () if is_only_value else _values(f"{REQUEST_TAG}{key}", conditions, context)
    values = (None,) if removes else (value, *others)
    return [
        TagRequest(
            tags={spelling: own or "", **companions},
            removes=removes,
            certain=not any(_same(spelling, each) and spelling != each for each in named),
        )
        for spelling in spellings
        for own in dict.fromkeys(values)
        for companions in _companions(key, named, conditions, context, removes=removes)
    ]


def _companions(
    key: str, named: Sequence[str], conditions: Sequence[Condition], context: RequestContext | None, *, removes: bool
) -> list[dict[str, str]]:
    """Return combinations of other tags that the conditions may require."""
    spelled = {each: None for text in named for each in samples(text, context) if each}
    spelled.update(
        dict.fromkeys(
            each.key.removeprefix(REQUEST_TAG)
            for each in conditions
            if each.key.startswith(REQUEST_TAG) and not any(_same(each.key, f"{REQUEST_TAG}{one}") for one in spelled)
        )
    )
    others = [each for each in spelled if each and not _same(each, key)]
    options: list[tuple[str | None, ...]] = []
    for each in others:
        values = () if removes else _values(f"{REQUEST_TAG}{each}", conditions, context)
        options.append((None, *dict.fromkeys((*values, SOMETHING_ELSE))))
    count = 1
    for each in options:
        count *= len(each)
    picked: Iterable[tuple[str | None, ...]] = (
        product(*options) if count <= MAX_COMPANIONS else ((None,) * len(others), tuple(each[1] for each in options))
    )
    return [{name: value for name, value in zip(others, each, strict=True) if value is not None} for each in picked]


def _values(key: str, conditions: Iterable[Condition], context: RequestContext | None) -> tuple[str, ...]:
    """Return the values that the conditions compare a key with."""
    texts = (value for each in conditions if _same(each.key, key) and each.operator != "null" for value in each.values)
    return tuple(dict.fromkeys(one for text in texts for one in samples(text, context)))


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()
