"""EventBridge patterns of events that raise an alert, as plain data.

EventBridge receives API calls only while a trail records the account's management events (EventBridge User Guide,
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
"""Operations that name the group in `groupId`."""

ACL_CALLS = (
    "CreateNetworkAclEntry",
    "DeleteNetworkAcl",
    "DeleteNetworkAclEntry",
    "ReplaceNetworkAclAssociation",
    "ReplaceNetworkAclEntry",
)
"""Operations that name the ACL in `networkAclId`; for an association, the ACL that subnets are associated with."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """IDs of the resources of a site's controllers."""

    instances: Sequence[str] = ()
    interfaces: Sequence[str] = ()
    groups: Sequence[str] = ()
    acls: Sequence[str] = ()


@dataclass(frozen=True)
class Alert:
    """A rule, with the last part of its name.

    A site without controllers does not need one that watches instances only.
    """

    name: str
    description: str
    pattern: Callable[[Watched], Pattern]
    needs_instances: bool = True


def _state(watched: Watched) -> Pattern:
    """Return the pattern of instance state changes (EC2 User Guide, "State change events for your instances")."""
    return _of_instances(watched, "ec2", "EC2 Instance State-change Notification")


def _commands(watched: Watched) -> Pattern:
    """Return the pattern of commands.

    Systems Manager User Guide, "EventBridge event patterns and types for Systems Manager", Run Command.
    """
    return _of_instances(watched, "ssm", "EC2 Command Invocation Status-change Notification")


def _of_instances(watched: Watched, service: str, event: str) -> Pattern:
    detail = {"instance-id": list(watched.instances)}
    return {"source": [f"aws.{service}"], "detail-type": [event], "detail": detail}


def _sessions_started(watched: Watched) -> Pattern:
    """Return the pattern of started sessions; the call names its target, and port forwarding is a session, too."""
    return _calls("ssm", {"eventName": ["StartSession"], "requestParameters": {"target": list(watched.instances)}})


def _sessions_ended(_watched: Watched) -> Pattern:
    """Return the pattern of ended sessions; a session that ends by a timeout makes no call and so causes no event."""
    return _calls("ssm", {"eventName": ["TerminateSession", "ResumeSession"]})


def _network(watched: Watched) -> Pattern:
    """Return the pattern of network changes; a change of an instance's groups is one, too."""
    groups, acls = list(watched.groups), list(watched.acls)
    instances, interfaces = list(watched.instances), list(watched.interfaces)
    # Newer calls nest their parameters under the name of the request.
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
    Alert("state", "A domain controller changes its state: starts, stops, terminates", _state),
    Alert("commands", "A command runs, or has run, on a domain controller", _commands),
    Alert("sessions-started", "A session starts on a domain controller", _sessions_started),
    Alert(
        "sessions-ended",
        "A session is ended or resumed; these calls name no instance, so this reports all of the account's",
        _sessions_ended,
    ),
    Alert(
        "network",
        "Security groups or network ACLs of domain controllers change",
        _network,
        needs_instances=False,
    ),
)
