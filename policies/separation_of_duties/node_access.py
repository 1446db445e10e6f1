"""Ways into a node that pass the approval by: what a policy must allow for each, and the statements that do.

Source: Service Authorization Reference (Systems Manager, EC2 Instance Connect, Amazon EC2, Amazon ECS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Final

from components.approval.names import DOCUMENT_NAMES
from components.iam.aws_documents import ACCESS_SETTINGS, NODE_RUNBOOKS, OWNED_BY_AWS, SCRIPT_DOCUMENTS
from components.iam.choices import Choice
from components.iam.context import known
from components.iam.evaluation import Grant, Target
from components.iam.patterns import SOME, literal
from components.session_manager.document import DOCUMENT_NAME
from policies.separation_of_duties.requests import APPROVED, Requests, allowed, each_once, one, partitions
from policies.separation_of_duties.sessions import APPROVAL_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.iam.documents import Policy


@dataclass(frozen=True, kw_only=True)
class Need:
    """One thing that a policy must allow.

    Attributes:
        actions: Any of them.
        reached: Resources of which one must be reached, as ARNs without `arn:<partition>:`; none: actions that have
            no resource types, and are allowed on `*` only.
        spared: Resources that do not count, likewise.
        given: Condition keys of the request, in lowercase.
        written_out: Whether an action counts only where a statement writes it out: `ssm:Get*` is there to read.
    """

    actions: tuple[str, ...]
    reached: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    given: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict[str, "tuple[Choice, ...]"])
    written_out: bool = False


_WILDCARDS: Final = re.compile(f"[*?{SOME}]")

Way = tuple[Need, ...]
"""What a policy must allow together."""


def ways_in(policies: Sequence[Policy], ways: Sequence[Way], admitted: Sequence[str] = ()) -> list[Grant]:
    """Return the statements that together open one of some ways.

    Args:
        policies: Policies that a principal holds together.
        ways: Ways to look for.
        admitted: Principals that may use them.
    """
    found: list[Grant] = []
    for way in ways:
        met = list(takewhile(bool, (_meets(policies, need, admitted) for need in way)))
        if len(met) == len(way):
            found += chain.from_iterable(met)
    return each_once(found)


def _meets(policies: Sequence[Policy], need: Need, admitted: Sequence[str]) -> list[Grant]:
    actions = [each for each in need.actions if any(policy.allowed((each,)) for policy in policies)]
    if not actions:
        return []
    where = partitions(policies, actions)
    reached = _within(policies, actions, _arns(where, need.reached)) if need.reached else (literal("*"),)
    if not reached:
        return []
    target = Target(reached, spared=_arns(where, need.spared))
    requests = Requests({APPROVAL_KEY: one(APPROVED), **need.given}, admitted)
    found = [grant for action in actions for grant in allowed(policies, action, target, requests)]
    return [each for each in found if each.statement.names_exactly(each.action)] if need.written_out else found


def _within(policies: Sequence[Policy], actions: Sequence[str], resources: Sequence[str]) -> tuple[str, ...]:
    """Return the resources that an Allow may be about: the search takes much longer for many than for a few."""
    allowing = [each for policy in policies for action in actions for each in policy.covering(action) if each.allows]
    patterns = {pattern for each in allowing for pattern in each.resources}
    if any(each.all_but_resources for each in allowing) or any("${" in each for each in patterns):
        return tuple(resources)
    return tuple(each for each in resources if any(_may_meet(each, pattern) for pattern in patterns))


def _may_meet(resource: str, pattern: str) -> bool:
    """Whether a pattern can match a resource, by what it writes out: neither Regions nor accounts have slashes."""
    start, *_, end = _WILDCARDS.split(resource)
    written = pattern.replace("?", "*").split("*")
    return (
        (start.startswith(written[0]) or written[0].startswith(start))
        and (end.endswith(written[-1]) or written[-1].endswith(end))
        and (not end or all(_name(each) in resource for each in written if "/" in each))
    )


def _name(text: str) -> str:
    """Return the end of an ARN that begins with the kind of the resource, `:document/Name`."""
    slash = text.index("/")
    return text[max(text.rfind(":", 0, slash), 0) :] if ":" in text[:slash] else text[slash:]


def _arns(where: Sequence[str], resources: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"arn:{partition}:{each}" for partition in where for each in resources)


_INSTANCES: Final = (f"ec2:{SOME}:{SOME}:instance/i-{SOME}",)
_NODES: Final = (*_INSTANCES, f"ssm:{SOME}:{SOME}:managed-instance/mi-{SOME}")
_OWN_DOCUMENT: Final = f"ssm:{SOME}:{SOME}:document/"
_NEW_DOCUMENT: Final = "any-other-document"
"""Only patterns that span all names match it."""


def _of_aws(kind: str, names: Sequence[str], version: str = "") -> tuple[str, ...]:
    """Return documents that AWS owns: their ARNs have no account, and policies put a star or an account there."""
    return tuple(f"ssm:{SOME}:{account}:{kind}/{name}{version}" for name in names for account in ("", SOME))


_RUNBOOKS: Final = (
    *_of_aws("document", (*NODE_RUNBOOKS, _NEW_DOCUMENT)),
    *(
        each
        for version in ("", f":{SOME}")
        for each in _of_aws("automation-definition", (*NODE_RUNBOOKS, _NEW_DOCUMENT), version)
    ),
)
_NO_VERSIONS: Final = ("ssm:*:automation-definition/*:*/*",)
"""Patterns of other resource types match these in place of a version, which has no slash."""

_RUNS_ON_NODES: Final = {
    "ssm:documenttype": tuple(
        Choice(known(each))
        for each in ("Command", "Automation", "Session", "Package", "Policy", "Automation.ChangeTemplate")
    )
}
_USER_DATA: Final = {"ec2:attribute": tuple(Choice(known(each)) for each in ("UserData", "userData"))}
_TO_EC2: Final = {"iam:passedtoservice": one("ec2.amazonaws.com")}

_ASSOCIATING: Final = ("ssm:CreateAssociation", "ssm:CreateAssociationBatch", "ssm:UpdateAssociation")


def command_ways(harmless: Sequence[str] = ()) -> tuple[Way, ...]:
    """Return the ways to run commands on nodes without a session.

    Args:
        harmless: Names of the account's own documents that run nothing that their caller gives them.
    """
    own = Need(
        actions=("ssm:SendCommand",),
        reached=(f"{_OWN_DOCUMENT}{SOME}",),
        spared=tuple(f"{_OWN_DOCUMENT}{name}" for name in (*OWNED_BY_AWS, *harmless)),
    )
    of_aws = replace(own, reached=_of_aws("document", SCRIPT_DOCUMENTS), spared=())
    nodes = Need(actions=("ssm:SendCommand",), reached=_NODES)
    return (
        (nodes, of_aws),
        (nodes, own),
        (replace(of_aws, actions=_ASSOCIATING),),
        (replace(own, actions=_ASSOCIATING),),
        (Need(actions=("ssm:StartAutomationExecution",), reached=_RUNBOOKS, spared=_NO_VERSIONS),),
        (
            Need(
                actions=("ssm:RegisterTaskWithMaintenanceWindow", "ssm:UpdateMaintenanceWindowTask"),
                reached=(f"ssm:{SOME}:{SOME}:maintenancewindow/mw-{SOME}", f"ssm:{SOME}:{SOME}:windowtask/{SOME}"),
            ),
        ),
        (
            Need(
                actions=("ssm-quicksetup:CreateConfigurationManager", "ssm-quicksetup:UpdateConfigurationDefinition"),
                reached=(f"ssm-quicksetup:{SOME}:{SOME}:configuration-manager/{SOME}",),
            ),
        ),
    )


LOGIN_WAYS: Final[tuple[Way, ...]] = (
    (
        Need(
            actions=("ec2-instance-connect:SendSSHPublicKey", "ec2-instance-connect:SendSerialConsoleSSHPublicKey"),
            reached=_INSTANCES,
        ),
    ),
    (
        Need(
            actions=("ecs:ExecuteCommand",),
            reached=(f"ecs:{SOME}:{SOME}:cluster/{SOME}", f"ecs:{SOME}:{SOME}:task/{SOME}"),
        ),
    ),
    (Need(actions=("ssm:StartAccessRequest",), reached=_NODES),),
    (Need(actions=("ssm:GetAccessToken",), reached=(f"ssm:{SOME}:{SOME}:opsitem/{SOME}",), written_out=True),),
    (Need(actions=("ssm-guiconnect:StartConnection",)), Need(actions=("ssm:StartSession",), reached=_NODES)),
)
"""Ways to log in to a node or container without an approved session."""

INSTANCE_WAYS: Final[tuple[Way, ...]] = (
    (Need(actions=("ec2:ModifyInstanceAttribute",), reached=_INSTANCES, given=_USER_DATA),),
    (Need(actions=("ec2:CreateReplaceRootVolumeTask",), reached=_INSTANCES),),
    (
        Need(
            actions=("ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"), reached=_INSTANCES
        ),
        Need(actions=("iam:PassRole",), reached=(f"iam::{SOME}:role/{SOME}",), given=_TO_EC2),
    ),
    (Need(actions=("ssm:CreateActivation",)),),
    (Need(actions=("ssm:UpdateManagedInstanceRole",), reached=(f"ssm:{SOME}:{SOME}:managed-instance/mi-{SOME}",)),),
)
"""Ways to change what an instance runs at its start or which role it has, and to register a machine as a node."""


def document_ways(governed: Sequence[str]) -> tuple[Way, ...]:
    """Return the ways to change documents and settings that nodes and approvals run by.

    Args:
        governed: Names of the documents that sessions and approvals rest on.
    """
    documents = Need(
        actions=(
            *("ssm:DeleteDocument", "ssm:ModifyDocumentPermission", "ssm:UpdateDocument"),
            "ssm:UpdateDocumentDefaultVersion",
        ),
        reached=tuple(f"{_OWN_DOCUMENT}{name}" for name in (*governed, _NEW_DOCUMENT)),
        given=_RUNS_ON_NODES,
    )
    settings = Need(
        actions=("ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"),
        reached=tuple(f"ssm:{SOME}:{SOME}:servicesetting/{name}" for name in ACCESS_SETTINGS),
    )
    return ((documents,), (settings,))


GOVERNED_DOCUMENTS: Final = (DOCUMENT_NAME, *DOCUMENT_NAMES)
"""Documents that sessions and their approval rest on."""
