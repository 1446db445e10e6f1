"""Approval policies of just-in-time node access as documents, and what they decide. Pure.

Source of the content: the templates of AWS' Cloud Operations best practices (just-in-time-node-access); the User Guide does
not publish it. What these templates do not show, such as a policy for all nodes, is not written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from common.limits import DOCUMENT, Generated
from components.adoption.document_content import PlannedDocument, published_bytes
from components.just_in_time.names import AUTO_APPROVAL, AUTO_APPROVAL_NAME, MANUAL_APPROVAL, TOKEN_ROLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from common.problems import SettingPath
    from components.just_in_time.settings import AutoApproval, JustInTimeSettings, ManualPolicy

_SCHEMA_VERSION: Final = "0.3"
_HOUR: Final = 3600
_DECIDED_WITHIN: Final = 7 * 24 * _HOUR
"""Seconds that a level waits for its approvals, as in AWS' templates."""
_CEDAR: Final = "Cedar"


@dataclass(frozen=True, kw_only=True)
class ApprovalPolicyDocument(PlannedDocument):
    """An approval policy to publish.

    Attributes:
        path: Path of the settings that the content is made from.
    """

    path: SettingPath


@dataclass(frozen=True, kw_only=True)
class Level:
    """A level of a manual policy.

    Attributes:
        approvers: Types and IDs, `SSOGroup 34688438-...`.
        required: Number of approvals that the level requires.
    """

    approvers: tuple[str, ...]
    required: int

    @property
    def shown(self) -> str:
        """The level, for display: `1 of SSOGroup 34688438-...`."""
        return f"{self.required} of {', '.join(self.approvers)}"


def level_texts(levels: Iterable[Level]) -> tuple[str, ...]:
    """Return levels with their numbers, for display."""
    return tuple(f"level {number}: {each.shown}" for number, each in enumerate(levels, start=1))


@dataclass(frozen=True, kw_only=True)
class ManualRule:
    """A manual policy as far as its decisions depend on it.

    Attributes:
        name: Name of the document.
        targets: Values by tag key, of which a node needs any.
        levels: Levels of approval.
        seconds: Duration of the access.
    """

    name: str
    targets: Mapping[str, frozenset[str]]
    levels: tuple[Level, ...]
    seconds: int

    def matches(self, tags: Mapping[str, str]) -> bool:
        """Return whether the policy is for a node with these tags. Keys and values are case-sensitive, as in Amazon EC2."""
        return any(tags.get(key) in values for key, values in self.targets.items())


class UnknownContentError(ValueError):
    """A document of another principal has content that this program does not know."""


def policy_documents(settings: JustInTimeSettings) -> tuple[ApprovalPolicyDocument, ...]:
    """Return the documents, which are the same in every Region."""
    path = ("approval", "justInTime")
    manual = [
        ApprovalPolicyDocument(
            key=f"manual-{policy.name}",
            name=policy.name,
            type=MANUAL_APPROVAL,
            content=_manual(policy),
            settings=policy.model_dump(mode="json", by_alias=True),
            path=(*path, "manualPolicies", position),
        )
        for position, policy in enumerate(settings.manual_policies)
    ]
    if not settings.auto_approvals:
        return tuple(manual)
    statements = [each.model_dump(mode="json", by_alias=True) for each in settings.auto_approvals]
    auto = ApprovalPolicyDocument(
        key="auto",
        name=AUTO_APPROVAL_NAME,
        type=AUTO_APPROVAL,
        content=_auto(settings.auto_approvals),
        settings={"autoApprovals": statements},
        path=(*path, "autoApprovals"),
    )
    return (*manual, auto)


def generated_texts(settings: JustInTimeSettings) -> Iterator[Generated]:
    """Yield the documents with their sizes."""
    for document in policy_documents(settings):
        yield Generated(
            what=f"the document {document.name}",
            size=published_bytes(document.content),
            quota=DOCUMENT,
            path=document.path,
            given="its tags and statements",
            fix="Use fewer or shorter ones",
        )


def manual_rule(name: str, content: Any) -> ManualRule:
    """Return what a manual policy decides.

    Raises:
        UnknownContentError: The content has another form than the published one.
    """
    try:
        targets = {
            str(each["Key"]).removeprefix("tag:"): frozenset(map(str, each["Values"]))
            for each in content["targets"]
            if str(each["Key"]).startswith("tag:")
        }
        if len(targets) != len(content["targets"]) or not targets:
            raise UnknownContentError("its targets are not all tags")
    except (KeyError, TypeError, AttributeError) as missing:
        raise UnknownContentError(f"it lacks {missing}") from missing
    levels, seconds = approval_levels(content)
    return ManualRule(name=name, targets=targets, levels=levels, seconds=seconds)


def approval_levels(content: Any) -> tuple[tuple[Level, ...], int]:
    """Return the levels of a manual policy and the duration of its access in seconds, for any kind of targets.

    Raises:
        UnknownContentError: The content has another form than the published one.
    """
    try:
        return tuple(_level(step["inputs"]) for step in content["mainSteps"]), int(content["accessDuration"])
    except (KeyError, TypeError, ValueError, AttributeError) as missing:
        raise UnknownContentError(f"it lacks {missing}") from missing


def cedar_text(content: Any) -> str:
    """Return the Cedar policies of an auto-approval policy.

    Raises:
        UnknownContentError: The content has another form than the published one.
    """
    try:
        statements = cast("Sequence[Mapping[str, Any]]", content["AutoApprovalPolicyDocuments"])
        if any(each["type"] != _CEDAR for each in statements):
            raise UnknownContentError("a statement is not of the type Cedar")
        return "\n\n".join(str(each["content"]) for each in statements)
    except (KeyError, TypeError) as missing:
        raise UnknownContentError(f"it lacks {missing}") from missing


def _level(inputs: Mapping[str, Any]) -> Level:
    approvers = inputs["EnhancedApprovals"]["Approvers"]
    return Level(
        approvers=tuple(f"{each['type']} {each['approver']}" for each in approvers),
        required=int(inputs.get("MinRequiredApprovals", 1)),
    )


def _manual(policy: ManualPolicy) -> dict[str, Any]:
    steps = [
        {
            "name": f"level{number}",
            "action": "aws:approve",
            "timeoutSeconds": _DECIDED_WITHIN,
            "inputs": {
                "Message": policy.description,
                "MinRequiredApprovals": level.min_required_approvals,
                "EnhancedApprovals": {
                    "Approvers": [{"approver": each.id, "type": each.type} for each in level.approvers]
                },
            },
        }
        for number, level in enumerate(policy.levels, start=1)
    ]
    return {
        "schemaVersion": _SCHEMA_VERSION,
        "description": policy.description,
        "accessTokenRole": TOKEN_ROLE,
        "accessDuration": policy.access_duration_hours * _HOUR,
        "targets": [{"Key": f"tag:{key}", "Values": list(values)} for key, values in policy.targets.items()],
        "mainSteps": steps,
    }


def _auto(statements: Sequence[AutoApproval]) -> dict[str, Any]:
    return {
        "schemaVersion": _SCHEMA_VERSION,
        "description": "Access to nodes without a person's approval",
        "accessTokenRole": TOKEN_ROLE,
        # Fixed by AWS (User Guide, "Create an auto-approval policy for just-in-time node access").
        "accessDuration": _HOUR,
        "AutoApprovalPolicyDocuments": [
            {"id": each.id, "description": each.description, "type": _CEDAR, "content": each.text()}
            for each in statements
        ],
    }
