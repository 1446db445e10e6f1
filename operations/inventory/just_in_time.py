"""Approval policies of just-in-time node access, and the tags of the nodes that they decide about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from components.adoption.inventory import tags_of
from components.just_in_time.documents import ManualRule, UnknownContentError, cedar_text, manual_rule
from components.just_in_time.names import AUTO_APPROVAL, AUTO_APPROVAL_NAME, DENY_ACCESS_NAME, MANUAL_APPROVAL
from operations.inventory.reader import returns_failure
from operations.inventory.session_manager import NO_DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.just_in_time.documents import ApprovalPolicyDocument
    from operations.inventory.reader import Answer, Reader

_INSTANCE_TYPE: Final = "EC2Instance"
_GONE: Final = ("shutting-down", "terminated")


@dataclass(frozen=True, kw_only=True)
class ManagedNode:
    """A managed node.

    Attributes:
        id: ID of the node (`i-...` or `mi-...`).
        region: Region of the node.
        tags: Tags of the node.
    """

    id: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """Name tag; empty: none."""
        return self.tags.get("Name", "")

    @property
    def is_instance(self) -> bool:
        """Return whether it is an EC2 instance."""
        return self.id.startswith("i-")


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Approval policies of one Region.

    Attributes:
        manual: Manual policies.
        cedar: Cedar policies of the auto-approval policy; empty: none.
        has_deny_policy: Whether the organization's deny-access policy is in force.
        unknown: Policies whose content this program does not know, with the reason.
    """

    manual: tuple[ManualRule, ...] = ()
    cedar: str = ""
    has_deny_policy: bool = False
    unknown: tuple[str, ...] = ()


def planned_policies(documents: Iterable[ApprovalPolicyDocument]) -> Policies:
    """Return the policies of a stack's documents.

    Args:
        documents: The documents.
    """
    several = tuple(documents)
    return Policies(
        manual=tuple(manual_rule(each.name, each.content) for each in several if each.type == MANUAL_APPROVAL),
        cedar="\n\n".join(cedar_text(each.content) for each in several if each.type == AUTO_APPROVAL),
    )


@returns_failure
def read_policies(reader: Reader) -> Policies:
    """Read all approval policies of a Region, those of other principals as well."""
    filters = [{"Key": "DocumentType", "Values": [MANUAL_APPROVAL]}, {"Key": "Owner", "Values": ["Self"]}]
    listed = reader.items("ssm", "list_documents", "DocumentIdentifiers", Filters=filters)
    manual: list[ManualRule] = []
    unknown: list[str] = []
    for name in sorted(str(each["Name"]) for each in listed):
        try:
            manual.append(manual_rule(name, _content(reader, name)))
        except UnknownContentError as wrong:
            unknown.append(f"{name}: {wrong}")
    cedar = ""
    try:
        automatic = _content(reader, AUTO_APPROVAL_NAME)
        cedar = cedar_text(automatic) if automatic is not None else ""
    except UnknownContentError as wrong:
        unknown.append(f"{AUTO_APPROVAL_NAME}: {wrong}")
    denies = reader.find("ssm", "describe_document", NO_DOCUMENT, Name=DENY_ACCESS_NAME) is not None
    return Policies(manual=tuple(manual), cedar=cedar, has_deny_policy=denies, unknown=tuple(unknown))


@returns_failure
def read_nodes(reader: Reader) -> tuple[ManagedNode, ...]:
    """Read all managed nodes of a Region with their tags."""
    managed = reader.items("ssm", "describe_instance_information", "InstanceInformationList")
    instances = {str(each["InstanceId"]): each for each in _instances(reader)}
    nodes: list[ManagedNode] = []
    for each in managed:
        id_ = str(each["InstanceId"])
        if each.get("ResourceType", _INSTANCE_TYPE) == _INSTANCE_TYPE and id_.startswith("i-"):
            found = instances.get(id_)
            if found is None or found["State"]["Name"] in _GONE:
                continue
            tags = tags_of(found.get("Tags", ()))
        else:
            answer = reader.get("ssm", "list_tags_for_resource", ResourceType="ManagedInstance", ResourceId=id_)
            tags = tags_of(answer.get("TagList", ()))
        nodes.append(ManagedNode(id=id_, region=reader.region, tags=tags))
    return tuple(sorted(nodes, key=lambda node: (node.name, node.id)))


def _instances(reader: Reader) -> list[Answer]:
    reservations = reader.items("ec2", "describe_instances", "Reservations")
    return [instance for each in reservations for instance in each["Instances"]]


def _content(reader: Reader, name: str) -> Any:
    answer = reader.find("ssm", "get_document", NO_DOCUMENT, Name=name, DocumentFormat="JSON")
    if answer is None:
        return None
    try:
        return json.loads(str(answer.get("Content", "")))
    except ValueError as wrong:
        raise UnknownContentError(f"it is not JSON ({wrong})") from wrong
