"""Domain controllers cannot be terminated by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.domain_controllers.controller_tags import INSTANCE, LAUNCH_TEMPLATE, MARKS, SPOT_INSTANCE, on_controllers
from policies.findings import is_true
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

RULE = Rule(
    id="controller-termination-protection",
    title="Domain controllers are protected from termination",
    severity=Severity.MEDIUM,
    risk="one wrong click or call deletes a controller with what was not replicated yet",
    remedy="Set disableApiTermination to true (here: shell-access:domainControllers.terminationProtection)",
    source='NIST SP 800-53 r5 CP-9, CP-10; AWS post "Securely extend and access on-premises Active Directory domain '
    'controllers in AWS"',
    url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html",
    parameters=MARKS,
)


@on_controllers(RULE, INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE)
def _is_protected(machine: Resource) -> Findings:
    yield from machine.require("disableApiTermination", is_true, "true")
