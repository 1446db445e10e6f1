"""What the policies of the bucket and of the keys say of the node's role. Pure.

Sources: KMS Developer Guide, "Key policies"; IAM User Guide, "Cross-account policy evaluation logic": a bucket of the own
account asks IAM and may deny; one of another account has to allow as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from components.iam.denials import Denial, PolicyKind
from components.iam.truth import Truth
from operations.doctor.allowed import ALLOWED, Answer, Request, by_resource, denied_by_resource
from operations.doctor.findings import Cause, Finding, Status, cannot_tell
from operations.doctor.needs import DECRYPT, GENERATE, needs
from operations.doctor.requests import denied, requests
from operations.reading import Unread
from operations.verify.facts import BucketFacts, KeyFacts

if TYPE_CHECKING:
    from components.iam.documents import Policy
    from components.iam.principals import Principal
    from operations.doctor.facts import NodeFacts
    from operations.doctor.needs import Need

_OF_BUCKET: Final = "s3:"


def with_key_policy(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> tuple[Answer, list[Finding]]:
    """What becomes of a permission to use a key: its policy lets the role in itself, leaves it to IAM, or shuts it out.

    Args:
        node: that needs it.
        role: that it acts as.
        need: on a key; others are left as they are.
        answer: of the role's own policies.
    """
    key, policy, cause, restore = _key_of(node, need)
    if key is None or policy is None:
        # Said elsewhere: there is no key, or it cannot be looked at.
        return answer, []
    if isinstance(policy, Unread):
        return answer, [cannot_tell(cause, policy, need.action)]
    (request,) = requests(node, role, need)
    direct, named = by_resource(policy, role, replace(request, resource=key.arn))
    if named.allowed is Truth.YES:
        return (ALLOWED if direct.allowed is Truth.YES and not answer.cut else answer), []
    return answer, [_finding(cause, role, need, named, restore)]


def with_bucket_policy(node: NodeFacts, role: Principal, need: Need, answer: Answer) -> Answer:
    """What becomes of a permission on the bucket: in its own account, a policy that names the role is enough.

    Args:
        node: that needs it.
        role: that it acts as.
        need: on the bucket; others are left as they are.
        answer: of the role's own policies.
    """
    settings, policy = node.asked.session_manager, node.destinations.bucket_policy
    foreign = settings is not None and settings.s3_bucket_owner not in ("", node.asked.account_id)
    if not need.action.startswith(_OF_BUCKET) or foreign or policy is None or isinstance(policy, Unread):
        return answer
    (request,) = requests(node, role, need)
    direct, _named = by_resource(policy, role, request)
    return ALLOWED if direct.allowed is Truth.YES and not answer.cut else answer


def bucket_policy_findings(node: NodeFacts, role: Principal) -> list[Finding]:
    """What the bucket's policy denies to the node.

    Args:
        node: that writes to it.
        role: that it acts as.
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
    """The key that a need is about, with its policy, the cause to be named and the command that restores the policy."""
    facts = node.destinations
    key, bucket_key = facts.live.data_key, facts.bucket_key
    if need.action == DECRYPT and not need.through and isinstance(key, KeyFacts):
        restore = f"{node.asked.repair}, which restores the key's policy"
        return key, facts.data_key_policy, Cause.DATA_KEY_POLICY, restore
    if need.action == GENERATE and isinstance(bucket_key, KeyFacts) and bucket_key.arn in need.resources:
        return bucket_key, facts.bucket_key_policy, Cause.BUCKET_KEY_POLICY, ""
    return None, None, Cause.DATA_KEY_POLICY, ""


def _finding(cause: Cause, role: Principal, need: Need, answer: Answer, restore: str) -> Finding:
    """A denial by the policy of a resource.

    Args:
        cause: to be named.
        role: that is denied.
        need: that is denied.
        answer: of the policy.
        restore: a command that restores the policy; empty: none does.
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
