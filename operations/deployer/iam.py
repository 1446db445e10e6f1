"""Permissions for IAM: roles and policies with our names are created; others only get our policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.adoption.governance import POLICY_NAME as GOVERNING_STACK
from components.approval.names import (
    APPROVER_POLICY_NAME,
    BREAK_GLASS_ROLE_NAME,
    EVENT_FORWARDING_ROLE_NAME,
    EVIDENCE_ROLE_NAME,
    EVIDENCE_ROLES,
    EVIDENCE_SCHEDULE_ROLE_NAME,
    GUARD_RAIL_POLICY_NAME,
    IDENTITIES_GUARD_RAIL_POLICY_NAME,
    OPERATOR_BOUNDARY_NAME,
    OPERATOR_POLICY_NAME,
    OPERATOR_ROLE_PREFIX,
    OPERATORS_PATH,
    REAPER_SCHEDULE_ROLE_NAME,
    REQUESTER_POLICY_NAME,
    ROLE_NAME,
    TAG_KEY,
)
from components.domain_controllers.names import CONTROLLERS_ROLE, FLOW_LOGS_ROLE
from components.nodes.names import HOST_ROLE_NAME, REMEDIATION_ROLE_NAME
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.deployer.names import ROLES_BOUNDARY
from operations.deployer.scope import DeploymentScope, System
from operations.deployer.statement import AllowedActions, actions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class OwnRole:
    """A role that stacks create.

    Attributes:
        name: Name, or its prefix and `*`.
        passed_to: Service that the deployer passes it to; empty: it is not passed.
        is_attached: Whether managed policies are attached to it; else it has inline policies only.
    """

    name: str
    system: System
    passed_to: str = ""
    is_attached: bool = False


OPERATOR_ROLES: Final = f"{OPERATORS_PATH.strip('/')}/{OPERATOR_ROLE_PREFIX}*"

ROLES: Final = (
    # A runbook that names its role needs iam:PassRole to be created; the boundary denies starting one (boundary.py).
    OwnRole(ROLE_NAME, System.APPROVAL, "ssm.amazonaws.com"),
    OwnRole(REAPER_SCHEDULE_ROLE_NAME, System.APPROVAL, "scheduler.amazonaws.com"),
    OwnRole(EVENT_FORWARDING_ROLE_NAME, System.APPROVAL, "events.amazonaws.com"),
    OwnRole(BREAK_GLASS_ROLE_NAME, System.APPROVAL),
    OwnRole(OPERATOR_ROLES, System.APPROVAL, is_attached=True),
    OwnRole(EVIDENCE_ROLE_NAME, System.APPROVAL, "ssm.amazonaws.com"),
    OwnRole(EVIDENCE_SCHEDULE_ROLE_NAME, System.APPROVAL, "scheduler.amazonaws.com"),
    OwnRole(CONTROLLERS_ROLE, System.CONTROLLERS, "ec2.amazonaws.com", is_attached=True),
    OwnRole(f"{FLOW_LOGS_ROLE}-*", System.CONTROLLERS, "vpc-flow-logs.amazonaws.com"),
    OwnRole(REMEDIATION_ROLE_NAME, System.NODES, "ssm.amazonaws.com"),
    OwnRole(HOST_ROLE_NAME, System.NODES, "ssm.amazonaws.com", is_attached=True),
)

POLICIES: Final = {
    # Including those of further Regions, where one policy is too small for all.
    f"{INSTANCE_POLICY_NAME}*": System.SESSION_MANAGER,
    OPERATOR_POLICY_NAME: System.APPROVAL,
    REQUESTER_POLICY_NAME: System.APPROVAL,
    APPROVER_POLICY_NAME: System.APPROVAL,
    GUARD_RAIL_POLICY_NAME: System.APPROVAL,
    IDENTITIES_GUARD_RAIL_POLICY_NAME: System.APPROVAL,
    # The controllers' own, and those for access to them, begin alike; the size of policies is limited.
    f"{CONTROLLERS_ROLE}*": System.CONTROLLERS,
}
"""Managed policies that stacks create, with the system of each."""

_POLICY_CHANGES: Final = actions_of(
    "iam: CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion TagPolicy UntagPolicy"
)
_ROLE_CHANGES: Final = actions_of("iam: DeleteRole TagRole UntagRole UpdateRole UpdateRoleDescription")
_BOUNDED: Final = actions_of(
    "iam: CreateRole DeleteRolePolicy PutRolePermissionsBoundary PutRolePolicy UpdateAssumeRolePolicy"
)
_PROFILE_CHANGES: Final = actions_of(
    "iam: AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile RemoveRoleFromInstanceProfile",
    "iam: TagInstanceProfile UntagInstanceProfile",
)


def policy_arns(scope: DeploymentScope) -> list[str]:
    """Return the ARNs of managed policies that the systems of a scope create."""
    names = [name for name, system in POLICIES.items() if system in scope.systems]
    return [scope.policy(name) for name in (*names, *([OPERATOR_BOUNDARY_NAME] if scope.identity_regions else []))]


def record_arn(scope: DeploymentScope) -> str:
    """Return the ARN of the record of the governing stack, which every stack keeps and no principal has attached."""
    return scope.policy(GOVERNING_STACK)


def own_roles(scope: DeploymentScope) -> list[OwnRole]:
    """Return the roles that the systems of a scope create."""
    left_out = {
        *(() if scope.has_break_glass else (BREAK_GLASS_ROLE_NAME,)),
        *(() if scope.exports_evidence else EVIDENCE_ROLES),
        *(() if scope.identity_regions else (OPERATOR_ROLES,)),
    }
    return [each for each in ROLES if each.system in scope.systems and each.name not in left_out]


def iam_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for IAM that the systems of a scope need."""
    roles = [scope.iam(f"role/{each.name}") for each in own_roles(scope)]
    profile = [scope.iam(f"instance-profile/{CONTROLLERS_ROLE}")] if System.CONTROLLERS in scope.systems else []
    return [
        _permission("ManagePolicies", _POLICY_CHANGES, [*policy_arns(scope), record_arn(scope)]),
        _permission("ManageRoles", _ROLE_CHANGES, roles),
        _permission("CreateBoundedRoles", _BOUNDED, roles, {"ArnEquals": _bounded(scope)}),
        *_passed_roles(scope),
        *_attachments(scope),
        _permission("ManageInstanceProfile", _PROFILE_CHANGES, profile),
        _removal_of_grants(scope),
    ]


