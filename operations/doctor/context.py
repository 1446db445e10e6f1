"""What is known of the requests that a node makes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.iam.context import ABSENT, UNKNOWN, Context, Known, Value, known
from operations.reading import Unread

if TYPE_CHECKING:
    from components.iam.principals import Principal
    from operations.doctor.facts import NodeFacts


def context(node: NodeFacts, role: Principal, through: str = "") -> Context:
    """The keys of the node's requests; what is not named here is not known.

    Args:
        node: that makes them.
        role: that it acts as.
        through: the service that calls for it; empty: none.
    """
    aliases = node.destinations.data_key_aliases
    values: dict[str, Value] = {
        "aws:requestedregion": known(node.asked.region),
        "aws:securetransport": known("true"),
        "aws:viaawsservice": known("true" if through else "false"),
        "kms:viaservice": known(through) if through else ABSENT,
        "kms:resourcealiases": UNKNOWN if isinstance(aliases, Unread) or through else Known(aliases, many=True),
        "kms:calleraccount": known(node.asked.account_id),
        "aws:principalorgid": known(node.organization_id) if node.organization_id else UNKNOWN,
    }
    if node.id.startswith("i-"):
        values |= {
            "ec2:sourceinstancearn": known(node.node_arn),
            "aws:ec2instancesourceinstancearn": known(node.node_arn),
        }
    own = role.context()
    return Context({**own.values, **values}, own.prefixes)
