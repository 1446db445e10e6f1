from policies.foundations.role_trust_closed import RULE
from tests.policies.foundations.policies_in_json import statement, text
from tests.policies.judging import SILENT, judge, violations

ROLE = "aws:iam/role:Role"


def test_service_may_assume_a_role_and_every_principal_may_not() -> None:
    assert (
        judge(RULE, ROLE, {"assumeRolePolicy": text(statement(Principal={"Service": "ec2.amazonaws.com"}))}) == SILENT
    )
    open_to_all = statement(Principal={"AWS": "*"}, Condition={"StringEquals": {"sts:ExternalId": "secret"}})
    (said,) = violations(RULE, ROLE, {"assumeRolePolicy": text(open_to_all)})
    assert said.startswith(f'{ROLE} "subject": assumeRolePolicy.Statement[0].Principal: found every principal under ')