def _passed_roles(scope: DeploymentScope) -> list[AllowedActions]:
    by_service: dict[str, list[str]] = {}
    for each in own_roles(scope):
        if each.passed_to:
            by_service.setdefault(each.passed_to, []).append(scope.iam(f"role/{each.name}"))
    return [
        _permission(f"Pass{number}", ("iam:PassRole",), roles, {"StringEquals": {"iam:PassedToService": service}})
        for number, (service, roles) in enumerate(by_service.items())
    ]


def _attachments(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to attach our policies, and no others, to roles and users of the settings."""
    ours: dict[str, str | list[str]] = {"iam:PolicyARN": policy_arns(scope)}
    own = [scope.iam(f"role/{each.name}") for each in own_roles(scope) if each.is_attached]
    # One statement, as the size of policies is limited: actions on roles apply to no user, and the reverse.
    principals = {"Role": scope.principals("role", scope.roles), "User": scope.principals("user", scope.users)}
    attaching = [
        f"iam:{verb}{kind}Policy" for kind, arns in principals.items() if arns for verb in ("Attach", "Detach")
    ]
    every_role = [scope.iam("role/*")] if System.SESSION_MANAGER in scope.systems else []
    instance = {"ArnEquals": {"iam:PolicyARN": scope.policy(f"{INSTANCE_POLICY_NAME}*")}}
    return [
        # A role of an earlier stack may lack the boundary, and the deployer can write any policy for it.
        _permission("AttachToOwnRoles", ("iam:AttachRolePolicy",), own, {"ArnEquals": {**ours, **_bounded(scope)}}),
        _permission("DetachFromOwnRoles", ("iam:DetachRolePolicy",), own, {"ArnEquals": ours}),
        # Whatever else was attached to the role of a person, it is deleted when the person is no operator any more.
        _permission("DetachFromPeople", ("iam:DetachRolePolicy",), _people(scope)),
        _permission("AttachToPrincipals", attaching, [*principals["Role"], *principals["User"]], {"ArnEquals": ours}),
        # The instance policy can be deleted only once it is detached from roles that remediation attached it to.
        _permission("DetachInstancePolicy", ("iam:DetachRolePolicy",), every_role, instance),
    ]


def _bounded(scope: DeploymentScope) -> dict[str, str]:
    return {"iam:PermissionsBoundary": scope.policy(ROLES_BOUNDARY)}


def _people(scope: DeploymentScope) -> list[str]:
    return [scope.iam(f"role/{OPERATOR_ROLES}")] if scope.identity_regions else []


def _removal_of_grants(scope: DeploymentScope) -> AllowedActions:
    """Return the permission to remove grants, never to set them. IAM does not distinguish tag keys by case."""
    roles, users = scope.principals("role", scope.operator_roles), scope.principals("user", scope.operator_users)
    only_grants = {
        "ForAllValues:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]},
        "Null": {"aws:TagKeys": "false"},
    }
    removing = ("iam:UntagRole", "iam:UntagUser")
    return _permission("RemoveGrants", removing, [*_people(scope), *roles, *users], only_grants)


def _permission(
    sid: str,
    allowed: Iterable[str],
    resources: Iterable[str],
    conditions: Mapping[str, Mapping[str, str | list[str]]] | None = None,
) -> AllowedActions:
    return AllowedActions(sid, tuple(allowed), tuple(resources), conditions or {}, everywhere=True)
