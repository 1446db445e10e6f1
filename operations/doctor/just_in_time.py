"""Just-in-time node access to a node: the service, the policy that decides, and the requests of people. Pure.

Sources: Systems Manager User Guide, "Create approval policies for your nodes" and "Setting up just-in-time access with Systems
Manager"; Systems Manager API Reference, GetAccessToken. AWS documents no version of the agent that this access needs, so the
cause `agent` is about the versions that sessions and their preferences need.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from common.aws.arns import split_arn
from components.approval.settings import IDENTITY_CENTER_PREFIX
from components.just_in_time.decisions import ManagedNode, Outcome, decide
from components.just_in_time.names import DENY_ACCESS_NAME
from operations.approval.access_requests import ASSUMED
from operations.approval.requests import RequestState
from operations.doctor.findings import Cause
from operations.findings import Finding, Status, listed, unknown_finding
from operations.inventory.reader import ReadFailure
from operations.terminal import program_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.just_in_time.decisions import AccessDecision, Policies
    from components.just_in_time.documents import ManualRule
    from operations.approval.requests import ApprovalRequest
    from operations.doctor.facts import AccessFacts, NodeFacts

_MOST: Final = 5
_UNUSABLE: Final = {
    RequestState.REJECTED: "an approver rejected it",
    RequestState.EXPIRED: "no approver decided in time, or its access token has expired",
    RequestState.REVOKED: "an approver revoked it",
    RequestState.CANCELLED: "it was canceled",
    RequestState.FAILED: "AWS failed it",
}


def access_findings(node: NodeFacts) -> list[Finding]:
    """Return the reasons for which people get no just-in-time access to a node; none where the stack does not govern it."""
    access = node.access
    if access is None:
        return []
    return [*_service(node, access), *_decision(node, access), *_requests(node, access), *_caller(node, access)]


def _service(node: NodeFacts, access: AccessFacts) -> Iterator[Finding]:
    deployment = node.deployment
    remedy = (
        f"enable it for this account and {deployment.region} with Quick Setup (AWSQuickSetupType-JITNA) in the delegated "
        f"administrator's account, see docs/just-in-time.md, Prerequisites; then: {program_name()} verify --stack "
        f"{deployment.stack} --region {deployment.region}"
    )
    for about, exists in access.setup.items():
        if isinstance(exists, ReadFailure):
            yield unknown_finding(Cause.ACCESS_SERVICE, exists, about=about)
        elif not exists:
            text = f"just-in-time node access is not enabled in {deployment.region}: there is no {about}"
            yield Finding(check=Cause.ACCESS_SERVICE, about=about, found=text, remedy=remedy)


def _decision(node: NodeFacts, access: AccessFacts) -> Iterator[Finding]:
    tags, policies = access.tags, access.policies
    if isinstance(tags, ReadFailure):
        yield unknown_finding(Cause.ACCESS_POLICY, tags)
        return
    if isinstance(policies, ReadFailure):
        yield unknown_finding(Cause.ACCESS_POLICY, policies)
        return
    decision = decide(ManagedNode(id=node.id, region=node.deployment.region, tags=tags), policies)
    if decision.unknown:
        text = f"who decides about it is not known: {'; '.join(decision.unknown)}"
        remedy = f"compare the policies: {program_name()} access nodes --stack {node.deployment.stack}"
        yield Finding(check=Cause.ACCESS_POLICY, status=Status.UNKNOWN, found=text, remedy=remedy)
    if decision.outcome is Outcome.CONFLICT:
        yield _conflict(node, tags, decision)
    elif not decision.policies and not decision.automatic and not decision.unknown:
        yield _no_policy(node, tags, policies)
    elif not decision.policies and decision.automatic:
        text = f"no manual policy applies: AWS refuses all requests but those of {', '.join(decision.automatic)}"
        remedy = f"to let others request access: {_tagging(node, policies.manual)}"
        yield Finding(check=Cause.ACCESS_POLICY, status=Status.WARNING, found=text, remedy=remedy)
    yield from _denial(node, decision)


def _denial(node: NodeFacts, decision: AccessDecision) -> Iterator[Finding]:
    """Note the deny-access policy of the organization, which forbids automatic approval only; its content is not known."""
    if not (decision.may_be_denied and decision.automatic):
        return
    instead = f"by the policy {decision.policies[0].name}, people approve" if decision.policies else "AWS refuses"
    text = f"{DENY_ACCESS_NAME} of the organization is in force: what it forbids is not approved automatically; {instead} then"
    show = f"aws ssm get-document --name {DENY_ACCESS_NAME} --region {node.deployment.region}"
    remedy = f"see it: {show}; the delegated administrator changes it"
    status = Status.NOTE if decision.policies else Status.WARNING
    yield Finding(check=Cause.ACCESS_DENIED, status=status, found=text, remedy=remedy)


def _conflict(node: NodeFacts, tags: Mapping[str, str], decision: AccessDecision) -> Finding:
    matched = {each.name: _matched(each, tags) for each in decision.policies}
    shown = listed([f"{name} ({', '.join(f'{key}={tags[key]}' for key in keys)})" for name, keys in matched.items()])
    kept, *others = matched.values()
    removable = sorted({key for keys in others for key in keys} - set(kept))
    region, keys = node.deployment.region, " ".join(f"Key={shlex.quote(each)}" for each in removable)
    if not removable:
        remedy = f"remove the tag from the targets of all but one of these policies, then: {node.deployment.repair}"
    elif node.id.startswith("i-"):
        remedy = f"keep the tags of one policy, such as: aws ec2 delete-tags --resources {node.id} --tags {keys} --region {region}"
    else:
        names = " ".join(map(shlex.quote, removable))
        remedy = (
            "keep the tags of one policy, such as: aws ssm remove-tags-from-resource --resource-type ManagedInstance "
            f"--resource-id {node.id} --tag-keys {names} --region {region}"
        )
    text = f"several approval policies apply to its tags, so that AWS fails each request: {shown}"
    return Finding(check=Cause.ACCESS_POLICY, found=text, remedy=remedy)


def _matched(policy: ManualRule, tags: Mapping[str, str]) -> list[str]:
    return sorted(key for key, values in policy.targets.items() if tags.get(key) in values)


def _no_policy(node: NodeFacts, tags: Mapping[str, str], policies: Policies) -> Finding:
    """Return the finding that AWS refuses each request: the node lacks the tags, or its values are in no policy."""
    compared = sorted({key for each in policies.manual for key in each.targets})
    tagged = [key for key in compared if key in tags]
    if not compared:
        text = f"there is no manual approval policy in {node.deployment.region}, so that AWS refuses each request"
        return Finding(check=Cause.ACCESS_POLICY, found=text, remedy=node.deployment.repair)
    tagging = _tagging(node, policies.manual)
    if not tagged:
        text = f"it has none of the tags that approval policies compare ({', '.join(compared)}), so that AWS refuses each request"
        return Finding(check=Cause.ACCESS_TAGS, found=text, remedy=tagging)
    shown = ", ".join(f"{key}={tags[key]}" for key in tagged)
    text = f"no approval policy applies to its tags {shown}, so that AWS refuses each request"
    remedy = (
        "add the value to a policy's targets in shell-access:approval.justInTime.manualPolicies and run pulumi up, or change the "
        f"tag: {tagging}"
    )
    return Finding(check=Cause.ACCESS_POLICY, found=text, remedy=remedy)


def _tagging(node: NodeFacts, policies: tuple[ManualRule, ...]) -> str:
    """Return the command that tags a node for a policy; the tag chooses who approves, so that all policies are named."""
    choices = [(each.name, key, min(each.targets[key])) for each in policies for key in sorted(each.targets)[:1]]
    if not choices:
        return "add a policy to shell-access:approval.justInTime.manualPolicies and run pulumi up"
    region = node.deployment.region
    _, key, value = choices[0]
    tag = shlex.quote(f"Key={key},Value={value}")
    command = (
        f"aws ec2 create-tags --resources {node.id} --tags {tag} --region {region}"
        if node.id.startswith("i-")
        else f"aws ssm add-tags-to-resource --resource-type ManagedInstance --resource-id {node.id} --tags {tag} --region {region}"
    )
    others = listed([f"{name} ({key}={value})" for name, key, value in choices], _MOST)
    return f"{command}, which chooses its approvers among {others}" if len(choices) > 1 else f"{command} ({others})"


def _requests(node: NodeFacts, access: AccessFacts) -> Iterator[Finding]:
    """Report the latest requests of each person; the caller's own count as warnings."""
    if isinstance(access.requests, ReadFailure):
        # Whether people may connect now does not depend on the node.
        yield replace(unknown_finding(Cause.ACCESS_REQUEST, access.requests), status=Status.NOTE)
        return
    latest = {each.requester: each for each in reversed(access.requests)}
    yield from (_request(node, access, each) for each in latest.values())


