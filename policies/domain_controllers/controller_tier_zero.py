"""Rights over what domain controllers run, their disks and their secrets, in stacks with controllers.

Sessions, commands, runbooks, logins, user data and documents are the separation of duties' rules, for every node. This rule
has what is left for the directory: a principal that copies a controller's disk, or decides what it runs next, controls the forest.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from common.iam.patterns import SOME
from components.domain_controllers.names import CONTROLLERS_ROLE
from policies.domain_controllers.controller_tags import MARKS, TAG_KEY, TAG_VALUES
from policies.domain_controllers.machines import Machines
from policies.rule import CONTROLLERS_POST, Rule
from policies.separation_of_duties.aws_managed import INSTANCES
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.node_access import Path, RequiredPermission, matching_paths
from policies.separation_of_duties.requests import one
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS, judged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.iam.choices import Choice
    from policies.findings import Findings
    from policies.stack import Stack

_POLICIES: Final = replace(POLICIES, default=[CONTROLLERS_ROLE, f"{CONTROLLERS_ROLE}-?"])
"""Controllers read the secrets of their own promotion."""

CONTROLLER_TIER_ZERO = Rule(
    id="controller-tier-zero",
    title="Only the directory team may copy disks of domain controllers, read their secrets or change what they run on schedule",
    severity=Severity.HIGH,
    risk="a copy of a controller's disk has the password hashes of all users, and scheduled work on it or the secrets of its "
    "promotion control the forest",
    remedy="Remove the action, deny it where aws:ResourceTag/Role is DomainController, or list the directory team in "
    "allowedPrincipals (here: shell-access:domainControllers.administratorRoles)",
    source='Microsoft "Securing domain controllers against attack"; '
    "Service Authorization Reference, Amazon EC2, EBS, AWS Secrets Manager and AWS Systems Manager; "
    f"NIST SP 800-53 r5 AC-5, AC-6; {CONTROLLERS_POST}",
    url="https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    parameters=(PRINCIPALS, _POLICIES, *MARKS),
)

_TAGS: Final = ("aws:resourcetag/", "ec2:resourcetag/", "secretsmanager:resourcetag/", "ssm:resourcetag/")
_SSM: Final = f"ssm:{SOME}:{SOME}:"


def _paths(tags: Mapping[str, tuple[Choice, ...]]) -> tuple[Path, ...]:
    instances, volumes = (f"ec2:{SOME}:{SOME}:instance/i-{SOME}",), (f"ec2:{SOME}:{SOME}:volume/vol-{SOME}",)
    snapshots = (f"ec2:{SOME}:{SOME}:snapshot/snap-{SOME}", f"ec2:{SOME}::snapshot/snap-{SOME}")
    return (
        (RequiredPermission(("ec2:CreateImage", "ec2:CreateInstanceExportTask"), instances, given=tags),),
        (
            RequiredPermission(
                ("ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:AttachVolume", "ec2:DetachVolume"),
                volumes,
                given=tags,
            ),
        ),
        (
            RequiredPermission(
                ("ec2:CopySnapshot", "ec2:ModifySnapshotAttribute", "ebs:GetSnapshotBlock"),
                snapshots,
                given=tags,
            ),
        ),
        (
            RequiredPermission(
                (
                    *("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret"),
                    *("secretsmanager:PutResourcePolicy", "secretsmanager:ReplicateSecretToRegions"),
                ),
                (f"secretsmanager:{SOME}:{SOME}:secret:{SOME}",),
                given=tags,
            ),
        ),
        (RequiredPermission(("ssm:StartAssociationsOnce",), (f"{_SSM}association/{SOME}",)),),
        (
            RequiredPermission(
                ("ssm:RegisterTargetWithMaintenanceWindow", "ssm:UpdateMaintenanceWindowTarget"),
                (f"{_SSM}maintenancewindow/mw-{SOME}", f"{_SSM}windowtarget/{SOME}"),
            ),
        ),
        (
            RequiredPermission(
                ("ssm:RegisterPatchBaselineForPatchGroup", "ssm:UpdatePatchBaseline"),
                (f"{_SSM}patchbaseline/pb-{SOME}",),
            ),
        ),
    )


@CONTROLLER_TIER_ZERO.on_stack
def _belongs_to_the_team(stack: Stack) -> Findings:
    if not Machines(stack).all:
        return
    key, (value, *_) = stack.settings[TAG_KEY.name], stack.settings[TAG_VALUES.name]
    tags = {f"{prefix}{key.lower()}": one(value) for prefix in _TAGS}
    question = partial(matching_paths, _paths(tags))
    for resource in (each for type_ in CARRIERS for each in stack.of(type_)):
        yield from judged(
            resource, question, "no permissions for controllers' disks, secrets and scheduled operations", INSTANCES
        )
