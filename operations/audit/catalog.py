"""Types of the rules that `operations.audit.rules` declares, and the condition keys of requests that they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from common.iam.choices import Choice
from common.iam.context import ABSENT, Known, known
from components.approval.names import TAG_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping


class Severity(IntEnum):
    """Severities in ascending order."""

    LOW = 0
    """Information."""
    MEDIUM = 1
    """Partial, or depends on facts that IAM data does not show."""
    HIGH = 2
    """A shell, code on a node, or the approval, with one common fact more."""
    CRITICAL = 3
    """A shell, code on a node, or the approval itself, with no further permission."""

    @property
    def word(self) -> str:
        """Name in lower case: `critical`."""
        return self.name.lower()

    def lowered(self) -> Severity:
        """Return the next lower severity, for findings that are not certain."""
        return Severity(max(self - 1, Severity.LOW))


HARMFUL: Final = Choice(known("a policy that allows a bypass"))
"""Placeholder in a requirement for the managed policies of the account that allow a bypass."""


class TargetKind(StrEnum):
    """Resources that a requirement is about; `operations.audit.targets` resolves them."""

    ANYTHING = "any resource of a type that the action has"
    ANY_NODE = "every node, managed node or task"
    NODES = "a node, managed node or task that was not approved"
    APPROVED_NODE = "any node, the approved one as well"
    INSTANCES = "an instance"
    SCRIPT_DOCUMENTS = "a document that runs scripts"
    OWN_DOCUMENTS = "a document of the account"
    ANY_DOCUMENT = "every document of the account"
    OTHER_SESSION_DOCUMENTS = "a session document other than the governed one"
    REMOTE_HOST_DOCUMENT = "the session document that forwards to other hosts"
    SESSION_DOCUMENT = "the session preferences"
    SHELL_DOCUMENTS = "a session document that opens a shell or runs a command"
    SERVICE_SETTINGS = (
        "a service setting that controls the management of nodes, the sharing of documents or the approval of access"
    )
    RUNBOOK = "the runbook"
    OTHER_VERSIONS = "a version of the runbook that is not the default one"
    TEMPLATE = "the change template"
    TEMPLATE_DOCUMENT = "the change template as a document"
    APPROVAL_DOCUMENTS = "the runbook, the reaper or the change template"
    OTHER_RUNBOOKS = "a runbook other than those of the stack"
    SCHEDULE = "the reaper's schedule"
    OTHER_TEMPLATES = "another change template"
    AUTOMATIONS = "a runbook that changes instances or IAM"
    EXECUTIONS = "an automation execution"
    OTHERS_SESSIONS = "a session of another principal"
    KEY_PAIRS = "a parameter with a private key"
    SECRETS = "a secret"
    OPERATORS = "an operator"
    MY_USERS = "the caller, an operator or an approver"
    MY_GROUPS = "a group of the caller, of an operator or of an approver"
    MY_ROLES = "a role that the caller can assume, or that the approval depends on"
    MY_POLICIES = "a policy that applies to the caller or to the approval"
    OTHER_USERS = "a user who is an operator, an approver or privileged"
    TRUSTED_ROLES = "a role that the approval depends on, or a privileged one"
    PRIVILEGED_GROUPS = "a group of operators, approvers or privileged users"
    BOUNDED = "a user or role with a boundary"
    ANY_ROLE = "every role"
    CREATED = "a role or user that the caller may create"
    RETRUSTED = "a role whose trust policy the caller may replace"
    RUNBOOK_ROLE = "the runbook's role"
    PASSABLE = "a privileged role that the service may assume"
    CARRIED = "the service's own, where a privileged role trusts it"
    OWN_DENY = "what attaches a Deny or a boundary to the caller or to a role that it can assume"
    ORGANIZATION = "the organization"
    TOPIC = "the topic of requests"


class StatementKind(StrEnum):
    """Statements that a requirement counts."""

    VARIABLE = "statements that refer to the approval tag"
    PLAIN = "statements that do not"
    BESIDE_VARIABLE = "statements that reach the resource without the approval tag's variable"


class Exempt(StrEnum):
    """Principals that a rule is not about, as the design gives them the permission."""

    APPROVER = "declared approvers"
    OPERATOR = "operators, who pass the runbook's role with their requests"
    RUNBOOK_ROLE = "the runbook's role"
    NOT_RUNBOOK_ROLE = "every principal but the runbook's role"
    AUTOMATION_MODE = "every principal, in the mode where a request starts the runbook"
    JUST_IN_TIME_MODE = "every principal, in the mode where AWS grants the access"


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A permission that an escalation path requires.

    Attributes:
        actions: Actions, of which one must be allowed.
        on: Resources on which it must be allowed.
        service: Service principal of roles that are passed or attached, `lambda.amazonaws.com`.
        given: Values of the request's condition keys, by key in lower case.
        statement_kind: Statements that count; None: all.
        tag: Key of a tag that the request must set or remove; empty: none.
    """

    actions: tuple[str, ...]
    on: TargetKind = TargetKind.ANYTHING
    service: str = ""
    given: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict[str, "tuple[Choice, ...]"])
    statement_kind: StatementKind | None = None
    tag: str = ""


