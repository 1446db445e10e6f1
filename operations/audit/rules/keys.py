"""Condition keys of requests that several rules share."""

from typing import Final

from common.iam.choices import Choice
from common.iam.context import Known, known
from components.approval.names import TAG_KEY
from operations.audit.catalog import ABSENT_KEY, Requirement, TargetKind, one_of, requirement

APPROVAL_KEY: Final = f"aws:principaltag/{TAG_KEY.lower()}"

APPROVED: Final = "i-0a1b2c3d4e5f60718"
"""Placeholder for the approved instance."""

NODE: Final = "i-0feedfacecafebeef"
"""Placeholder for the nodes that were not approved: a statement that reaches it by a wildcard reaches all."""

MET: Final = (Choice(known("any value that the policy requires")),)
"""A tag of a resource meets the condition."""

_TAGS: Final[tuple[str, ...]] = ("aws:resourcetag/", "ssm:resourcetag/")

NO_APPROVAL: Final = {APPROVAL_KEY: ABSENT_KEY}
NODE_TAGS_MET: Final[dict[str, tuple[Choice, ...]]] = dict.fromkeys(_TAGS, MET)
NODE_TAGS_NOT_MET: Final[dict[str, tuple[Choice, ...]]] = dict.fromkeys(_TAGS, ABSENT_KEY)

OTHER_PRINCIPAL: Final = {
    "ssm:resourcetag/aws:ssmmessages:session-id": one_of("AIDASOMEBODYELSE"),
    "aws:resourcetag/aws:ssmmessages:session-id": one_of("AIDASOMEBODYELSE"),
}
"""The service tags a session with the ID of the principal that started it."""

UNTAGGED: Final = {"aws:resourcetag/": ABSENT_KEY}
"""The stack's documents and executions have no tags of other workflows."""


ACCESS_CHECKED: Final = {"ssm:sessiondocumentaccesscheck": one_of("true")}
ACCESS_NOT_CHECKED: Final = {"ssm:sessiondocumentaccesscheck": one_of("false")}
"""Condition key: a session start also needs a grant of its document (Systems Manager User Guide, "Enforce a session document
permission check")."""

ANOTHER_TAG: Final = {"aws:tagkeys": (Choice(Known(("AnyOtherKey",), many=True)),)}

RUNNABLE_TYPES: Final = {"ssm:documenttype": one_of("Command", "Package", "Automation", "Policy")}
APPROVAL_TYPES: Final = {"ssm:documenttype": one_of("Automation", "Automation.ChangeTemplate")}
RUNBOOK_TYPES: Final = {"ssm:documenttype": (*APPROVAL_TYPES["ssm:documenttype"], *ABSENT_KEY)}
"""Types of documents that StartAutomationExecution runs and that do something: an approval policy of just-in-time node access
only waits for its approvers. AWS does not document that every request has the key."""
SESSION_TYPE: Final = {"ssm:documenttype": one_of("Session")}
ACCESS_TYPES: Final = {"ssm:documenttype": one_of("AutoApprovalPolicy", "ManualApprovalPolicy")}


def start_runbook(on: TargetKind) -> Requirement:
    """Return the requirement to start a runbook."""
    return requirement("ssm:StartAutomationExecution", on, given=RUNBOOK_TYPES)


def passed_to(service: str) -> dict[str, tuple[Choice, ...]]:
    """Return the condition keys of a role that is passed to a service."""
    return {"iam:passedtoservice": one_of(service)}
