"""CloudWatch log groups. Source: Terraform AWS provider, `internal/service/logs`."""

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, ResourceType, flag, output, text, whole
from local.aws_provider.naming import from_prefix
from local.aws_provider.wire import Values

_retention_days = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
_delivery_class = "DELIVERY"


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    aws.call(
        "CreateLogGroup",
        logGroupName=name,
        kmsKeyId=wanted.get("kmsKeyId"),
        logGroupClass=wanted.get("logGroupClass"),
        tags=wanted["tagsAll"] or None,
        deletionProtectionEnabled=wanted.get("deletionProtectionEnabled"),
    )
    return name


def _settle(aws: Aws, name: str, wanted: Values) -> None:
    # AWS sets the retention of the DELIVERY class.
    if wanted["retentionInDays"] and wanted.get("logGroupClass") != _delivery_class:
        aws.call("PutRetentionPolicy", logGroupName=name, retentionInDays=wanted["retentionInDays"])


def _arn(aws: Aws, name: str) -> str:
    return aws.arn("logs", f"log-group:{name}")


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    groups = aws.pages("DescribeLogGroups", "logGroups", marker="nextToken", logGroupNamePrefix=name)
    for group in groups:
        if group["logGroupName"] == name:
            return {
                "arn": group["arn"].removesuffix(":*"),
                "deletionProtectionEnabled": group.get("deletionProtectionEnabled", False),
                "kmsKeyId": group.get("kmsKeyId"),
                "logGroupClass": group.get("logGroupClass") or "STANDARD",
                "name": name,
                "namePrefix": known.get("namePrefix"),
                "retentionInDays": group.get("retentionInDays", 0),
                "tags": aws.call("ListTagsForResource", resourceArn=_arn(aws, name)).get("tags", {}),
            }
    return None


def _update(aws: Aws, change: Change) -> None:
    name, new = change.object_id, change.new
    if change.has("deletionProtectionEnabled"):
        aws.call(
            "PutLogGroupDeletionProtection",
            logGroupIdentifier=name,
            deletionProtectionEnabled=new["deletionProtectionEnabled"],
        )
    if change.has("retentionInDays"):
        if new["retentionInDays"]:
            aws.call("PutRetentionPolicy", logGroupName=name, retentionInDays=new["retentionInDays"])
        else:
            aws.call("DeleteRetentionPolicy", logGroupName=name)
    if change.has("kmsKeyId"):
        if new.get("kmsKeyId"):
            aws.call("AssociateKmsKey", logGroupName=name, kmsKeyId=new["kmsKeyId"])
        else:
            aws.call("DisassociateKmsKey", logGroupName=name)


def _delete(aws: Aws, name: str, known: Values) -> None:
    if not known.get("skipDestroy"):
        aws.call("DeleteLogGroup", logGroupName=name)


def _retag(aws: Aws, name: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagResource", resourceArn=_arn(aws, name), tagKeys=removed)
    if added:
        aws.call("TagResource", resourceArn=_arn(aws, name), tags=added)


LOG_GROUP = ResourceType(
    name="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    properties={
        "arn": output(),
        "deletionProtectionEnabled": flag(computed=True),
        "kmsKeyId": text(),
        "logGroupClass": text(
            computed=True,
            replaces=True,
            checks=(validators.one_of("STANDARD", "INFREQUENT_ACCESS", _delivery_class),),
        ),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(),
            conflicts=("namePrefix",),
            checks=(
                validators.length(1, 512),
                validators.matches(r"[0-9A-Za-z_./#-]+", "must hold only [0-9A-Za-z_./#-]"),
            ),
        ),
        "namePrefix": text(
            replaces=True,
            computed=True,
            conflicts=("name",),
            checks=(
                validators.length(1, 483),
                validators.matches(r"[0-9A-Za-z_./#-]+", "must hold only [0-9A-Za-z_./#-]"),
            ),
        ),
        "retentionInDays": whole(default=0, checks=(validators.one_of(*_retention_days),)),
        "skipDestroy": flag(default=False, local=True),
    },
    calls={
        "create": ("CreateLogGroup", "PutRetentionPolicy"),
        "read": ("DescribeLogGroups", "ListTagsForResource"),
        "update": (
            *("PutLogGroupDeletionProtection", "PutRetentionPolicy", "DeleteRetentionPolicy"),
            *("AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource"),
        ),
        "delete": ("DeleteLogGroup",),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"ResourceNotFoundException"}),
)

RESOURCES = (LOG_GROUP,)
