"""KMS keys for session data and session logs, each with its fixed alias."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.kms import Alias, Key

from components.adoption.adopted_resource import AdoptedResource, AdoptedResourceArgs, with_prior_tags
from components.adoption.lookup import retained_key
from components.adoption.resource_kinds import Kind

if TYPE_CHECKING:
    from common.iam.statements import Policy

DELETION_WINDOW_DAYS = 30
"""Maximum that KMS allows: data cannot be decrypted once its key is deleted."""


@dataclass(frozen=True, kw_only=True)
class AliasedKeyArgs:
    """Arguments of `AliasedKey`.

    Attributes:
        alias: Name with `alias/`; an existing alias is adopted, and restored when the stack is destroyed.
        description: Purpose of the key.
        policy: Key policy.
        region: Region of the key.
        tags: Tags of the key.
        retain: Whether key and alias remain when the stack is destroyed, to be adopted by the next one.
    """

    alias: str
    description: str
    policy: Policy
    region: str
    tags: dict[str, str] = field(default_factory=dict[str, str])
    retain: bool = False


class AliasedKey(pulumi.ComponentResource):
    """Symmetric key that rotates every year, and its alias.

    Attributes:
        key: The KMS key.
    """

    def __init__(self, name: str, args: AliasedKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:sessionManager:AliasedKey", name, None, opts)
        self.key = Key(
            name,
            description=args.description,
            policy=json.dumps(args.policy),
            enable_key_rotation=True,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            region=args.region,
            tags=with_prior_tags(Kind.ALIAS, args.region, args.alias, args.tags),
            opts=pulumi.ResourceOptions(
                parent=self, import_=retained_key(args.alias, args.region), retain_on_delete=args.retain
            ),
        )
        adopted = AdoptedResource(
            name,
            AdoptedResourceArgs(
                kind=Kind.ALIAS, region=args.region, name=args.alias, value=self.key.key_id, retain=args.retain
            ),
            pulumi.ResourceOptions(parent=self),
        )
        Alias(
            name,
            name=args.alias,
            target_key_id=self.key.key_id,
            region=args.region,
            opts=adopted.import_options(self),
        )
        self.register_outputs({"keyArn": self.key.arn})
