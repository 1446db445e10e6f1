"""Functions about the caller: account, Region, partition. Source: Terraform AWS provider, `internal/service/{meta,sts}`."""

from local.aws_provider.aws import Aws, partition_of
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Function, text
from local.aws_provider.wire import Values

_suffixes = {"aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov"}


def _suffix(partition: str) -> str:
    return _suffixes.get(partition, "amazonaws.com")


def _caller_identity(aws: Aws, _given: Values) -> Values:
    identity = aws.call("GetCallerIdentity")
    account = identity["Account"]
    return {"accountId": account, "arn": identity["Arn"], "userId": identity["UserId"], "id": account}


def _region(aws: Aws, given: Values) -> Values:
    from botocore import loaders  # noqa: PLC0415 - slow to import, seldom needed

    wanted = given.get("region") or given.get("name")
    endpoint = given.get("endpoint")
    if endpoint and not wanted:
        wanted = endpoint.removeprefix("ec2.").split(".", 1)[0]
    region = wanted or aws.region
    partitions: Values = loaders.Loader(include_default_search_paths=True).load_data("partitions")
    known: Values = {name: item for part in partitions["partitions"] for name, item in part["regions"].items()}
    if region not in known:
        raise InvalidInputError(f"region not found for name {region!r}")
    return {
        "region": region,
        "name": region,
        "id": region,
        "description": known[region].get("description", ""),
        "endpoint": f"ec2.{region}.{_suffix(partition_of(region))}",
    }


def _partition(aws: Aws, _given: Values) -> Values:
    suffix = _suffix(aws.partition)
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
        regional=False,
    ),
    Function(
        name="aws:index/getRegion:getRegion",
        service="ec2",
        inputs={"endpoint": text(), "id": text(), "name": text(), "region": text()},
        calls=(),
        run=_region,
        regional=False,
    ),
    Function(
        name="aws:index/getPartition:getPartition",
        service="ec2",
        inputs={"id": text()},
        calls=(),
        run=_partition,
        regional=False,
    ),
)
