"""Permissions for State Manager associations: the documents that may run, and the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.domain_controllers.names import DOCUMENTS
from components.domain_controllers.port_forwarding_policy import ROLE_TAG
from components.nodes.names import UPDATE_DOCUMENT
from operations.deployer.scope import System
from operations.deployer.statement import Permission

if TYPE_CHECKING:
    from operations.deployer.scope import Scope

_RUN: Final = ("ssm:CreateAssociation", "ssm:UpdateAssociation")
_CHANGES: Final = (
    "ssm:AddTagsToResource",
    "ssm:DeleteAssociation",
    "ssm:RemoveTagsFromResource",
    "ssm:UpdateAssociation",
)


def association_documents(scope: Scope) -> list[str]:
    """Return the ARNs of documents that may run on nodes: the one of AWS that updates agents, and ours for controllers."""
    updates = [f"arn:{scope.partition}:ssm:*::document/{UPDATE_DOCUMENT}"] if System.NODES in scope.systems else []
    own = [scope.arn("ssm", f"document/{DOCUMENTS}*")] if System.CONTROLLER_OPERATIONS in scope.systems else []
    return [*updates, *own]


def association_permissions(scope: Scope) -> list[Permission]:
    """Return the permissions for associations with our tag.

    Where agents are updated, any node may be a target, and IAM cannot tell which document runs on which node; else the
    controllers alone.
    """
    documents = association_documents(scope)
    if not documents:
        return []
    key, value = scope.tag
    associations = (scope.arn("ssm", "association/*"),)
    instances = (scope.arn("ec2", "instance/*"),)
    controllers = Permission(
        sid="OperateControllers",
        actions=_RUN,
        resources=instances,
        conditions={"StringEquals": {f"aws:ResourceTag/{ROLE_TAG[0]}": ROLE_TAG[1]}},
    )
    nodes = Permission(sid="UpdateAgents", actions=_RUN, resources=(*instances, scope.arn("ssm", "managed-instance/*")))
    return [
        Permission(sid="UseDocuments", actions=_RUN, resources=tuple(documents)),
        nodes if System.NODES in scope.systems else controllers,
        Permission(
            sid="CreateAssociations",
            actions=("ssm:AddTagsToResource", "ssm:CreateAssociation"),
            resources=associations,
            conditions={"StringEquals": {f"aws:RequestTag/{key}": value}},
        ),
        Permission(
            sid="ChangeAssociations",
            actions=_CHANGES,
            resources=associations,
            conditions={"StringEquals": {f"aws:ResourceTag/{key}": value}},
        ),
    ]


def association_read_permissions(scope: Scope) -> list[Permission]:
    """Return the permission to read the tags of associations."""
    documents = association_documents(scope)
    if not documents:
        return []
    resources = (scope.arn("ssm", "association/*"), *documents)
    return [Permission(sid="ReadAssociations", actions=("ssm:ListTagsForResource",), resources=resources)]
