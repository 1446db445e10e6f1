"""Trails: management events of every Region, log file validation, encryption."""

from __future__ import annotations

from typing import Any, Final, cast

from pulumi_policy import Severity

from policies.findings import UNKNOWN, Findings, Resource, is_true
from policies.rule import Rule

TRAIL_MULTI_REGION = Rule(
    id="trail-multi-region",
    title="Trails record the management events of all Regions",
    severity=Severity.HIGH,
    risk="activity in a Region that is not monitored is not logged and raises no alarm",
    remedy="Set isMultiRegionTrail to true, leave enableLogging and includeGlobalServiceEvents on, and select all management "
    "events",
    source="AWS Security Hub CloudTrail.1, CloudTrail.3; CIS AWS Foundations Benchmark 5.0, 3.1; NIST SP 800-53 r5 AU-2, "
    "AU-12",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-1",
)

_ALL_MANAGEMENT: Final = "one that selects management events, read and write"


@TRAIL_MULTI_REGION.on("aws:cloudtrail/trail:Trail")
def _records_everything(trail: Resource) -> Findings:
    yield from trail.require("isMultiRegionTrail", is_true, "true")
    for name in ("enableLogging", "includeGlobalServiceEvents"):
        yield from trail.require(name, lambda value: value is not False, "true")
    for name, selects in (("eventSelectors", _selects), ("advancedEventSelectors", _selects_in_detail)):
        given = trail.value(name)
        selectors = cast("list[Any]", given) if isinstance(given, list) else []
        if given is UNKNOWN or UNKNOWN in selectors:
            yield trail.unseen(name)
        elif selectors and not any(selects(each) for each in selectors):
            yield trail.violation(name, _ALL_MANAGEMENT, found=f"{len(selectors)} without them")


def _selects(selector: dict[str, Any]) -> bool:
    return selector.get("includeManagementEvents") is not False and selector.get("readWriteType") in (None, "All")


def _selects_in_detail(selector: dict[str, Any]) -> bool:
    fields = {each.get("field"): each for each in cast("list[dict[str, Any]]", selector.get("fieldSelectors") or [])}
    category = fields.pop("eventCategory", {})
    return category.get("equals") == ["Management"] and not fields


TRAIL_VALIDATED = Rule(
    id="trail-validated",
    title="Trails sign their log files",
    severity=Severity.MEDIUM,
    risk="a principal with access to the bucket can rewrite the log unnoticed",
    remedy="Set enableLogFileValidation to true",
    source="AWS Security Hub CloudTrail.4; CIS AWS Foundations Benchmark 5.0, 3.2; NIST SP 800-53 r5 AU-9, SI-7",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-4",
)


@TRAIL_VALIDATED.on("aws:cloudtrail/trail:Trail")
def _is_validated(trail: Resource) -> Findings:
    yield from trail.require("enableLogFileValidation", is_true, "true")


TRAIL_ENCRYPTED = Rule(
    id="trail-encrypted",
    title="Trails are encrypted with a customer managed KMS key",
    severity=Severity.MEDIUM,
    risk="any principal that may read the bucket reads all activity of the account, with no key to withhold",
    remedy="Set kmsKeyId to a key whose policy lets CloudTrail use it",
    source="AWS Security Hub CloudTrail.2; CIS AWS Foundations Benchmark 5.0, 3.5; NIST SP 800-53 r5 AU-9, SC-28",
    url="https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html#cloudtrail-2",
)


@TRAIL_ENCRYPTED.on("aws:cloudtrail/trail:Trail")
def _is_encrypted(trail: Resource) -> Findings:
    yield from trail.require_given("kmsKeyId", "the ARN of a KMS key")
