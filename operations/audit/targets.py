"""ARNs of the resources that requirements are about."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from common.iam.aws_documents import ACCESS_SETTINGS, NODE_RUNBOOKS, OWNED_BY_AWS, SCRIPT_DOCUMENTS
from common.iam.evaluation import Target
from common.iam.patterns import SOME, literal, overlap
from common.iam.variables import expand
from operations.audit.catalog import APPROVED, NODE, TargetKind
from operations.audit.role_assumption import role_assumption
from operations.audit.service_authorization import ARNS, RESOURCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from common.iam.principals import Principal
    from operations.audit.audit_context import AuditContext

NEW_RESOURCE: Final = "new-resource"
"""Placeholder for a resource that is created later: only patterns that match everything match it."""

_SHELLS: Final = ("AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand", "AWS-PasswordReset")
"""Session documents of AWS that run a command (Systems Manager User Guide, "Session document schema")."""

_ANY: Final = Target(("*",))
_ELSEWHERE: Final = frozenset({"account-access", "organizations", "identitystore", "sso", "sts"})
"""Services whose resources belong to another account of the organization."""

_CHECKS_EACH_TYPE: Final = frozenset({"ec2"})
"""Services that check every required resource of a request (EC2 User Guide, "Identity-based policies for Amazon EC2"); for
the others one of them is enough to report."""

_REMOTE_HOST: Final = "AWS-StartPortForwardingSessionToRemoteHost"


def target(on: TargetKind, service: str, principal: Principal, audit: AuditContext) -> Target | None:
    """Return the resources that a requirement is about.

    Args:
        on: Kind of the target.
        service: Service principal, for roles that are passed or attached.
        principal: The caller.
        audit: The account.

    Returns:
        None where there is no such resource.
    """
    if on in (TargetKind.PASSABLE, TargetKind.CARRIED):
        return _passable(audit, service) if on is TargetKind.PASSABLE else _carried(audit, service)
    found = _MAKERS[on](_AccountArns(principal, audit))
    return found if found is None or found.patterns else None


def targets_of(action: str, wanted: Target, audit: AuditContext) -> tuple[Target, ...]:
    """Return the parts of a target that have the resource types of an action, each of which must be reached.

    Args:
        action: `ssm:StartSession`.
        wanted: Resources that a requirement is about.
        audit: The account.

    Returns:
        One part, or one for each type that the action requires where any resource counts; none where no resource has
        such a type.
    """
    names = audit.protected
    if action not in RESOURCE_TYPES:
        of_service = f"arn:{names.partition}:{action.partition(':')[0]}:*"
        return (Target((of_service, literal("*"))) if wanted.patterns == _ANY.patterns else wanted,)
    if wanted.patterns == _ANY.patterns:
        several = _required_resources(action, names.partition, names.account_id)
        return tuple(Target(each, excluded=wanted.excluded) for each in several)
    shapes = _shapes(action, names.partition)
    patterns = tuple(
        each for each in wanted.patterns if any(overlap(each, statement_kind) for statement_kind in shapes)
    )
    return (Target(patterns, excluded=wanted.excluded),) if patterns else ()


@lru_cache(maxsize=1_024)
def _required_resources(action: str, partition: str, account_id: str) -> tuple[tuple[str, ...], ...]:
    """Return the resources of an account that an action must be allowed on, by type; without types `*`."""
    types = RESOURCE_TYPES[action].split()
    if not types:
        return ((literal("*"),),)
    service = action.partition(":")[0]
    account = SOME if service in _ELSEWHERE else account_id
    required = [each for each in types if each.endswith("*")]
    # A star of a policy must not match a colon, or it would match in the place of a name.
    arns = {
        each: ARNS[f"{service}/{each.removesuffix('*')}"]
        .format(partition=partition, region=SOME, account=account)
        .replace("*", SOME)
        for each in types
    }
    if service in _CHECKS_EACH_TYPE and required:
        return tuple((arns[each],) for each in required)
    return (tuple(arns[each] for each in required or types),)


@lru_cache(maxsize=1_024)
def _shapes(action: str, partition: str) -> tuple[str, ...]:
    """Return the resource types of an action in any account, including AWS' own resources."""
    service = action.partition(":")[0]
    arns = [ARNS[f"{service}/{each.removesuffix('*')}"] for each in RESOURCE_TYPES[action].split()]
    of = {"partition": partition, "region": SOME}
    shapes = (each.format(account=account, **of) for each in arns for account in (SOME, ""))
    # A runbook may be named without a version.
    return tuple(dict.fromkeys(each.replace("automation-definition/*:*", "automation-definition/*") for each in shapes))