def _request(node: NodeFacts, access: AccessFacts, request: ApprovalRequest) -> Finding:
    who = request.requester.rpartition(ASSUMED)[2] or "a requester who is not known"
    about = f"access request {request.id} of {who}"
    where = f"--mode just-in-time --region {node.deployment.region}"
    again = f"{program_name()} request {node.id} --reason TEXT --wait {where}"
    is_own, status = bool(access.caller) and request.requester == access.caller, Status.NOTE
    if request.state is RequestState.WAITING:
        approvers = f" ({'; '.join(request.approvers)})" if request.approvers else ""
        found, remedy = f"{about} waits for its approvers{approvers}", f"{program_name()} approve {request.id} {where}"
    elif request.state is RequestState.GRANTED:
        until = f" until {request.until.isoformat(timespec='minutes')}" if request.until else ""
        found, remedy = f"{about} is approved{until}", f"{program_name()} connect {node.id} {where}"
        if access.caller and not is_own:
            found += f"; AWS gives its access token to this session only, and not to {access.caller}"
            remedy = f"{_assume(request.requester)}, then: {remedy}"
    elif request.state is RequestState.ENDED:
        ended = f" at {request.ended_at.isoformat(timespec='minutes')}" if request.ended_at else ""
        found, remedy, status = f"the access token of {about} has expired{ended}", again, Status.WARNING
    elif request.state in _UNUSABLE:
        found, remedy, status = f"{about} gives no access: {_UNUSABLE[request.state]}", again, Status.WARNING
    else:
        why = "; ".join(request.unknown) or request.detail
        found, remedy = f"the state of {about} is not known: {why}", f"{program_name()} status {request.id} {where}"
    status = status if is_own else Status.NOTE
    return Finding(check=Cause.ACCESS_REQUEST, status=status, about=request.id, found=found, remedy=remedy)


def _assume(requester: str) -> str:
    """Return the command that gives the credentials of a requester."""
    _, partition, _, _, account, resource = split_arn(requester)
    _, role, session = resource.split("/")
    if role.startswith(IDENTITY_CENTER_PREFIX):
        return f"sign in as {session} with the permission set of {role} (aws sso login)"
    return f"aws sts assume-role --role-arn arn:{partition}:iam::{account}:role/{role} --role-session-name {shlex.quote(session)}"


def _caller(node: NodeFacts, access: AccessFacts) -> Iterator[Finding]:
    """Warn if AWS accepts no requests with the credentials in use."""
    if not access.caller or ASSUMED in access.caller:
        return
    text = f"{access.caller} cannot request access: AWS accepts the credentials of sts:AssumeRole only"
    remedy = (
        "assume a role whose sessions have your name (aws sts assume-role --role-arn ROLE --role-session-name NAME), or sign in "
        f"through IAM Identity Center; then: {program_name()} request {node.id} --reason TEXT --wait --mode just-in-time "
        f"--region {node.deployment.region}"
    )
    yield Finding(check=Cause.ACCESS_ROLE, status=Status.WARNING, about="credentials in use", found=text, remedy=remedy)
