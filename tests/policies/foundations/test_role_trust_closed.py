from policies.foundations.role_trust_closed import RULE
from tests.policies.foundations.policies_in_json import statement, text
from tests.policies.judging import SILENT, judge, violations

ROLE = "aws:iam/role:Role"


def test_a_service_may_take_a_role_on_and_everybody_may_not() -> None:
    assert (
        judge(RULE, ROLE, {"assumeRolePolicy": text(statement(Principal={"Service": "ec2.amazonaws.com"}))}) == SILENT
    )
    everybody = statement(Principal={"AWS": "*"}, Condition={"StringEquals": {"sts:ExternalId": "secret"}})
    (said,) = violations(RULE, ROLE, {"assumeRolePolicy": text(everybody)})
    assert said.startswith(f'{ROLE} "subject": assumeRolePolicy.Statement[0].Principal: found every principal under ')
