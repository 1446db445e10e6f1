"""Commands run on nodes in approved sessions only: Run Command, State Manager, runbooks, maintenance windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import Severity

from policies.rule import Parameter, Rule
from policies.separation_of_duties.aws_managed import COMMANDS
from policies.separation_of_duties.identity_policies import CARRIERS
from policies.separation_of_duties.node_access import command_paths, matching_paths
from policies.separation_of_duties.resource_checks import POLICIES, PRINCIPALS, judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.iam.documents import Policy
    from common.iam.evaluation import AllowingStatement
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
    risk="the principal runs commands as root or SYSTEM on nodes, without a session and an approval",
    remedy="Limit the action to documents that run no commands of their caller, and list the account's own in harmlessDocuments, or remove it",
    source='Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager"; NIST SP 800-53 r5 '
    "AC-3, AC-5, AC-6, AC-17",
    url="https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html",
    parameters=(_HARMLESS, PRINCIPALS, POLICIES),
)


@RULE.on(*CARRIERS)
def _runs_nothing(resource: Resource) -> Findings:
    paths = command_paths(resource.settings[_HARMLESS.name])

    def question(policies: Sequence[Policy], admitted: Sequence[str]) -> list[AllowingStatement]:
        return matching_paths(policies, paths, admitted)

    yield from judged(resource, question, "no commands on nodes", COMMANDS)