class _AccountArns:
    """Builds ARNs of the account."""

    def __init__(self, principal: Principal, audit: AuditContext) -> None:
        self.principal, self.audit, self.names = principal, audit, audit.protected

    def of(self, service: str, rest: str, *, aws: bool = False) -> str:
        """Return ARNs in any Region, whose parts have no colons, so that a star of a policy matches one part; `aws`: of AWS' own resources, without an account."""
        account = "" if aws else self.names.account_id
        return f"arn:{self.names.partition}:{service}:{SOME}:{account}:{rest}"

    def everywhere(self, service: str, rest: str) -> tuple[str, ...]:
        """Return the ARNs of the account and of AWS."""
        return self.of(service, rest), self.of(service, rest, aws=True)

    def documents(self, *names: str) -> tuple[str, ...]:
        """Return documents by exact name, as a document and as an automation definition in any version."""
        return tuple(each for name in names for each in (self.of("ssm", f"document/{name}"), *self.definitions(name)))

    def no_versions(self) -> tuple[str, ...]:
        """Return patterns that are no runbook versions, so that a pattern of another resource type does not match one."""
        return (f"arn:{self.names.partition}:ssm:*:automation-definition/*:*/*",)

    def definitions(self, name: str) -> tuple[str, ...]:
        return self.of("ssm", f"automation-definition/{name}"), self.of("ssm", f"automation-definition/{name}:{SOME}")

    def principals(self, kind: str, several: Iterable[Principal]) -> tuple[str, ...]:
        return tuple(literal(each.arn) for each in several if each.kind == kind)

    def new(self, *kinds: str) -> tuple[str, ...]:
        return tuple(self.names.iam(kind, NEW_RESOURCE) for kind in kinds)


def _any_node(arns: _AccountArns) -> Target:
    return Target(
        (
            arns.of("ec2", f"instance/{NODE}"),
            arns.of("ssm", f"managed-instance/m{NODE}"),
            arns.of("ecs", f"task/any-cluster/{NODE.removeprefix('i-')}"),
        )
    )


def _nodes(arns: _AccountArns) -> tuple[str, ...]:
    return (
        arns.of("ec2", f"instance/i-{SOME}"),
        arns.of("ssm", f"managed-instance/mi-{SOME}"),
        arns.of("ecs", f"task/{SOME}"),
    )


def _other_nodes(arns: _AccountArns) -> Target:
    return Target(_nodes(arns), excluded=(arns.of("ec2", f"instance/{APPROVED}"),))


def _scripts(arns: _AccountArns) -> Target:
    of_aws = (each for name in SCRIPT_DOCUMENTS for each in arns.everywhere("ssm", f"document/{name}"))
    return Target((*of_aws, arns.of("ssm", f"document/{NEW_RESOURCE}")))


def _shell_documents(arns: _AccountArns) -> Target:
    of_aws = (each for name in _SHELLS for each in arns.everywhere("ssm", f"document/{name}"))
    excluded = (arns.of("ssm", f"document/{each}") for each in OWNED_BY_AWS)
    own = arns.of("ssm", f"document/{SOME}")
    return Target((*of_aws, own), excluded=tuple(excluded))


