"""KMS keys for session data and session logs, each with its fixed alias."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.kms import Alias, Key

from components.adoption.adopted_resource import AdoptedResource, with_prior_tags
from components.adoption.lookup import retained_key
from components.adoption.resource_kinds import Kind

if TYPE_CHECKING:
    from common.iam.statements import Policy

DELETION_WINDOW_DAYS = 30
"""Maximum that KMS allows: data cannot be decrypted once its key is deleted."""


class AliasedKey(pulumi.ComponentResource):
    """Symmetric key that rotates every year, and its alias.

    Attributes:
        key: The KMS key.
    """

    def __init__(  # noqa: PLR0913 -- arguments of a resource
        self,
        name: str,
        *,
        alias: str,
        description: str,
        policy: Policy,
        region: str,
        tags: dict[str, str],
        retain: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the resources.

        Args:
            name: Name of the resources.
            alias: Name with `alias/`; an existing alias is adopted, and restored when the stack is destroyed.
            description: Purpose of the key.
            policy: Key policy.
            region: Region of the key.
            tags: Tags of the key.
            retain: Whether key and alias remain when the stack is destroyed, to be adopted by the next one.
            opts: Options of the component.
        """
        super().__init__("shell-access:sessionManager:AliasedKey", name, None, opts)
        self.key = Key(
            name,
            description=description,
            policy=json.dumps(policy),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            region=region,
            tags=with_prior_tags(Kind.ALIAS, region, alias, tags),
            opts=pulumi.ResourceOptions(parent=self, import_=retained_key(alias, region), retain_on_delete=retain),
        )
        adopted = AdoptedResource(
            name,
            kind=Kind.ALIAS,
            region=region,
            physical_name=alias,
            value=self.key.key_id,
            retain=retain,
            opts=pulumi.ResourceOptions(parent=self),
        )
        Alias(
            name,
            name=alias,
            target_key_id=self.key.key_id,
            region=region,
            opts=adopted.import_options(self),
        )
        self.register_outputs({"keyArn": self.key.arn})
