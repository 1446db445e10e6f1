"""The keys for session data and session logs, each under its fixed alias."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.kms import Alias, Key

from components.adoption.claim import Claim, ClaimArgs
from components.adoption.kinds import Kind
from components.adoption.lookup import import_id, retained_key

if TYPE_CHECKING:
    from components.session_manager.key_policies import KeyPolicy

DELETION_WINDOW_DAYS = 30
"""The longest that KMS offers: what the key encrypted cannot be read once it is gone."""


@dataclass(frozen=True, kw_only=True)
class AliasedKeyArgs:
    """What an `AliasedKey` is made of.

    Attributes:
        alias: with its `alias/`; one that is there already is taken, and given back when the stack goes.
        description: what the key is for.
        policy: of the key.
        region: where it is.
        tags: on the key.
        retain: key and alias stay when the stack goes, and are taken again by the next one.
    """

    alias: str
    description: str
    policy: KeyPolicy
    region: str
    tags: dict[str, str] = field(default_factory=dict[str, str])
    retain: bool = False


class AliasedKey(pulumi.ComponentResource):
    """A symmetric key that rotates every year, and its alias.

    Attributes:
        key: the key itself.
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
            tags=args.tags,
            opts=pulumi.ResourceOptions(
                parent=self, import_=retained_key(args.alias, args.region), retain_on_delete=args.retain
            ),
        )
        claim = Claim(
            name,
            ClaimArgs(kind=Kind.ALIAS, region=args.region, name=args.alias, value=self.key.key_id, retain=args.retain),
            pulumi.ResourceOptions(parent=self),
        )
        Alias(
            name,
            name=args.alias,
            target_key_id=self.key.key_id,
            region=args.region,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[claim],
                import_=import_id(Kind.ALIAS, args.region, args.alias),
                retain_on_delete=True,
            ),
        )
        self.register_outputs({"keyArn": self.key.arn})