def _own_documents(arns: _AccountArns) -> Target:
    names = arns.names
    excluded = arns.documents(*_approval_documents(arns), names.session_document)
    # Lists of documents name AWS' own without its account, or with a star there.
    return Target(
        (arns.of("ssm", f"document/{SOME}"),),
        excluded=(*excluded, *(arns.of("ssm", f"document/{each}") for each in OWNED_BY_AWS)),
    )


def _other_session_documents(arns: _AccountArns) -> Target:
    governed = arns.of("ssm", f"document/{arns.names.session_document}")
    return Target(arns.everywhere("ssm", f"document/{SOME}"), excluded=(governed,))


def _other_templates(arns: _AccountArns) -> Target:
    every = (
        *arns.everywhere("ssm", f"document/{SOME}"),
        *arns.everywhere("ssm", f"automation-definition/{SOME}:{SOME}"),
    )
    return Target(every, excluded=(*arns.documents(arns.names.template), *arns.no_versions()))


def _approval_documents(arns: _AccountArns) -> tuple[str, ...]:
    return arns.names.runbook, arns.names.template, arns.names.reaper


def _other_runbooks(arns: _AccountArns) -> Target:
    """Return all runbooks without the stack's own, which set their role themselves."""
    names = arns.names
    own = (names.reaper, names.runbook) if names.starts_by_runbook else (names.reaper,)
    every = (
        *arns.everywhere("ssm", f"document/{SOME}"),
        *arns.everywhere("ssm", f"automation-definition/{SOME}:{SOME}"),
    )
    return Target(every, excluded=(*arns.documents(*own), *arns.no_versions()))


def _other_versions(arns: _AccountArns) -> Target:
    """Return the versions of the runbook but the default version, which the name alone means."""
    runbook = f"automation-definition/{arns.names.runbook}"
    default = arns.of("ssm", f"{runbook}:$DEFAULT")
    return Target((arns.of("ssm", f"{runbook}:{SOME}"),), excluded=(default, *arns.no_versions()))


def _automations(arns: _AccountArns) -> Target:
    of_aws = (
        each
        for name in NODE_RUNBOOKS
        for kind in _document_and_definitions(name)
        for each in arns.everywhere("ssm", kind)
    )
    own = (arns.of("ssm", kind) for kind in _document_and_definitions(NEW_RESOURCE))
    return Target((*of_aws, *own), excluded=arns.no_versions())


def _document_and_definitions(name: str) -> tuple[str, ...]:
    """Return a runbook as a document, and as an automation definition with and without a version."""
    return f"document/{name}", f"automation-definition/{name}", f"automation-definition/{name}:{SOME}"


def _others_sessions(arns: _AccountArns) -> Target:
    own = [f"session/{literal(arns.principal.unique_id)}*"] if arns.principal.unique_id else []
    if arns.principal.kind == "user":
        own.append(f"session/{literal(arns.principal.name)}-*")
    return Target((arns.of("ssm", f"session/{SOME}"),), excluded=tuple(arns.of("ssm", each) for each in own))


def _operators(arns: _AccountArns) -> Target:
    audit = arns.audit
    known = (*arns.principals("user", audit.operators), *arns.principals("role", audit.operators))
    if not known and not arns.names.operators:
        return Target((arns.names.iam("user", SOME), arns.names.iam("role", SOME)))
    beside = (f"{each.arn.rpartition('/')[0]}/{NEW_RESOURCE}" for each in audit.operators)
    return Target(tuple(dict.fromkeys((*known, *arns.names.operators, *beside))))


def _my_users(arns: _AccountArns) -> Target:
    return Target((*arns.principals("user", (arns.principal, *arns.audit.resting)), *arns.new("user")))


def _my_groups(arns: _AccountArns) -> Target:
    names = {
        *arns.principal.groups,
        *(group for each in (*arns.audit.operators, *arns.audit.approvers) for group in each.groups),
    }
    groups = arns.audit.account.groups
    return Target((*(literal(groups[name]) for name in sorted(names) if name in groups), *arns.new("group")))


