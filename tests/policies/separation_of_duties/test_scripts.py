"""Changes of the tag by scripts and steps of a runbook, in any spelling."""

from typing import Any

import pytest

from policies.separation_of_duties.approval_runbooks import RUNBOOK_REMOVES_TAG as TAKES_BACK
from policies.separation_of_duties.approval_runbooks import RUNBOOK_REQUIRES_APPROVAL as ASKS_FIRST
from tests.policies.judging import Made, judge, judge_stack
from tests.policies.separation_of_duties.documents import BACK, DOCUMENT, KEY, as_document, content, iam, step

IAM = "import boto3\niam = boto3.client('iam')\n"
TAGS = f"Tags=[{{'Key': '{KEY}', 'Value': 'i-1'}}]"


def script(source: str, **more: Any) -> dict[str, Any]:
    return step("Script", "aws:executeScript", inputs={"Handler": "run", "Script": source}, **more)


def api(name: str, service: str = "iam", **inputs: Any) -> dict[str, Any]:
    return step("Api", "aws:executeAwsApi", inputs={"Service": service, "Api": name, **inputs})


def command(text: str) -> dict[str, Any]:
    inputs = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": [text]}}
    return step("Command", "aws:runCommand", inputs=inputs)


def is_reported(made: dict[str, Any]) -> bool:
    return bool(judge_stack(ASKS_FIRST, Made(DOCUMENT, properties=as_document(content(made)))).violations)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(script(f"{IAM}def run(e, c):\n  getattr(iam, 'tag_user')({TAGS})"), id="looked up by name"),
        pytest.param(script(f"{IAM}iam.tag_role({TAGS})\ndef run(e, c):\n  pass"), id="when it is loaded"),
        pytest.param(
            script(f"{IAM}async def go():\n  iam.tag_user({TAGS})\ndef run(e, c):\n  return go()"), id="asynchronous"
        ),
        pytest.param(script(f"import os\ndef run(e, c):\n  os.system('aws iam tag-user Key={KEY}')"), id="CLI"),
        pytest.param(script(f"Add-IAMRoleTag -Tag @{{Key = '{KEY}'}}"), id="PowerShell"),
        pytest.param(command(f"aws iam tag-role --role-name x --tags Key={KEY},Value=i-1"), id="Run Command"),
        pytest.param(api("TagUser", Tags=[{"Key": "{{ Key }}", "Value": "i-1"}]), id="key of the request"),
        pytest.param(api("TagUser", Tags="{{ Tags }}"), id="tags of the request"),
        pytest.param(api("{{ Api }}", Tags=[{"Key": KEY, "Value": "i-1"}]), id="action of the request"),
        pytest.param(api("AssumeRole", "sts", Tags=[{"Key": KEY, "Value": "i-1"}]), id="session tag"),
    ],
)
def test_step_that_may_set_the_tag_is_reported(made: dict[str, Any]) -> None:
    assert is_reported(made)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(script(f"{IAM}def run(e, c):\n  iam.list_user_tags()  # {KEY}"), id="reads"),
        pytest.param(script(f"{IAM}def run(e, c):\n  iam.untag_user(TagKeys=['{KEY}'])"), id="removes"),
        pytest.param(script(f"{IAM}def other():\n  iam.tag_user({TAGS})\ndef run(e, c):\n  pass"), id="not called"),
        pytest.param(script(f"import os\ndef run(e, c):\n  os.system('aws iam untag-user {KEY}')"), id="CLI removes"),
        pytest.param(command(f"echo {KEY}"), id="other command"),
        pytest.param(api("TagUser", Tags=[{"Key": "CostCenter", "Value": "{{ Value }}"}]), id="value of the request"),
        pytest.param(api("AssumeRole", "sts", RoleArn="{{ Role }}"), id="session without tags"),
    ],
)
def test_step_that_sets_no_tag_is_fine(made: dict[str, Any]) -> None:
    assert not is_reported(made)


def test_removal_that_is_only_named_is_none() -> None:
    tag = iam("Tag", "TagUser", **dict.fromkeys(BACK, "step:Script"))
    called = script(f"{IAM}def run(e, c):\n  iam.untag_user(TagKeys=['{KEY}'])")
    named = script(f"def run(e, c):\n  print('untag_user', '{KEY}')")
    assert not judge(TAKES_BACK, DOCUMENT, as_document(content(tag, called))).violations
    assert judge(TAKES_BACK, DOCUMENT, as_document(content(tag, named))).violations


def test_end_of_a_run_counts_in_any_letter_case() -> None:
    steps = [iam("Tag", "TagUser", isEnd="True", **BACK), iam("Untag", "UntagUser", isEnd=True)]
    assert judge(TAKES_BACK, DOCUMENT, as_document(content(*steps))).violations
