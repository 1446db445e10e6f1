"""Domain controllers are patched one at a time, and not after an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_policy import Severity

from policies.domain_controllers.controller_tags import MARKS
from policies.domain_controllers.machines import Machines
from policies.domain_controllers.references import given
from policies.findings import UNKNOWN, Unseen, Violation
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings
    from policies.stack import Stack

TASK: Final = "aws:ssm/maintenanceWindowTask:MaintenanceWindowTask"
_LIMITS: Final = {"maxConcurrency": "1", "maxErrors": "0"}

CONTROLLER_PATCHED_SINGLY = Rule(
    id="controller-patched-singly",
    title="Maintenance windows treat domain controllers one at a time, and none after an error",
    severity=Severity.HIGH,
    risk="a bad patch, or a restart of all at once, takes the directory away from every user",
    remedy='Set maxConcurrency to "1" and maxErrors to "0" (here: shell-access:domainControllers.patching)',
    source='Microsoft "Securing domain controllers against attack"; AWS Systems Manager User Guide, tasks of maintenance '
    "windows; NIST SP 800-53 r5 CM-3, SI-2",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/assign-tasks-mw.html",
    parameters=MARKS,
)


@CONTROLLER_PATCHED_SINGLY.on_stack
def _are_single(stack: Stack) -> Findings:
    regions = {given(each, "region") for each in Machines(stack).instances}
    for task in stack.of(TASK):
        if given(task, "region") not in regions:
            continue
        for name, limit in _LIMITS.items():
            value = task.value(name)
            if value is UNKNOWN:
                yield Unseen(name, about=task)
            elif value != limit:
                yield Violation(name, str(value), f'"{limit}"', about=task)
