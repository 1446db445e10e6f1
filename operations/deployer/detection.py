"""Permissions for detection services, which exist once per Region and usually before the stack.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon GuardDuty"; GuardDuty User Guide,
"Using service-linked roles for Amazon GuardDuty".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.services import OURS_TAG, SecurityService
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

READ: Final = {
    SecurityService.GUARD_DUTY: (
        "guardduty:GetAdministratorAccount",
        "guardduty:GetDetector",
        "guardduty:ListDetectors",
    ),
}
SERVICE_ROLES: Final = {
    SecurityService.GUARD_DUTY: "guardduty.amazonaws.com",
}
"""Services that create their service-linked role with the permissions of the principal that enables them."""


def detection_read_actions(scope: DeploymentScope) -> list[str]:
    """Return the actions that read the services of a scope."""
    return [action for service in sorted(scope.detection) for action in READ[service]]


def detection_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to enable, adopt and restore the services of a scope."""
    found = _guard_duty(scope) if SecurityService.GUARD_DUTY in scope.detection else []
    roles = [SERVICE_ROLES[service] for service in sorted(scope.detection)]
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
