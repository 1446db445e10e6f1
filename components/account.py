"""Account of a stack."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws import get_caller_identity, get_partition

from common.aws.arns import Scope


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
        """Return the account of the stack's AWS provider, after the roles that it assumes.

        Raises:
            RunError: The provider's call failed.
        """
        try:
            caller, partition = get_caller_identity(), get_partition().partition
        except Exception as failed:  # noqa: BLE001 -- what Pulumi raises if a function of a provider fails
            raise pulumi.RunError(f"Cannot determine the account: {failed}") from None
        return cls(id=caller.account_id, partition=partition, caller_arn=caller.arn)

    def scope(self, region: str = "") -> Scope:
        """Return the account for policies and ARNs, with a Region where one matters."""
        return Scope(partition=self.partition, account_id=self.id, region=region)
