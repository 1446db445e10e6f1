"""The post's IAM policy for reaching controllers through Session Manager, as plain data, with what it lacks.

The post's own policy lets a session begin on any instance with any document that is not named, keeps federated users
from ending their sessions (`aws:username` is empty for them), and opens SSH, which controllers do not have.
"""

from __future__ import annotations

from typing import Any

POLICY_NAME = "ShellAccessDomainControllerPortForwarding"

ROLE_TAG = ("Role", "DomainController")
"""What belongs to a domain controller carries this tag."""

PORT_FORWARDING_DOCUMENT = "AWS-StartPortForwardingSession"
SHELL_DOCUMENT = "SSM-SessionManagerRunShell"

_MFA_AGE = 3600
"""Seconds since MFA; a session of a working day would make MFA of the morning good for the night."""

Policy = dict[str, Any]


def port_forwarding_policy(*, partition: str, account_id: str, require_mfa: bool, shell: bool = False) -> Policy:
    """Lets its holder forward ports to instances tagged as controllers, and end what they began.

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: 12 digits.
        require_mfa: only where MFA was used in the last hour. Credentials of federated users say so only where their
            session was made with `sts:GetSessionToken` or `AssumeRole` and MFA.
        shell: the account's default shell document too.
    """
    mfa = (
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": str(_MFA_AGE)}}
        if require_mfa
        else {}
    )
    key, value = ROLE_TAG
    documents = [f"arn:{partition}:ssm:*::document/{PORT_FORWARDING_DOCUMENT}"]
    if shell:
        documents.append(f"arn:{partition}:ssm:*:{account_id}:document/{SHELL_DOCUMENT}")
    statements = [
        {
            "Sid": "ReachControllers",
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": f"arn:{partition}:ec2:*:{account_id}:instance/*",
            # Without the check a request that names no document would begin a shell, whatever the next statement says.
            "Condition": {
                "StringEquals": {f"ssm:resourceTag/{key}": value},
                "BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"},
                **mfa,
            },
        },
        {"Sid": "ByTheseDocuments", "Effect": "Allow", "Action": "ssm:StartSession", "Resource": documents}
        | ({"Condition": mfa} if mfa else {}),
        *_own_sessions(partition),
        {
            "Sid": "FindControllers",
            "Effect": "Allow",
            "Action": [
                "ec2:DescribeInstances",
                "ssm:DescribeInstanceInformation",
                "ssm:DescribeInstanceProperties",
                "ssm:DescribeSessions",
                "ssm:GetConnectionStatus",
            ],
            "Resource": "*",
        },
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _own_sessions(partition: str) -> list[dict[str, Any]]:
    """By `aws:userid`, which federated users have, too (Systems Manager User Guide, "Sample IAM policies")."""
    return [
        {
            "Sid": "OwnDataChannel",
            "Effect": "Allow",
            "Action": "ssmmessages:OpenDataChannel",
            "Resource": f"arn:{partition}:ssm:*:*:session/${{aws:userid}}-*",
        },
        {
            "Sid": "EndOwnSessions",
            "Effect": "Allow",
            "Action": "ssm:TerminateSession",
            "Resource": "*",
            "Condition": {"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}},
        },
    ]
