"""Permissions for Route 53 Resolver endpoints and rules of domain controllers, and for the share of the rules.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Route 53 Resolver" and "... for AWS
Resource Access Manager (RAM)"; Amazon Route 53 Developer Guide, "Identity-based policies": Resolver creates the endpoint's
network interfaces with the caller's permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from operations.deployer.statement import AllowedActions

if TYPE_CHECKING:
    from operations.deployer.scope import DeploymentScope

READ: Final = (
    "ram:GetResourceShareAssociations",
    "ram:GetResourceShares",
    "ram:ListResourceSharePermissions",
    "route53resolver:GetResolverEndpoint",
    "route53resolver:GetResolverRule",
    "route53resolver:GetResolverRuleAssociation",
    "route53resolver:ListResolverEndpointIpAddresses",
    "route53resolver:ListResolverEndpoints",
    "route53resolver:ListResolverRuleAssociations",
    "route53resolver:ListResolverRules",
    "route53resolver:ListTagsForResource",
)
_CREATED: Final = (
    "route53resolver:CreateResolverEndpoint",
    "route53resolver:CreateResolverRule",
    "route53resolver:TagResource",
)
_CHANGES: Final = (
    "ram:AssociateResourceShare",
    "ram:DeleteResourceShare",
    "ram:DisassociateResourceShare",
    "ram:TagResource",
    "ram:UntagResource",
    "ram:UpdateResourceShare",
    "route53resolver:AssociateResolverEndpointIpAddress",
    "route53resolver:AssociateResolverRule",
    "route53resolver:DeleteResolverEndpoint",
    "route53resolver:DeleteResolverRule",
    "route53resolver:DisassociateResolverEndpointIpAddress",
    "route53resolver:DisassociateResolverRule",
    "route53resolver:PutResolverRulePolicy",
    "route53resolver:TagResource",
    "route53resolver:UntagResource",
    "route53resolver:UpdateResolverEndpoint",
    "route53resolver:UpdateResolverRule",
)


def name_resolution_permissions(scope: DeploymentScope) -> list[AllowedActions]:
    """Return the permissions for endpoints, rules and shares with the stacks' tag; none where no stack has any."""
    if not scope.has_resolver_endpoints:
        return []
    kinds = (
        ("route53resolver", "resolver-endpoint/*"),
        ("route53resolver", "resolver-rule/*"),
        ("ram", "resource-share/*"),
    )
    return [
        AllowedActions(
            "CreateResolvers",
            _CREATED,
            tuple(scope.arn(service, kind) for service, kind in kinds[:2]),
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
            _CHANGES,
            tuple(scope.arn(service, kind) for service, kind in kinds),
            {"StringEquals": scope.tagged},
        ),
    ]
