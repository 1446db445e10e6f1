"""Prerequisites of just-in-time node access, which Quick Setup creates, looked up before the first resource is registered."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from common.aws import ENDED_STATUSES
from common.aws.failures import NOT_DONE, code_of, why_not
from common.problems import Problem, unexpected
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import tags_of
from components.just_in_time.decisions import Outcome, decide, managed_nodes, planned_policies
from components.just_in_time.documents import ManualRule, UnknownContentError, manual_rule, policy_documents
from components.just_in_time.names import (
    DENY_ACCESS_NAME,
    IDENTITY_PROVIDER_SETTING,
    MANUAL_APPROVAL,
    TOKEN_ROLE,
)
from components.just_in_time.settings import MAX_MANUAL_POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from common.aws.session import AwsClients
    from components.just_in_time.decisions import AccessDecision, Policies
    from components.just_in_time.settings import JustInTimeSettings

_PATH: Final = ("approval", "justInTime")
_IDENTITY_CENTER: Final = "SSO"
_MOST_NAMED: Final = 5
"""Nodes that a note names; `access nodes` lists all."""
_ENABLE: Final = (
    "Enable just-in-time node access with Quick Setup of Systems Manager first (docs/just-in-time.md, Prerequisites)"
)


@dataclass(frozen=True)
class Prerequisites:
    """Result of the checks.

    Attributes:
        problems: What stops an update.
        notes: What stays as it is, or cannot be known, for the operator.
    """

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def check_prerequisites(
    settings: JustInTimeSettings, clients: AwsClients, regions: tuple[str, ...], owner: str
) -> Prerequisites:
    """Check the token role, the identity provider, the organization's and the account's other policies, and the nodes."""
    problems, notes = _read(clients, "iam", regions[0], _token_role_problems), list[str]()
    for region in regions:
        problems += _check_region(settings, clients, region, owner, notes)
    return Prerequisites(tuple(problems), tuple(notes))


def _check_region(
    settings: JustInTimeSettings, clients: AwsClients, region: str, owner: str, notes: list[str]
) -> list[Problem]:
    others: list[ManualRule] = []
    checks: tuple[Callable[[Any], Iterator[Problem]], ...] = (
        lambda ssm: _provider(ssm, region, notes),
        lambda ssm: _deny_policy(ssm, region, notes),
        lambda ssm: _other_policies(settings, ssm, region, owner, notes, others),
    )
    problems = [problem for check in checks for problem in _read(clients, "ssm", region, check)]
    planned = planned_policies(policy_documents(settings))
    notes += _node_notes(clients, region, replace(planned, manual=(*planned.manual, *others)))
    return problems


def _read(clients: AwsClients, service: str, region: str, check: Callable[[Any], Iterator[Problem]]) -> list[Problem]:
    """Return the problems of a check; that it cannot be made is one."""
    try:
        return list(check(clients.client(service, region)))
    except NOT_DONE as failed:
        why = why_not(failed, service, region, lambda: clients.caller_arn(region))
        message = f"expected the prerequisites of just-in-time node access in {region}, got no answer: {why}"
        return [Problem(path=_PATH, message=message)]


def _token_role_problems(iam: Any) -> Iterator[Problem]:
    try:
        iam.get_role(RoleName=TOKEN_ROLE)
    except ClientError as failed:
        if code_of(failed) != "NoSuchEntity":
            raise
        yield unexpected(_PATH, f"the role {TOKEN_ROLE} to exist", "no such role", _ENABLE)


def _provider(ssm: Any, region: str, notes: list[str]) -> Iterator[Problem]:
    """Note another identity provider: approvers are groups of IAM Identity Center."""
    try:
        setting = ssm.get_service_setting(SettingId=IDENTITY_PROVIDER_SETTING)["ServiceSetting"]
    except ClientError as failed:
        if code_of(failed) != "ServiceSettingNotFound":
            raise
        yield unexpected(_PATH, f"the service setting {IDENTITY_PROVIDER_SETTING} in {region}", "none", _ENABLE)
        return
    value = str(setting.get("SettingValue", ""))
    if value.upper() != _IDENTITY_CENTER:
        notes.append(
            f"The identity provider of just-in-time node access in {region} is {value or 'not set'}, and approvers are groups "
            f"of IAM Identity Center. Set {IDENTITY_PROVIDER_SETTING} to {_IDENTITY_CENTER} with Quick Setup; AWS does not "
            "document that such groups approve otherwise"
        )


def _deny_policy(ssm: Any, region: str, notes: list[str]) -> Iterator[Problem]:
    """Note the organization's deny-access policy, which is never changed."""
    try:
        ssm.describe_document(Name=DENY_ACCESS_NAME)
    except ClientError as failed:
        if code_of(failed) != "InvalidDocument":
            raise
    else:
        notes.append(
            f"{DENY_ACCESS_NAME} is in force in {region} and stays as it is: what it forbids is not approved automatically, "
            "whatever autoApprovals permit"
        )
    yield from ()


