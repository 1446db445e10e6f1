"""Readiness of nodes: synthetic facts, compared findings. The engine's tests verify real resources."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from common.aws.arns import Scope
from components.nodes import names
from components.nodes.role_compliance import (
    REMEDIATION_POLICY_NAME,
    remediation_role_policy,
    remediation_trust,
    role_rule,
    runbook,
)
from components.nodes.settings import NodesSection
from components.session_manager.names import INSTANCE_POLICY_NAME
from operations.deployment import Deployment
from operations.inventory.iam import RoleFacts
from operations.inventory.reader import ReadFailure
from operations.verify import nodes
from operations.verify.nodes import NodesVerification
from tests.operations.arrangement import FakeReader, document_facts

ACCOUNT = "123456789012"
PLACE = Scope(partition="aws", account_id=ACCOUNT)
POLICY = PLACE.iam("policy/ShellAccessSessionManagerNode")
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
EXCLUDED = ["Breakglass"]
UNREAD = ReadFailure(action="a:B", cause="refused: no", remedy="allow a:B")
REGIONS = ("eu-west-1", "us-east-1")

ASSOCIATION: dict[str, Any] = {
    "AssociationId": "a-1",
    "Name": names.UPDATE_DOCUMENT,
    "ScheduleExpression": "rate(14 days)",
    "MaxConcurrency": "10%",
    "MaxErrors": "5%",
    "Targets": [{"Key": "InstanceIds", "Values": ["*"]}],
    "Parameters": {"allowDowngrade": ["false"]},
    "Overview": {"Status": "Success"},
}
REMEDIATION = nodes.RoleRemediation(
    runbook=names.RUNBOOK_NAME,
    automatic=True,
    role_arn=PLACE.iam("role/ShellAccessNodeRemediation"),
    details={
        "ResourceType": "AWS::IAM::Role",
        "RoleId": "RESOURCE_ID",
        "ConcurrentExecutionRatePercentage": 10,
        "ErrorPercentage": 10,
        "MaximumAutomaticAttempts": 5,
        "RetryAttemptSeconds": 300,
    },
)
MESSAGES = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")
RULE: dict[str, Any] = {
    "ConfigRuleState": "ACTIVE",
    "Scope": {"ComplianceResourceTypes": ["AWS::IAM::Role"]},
    "Source": {"SourceDetails": [{"MessageType": each} for each in MESSAGES]},
}
RUNBOOK = document_facts(
    json.dumps(runbook(PLACE, [POLICY], EXCLUDED)),
    tags={"shell-access:owner": "organization/shell-access/dev", "shell-access:prior-version": "none"},
)
ROLES = {
    names.HOST_ROLE_NAME: RoleFacts(trust=names.host_trust(), attached=frozenset({MANAGED, POLICY}), inline={}),
    names.REMEDIATION_ROLE_NAME: RoleFacts(
        trust=remediation_trust(PLACE),
        attached=frozenset(),
        inline={REMEDIATION_POLICY_NAME: remediation_role_policy(PLACE, [POLICY], EXCLUDED)},
    ),
}
RIGHT: dict[str, Any] = {
    "host_role": names.HOST_ROLE_NAME,
    "association": ASSOCIATION,
    "rule": RULE,
    "rule_text": role_rule([POLICY], EXCLUDED),
    "unrecorded": "",
    "evaluation_error": "",
    "remediation": REMEDIATION,
    "document": RUNBOOK,
}
"""Live facts by the function that reads them; roles by name."""
EVERYTHING = {
    "roleCompliance": {"remediation": "automatic", "excludedRoles": EXCLUDED},
    "defaultHostManagement": {},
    "agents": {},
}
OF_A_REGION = ["host-management", "agent-updates", "agent-updates-run"]
OF_THE_ACCOUNT = [
    "host-management-role",
    *("node-roles", "node-roles-content", "node-roles-recorder", "node-roles-evaluation", "node-remediation"),
    *("node-remediation-runbook", "node-remediation-role"),
    *("node-remediation-runbook-owner", "node-remediation-runbook-prior-version"),
]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Facts of eu-west-1; us-east-1 has no differences, and no rule."""
    asked_in: list[tuple[str, str]] = []
    found: dict[str, Any] = {**RIGHT, **ROLES, "asked in": asked_in}

    def reading(what: str) -> Any:
        def read(reader: Any, *_names: str) -> Any:
            if reader.region == "us-east-1":
                return found.get("rule elsewhere") if what == "rule" else RIGHT[what]
            asked_in.append((what, reader.region))
            return found[what]

        return read

    for what in RIGHT:
        monkeypatch.setattr(nodes, f"read_{what}", reading(what))
    monkeypatch.setattr(nodes, "read_role", lambda _reader, name: found[name])
    return found


def findings(section: Mapping[str, Any] = EVERYTHING, *, policy: bool = True) -> dict[str, dict[str, str]]:
    """Results by Region and check, with the difference where there is one."""
    verification = NodesVerification(
        clients=None,  # pyright: ignore[reportArgumentType]
        caller="me",
        place=PLACE,
        regions={region: Deployment(stack="dev", account_id=ACCOUNT, region=region) for region in REGIONS},
        section=NodesSection.model_validate(section),
        instance_policies=(INSTANCE_POLICY_NAME,) if policy else (),
    )
    return {
        region: {each.check: "ok" if each.status == "ok" else f"{each.status}: {each.found}" for each in several}
        for region, several in verification.findings().items()
    }


