"""Permissions that the settings need and the node's role does not have. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from common.aws.denials import Denial, PolicyKind
from common.iam.truth import Truth
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.doctor.effective_permissions import (
    ALLOWED,
    EvaluationResult,
    RoleRequest,
    evaluate_resource_denials,
    evaluate_resource_policy,
    evaluate_role,
    together,
)
from operations.doctor.findings import Cause
from operations.doctor.requests import denial_message, requests
from operations.doctor.requirements import DECRYPT, GENERATE, needs, registration
from operations.findings import Finding, Status, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts, LogBucketFacts

if TYPE_CHECKING:
    from common.iam.documents import Policy
    from common.iam.principals import Principal
    from operations.doctor.facts import NodeFacts
    from operations.doctor.requirements import Need


_OF_BUCKET: Final = "s3:"


def with_key_policy(
    node: NodeFacts, role: Principal, need: Need, answer: EvaluationResult
) -> tuple[EvaluationResult, list[Finding]]:
    """Apply the key policy, which may allow the role itself, delegate to IAM policies, or deny.

    `answer` is the result of the role's own policies; it is unchanged for a requirement that is not on a key.
    """
    key, policy, cause, restore = _key_of(node, need)
    if key is None or policy is None:
        # Other findings report that the key does not exist or cannot be read.
        return answer, []
    if isinstance(policy, ReadFailure):
        return answer, [unknown_finding(cause, policy, about=need.action)]
    (request,) = requests(node, role, need)
    direct, named = evaluate_resource_policy(policy, role, replace(request, resource=key.arn))
    if named.allowed is Truth.YES:
        return (ALLOWED if direct.allowed is Truth.YES and not answer.cut else answer), []
    return answer, [_finding(cause, role, need, named, restore)]


def with_bucket_policy(node: NodeFacts, role: Principal, need: Need, answer: EvaluationResult) -> EvaluationResult:
    """Apply the bucket policy: in the same account, a policy that allows the role itself is sufficient.

    `answer` is the result of the role's own policies; it is unchanged for a requirement that is not on the bucket.
    """
    settings, policy = node.deployment.session_manager, node.destinations.bucket_policy
    foreign = settings is not None and settings.s3_bucket_owner not in ("", node.deployment.account_id)
    if not need.action.startswith(_OF_BUCKET) or foreign or policy is None or isinstance(policy, ReadFailure):
        return answer
    (request,) = requests(node, role, need)
    direct, _named = evaluate_resource_policy(policy, role, request)
    return ALLOWED if direct.allowed is Truth.YES and not answer.cut else answer


def bucket_policy_findings(node: NodeFacts, role: Principal) -> list[Finding]:
    """Return findings for requests of the node that the bucket policy denies."""
    settings, policy = node.deployment.session_manager, node.destinations.bucket_policy
    if settings is None or not settings.s3_logging or not isinstance(node.destinations.live.bucket, LogBucketFacts):
        return []
    if isinstance(policy, ReadFailure):
        return [unknown_finding(Cause.BUCKET_POLICY, policy)]
    foreign = settings.s3_bucket_owner not in ("", node.deployment.account_id)
    found: list[Finding] = []
    for need in needs(node):
        if not need.action.startswith(_OF_BUCKET):
            continue
        (request,) = requests(node, role, need)
        answer = _of_bucket(policy, role, request, foreign=foreign)
        if answer.allowed is not Truth.YES:
            found.append(_finding(Cause.BUCKET_POLICY, role, need, answer, ""))
    return found


def _of_bucket(policy: Policy | None, role: Principal, request: RoleRequest, *, foreign: bool) -> EvaluationResult:
    if not foreign:
        return evaluate_resource_denials(policy, role, request) if policy else ALLOWED
    if policy is None:
        denial = Denial(
            kind=PolicyKind.RESOURCE, explicit=False, policy="the bucket is of another account and has no policy"
        )
        return EvaluationResult(allowed=Truth.NO, resource=request.resource, denial=denial)
    return evaluate_resource_policy(policy, role, request)[1]


def _key_of(node: NodeFacts, need: Need) -> tuple[KeyFacts | None, Policy | ReadFailure | None, Cause, str]:
    """Return the key of a requirement, its policy, the cause to report, and the command that restores the policy."""
    facts = node.destinations
    key, bucket_key = facts.live.data_key, facts.bucket_key
    if need.action == DECRYPT and not need.through and isinstance(key, KeyFacts):
        restore = f"{node.deployment.repair}, which restores the key's policy"
        return key, facts.data_key_policy, Cause.DATA_KEY_POLICY, restore
    if need.action == GENERATE and isinstance(bucket_key, KeyFacts) and bucket_key.arn in need.resources:
        return bucket_key, facts.bucket_key_policy, Cause.BUCKET_KEY_POLICY, ""
    return None, None, Cause.DATA_KEY_POLICY, ""


def _finding(cause: Cause, role: Principal, need: Need, answer: EvaluationResult, restore: str) -> Finding:
    """Return a finding for a denial by a resource-based policy."""
    denial = answer.denial
    if answer.allowed is Truth.UNKNOWN or denial is None:
        remedy = f"check whether {' and '.join(answer.doubts)} holds for the node's requests"
    elif denial.explicit:
        remedy = f"change {denial.statement}, so that its Deny does not apply to {need.action} by {role.arn}"
    elif answer.conditions:
        remedy = f"change the condition {' and '.join(answer.conditions)}, which the node's requests do not meet"
    else:
        remedy = f"add a statement that allows {need.action} on {answer.resource} to {role.arn}"
    if restore:
        remedy = f"{restore}; or {remedy}"
    status = Status.PROBLEM if answer.allowed is Truth.NO else Status.UNKNOWN
    found = denial_message(role, need.action, answer)
    return Finding(check=cause, status=status, about=need.action, found=found, remedy=remedy)


_CORE: Final = "AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, kw_only=True)
class NodeRole:
    """Role that the agent assumes.

    Attributes:
        by_default: Whether it is the role of Default Host Management Configuration.
    """

    role: Principal
    by_default: bool = False


def node_role(node: NodeFacts) -> NodeRole | ReadFailure | None:
    """Return the role that the agent assumes: its own if that allows registration, else the account's default role.

    Source: Systems Manager User Guide, "Managing EC2 instances automatically with Default Host Management
    Configuration".
    """
    own, default = node.role, node.default_role
    if isinstance(own, ReadFailure):
        return own
    outside = node.instance is None
    if own is not None and (outside or default is None or _registers(node, own)):
        return NodeRole(role=own)
    if outside or default is None:
        return None
    return default if isinstance(default, ReadFailure) else NodeRole(role=default, by_default=True)


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


def _by_role(node: NodeFacts, role: Principal, need: Need) -> EvaluationResult:
    return together(evaluate_role(role, each) for each in requests(node, role, need))


def _lacking(node: NodeFacts, role: Principal, need: Need, answer: EvaluationResult) -> Finding:
    return Finding(
        check=Cause.PERMISSION,
        status=Status.PROBLEM if answer.allowed is Truth.NO else Status.UNKNOWN,
        about=need.action,
        found=denial_message(role, need.action, answer),
        remedy=_remedy(node, role, need, answer),
    )


def _remedy(node: NodeFacts, role: Principal, need: Need, answer: EvaluationResult) -> str:
    if answer.allowed is Truth.UNKNOWN:
        return f"check whether {' and '.join(answer.doubts)} holds for requests of {node.id}"
    if answer.cut and answer.denial is not None:
        return answer.denial.remedy(need.action, role.arn)
    if answer.conditions:
        return (
            f"change the condition {' and '.join(answer.conditions)}, or allow {need.action} to {role.arn} without it"
        )
    settings = node.deployment.session_manager
    if need.action == GENERATE and settings and not settings.s3_kms_key_arn:
        # The instance policy does not cover a key that the settings do not name, attached or not.
        return f"set shell-access:sessionManager.s3KmsKeyArn to {need.resources[0]}, then pulumi up"
    agents = need.action.startswith(("ssm:", "ssmmessages:"))
    owner = "aws" if agents else node.deployment.account_id
    policy = f"arn:{node.deployment.partition}:iam::{owner}:policy/{_CORE if agents else INSTANCE_POLICY_NAME}"
    attach = f"aws iam attach-role-policy --role-name {role.name} --policy-arn {policy}"
    return attach if agents else f"add {role.name} to shell-access:sessionManager.instanceRoles, or: {attach}"
