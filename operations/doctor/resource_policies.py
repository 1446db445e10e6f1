"""Evaluation of bucket and key policies for the node's role. Pure.

Sources: KMS Developer Guide, "Key policies"; IAM User Guide, "Cross-account policy evaluation logic": for a bucket in
the same account, IAM policies suffice and the bucket policy may deny; a bucket in another account has to allow as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.iam.denials import Denial, PolicyKind
from common.iam.truth import Truth
from operations.doctor.allowed import ALLOWED, Answer, Request, by_resource, denied_by_resource
from operations.doctor.findings import Cause, Finding, Status, cannot_tell
from operations.doctor.needs import DECRYPT, GENERATE, needs
from operations.doctor.requests import denied, requests
from operations.inventory.session_manager import BucketFacts, KeyFacts
from operations.reading import Unread

if TYPE_CHECKING:
    from common.iam.documents import Policy
    from common.iam.principals import Principal
    from operations.doctor.facts import NodeFacts
    from operations.doctor.needs import Need

_OF_BUCKET: Final = "s3:"


def with_key_policy(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> tuple[Answer, list[Finding]]:
    """Apply the key policy, which may allow the role itself, delegate to IAM policies, or deny.

    Args:
        node: Node that makes the request.
        role: Role that the node assumes.
        need: Requirement on a key; others are returned unchanged.
        answer: Result of the role's own policies.
    """
    key, policy, cause, restore = _key_of(node, need)
    if key is None or policy is None:
        # Other findings report that the key does not exist or cannot be read.
        return answer, []
    if isinstance(policy, Unread):
        return answer, [cannot_tell(cause, policy, need.action)]
    (request,) = requests(node, role, need)
    direct, named = by_resource(policy, role, replace(request, resource=key.arn))
    if named.allowed is Truth.YES:
        return (ALLOWED if direct.allowed is Truth.YES and not answer.cut else answer), []
    return answer, [_finding(cause, role, need, named, restore)]


def with_bucket_policy(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> Answer:
    """Apply the bucket policy: in the same account, a policy that allows the role itself is sufficient.

    Args:
        node: Node that makes the request.
        role: Role that the node assumes.
        need: Requirement on the bucket; others are returned unchanged.
        answer: Result of the role's own policies.
    """
    settings, policy = node.asked.session_manager, node.destinations.bucket_policy
    foreign = settings is not None and settings.s3_bucket_owner not in ("", node.asked.account_id)
    if not need.action.startswith(_OF_BUCKET) or foreign or policy is None or isinstance(policy, Unread):
        return answer
    (request,) = requests(node, role, need)
    direct, _named = by_resource(policy, role, request)
    return ALLOWED if direct.allowed is Truth.YES and not answer.cut else answer


def bucket_policy_findings(node: NodeFacts, role: Principal) -> list[Finding]:
    """Return findings for requests of the node that the bucket policy denies.

    Args:
        node: Node that writes to the bucket.
        role: Role that the node assumes.
    """
    settings, policy = node.asked.session_manager, node.destinations.bucket_policy
    if settings is None or not settings.s3_logging or not isinstance(node.destinations.live.bucket, BucketFacts):
        return []
    if isinstance(policy, Unread):
        return [cannot_tell(Cause.BUCKET_POLICY, policy)]
    foreign = settings.s3_bucket_owner not in ("", node.asked.account_id)
    found: list[Finding] = []
    for need in needs(node):
        if not need.action.startswith(_OF_BUCKET):
            continue
        (request,) = requests(node, role, need)
        answer = _of_bucket(policy, role, request, foreign=foreign)
        if answer.allowed is not Truth.YES:
            found.append(_finding(Cause.BUCKET_POLICY, role, need, answer, ""))
    return found


def _of_bucket(policy: Policy | None, role: Principal, request: Request, *, foreign: bool) -> Answer:
    if not foreign:
        return denied_by_resource(policy, role, request) if policy else ALLOWED
    if policy is None:
        denial = Denial(
            kind=PolicyKind.RESOURCE, explicit=False, policy="the bucket is of another account and has no policy"
        )
        return Answer(allowed=Truth.NO, resource=request.resource, denial=denial)
    return by_resource(policy, role, request)[1]


def _key_of(node: NodeFacts, need: Need) -> tuple[KeyFacts | None, Policy | Unread | None, Cause, str]:
    """Return the key of a requirement, its policy, the cause to report, and the command that restores the policy."""
    facts = node.destinations
    key, bucket_key = facts.live.data_key, facts.bucket_key
    if need.action == DECRYPT and not need.through and isinstance(key, KeyFacts):
        restore = f"{node.asked.repair}, which restores the key's policy"
        return key, facts.data_key_policy, Cause.DATA_KEY_POLICY, restore
    if need.action == GENERATE and isinstance(bucket_key, KeyFacts) and bucket_key.arn in need.resources:
        return bucket_key, facts.bucket_key_policy, Cause.BUCKET_KEY_POLICY, ""
    return None, None, Cause.DATA_KEY_POLICY, ""


def _finding(cause: Cause, role: Principal, need: Need, answer: Answer, restore: str) -> Finding:
    """Return a finding for a denial by a resource-based policy.

    Args:
        cause: Cause to report.
        role: Role that is denied.
        need: Requirement that is denied.
        answer: Result of the policy.
        restore: Command that restores the policy. Empty: none.
    """
    denial = answer.denial
    if answer.allowed is Truth.UNKNOWN or denial is None:
        remedy = f"check whether {' and '.join(answer.doubts)} holds for the node's requests"
    elif denial.explicit:
        remedy = f"change {denial.statement}, so that its Deny spares {need.action} by {role.arn}"
    elif answer.conditions:
        remedy = f"change the condition {' and '.join(answer.conditions)}, which the node's requests do not meet"
    else:
        remedy = f"add a statement that allows {need.action} on {answer.resource} to {role.arn}"
    if restore:
        remedy = f"{restore}; or {remedy}"
    status = Status.PROBLEM if answer.allowed is Truth.NO else Status.CANNOT_TELL
    found = denied(role, need.action, answer)
    return Finding(cause=cause, status=status, about=need.action, found=found, remedy=remedy)
