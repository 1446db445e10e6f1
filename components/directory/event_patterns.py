"""What is worth an alert, as EventBridge patterns: plain data.

EventBridge hears of API calls only while a trail records the account's management events (EventBridge User Guide,
"AWS service events delivered via AWS CloudTrail").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Pattern = dict[str, Any]

GROUP_CALLS = (
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "DeleteSecurityGroup",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
)
"""They name the group in `groupId`."""

ACL_CALLS = (
    "CreateNetworkAclEntry",
    "DeleteNetworkAcl",
    "DeleteNetworkAclEntry",
    "ReplaceNetworkAclAssociation",
    "ReplaceNetworkAclEntry",
)
"""They name the ACL in `networkAclId`; with an association it is the one that subnets come to."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Ids of what belongs to the controllers of a site.

    Attributes:
        instances: `i-...`.
        interfaces: `eni-...`, the instances' own.
        groups: `sg-...`.
        acls: `acl-...`.
    """

    instances: Sequence[str] = ()
    interfaces: Sequence[str] = ()
    groups: Sequence[str] = ()
    acls: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One rule.

    Attributes:
        name: the last part of the rule's name.
        description: what it tells of.
        needs_instances: it watches instances and nothing else, so that there is nothing where the site builds none.
        pattern: of the events.
    """

    name: str
    description: str
    needs_instances: bool
    pattern: Callable[[Watched], Pattern]


def _state(watched: Watched) -> Pattern:
    """EC2 User Guide, "State change events for your instances"."""
    return {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"instance-id": list(watched.instances)},
    }


def _commands(watched: Watched) -> Pattern:
    """Systems Manager User Guide, "EventBridge event patterns and types for Systems Manager", Run Command."""
    return {
        "source": ["aws.ssm"],
        "detail-type": ["EC2 Command Invocation Status-change Notification"],
        "detail": {"instance-id": list(watched.instances)},
    }


def _sessions_started(watched: Watched) -> Pattern:
    """The call names its target; port forwarding is a session, too."""
    return _calls("ssm", {"eventName": ["StartSession"], "requestParameters": {"target": list(watched.instances)}})


def _sessions_ended(_watched: Watched) -> Pattern:
    """Sessions that end by themselves, by idling or at their longest, make no call and so no event."""
    return _calls("ssm", {"eventName": ["TerminateSession", "ResumeSession"]})


def _network(watched: Watched) -> Pattern:
    """Which groups an instance has is a change of them, too."""
    groups, acls = list(watched.groups), list(watched.acls)
    instances, interfaces = list(watched.instances), list(watched.interfaces)
    # Newer calls keep their parameters under the name of the request.
    modified = {"ModifySecurityGroupRulesRequest": {"GroupId": groups}}
    ways: list[tuple[tuple[str, ...], Pattern, Sequence[str]]] = [
        (GROUP_CALLS, {"groupId": groups}, groups),
        (("ModifySecurityGroupRules",), modified, groups),
        (ACL_CALLS, {"networkAclId": acls}, acls),
        (("ModifyInstanceAttribute",), {"instanceId": instances}, instances),
        (("ModifyNetworkInterfaceAttribute",), {"networkInterfaceId": interfaces}, interfaces),
    ]
    return _calls(
        "ec2", {"$or": [{"eventName": list(names), "requestParameters": given} for names, given, ids in ways if ids]}
    )


def _calls(service: str, detail: Pattern) -> Pattern:
    return {
        "source": [f"aws.{service}"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": [f"{service}.amazonaws.com"], **detail},
    }


ALERTS = (
    Alert(
        name="state",
        description="A domain controller changes its state: starts, stops, terminates",
        needs_instances=True,
        pattern=_state,
    ),
    Alert(
        name="commands",
        description="A command runs, or has run, on a domain controller",
        needs_instances=True,
        pattern=_commands,
    ),
    Alert(
        name="sessions-started",
        description="A session starts on a domain controller",
        needs_instances=True,
        pattern=_sessions_started,
    ),
    Alert(
        name="sessions-ended",
        description="A session is ended or resumed; these calls name no instance, so this tells of all of the account's",
        needs_instances=True,
        pattern=_sessions_ended,
    ),
    Alert(
        name="network",
        description="Security groups or network ACLs of domain controllers change",
        needs_instances=False,
        pattern=_network,
    ),
)
