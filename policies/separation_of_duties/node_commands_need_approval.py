"""Commands run on nodes in approved sessions only: Run Command, State Manager, runbooks, maintenance windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Parameter, Rule
from policies.separation_of_duties.aws_managed import COMMANDS
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.judging import POLICIES, PRINCIPALS, judged
from policies.separation_of_duties.node_access import command_ways, ways_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.iam.documents import Policy
    from components.iam.evaluation import Grant
    from policies.findings import Findings, Resource

_HARMLESS = Parameter(
    name="harmlessDocuments",
    description="The account's own documents that run nothing that their caller gives them, by name (* stands for any text).",
    default=[],
    schema={"type": "array", "items": {"type": "string", "minLength": 1}},
)

RULE = Rule(
    id="node-commands-need-approval",
    title="No principal may run commands on nodes without a session",
    severity=Severity.CRITICAL,
    risk="its holder runs commands as root or SYSTEM on nodes, with no session and no approval",
    remedy="Limit the action to documents that run nothing that their caller gives them, and list own ones in harmlessDocuments, or remove it",
    source='Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager"; NIST SP 800-53 r5 '
    "AC-3, AC-5, AC-6, AC-17",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html",
    parameters=(_HARMLESS, PRINCIPALS, POLICIES),
)


@RULE.on(*CARRIERS)
def _runs_nothing(resource: Resource) -> Findings:
    ways = command_ways(resource.settings[_HARMLESS.name])

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[Grant]:
        return ways_in(policies, ways, admitted)

    yield from judged(resource, question, "no commands on nodes", COMMANDS)
