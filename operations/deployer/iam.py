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
from components.domain_controllers import instance_role
from components.domain_controllers.names import FLOW_LOGS_ROLE
from components.nodes.names import HOST_ROLE_NAME, REMEDIATION_ROLE_NAME
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.deployer.names import ROLES_BOUNDARY
from operations.deployer.scope import System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.deployer.scope import DeploymentScope


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
    OwnRole(instance_role.NAME, System.CONTROLLERS, "ec2.amazonaws.com", is_attached=True),
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
    f"{instance_role.NAME}*": System.CONTROLLERS,
}
"""Managed policies that stacks create, with the system of each."""

_POLICY_CHANGES: Final = (
    "CreatePolicy",
    "CreatePolicyVersion",
    "DeletePolicy",
    "DeletePolicyVersion",
    "TagPolicy",
    "UntagPolicy",
)
_ROLE_CHANGES: Final = (
    "DeleteRole",
    "TagRole",
    "UntagRole",
    "UpdateRole",
    "UpdateRoleDescription",
)
_BOUNDED: Final = (
    "CreateRole",
    "DeleteRolePolicy",
    "PutRolePermissionsBoundary",
    "PutRolePolicy",
    "UpdateAssumeRolePolicy",
)
_PROFILE_CHANGES: Final = (
    "AddRoleToInstanceProfile",
    "CreateInstanceProfile",
    "DeleteInstanceProfile",
    "RemoveRoleFromInstanceProfile",
    "TagInstanceProfile",
    "UntagInstanceProfile",
)


def iam_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for IAM that the systems of a scope need."""
    return [*_policies(scope), *_roles(scope), *_attachments(scope), *_profiles(scope), *_grants(scope)]


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


def _policies(scope: DeploymentScope) -> list[AllowedActions]:
    return [_permission("ManagePolicies", _POLICY_CHANGES, [*policy_arns(scope), record_arn(scope)])]


def _roles(scope: DeploymentScope) -> list[AllowedActions]:
    roles = own_roles(scope)
    arns = [scope.iam(f"role/{each.name}") for each in roles]
    if not arns:
        return []
    services = list(dict.fromkeys(each.passed_to for each in roles if each.passed_to))
    passed = [
        AllowedActions(
            f"Pass{number}",
            ("iam:PassRole",),
            tuple(scope.iam(f"role/{each.name}") for each in roles if each.passed_to == service),
            {"StringEquals": {"iam:PassedToService": service}},
            everywhere=True,
        )
        for number, service in enumerate(services)
    ]
    return [
        _permission("ManageRoles", _ROLE_CHANGES, arns),
        _permission("CreateBoundedRoles", _BOUNDED, arns, _bounded(scope)),
        *passed,
    ]


def _attachments(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to attach our policies, and no others, to roles and users of the settings."""
    ours = {"ArnEquals": {"iam:PolicyARN": policy_arns(scope)}}
    own = [scope.iam(f"role/{each.name}") for each in own_roles(scope) if each.is_attached]
    roles = scope.principals("role", scope.roles)
    users = scope.principals("user", scope.users)
    found: list[AllowedActions] = []
    if own:
        # A role of an earlier stack may lack the boundary, and the deployer can write any policy for it.
        found.append(
            _permission(
                "AttachToOwnRoles",
                ("AttachRolePolicy",),
                own,
                {"ArnEquals": {**ours["ArnEquals"], **_bounded(scope)["ArnEquals"]}},
            )
        )
        found.append(_permission("DetachFromOwnRoles", ("DetachRolePolicy",), own, ours))
    if scope.identity_regions:
        # Whatever else was attached to the role of a person, it is deleted when the person is no operator any more.
        people = [scope.iam(f"role/{OPERATOR_ROLES}")]
        found.append(_permission("DetachFromPeople", ("DetachRolePolicy",), people))
    if roles or users:
        # One statement, as the size of policies is limited: actions on roles apply to no user, and the reverse.
        kinds = (("Role", roles), ("User", users))
        actions = tuple(f"{verb}{kind}Policy" for kind, arns in kinds if arns for verb in ("Attach", "Detach"))
        found.append(_permission("AttachToPrincipals", actions, [*roles, *users], ours))
    if System.SESSION_MANAGER in scope.systems:
        # The instance policy can be deleted only once it is detached from roles that remediation attached it to.
        instance = {"ArnEquals": {"iam:PolicyARN": scope.policy(f"{INSTANCE_POLICY_NAME}*")}}
        found.append(_permission("DetachInstancePolicy", ("DetachRolePolicy",), [scope.iam("role/*")], instance))
    return found


def _bounded(scope: DeploymentScope) -> dict[str, dict[str, str | list[str]]]:
    return {"ArnEquals": {"iam:PermissionsBoundary": scope.policy(ROLES_BOUNDARY)}}


def _profiles(scope: DeploymentScope) -> list[AllowedActions]:
    if System.CONTROLLERS not in scope.systems:
        return []
    return [
        _permission("ManageInstanceProfile", _PROFILE_CHANGES, [scope.iam(f"instance-profile/{instance_role.NAME}")])
    ]


def _grants(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to remove grants, never to set them. IAM does not distinguish tag keys by case."""
    people = [scope.iam(f"role/{OPERATOR_ROLES}")] if scope.identity_regions else []
    holders = [
        *people,
        *scope.principals("role", scope.operator_roles),
        *scope.principals("user", scope.operator_users),
    ]
    if not holders:
        return []
    only_grants = {
        "ForAllValues:StringEqualsIgnoreCase": {"aws:TagKeys": [TAG_KEY]},
        "Null": {"aws:TagKeys": "false"},
    }
    return [_permission("RemoveGrants", ("UntagRole", "UntagUser"), holders, only_grants)]


def _permission(
    sid: str,
    operations: tuple[str, ...],
    resources: list[str],
    conditions: Mapping[str, Mapping[str, str | list[str]]] | None = None,
) -> AllowedActions:
    actions = tuple(f"iam:{each}" for each in operations)
    return AllowedActions(sid, actions, tuple(resources), conditions or {}, everywhere=True)
