"""Common parts of EC2 resources: tags, ARNs, filters."""

from typing import Any

from local.aws_provider.aws import Aws
from local.aws_provider.model import Property, records, text, texts
from local.aws_provider.tags import pairs
from local.aws_provider.wire import Values


def tag_specification(kind: str, tags: dict[str, str]) -> list[Values] | None:
    """Return tags in the form of create calls."""
    return [{"ResourceType": kind, "Tags": pairs(tags)}] if tags else None


def retag(aws: Aws, object_id: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    """Change the tags of any EC2 resource."""
    if removed:
        aws.call("DeleteTags", Resources=[object_id], Tags=[{"Key": key} for key in removed])
    if added:
        aws.call("CreateTags", Resources=[object_id], Tags=pairs(added))


def arn(aws: Aws, resource: str, owner: str | None = None) -> str:
    """Return the ARN of an EC2 resource in its owner's account."""
    return f"arn:{aws.partition}:ec2:{aws.region}:{owner or aws.account}:{resource}"


filter_inputs: dict[str, Property] = {
    "filters": records({"name": text(required=True), "values": texts(required=True)}),
    "tags": Property(kind="map", items=text()),
}
"""Inputs of every EC2 lookup."""


def filters(given: Values, **attributes: Any) -> list[Values] | None:
    """Return the filters of a describe call: attributes that have a value, tags, and the program's filters."""
    result: list[Values] = [
        {"Name": name.replace("_", "-"), "Values": [str(value)]}
        for name, value in attributes.items()
        if value not in (None, "")
    ]
    tags: dict[str, str] = given.get("tags") or {}
    result += [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    written: list[Values] = given.get("filters") or []
    result += [{"Name": item["name"], "Values": item["values"]} for item in written]
    return result or None
