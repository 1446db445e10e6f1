"""Permissions that give access to a node without an approval, and the statements that allow them.

Source: Service Authorization Reference (Systems Manager, EC2 Instance Connect, Amazon EC2, Amazon ECS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Final

from common.iam.aws_documents import ACCESS_SETTINGS, NODE_RUNBOOKS, OWNED_BY_AWS, SCRIPT_DOCUMENTS
from common.iam.choices import Choice
from common.iam.context import ABSENT, known
from common.iam.evaluation import AllowingStatement, Target
from common.iam.patterns import SOME, literal
from components.approval.names import DOCUMENT_NAMES
from components.session_manager.document import DOCUMENT_NAME
from policies.separation_of_duties.requests import APPROVED, Requests, allowed, each_once, one, partitions
from policies.separation_of_duties.sessions import APPROVAL_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from common.iam.documents import Policy


@dataclass(frozen=True)
class RequiredPermission:
    """A required permission.

    Attributes:
        actions: Actions, of which one is required.
        reached: Resources, of which one is required, as ARNs without `arn:<partition>:`; empty: actions without resource
            types, which are allowed on `*` only.
        excluded: Excluded resources, in the same form.
        given: Condition keys of the request, in lower case.
        written_out: Whether only statements that name the action count, as `ssm:Get*` is meant for reading.
    """

    actions: tuple[str, ...]
    reached: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    given: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict[str, "tuple[Choice, ...]"])
    written_out: bool = False


_WILDCARDS: Final = re.compile(f"[*?{SOME}]")

Path = tuple[RequiredPermission, ...]
"""Permissions that together give access."""


def matching_paths(
    paths: Sequence[Path], policies: Sequence[Policy], admitted: Sequence[str] = ()
) -> list[AllowingStatement]:
    """Return the statements that together allow one of some paths."""
    found: list[AllowingStatement] = []
    for path in paths:
        met = list(takewhile(bool, (_meets(policies, required, admitted) for required in path)))
        if len(met) == len(path):
            found += chain.from_iterable(met)
    return each_once(found)


def _meets(
    policies: Sequence[Policy], required: RequiredPermission, admitted: Sequence[str]
) -> list[AllowingStatement]:
    actions = [each for each in required.actions if any(policy.allowed((each,)) for policy in policies)]
    if not actions:
        return []
    where = partitions(policies, actions)
    reached = _within(policies, actions, _arns(where, required.reached)) if required.reached else (literal("*"),)
    if not reached:
        return []
    target = Target(reached, excluded=_arns(where, required.excluded))
    requests = Requests({APPROVAL_KEY: one(APPROVED), **required.given}, admitted)
    found = [grant for action in actions for grant in allowed(policies, action, target, requests)]
    return [each for each in found if each.statement.names_exactly(each.action)] if required.written_out else found


def _within(policies: Sequence[Policy], actions: Sequence[str], resources: Sequence[str]) -> tuple[str, ...]:
    """Return the resources that an Allow statement may match, to keep the search small."""
    allowing = [each for policy in policies for action in actions for each in policy.covering(action) if each.allows]
    patterns = {pattern for each in allowing for pattern in each.resources}
    if any(each.all_but_resources for each in allowing) or any("${" in each for each in patterns):
        return tuple(resources)
    return tuple(each for each in resources if any(_may_meet(each, pattern) for pattern in patterns))


def _may_meet(resource: str, pattern: str) -> bool:
    """Return whether a pattern can match a resource, by its fixed parts: Regions and accounts have no slashes."""
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
"""Placeholder of a name that only patterns of all names match."""


def _of_aws(kind: str, names: Sequence[str], version: str = "") -> tuple[str, ...]:
    """Return ARNs of AWS' documents, which have no account; policies may have a star or an account there."""
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
"""Patterns of other resource types that would match in place of a version, which has no slash."""

_RUNS_ON_NODES: Final = {
    "ssm:documenttype": tuple(
        Choice(known(each))
        for each in ("Command", "Automation", "Session", "Package", "Policy", "Automation.ChangeTemplate")
    )
}
_STARTED: Final = {
    "ssm:documenttype": (*(Choice(known(each)) for each in ("Automation", "Automation.ChangeTemplate")), Choice(ABSENT))
}
"""Types that StartAutomationExecution runs, without approval policies of just-in-time node access, which run nothing. AWS does not
document that every request has the key."""
_USER_DATA: Final = {"ec2:attribute": tuple(Choice(known(each)) for each in ("UserData", "userData"))}
_TO_EC2: Final = {"iam:passedtoservice": one("ec2.amazonaws.com")}

_ASSOCIATING: Final = ("ssm:CreateAssociation", "ssm:CreateAssociationBatch", "ssm:UpdateAssociation")


