from typing import Any

import pytest

from policies.separation_of_duties.runbook_grant_limited import RUNBOOK_GRANT_LIMITED as RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations
from tests.policies.separation_of_duties.documents import BACK, DOCUMENT, OWN, approve, as_document, content, iam, step

TAG, UNTAG = iam("Tag", "TagRole", **BACK), iam("Untag", "UntagRole", isEnd=True)


def sleep(duration: Any, name: str = "Wait", **more: Any) -> dict[str, Any]:
    return step(name, "aws:sleep", inputs={"Duration": duration}, **BACK | more)


def loop(*steps: dict[str, Any], name: str = "Loop", **inputs: Any) -> dict[str, Any]:
    return step(name, "aws:loop", inputs={"Steps": list(steps), **inputs}, onFailure="step:Untag")


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        pytest.param([TAG, sleep("PT11M"), UNTAG], "waits of 11 minutes", id="too long"),
        pytest.param([TAG, sleep("P1DT1H"), UNTAG], "waits of 1500 minutes", id="days"),
        pytest.param([TAG, sleep("PT6M"), sleep("PT300S", "More"), UNTAG], "waits of 11 minutes", id="in parts"),
        pytest.param([TAG, sleep("{{ Minutes }}"), UNTAG], "without a fixed end", id="as the requester says"),
        pytest.param(
            [TAG, step("Wait", inputs={"Timestamp": "2030-01-01T00:00:00Z"}, **BACK), UNTAG],
            "without a fixed end",
            id="until a day",
        ),
        pytest.param(
            [TAG, step("Wait", "aws:pause", **BACK), UNTAG], "without a fixed end", id="until a manual action"
        ),
        pytest.param(
            [TAG, step("Wait", "aws:waitForAwsResourceProperty", timeoutSeconds=86_400, **BACK), UNTAG],
            "waits of 1440 minutes",
            id="for a property",
        ),
        pytest.param(
            [TAG, step("Wait", "aws:runCommand", **BACK), UNTAG], "waits of 60 minutes", id="for a command, by default"
        ),
        pytest.param(
            [TAG, step("Wait", "aws:executeAutomation", **BACK), UNTAG], "without a fixed end", id="in another runbook"
        ),
        pytest.param([TAG, approve("Again", **BACK), UNTAG], "waits of 10080 minutes", id="for another approval"),
        pytest.param([TAG, loop(sleep("PT1M"), MaxIterations=20), UNTAG], "waits of 20 minutes", id="in a loop"),
        pytest.param([TAG, loop(sleep("PT1M"), Iterators="{{ x }}"), UNTAG], "waits of 100 minutes", id="for each"),
        pytest.param([loop(TAG, sleep("PT11M")), UNTAG], "waits of 1100 minutes", id="tag in a loop"),
        pytest.param(
            [
                TAG,
                sleep("PT1M"),
                step("Back", "aws:branch", inputs={"Choices": [{"NextStep": "Wait"}], "Default": "Untag"}),
                UNTAG,
            ],
            "without a fixed end",
            id="round and round",
        ),
        pytest.param(
            [TAG, sleep("PT1M", nextStep="Untag", onFailure="step:Long"), sleep("PT1H", "Long"), UNTAG],
            "waits of 61 minutes",
            id="on one way",
        ),
    ],
)
def test_long_wait_with_the_tag_is_reported(steps: list[dict[str, Any]], found: str) -> None:
    (said,) = violations(RULE, DOCUMENT, as_document(content(*steps)))
    assert found in said


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([TAG, sleep("PT10M"), UNTAG], id="as long as it is valid"),
        pytest.param(
            [TAG, sleep("pt0.5h", "A") | {"nextStep": "Untag"} | {"inputs": {"Duration": "PT600S"}}, UNTAG],
            id="seconds",
        ),
        pytest.param([sleep("PT5H", "Before"), TAG, UNTAG], id="before the tag"),
        pytest.param(
            [TAG, step("Wait", "aws:executeAutomation", timeoutSeconds=600, **BACK), UNTAG], id="a limited runbook"
        ),
        pytest.param([TAG, iam("Untag", "UntagRole"), sleep("PT5H", "After", isEnd=True)], id="after the removal"),
        pytest.param([loop(sleep("PT5H", "Before")), TAG, UNTAG], id="a loop before"),
        pytest.param([TAG, loop(sleep("PT1M"), MaxIterations=10), UNTAG], id="a short loop"),
        pytest.param([approve(), TAG, UNTAG], id="an approval before"),
        pytest.param([sleep("P7D")], id="no tag"),
    ],
)
def test_wait_within_the_validity_is_fine(steps: list[dict[str, Any]]) -> None:
    assert judge(RULE, DOCUMENT, as_document(content(*steps))) == SILENT


def test_validity_is_configurable() -> None:
    written = as_document(content(TAG, sleep("PT30M"), UNTAG))
    assert judge(RULE, DOCUMENT, written, maximumMinutes=30) == SILENT


def test_what_is_not_known_yet_is_unseen() -> None:
    assert judge(RULE, OWN, {"documentType": "Automation", "content": UNKNOWN}).unseen
