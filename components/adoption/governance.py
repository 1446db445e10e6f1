"""The account's record of its governing stack: an IAM policy that is attached to no principal. Pure.

IAM is global in the account, whatever Regions and sections a stack has, and names are unique. So two stacks detect each
other here even if nothing else of theirs overlaps, and of two concurrent first runs only one creates it.
"""

from __future__ import annotations

import re
from typing import Final

from common.iam.statements import Policy, deny, document

POLICY_NAME: Final = "ShellAccessGoverningStack"

_DESCRIPTION: Final = "Account governed by the Shell Access stack {owner}. Attached to no principal."
_DESCRIBED: Final = re.compile(re.escape(_DESCRIPTION).replace(r"\{owner\}", r"(\S+)"))


def policy_arn(partition: str, account_id: str) -> str:
    """Return the ARN of the record."""
    return f"arn:{partition}:iam::{account_id}:policy/{POLICY_NAME}"


def policy_description(owner: str) -> str:
    """Return the description, which IAM never changes: it contains the owner even if a tool removes the tag."""
    return _DESCRIPTION.format(owner=owner)


def owner_in(description: str) -> str | None:
    """Return the owner in a description; None where it is not one of `policy_description`."""
    found = _DESCRIBED.fullmatch(description)
    return found[1] if found else None


def policy_content(arn: str) -> Policy:
    """Return the content: it grants nothing, and denies that a principal with the policy changes it."""
    changing = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:TagPolicy", "iam:UntagPolicy"]
    return document([deny("RecordsTheGoverningStack", changing, arn)])