@pytest.mark.usefixtures("live")
def test_nodes_as_configured_are_ok_in_their_region() -> None:
    assert findings() == {
        "eu-west-1": dict.fromkeys([*OF_A_REGION, *OF_THE_ACCOUNT], "ok"),
        "us-east-1": dict.fromkeys(OF_A_REGION, "ok"),
    }


@pytest.mark.usefixtures("live")
def test_nodes_without_features_have_no_findings() -> None:
    assert findings({}) == {"eu-west-1": {}, "us-east-1": {}}


@pytest.mark.parametrize(
    ("what", "found", "check", "said"),
    [
        ("host_role", None, "host-management", "is not set"),
        ("host_role", "Theirs", "host-management", "is Theirs"),
        ("association", None, "agent-updates", "no such association"),
        ("association", ASSOCIATION | {"ScheduleExpression": "rate(1 day)"}, "agent-updates", "rate(1 day) found"),
        ("association", ASSOCIATION | {"MaxErrors": "100%"}, "agent-updates", "100% found"),
        (
            "association",
            ASSOCIATION | {"Targets": [{"Key": "tag:a", "Values": ["b"]}]},
            "agent-updates",
            "tag:a=b found",
        ),
        ("association", ASSOCIATION | {"Name": "AWS-RunShellScript"}, "agent-updates", "AWS-RunShellScript"),
        ("association", ASSOCIATION | {"Parameters": {}}, "agent-updates", "parameters: allowDowngrade=false expected"),
        (
            "association",
            ASSOCIATION | {"ApplyOnlyAtCronInterval": True},
            "agent-updates",
            "run when created or changed",
        ),
        ("association", ASSOCIATION | {"Overview": {"Status": "Failed"}}, "agent-updates-run", "Failed"),
        ("rule", RULE | {"Source": {}}, "node-roles", "for AWS::IAM::Role found"),
        ("rule", RULE | {"ConfigRuleState": "DELETING"}, "node-roles", "it is DELETING"),
        ("unrecorded", "has a stopped recorder", "node-roles-recorder", "eu-west-1 has a stopped recorder"),
        ("evaluation_error", "AccessDenied: no", "node-roles-evaluation", "AccessDenied: no"),
        ("rule_text", "rule nothing { this exists }", "node-roles-content", "rule nothing"),
        ("rule_text", role_rule([POLICY], ["Other"]), "node-roles-content", '"Other"'),
        (
            "remediation",
            replace(REMEDIATION, details={**REMEDIATION.details, "ErrorPercentage": 100}),
            "node-remediation",
            "ErrorPercentage 100",
        ),
        ("remediation", None, "node-remediation", "no remediation"),
        ("remediation", replace(REMEDIATION, automatic=False), "node-remediation", "on request"),
        ("remediation", replace(REMEDIATION, role_arn=""), "node-remediation", "with no role"),
        ("remediation", replace(REMEDIATION, runbook="X"), "node-remediation", "X runs by itself"),
        ("document", None, "node-remediation-runbook", "no such document"),
        (
            "document",
            replace(RUNBOOK, default_text=json.dumps(runbook(PLACE, [ADMINISTRATOR], []))),
            "node-remediation-runbook",
            "other content",
        ),
        (
            "document",
            replace(RUNBOOK, tags={"shell-access:prior-version": "none"}),
            "node-remediation-runbook-owner",
            "no tag shell-access:owner",
        ),
        (
            "document",
            replace(RUNBOOK, tags={"shell-access:owner": "o/p/dev"}),
            "node-remediation-runbook-prior-version",
            "no tag shell-access:prior-version",
        ),
        (
            "document",
            replace(RUNBOOK, tags={**RUNBOOK.tags, "shell-access:owner": "o/p/other"}),
            "node-remediation-runbook-owner",
            "is o/p/other",
        ),
        (
            names.HOST_ROLE_NAME,
            replace(ROLES[names.HOST_ROLE_NAME], boundary="arn:b"),
            "host-management-role",
            "arn:b found",
        ),
        (names.HOST_ROLE_NAME, None, "host-management-role", "no such role"),
        (
            names.HOST_ROLE_NAME,
            replace(ROLES[names.HOST_ROLE_NAME], attached=frozenset({MANAGED, ADMINISTRATOR})),
            "host-management-role",
            f"{POLICY} is not attached; {ADMINISTRATOR} is attached",
        ),
        (
            names.HOST_ROLE_NAME,
            replace(ROLES[names.HOST_ROLE_NAME], inline={"more": {}}),
            "host-management-role",
            "inline policy more is unexpected",
        ),
        (
            names.REMEDIATION_ROLE_NAME,
            replace(ROLES[names.REMEDIATION_ROLE_NAME], trust=names.host_trust()),
            "node-remediation-role",
            "trust policy: ",
        ),
        (
            names.REMEDIATION_ROLE_NAME,
            replace(ROLES[names.REMEDIATION_ROLE_NAME], inline={}),
            "node-remediation-role",
            "inline policy shell-access is missing",
        ),
        (
            names.REMEDIATION_ROLE_NAME,
            replace(
                ROLES[names.REMEDIATION_ROLE_NAME],
                inline={REMEDIATION_POLICY_NAME: remediation_role_policy(PLACE, [POLICY], [])},
            ),
            "node-remediation-role",
            "statement LeaveExcluded is missing",
        ),
    ],
)
def test_node_difference_is_one_finding(live: dict[str, Any], what: str, found: Any, check: str, said: str) -> None:
    live[what] = found
    by_region = findings()
    different = {name: text for name, text in by_region["eu-west-1"].items() if text != "ok"}
    assert list(different) == [check]
    assert different[check].startswith("different: ")
    assert said in different[check]
    assert set(by_region["us-east-1"].values()) == {"ok"}


