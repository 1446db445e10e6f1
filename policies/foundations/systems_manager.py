"""Systems Manager: sharing of documents, rate of associations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from pulumi_policy import Severity

from common.json_values import mapping
from policies.findings import UNKNOWN, Findings, Resource, described
from policies.rule import Rule

SSM_DOCUMENT_NOT_SHARED = Rule(
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


@SSM_DOCUMENT_NOT_SHARED.on("aws:ssm/document:Document")
def _is_not_public(document: Resource) -> Findings:
    permissions = document.value("permissions")
    if permissions is UNKNOWN:
        yield document.unseen("permissions")
        return
    given = mapping(permissions)
    for name in _ACCOUNTS:
        value = given.get(name)
        if value is UNKNOWN:
            yield document.unseen(f"permissions.{name}")
        elif value and not all(map(_ACCOUNT.fullmatch, (each.strip() for each in str(value).split(",")))):
            yield document.violation(f"permissions.{name}", "account numbers of 12 digits", found=described(value))


SSM_PUBLIC_SHARING_BLOCKED = Rule(
    id="ssm-public-sharing-blocked",
    title="Public sharing of Systems Manager documents stays blocked",
    severity=Severity.CRITICAL,
    risk="one wrong call makes a document public",
    remedy="Set settingValue to Disable",
    source="AWS Security Hub SSM.7; AWS Config ssm-automation-block-public-sharing",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/ssm-controls.html#ssm-7",
)

_SETTING: Final = "/ssm/documents/console/public-sharing-permission"


@SSM_PUBLIC_SHARING_BLOCKED.on("aws:ssm/serviceSetting:ServiceSetting")
def _is_blocked(setting: Resource) -> Findings:
    which = setting.value("settingId")
    if which is UNKNOWN:
        yield setting.unseen("settingId")
    elif str(which).endswith(_SETTING):
        yield from setting.require("settingValue", lambda value: value == "Disable", '"Disable"')


ASSOCIATION_RATE_LIMITED = Rule(
    id="association-rate-limited",
    title="State Manager associations have a rate and stop at errors",
    severity=Severity.MEDIUM,
    risk="one bad version of a document, or of the agent that it installs, makes all nodes unreachable at once",
    remedy="Set maxConcurrency and maxErrors below 100% (here: shell-access:nodes.agents.maxConcurrency and "
    "shell-access:nodes.agents.maxErrors)",
    source="AWS Systems Manager User Guide, targets and rate controls in State Manager associations; NIST SP 800-53 r5 "
    "CM-3, SI-2",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-state-manager-targets-and-rate-controls.html",
)


@ASSOCIATION_RATE_LIMITED.on("aws:ssm/association:Association")
def _is_limited(association: Resource) -> Findings:
    if _is_for_many(association.value("targets")):
        for name in ("maxConcurrency", "maxErrors"):
            yield from association.require(name, _is_less_than_all, "a number, or less than 100%")


def _is_for_many(targets: Any) -> bool:
    """Return whether an association may target more nodes than it names."""
    if not isinstance(targets, list):
        return targets is UNKNOWN
    return not all(_names_nodes(each) for each in cast("list[Any]", targets))


def _names_nodes(target: Any) -> bool:
    if not isinstance(target, Mapping):
        return False
    given = cast("Mapping[str, Any]", target)
    values = given.get("values")
    return given.get("key") == "InstanceIds" and isinstance(values, list) and "*" not in values


def _is_less_than_all(value: object) -> bool:
    return isinstance(value, str) and value not in ("", "100%")
