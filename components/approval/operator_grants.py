"""Tags of operators, as a resource: none is set when the workflow is created, and none is left when it is deleted.

In between only the runbook sets and removes them, so a refresh reads nothing.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.adoption.dynamic_provider import SECRET_PROPERTIES, AwsResourceProvider
from components.approval.names import TAG_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pulumi

    from components.approval.settings import ApprovalSettings

Properties = dict[str, Any]

_KINDS = ("roles", "users")


class OperatorGrantsProvider(AwsResourceProvider):
    """Removes tags with the credentials and endpoints of the stack's AWS provider."""

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Return a difference if principals are added or removed, or become secret."""
        return DiffResult(changes=any(_olds.get(name) != _news.get(name) for name in (*_KINDS, SECRET_PROPERTIES)))

    def create(self, props: Properties) -> CreateResult:
        """Remove tags set before, which would be grants as soon as the operators have their policy."""
        self._remove(props, {})
        return CreateResult(TAG_KEY, _principals(props))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        """Remove the tags of added principals, which start without a grant, and of removed ones."""
        self._remove(_news, _olds)
        self._remove(_olds, _news)
        return UpdateResult(_principals(_news))

    def delete(self, _id: str, _props: Properties) -> None:
        """Remove all tags: no grant outlives the workflow."""
        self._remove(_props, {})

    def _remove(self, principals: Properties, spared: Properties) -> None:
        with self.calling("tags of operators", "iam", principals["region"]) as iam:
            for role in _only_in(principals, spared, "roles"):
                with contextlib.suppress(iam.exceptions.NoSuchEntityException):
                    if keys := _spellings(iam.get_paginator("list_role_tags").paginate(RoleName=role)):
                        iam.untag_role(RoleName=role, TagKeys=keys)
            for user in _only_in(principals, spared, "users"):
                with contextlib.suppress(iam.exceptions.NoSuchEntityException):
                    if keys := _spellings(iam.get_paginator("list_user_tags").paginate(UserName=user)):
                        iam.untag_user(UserName=user, TagKeys=keys)


def _spellings(pages: Iterable[Any]) -> list[str]:
    """Return all spellings of the tag's key, as IAM does not distinguish tag keys by case."""
    return [tag["Key"] for page in pages for tag in page["Tags"] if tag["Key"].lower() == TAG_KEY.lower()]


def _only_in(principals: Properties, others: Properties, kind: str) -> list[str]:
    names: list[str] = principals.get(kind) or []
    return [name for name in names if name not in (others.get(kind) or [])]


def _principals(props: Properties) -> Properties:
    return {name: props[name] for name in (*_KINDS, "region", SECRET_PROPERTIES) if name in props}


class OperatorGrants(Resource, module="iam", name="OperatorGrants"):
    """Tags of all operators. Resources that may set tags depend on it, so that it is deleted last."""

    def __init__(
        self, name: str, settings: ApprovalSettings, region: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Register the resource; IAM is called from `region`."""
        properties = {"roles": settings.operator_roles, "users": settings.operator_users, "region": region}
        super().__init__(OperatorGrantsProvider(), name, properties, opts)
