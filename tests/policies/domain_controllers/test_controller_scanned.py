from typing import Any

import pytest

from policies.domain_controllers.controller_scanned import CONTROLLER_SCANNED
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, SPOT_INSTANCE
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack

EXCLUDED = {"InspectorEc2Exclusion": ""}


@pytest.mark.parametrize("type_", [INSTANCE, SPOT_INSTANCE])
@pytest.mark.parametrize("tags", [MARKED, EXCLUDED, {}, None, MARKED | {"inspectorec2exclusion": ""}])
def test_scanned_or_other_instance_is_accepted(type_: str, tags: Any) -> None:
    assert judge_stack(CONTROLLER_SCANNED, Made(type_, properties={"tags": tags})) == SILENT


@pytest.mark.parametrize("value", ["", "true", "false", UNKNOWN])
@pytest.mark.parametrize("name", ["tags", "tagsAll"])
def test_excluded_controller_is_reported(name: str, value: str) -> None:
    tags = {"tags": MARKED, "tagsAll": MARKED}
    tags[name] = MARKED | {"InspectorEc2Exclusion": value}
    (said,) = judge_stack(CONTROLLER_SCANNED, Made(INSTANCE, properties=tags)).violations
    assert "tags: found InspectorEc2Exclusion, expected no tag InspectorEc2Exclusion" in said


def test_tags_of_started_instances_count() -> None:
    template = {"tagSpecifications": [{"resourceType": "instance", "tags": MARKED | EXCLUDED}]}
    assert judge_stack(CONTROLLER_SCANNED, Made(LAUNCH_TEMPLATE, properties=template)).violations


def test_tag_of_a_separate_resource_counts() -> None:
    instance = Made(INSTANCE, "dc1", {"id": "i-1", "tags": MARKED})
    tag = {"resourceId": "i-1", "key": "InspectorEc2Exclusion", "value": "true"}
    assert judge_stack(CONTROLLER_SCANNED, instance, Made("aws:ec2/tag:Tag", "tag", tag)).violations


@pytest.mark.parametrize("tags", [UNKNOWN, {"Role": UNKNOWN, "InspectorEc2Exclusion": "true"}])
def test_unknown_tags_are_unseen(tags: Any) -> None:
    judged = judge_stack(CONTROLLER_SCANNED, Made(INSTANCE, properties={"tags": tags}))
    assert (judged.violations, len(judged.unseen)) == ([], 1)
