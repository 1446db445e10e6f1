"""Prerequisites of just-in-time node access, which Quick Setup creates, looked up before the first resource is registered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from common.aws.failures import NOT_DONE, code_of, why_not
from common.problems import Problem
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import tags_of
from components.just_in_time.documents import UnknownContentError, manual_rule, policy_documents
from components.just_in_time.names import (
    DENY_ACCESS_NAME,
    IDENTITY_PROVIDER_SETTING,
    MANUAL_APPROVAL,
    TOKEN_ROLE,
)
from components.just_in_time.settings import MAX_MANUAL_POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from common.aws.session import AwsClients
    from components.just_in_time.settings import JustInTimeSettings

_PATH: Final = ("approval", "justInTime")
_IDENTITY_CENTER: Final = "SSO"
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
    """Check the token role, the identity provider, the organization's policy, and the account's other policies.

    Args:
        settings: Settings of the policies.
        clients: Clients with the credentials of the program.
        regions: Regions of the stack.
        owner: Name of the stack.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    problems += _read(clients, "iam", regions[0], _token_role_problems)
    for region in regions:
        problems += _read(clients, "ssm", region, lambda ssm, region=region: _provider(ssm, region, notes))
        problems += _read(clients, "ssm", region, lambda ssm, region=region: _deny_policy(ssm, region, notes))
        problems += _read(
            clients, "ssm", region, lambda ssm, region=region: _other_policies(settings, ssm, region, owner, notes)
        )
    return Prerequisites(tuple(problems), tuple(notes))


def _read(clients: AwsClients, service: str, region: str, check: Callable[[Any], Iterator[Problem]]) -> list[Problem]:
    """Return the problems of a check; that it cannot be made is one."""
    try:
        return list(check(clients.client(service, region)))
    except NOT_DONE as failed:
        why = why_not(failed, service, region, lambda: clients.caller_arn(region))
        message = (
            f"expected the prerequisites of just-in-time node access in {region}, got no answer: {why.cause}: {why.reason}. "
            f"{why.remedy.capitalize()}"
        )
        return [Problem(path=_PATH, message=message)]


def _token_role_problems(iam: Any) -> Iterator[Problem]:
    try:
        iam.get_role(RoleName=TOKEN_ROLE)
    except ClientError as failed:
        if code_of(failed) != "NoSuchEntity":
            raise
        yield Problem(path=_PATH, message=f"expected the role {TOKEN_ROLE} to exist, got no such role. {_ENABLE}")


def _provider(ssm: Any, region: str, notes: list[str]) -> Iterator[Problem]:
    """Note another identity provider: approvers are groups of IAM Identity Center."""
    try:
        setting = ssm.get_service_setting(SettingId=IDENTITY_PROVIDER_SETTING)["ServiceSetting"]
    except ClientError as failed:
        if code_of(failed) != "ServiceSettingNotFound":
            raise
        yield Problem(
            path=_PATH,
            message=f"expected the service setting {IDENTITY_PROVIDER_SETTING} in {region}, got none. {_ENABLE}",
        )
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


def _other_policies(
    settings: JustInTimeSettings, ssm: Any, region: str, owner: str, notes: list[str]
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
        message = (
            f"expected at most {MAX_MANUAL_POLICIES} manual policies in {region}, got {len(ours)} beside {len(others)} of other "
            "principals. Delete some of them"
        )
        yield Problem(path=(*_PATH, "manualPolicies"), message=message)
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
        for key, values in rule.targets.items():
            for value in sorted(values):
                if (key, value) in targets:
                    path = (*_PATH, "manualPolicies", str(targets[key, value]), "targets", key)
                    message = (
                        f"expected each tag in one policy, got {key}={value}, which the policy {name} in {region} targets too. "
                        "Delete that policy, or remove the tag here"
                    )
                    yield Problem(path=path, message=message)
