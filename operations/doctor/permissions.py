"""What the node's role may not do that the settings need. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.iam.context import ABSENT, UNKNOWN, Context, Known, Value, known
from components.iam.truth import Truth
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.doctor.allowed import Answer, Request, by_resource, by_role
from operations.doctor.findings import Cause, Finding, Status, cannot_tell
from operations.doctor.needs import DECRYPT, REGISTER, needs
from operations.reading import Unread
from operations.verify.facts import KeyFacts

if TYPE_CHECKING:
    from components.iam.principals import Principal
    from operations.doctor.facts import NodeFacts
    from operations.doctor.needs import Need

_CORE: Final = "AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, kw_only=True)
class Acting:
    """The role that the agent acts as.

    Attributes:
        role: the role itself.
        by_default: it is that of Default Host Management Configuration.
    """

    role: Principal
    by_default: bool = False


def acting(node: NodeFacts) -> Acting | Unread | None:
    """The role that the agent acts as: its own where that lets it register, else the account's default one.

    Source: Systems Manager User Guide, "Managing EC2 instances automatically with Default Host Management Configuration".
    """
    own, default = node.role, node.default_role
    if isinstance(own, Unread):
        return own
    outside = node.instance is None
    if own is not None and (outside or default is None or _registers(node, own)):
        return Acting(role=own)
    if outside or default is None:
        return None
    return default if isinstance(default, Unread) else Acting(role=default, by_default=True)


def _registers(node: NodeFacts, role: Principal) -> bool:
    request = Request(action=REGISTER, resource=node.node_arn, context=context(node, role))
    return by_role(role, request).allowed is not Truth.NO


def permission_findings(node: NodeFacts, role: Principal) -> list[Finding]:
    """Each action that the role lacks, with the statement that denies it, and what the data key's policy says."""
    found: list[Finding] = []
    for need in needs(node):
        answer = _by_role(node, role, need)
        if need.action == DECRYPT and not need.through:
            answer, of_key = _with_key_policy(node, role, need, answer)
            found += of_key
        if answer.allowed is not Truth.YES:
            found.append(_lacking(node, role, need, answer))
    return found


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


def _by_role(node: NodeFacts, role: Principal, need: Need) -> Answer:
    keys = context(node, role, need.through)
    answers = [by_role(role, Request(action=need.action, resource=each, context=keys)) for each in need.resources]
    return max(answers, key=lambda each: each.allowed)


def _with_key_policy(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> tuple[Answer, list[Finding]]:
    """A key's policy has to let the role in itself, or to leave it to IAM (KMS Developer Guide, "Key policies")."""
    key, policy = node.destinations.live.data_key, node.destinations.data_key_policy
    if not isinstance(key, KeyFacts) or policy is None:
        # Said elsewhere: there is no key, or it cannot be looked at.
        return answer, []
    if isinstance(policy, Unread):
        return answer, [cannot_tell(Cause.DATA_KEY_POLICY, policy, need.action)]
    direct, named = by_resource(
        policy, role, Request(action=need.action, resource=key.arn, context=context(node, role))
    )
    if named.allowed is Truth.YES:
        return (Answer(allowed=Truth.YES) if direct.allowed is Truth.YES and not answer.cut else answer), []
    finding = Finding(
        cause=Cause.DATA_KEY_POLICY,
        status=Status.PROBLEM if named.allowed is Truth.NO else Status.CANNOT_TELL,
        about=need.action,
        found=f"{need.action} on {key.arn}: {named.why}",
        remedy=f"{node.asked.repair}, which gives the key its policy back",
    )
    return answer, [finding]


def _lacking(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> Finding:
    return Finding(
        cause=Cause.PERMISSION,
        status=Status.PROBLEM if answer.allowed is Truth.NO else Status.CANNOT_TELL,
        about=need.action,
        found=f"{role.name} may not {need.action} on {need.resources[0]}: {answer.why}"
        if answer.allowed is Truth.NO
        else f"whether {role.name} may {need.action} on {need.resources[0]}: {answer.why}",
        remedy=_remedy(node, role, need, answer),
    )


def _remedy(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> str:
    if answer.allowed is Truth.UNKNOWN:
        return "see whether the condition holds for this node"
    if answer.cut:
        return f"change that policy, so that it leaves {need.action} to {role.name}"
    agents = need.action.startswith(("ssm:", "ssmmessages:"))
    owner = "aws" if agents else node.asked.account_id
    policy = f"arn:{node.partition}:iam::{owner}:policy/{_CORE if agents else INSTANCE_POLICY_NAME}"
    attach = f"aws iam attach-role-policy --role-name {role.name} --policy-arn {policy}"
    return attach if agents else f"add {role.name} to shell-access:sessionManager.instanceRoles, or: {attach}"
