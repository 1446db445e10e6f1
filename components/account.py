"""The account that a stack deploys to."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_aws import get_caller_identity, get_partition


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where a stack deploys to.

    Attributes:
        id: 12 digits.
        partition: `aws`, `aws-cn`, `aws-us-gov`.
    """

    id: str
    partition: str

    @classmethod
    def of_provider(cls) -> Account:
        """The account of the stack's AWS provider, after the roles that it assumes."""
        return cls(id=get_caller_identity().account_id, partition=get_partition().partition)
