"""The approval workflow of a stack: its mode, documents and Regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from components.approval.names import CHANGE_TEMPLATE_NAME, RUNBOOK_NAME
from components.approval.settings import Mode
from operations.errors import UnusableError


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The approval workflow of an account.

    Attributes:
        mode: Mode of approval.
        region: Region of requests; the instance may be in another one.
        runbook: Name of the runbook that grants.
        change_template: Name of the change template.
        regions: Regions in which instances may be; empty: not known.
    """

    mode: Mode
    region: str
    runbook: str = RUNBOOK_NAME
    change_template: str = CHANGE_TEMPLATE_NAME
    regions: tuple[str, ...] = ()


def workflow_of(outputs: Mapping[str, Any], stack: str | None = None) -> Workflow:
    """Return the workflow that a stack's outputs describe.

    Args:
        outputs: Outputs of the stack.
        stack: Name of the stack, for the message; None: the selected one.

    Raises:
        UnusableError: The stack has no approval workflow.
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
    """Return the workflow that the command line describes.

    Raises:
        UnusableError: The mode does not exist.
    """
    if mode not in set(Mode):
        raise UnusableError(f"--mode: {mode!r} given; allowed: {', '.join(Mode)}")
    return Workflow(mode=Mode(mode), region=region)
