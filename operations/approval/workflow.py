"""The workflow that a stack has set up: how a request is made, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.approval.names import CHANGE_TEMPLATE_NAME, RUNBOOK_NAME
from components.approval.settings import Mode
from operations.errors import UnusableError


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One account's workflow.

    Attributes:
        mode: how a request is approved.
        region: where requests are made; the instance may be elsewhere.
        runbook: the document that grants.
        change_template: the document that a change request is made from.
        regions: in which instances may be; empty: not known.
    """

    mode: Mode
    region: str
    runbook: str = RUNBOOK_NAME
    change_template: str = CHANGE_TEMPLATE_NAME
    regions: tuple[str, ...] = ()


def workflow_of(outputs: Mapping[str, Any], stack: str | None = None) -> Workflow:
    """The workflow that a stack's outputs describe.

    Args:
        outputs: of the stack.
        stack: its name, for the message.

    Raises:
        UnusableError: it has none.
    """
    approval = outputs.get("approval")
    if not isinstance(approval, Mapping):
        called = f"Stack {stack}" if stack else "The selected stack"
        raise UnusableError(f"{called} has no approval, or is not up. Without its outputs: --mode and --region.")
    found = cast("Mapping[str, Any]", approval)
    return Workflow(
        mode=Mode(found["mode"]),
        region=str(found["topicArn"]).split(":")[3],
        runbook=str(found["runbookName"]),
        change_template=str(found["changeTemplateName"] or CHANGE_TEMPLATE_NAME),
        regions=tuple(map(str, outputs.get("regions") or ())),
    )


def workflow_named(mode: str, region: str) -> Workflow:
    """The workflow as the command line describes it.

    Raises:
        UnusableError: there is no such mode.
    """
    if mode not in set(Mode):
        raise UnusableError(f"--mode: {mode!r} given; allowed: {', '.join(Mode)}")
    return Workflow(mode=Mode(mode), region=region)
