"""How a known way around is declared; `operations.audit.rules` declares them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from components.iam.choices import Choice
from components.iam.context import ABSENT, known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.audit.severity import Severity

HARMFUL: Final = Choice(known("a policy that allows ways around"))
"""Stands in what a need is given for the managed policies that allow ways around, which the account tells."""


class TargetKind(StrEnum):
    """What a need must reach; `operations.audit.targets` says which resources that is."""

    ANYTHING = "any resource of a type that the action has"
    ANY_NODE = "every node, managed node or task"
    NODES = "a node, managed node or task that was not approved"
    APPROVED_NODE = "any node, the approved one as well"
    INSTANCES = "an instance"
    SCRIPT_DOCUMENTS = "a document that runs scripts"
    OWN_DOCUMENTS = "a document of the account"
    ANY_DOCUMENT = "every document of the account"
    OTHER_SESSION_DOCUMENTS = "a session document beside the governed one"
    REMOTE_HOST_DOCUMENT = "the session document that forwards to other hosts"
    SESSION_DOCUMENT = "the session preferences"
    SHELL_DOCUMENTS = "a session document that opens a shell or runs a command"
    SERVICE_SETTINGS = "a service setting that decides who manages nodes, shares documents or approves access"
    RUNBOOK = "the runbook"
    OTHER_VERSIONS = "a version of the runbook that is not the default one"
    TEMPLATE = "the change template"
    TEMPLATE_DOCUMENT = "the change template as a document"
    APPROVAL_DOCUMENTS = "the runbook, the reaper or the change template"
    OTHER_RUNBOOKS = "a runbook beside those that the product starts"
    SCHEDULE = "the reaper's schedule"
    OTHER_TEMPLATES = "another change template"
    AUTOMATIONS = "a runbook that drives instances or IAM"
    EXECUTIONS = "an automation execution"
    OTHERS_SESSIONS = "somebody else's session"
    KEY_PAIRS = "a parameter with a private key"
    SECRETS = "a secret"
    OPERATORS = "an operator"
    MY_USERS = "the caller, an operator or an approver"
    MY_GROUPS = "a group of the caller, of an operator or of an approver"
    MY_ROLES = "a role that the caller can take on, or that the approval rests on"
    MY_POLICIES = "a policy that bears on the caller or on the approval"
    OTHER_USERS = "a user who is an operator, an approver or privileged"
    TRUSTED_ROLES = "a role that the approval rests on, or a privileged one"
    PRIVILEGED_GROUPS = "a group of operators, approvers or privileged users"
    BOUNDED = "a user or role with a boundary"
    ANY_ROLE = "every role"
    CREATED = "a role or user that the caller may create"
    RETRUSTED = "a role whose trust policy the caller may replace"
    RUNBOOK_ROLE = "the runbook's role"
    PASSABLE = "a role with rights of this list that the service may take on"
    CARRIED = "the service's own, where a privileged role trusts it"
    OWN_DENY = "what attaches a Deny or a boundary to the caller or to a role that it can assume"
    ORGANIZATION = "the organization"
    TOPIC = "the topic of requests"


class StatementKind(StrEnum):
    """Which of the statements that grant a need count."""

    VARIABLE = "those that speak of the approval tag"
    PLAIN = "those that do not"
    BESIDE_VARIABLE = "those that reach the resource without the approval tag's variable"


class Exempt(StrEnum):
    """Who may do something by design."""

    APPROVER = "declared approvers"
    OPERATOR = "operators, who hand the runbooks' role over when they ask"
    RUNBOOK_ROLE = "the runbook's role"
    NOT_RUNBOOK_ROLE = "everybody but the runbook's role"
    AUTOMATION_MODE = "everybody, where starting the runbook is how access is requested"


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """One thing that a principal must be allowed.

    Attributes:
        actions: one of them.
        on: what it must reach.
        service: for roles that are passed or carried, `lambda.amazonaws.com`.
        given: what the request then is, by condition key in small letters.
        shape: which statements count.
        tag: Key of a tag that the request must set or remove; empty where none.
    """

    actions: tuple[str, ...]
    on: TargetKind = TargetKind.ANYTHING
    service: str = ""
    given: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict[str, "tuple[Choice, ...]"])
    statement_kind: StatementKind | None = None
    tag: str = ""


@dataclass(frozen=True, kw_only=True)
class EscalationPath:
    """Needs that together make a way around, in one policy or several.

    Attributes:
        severity: with all of them certain.
        needs: all of them.
        fallback: Whether it counts only where no way before it is met.
    """

    severity: Severity
    requirements: tuple[Requirement, ...]
    fallback: bool = False


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A known way around.

    Attributes:
        id: letter of the family and number.
        title: what it is, for a table.
        gives: what its holder can do.
        ways: by severity, the worst first; empty where code of its own looks for it.
        severity: Word for the page where there are no ways.
        remedy: what to do.
        source: where it is described.
        exempt: whom it does not count for.
        silent_under: rules that say the same and more of a statement.
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


def requirement(
    *actions: str,
    on: TargetKind = TargetKind.ANYTHING,
    service: str = "",
    statement_kind: StatementKind | None = None,
    given: Mapping[str, tuple[Choice, ...]] | None = None,
    tag: str = "",
) -> Requirement:
    """A need for one of several actions."""
    return Requirement(
        actions=actions, on=on, service=service, statement_kind=statement_kind, given=given or {}, tag=tag
    )


def escalation(severity: Severity, *requirements: Requirement, fallback: bool = False) -> EscalationPath:
    """A way with a severity."""
    return EscalationPath(severity=severity, requirements=requirements, fallback=fallback)


def one_of(*values: str) -> tuple[Choice, ...]:
    """The request has one of these values."""
    return tuple(Choice(known(value)) for value in values)


ABSENT_KEY: Final = (Choice(ABSENT),)
"""The request does not have the key."""

ANY_POLICY: Final = {"iam:policyarn": (HARMFUL,)}
"""A policy is attached that allows ways around."""

ANY_BOUNDARY: Final = {"iam:permissionsboundary": (Choice(ABSENT), HARMFUL)}
"""No boundary, or one that does not bound."""