def _my_roles(arns: _AccountArns) -> Target:
    audit, principal = arns.audit, arns.principal
    reached = (
        role for role in audit.trust_index.roles_for(principal) if role_assumption(principal, role, audit) is not None
    )
    own = arns.principals("role", (principal, *audit.resting, *reached))
    return Target(tuple(dict.fromkeys((*own, literal(audit.runbook_role), *arns.new("role")))))


def _my_policies(arns: _AccountArns) -> Target:
    several = (arns.principal, *arns.audit.resting)
    attached = {arn for each in several for arn in (*each.attached, each.boundary or "")} - {""}
    own = sorted(arn for arn in attached if f":{arns.names.account_id}:" in arn)
    return Target((*map(literal, own), arns.names.iam("policy", arns.names.policy), *arns.new("policy")))


def _other_users(arns: _AccountArns) -> Target:
    audit, me = arns.audit, arns.principal
    counting = (
        each
        for each in audit.users
        if each is not me
        and (each in audit.resting or audit.is_privileged(each) or arns.names.is_administrator(each.arn))
    )
    return Target((*arns.principals("user", counting), *arns.new("user")))


def _trusted_roles(arns: _AccountArns) -> Target:
    audit = arns.audit
    counting = (each for each in audit.roles if each in audit.resting or audit.is_privileged(each))
    known = arns.principals("role", (each for each in counting if each is not arns.principal))
    return Target((*known, literal(audit.runbook_role), *arns.new("role")))


def _privileged_groups(arns: _AccountArns) -> Target:
    audit = arns.audit
    members = (
        each
        for each in audit.users
        if each in audit.resting or audit.is_privileged(each) or arns.names.is_administrator(each.arn)
    )
    approving = (name for kind, name in arns.names.approver_names if kind == "IamGroup")
    names = {*approving, *(group for each in members for group in each.groups)} - set(arns.principal.groups)
    groups = audit.account.groups
    return Target((*(literal(groups[name]) for name in sorted(names) if name in groups), *arns.new("group")))


def _reached_by(arns: _AccountArns, *actions: str) -> Target:
    """Return the principals of the account, on any path, that the caller's statements about some actions name."""
    patterns: dict[str, None] = {}
    for policy in arns.principal.permissions.identity:
        for statement in (each for action in actions for each in policy.covering(action) if each.allows):
            wide = statement.all_but_resources
            named = (expand(each, arns.principal.context()).pattern for each in statement.resources)
            patterns.update(dict.fromkeys(arns.new("role", "user") if wide else (each for each in named if each)))
    if "*" in patterns:
        patterns = dict.fromkeys(arns.new("role", "user"))
    return Target(tuple(patterns))


def _bounded(arns: _AccountArns) -> Target:
    audit = arns.audit
    several = (*audit.operators, *audit.approvers, *(each for each in (*audit.users, *audit.roles) if each.boundary))
    known = (*arns.principals("user", several), *arns.principals("role", several))
    return Target(tuple(dict.fromkeys((*known, *arns.new("user", "role")))))


def _passable(audit: AuditContext, service: str) -> Target:
    return Target(
        tuple(literal(each) for each in (*passable(audit, service), audit.protected.iam("role", NEW_RESOURCE)))
    )


def passable(audit: AuditContext, service: str) -> tuple[str, ...]:
    """Return ARNs of the privileged roles that trust a service."""
    found = audit.passable.get(service)
    if found is None:
        roles = audit.roles_by_service.get(service, ())
        found = tuple(role.arn for role in roles if audit.is_privileged(role) or role.arn == audit.runbook_role)
        audit.passable[service] = found
    return found


def _carried(audit: AuditContext, service: str) -> Target | None:
    return _ANY if passable(audit, service) else None


def _organization(arns: _AccountArns) -> Target | None:
    return None if arns.audit.manages_organization is False else _ANY


