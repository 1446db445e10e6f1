from typing import Any

import pytest

from policies.domain_controllers.controller_imdsv2 import RULE
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, SPOT_INSTANCE
from tests.policies.judging import SILENT, UNKNOWN, judge, remediated, violations

REQUIRED = {"httpTokens": "required", "httpPutResponseHopLimit": 1}
every_machine = pytest.mark.parametrize("type_", [INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE])


def machine(options: Any, tags: Any = MARKED) -> dict[str, Any]:
    return {"tags": tags, "metadataOptions": options}


@every_machine
@pytest.mark.parametrize(
    "options", [REQUIRED, {"httpTokens": "required"}, {"httpEndpoint": "disabled", "httpTokens": "optional"}]
)
def test_tokens_that_are_required_are_fine(type_: str, options: dict[str, Any]) -> None:
    assert judge(RULE, type_, machine(options)) == SILENT


@every_machine
@pytest.mark.parametrize("options", [None, {}, {"httpTokens": "optional"}, {"httpEndpoint": "enabled"}])
def test_tokens_that_are_not_required_are_refused(type_: str, options: Any) -> None:
    (said,) = violations(RULE, type_, machine(options))
    assert said.startswith(f'{type_} "subject": metadataOptions.httpTokens: found ')
    assert 'expected "required". Set metadataOptions.httpTokens' in said


def test_answers_do_not_travel() -> None:
    (said,) = violations(RULE, INSTANCE, machine(REQUIRED | {"httpPutResponseHopLimit": 2}))
    assert "metadataOptions.httpPutResponseHopLimit: found 2, expected at most 1." in said
    assert judge(RULE, INSTANCE, machine(REQUIRED | {"httpPutResponseHopLimit": 2}), maximumHopLimit=2) == SILENT


@pytest.mark.parametrize("options", [UNKNOWN, {"httpTokens": UNKNOWN}])
def test_options_that_are_not_known_yet_are_said(options: Any) -> None:
    result = judge(RULE, INSTANCE, machine(options))
    assert (result.violations, len(result.unseen)) == ([], 1)


def test_instance_with_unknown_tags_is_undecided_where_relevant() -> None:
    result = judge(RULE, INSTANCE, machine(None, UNKNOWN))
    assert result.violations == []
    assert result.unseen == [f'{INSTANCE} "subject": tags is not known yet; the rule is applied in the update.']
    assert judge(RULE, INSTANCE, machine(REQUIRED, UNKNOWN)) == SILENT


@pytest.mark.parametrize("tags", [None, {}, {"Role": "WebServer"}])
def test_other_instances_are_left_alone(tags: Any) -> None:
    assert judge(RULE, INSTANCE, machine(None, tags)) == SILENT


def test_template_that_makes_controllers_is_judged() -> None:
    made = {"tagSpecifications": [{"resourceType": "instance", "tags": MARKED}]}
    assert len(violations(RULE, LAUNCH_TEMPLATE, made)) == 1


def test_instance_may_be_listed() -> None:
    assert len(violations(RULE, INSTANCE, machine(None, {}), alsoControllers=["subject"])) == 1


def test_tokens_can_be_required_for_the_user() -> None:
    remediated_as = remediated(RULE, INSTANCE, machine({"httpTokens": "optional", "httpPutResponseHopLimit": 4}))
    assert remediated_as is not None
    assert remediated_as["metadataOptions"] == REQUIRED
    assert remediated(RULE, INSTANCE, machine(REQUIRED)) is None
