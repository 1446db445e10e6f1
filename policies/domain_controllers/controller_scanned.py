"""Domain controllers are not excluded from the scans of Amazon Inspector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from common.iam.truth import Truth
from components.detection.names import EXCLUSION_TAG
from policies.domain_controllers.controller_tags import (
    INSTANCE,
    LAUNCH_TEMPLATE,
    MARKS,
    SPOT_FLEET,
    SPOT_INSTANCE,
    belongs,
    has_tag,
)
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings
    from policies.stack import Stack

CONTROLLER_SCANNED = Rule(
    id="controller-scanned",
    title="Domain controllers are not excluded from Inspector's scans",
    severity=Severity.HIGH,
    risk="vulnerabilities of the controller are not found, although scans are enabled in the account",
    remedy=f"Remove the tag {EXCLUSION_TAG}",
    source="Amazon Inspector User Guide, Excluding instances from Amazon Inspector scans; AWS Security Hub Inspector.1; NIST SP "
    "800-53 r5 RA-5, SI-2",
    url="https://docs.aws.amazon.com/inspector/latest/user/scanning-ec2.html",
    parameters=MARKS,
)


@CONTROLLER_SCANNED.on_stack
def _are_scanned(stack: Stack) -> Findings:
    # Of the stack, as a separate resource can set the tag.
    for machine in stack.of(INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE, SPOT_FLEET):
        is_one, is_excluded = belongs(machine), has_tag(machine, EXCLUSION_TAG)
        if Truth.NO in (is_one, is_excluded):
            continue
        if is_one is is_excluded is Truth.YES:
            yield machine.violation("tags", f"no tag {EXCLUSION_TAG}", found=EXCLUSION_TAG)
        else:
            yield machine.unseen("tags")
