"""What everything else rests on: keys and log groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.foundations import kms_key_rotation, log_group_encrypted, log_group_retention

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (kms_key_rotation.RULE, log_group_encrypted.RULE, log_group_retention.RULE)
