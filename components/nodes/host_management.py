"""Role of Default Host Management Configuration. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.nodes.names import PolicyDocument


def host_trust() -> PolicyDocument:
    """Return the trust policy: Systems Manager assumes the role for the nodes that it manages.

    The documented trust policy has no condition (User Guide, "Default Host Management Configuration"). Whether the
    service sends its source account is not documented either; if it does not, a condition on it would exclude every
    node. Only an administrator who may pass the role can configure it for the account.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
