"""Permissions that the settings need and the node's role does not have. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from common.iam.truth import Truth
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.doctor.allowed import by_role, together
from operations.doctor.findings import Cause, Finding, Status
from operations.doctor.needs import GENERATE, needs, registration
from operations.doctor.requests import denied, requests
from operations.doctor.resource_policies import bucket_policy_findings, with_bucket_policy, with_key_policy
from operations.reading import Unread

if TYPE_CHECKING:
    from common.iam.principals import Principal
    from operations.doctor.allowed import Answer
    from operations.doctor.facts import NodeFacts
    from operations.doctor.needs import Need

_CORE: Final = "AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, kw_only=True)
class Acting:
    """Role that the agent assumes.

    Attributes:
        role: Role.
        by_default: Whether it is the role of Default Host Management Configuration.
    """

    role: Principal
    by_default: bool = False


def acting(node: NodeFacts) -> Acting | Unread | None:
    """Return the role that the agent assumes: its own if that allows registration, else the account's default role.

    Source: Systems Manager User Guide, "Managing EC2 instances automatically with Default Host Management
    Configuration".
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
    return _by_role(node, role, registration(node)).allowed is not Truth.NO


def permission_findings(node: NodeFacts, role: Principal) -> list[Finding]:
    """Return findings for missing permissions, with the policy that denies them, and for key and bucket policies."""
    found: list[Finding] = []
    for need in needs(node):
        answer, of_key = with_key_policy(node, role, need, _by_role(node, role, need))
        answer = with_bucket_policy(node, role, need, answer)
        found += of_key
        if answer.allowed is not Truth.YES:
            found.append(_lacking(node, role, need, answer))
    return found + bucket_policy_findings(node, role)


def _by_role(node: NodeFacts, role: Principal, need: Need) -> Answer:
    return together(by_role(role, each) for each in requests(node, role, need))


def _lacking(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> Finding:
    return Finding(
        cause=Cause.PERMISSION,
        status=Status.PROBLEM if answer.allowed is Truth.NO else Status.CANNOT_TELL,
        about=need.action,
        found=denied(role, need.action, answer),
        remedy=_remedy(node, role, need, answer),
    )


def _remedy(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> str:
    if answer.allowed is Truth.UNKNOWN:
        return f"check whether {' and '.join(answer.doubts)} holds for requests of {node.id}"
    if answer.cut and answer.denial is not None:
        return answer.denial.remedy(need.action, role.arn)
    if answer.conditions:
        return (
            f"change the condition {' and '.join(answer.conditions)}, or allow {need.action} to {role.arn} without it"
        )
    settings = node.asked.session_manager
    if need.action == GENERATE and settings and not settings.s3_kms_key_arn:
        # The instance policy does not cover a key that the settings do not name, attached or not.
        return f"set shell-access:sessionManager.s3KmsKeyArn to {need.resources[0]}, then pulumi up"
    agents = need.action.startswith(("ssm:", "ssmmessages:"))
    owner = "aws" if agents else node.asked.account_id
    policy = f"arn:{node.partition}:iam::{owner}:policy/{_CORE if agents else INSTANCE_POLICY_NAME}"
    attach = f"aws iam attach-role-policy --role-name {role.name} --policy-arn {policy}"
    return attach if agents else f"add {role.name} to shell-access:sessionManager.instanceRoles, or: {attach}"
