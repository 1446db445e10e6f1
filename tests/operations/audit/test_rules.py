from __future__ import annotations

import re
from typing import TYPE_CHECKING

import boto3
import pytest

from operations.audit.catalogue import On
from operations.audit.rules import ACTIONS, BY_ID, HIDING, RULES
from operations.audit.targets import _MAKERS
from tests.operations.audit.test_pairs import PAIRS

if TYPE_CHECKING:
    from operations.audit.catalogue import Rule

EVERY = [*RULES, *HIDING]
# Where IAM calls an action otherwise than the service its operation (Service Authorization Reference).
SERVICES = {"ec2-instance-connect": "ec2-instance-connect", "states": "stepfunctions", "sso": "sso-admin"}
NO_OPERATION = {
    *("iam:PassRole", "sts:TagSession", "lambda:InvokeFunction", "ec2-instance-connect:OpenTunnel"),
    *("ssm:CreateAssociationBatch",),
}
WITHOUT_MODEL = {"ssm-guiconnect", "sso-directory", "datapipeline"}


def test_ids_are_unique_and_each_known_entry_has_a_rule() -> None:
    assert len({each.id for each in EVERY}) == len(EVERY)
    assert set(PAIRS) <= set(BY_ID)


@pytest.mark.parametrize("rule", EVERY, ids=[each.id for each in EVERY])
def test_rule_says_all_that_a_reader_needs(rule: Rule) -> None:
    assert re.fullmatch(r"[A-G]\d+", rule.id)
    assert rule.title[0].isupper()
    assert not rule.title.endswith(".")
    assert len(rule.title) <= 60
    assert rule.gives.endswith(".")
    assert rule.remedy.endswith(".")
    assert rule.source
    assert all(other in BY_ID for other in rule.silent_under)


@pytest.mark.parametrize("rule", RULES, ids=[each.id for each in RULES])
def test_ways_go_from_the_worst_to_the_least(rule: Rule) -> None:
    severities = [each.severity for each in rule.ways]
    assert severities, "a rule that nothing looks for"
    worst_first = sorted(severities, reverse=True)
    assert severities == worst_first or rule.id == "F3"


def test_every_target_is_made_somewhere() -> None:
    assert set(On) - set(_MAKERS) == {On.PASSABLE, On.CARRIED}


def test_actions_are_operations_of_their_services() -> None:
    session = boto3.Session(region_name="eu-west-1")
    operations: dict[str, set[str]] = {}
    for action in ACTIONS:
        prefix, name = action.split(":")
        if prefix in WITHOUT_MODEL or action in NO_OPERATION:
            continue
        if prefix not in operations:
            client = session.client(SERVICES.get(prefix, prefix), aws_access_key_id="x", aws_secret_access_key="x")
            operations[prefix] = set(client.meta.service_model.operation_names)
        assert name in operations[prefix], action
