"""Permissions for detection services, which exist once per Region and usually before the stack.

Sources: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon GuardDuty, Amazon Inspector2, AWS
Security Hub; User Guides, "Using service-linked roles for Amazon GuardDuty", "... for Amazon Inspector", "... for Security Hub".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.names import SecurityService
from components.detection.services import OURS_TAG
from operations.deployer.statement import AllowedActions, actions_of

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

READ: Final = {
    SecurityService.GUARD_DUTY: actions_of("guardduty: GetAdministratorAccount GetDetector ListDetectors"),
    SecurityService.INSPECTOR: actions_of("inspector2: BatchGetAccountStatus GetDelegatedAdminAccount"),
    SecurityService.SECURITY_HUB: actions_of(
        "config: DescribeConfigurationRecorderStatus DescribeConfigurationRecorders",
        "securityhub: DescribeHub GetAdministratorAccount GetEnabledStandards ListTagsForResource",
    ),
}
SERVICE_ROLES: Final = {
    SecurityService.GUARD_DUTY: ("guardduty.amazonaws.com",),
    SecurityService.INSPECTOR: ("inspector2.amazonaws.com", "agentless.inspector2.amazonaws.com"),
    SecurityService.SECURITY_HUB: ("securityhub.amazonaws.com",),
}
"""Principals of service-linked roles, created with the permissions of the principal that enables the service; each ends with the first."""


def detection_read_actions(scope: DeploymentScope) -> list[str]:
    """Return the actions that read the services of a scope."""
    cis = ("inspector2:ListCisScanConfigurations",) if scope.has_cis_scans else ()
    return [*(action for service in sorted(scope.detection) for action in READ[service]), *cis]


def detection_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to enable, adopt and restore the services of a scope.

    Dynamic resources create what has tags, which the default tags of the AWS provider do not reach, so that their ownership
    tags are the condition. What others have created can be adopted, and never be deleted: the tag cannot be set on it.
    """
    roles = [name for service in sorted(scope.detection) for name in SERVICE_ROLES[service]]
    if not roles:
        return []
    own = [
        *(_PARTS[service] for service in sorted(scope.detection) if service in _PARTS),
        *([_CIS_SCANS] if scope.has_cis_scans else []),
    ]
    changed = [each for each in own if each.changing]
    return [
        AllowedActions(
            "CreateDetection",
            tuple(action for each in own for action in each.creating),
            conditions={"Null": {f"aws:RequestTag/{MADE_HERE_TAG}": "false"}},
        ),
        AllowedActions(
            "ChangeOwnDetection",
            tuple(action for each in own for action in each.own),
            tuple(scope.arn(*each.resource) for each in own),
            {"Null": {f"aws:ResourceTag/{MADE_HERE_TAG}": "false"}},
        ),
        AllowedActions(
            "ChangeDetection",
            tuple(action for each in changed for action in each.changing),
            tuple(scope.arn(*each.resource) for each in changed),
        ),
        *([_adoption(scope)] if SecurityService.GUARD_DUTY in scope.detection else []),
        *([_SCANS] if SecurityService.INSPECTOR in scope.detection else []),
        AllowedActions(
            "CreateServiceRoles",
            ("iam:CreateServiceLinkedRole",),
            tuple(scope.iam(f"role/aws-service-role/{name}/*") for name in roles),
            {"StringEquals": {"iam:AWSServiceName": roles}},
            everywhere=True,
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class _ServicePermissions:
    """Permissions for the resource of a service.

    Attributes:
        resource: Service and resource of its ARNs.
        creating: Actions with the tags of the request as a condition.
        own: Actions on what a stack has created.
        changing: Actions on what exists, also before the stack.
    """

    resource: tuple[str, str]
    creating: tuple[str, ...]
    own: tuple[str, ...]
    changing: tuple[str, ...] = ()


_TAGGING: Final = ("guardduty:TagResource", "guardduty:UntagResource")
_PARTS: Final = {
    SecurityService.GUARD_DUTY: _ServicePermissions(
        resource=("guardduty", "detector/*"),
        creating=("guardduty:CreateDetector",),
        own=("guardduty:DeleteDetector", *_TAGGING),
        changing=("guardduty:UpdateDetector",),
    ),
    # The tags of its requests are no condition keys, so that a hub of others is not tagged.
    SecurityService.SECURITY_HUB: _ServicePermissions(
        resource=("securityhub", "hub/default"),
        creating=("securityhub:EnableSecurityHub",),
        own=("securityhub:DisableSecurityHub", "securityhub:TagResource", "securityhub:UntagResource"),
        changing=("securityhub:BatchDisableStandards", "securityhub:BatchEnableStandards"),
    ),
}
_CIS_SCANS: Final = _ServicePermissions(
    resource=("inspector2", "owner/*/cis-configuration/*"),
    creating=("inspector2:CreateCisScanConfiguration",),
    own=actions_of("inspector2: DeleteCisScanConfiguration TagResource UntagResource UpdateCisScanConfiguration"),
)
_SCANS: Final = AllowedActions("ManageScans", ("inspector2:Disable", "inspector2:Enable"))
"""They have no resource type, and no condition key for the type of scan."""


def _adoption(scope: DeploymentScope) -> AllowedActions:
    """Return the permission to tag a detector of others, with two tags that do not permit its deletion."""
    return AllowedActions(
        "AdoptDetectors",
        _TAGGING,
        (scope.arn("guardduty", "detector/*"),),
        {"ForAllValues:StringEquals": {"aws:TagKeys": [OWNER_TAG, OURS_TAG]}, "Null": {"aws:TagKeys": "false"}},
    )