def command_paths(harmless: Sequence[str] = ()) -> tuple[Path, ...]:
    """Return the permissions to run commands on nodes without a session, other than with harmless documents of the account."""
    own = RequiredPermission(
        ("ssm:SendCommand",),
        (f"{_OWN_DOCUMENT}{SOME}",),
        excluded=tuple(f"{_OWN_DOCUMENT}{name}" for name in (*OWNED_BY_AWS, *harmless)),
    )
    of_aws = replace(own, reached=_of_aws("document", SCRIPT_DOCUMENTS), excluded=())
    nodes = RequiredPermission(("ssm:SendCommand",), _NODES)
    return (
        (nodes, of_aws),
        (nodes, own),
        (replace(of_aws, actions=_ASSOCIATING),),
        (replace(own, actions=_ASSOCIATING),),
        (RequiredPermission(("ssm:StartAutomationExecution",), _RUNBOOKS, excluded=_NO_VERSIONS, given=_STARTED),),
        (
            RequiredPermission(
                ("ssm:RegisterTaskWithMaintenanceWindow", "ssm:UpdateMaintenanceWindowTask"),
                (f"ssm:{SOME}:{SOME}:maintenancewindow/mw-{SOME}", f"ssm:{SOME}:{SOME}:windowtask/{SOME}"),
            ),
        ),
        (
            RequiredPermission(
                ("ssm-quicksetup:CreateConfigurationManager", "ssm-quicksetup:UpdateConfigurationDefinition"),
                (f"ssm-quicksetup:{SOME}:{SOME}:configuration-manager/{SOME}",),
            ),
        ),
    )


ACCESS_REQUESTS: Final[tuple[Path, ...]] = (
    (RequiredPermission(("ssm:StartAccessRequest",), _NODES),),
    (RequiredPermission(("ssm:GetAccessToken",), (f"ssm:{SOME}:{SOME}:opsitem/{SOME}",), written_out=True),),
)
"""Permissions to request access by just-in-time node access, and to use it."""

LOGIN_WAYS: Final[tuple[Path, ...]] = (
    (
        RequiredPermission(
            ("ec2-instance-connect:SendSSHPublicKey", "ec2-instance-connect:SendSerialConsoleSSHPublicKey"),
            _INSTANCES,
        ),
    ),
    (
        RequiredPermission(
            ("ecs:ExecuteCommand",),
            (f"ecs:{SOME}:{SOME}:cluster/{SOME}", f"ecs:{SOME}:{SOME}:task/{SOME}"),
        ),
    ),
    (
        RequiredPermission(("ssm-guiconnect:StartConnection",)),
        RequiredPermission(("ssm:StartSession",), _NODES),
    ),
)
"""Permissions to log in to a node or container without an approved session, in every mode of approval."""

INSTANCE_WAYS: Final[tuple[Path, ...]] = (
    (RequiredPermission(("ec2:ModifyInstanceAttribute",), _INSTANCES, given=_USER_DATA),),
    (RequiredPermission(("ec2:CreateReplaceRootVolumeTask",), _INSTANCES),),
    (
        RequiredPermission(("ec2:AssociateIamInstanceProfile", "ec2:ReplaceIamInstanceProfileAssociation"), _INSTANCES),
        RequiredPermission(("iam:PassRole",), (f"iam::{SOME}:role/{SOME}",), given=_TO_EC2),
    ),
    (RequiredPermission(("ssm:CreateActivation",)),),
    (RequiredPermission(("ssm:UpdateManagedInstanceRole",), (f"ssm:{SOME}:{SOME}:managed-instance/mi-{SOME}",)),),
)
"""Permissions to change an instance's user data or role, and to register a machine as a node."""


def document_paths(governed: Sequence[str]) -> tuple[Path, ...]:
    """Return the permissions to change the documents and settings of nodes and approvals."""
    documents = RequiredPermission(
        (
            *("ssm:DeleteDocument", "ssm:ModifyDocumentPermission", "ssm:UpdateDocument"),
            "ssm:UpdateDocumentDefaultVersion",
        ),
        tuple(f"{_OWN_DOCUMENT}{name}" for name in (*governed, _NEW_DOCUMENT)),
        given=_RUNS_ON_NODES,
    )
    settings = RequiredPermission(
        ("ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"),
        tuple(f"ssm:{SOME}:{SOME}:servicesetting/{name}" for name in ACCESS_SETTINGS),
    )
    return ((documents,), (settings,))


GOVERNED_DOCUMENTS: Final = (DOCUMENT_NAME, *DOCUMENT_NAMES)
"""Documents that sessions and approvals depend on."""
