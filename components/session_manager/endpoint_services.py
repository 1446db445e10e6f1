"""Which VPC endpoints nodes need for the features that are on, as plain data.

Source: AWS Systems Manager User Guide, "Improve the security of EC2 instances by using VPC endpoints for Systems
Manager", and the prerequisites of the post.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings

ALWAYS = ("ec2messages", "ssm", "ssmmessages")
"""Without these the SSM Agent reaches neither Systems Manager nor Session Manager."""


def interface_services(settings: SessionManagerSettings | None) -> tuple[str, ...]:
    """Short names of the services that need an interface endpoint, sorted.

    Args:
        settings: of the Region; None where its preferences are not governed here.
    """
    services = [*ALWAYS]
    if settings and settings.logs_to_cloudwatch:
        services.append("logs")
    if settings and settings.session_data_encryption:
        services.append("kms")
    return tuple(sorted(services))


def service_name(region: str, service: str) -> str:
    """As EC2 knows it, `com.amazonaws.eu-west-1.ssm`."""
    return f"com.amazonaws.{region}.{service}"


def endpoint_policy(service: str, account_id: str) -> dict[str, Any]:
    """Lets only principals of this account use an interface endpoint, and only for its service."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OwnAccountOnly",
                "Effect": "Allow",
                "Principal": "*",
                "Action": f"{service}:*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalAccount": account_id}},
            }
        ],
    }
