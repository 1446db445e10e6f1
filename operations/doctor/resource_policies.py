"""What the policies of the bucket and of the keys say of the node's role. Pure.

Sources: KMS Developer Guide, "Key policies"; IAM User Guide, "Cross-account policy evaluation logic": a bucket of the own
account asks IAM and may deny; one of another account has to allow as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from components.iam.truth import Truth
from operations.doctor.allowed import Answer, Request, by_resource, denied_by_resource
from operations.doctor.context import context
from operations.doctor.findings import Cause, Finding, Status, cannot_tell
from operations.doctor.needs import DECRYPT, GENERATE, needs
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
    key, policy, cause, mend = _key_of(node, need)
    if key is None or policy is None:
        # Said elsewhere: there is no key, or it cannot be looked at.
        return answer, []
    if isinstance(policy, Unread):
        return answer, [cannot_tell(cause, policy, need.action)]
    request = Request(action=need.action, resource=key.arn, context=context(node, role, need.through))
    direct, named = by_resource(policy, role, request)
    if named.allowed is Truth.YES:
        return (Answer(allowed=Truth.YES) if direct.allowed is Truth.YES and not answer.cut else answer), []
    found = f"{need.action} on {key.arn}: {named.why}"
    return answer, [_finding(cause, named, need.action, found, mend)]


def bucket_policy_findings(node: NodeFacts, role: Principal) -> list[Finding]:
    """What the bucket's policy keeps from the node.

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
        request = Request(action=need.action, resource=need.resources[0], context=context(node, role))
        answer = _of_bucket(policy, role, request, foreign=foreign)
        if answer.allowed is not Truth.YES:
            said = f"bucket {settings.s3_bucket_name} shuts {role.name} out of {need.action}: {answer.why}"
            mend = f"let the bucket's policy allow {need.action} to {role.arn}"
            found.append(_finding(Cause.BUCKET_POLICY, answer, need.action, said, mend))
    return found


def _of_bucket(policy: Policy | None, role: Principal, request: Request, *, foreign: bool) -> Answer:
    if not foreign:
        return denied_by_resource(policy, role, request) if policy else Answer(allowed=Truth.YES)
    if policy is None:
        return Answer(allowed=Truth.NO, why="it is of another account and has no policy")
    return by_resource(policy, role, request)[1]


def _key_of(node: NodeFacts, need: Need) -> tuple[KeyFacts | None, Policy | Unread | None, Cause, str]:
    """The key that a need is about, with its policy, the cause to be named and the remedy."""
    facts = node.destinations
    key, bucket_key = facts.live.data_key, facts.bucket_key
    if need.action == DECRYPT and not need.through and isinstance(key, KeyFacts):
        mend = f"{node.asked.repair}, which gives the key its policy back"
        return key, facts.data_key_policy, Cause.DATA_KEY_POLICY, mend
    if need.action == GENERATE and isinstance(bucket_key, KeyFacts) and bucket_key.arn in need.resources:
        mend = "let the policy of the bucket's key allow it, or leave it to the IAM of the node's account"
        return bucket_key, facts.bucket_key_policy, Cause.BUCKET_KEY_POLICY, mend
    return None, None, Cause.DATA_KEY_POLICY, ""


def _finding(cause: Cause, answer: Answer, about: str, found: str, remedy: str) -> Finding:
    status = Status.PROBLEM if answer.allowed is Truth.NO else Status.CANNOT_TELL
    return Finding(cause=cause, status=status, about=about, found=found, remedy=remedy)
