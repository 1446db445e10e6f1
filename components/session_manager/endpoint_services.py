"""VPC endpoints that nodes need for the enabled features, and their service names, as plain data.

Sources: AWS Systems Manager User Guide, "Improve the security of EC2 instances by using VPC endpoints for Systems
Manager", and the prerequisites of the post. Names in other partitions: DescribeVpcEndpointServices in cn-north-1 and
cn-northwest-1, as published with aws/aws-cdk issue 25329 and pull request 25333, and the table in aws-cdk-lib
(aws-ec2/lib/vpc-endpoint.ts).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.iam.statements import Policy, allow, document

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings

EC2: Final = "ec2"
"""Service that domain controllers need, too (the post's prerequisites)."""
CLOUDWATCH: Final = "monitoring"
"""Service to which the CloudWatch agent of domain controllers sends metrics."""
SECRETS: Final = "secretsmanager"
"""Service that domain controllers need while they are promoted."""
INSPECTOR: Final = "inspector2"
"""Service to which domain controllers send the results of CIS scans."""
S3: Final = "s3"
"""Service of the gateway endpoint."""

ALWAYS = ("ec2messages", "ssm", "ssmmessages")
"""Services that SSM Agent needs to reach Systems Manager and Session Manager."""

ALL_INTERFACES: Final = (*ALWAYS, "kms", "logs", CLOUDWATCH, SECRETS, INSPECTOR)
"""Every service that nodes or domain controllers may need an interface endpoint for."""

_PREFIX: Final = "com.amazonaws"
_PREFIXES: Final = {
    "cn-north-1": ("cn.com.amazonaws", {EC2, CLOUDWATCH}),
    "cn-northwest-1": ("cn.com.amazonaws", {EC2, CLOUDWATCH}),
    "us-iso-east-1": ("gov.ic.c2s", {EC2}),
    "us-iso-west-1": ("gov.ic.c2s", {EC2, CLOUDWATCH}),
    "us-isob-east-1": ("gov.sgov.sc2s", {EC2}),
}
"""Prefixes of services, by Region, where they are not `_PREFIX`."""
_ACTIONS: Final = {CLOUDWATCH: "cloudwatch"}
"""Prefixes of actions that differ from the name of the service (Service Authorization Reference)."""


def interface_services(settings: SessionManagerSettings | None) -> tuple[str, ...]:
    """Return the short names of the services that need an interface endpoint, sorted.

    Without settings, the stack does not govern the preferences.
    """
    services = [*ALWAYS]
    if settings and settings.logs_to_cloudwatch:
        services.append("logs")
    if settings and settings.session_data_encryption:
        services.append("kms")
    return tuple(sorted(services))


def service_name(region: str, service: str) -> str:
    """Return the name of a service in EC2: `com.amazonaws.eu-west-1.ssm`.

    The name of `s3` is that of the gateway endpoint.
    """
    prefix, services = _PREFIXES.get(region, (_PREFIX, frozenset[str]()))
    return f"{prefix if service in services else _PREFIX}.{region}.{service}"


def endpoint_policy(service: str, account_id: str) -> Policy:
    """Return a policy that limits an interface endpoint to its service and to principals of this account."""
    own_account = {"StringEquals": {"aws:PrincipalAccount": account_id}}
    actions = f"{_ACTIONS.get(service, service)}:*"
    return document([allow("OwnAccountOnly", actions, "*", principal="*", condition=own_account)])
