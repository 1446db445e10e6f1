"""Permissions for EC2: resources are created with our tag, and changed where they have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.deployer.scope import System
from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

_ENDPOINTS: Final = frozenset({System.ENDPOINTS, System.CONTROLLERS})

_CREATED: Final = {"CreateSecurityGroup": "security-group", "CreateVpcEndpoint": "vpc-endpoint"}
_CREATED_FOR_CONTROLLERS: Final = {
    "CreateFlowLogs": "vpc-flow-log",
    "CreateManagedPrefixList": "prefix-list",
    "CreateNetworkAcl": "network-acl",
    "CreateVolume": "volume",
}
"""Resource type that each action creates; all of them can be tagged on creation."""

_RESOLVER_CALLS: Final = ("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface")

_USED: Final = ("vpc", "subnet", "route-table")
"""Resources of others that ours are created in or associated with."""

_CHANGES: Final = (
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateTags",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteTags",
    "ec2:DeleteVpcEndpoints",
    "ec2:ModifySecurityGroupRules",
    "ec2:ModifyVpcEndpoint",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
)
_CONTROLLER_CHANGES: Final = (
    "ec2:AssociateIamInstanceProfile",
    "ec2:AttachVolume",
    "ec2:CreateNetworkAclEntry",
    "ec2:DeleteFlowLogs",
    "ec2:DeleteManagedPrefixList",
    "ec2:DeleteNetworkAcl",
    "ec2:DeleteNetworkAclEntry",
    "ec2:DeleteVolume",
    "ec2:DetachVolume",
    "ec2:DisassociateIamInstanceProfile",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifyInstanceMetadataOptions",
    "ec2:ModifyManagedPrefixList",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:ModifyVolume",
    "ec2:ReplaceIamInstanceProfileAssociation",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:TerminateInstances",
)


def ec2_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for endpoints, and for the networks and instances of domain controllers."""
    if scope.systems.isdisjoint(_ENDPOINTS):
        return []
    controllers = System.CONTROLLERS in scope.systems
    requested, present = {"StringEquals": scope.requested}, {"StringEquals": scope.tagged}
    created = _CREATED | (_CREATED_FOR_CONTROLLERS if controllers else {})
    creating = [f"ec2:{each}" for each in created] + (["ec2:RunInstances"] if controllers else [])
    kinds = [*created.values(), *(["instance"] if controllers else [])]
    on_creation: dict[str, str | list[str]] = {
        "ec2:CreateAction": [each.removeprefix("ec2:") for each in creating],
        **scope.requested,
    }
    changes = _CHANGES + (_CONTROLLER_CHANGES if controllers else ())
    permissions = [
        AllowedActions("CreateWithTag", tuple(creating), _kinds(scope, kinds), requested),
        AllowedActions(
            "CreateInNetworks",
            tuple(each for each in creating if each not in ("ec2:CreateManagedPrefixList", "ec2:CreateVolume")),
            _kinds(scope, _USED),
        ),
        AllowedActions(
            "UseOwnGroups",
            tuple(each for each in creating if each in ("ec2:CreateVpcEndpoint", "ec2:RunInstances")),
            _kinds(scope, ["security-group"]),
            present,
        ),
        AllowedActions("TagOnCreation", ("ec2:CreateTags",), _kinds(scope, kinds), {"StringEquals": on_creation}),
        # The provider tags rules in a separate call.
        AllowedActions("TagRules", ("ec2:CreateTags",), _kinds(scope, ["security-group-rule"]), requested),
        AllowedActions("ChangeOwn", changes, (scope.arn("ec2", "*"),), present),
        # Subnets and route tables of endpoints before and after a change; prefix lists of rules; network ACLs that subnets
        # are restored to, which are not ours. Each action applies to its own kinds of resources only.
        AllowedActions(
            "UseNetworks",
            (
                "ec2:ModifySecurityGroupRules",
                "ec2:ModifyVpcEndpoint",
                *(["ec2:ReplaceNetworkAclAssociation"] if controllers else []),
            ),
            _kinds(scope, ("subnet", "route-table", "prefix-list", *(["network-acl"] if controllers else []))),
        ),
    ]
    private_names = AllowedActions(
        "ActThroughServices",
        # EC2 makes the first call on behalf of the deployer where an endpoint has the private DNS names of the service,
        # Route 53 Resolver the others for the addresses of its endpoints.
        ("route53:AssociateVPCWithHostedZone", *(_RESOLVER_CALLS if scope.has_resolver_endpoints else ())),
        (
            f"arn:{scope.partition}:route53:::hostedzone/*",
            *(_kinds(scope, ["network-interface", "security-group", "subnet"]) if scope.has_resolver_endpoints else ()),
        ),
        {"Bool": {"aws:ViaAWSService": "true"}},
        everywhere=True,
    )
    return [*permissions, private_names, *(_controller_permissions(scope) if controllers else [])]


def _controller_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    subnets = [scope.arn("ec2", f"subnet/{each}") for each in sorted(scope.controller_subnets)]
    images = f"arn:{scope.partition}:ec2:*::image/*"
    return [
        # A root volume is tagged after its creation, so this is limited to volumes without this tag and a Name tag.
        AllowedActions(
            "TagRootVolumes",
            ("ec2:CreateTags",),
            _kinds(scope, ["volume"]),
            {
                "StringEquals": scope.requested,
                "Null": {f"aws:ResourceTag/{each}": "true" for each in (scope.tag[0], "Name")},
            },
        ),
        AllowedActions(
            "RunFromImages", ("ec2:RunInstances",), (images, *_kinds(scope, ["network-interface", "volume"]))
        ),
        # EC2 creates an instance's network interface without tags, so its subnet identifies it, where settings have the
        # ID. Every security group that it gets has to be ours (ChangeOwn).
        AllowedActions(
            "ChangeGroupsOfControllers",
            ("ec2:ModifyNetworkInterfaceAttribute",),
            _kinds(scope, ["network-interface"]),
            {"ArnLike": {"ec2:Subnet": subnets}} if subnets else {},
        ),
    ]


def _kinds(scope: DeploymentScope, kinds: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(scope.arn("ec2", f"{kind}/*") for kind in kinds)
