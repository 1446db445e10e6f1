"""The role that Default Host Management Configuration gives to instances. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.nodes.names import PolicyDocument


def host_trust() -> PolicyDocument:
    """Systems Manager hands the role to the nodes that it manages.

    The documented trust policy has no condition (User Guide, "Default Host Management Configuration"). Whether the
    service names its source account there is not documented either, and where it does not, a condition on it would shut
    every node out. Nobody but an administrator who may pass the role makes it the account's.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
