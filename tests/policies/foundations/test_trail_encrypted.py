from policies.foundations.trail_encrypted import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

TRAIL = "aws:cloudtrail/trail:Trail"


def test_trail_names_its_key() -> None:
    for key in ("arn:aws:kms:eu-west-1:123456789012:key/1", UNKNOWN):
        assert judge(RULE, TRAIL, {"kmsKeyId": key}) == SILENT
    for key in (None, ""):
        (said,) = violations(RULE, TRAIL, {"kmsKeyId": key})
        assert said.startswith(f'{TRAIL} "subject": kmsKeyId: found ')