def open_requests_problems(
    clients: AwsClients, state: Iterable[Mapping[str, Any]], documents: Collection[str]
) -> list[Problem]:
    """Return a problem for each Region with open requests or grants of a workflow that this update removes.

    Removing the workflow ends its grants at once and leaves its requests without an answer.
    """
    removed = [(str(each.get("region")), str(each["name"])) for each in state if each.get("name") in documents]
    return [
        problem
        for region, name in removed
        for problem in _read(clients, "ssm", region, partial(_open_requests, region=region, document=name))
    ]


def _open_requests(ssm: Any, region: str, document: str) -> Iterator[Problem]:
    filters = [{"Key": "DocumentNamePrefix", "Values": [document]}]
    pages = ssm.get_paginator("describe_automation_executions").paginate(Filters=filters)
    live = [
        str(each["AutomationExecutionId"])
        for page in pages
        for each in page["AutomationExecutionMetadataList"]
        if each["AutomationExecutionStatus"] not in ENDED_STATUSES
    ]
    if live:
        message = (
            f"expected no open request or grant of the workflow that just-in-time replaces, got {len(live)} of {document} in "
            f"{region}: {_shortened(live)}. Keep the mode and set justInTimeMigration to draining until they have ended "
            "(python -m operations migrate approval), or end them (python -m operations status)"
        )
        yield Problem(path=("approval", "mode"), message=message)


def _node_notes(clients: AwsClients, region: str, policies: Policies) -> list[str]:
    """Note nodes with several manual policies, for which AWS fails each request, and nodes with none.

    Tags of nodes change at any time, and with other permissions than the stack's: they stop no update.
    """

    def read(service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        client = clients.client(service, region)
        if client.can_paginate(operation):
            return list(client.get_paginator(operation).paginate(**arguments).build_full_result().get(key, ()))
        return list(getattr(client, operation)(**arguments).get(key, ()))

    try:
        decisions = [decide(each, policies) for each in managed_nodes(region, read)]
    except NOT_DONE as failed:
        why = why_not(failed, "ssm", region, lambda: clients.caller_arn(region))
        return [f"Cannot determine which nodes of {region} have no policy, or several: {why}"]
    conflicts = [each for each in decisions if each.outcome is Outcome.CONFLICT]
    without = [each for each in decisions if each.outcome is Outcome.NO_POLICY and not each.is_sound]
    several = [f"{each.node.shown} of {' and '.join(policy.name for policy in each.policies)}" for each in conflicts]
    listing = "List them: python -m operations access nodes --planned"
    found: list[str] = []
    if several:
        found.append(
            f"Each request for a node with several manual policies fails. In {region}: {_shortened(several)}. Change their "
            f"tags, or the targets. {listing}"
        )
    if without:
        found.append(
            f"Access to a node without a policy cannot be requested. In {region}: {_shortened(_nodes(without))}. Tag them, or "
            f"add a policy, if they are to be accessed. {listing}"
        )
    return found


def _nodes(decisions: Iterable[AccessDecision]) -> list[str]:
    return [each.node.shown for each in decisions]


def _shortened(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _other_policies(  # noqa: PLR0913, PLR0917 -- what is read, and what is found
    settings: JustInTimeSettings, ssm: Any, region: str, owner: str, notes: list[str], rules: list[ManualRule]
) -> Iterator[Problem]:
    """Yield the account's other manual policies that target the same tags, and their number where it is too high."""
    ours = {each.name: each for each in policy_documents(settings) if each.type == MANUAL_APPROVAL}
    filters = [{"Key": "DocumentType", "Values": [MANUAL_APPROVAL]}, {"Key": "Owner", "Values": ["Self"]}]
    pages = ssm.get_paginator("list_documents").paginate(Filters=filters)
    others = [
        each["Name"]
        for page in pages
        for each in page["DocumentIdentifiers"]
        if each["Name"] not in ours and tags_of(each.get("Tags", ())).get(OWNER_TAG) != owner
    ]
    if others and len(ours) + len(others) > MAX_MANUAL_POLICIES:
        allowed = f"at most {MAX_MANUAL_POLICIES} manual policies in {region}"
        got = f"{len(ours)} beside {len(others)} of other principals"
        yield unexpected((*_PATH, "manualPolicies"), allowed, got, "Delete some of them")
    targets = {
        (key, value): position
        for position, policy in enumerate(settings.manual_policies)
        for key, values in policy.targets.items()
        for value in values
    }
    for name in others:
        text = ssm.get_document(Name=name, DocumentFormat="JSON").get("Content", "")
        try:
            rule = manual_rule(name, json.loads(text))
        except (UnknownContentError, ValueError) as unknown:
            notes.append(
                f"The manual policy {name} in {region} is not of this stack and cannot be compared with it: {unknown}. A node of "
                "two policies cannot be accessed"
            )
            continue
        rules.append(rule)
        for key, values in rule.targets.items():
            for value in sorted(values):
                if (key, value) in targets:
                    path = (*_PATH, "manualPolicies", targets[key, value], "targets", key)
                    got = f"{key}={value}, which the policy {name} in {region} targets too"
                    fix = "Delete that policy, or remove the tag here"
                    yield unexpected(path, "each tag in one policy", got, fix)
