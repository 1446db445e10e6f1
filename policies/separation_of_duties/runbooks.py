"""Runbooks and change templates: what their steps do to the approval tag, and where each leads.

Source: Systems Manager User Guide, "Systems Manager Automation actions reference", "Properties shared by all actions".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from components.approval.names import AUTOMATION, CHANGE_TEMPLATE, TAG_KEY
from policies.findings import UNKNOWN
from policies.separation_of_duties.scripts import calls, commands
from policies.session_manager.carriers import DOCUMENT, OWN_DOCUMENT, content_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Resource

CARRIERS: Final = (DOCUMENT, OWN_DOCUMENT)
"""Every type of resource that is a document of Systems Manager."""

APPROVE: Final = "aws:approve"
LOOP: Final = "aws:loop"
END: Final = None

_IF_NOT: Final = ("onFailure", "onCancel")

_TAGGING: Final = frozenset({"tag_role", "tag_user", "create_role", "create_user", "assume_role"})
_UNTAGGING: Final = frozenset({"untag_role", "untag_user"})
_SERVICES: Final = frozenset({"iam", "sts"})
_LATE: Final = "{{"
"""How a value begins that the run puts in."""

_NOTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True)
class Edge:
    """Where a step leads.

    Attributes:
        property: of the step.
        found: its value, for a reader.
        to: the next step's name; None: the run ends.
    """

    property: str
    found: str
    to: str | None


@dataclass(frozen=True)
class Step:
    """A step of a runbook, or of a loop in one.

    Attributes:
        raw: as written.
        name: unique in its runbook.
        following: name of the step below it; empty where it is the last one of the runbook or the loop.
        loop: name of the loop that it is in; empty: of none.
    """

    raw: Mapping[str, Any] = field(repr=False)
    name: str
    following: str = ""
    loop: str = ""

    @property
    def action(self) -> str:
        """`aws:approve`."""
        return str(self.raw.get("action", ""))

    @property
    def inputs(self) -> Mapping[str, Any]:
        """Of the action."""
        return _mapping(self.raw.get("inputs"))

    @cached_property
    def sets_tag(self) -> bool:
        """Whether it may set the approval tag."""
        return self._does(_TAGGING, "Tags", if_not_known=True)

    @cached_property
    def removes_tag(self) -> bool:
        """Whether it removes it."""
        return not self.sets_tag and self._does(_UNTAGGING, "TagKeys", if_not_known=False)

    def may_undo(self, tagging: Step) -> bool:
        """Whether it removes the tag, and from the principal that another step gives it to.

        A script says whom it is about in its payload, as far as can be told.
        """
        if not self.removes_tag:
            return False
        ours, theirs = self._principals, tagging._principals
        same_kind = "aws:executeScript" in (self.action, tagging.action) or self._kind == tagging._kind
        return same_kind and (bool(ours & theirs) or not ours | theirs)

    @property
    def _kind(self) -> str:
        return "Role" if str(self.inputs.get("Api", "")).lower().endswith("role") else "User"

    @cached_property
    def _principals(self) -> frozenset[str]:
        """The name that the step gives; for scripts all texts of the payload."""
        if self.action == "aws:executeScript":
            return frozenset(_texts(self.inputs.get("InputPayload")))
        return frozenset(_texts(self.inputs.get(f"{self._kind}Name")))

    def _does(self, wanted: frozenset[str], keys: str, *, if_not_known: bool) -> bool:
        inputs = self.inputs
        if self.action == "aws:executeAwsApi":
            api = str(inputs.get("Api", "")).replace("_", "").lower()
            service = str(inputs.get("Service", "")).lower()
            # What is put in at run time may be the tag, or may not.
            is_called = api in {each.replace("_", "") for each in wanted} or (if_not_known and _LATE in api)
            late = if_not_known and _has_late_key(inputs.get(keys))
            in_service = service in _SERVICES or (if_not_known and _LATE in service)
            return in_service and is_called and (_names_tag(inputs.get(keys)) or late)
        if self.action == "aws:executeScript":
            script, handler = str(inputs.get("Script", "")), str(inputs.get("Handler", ""))
            called = calls(script, handler, in_texts=if_not_known)
            return bool(called & wanted) and _names_tag(dict(inputs))
        if self.action == "aws:runCommand" and if_not_known:
            return bool(commands(json.dumps(dict(inputs), default=str)) & wanted) and _names_tag(dict(inputs))
        return False


@dataclass(frozen=True)
class Runbook:
    """A runbook, or a change template.

    Attributes:
        name: of the document; empty where it is not known.
        is_template: of changes.
        content: as written.
    """

    name: str
    is_template: bool
    content: Mapping[str, Any] = field(repr=False)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """In order, each loop followed by the steps in it."""
        return tuple(_steps_in(self.content.get("mainSteps")))

    @property
    def approvals(self) -> tuple[Step, ...]:
        """The steps that ask people."""
        return tuple(step for step in self.steps if step.action == APPROVE)

    @property
    def taggings(self) -> tuple[Step, ...]:
        """The steps that set the approval tag."""
        return tuple(step for step in self.steps if step.sets_tag)

    def edges(self, step: Step) -> Iterator[Edge]:
        """Where a step leads: when it succeeds, fails, or is cancelled."""
        yield from self._onward(step)
        if step.action == "aws:branch":
            return  # does nothing that could fail or be cancelled
        # A loop is cancelled in one of its steps.
        for name in _IF_NOT if step.action != LOOP else _IF_NOT[:1]:
            value = str(step.raw.get(name) or "Abort")
            if value.lower() == "continue":
                yield from (Edge(name, value, each.to) for each in self._onward(step))
            else:
                yield Edge(name, value, value.partition(":")[2] if value.startswith("step:") else END)

    def step(self, name: str) -> Step | None:
        """By name."""
        return self._by_name.get(name)

    def reachable_unapproved(self) -> frozenset[str]:
        """Names of the steps that a run can reach though nobody has said yes; who says no fails the step that asks."""
        found: set[str] = set()
        waiting = [self.steps[0].name] if self.steps else []
        while waiting:
            name = waiting.pop()
            step = self.step(name)
            if name in found or step is None:
                continue
            found.add(name)
            asks = step.action == APPROVE
            waiting += [edge.to for edge in self.edges(step) if edge.to and not (asks and edge.property not in _IF_NOT)]
        return frozenset(found)

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    def _onward(self, step: Step) -> Iterator[Edge]:
        if step.action == "aws:branch":
            choices = step.inputs.get("Choices")
            for choice in cast("list[Any]", choices) if isinstance(choices, list) else []:
                to = str(_mapping(choice).get("NextStep", ""))
                yield Edge("inputs.Choices", to, to)
            if default := step.inputs.get("Default"):
                yield Edge("inputs.Default", str(default), str(default))
                return
        if step.action == LOOP:
            yield from (Edge("inputs.Steps", each.name, each.name) for each in self.inside(step)[:1])
        if str(step.raw.get("isEnd")).lower() == "true":
            yield Edge("isEnd", "true", END)
        elif following := step.raw.get("nextStep"):
            yield Edge("nextStep", str(following), str(following))
        else:
            # The last step of a loop leads to the loop, which goes round or on.
            yield Edge("nextStep", step.following or "no value", step.following or step.loop or END)

    def inside(self, loop: Step) -> tuple[Step, ...]:
        """The steps of a loop, those of loops in it apart."""
        return tuple(each for each in self.steps if each.loop == loop.name)


def _steps_in(given: Any, loop: str = "") -> Iterator[Step]:
    several = [_mapping(each) for each in cast("list[Any]", given)] if isinstance(given, list) else []
    start = f"{loop} step" if loop else "step"
    names = [str(each.get("name", f"{start} {position + 1}")) for position, each in enumerate(several)]
    for position, (raw, name) in enumerate(zip(several, names, strict=True), start=1):
        step = Step(raw, name, names[position] if position < len(names) else "", loop)
        yield step
        if step.action == LOOP:
            yield from _steps_in(step.inputs.get("Steps"), name)


def runbook_in(document: Resource) -> Runbook | None:
    """The runbook or change template that a resource is; None where it is neither, or cannot be read or known."""
    kind = document.value("documentType")
    if kind not in (AUTOMATION, CHANGE_TEMPLATE) or document.value("content") is UNKNOWN:
        return None
    content = content_of(document)
    if content is None:
        return None
    name = document.value("name")
    return Runbook(name if isinstance(name, str) else "", kind == CHANGE_TEMPLATE, content)


def is_unseen(document: Resource) -> bool:
    """Whether it may be a runbook or a change template that is not known yet."""
    kind = document.value("documentType")
    known = kind in (AUTOMATION, CHANGE_TEMPLATE)
    return kind is UNKNOWN or (known and document.value("content") is UNKNOWN)


def approvers_in(step: Step) -> Iterator[tuple[str, str]]:
    """Those whom a step asks, each as `role/Name` (user, group, ...) with its place in the step's inputs."""
    for position, each in enumerate(_listed(step.inputs.get("Approvers"))):
        yield _named(str(each)), f"inputs.Approvers[{position}]"
    enhanced = _mapping(step.inputs.get("EnhancedApprovals"))
    for position, each in enumerate(_listed(enhanced.get("Approvers"))):
        fields = _mapping(each)
        kind = str(fields.get("type", "")).lower().removeprefix("iam").removeprefix("sso")
        name = str(fields.get("approver", ""))
        called = _named(name) if ":" in name or "{{" in name else f"{kind}/{name}"
        yield called, f"inputs.EnhancedApprovals.Approvers[{position}]"


def _named(approver: str) -> str:
    """An ARN as `role/Name`; what is left to whoever starts the run stays as it is."""
    if not approver.startswith("arn:"):
        return approver if "{{" in approver else f"user/{approver}"
    kind, _, name = approver.rpartition(":")[2].partition("/")
    return f"role/{name.partition('/')[0]}" if kind == "assumed-role" else f"{kind}/{name.rpartition('/')[2]}"


def _names_tag(value: Any) -> bool:
    return TAG_KEY.lower() in json.dumps(value, default=str).lower()


def _has_late_key(tags: Any) -> bool:
    """Whether a run puts in the tags, or the key of one; a value may be put in."""
    return any(
        _LATE in str(_mapping(each).get("Key")) if isinstance(each, Mapping) else _LATE in str(each)
        for each in _listed(tags)
    )


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, Mapping):
        for each in cast("Mapping[str, Any]", value).values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _texts(each)
    elif isinstance(value, str):
        yield _squeezed(value)


def _squeezed(value: Any) -> str:
    return "".join(str(value).split())


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else _NOTHING
