from __future__ import annotations

import json
from typing import Any

import pytest

from components.just_in_time.cedar import (
    INSTANCE,
    MANAGED_INSTANCE,
    Person,
    is_approved,
    permits,
    policy_problems,
    references,
)
from components.just_in_time.documents import (
    UnknownContentError,
    cedar_text,
    manual_rule,
    policy_documents,
)
from components.just_in_time.settings import JustInTimeSettings
from tests.components.just_in_time.examples import ACTION, APPROVERS, GROUP, ONCALL, OTHERS, approval, level, manual

TAGGED = 'resource.hasTag("Tier") && resource.getTag("Tier") == "web"'
WRONG = {
    "every node": (f"permit({GROUP}, {ACTION}, resource);", "a condition on the node's tags"),
    "every instance": (f"permit({GROUP}, {ACTION}, resource is AWS::EC2::Instance);", "a condition on the node's tags"),
    "any user": (f"permit(principal, {ACTION}, resource) when {{ {TAGGED} }};", "any user"),
    "any user of the type": (
        f"permit(principal is AWS::IdentityStore::User, {ACTION}, resource) when {{ {TAGGED} }};",
        "any user",
    ),
    "any user in a condition": (
        f"permit(principal, {ACTION}, resource) when {{ {TAGGED} && ({GROUP} || true) }};",
        "any user",
    ),
    "any user but a group": (
        f"permit(principal, {ACTION}, resource) when {{ {TAGGED} }} unless {{ {GROUP} }};",
        "any user",
    ),
    "any user by pattern": (
        f'permit(principal, {ACTION}, resource) when {{ resource.hasTag("T") && resource.getTag("T") like "web-*" && principal == principal }};',
        "any user",
    ),
    "unknown attribute": (
        f'permit(principal, {ACTION}, resource) when {{ principal has department && principal.department == "x" && {TAGGED} }};',
        "got department",
    ),
    "unknown context": (f"permit({GROUP}, {ACTION}, resource) when {{ context has mfa && {TAGGED} }};", "got mfa"),
    "attribute of a node": (
        f"permit({GROUP}, {ACTION}, resource) when {{ resource has name && {TAGGED} }};",
        "got name",
    ),
    "name of a group": (
        f'permit(principal in AWS::IdentityStore::Group::"Admins", {ACTION}, resource) when {{ {TAGGED} }};',
        "got Admins",
    ),
    "name in a condition": (
        f'forbid(principal, {ACTION}, resource) unless {{ principal in [AWS::IdentityStore::Group::"Admins"] }};',
        "got Admins",
    ),
    "optional attribute without has": (
        f'permit(principal, {ACTION}, resource) when {{ principal.division == "x" && {TAGGED} }};',
        "an error",
    ),
    "tag without hasTag": (f'permit({GROUP}, {ACTION}, resource) when {{ resource.getTag("T") == "x" }};', "an error"),
    "misspelled action": ("permit(principal, action == AWS::SSM::getTokenForInstanceAccess, resource);", "an error"),
    "principal of another type": (f'permit(principal == AWS::IAM::Role::"r", {ACTION}, resource);', "an error"),
    "template": (f"permit(principal == ?principal, {ACTION}, resource) when {{ {TAGGED} }};", "a template"),
    "nothing": ("// nothing", "got none"),
}


@pytest.mark.parametrize(("text", "reason"), WRONG.values(), ids=WRONG)
def test_wrong_policy_is_refused(text: str, reason: str) -> None:
    assert any(reason in each for each in policy_problems(text, anyone=False))


@pytest.mark.parametrize(
    "text",
    [
        f"permit({GROUP}, {ACTION}, resource) when {{ {TAGGED} }};",
        f'permit(principal, {ACTION}, resource) when {{ principal has costCenter && resource.hasTag("CostCenter") && principal.costCenter == resource.getTag("CostCenter") }};',
        f'permit(principal, {ACTION}, resource) when {{ context.iam.principalTags.hasTag("Team") && context.iam.principalTags.getTag("Team") == "a" && {TAGGED} }};',
        f"forbid(principal, {ACTION}, resource);",
    ],
    ids=["group", "attribute", "tag-of-the-role", "forbid"],
)
def test_right_policy_is_accepted(text: str) -> None:
    assert policy_problems(text, anyone=False) == []


