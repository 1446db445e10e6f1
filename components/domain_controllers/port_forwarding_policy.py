"""The post's IAM policy for access to controllers through Session Manager, with additions, as plain data.

The post's own policy allows a session on any instance with any document that is not named, prevents federated users
from ending their sessions (`aws:username` is empty for them), and allows SSH, which controllers do not have.
"""

from __future__ import annotations

from typing import Any

POLICY_NAME = "ShellAccessDomainControllerPortForwarding"

ROLE_TAG = ("Role", "DomainController")
"""Tag of the resources that belong to a domain controller."""

PORT_FORWARDING_DOCUMENT = "AWS-StartPortForwardingSession"
SHELL_DOCUMENT = "SSM-SessionManagerRunShell"

_MFA_AGE = 3600
"""Maximum seconds since MFA; with the length of a working day, MFA of the morning would still be valid at night."""

Policy = dict[str, Any]


def port_forwarding_policy(*, partition: str, account_id: str, require_mfa: bool, shell: bool = False) -> Policy:
    """Return a policy to forward ports to instances tagged as controllers, and to end the caller's own sessions.

    Args:
        partition: `aws`, `aws-cn`, `aws-us-gov`.
        account_id: Account ID.
        require_mfa: Whether MFA in the last hour is required. Credentials of federated users have this information only
            where their session was created with `sts:GetSessionToken` or `AssumeRole` and MFA.
        shell: Whether the account's default shell document is allowed, too.
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
            # Without the check, a request without a document would start a shell, whatever the next statement allows.
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
    """Return statements on `aws:userid`, which federated users have, too.

    Source: Systems Manager User Guide, "Sample IAM policies".
    """
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
