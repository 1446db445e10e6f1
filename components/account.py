"""Account of a stack."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi_aws import get_caller_identity, get_partition


@dataclass(frozen=True, kw_only=True)
class Account:
    """Account of a stack.

    The ARN of an assumed role is `arn:aws:sts::...:assumed-role/...`.
    """

    id: str
    partition: str
    caller_arn: str = ""

    @classmethod
    def of_provider(cls) -> Account:
        """Return the account of the stack's AWS provider, after the roles that it assumes."""
        caller = get_caller_identity()
        return cls(id=caller.account_id, partition=get_partition().partition, caller_arn=caller.arn)
