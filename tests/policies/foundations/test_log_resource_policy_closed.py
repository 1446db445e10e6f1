from policies.foundations.log_resource_policy_closed import RULE
from tests.policies.foundations.policies_in_json import statement, text
from tests.policies.judging import SILENT, judge, violations

POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"


def test_service_may_write_and_every_principal_may_not() -> None:
    service = {"Principal": {"Service": "delivery.logs.amazonaws.com"}}
    assert judge(RULE, POLICY, {"policyDocument": text(statement(**service))}) == SILENT
    (said,) = violations(RULE, POLICY, {"policyDocument": text(statement(Principal="*"))})
    assert said.startswith(f'{POLICY} "subject": policyDocument.Statement[0].Principal: found every principal')
