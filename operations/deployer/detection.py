"""Permissions for detection services, which exist once per Region and usually before the stack.

Sources: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon GuardDuty and Amazon Inspector2;
User Guides, "Using service-linked roles for Amazon GuardDuty", "Using service-linked roles for Amazon Inspector".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.names import SecurityService
from components.detection.services import OURS_TAG
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

READ: Final = {
    SecurityService.GUARD_DUTY: (
        "guardduty:GetAdministratorAccount",
        "guardduty:GetDetector",
        "guardduty:ListDetectors",
    ),
    SecurityService.INSPECTOR: (
        "inspector2:BatchGetAccountStatus",
        "inspector2:GetDelegatedAdminAccount",
    ),
}
SERVICE_ROLES: Final = {
    SecurityService.GUARD_DUTY: ("guardduty.amazonaws.com",),
    SecurityService.INSPECTOR: ("inspector2.amazonaws.com", "agentless.inspector2.amazonaws.com"),
}
"""Principals of service-linked roles, created with the permissions of the principal that enables the service; each ends with the first."""


def detection_read_actions(scope: DeploymentScope) -> list[str]:
    """Return the actions that read the services of a scope."""
    return [action for service in sorted(scope.detection) for action in READ[service]]


def detection_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to enable, adopt and restore the services of a scope."""
    found = _guard_duty(scope) if SecurityService.GUARD_DUTY in scope.detection else []
    if SecurityService.INSPECTOR in scope.detection:
        # They have no resource type, and no condition key for the type of scan.
        found.append(AllowedActions(sid="ManageScans", actions=("inspector2:Disable", "inspector2:Enable")))
    roles = [name for service in sorted(scope.detection) for name in SERVICE_ROLES[service]]
    if not roles:
        return []
    return [
        *found,
        AllowedActions(
            sid="CreateServiceRoles",
            actions=("iam:CreateServiceLinkedRole",),
            resources=tuple(scope.iam(f"role/aws-service-role/{name}/*") for name in roles),
            conditions={"StringEquals": {"iam:AWSServiceName": roles}},
            everywhere=True,
        ),
    ]


def _guard_duty(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for the detector: one of others can be adopted, and never be deleted.

    A dynamic resource creates it, which the default tags of the AWS provider do not reach, so that its ownership tags are the condition.
    """
    detectors = (scope.arn("guardduty", "detector/*"),)
    tagging = ("guardduty:TagResource", "guardduty:UntagResource")
    adopting = [OWNER_TAG, OURS_TAG]
    return [
        AllowedActions(
            sid="CreateDetectors",
            actions=("guardduty:CreateDetector",),
            conditions={"Null": {f"aws:RequestTag/{MADE_HERE_TAG}": "false"}},
        ),
        AllowedActions(
            sid="ChangeDetectors",
            actions=("guardduty:DeleteDetector", *tagging),
            resources=detectors,
            conditions={"Null": {f"aws:ResourceTag/{MADE_HERE_TAG}": "false"}},
        ),
        AllowedActions(
            sid="AdoptDetectors",
            actions=tagging,
            resources=detectors,
            conditions={"ForAllValues:StringEquals": {"aws:TagKeys": adopting}, "Null": {"aws:TagKeys": "false"}},
        ),
        AllowedActions(sid="UpdateDetectors", actions=("guardduty:UpdateDetector",), resources=detectors),
    ]
