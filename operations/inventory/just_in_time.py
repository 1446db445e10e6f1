"""Approval policies of just-in-time node access, and the tags of the nodes that they decide about."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from common.aws.failures import MalformedAnswerError, action_of
from components.adoption.inventory import tags_of
from components.just_in_time import names
from components.just_in_time.decisions import AccessDecision, ManagedNode, Policies, decide, managed_nodes
from components.just_in_time.documents import ManualRule, UnknownContentError, cedar_text, manual_rule
from operations.inventory.iam import NO_ENTITY
from operations.inventory.instances import why_undetermined
from operations.inventory.reader import ReadError, ReadFailure, returns_failure
from operations.inventory.session_manager import NO_DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from operations.inventory.reader import Reader

_AT_A_TIME: Final = 8
"""Regions in parallel."""


@returns_failure
def read_policies(reader: Reader) -> Policies:
    """Read all approval policies of a Region, those of other principals as well."""
    filters = [{"Key": "DocumentType", "Values": [names.MANUAL_APPROVAL]}, {"Key": "Owner", "Values": ["Self"]}]
    listed = reader.items("ssm", "list_documents", "DocumentIdentifiers", Filters=filters)
    manual: list[ManualRule] = []
    unknown: list[str] = []
    for name in sorted(str(each["Name"]) for each in listed):
        try:
            manual.append(_manual_rule(reader, name))
        except UnknownContentError as wrong:
            unknown.append(f"{name}: {wrong}")
    cedar = ""
    try:
        automatic = _content(reader, names.AUTO_APPROVAL_NAME)
        cedar = cedar_text(automatic) if automatic is not None else ""
    except UnknownContentError as wrong:
        unknown.append(f"{names.AUTO_APPROVAL_NAME}: {wrong}")
    denies = reader.find("ssm", "describe_document", NO_DOCUMENT, Name=names.DENY_ACCESS_NAME) is not None
    return Policies(manual=tuple(manual), cedar=cedar, has_deny_policy=denies, unknown=tuple(unknown))


def read_setup(reader: Reader) -> dict[str, bool | ReadFailure]:
    """Read whether what Quick Setup makes exists, without which AWS grants no access in an account and a Region."""
    setting = f"service setting {names.IDENTITY_PROVIDER_SETTING}"
    absent, called = ("ServiceSettingNotFound",), {"SettingId": names.IDENTITY_PROVIDER_SETTING}
    answers = {
        f"role {names.TOKEN_ROLE}": reader.read("iam", "get_role", NO_ENTITY, RoleName=names.TOKEN_ROLE),
        f"service-linked role {names.SERVICE_ROLE}": reader.read(
            "iam", "get_role", NO_ENTITY, RoleName=names.SERVICE_ROLE
        ),
        setting: reader.read("ssm", "get_service_setting", absent, **called),
    }
    return {name: each if isinstance(each, ReadFailure) else each is not None for name, each in answers.items()}


@returns_failure
def read_tags(reader: Reader, node: str) -> dict[str, str]:
    """Read the tags of a node outside EC2."""
    listed = {"ResourceType": "ManagedInstance", "ResourceId": node}
    return tags_of(reader.items("ssm", "list_tags_for_resource", "TagList", **listed))


@returns_failure
def read_nodes(reader: Reader) -> tuple[ManagedNode, ...]:
    """Read all managed nodes of a Region with their tags."""
    try:
        return managed_nodes(reader.region, reader.items)
    except MalformedAnswerError as failed:
        raise ReadError(reader.unread(action_of("ec2", "describe_instances"), failed)) from None


def read_decisions(
    readers: Iterable[Reader], policies_of: Callable[[Reader], Policies | ReadFailure]
) -> tuple[list[AccessDecision], list[tuple[str, ReadFailure]]]:
    """Return the decisions about all managed nodes, and the Regions that cannot be read, with the reason."""

    def decide_all(reader: Reader) -> list[AccessDecision] | ReadFailure:
        nodes, policies = read_nodes(reader), policies_of(reader)
        if isinstance(nodes, ReadFailure):
            return nodes
        return policies if isinstance(policies, ReadFailure) else [decide(each, policies) for each in nodes]

    given = list(readers)
    decisions: list[AccessDecision] = []
    unread: list[tuple[str, ReadFailure]] = []
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for reader, found in zip(given, pool.map(decide_all, given), strict=True):
            if isinstance(found, ReadFailure):
                unread.append((reader.region, found))
            else:
                decisions += found
    return decisions, unread


def why_not_one(named: str, found: Sequence[ManagedNode], unread: Iterable[tuple[str, ReadFailure]]) -> str:
    """Return why an ID or a name does not select one node; empty: it does, or all Regions were read and none has it."""
    if [each.id for each in found] == [named]:
        return ""
    if len(found) > 1:
        several = ", ".join(f"{each.id} ({each.region})" for each in found)
        return f"{named} matches {len(found)} nodes: {several}. Specify an ID."
    return why_undetermined(named, [f"{each.id} ({each.region})" for each in found], unread)


def _manual_rule(reader: Reader, name: str) -> ManualRule:
    content = _content(reader, name)
    if content is None:
        raise UnknownContentError("it is listed, and its content is not found")
    return manual_rule(name, content)


def _content(reader: Reader, name: str) -> Any:
    answer = reader.find("ssm", "get_document", NO_DOCUMENT, Name=name, DocumentFormat="JSON")
    if answer is None:
        return None
    try:
        return json.loads(str(answer.get("Content", "")))
    except ValueError as wrong:
        raise UnknownContentError(f"it is not JSON ({wrong})") from wrong
