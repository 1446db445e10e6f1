"""Policies of resources as programs write them."""

import json
from typing import Any

EVERY_PRINCIPAL: list[Any] = [
    {"Principal": "*"},
    {"Principal": ["*"]},
    {"Principal": {"AWS": "*"}},
    {"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "*"]}},
    {"Principal": {"AWS": "*", "Service": "logs.amazonaws.com"}},
    {"Principal": {"Service": "*"}},
    {"Principal": {"AWS": "arn:aws:iam::*:root"}},
    {"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/Other"}},
]

CLOSED: list[Any] = [
    {"StringEquals": {"aws:PrincipalOrgID": "o-abcdef1234"}},
    {"StringEquals": {"AWS:SourceAccount": "123456789012"}},
    {"StringEquals": {"kms:CallerAccount": ["123456789012", "210987654321"]}},
    {"StringLike": {"aws:PrincipalAccount": "123456789012"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}},
    {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abcdef1234/r-ab12/*"}},
    {"StringEquals": {"aws:SourceVpce": "vpce-1"}, "Bool": {"aws:SecureTransport": "true"}},
]

OPEN: list[Any] = [
    {"Bool": {"aws:SecureTransport": "true"}},
    {"StringLike": {"aws:PrincipalAccount": "*"}},
    {"StringLike": {"kms:CallerAccount": "1234*"}},
    {"StringEquals": {"kms:CallerAccount": ["123456789012", "${aws:PrincipalTag/account}"]}},
    {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}},
    {"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}},
    {"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-abcdef1234/"}},
    {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}},
    {"ArnLike": {"aws:SourceArn": "*"}},
    {"StringEquals": {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}},
    {"StringEquals": {"aws:PrincipalAccount": []}},
]


def text(*statements: Any) -> str:
    """A document of statements that allow unless they say otherwise."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


def statement(**changes: Any) -> dict[str, Any]:
    """That lets in a role."""
    named = {"Principal": {"AWS": "arn:aws:iam::123456789012:role/Operator"}}
    return {**({} if "NotPrincipal" in changes else named), "Action": "*", "Resource": "*", **changes}
