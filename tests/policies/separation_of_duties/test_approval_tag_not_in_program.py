import json
from typing import Any

import pytest

from policies.separation_of_duties.approval_tag_not_in_program import RULE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

KEY = "SecurityAllowSessionInstance"
ROLE = "aws:iam/role:Role"
USER = "aws:iam/user:User"
PROVIDER = "pulumi:providers:aws"
SSO = "aws:ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes"
COGNITO = "aws:cognito/identityPoolProviderPrincipalTag:IdentityPoolProviderPrincipalTag"


def attribute(key: str) -> dict[str, Any]:
    return {"key": key, "values": [{"sources": ["${path:enterprise.costCenter}"]}]}


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        pytest.param(ROLE, {"tags": {KEY: "i-1"}}, id="a role"),
        pytest.param(USER, {"tags": {KEY.lower(): "i-1"}}, id="a user, in small letters"),
        pytest.param(ROLE, {"tagsAll": {KEY: UNKNOWN}}, id="with default tags"),
        pytest.param(ROLE, {"tags": {KEY: "i-1"}, "tagsAll": {KEY: "i-1"}}, id="a role, as the provider completes it"),
        pytest.param(PROVIDER, {"defaultTags": json.dumps({"tags": {KEY: "i-1"}})}, id="default tags as text"),
        pytest.param(PROVIDER, {"defaultTags": {"tags": {"Team": "a", KEY: "i-1"}}}, id="default tags"),
        pytest.param(SSO, {"attributes": [attribute("Team"), attribute(KEY)]}, id="an attribute"),
        pytest.param(COGNITO, {"principalTags": {KEY: "sub"}}, id="a claim"),
    ],
)
def test_tag_is_reported(type_: str, given: dict[str, Any]) -> None:
    (said,) = violations(RULE, type_, given)
    assert "found a tag, expected no tag" in said
    assert "i-1" not in said


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        pytest.param(ROLE, {}, id="no tags"),
        pytest.param(ROLE, {"tags": {"Team": KEY}}, id="as a value"),
        pytest.param(USER, {"tags": {"SecurityAllowSession": "x"}}, id="another key"),
        pytest.param(PROVIDER, {"region": "eu-west-1"}, id="no default tags"),
        pytest.param(PROVIDER, {"defaultTags": "nonsense"}, id="default tags that cannot be read"),
        pytest.param(SSO, {"attributes": [attribute("Team")]}, id="another attribute"),
        pytest.param(COGNITO, {"principalTags": {"team": "sub"}}, id="another claim"),
    ],
)
def test_other_tags_are_fine(type_: str, given: dict[str, Any]) -> None:
    assert judge(RULE, type_, given) == SILENT


def test_tags_that_are_not_known_yet_are_unseen() -> None:
    assert judge(RULE, ROLE, {"tags": UNKNOWN}).unseen
    assert judge(RULE, ROLE, {"tags": {"Team": UNKNOWN}}) == SILENT
