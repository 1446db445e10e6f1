"""Parts of Amazon Resource Names (ARNs), partitions, and names of services in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

_PARTS: Final = 6


class Arn(NamedTuple):
    """Parts of an ARN, or of a pattern of ARNs; a part that the text does not have is empty."""

    prefix: str
    partition: str
    service: str
    region: str
    account_id: str
    resource: str


def split_arn(text: str) -> Arn:
    """Return the parts of an ARN; colons in its resource do not separate parts."""
    parts = text.split(":", _PARTS - 1)
    return Arn(*parts, *[""] * (_PARTS - len(parts)))


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Partition, account, and Region where one matters."""

    partition: str
    account_id: str
    region: str = ""

    def arn(self, service: str, resource: str, region: str = "") -> str:
        """Return the ARN of a resource in this account, by default in this Region; `*` is any Region."""
        return f"arn:{self.partition}:{service}:{region or self.region}:{self.account_id}:{resource}"

    def iam(self, resource: str) -> str:
        """Return an ARN of IAM in this account."""
        return f"arn:{self.partition}:iam::{self.account_id}:{resource}"

    def s3(self, resource: str) -> str:
        """Return the ARN of a bucket, or of objects in it."""
        return f"arn:{self.partition}:s3:::{resource}"


def partition_of(region: str) -> str:
    """Return the partition of a Region: `aws`, `aws-cn`, `aws-us-gov`."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def service_domain(service: str, region: str, partition: str) -> str:
    """Return the domain of a service in a Region, `s3.eu-west-1.amazonaws.com`, by which policies name the service."""
    return f"{service}.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"
