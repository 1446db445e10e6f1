"""Systems Manager documents are shared with named accounts only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from policies.findings import UNKNOWN, Violation, described
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="ssm-document-not-shared",
    title="Systems Manager documents are shared with named accounts only",
    severity=Severity.CRITICAL,
    risk="every AWS principal reads how access is approved and what runs on the controllers",
    remedy="List the accounts in permissions, or leave permissions out",
    source="AWS Security Hub SSM.4; AWS Config ssm-document-not-public; NIST SP 800-53 r5 AC-3, AC-6, SC-7",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ssm-controls.html#ssm-4",
)

_ACCOUNTS: Final = ("accountIds", "account_ids")
"""Keys of the map `permissions`, which pulumi-aws passes on as they are."""
_ACCOUNT: Final = re.compile(r"\d{12}")


@RULE.on("aws:ssm/document:Document")
def _is_not_public(document: Resource) -> Findings:
    permissions = document.value("permissions")
    if permissions is UNKNOWN:
        yield document.unseen("permissions")
        return
    given = cast("dict[str, Any]", permissions) if isinstance(permissions, dict) else dict[str, Any]()
    for name in _ACCOUNTS:
        value = given.get(name)
        if value is UNKNOWN:
            yield document.unseen(f"permissions.{name}")
        elif value and not all(map(_ACCOUNT.fullmatch, (each.strip() for each in str(value).split(",")))):
            yield Violation(f"permissions.{name}", described(value), "account numbers of 12 digits", about=document)
