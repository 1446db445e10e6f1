"""Functions that read the facts about a Region, limited to the resources that the settings define."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.log_encryption import default_encryption, key_reference
from components.session_manager.names import DATA_KEY_ALIAS, DATA_KEY_PARAMETER, LOGS_KEY_ALIAS
from operations.reading import Answer, Reader, Unread
from operations.verify.facts import (
    BucketEncryption,
    BucketFacts,
    DocumentFacts,
    EndpointFacts,
    KeyFacts,
    LogGroupFacts,
    NetworkFacts,
    ParameterFacts,
    PolicyFacts,
    RegionFacts,
    RouteTableFacts,
    SubnetFacts,
)
from operations.verify.keys import ENABLED, SYMMETRIC
from operations.verify.security_groups import read_groups

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.verify.facts import Asked

_PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def read_region(reader: Reader, asked: Asked, *, key_policies: bool = False) -> RegionFacts:
    """Read one Region; facts that cannot be read contain the reason.

    Args:
        reader: Reader of the Region.
        asked: Settings of the Region.
        key_policies: Whether to read the key policies, too.
    """
    network = _network(reader, asked.endpoints.vpc, f"endpoints-{asked.region}") if asked.endpoints else None
    settings = asked.session_manager
    if settings is None:
        return RegionFacts(network=network)
    encrypts = settings.session_data_encryption
    return RegionFacts(
        document=_document(reader),
        data_key=read_key(reader, DATA_KEY_ALIAS, policy=key_policies) if encrypts else None,
        data_key_parameter=_parameter(reader) if encrypts else None,
        logs_key=read_key(reader, LOGS_KEY_ALIAS, policy=key_policies) if settings.encrypts_created_log_group else None,
        log_group=read_log_group(reader, settings.cw_log_group_name) if settings.logs_to_cloudwatch else None,
        bucket=_bucket(reader, settings, asked.account_id) if settings.s3_logging else None,
        network=network,
    )


def read_policy(reader: Reader, arn: str) -> PolicyFacts | Unread | None:
    """Read a managed policy, its default version and the roles that it is attached to."""
    answer = reader.read("iam", "get_policy", absent=("NoSuchEntity",), PolicyArn=arn)
    if answer is None or isinstance(answer, Unread):
        return answer
    version = str(answer["Policy"]["DefaultVersionId"])
    content = _found(reader.read("iam", "get_policy_version", PolicyArn=arn, VersionId=version))
    attached = _found(reader.read("iam", "list_entities_for_policy", PolicyArn=arn, EntityFilter="Role"))
    return PolicyFacts(
        version=version,
        document=content if isinstance(content, Unread) else content["PolicyVersion"]["Document"],
        roles=attached
        if isinstance(attached, Unread)
        else frozenset(role["RoleName"] for role in attached.get("PolicyRoles", ())),
        tags=_tags(answer["Policy"]),
    )


def read_policy_tags(reader: Reader, arn: str) -> dict[str, str] | Unread | None:
    """Read the tags of a managed policy."""
    answer = reader.read("iam", "get_policy", absent=("NoSuchEntity",), PolicyArn=arn)
    return answer if answer is None or isinstance(answer, Unread) else _tags(answer["Policy"])


def _found(answer: Answer | Unread | None) -> Answer | Unread:
    """Return the answer of a call that has no error code for an absent resource."""
    return {} if answer is None else answer


def _document(reader: Reader) -> DocumentFacts | Unread | None:
    answer = reader.read("ssm", "describe_document", absent=("InvalidDocument",), Name=DOCUMENT_NAME)
    if answer is None or isinstance(answer, Unread):
        return answer
    described = answer["Document"]
    default, latest = str(described["DefaultVersion"]), str(described["LatestVersion"])
    default_text = _text(reader, default)
    return DocumentFacts(
        status=described["Status"],
        status_reason=described.get("StatusInformation", ""),
        default_version=default,
        latest_version=latest,
        default_text=default_text,
        latest_text=default_text if latest == default else _text(reader, latest),
        tags=_tags(described),
    )


def _tags(resource: Answer) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in resource.get("Tags", ())}


def _text(reader: Reader, version: str) -> str | Unread:
    answer = _found(
        reader.read("ssm", "get_document", Name=DOCUMENT_NAME, DocumentVersion=version, DocumentFormat="JSON")
    )
    return answer if isinstance(answer, Unread) else str(answer.get("Content", ""))


def read_key(reader: Reader, alias: str, *, policy: bool = False) -> KeyFacts | Unread | None:
    """Read the key behind an alias.

    Args:
        reader: Reader of the Region.
        alias: Name of the alias, or the ARN of a key.
        policy: Whether to read its key policy, too.
    """
    answer = reader.read("kms", "describe_key", absent=("NotFoundException",), KeyId=alias)
    if answer is None or isinstance(answer, Unread):
        return answer
    key = answer["KeyMetadata"]
    facts = KeyFacts(
        key_id=key["KeyId"],
        arn=key["Arn"],
        state=key["KeyState"],
        spec=key["KeySpec"],
        rotates=None,
        policy=_key_policy(reader, key["KeyId"]) if policy else None,
    )
    if (facts.state, facts.spec) != (ENABLED, SYMMETRIC):
        return facts
    rotation = _found(reader.read("kms", "get_key_rotation_status", KeyId=facts.key_id))
    return replace(facts, rotates=rotation if isinstance(rotation, Unread) else bool(rotation["KeyRotationEnabled"]))


def _key_policy(reader: Reader, key_id: str) -> dict[str, Any] | Unread:
    answer = reader.read("kms", "get_key_policy", KeyId=key_id, PolicyName="default")
    return answer if isinstance(answer, Unread) else json.loads((answer or {}).get("Policy", "{}"))


def _parameter(reader: Reader) -> ParameterFacts | Unread | None:
    answer = reader.read("ssm", "get_parameter", absent=("ParameterNotFound",), Name=DATA_KEY_PARAMETER)
    if answer is None or isinstance(answer, Unread):
        return answer
    return ParameterFacts(value=str(answer["Parameter"]["Value"]), type=str(answer["Parameter"]["Type"]))


def read_log_group(reader: Reader, name: str) -> LogGroupFacts | Unread | None:
    """Read the log group with exactly this name."""
    answer = _found(reader.read("logs", "describe_log_groups", logGroupNamePrefix=name))
    if isinstance(answer, Unread):
        return answer
    for group in answer.get("logGroups", ()):
        if group["logGroupName"] == name:
            return LogGroupFacts(retention_days=group.get("retentionInDays"), kms_key_arn=group.get("kmsKeyId"))
    return None


def _bucket(reader: Reader, settings: SessionManagerSettings, account_id: str) -> BucketFacts | Unread | None:
    """Read the bucket; each call names the expected owner, so that another account's bucket of that name is denied."""
    owner = settings.s3_bucket_owner or account_id
    of_bucket = {"Bucket": settings.s3_bucket_name, "ExpectedBucketOwner": owner}
    answer = reader.read("s3", "head_bucket", absent=("404", "NoSuchBucket"), **of_bucket)
    if isinstance(answer, Unread) and answer.refused:
        # A denied HEAD request has no error message (Amazon S3 API Reference, HeadBucket).
        cause = f"refused: the bucket is not of account {owner}, or the caller may not look at it"
        return replace(answer, cause=cause, remedy=f"{answer.remedy}; or set shell-access:sessionManager.s3BucketOwner")
    if answer is None or isinstance(answer, Unread):
        return answer
    region = str(answer.get("BucketRegion") or reader.region)
    there = reader.elsewhere(region)
    return BucketFacts(
        region=region, encryption=_encryption(there, of_bucket), open_to_public=open_to_public(there, of_bucket)
    )