_MAKERS: Final[dict[TargetKind, Callable[[_AccountArns], Target | None]]] = {
    TargetKind.ANYTHING: lambda _: _ANY,
    TargetKind.ANY_NODE: _any_node,
    TargetKind.NODES: _other_nodes,
    TargetKind.APPROVED_NODE: lambda arns: Target(_nodes(arns)),
    TargetKind.INSTANCES: lambda arns: Target((arns.of("ec2", f"instance/i-{SOME}"),)),
    TargetKind.SCRIPT_DOCUMENTS: _scripts,
    TargetKind.OWN_DOCUMENTS: _own_documents,
    TargetKind.ANY_DOCUMENT: lambda arns: Target((arns.of("ssm", f"document/{NEW_RESOURCE}"),)),
    TargetKind.OTHER_SESSION_DOCUMENTS: _other_session_documents,
    TargetKind.REMOTE_HOST_DOCUMENT: lambda arns: Target(arns.everywhere("ssm", f"document/{_REMOTE_HOST}")),
    TargetKind.SESSION_DOCUMENT: lambda arns: Target((arns.of("ssm", f"document/{arns.names.session_document}"),)),
    TargetKind.SHELL_DOCUMENTS: _shell_documents,
    TargetKind.SERVICE_SETTINGS: lambda arns: Target(
        tuple(arns.of("ssm", f"servicesetting/{each}") for each in ACCESS_SETTINGS)
    ),
    TargetKind.RUNBOOK: lambda arns: Target(arns.documents(arns.names.runbook), excluded=arns.no_versions()),
    TargetKind.OTHER_VERSIONS: _other_versions,
    TargetKind.TEMPLATE: lambda arns: Target(arns.documents(arns.names.template), excluded=arns.no_versions()),
    TargetKind.TEMPLATE_DOCUMENT: lambda arns: Target((arns.of("ssm", f"document/{arns.names.template}"),)),
    TargetKind.APPROVAL_DOCUMENTS: lambda arns: Target(
        tuple(arns.of("ssm", f"document/{each}") for each in _approval_documents(arns))
    ),
    TargetKind.OTHER_RUNBOOKS: _other_runbooks,
    TargetKind.SCHEDULE: lambda arns: Target((arns.of("scheduler", f"schedule/{SOME}/{arns.names.reaper_schedule}"),)),
    TargetKind.OTHER_TEMPLATES: _other_templates,
    TargetKind.AUTOMATIONS: _automations,
    TargetKind.EXECUTIONS: lambda arns: Target((arns.of("ssm", f"automation-execution/{SOME}"),)),
    TargetKind.OTHERS_SESSIONS: _others_sessions,
    TargetKind.KEY_PAIRS: lambda arns: Target((arns.of("ssm", f"parameter/ec2/keypair/key-{SOME}"),)),
    TargetKind.SECRETS: lambda arns: Target((arns.of("secretsmanager", f"secret:{NEW_RESOURCE}-{SOME}"),)),
    TargetKind.OPERATORS: _operators,
    TargetKind.MY_USERS: _my_users,
    TargetKind.MY_GROUPS: _my_groups,
    TargetKind.MY_ROLES: _my_roles,
    TargetKind.MY_POLICIES: _my_policies,
    TargetKind.OTHER_USERS: _other_users,
    TargetKind.TRUSTED_ROLES: _trusted_roles,
    TargetKind.PRIVILEGED_GROUPS: _privileged_groups,
    TargetKind.BOUNDED: _bounded,
    TargetKind.ANY_ROLE: lambda arns: Target(arns.new("role")),
    TargetKind.CREATED: lambda arns: _reached_by(arns, "iam:CreateRole", "iam:CreateUser"),
    TargetKind.RETRUSTED: lambda arns: _reached_by(arns, "iam:UpdateAssumeRolePolicy"),
    TargetKind.RUNBOOK_ROLE: lambda arns: Target((literal(arns.audit.runbook_role),)),
    TargetKind.OWN_DENY: lambda _: None,
    TargetKind.ORGANIZATION: _organization,
    TargetKind.TOPIC: lambda arns: Target((arns.of("sns", arns.names.topic),)),
}
