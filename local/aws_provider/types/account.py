"""Functions about the caller: account and partition. Source: Terraform AWS provider, `internal/service/{meta,sts}`."""

from local.aws_provider.aws import Aws
from local.aws_provider.model import Function, text
from local.aws_provider.wire import Values

_suffixes = {"aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov"}


def _caller_identity(aws: Aws) -> Values:
    identity = aws.call("GetCallerIdentity")
    account = identity["Account"]
    return {"accountId": account, "arn": identity["Arn"], "userId": identity["UserId"], "id": account}


def _partition(aws: Aws) -> Values:
    suffix = _suffixes.get(aws.partition, "amazonaws.com")
    return {
        "partition": aws.partition,
        "id": aws.partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


FUNCTIONS = (
    Function(
        name="aws:index/getCallerIdentity:getCallerIdentity",
        service="sts",
        inputs={"id": text()},
        calls=("GetCallerIdentity",),
        run=_caller_identity,
    ),
    Function(
        name="aws:index/getPartition:getPartition", service="ec2", inputs={"id": text()}, calls=(), run=_partition
    ),
)
