"""The pack reports each identity policy that the audit reports, or states why not."""

import json
from typing import Any, Final

import pytest

from policies.separation_of_duties import RULES
from tests.policies.judging import judge
from tests.policies.separation_of_duties.forms import POLICY

examples = pytest.importorskip("operations.audit.rules.examples")

_WHOLE_ACCOUNT: Final = (
    "Whether it is a bypass depends on the roles, users and groups of the account. Of operators and of roles of nodes and "
    "runbooks, operators-cannot-change-approval and service-role-permissions-limited report it."
)
_DEPLOYMENT: Final = "Pipelines and controllers of clusters do it by their nature; the audit weighs who holds it."
_DECISION: Final = "Approvers do it by design; of operators, operators-cannot-change-approval reports it."
_REQUEST: Final = "It is how a request is made."

NOT_REPORTED: Final = {
    **dict.fromkeys(
        (
            "iam-write-policies",
            "iam-create-credentials",
            "iam-change-trust",
            "iam-remove-boundary",
            "change-identity-provider",
            "pass-role-to-compute",
            "change-compute-with-role",
            "pass-role-to-scheduler",
        ),
        _WHOLE_ACCOUNT,
    ),
    **dict.fromkeys(
        ("ec2-replace-volume", "ec2-change-launch-template", "deploy-to-instances", "read-login-secrets"), _DEPLOYMENT
    ),
    **dict.fromkeys(("approval-send-signal", "approval-change-topic"), _DECISION),
    **dict.fromkeys(("approval-start-runbook", "approval-request-without-review"), _REQUEST),
    "approval-keep-grant": "Schedules are the trade of many a policy; the audit knows the one that ends grants.",
    "change-just-in-time-policies": "A new document does nothing by itself; of operators, operators-cannot-change-approval reports it.",
    "iam-remove-own-deny": "What the denial keeps away, another statement of the same policy does not give.",
}

STATEMENTS: dict[str, tuple[dict[str, Any], ...]] = {
    rule: given for rule, given in examples.EXAMPLES.items() if not isinstance(given, str)
}


def reported(statements: tuple[dict[str, Any], ...]) -> set[str]:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return {
        rule.id
        for rule in RULES
        if POLICY in rule.types and judge(rule, POLICY, {"name": "x", "policy": text}).violations
    }


@pytest.mark.parametrize("rule", STATEMENTS)
def test_pack_reports_what_the_audit_reports(rule: str) -> None:
    assert bool(reported(STATEMENTS[rule])) == (rule not in NOT_REPORTED)


def test_every_reason_is_about_a_rule_of_the_audit() -> None:
    assert NOT_REPORTED.keys() <= STATEMENTS.keys()
