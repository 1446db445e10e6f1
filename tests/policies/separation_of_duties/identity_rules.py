"""Properties of every rule about statements that identity policies allow."""

import json
from typing import Any, ClassVar

import pytest

from policies.rule import Rule
from tests.policies.judging import SILENT, Form, judge, violations
from tests.policies.separation_of_duties.forms import POLICY, ROLE_POLICY, as_policy, document


class IdentityRuleTests:
    """Tests of one rule; a subclass gives it, with what it reports (also "on everything") and its innocent twins."""

    rule: ClassVar[Rule]
    reported: ClassVar[dict[str, list[dict[str, Any]]]]
    excluded: ClassVar[dict[str, list[dict[str, Any]]]]
    attached: ClassVar[str]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for name in {"reported_statements", "excluded_statements"} & set(metafunc.fixturenames):
            cases = getattr(self, name.removesuffix("_statements"))
            metafunc.parametrize(name, cases.values(), ids=cases.keys())

    def test_statement_is_reported(self, reported_statements: list[dict[str, Any]]) -> None:
        assert len(violations(self.rule, POLICY, as_policy(*reported_statements))) == 1

    def test_twin_is_not_reported(self, excluded_statements: list[dict[str, Any]]) -> None:
        assert judge(self.rule, POLICY, as_policy(*excluded_statements)) == SILENT

    def test_every_form_is_judged(self, form: Form) -> None:
        text = json.dumps(document(*self.reported["on everything"]))
        assert len(violations(self.rule, form.type, form.carry(text))) == 1

    def test_named_principal_is_admitted(self) -> None:
        given = {"role": "Deployer", "policy": json.dumps(document(*self.reported["on everything"]))}
        assert len(violations(self.rule, ROLE_POLICY, given)) == 1
        assert not violations(self.rule, ROLE_POLICY, given, allowedPrincipals=["role/Deployer"])

    def test_attached_policy_of_aws_is_reported(self, attachment: Form) -> None:
        assert len(violations(self.rule, attachment.type, attachment.carry(self.attached))) == 1
