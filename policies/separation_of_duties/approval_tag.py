"""Policy statements that set or remove the approval tag.

Session tags take precedence over those of the principal (IAM User Guide, "Pass session tags in AWS STS").
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

from common.iam.evaluation import AllowingStatement, Permissions, Target
from common.iam.patterns import SOME
from common.iam.tag_requests import REMOVING, SETTING, tag_grants
from components.approval.names import TAG_KEY
from policies.separation_of_duties.requests import APPROVED, Requests, each_once, partitions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from common.iam.documents import Policy
    from common.iam.tag_requests import RequestKeys

ALL_PRINCIPALS: Final = ("role/*", "user/*")


def sets_approval_tag(
    policies: Sequence[Policy], admitted: Sequence[str] = (), tagged: Sequence[str] = ALL_PRINCIPALS
) -> list[AllowingStatement]:
    """Return the statements that set or remove the tag.

    Args:
        policies: All policies of a principal.
        admitted: Principals that may set it.
        tagged: Principals whose tag counts: `role/Operator`, with wildcards.
    """
    actions = (*SETTING, *REMOVING)
    target = Target(
        tuple(
            f"arn:{partition}:iam::{SOME}:{name}"
            for partition in partitions(policies, actions)
            for pattern in tagged
            for name in _names(pattern)
        )
    )

    def knowledge(keys: RequestKeys) -> Requests:
        return Requests(keys, admitted)

    permissions = Permissions(identity=tuple(policies))
    return each_once(
        grant
        for action in actions
        if any(policy.allowed((action,)) for policy in policies)
        for grant in tag_grants(permissions, action, target, TAG_KEY, knowledge, value=APPROVED)
    )


def _names(pattern: str) -> Iterator[str]:
    """Return a pattern of names in the form of the evaluator, in which a star stands for no colon."""
    first, *others = pattern.split("*")
    for between in product(("", SOME), repeat=len(others)):
        yield first + "".join(text for pair in zip(between, others, strict=True) for text in pair)
