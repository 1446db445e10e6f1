"""Runbooks and change templates: their steps, transitions, and changes of the approval tag.

Source: Systems Manager User Guide, "Systems Manager Automation actions reference", "Properties shared by all actions".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, cast

from common.json_values import leaves, listed
from components.approval.names import AUTOMATION, CHANGE_TEMPLATE, TAG_KEY
from policies.findings import UNKNOWN, Resource
from policies.separation_of_duties.scripts import calls, commands
from policies.session_manager.session_documents import DOCUMENT, OWN_DOCUMENT, content_of

CARRIERS: Final = (DOCUMENT, OWN_DOCUMENT)
"""Resource types of Systems Manager documents."""

APPROVE: Final = "aws:approve"
LOOP: Final = "aws:loop"
END: Final = None

_IF_NOT: Final = ("onFailure", "onCancel")

_TAGGING: Final = frozenset({"tag_role", "tag_user", "create_role", "create_user", "assume_role"})
_UNTAGGING: Final = frozenset({"untag_role", "untag_user"})
_SERVICES: Final = frozenset({"iam", "sts"})
_LATE: Final = "{{"
"""Prefix of a value that is replaced at run time."""

_NOTHING: Final[dict[str, Any]] = {}


@dataclass(frozen=True)
class Transition:
    """A transition from a step to the next one; None: the execution ends."""

    property: str
    found: str
    to: str | None


@dataclass(frozen=True)
class Step:
    """A step of a runbook, or of a loop in one.

    Attributes:
        raw: Step as written.
        name: Unique name in the runbook.
        following: Name of the step after it; empty for the last step of the runbook or the loop.
        loop: Name of its loop; empty: none.
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
        """Inputs of the action."""
        return _mapping(self.raw.get("inputs"))

    @cached_property
    def sets_tag(self) -> bool:
        """Return whether the step may set the approval tag."""
        return self._does(_TAGGING, "Tags", if_not_known=True)

    @cached_property
    def removes_tag(self) -> bool:
        """Return whether the step removes the approval tag."""
        return not self.sets_tag and self._does(_UNTAGGING, "TagKeys", if_not_known=False)

    def may_undo(self, tagging: Step) -> bool:
        """Return whether the step removes the tag from the principal on which another step sets it.

        The principal of a script is in its payload, as far as it is known.
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
        """Return the principal of the step; for scripts all texts of the payload."""
        name = "InputPayload" if self.action == "aws:executeScript" else f"{self._kind}Name"
        return frozenset("".join(each.split()) for each in leaves(self.inputs.get(name)) if isinstance(each, str))

    def _does(self, wanted: frozenset[str], keys: str, *, if_not_known: bool) -> bool:
        inputs = self.inputs
        if self.action == "aws:executeAwsApi":
            api = str(inputs.get("Api", "")).replace("_", "").lower()
            service = str(inputs.get("Service", "")).lower()
            # A parameter may be the tag.
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

    Its name is empty where it is not known.
    """

    name: str
    is_template: bool
    content: Mapping[str, Any] = field(repr=False)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Steps in order, each loop followed by its steps."""
        return tuple(_steps_in(self.content.get("mainSteps")))

    @property
    def approvals(self) -> tuple[Step, ...]:
        """Approval steps."""
        return tuple(step for step in self.steps if step.action == APPROVE)

    @property
    def taggings(self) -> tuple[Step, ...]:
        """Steps that set the approval tag."""
        return tuple(step for step in self.steps if step.sets_tag)

    def transitions(self, step: Step) -> Iterator[Transition]:
        """Return the transitions of a step: on success, failure and cancellation."""
        yield from self._onward(step)
        if step.action == "aws:branch":
            return  # cannot fail or be cancelled
        # A loop is cancelled in one of its steps.
        for name in _IF_NOT if step.action != LOOP else _IF_NOT[:1]:
            value = str(step.raw.get(name) or "Abort")
            if value.lower() == "continue":
                yield from (Transition(name, value, each.to) for each in self._onward(step))
            else:
                yield Transition(name, value, value.partition(":")[2] if value.startswith("step:") else END)

    def step(self, name: str) -> Step | None:
        """Return a step by name."""
        return self._by_name.get(name)

    def reachable_unapproved(self) -> frozenset[str]:
        """Names of the steps that an execution can reach without an approval; a rejection fails the approval step."""
        found: set[str] = set()
        waiting = [self.steps[0].name] if self.steps else []
        while waiting:
            name = waiting.pop()
            step = self.step(name)
            if name in found or step is None:
                continue
            found.add(name)
            asks = step.action == APPROVE
            waiting += [
                transition.to
                for transition in self.transitions(step)
                if transition.to and not (asks and transition.property not in _IF_NOT)
            ]
        return frozenset(found)

    @cached_property
    def _by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    def _onward(self, step: Step) -> Iterator[Transition]:
        if step.action == "aws:branch":
            choices = step.inputs.get("Choices")
            for choice in cast("list[Any]", choices) if isinstance(choices, list) else []:
                to = str(_mapping(choice).get("NextStep", ""))
                yield Transition("inputs.Choices", to, to)
            if default := step.inputs.get("Default"):
                yield Transition("inputs.Default", str(default), str(default))
                return
        if step.action == LOOP:
            yield from (Transition("inputs.Steps", each.name, each.name) for each in self.inside(step)[:1])
        if str(step.raw.get("isEnd")).lower() == "true":
            yield Transition("isEnd", "true", END)
        elif following := step.raw.get("nextStep"):
            yield Transition("nextStep", str(following), str(following))
        else:
            # The last step of a loop leads to the loop, which repeats or ends.
            yield Transition("nextStep", step.following or "no value", step.following or step.loop or END)

    def inside(self, loop: Step) -> tuple[Step, ...]:
        """Return the steps of a loop, without those of inner loops."""
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
    """Return the runbook or change template of a resource; None where it is neither, or cannot be read."""
    kind = document.value("documentType")
    if kind not in (AUTOMATION, CHANGE_TEMPLATE) or document.value("content") is UNKNOWN:
        return None
    content = content_of(document)
    if content is None:
        return None
    name = document.value("name")
    return Runbook(name if isinstance(name, str) else "", kind == CHANGE_TEMPLATE, content)


def is_unseen(document: Resource) -> bool:
    """Return whether a resource may be a runbook or change template that is not known yet."""
    kind = document.value("documentType")
    known = kind in (AUTOMATION, CHANGE_TEMPLATE)
    return kind is UNKNOWN or (known and document.value("content") is UNKNOWN)


def approvers_in(step: Step) -> Iterator[tuple[str, str]]:
    """Return the approvers of a step as `role/Name` (user, group, ...), each with its path in the inputs."""
    for position, each in enumerate(listed(step.inputs.get("Approvers"))):
        yield _named(str(each)), f"inputs.Approvers[{position}]"
    enhanced = _mapping(step.inputs.get("EnhancedApprovals"))
    for position, each in enumerate(listed(enhanced.get("Approvers"))):
        fields = _mapping(each)
        kind = str(fields.get("type", "")).lower().removeprefix("iam").removeprefix("sso")
        name = str(fields.get("approver", ""))
        called = _named(name) if ":" in name or "{{" in name else f"{kind}/{name}"
        yield called, f"inputs.EnhancedApprovals.Approvers[{position}]"


def _named(approver: str) -> str:
    """Return an ARN as `role/Name`; parameters stay as they are."""
    if not approver.startswith("arn:"):
        return approver if "{{" in approver else f"user/{approver}"
    kind, _, name = approver.rpartition(":")[2].partition("/")
    return f"role/{name.partition('/')[0]}" if kind == "assumed-role" else f"{kind}/{name.rpartition('/')[2]}"


def _names_tag(value: Any) -> bool:
    return TAG_KEY.lower() in json.dumps(value, default=str).lower()


def _has_late_key(tags: Any) -> bool:
    """Return whether tags, or the key of a tag, are parameters."""
    return any(
        _LATE in str(_mapping(each).get("Key")) if isinstance(each, Mapping) else _LATE in str(each)
        for each in listed(tags)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else _NOTHING
