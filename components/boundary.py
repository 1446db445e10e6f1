"""Permissions boundary on every role of a stack, whichever component creates it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from components.account import Account

ROLE = "aws:iam/role:Role"


def bound_roles(boundary: str, account: Account) -> None:
    """Set the permissions boundary of each role that is registered from now on.

    Args:
        boundary: Name or ARN of a managed policy; empty: none.
        account: Account of a policy that is given by name.
    """
    if not boundary:
        return
    arn = boundary if boundary.startswith("arn:") else f"arn:{account.partition}:iam::{account.id}:policy/{boundary}"

    def bounded(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != ROLE:
            return None
        return pulumi.ResourceTransformationResult({**args.props, "permissionsBoundary": arn}, args.opts)

    pulumi.runtime.register_stack_transformation(bounded)
