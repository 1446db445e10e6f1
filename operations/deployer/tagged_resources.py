"""Permissions for resources without names (EC2, Route 53 Resolver, KMS): they are created with our tag, and changed where they have it.

Sources: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Route 53 Resolver" and "... for AWS
Resource Access Manager (RAM)"; Amazon Route 53 Developer Guide, "Identity-based policies": Resolver creates the network
interfaces of an endpoint with the permissions of the caller.
"""

from __future__ import annotations

from typing import Final

from common.aws.arns import service_domain
from operations.deployer.scope import DeploymentScope, System
from operations.deployer.statement import AllowedActions, actions_of

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

_CHANGES: Final = actions_of(
    "ec2: AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateTags DeleteSecurityGroup DeleteTags",
    "ec2: DeleteVpcEndpoints ModifySecurityGroupRules ModifyVpcEndpoint RevokeSecurityGroupEgress",
    "ec2: RevokeSecurityGroupIngress",
)
_CONTROLLER_CHANGES: Final = actions_of(
    "ec2: AssociateIamInstanceProfile AttachVolume CreateNetworkAclEntry DeleteFlowLogs DeleteManagedPrefixList",
    "ec2: DeleteNetworkAcl DeleteNetworkAclEntry DeleteVolume DetachVolume DisassociateIamInstanceProfile",
    "ec2: ModifyInstanceAttribute ModifyInstanceMetadataOptions ModifyManagedPrefixList",
    "ec2: ModifyNetworkInterfaceAttribute ModifyVolume ReplaceIamInstanceProfileAssociation StartInstances",
    "ec2: StopInstances TerminateInstances",
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


RESOLVER_READS: Final = actions_of(
    "ram: GetResourceShareAssociations GetResourceShares ListResourceSharePermissions",
    "route53resolver: GetResolverEndpoint GetResolverRule GetResolverRuleAssociation ListResolverEndpointIpAddresses",
    "route53resolver: ListResolverEndpoints ListResolverRuleAssociations ListResolverRules ListTagsForResource",
)
_RESOLVER_CREATED: Final = actions_of("route53resolver: CreateResolverEndpoint CreateResolverRule TagResource")
_RESOLVER_CHANGES: Final = actions_of(
    "ram: AssociateResourceShare DeleteResourceShare DisassociateResourceShare TagResource UntagResource",
    "ram: UpdateResourceShare",
    "route53resolver: AssociateResolverEndpointIpAddress AssociateResolverRule DeleteResolverEndpoint",
    "route53resolver: DeleteResolverRule DisassociateResolverEndpointIpAddress DisassociateResolverRule",
    "route53resolver: PutResolverRulePolicy TagResource UntagResource UpdateResolverEndpoint UpdateResolverRule",
)


def name_resolution_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for endpoints, rules and shares with the stacks' tag; none where no stack has any."""
    if not scope.has_resolver_endpoints:
        return []
    resolvers = tuple(scope.arn("route53resolver", f"resolver-{kind}/*") for kind in ("endpoint", "rule"))
    return [
        AllowedActions(
            "CreateResolvers",
            _RESOLVER_CREATED,
            resolvers,
            {"StringEquals": scope.requested},
        ),
        # A share has no resource type on creation.
        AllowedActions(
            "CreateShares",
            ("ram:CreateResourceShare",),
            conditions={"StringEquals": scope.requested, "Bool": {"ram:RequestedAllowsExternalPrincipals": "false"}},
        ),
        AllowedActions(
            "ChangeResolvers",
            _RESOLVER_CHANGES,
            (*resolvers, scope.arn("ram", "resource-share/*")),
            {"StringEquals": scope.tagged},
        ),
    ]


ALIASES: Final = ("alias/session-manager/*", "alias/shell-access/*")
"""Patterns of the aliases of every system."""

_KEY_CHANGES: Final = actions_of(
    "kms: EnableKey EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion TagResource UntagResource",
    "kms: UpdateKeyDescription",
)


def key_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to create keys with our tag, change keys that have it, and move our aliases."""
    every_key = scope.arn("kms", "key/*")
    return [
        AllowedActions(
            "CreateKeys",
            ("kms:CreateKey",),
            conditions={
                "StringEquals": scope.requested,
                "BoolIfExists": {"kms:BypassPolicyLockoutSafetyCheck": "false"},
            },
        ),
        # KMS requires it for all keys where a key is created with tags (Developer Guide, "Controlling access to tags");
        # one with a Name tag is excluded, and the boundary excludes those with aliases of others.
        AllowedActions(
            "TagNewKeys",
            ("kms:TagResource",),
            conditions={
                "StringEquals": scope.requested,
                "Null": {f"aws:ResourceTag/{each}": "true" for each in (scope.tag[0], "Name")},
            },
        ),
        AllowedActions("ChangeKeys", _KEY_CHANGES, (every_key,), {"StringEquals": scope.tagged}),
        AllowedActions(
            "UpdateAliases",
            ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
            # An adopted alias is restored to the key that it named, which is not ours.
            (*(scope.arn("kms", each) for each in ALIASES), every_key),
        ),
    ]


def volume_key_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions to use our key for volumes, which EC2 does on behalf of the caller."""
    services = [service_domain("ec2", region, scope.partition) for region in scope.regions]
    ours: dict[str, str | list[str]] = {**scope.tagged, "kms:ViaService": services}
    return [
        AllowedActions(
            "EncryptVolumes",
            actions_of("kms: Decrypt DescribeKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"),
            (scope.arn("kms", "key/*"),),
            {"StringEquals": ours},
        ),
        AllowedActions(
            "GrantVolumeKey",
            ("kms:CreateGrant",),
            (scope.arn("kms", "key/*"),),
            {"StringEquals": ours, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
