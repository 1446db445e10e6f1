"""Permissions that the settings need and the node's role does not have. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.iam.documents import Policy
from common.iam.truth import Truth
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.doctor.effective_permissions import (
    ALLOWED,
    EvaluationResult,
    evaluate_resource_denials,
    evaluate_resource_policy,
    evaluate_role,
    together,
)
from operations.doctor.findings import Cause, status_of
from operations.doctor.requests import requests
from operations.doctor.requirements import DECRYPT, GENERATE, needs, registration
from operations.findings import Finding, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import KeyFacts, LogBucketFacts

if TYPE_CHECKING:
    from common.iam.principals import Principal
    from operations.doctor.facts import NodeFacts
    from operations.doctor.requirements import Need

_CORE: Final = "AmazonSSMManagedInstanceCore"


def node_role(node: NodeFacts) -> Principal | ReadFailure | None:
    """Return the role that the agent assumes: its own if that allows registration, else the account's default role.

    Source: Systems Manager User Guide, "Managing EC2 instances automatically with Default Host Management
    Configuration".
    """
    own, default = node.role, node.default_role
    if isinstance(own, ReadFailure) or node.instance is None or default is None:
        return own
    is_registering = own is not None and _by_role(node, own, registration(node)).allowed is not Truth.NO
    return own if is_registering else default


def permission_findings(node: NodeFacts, role: Principal) -> list[Finding]:
    """Return findings for missing permissions, with the policy that denies them, and for key and bucket policies."""
    boundary = role.permissions.boundary
    if boundary is not None and not boundary.statements:
        return [_empty_boundary(role, boundary)]
    found: list[Finding] = []
    for need in needs(node):
        by_resource = _with_bucket_policy if need.action.startswith("s3:") else _with_key_policy
        answer, denied = by_resource(node, role, need, _by_role(node, role, need))
        found += denied
        if answer.allowed is not Truth.YES:
            found.append(denial_finding(Cause.PERMISSION, role, need, answer, _remedy(node, role, need, answer)))
    return found


def denial_finding(cause: Cause, role: Principal, need: Need, answer: EvaluationResult, remedy: str) -> Finding:
    """Return the finding for a request that is not allowed, worded like AWS' own message."""
    message = f"{role.arn} is not authorized to perform {need.action} on {answer.resource}"
    if answer.allowed is Truth.UNKNOWN:
        denial = answer.denial if answer.is_limited else None
        where = f", by {denial.statement or f'{denial.kind} {denial.policy}'}" if denial else ""
        depends = "; ".join(answer.doubts)
        message = f"whether {role.arn} is authorized to perform {need.action} on {answer.resource}{where} depends on {depends}"
    elif answer.denial:
        message += f" {answer.denial.reason(need.action)}"
        if answer.conditions:
            holding = "holds" if answer.denial.explicit else "does not hold"
            message += f"; {' and '.join(answer.conditions)} {holding} for its requests"
    return Finding(check=cause, status=status_of(answer.allowed), about=need.action, found=message, remedy=remedy)


def resource_policy_remedy(role: Principal, need: Need, answer: EvaluationResult) -> str:
    """Return the change of a resource-based policy that allows a request of the role."""
    if answer.allowed is Truth.UNKNOWN or answer.denial is None:
        return f"check whether {' and '.join(answer.doubts)} holds for the node's requests"
    if answer.denial.explicit:
        return f"change {answer.denial.statement}, so that its Deny does not apply to {need.action} by {role.arn}"
    if answer.conditions:
        return f"change the condition {' and '.join(answer.conditions)}, which the node's requests do not meet"
    return f"add a statement that allows {need.action} on {answer.resource} to {role.arn}"