@pytest.mark.parametrize("value", ['quo"te', "back\\slash", "日本", "a\tb"])
def test_generated_policy_compares_the_tag_exactly(value: str) -> None:
    text = permits([ONCALL], {f"Key {value}": [value]})
    assert policy_problems(text, anyone=False) == []
    member = [Person(groups=(ONCALL,))]
    assert is_approved(text, member, INSTANCE, {f"Key {value}": value}) == [True]
    assert is_approved(text, member, INSTANCE, {f"Key {value}": f"{value} "}) == [False]


def test_decision_needs_group_and_all_tags() -> None:
    text = permits([ONCALL, APPROVERS], {"Environment": ["dev", "test"], "Tier": ["web"]})
    people = [Person(groups=(ONCALL,)), Person(groups=(OTHERS, APPROVERS)), Person(groups=(OTHERS,)), Person()]
    both = {"Environment": "test", "Tier": "web", "Name": "x"}
    assert is_approved(text, people, MANAGED_INSTANCE, both) == [True, True, False, False]
    assert is_approved(text, people, INSTANCE, {"Environment": "test"}) == [False] * 4
    assert is_approved(f"{text}\nforbid({GROUP}, {ACTION}, resource);", people, INSTANCE, both)[0] is False


def test_decision_reads_attributes_and_tags_of_the_role() -> None:
    text = f'permit(principal, {ACTION}, resource) when {{ principal has division && principal.division == "x" && context.iam.principalTags.hasTag("Team") }};'
    assert is_approved(text, [Person(attributes={"division": "x"}, principal_tags={"Team": ""})], INSTANCE, {}) == [
        True
    ]
    assert is_approved(text, [Person(attributes={"division": "x"})], INSTANCE, {}) == [False]
    assert references(text).needs_attributes == ("division", "principalTags")
    assert references(permits([ONCALL], {"a": ["b"]})).groups == (ONCALL,)


def settings(section: Any) -> JustInTimeSettings:
    return JustInTimeSettings.model_validate(section["justInTime"])


def test_documents_have_the_published_form() -> None:
    policy = manual(
        accessDurationHours=8, description="Databases", levels=[level(APPROVERS, ONCALL, required=2), level(OTHERS)]
    )
    written, automatic = policy_documents(settings(approval([policy])))
    assert (written.name, written.type) == ("Databases", "ManualApprovalPolicy")
    assert written.content == {
        "schemaVersion": "0.3",
        "description": "Databases",
        "accessTokenRole": "SSM-JustInTimeAccessTokenRole",
        "accessDuration": 28800,
        "targets": [{"Key": "tag:Tier", "Values": ["database"]}],
        "mainSteps": [
            {
                "name": f"level{number}",
                "action": "aws:approve",
                "timeoutSeconds": 604800,
                "inputs": {
                    "Message": "Databases",
                    "MinRequiredApprovals": required,
                    "EnhancedApprovals": {"Approvers": [{"approver": each, "type": "SSOGroup"} for each in groups]},
                },
            }
            for number, required, groups in ((1, 2, (APPROVERS, ONCALL)), (2, 1, (OTHERS,)))
        ],
    }
    assert (automatic.name, automatic.type) == ("SSM-JustInTimeAccessAutoApprovalPolicy", "AutoApprovalPolicy")
    (statement,) = automatic.content["AutoApprovalPolicyDocuments"]
    assert (statement["id"], statement["type"], automatic.content["accessDuration"]) == ("oncall", "Cedar", 3600)
    assert cedar_text(automatic.content) == permits([ONCALL], {"Environment": ["dev", "test"]})


def test_no_auto_approvals_are_no_document() -> None:
    assert [each.name for each in policy_documents(settings(approval(auto_approvals=[])))] == ["Databases"]


def test_written_policy_is_read_again() -> None:
    (written,) = policy_documents(settings(approval(auto_approvals=[])))
    rule = manual_rule("Databases", json.loads(json.dumps(written.content)))
    assert (rule.seconds, [each.approvers for each in rule.levels]) == (3600, [(f"SSOGroup {APPROVERS}",)])
    assert rule.matches({"Tier": "database"})
    assert not rule.matches({"Tier": "Database", "tier": "database"})


@pytest.mark.parametrize(
    "content", [None, [], {}, {"targets": [{"Key": "InstanceIds", "Values": ["*"]}]}, {"targets": [{}]}]
)
def test_unknown_form_of_a_policy_is_not_guessed(content: Any) -> None:
    with pytest.raises(UnknownContentError):
        manual_rule("Theirs", content)
    with pytest.raises(UnknownContentError):
        cedar_text(content)