@pytest.mark.parametrize("what", [*RIGHT, *ROLES])
def test_unreadable_fact_is_undecided(live: dict[str, Any], what: str) -> None:
    live[what] = UNREAD
    unclear = [text for text in findings()["eu-west-1"].values() if text != "ok"]
    assert unclear == ["cannotTell: a:B: refused: no"]


def test_unread_content_of_the_runbook_is_undecided(live: dict[str, Any]) -> None:
    live["document"] = replace(RUNBOOK, default_text=UNREAD)
    assert [text for text in findings()["eu-west-1"].values() if text != "ok"] == ["cannotTell: a:B: refused: no"]


def test_missing_config_rule_is_reported_in_first_region(live: dict[str, Any]) -> None:
    live["rule"] = None
    found = findings()
    assert found["eu-west-1"]["node-roles"] == "different: no such rule"
    assert "node-roles" not in found["us-east-1"]


def test_config_rule_is_found_despite_unread_region(live: dict[str, Any]) -> None:
    live["rule"], live["rule elsewhere"] = UNREAD, RULE
    found = findings()
    assert found["us-east-1"]["node-roles"] == "ok"
    assert "node-roles" not in found["eu-west-1"]


def test_config_rule_elsewhere_is_reported_in_first_region(live: dict[str, Any]) -> None:
    elsewhere = {"roleCompliance": EVERYTHING["roleCompliance"] | {"region": "eu-central-1"}}
    assert findings(elsewhere)["eu-west-1"] == dict.fromkeys(OF_THE_ACCOUNT[1:], "ok")
    assert {("rule", "eu-central-1"), ("document", "eu-central-1")} <= set(live["asked in"])


def test_unexpected_remediation_is_reported(live: dict[str, Any]) -> None:
    only_reported = {"roleCompliance": {"excludedRoles": EXCLUDED}}
    found = findings(only_reported)["eu-west-1"]
    assert found["node-remediation"].startswith(f"different: {names.RUNBOOK_NAME} runs by itself")
    live["remediation"] = None
    assert set(findings(only_reported)["eu-west-1"].values()) == {"ok"}


def test_without_an_instance_policy_hosts_have_that_of_aws_only(live: dict[str, Any]) -> None:
    live[names.HOST_ROLE_NAME] = replace(ROLES[names.HOST_ROLE_NAME], attached=frozenset({MANAGED}))
    found = findings({"defaultHostManagement": {}}, policy=False)
    assert found["eu-west-1"]["host-management-role"] == "ok"


@pytest.mark.usefixtures("live")
def test_changed_rule_text_remedy_deletes_the_rule() -> None:
    deployment = Deployment(stack="dev", account_id=ACCOUNT, region="eu-west-1")
    _, content, *_ = nodes.rule_findings(FakeReader({}), deployment, "x", RULE)
    assert f"delete-config-rule --config-rule-name {names.RULE_NAME} --region eu-west-1" in content.remedy
    assert names.ASSOCIATION_NAME not in content.remedy


def test_run_that_failed_on_some_nodes_is_a_warning(live: dict[str, Any]) -> None:
    overview = {"Status": "Failed", "AssociationStatusAggregatedCount": {"Success": 7, "Failed": 1}}
    live["association"] = ASSOCIATION | {"Overview": overview}
    assert findings()["eu-west-1"]["agent-updates-run"] == "warning: Failed: 1 Failed, 7 Success"


@pytest.mark.parametrize("overview", [{}, {"Status": "Pending"}, {"Status": "Success"}])
def test_run_without_failure_is_ok(live: dict[str, Any], overview: dict[str, str]) -> None:
    live["association"] = ASSOCIATION | {"Overview": overview}
    assert findings()["eu-west-1"]["agent-updates-run"] == "ok"


def test_rule_without_evaluation_status_is_not_known() -> None:
    found = nodes.read_evaluation_error(
        FakeReader({"describe_config_rule_evaluation_status": {"ConfigRulesEvaluationStatus": []}})
    )
    assert isinstance(found, ReadFailure)
    assert found.action == "config:DescribeConfigRuleEvaluationStatus"
