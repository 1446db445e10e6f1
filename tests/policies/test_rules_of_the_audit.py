"""What the audit reports of an identity policy, the pack reports as well, or it says why not."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from policies.separation_of_duties import RULES
from tests.policies.judging import judge
from tests.policies.separation_of_duties.forms import POLICY

examples = pytest.importorskip("operations.audit.rules.examples")

_WHOLE_ACCOUNT: Final = (
    "Whether it is a bypass depends on the roles, users and groups of the account. Of operators and of roles of nodes and "
    "runbooks, operators-change-nothing and service-roles-widen-nothing report it."
)
_DEPLOYMENT: Final = "Pipelines and controllers of clusters do it by their nature; the audit weighs who holds it."
_DECISION: Final = "Approvers do it by design; of operators, operators-change-nothing reports it."
_REQUEST: Final = "It is how a request is made."

NOT_REPORTED: Final = {
    **dict.fromkeys(("D2", "D4", "D5", "D8", "D9", "F2", "F3", "F4"), _WHOLE_ACCOUNT),
    **dict.fromkeys(("C4", "C6", "C8", "C7"), _DEPLOYMENT),
    **dict.fromkeys(("E5", "E6"), _DECISION),
    **dict.fromkeys(("E3", "E4"), _REQUEST),
    "E10": "Schedules are the trade of many a policy; the audit knows the one that ends grants.",
    "E9": "A new document does nothing by itself; of operators, operators-change-nothing reports it.",
    "D11": "What the denial keeps away, another statement of the same policy does not give.",
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
def test_the_pack_reports_what_the_audit_reports(rule: str) -> None:
    assert bool(reported(STATEMENTS[rule])) == (rule not in NOT_REPORTED)


def test_every_reason_is_about_a_rule_of_the_audit() -> None:
    assert NOT_REPORTED.keys() <= STATEMENTS.keys()