@dataclass(frozen=True, kw_only=True)
class EscalationPath:
    """Permissions that together bypass the approval, in one policy or several.

    Attributes:
        severity: Severity where all of them are certain.
        requirements: Permissions, all of which are required.
        fallback: Whether the path counts only where no path before it does.
    """

    severity: Severity
    requirements: tuple[Requirement, ...]
    fallback: bool = False


@dataclass(frozen=True, kw_only=True)
class AuditRule:
    """A known bypass of the approval.

    Attributes:
        id: Unique ID in kebab case.
        title: Title, as the continuation of "The principal ...".
        impact: What the principal can do with it.
        escalations: Escalation paths by severity, the worst first; empty where the rule has code of its own.
        severity: Severity for the documentation where there are no paths.
        source: Where the bypass is described.
        exempt: Principals that the rule is not about.
        silent_under: Rules whose finding about a statement includes this one.
    """

    id: str
    title: str
    impact: str
    escalations: tuple[EscalationPath, ...] = ()
    severity: str = ""
    remedy: str
    source: str
    exempt: frozenset[Exempt] = frozenset()
    silent_under: tuple[str, ...] = ()


def requirement(  # noqa: PLR0913 -- the parts of a requirement
    actions: str,
    on: TargetKind = TargetKind.ANYTHING,
    *,
    service: str = "",
    statement_kind: StatementKind | None = None,
    given: Mapping[str, tuple[Choice, ...]] | None = None,
    tag: str = "",
) -> Requirement:
    """Return the requirement for one of several actions, which are separated by spaces."""
    return Requirement(
        actions=tuple(actions.split()),
        on=on,
        service=service,
        statement_kind=statement_kind,
        given=given or {},
        tag=tag,
    )


def escalation(severity: Severity, *requirements: Requirement | str, fallback: bool = False) -> EscalationPath:
    """Return an escalation path; a text requires one of its actions, on any resource."""
    several = (requirement(each) if isinstance(each, str) else each for each in requirements)
    return EscalationPath(severity=severity, requirements=tuple(several), fallback=fallback)


critical: Final = partial(escalation, Severity.CRITICAL)
high: Final = partial(escalation, Severity.HIGH)
medium: Final = partial(escalation, Severity.MEDIUM)
low: Final = partial(escalation, Severity.LOW)


def one_of(*values: str) -> tuple[Choice, ...]:
    """Return the choice of these values for a condition key."""
    return tuple(Choice(known(value)) for value in values)


ABSENT_KEY: Final = (Choice(ABSENT),)
"""The request lacks the key."""

ANY_POLICY: Final = {"iam:policyarn": (HARMFUL,)}
"""The request attaches a policy that allows a bypass."""

ANY_BOUNDARY: Final = {"iam:permissionsboundary": (Choice(ABSENT), HARMFUL)}
"""The request sets no boundary, or one that allows a bypass."""

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


def pass_role(service: str, on: TargetKind = TargetKind.PASSABLE) -> Requirement:
    """Return the requirement to pass a role to a service."""
    return requirement("iam:PassRole", on, service=service, given=passed_to(service))