def _encryption(reader: Reader, of_bucket: dict[str, str]) -> BucketEncryption | Unread | None:
    absent = ("ServerSideEncryptionConfigurationNotFoundError",)
    answer = reader.read("s3", "get_bucket_encryption", absent=absent, **of_bucket)
    if answer is None or isinstance(answer, Unread):
        return answer
    default = default_encryption(answer["ServerSideEncryptionConfiguration"])
    if default is None:
        return None
    key = _key_arn(reader, default.key, of_bucket["ExpectedBucketOwner"])
    if isinstance(key, Unread):
        return key
    return BucketEncryption(algorithm=default.algorithm, kms_key_arn=key, configured_key=default.key)


def _key_arn(reader: Reader, reference: str, account_id: str) -> str | Unread | None:
    """Return the ARN of the key that a bucket's configuration refers to, or None for the AWS managed key."""
    key = key_reference(reference, region=reader.region, account_id=account_id)
    if not reference or key.is_aws_managed:
        return None
    if ":key/" in reference:
        return reference
    answer = reader.elsewhere(key.region).read("kms", "describe_key", absent=("NotFoundException",), KeyId=key.key_id)
    if isinstance(answer, Unread):
        return answer
    return str(answer["KeyMetadata"]["Arn"]) if answer else reference


