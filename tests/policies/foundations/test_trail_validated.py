from policies.foundations.trail_validated import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

TRAIL = "aws:cloudtrail/trail:Trail"


def test_log_files_are_signed() -> None:
    assert judge(RULE, TRAIL, {"enableLogFileValidation": True}) == SILENT
    for value in (None, False):
        (said,) = violations(RULE, TRAIL, {"enableLogFileValidation": value})
        assert said.startswith(f'{TRAIL} "subject": enableLogFileValidation: found ')
    assert judge(RULE, TRAIL, {"enableLogFileValidation": UNKNOWN}).unseen