def _empty_boundary(role: Principal, boundary: Policy) -> Finding:
    """Return the finding that a role can do nothing, whatever its policies allow."""
    return Finding(
        check=Cause.ROLE,
        about=role.name,
        found=f"the permissions boundary {boundary.name} of {role.arn} does not exist or has no statements, so that AWS "
        "denies every request of the role",
        remedy=f"aws iam put-role-permissions-boundary --role-name {role.name} --permissions-boundary POLICY, or create "
        "the policy again",
    )


def _by_role(node: NodeFacts, role: Principal, need: Need) -> EvaluationResult:
    return together(evaluate_role(role, each) for each in requests(node, role, need))


def _with_key_policy(
    node: NodeFacts, role: Principal, need: Need, answer: EvaluationResult
) -> tuple[EvaluationResult, list[Finding]]:
    """Apply the key policy, which may allow the role itself, delegate to IAM policies, or deny.

    `answer` is the result of the role's own policies; it is unchanged for a requirement that is not on a key.
    """
    facts = node.destinations
    data_key, bucket_key = facts.live.data_key, facts.bucket_key
    if need.action == DECRYPT and isinstance(data_key, KeyFacts):
        key, policy, cause = data_key, facts.data_key_policy, Cause.DATA_KEY_POLICY
    elif need.action == GENERATE and isinstance(bucket_key, KeyFacts) and bucket_key.arn in need.resources:
        key, policy, cause = bucket_key, facts.bucket_key_policy, Cause.BUCKET_KEY_POLICY
    else:
        # Other findings report that the key does not exist or cannot be read.
        return answer, []
    if policy is None:
        return answer, []
    if isinstance(policy, ReadFailure):
        return answer, [unknown_finding(cause, policy, about=need.action)]
    (request,) = requests(node, role, need)
    direct, named = evaluate_resource_policy(policy, role, replace(request, resource=key.arn))
    if named.allowed is Truth.YES:
        return (ALLOWED if direct.allowed is Truth.YES and not answer.is_limited else answer), []
    remedy = resource_policy_remedy(role, need, named)
    if cause is Cause.DATA_KEY_POLICY:
        remedy = f"{node.deployment.repair}, which restores the key's policy; or {remedy}"
    return answer, [denial_finding(cause, role, need, named, remedy)]


def _with_bucket_policy(
    node: NodeFacts, role: Principal, need: Need, answer: EvaluationResult
) -> tuple[EvaluationResult, list[Finding]]:
    """Apply the bucket policy, which must not deny.

    In the same account, a policy that allows the role itself is sufficient. In another account, it must allow the role,
    too.
    """
    settings, policy = node.deployment.session_manager, node.destinations.bucket_policy
    if settings is None or not isinstance(node.destinations.live.bucket, LogBucketFacts):
        return answer, []
    if isinstance(policy, ReadFailure):
        return answer, [unknown_finding(Cause.BUCKET_POLICY, policy)]
    (request,) = requests(node, role, need)
    if settings.s3_bucket_owner not in ("", node.deployment.account_id):
        none = Policy(name="the bucket is of another account and has no policy")
        by_bucket = evaluate_resource_policy(policy or none, role, request)[1]
    elif policy is None:
        return answer, []
    else:
        by_bucket = evaluate_resource_denials(policy, role, request)
        is_sufficient = evaluate_resource_policy(policy, role, request)[0].allowed is Truth.YES
        answer = ALLOWED if is_sufficient and not answer.is_limited else answer
    if by_bucket.allowed is Truth.YES:
        return answer, []
    remedy = resource_policy_remedy(role, need, by_bucket)
    return answer, [denial_finding(Cause.BUCKET_POLICY, role, need, by_bucket, remedy)]


def _remedy(node: NodeFacts, role: Principal, need: Need, answer: EvaluationResult) -> str:
    """Return the change of the role's own policies, or of those that limit it."""
    if answer.allowed is Truth.UNKNOWN:
        return f"check whether {' and '.join(answer.doubts)} holds for requests of {node.id}"
    if answer.is_limited and answer.denial is not None:
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
