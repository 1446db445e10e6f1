"""Permissions that nodes need for governed sessions, as plain data: step 3 of the post, for all Regions.

The size of a managed policy is limited, and a stack may have many Regions. Where the ARNs of all Regions are too long,
the Region moves from the ARN into a condition: a resource with a Region in its ARN is called in that Region only, so
`aws:RequestedRegion` is equivalent (IAM User Guide, "AWS global condition context keys"). What still does not fit
becomes several policies.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from common.aws.arns import Scope, service_domain, split_arn
from common.iam.statements import Policy, Statement, allow, document
from common.limits import ATTACHED_POLICIES, MANAGED_POLICY, StatementTooLongError, packed, size
from common.problems import Problem, SettingPath
from components.session_manager.key_policies import with_alias
from components.session_manager.names import DATA_KEY_ALIAS, INSTANCE_POLICY_NAME, numbered
from components.session_manager.settings import s3_key_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from components.session_manager.settings import SessionManagerSettings

MOST_POLICIES: Final = ATTACHED_POLICIES.maximum - 1
"""Maximum of instance policies, besides the policy that SSM Agent needs."""


def instance_policies(
    settings: Mapping[str, SessionManagerSettings], *, partition: str, account_id: str
) -> dict[str, Policy]:
    """Return exactly the permissions of the enabled features, beyond those that SSM Agent always needs.

    Nodes need all of the policies, the first of which is `INSTANCE_POLICY_NAME`. None where no feature needs a
    permission.
    """
    whole = instance_policy(settings, partition=partition, account_id=account_id)
    if whole is None:
        return {}
    if size(whole) <= MANAGED_POLICY.maximum:
        return {INSTANCE_POLICY_NAME: whole}
    compact = _merged(short for each in whole["Statement"] for short in _shortest(each))
    if size(document(compact)) <= MANAGED_POLICY.maximum:
        return {INSTANCE_POLICY_NAME: document(compact)}
    parts = [{**each, "Resource": [resource]} for each in compact for resource in each["Resource"]]
    return numbered(INSTANCE_POLICY_NAME, packed(parts, joined=_merged))


def instance_policy_problems(
    settings: Mapping[str, SessionManagerSettings],
    path_of: Callable[[str, str], SettingPath],
    *,
    partition: str,
    account_id: str,
) -> list[Problem]:
    """Return a problem where the permissions need more policies than can be attached to a role.

    `path_of` returns the path of the setting that applies in a Region, by Region and key.
    """
    try:
        found = len(instance_policies(settings, partition=partition, account_id=account_id))
    except StatementTooLongError:
        found = MOST_POLICIES + 1
    if found <= MOST_POLICIES:
        return []
    lengths = {
        (len(value), region, key)
        for region, each in settings.items()
        for key, value, used in (
            ("cwLogGroupName", each.cw_log_group_name * 3, each.logs_to_cloudwatch),
            ("s3KeyPrefix", each.s3_key_prefix, each.s3_logging),
            ("s3BucketName", each.s3_bucket_name, each.s3_logging),
        )
        if used
    }
    _, region, key = max(lengths)
    message = (
        f"expected names of {len(settings)} Regions that fit into {MOST_POLICIES} managed policies of "
        f"{MANAGED_POLICY.maximum} characters, as a role has {ATTACHED_POLICIES.maximum}, got names that need more. Use "
        "shorter names of log groups, buckets and prefixes, or the same name of the log group in all Regions"
    )
    return [Problem(path=path_of(region, key), message=message)]


def instance_policy(
    settings: Mapping[str, SessionManagerSettings], *, partition: str, account_id: str
) -> Policy | None:
    """Return the permissions of `instance_policies` as one document of any length."""
    arns = Scope(partition=partition, account_id=account_id)
    statements = [*_logs(settings, arns), *_session_data(settings, arns), *_s3(settings, arns)]
    return document(statements) if statements else None


def _shortest(statement: Statement) -> list[Statement]:
    """Return equivalent statements, with the Regions of an ARN in a condition where that is shorter."""
    listed = [arn for arn in _list(statement["Resource"]) if not split_arn(arn).region]
    regions: dict[str, set[str]] = {}
    for arn in _list(statement["Resource"]):
        if split_arn(arn).region:
            regions.setdefault(_in(arn, "*"), set()).add(split_arn(arn).region)
    by_regions: dict[tuple[str, ...], list[str]] = {}
    for anywhere, several in regions.items():
        by_regions.setdefault(tuple(sorted(several)), []).append(anywhere)
    found: list[Statement] = []
    for several, anywhere in by_regions.items():
        named = [_in(arn, region) for arn in anywhere for region in several]
        condition: dict[str, Any] = statement.get("Condition", {})
        only_there = {**condition.get("StringEquals", {}), "aws:RequestedRegion": list(several)}
        wide = {**statement, "Resource": anywhere, "Condition": {**condition, "StringEquals": only_there}}
        if size(wide) < len(json.dumps(named)):
            found.append(wide)
        else:
            listed += named
    return [*([{**statement, "Resource": listed}] if listed else []), *found]


def _merged(statements: Iterable[Statement]) -> list[Statement]:
    """Return one statement for those that differ only in their resources, with unique Sids."""
    merged: dict[str, Statement] = {}
    for each in statements:
        same = json.dumps([each["Action"], each.get("Condition")])
        other = merged.setdefault(same, {**each, "Resource": []})
        other["Resource"] = sorted({*other["Resource"], *_list(each["Resource"])})
    sids: Counter[str] = Counter()
    for each in merged.values():
        sid = each["Sid"].rstrip("0123456789")
        sids[sid] += 1
        each["Sid"] = sid if sids[sid] == 1 else f"{sid}{sids[sid]}"
    return list(merged.values())


def _list(resource: str | list[str]) -> list[str]:
    return [resource] if isinstance(resource, str) else resource


def _in(arn: str, region: str) -> str:
    return ":".join(split_arn(arn)._replace(region=region))


def _logs(settings: Mapping[str, SessionManagerSettings], arns: Scope) -> Iterator[Statement]:
    groups = {
        region: arns.arn("logs", f"log-group:{each.cw_log_group_name}", region)
        for region, each in settings.items()
        if each.logs_to_cloudwatch
    }
    if groups:
        only_there = {"StringEquals": {"aws:RequestedRegion": sorted(groups)}}
        streams = sorted([*groups.values(), *(f"{group}:*" for group in groups.values())])
        written = sorted(f"{group}:log-stream:*" for group in groups.values())
        # DescribeLogGroups supports no narrower resource for a call without a group (Service Authorization Reference).
        yield allow("FindLogGroup", "logs:DescribeLogGroups", "*", condition=only_there)
        yield allow("FindLogStream", "logs:DescribeLogStreams", streams)
        yield allow("WriteSessionLog", ["logs:CreateLogStream", "logs:PutLogEvents"], written)


def _session_data(settings: Mapping[str, SessionManagerSettings], arns: Scope) -> Iterator[Statement]:
    keys = [arns.arn("kms", "key/*", region) for region, each in settings.items() if each.session_data_encryption]
    if keys:
        yield allow("DecryptSessionData", "kms:Decrypt", sorted(keys), condition=with_alias(DATA_KEY_ALIAS))


def _s3(settings: Mapping[str, SessionManagerSettings], arns: Scope) -> Iterator[Statement]:
    logging = {region: each for region, each in settings.items() if each.s3_logging}
    if not logging:
        return
    logs = {
        region: arns.s3(f"{each.s3_bucket_name}/{s3_key_prefix(each, arns.account_id, region)}/*")
        for region, each in logging.items()
    }
    buckets = {arns.s3(each.s3_bucket_name) for each in logging.values()}
    foreign = {logs[region] for region, each in logging.items() if each.s3_bucket_owner not in ("", arns.account_id)}
    keys = {each.s3_kms_key_arn for each in logging.values() if each.s3_kms_key_arn}
    yield allow("WriteSessionLogObject", "s3:PutObject", sorted(set(logs.values())))
    yield allow("SeeBucketEncryption", "s3:GetEncryptionConfiguration", sorted(buckets))
    if foreign:
        yield allow("GiveBucketOwnerControl", "s3:PutObjectAcl", sorted(foreign))
    if keys:
        services = {service_domain("s3", split_arn(key).region, arns.partition) for key in keys}
        through_s3 = {"StringEquals": {"kms:ViaService": sorted(services)}}
        yield allow("EncryptSessionLogObject", "kms:GenerateDataKey", sorted(keys), condition=through_s3)
