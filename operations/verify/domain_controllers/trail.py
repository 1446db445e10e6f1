"""Comparison of the trail that alerts depend on: recording, delivery, and the settings of its bucket and key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from components.domain_controllers.names import TRAIL, TRAIL_BUCKET, TRAIL_KEY_ALIAS
from components.domain_controllers.resource_policies import trail_bucket_policy, trail_key_policy
from operations.inventory import monitoring
from operations.inventory.reader import Reader, ReadFailure
from operations.inventory.session_manager import KeyFacts, read_key
from operations.verify.buckets import DesiredBucket, own_bucket_findings
from operations.verify.findings import Check, unequal
from operations.verify.keys import alias_findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.deployment import SiteDeployment
    from operations.findings import Finding


def bucket_name(site: SiteDeployment) -> str:
    """Return the name of the bucket of the stack's own trail."""
    return f"{TRAIL_BUCKET}-{site.deployment.account_id}-{site.deployment.region}"


def desired_bucket(site: SiteDeployment) -> DesiredBucket:
    """Return the bucket of the stack's own trail as the settings define it."""
    return DesiredBucket(
        check="directory-trail-bucket",
        name=bucket_name(site),
        key_alias=TRAIL_KEY_ALIAS,
        policy=trail_bucket_policy(site.scope, TRAIL, bucket_name(site)),
    )


def verify_trail(reader: Reader, site: SiteDeployment) -> list[Finding]:
    """Read and compare the trail, with its key and bucket if the stack creates them."""
    existing = site.section.monitoring.existing_trail
    trail = monitoring.read_trail(reader, existing or TRAIL)
    if existing:
        return trail_findings(site, trail, None)
    key = read_key(reader, TRAIL_KEY_ALIAS, policy=True)
    return [
        *trail_findings(site, trail, key),
        *alias_findings(
            "directory-trail-key", TRAIL_KEY_ALIAS, site.deployment, key, trail_key_policy(site.scope, TRAIL)
        ),
        *own_bucket_findings(
            site.deployment,
            desired_bucket(site),
            monitoring.read_bucket(reader, bucket_name(site), site.deployment.account_id),
            key,
        ),
    ]


def trail_findings(
    site: SiteDeployment, live: monitoring.TrailFacts | ReadFailure | None, key: KeyFacts | ReadFailure | None
) -> list[Finding]:
    """Compare a trail: without one, EventBridge receives no events about sessions or changes of security groups.

    The key behind the alias is ignored for a trail that the settings name.
    """
    existing = site.section.monitoring.existing_trail
    name = existing or TRAIL
    check = Check(
        "directory-trail",
        f"trail {name} records management events{'' if existing else ' of all Regions'}",
        "correct shell-access:domainControllers.monitoring.existingTrail" if existing else site.deployment.repair,
    )
    if live is None or isinstance(live, ReadFailure):
        return [check.report_missing(live, "no such trail")]
    if isinstance(live.records_writes, ReadFailure):
        return [check.report_unread(live.records_writes)]
    named = f"--name {name} --region {site.deployment.region}"
    differences: list[str] = []
    remedies: list[str] = []
    if not live.logging:
        differences.append("it does not record")
        remedies.append(f"aws cloudtrail start-logging {named}")
    if not live.records_writes:
        differences.append("its event selectors exclude management events")
        selectors = """'[{"ReadWriteType": "All", "IncludeManagementEvents": true}]'"""
        remedies.append(f"aws cloudtrail put-event-selectors --trail-{named[2:]} --event-selectors {selectors}")
    if not existing:
        wrong = [] if live.configuration.get("IsMultiRegionTrail") else ["of one Region only"]
        wrong += _differences(site, live.configuration, key)
        differences += wrong
        remedies += [site.deployment.repair] if wrong else []
    return [replace(check, remedy=" && ".join(remedies)).report(differences), _delivery(site, live)]


def _differences(site: SiteDeployment, live: Mapping[str, Any], key: KeyFacts | ReadFailure | None) -> list[str]:
    ours: dict[str, object] = {
        "S3BucketName": bucket_name(site),
        "S3KeyPrefix": None,
        "IncludeGlobalServiceEvents": True,
        "LogFileValidationEnabled": True,
        # An unknown key is a finding of its own.
        "KmsKeyId": key.arn if isinstance(key, KeyFacts) else live.get("KmsKeyId"),
    }
    return unequal({name: (value, live.get(name)) for name, value in ours.items()})


def _delivery(site: SiteDeployment, live: monitoring.TrailFacts) -> Finding:
    remedy = f"{site.deployment.repair}; see directory-trail-bucket-policy and directory-trail-key-policy"
    if site.section.monitoring.existing_trail:
        remedy = "allow cloudtrail.amazonaws.com in the policies of its bucket, key and topic"
    check = Check("directory-trail-delivery", "the last deliveries of the trail succeeded", remedy)
    return check.report([f"{monitoring.DELIVERY_ERRORS[name]}: {error}" for name, error in live.errors.items()])
