"""Decisions about access to a node: the manual policy that applies, and who is approved automatically. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from common.aws.failures import MalformedAnswerError
from components.adoption.inventory import tags_of
from components.just_in_time.cedar import INSTANCE, MANAGED_INSTANCE, Person, is_approved, policy_errors, references
from components.just_in_time.documents import cedar_text, manual_rule
from components.just_in_time.names import AUTO_APPROVAL, MANUAL_APPROVAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from components.just_in_time.documents import ApprovalPolicyDocument, ManualRule

ANY_USER: Final = "any user"
_INSTANCE_TYPE: Final = "EC2Instance"
_GONE: Final = ("shutting-down", "terminated")
_ONLINE: Final = "Online"


class Listing(Protocol):
    """Reader of all items of one kind in a Region."""

    def __call__(self, service: str, operation: str, key: str, **arguments: Any) -> list[Any]:
        """Return the list under a key of the response, with all pages."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ManagedNode:
    """A managed node.

    Attributes:
        id: ID of the node (`i-...` or `mi-...`).
        region: Region of the node.
        tags: Tags of the node.
        ping: Status of its agent (API_InstanceInformation, PingStatus).
    """

    id: str
    region: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    ping: str = "Online"

    @property
    def name(self) -> str:
        """Name tag; empty: none."""
        return self.tags.get("Name", "")

    @property
    def shown(self) -> str:
        """The node, for display: `app-1 (i-...)`."""
        return f"{self.name} ({self.id})" if self.name else self.id

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


class Outcome(StrEnum):
    """Outcome of a request for a node that is not approved automatically."""

    MANUAL = "manual"
    """One policy applies: its approvers decide."""
    NO_POLICY = "noPolicy"
    """No policy applies: AWS refuses the request."""
    CONFLICT = "conflict"
    """Several policies apply: the request fails."""
    UNKNOWN = "cannotTell"
    """A policy has content that this program does not know."""


@dataclass(frozen=True, kw_only=True)
class AccessDecision:
    """Decision about one node.

    Attributes:
        node: The node.
        outcome: Outcome of a request that is not approved automatically.
        policies: Manual policies that apply.
        approved: Users and groups that need no approval, each alone: `group 3468...`, `user 3468...`, `any user`.
        depends_on: User attributes and `principalTags` that automatic approval compares: others may be approved, too.
        may_be_denied: Whether the organization's deny-access policy may forbid automatic approval.
        unknown: Reasons for which the decision is not certain.
    """

    node: ManagedNode
    outcome: Outcome
    policies: tuple[ManualRule, ...] = ()
    approved: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    may_be_denied: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def automatic(self) -> tuple[str, ...]:
        """Users and groups that are approved automatically, and what the approval of others depends on, for display."""
        return (*self.approved, *([f"others by {', '.join(self.depends_on)}"] if self.depends_on else []))

    @property
    def is_sound(self) -> bool:
        """Return whether exactly one manual policy, or automatic approval alone, decides, and all is known."""
        automatic = self.outcome is Outcome.NO_POLICY and bool(self.approved)
        return not self.unknown and (self.outcome is Outcome.MANUAL or automatic)


def managed_nodes(region: str, read: Listing) -> tuple[ManagedNode, ...]:
    """Return all managed nodes of a Region with their tags.

    Systems Manager lists an instance longer than EC2 does; its agent has not responded then.

    Raises:
        MalformedAnswerError: EC2 does not return an instance whose agent responds.
    """
    managed = read("ssm", "describe_instance_information", "InstanceInformationList")
    reservations = read("ec2", "describe_instances", "Reservations")
    instances = {str(each["InstanceId"]): each for reserved in reservations for each in reserved["Instances"]}
    nodes: list[ManagedNode] = []
    for each in managed:
        id_ = str(each["InstanceId"])
        if each.get("ResourceType", _INSTANCE_TYPE) == _INSTANCE_TYPE and id_.startswith("i-"):
            found = instances.get(id_)
            if found is None and each.get("PingStatus") == _ONLINE:
                raise MalformedAnswerError(operation="DescribeInstances", found=f"no {id_}, whose agent responds")
            if found is None or found["State"]["Name"] in _GONE:
                continue
            tags = found.get("Tags", ())
        else:
            tags = read("ssm", "list_tags_for_resource", "TagList", ResourceType="ManagedInstance", ResourceId=id_)
        ping = str(each.get("PingStatus", ""))
        nodes.append(ManagedNode(id=id_, region=region, tags=tags_of(tags), ping=ping))
    return tuple(sorted(nodes, key=lambda node: (node.name, node.id)))


def planned_policies(documents: Iterable[ApprovalPolicyDocument]) -> Policies:
    """Return the policies of a stack's documents."""
    several = tuple(documents)
    return Policies(
        manual=tuple(manual_rule(each.name, each.content) for each in several if each.type == MANUAL_APPROVAL),
        cedar="\n\n".join(cedar_text(each.content) for each in several if each.type == AUTO_APPROVAL),
    )


def decide(node: ManagedNode, policies: Policies) -> AccessDecision:
    """Return the decision about a node.

    Source: Systems Manager User Guide, "Create approval policies for your nodes": deny, automatic, then manual approval.
    """
    manual = tuple(each for each in policies.manual if each.matches(node.tags))
    errors = [f"the auto-approval policy: {each}" for each in policy_errors(policies.cedar)] if policies.cedar else []
    unknown = (*policies.unknown, *errors)
    outcome = Outcome.MANUAL if manual else Outcome.NO_POLICY
    if len(manual) > 1:
        outcome = Outcome.CONFLICT
    elif unknown:
        outcome = Outcome.UNKNOWN
    approved, depends_on = _automatic(node, policies) if policies.cedar and not errors else ((), ())
    return AccessDecision(
        node=node,
        outcome=outcome,
        policies=manual,
        approved=approved,
        depends_on=depends_on,
        may_be_denied=policies.has_deny_policy,
        unknown=unknown,
    )


def _automatic(node: ManagedNode, policies: Policies) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return who is approved, each alone, and what else the policies compare."""
    named = references(policies.cedar)
    people = {
        ANY_USER: Person(),
        **{f"group {each}": Person(groups=(each,)) for each in named.groups},
        **{f"user {each}": Person(id=each) for each in named.users},
    }
    kind = INSTANCE if node.is_instance else MANAGED_INSTANCE
    answers = is_approved(policies.cedar, list(people.values()), kind, node.tags)
    approved = tuple(label for label, answer in zip(people, answers, strict=True) if answer)
    return approved, named.needs_attributes