def open_to_public(reader: Reader, of_bucket: dict[str, str]) -> tuple[str, ...] | Unread:
    """Return the names of a bucket's Block Public Access settings that are off.

    Args:
        reader: Reader of the bucket's Region.
        of_bucket: Name and expected owner of the bucket.
    """
    absent = ("NoSuchPublicAccessBlockConfiguration",)
    answer = reader.read("s3", "get_public_access_block", absent=absent, **of_bucket)
    if isinstance(answer, Unread):
        return answer
    block: Answer = answer["PublicAccessBlockConfiguration"] if answer else {}
    return tuple(name for name in _PUBLIC_ACCESS if not block.get(name))


def _network(reader: Reader, vpc: str, group: str) -> NetworkFacts | Unread:
    named = _filter("vpc-id" if vpc.startswith("vpc-") else "tag:Name", vpc)
    answer = _found(reader.read("ec2", "describe_vpcs", Filters=named))
    if isinstance(answer, Unread):
        return answer
    vpc_ids = tuple(each["VpcId"] for each in answer.get("Vpcs", ()))
    if len(vpc_ids) != 1:
        return NetworkFacts(vpc_ids=vpc_ids)
    within = _filter("vpc-id", vpc_ids[0])
    return replace(read_endpoints(reader, vpc_ids[0], group), subnets=_subnets(reader, within))


def read_endpoints(reader: Reader, vpc_id: str, group: str) -> NetworkFacts:
    """Read the endpoints of a VPC with its route tables and their security group; not the subnets.

    Args:
        reader: Reader of the Region.
        vpc_id: The VPC.
        group: Name tag of the security group.
    """
    within = _filter("vpc-id", vpc_id)
    return NetworkFacts(
        vpc_ids=(vpc_id,),
        endpoints=_endpoints(reader, within),
        route_tables=_route_tables(reader, within),
        groups=read_groups(reader, [*within, *_filter("tag:Name", group)]),
    )


def _filter(name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": [value]}]


def _subnets(reader: Reader, within: list[dict[str, Any]]) -> tuple[SubnetFacts, ...] | Unread:
    answer = _found(reader.read("ec2", "describe_subnets", Filters=within))
    if isinstance(answer, Unread):
        return answer
    return tuple(SubnetFacts(id=each["SubnetId"], name=_name_tag(each)) for each in answer.get("Subnets", ()))


def _name_tag(resource: Answer) -> str | None:
    return next((tag["Value"] for tag in resource.get("Tags", ()) if tag["Key"] == "Name"), None)


def _endpoints(reader: Reader, within: list[dict[str, Any]]) -> tuple[EndpointFacts, ...] | Unread:
    answer = _found(reader.read("ec2", "describe_vpc_endpoints", Filters=within))
    if isinstance(answer, Unread):
        return answer
    return tuple(
        EndpointFacts(
            id=each["VpcEndpointId"],
            service=each["ServiceName"],
            kind=each["VpcEndpointType"],
            state=each["State"],
            private_dns=bool(each.get("PrivateDnsEnabled")),
            subnet_ids=frozenset(each.get("SubnetIds", ())),
            route_table_ids=frozenset(each.get("RouteTableIds", ())),
            group_ids=frozenset(group["GroupId"] for group in each.get("Groups", ())),
            policy=str(each.get("PolicyDocument") or ""),
        )
        for each in answer.get("VpcEndpoints", ())
    )


def _route_tables(reader: Reader, within: list[dict[str, Any]]) -> tuple[RouteTableFacts, ...] | Unread:
    answer = _found(reader.read("ec2", "describe_route_tables", Filters=within))
    if isinstance(answer, Unread):
        return answer
    return tuple(
        RouteTableFacts(
            id=each["RouteTableId"],
            subnet_ids=frozenset(link["SubnetId"] for link in each.get("Associations", ()) if "SubnetId" in link),
            main=any(link.get("Main") for link in each.get("Associations", ())),
        )
        for each in answer.get("RouteTables", ())
    )
