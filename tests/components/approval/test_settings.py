from __future__ import annotations

import json
from typing import Any

import pytest

from common.problems import SettingsError
from components.approval.names import WorkflowLocation
from components.approval.runbook import change_template, runbook
from components.approval.settings import ApprovalSettings, ApproverType, Mode, required_approvals
from components.settings import Settings

APPROVER = {"type": "IamRole", "name": "Approver"}
GOOD: dict[str, Any] = {"approvers": [APPROVER], "operatorRoles": ["Operator"]}


def load(**approval: Any) -> ApprovalSettings:
    found = Settings.load(configuration({**GOOD, **approval})).approval
    assert found is not None
    return found


def configuration(approval: Any) -> dict[str, str]:
    return {"shell-access:regions": '["eu-west-1"]', "shell-access:approval": json.dumps(approval)}


def problems(**approval: Any) -> dict[str, str]:
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        load(**approval)
    prefix = "shell-access:approval."
    return {each.key.removeprefix(prefix): each.message for each in refused.value.problems}


def test_defaults() -> None:
    assert load().model_dump(by_alias=True, exclude={"approvers"}) == {
        "enabled": True,
        "mode": Mode.AUTOMATION,
        "approvalValidityMinutes": 10,
        "operatorRoles": ["Operator"],
        "operatorUsers": [],
        "operators": [],
        "identityCenter": {
            "access": "permission-set",
            "permissionSet": "",
            "applicationArn": "",
            "region": "",
            "identityStoreId": "",
        },
        "sharedOperatorRoles": [],
        "sharedApproverRoles": [],
        "chatApproverRoles": [],
        "notificationEmails": [],
        "alarmTopicArns": [],
        "chatTopicArn": "",
        "alarmIamChanges": True,
        "breakGlass": None,
        "evidence": None,
        "endSessionsWithGrant": False,
        "guardRails": False,
        "requireChangeRequest": True,
        "takeOver": False,
        "justInTime": None,
        "justInTimeMigration": "none",
    }


@pytest.mark.parametrize("given", [{"enabled": False}, {"enabled": False, "operatorRoles": ["Operator"]}])
def test_section_that_is_switched_off_governs_nothing(given: dict[str, Any]) -> None:
    assert Settings.load(configuration(given)).approval is None


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("mode", "manual", "one of change-manager, automation, just-in-time"),
        ("approvalValidityMinutes", 0, "whole minutes from 1 to 1440"),
        ("approvalValidityMinutes", 1441, "whole minutes from 1 to 1440"),
        ("approvalValidityMinutes", "10", "whole minutes from 1 to 1440"),
        ("guardRails", "yes", "true or false"),
    ],
)
def test_wrong_value_is_named_with_what_is_allowed(key: str, value: Any, allowed: str) -> None:
    assert problems(**{key: value}) == {key: f"expected {allowed}, got {json.dumps(value)}."}


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"operatorRoles": []}, "operatorRoles", "at least one role"),
        ({"operatorRoles": ["arn:aws:iam::111122223333:role/x"]}, "operatorRoles[0]", "names (not ARNs)"),
        ({"operatorRoles": ["Operator", "operator"]}, "operatorRoles", "each once"),
        ({"operatorRoles": ["AWSReservedSSO_Admin_0123"]}, "operatorRoles[0]", "IAM Identity Center manages this one"),
        ({"operatorRoles": ["SsmSessionControlChangeMangerRole"]}, "operatorRoles[0]", "another role"),
        ({"operatorRoles": ["ssmsessioncontrolchangemangerrole"]}, "operatorRoles[0]", "another role"),
        ({"operatorRoles": ["SsmSessionGrantReaperSchedule"]}, "operatorRoles[0]", "another role"),
        ({"operatorRoles": ["ShellAccessApprovalEvents"]}, "operatorRoles[0]", "another role"),
        ({"operatorRoles": ["awsreservedsso_Admin_0123"]}, "operatorRoles[0]", "IAM Identity Center manages this one"),
        ({"sharedOperatorRoles": ["Other"]}, "sharedOperatorRoles[0]", "expected a role of operatorRoles"),
        ({"notificationEmails": ["security"]}, "notificationEmails[0]", "e-mail addresses"),
        ({"approvers": []}, "approvers", "at least one approver"),
        ({"approvers": [{"type": "IamRole", "name": "OPERATOR"}]}, "approvers[0].name", "cannot approve their own"),
        ({"approvers": [{"type": "Role", "name": "A"}]}, "approvers[0].type", "IamRole, IamUser"),
        ({"approvers": [{**APPROVER, "level": 6}]}, "approvers[0].level", "a whole number from 1 to 5"),
        ({"approvers": [APPROVER, APPROVER]}, "approvers[1].name", "each approver once in level 1"),
        ({"approvers": [{**APPROVER, "name": f"A{number}"} for number in range(6)]}, "approvers", "at most 5"),
        ({"approvers": [{"type": "IamGroup", "name": "A"}]}, "approvers[0].type", "knows no others"),
        ({"approvers": [{**APPROVER, "minRequiredApprovals": 2}]}, "approvers[0].minRequiredApprovals", "0 or 1"),
        ({"approvers": [{"type": "IamRole", "nam": "A"}]}, "approvers[0].nam", "did you mean name?"),
        (
            {"approvers": [{"type": "IamRole", "name": "team/OPERATOR"}]},
            "approvers[0].name",
            "cannot approve their own",
        ),
        ({"approvers": [APPROVER, {**APPROVER, "name": "a/Approver"}]}, "approvers[1].name", "each approver once"),
        ({"approvers": [{**APPROVER, "name": "/Approver"}]}, "approvers[0].name", "with its path: team/Approver"),
        ({"approvers": [{**APPROVER, "name": "team//Approver"}]}, "approvers[0].name", "with its path: team/Approver"),
        ({"approvers": [{**APPROVER, "name": "team/"}]}, "approvers[0].name", "with its path: team/Approver"),
        ({"approvers": [{**APPROVER, "name": f"team/{'a' * 129}"}]}, "approvers[0].name", "at most 128 characters"),
        (
            {"approvers": [{"type": "IamRole", "name": "AWSReservedSSO_Approve_0123456789abcdef"}]},
            "approvers[0].name",
            "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Approve_0123456789abcdef",
        ),
        (
            {"mode": "change-manager", "approvers": [{"type": "IamGroup", "name": "team/security"}]},
            "approvers[0].name",
            "a name without a path",
        ),
        ({"approvers": [APPROVER, {**APPROVER, "level": 2}]}, "approvers[1].name", "two levels take two people"),
        (
            {"approvers": [{"type": "IamUser", "name": "a", "level": 3}, {"type": "IamUser", "name": "t/A"}]},
            "approvers[0].name",
            "two levels take two people",
        ),
        (
            {"mode": "change-manager", "approvers": [{"type": "IamUser", "name": "a", "minRequiredApprovals": 2}]},
            "approvers[0].minRequiredApprovals",
            "counts as one person",
        ),
        (
            {
                "mode": "change-manager",
                "approvers": [{**APPROVER, "minRequiredApprovals": 2}],
                "sharedApproverRoles": ["Approver"],
            },
            "approvers[0].minRequiredApprovals",
            "counts as one person",
        ),
        ({"sharedApproverRoles": ["Other"]}, "sharedApproverRoles[0]", "an approver of type IamRole"),
        ({"chatApproverRoles": ["Other"]}, "chatApproverRoles[0]", "an approver of type IamRole"),
        (
            {"approvers": [{"type": "IamUser", "name": "anton"}], "sharedApproverRoles": ["anton"]},
            "sharedApproverRoles[0]",
            "an approver of type IamRole",
        ),
        (
            {"approvers": [{"type": "IamRole", "name": "SsmSessionControlChangeMangerRole"}]},
            "approvers[0].name",
            "another role than those of the workflow",
        ),
        ({"approvers": [{**APPROVER, "name": "Appr\u200bover"}]}, "approvers[0].name", "do not show"),
        ({"approvers": [{**APPROVER, "name": "\u0410pprover"}]}, "approvers[0].name", "letters, digits"),
        ({"operatorRoles": ["\u041eperator"]}, "operatorRoles[0]", "names (not ARNs)"),
        ({"notificationEmails": ["a\u061cb@example.org"]}, "notificationEmails[0]", "U+061C"),
        ({"operatorRole": ["x"]}, "operatorRole", "did you mean operatorRoles?"),
        (
            {"operatorUsers": ["erin"], "breakGlass": {"users": ["emergency/Erin"]}},
            "breakGlass.users[0]",
            "separate user",
        ),
        ({"breakGlass": {}}, "breakGlass.users", ""),
        ({"breakGlass": {"users": []}}, "breakGlass.users", ""),
        ({"breakGlass": {"users": ["a*"]}}, "breakGlass.users[0]", ""),
        ({"breakGlass": {"users": ["a", "a"]}}, "breakGlass.users", ""),
        ({"breakGlass": {"users": [f"u{number}" for number in range(9)]}}, "breakGlass.users", ""),
        ({"breakGlass": {"user": "x"}}, "breakGlass.user", ""),
        ({"operatorRoles": ["shellaccessbreakglass"]}, "operatorRoles[0]", "another role"),
        ({"approvers": [{**APPROVER, "name": "shellaccessbreakglass"}]}, "approvers[0].name", "another role"),
    ],
)
def test_problem_is_named_with_its_key_and_reason(given: dict[str, Any], key: str, said: str) -> None:
    assert said in problems(**given)[key]


@pytest.mark.parametrize(
    ("key", "given", "named"),
    [
        ("operators", ["olivia@example.org"], "operators[0]"),
        ("operatorUsers", ["a/b"], "operatorUsers[0]"),
        ("operatorUsers", [], "operatorRoles"),
    ],
)
def test_wrong_operators_are_not_reported_as_missing(key: str, given: list[str], named: str) -> None:
    assert list(problems(**{"operatorRoles": [], key: given})) == [named]


@pytest.mark.parametrize("kind", ["SSOGroup", "IamGroup"])
def test_group_may_approve_two_levels(kind: str) -> None:
    levels = [{"type": kind, "name": "security", "level": level} for level in (1, 2)]
    assert len(load(mode="change-manager", approvers=levels).levels()) == 2


def test_accepted_approver_roles_are_named_without_path() -> None:
    approvers = [{**APPROVER, "name": "team/Approver"}]
    found = load(approvers=approvers, sharedApproverRoles=["Approver"], chatApproverRoles=["Approver"])
    assert (found.shared_approver_roles, found.chat_approver_roles) == (["Approver"], ["Approver"])


def test_approver_below_a_path_is_named_by_the_arn_that_it_has() -> None:
    path = "aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Approve_0123456789abcdef"
    given = [{"type": "IamRole", "name": path}, {"type": "IamUser", "name": "team/anton"}, APPROVER]
    settings = load(approvers=given)
    place = WorkflowLocation(partition="aws", account_id="123456789012", region="eu-west-1")
    steps = runbook(settings, place, ["eu-west-1"])["mainSteps"]
    assert steps[1]["inputs"]["Approvers"] == [
        f"arn:aws:iam::123456789012:role/{path}",
        "arn:aws:iam::123456789012:user/team/anton",
        "arn:aws:iam::123456789012:role/Approver",
    ]
    assert settings.attachable_approvers(ApproverType.IAM_ROLE) == ["Approver"]
    assert settings.attachable_approvers(ApproverType.IAM_USER) == ["anton"]


def test_change_manager_is_given_names_without_their_paths() -> None:
    settings = load(mode="change-manager", approvers=[{**APPROVER, "name": "team/Approver"}, {**APPROVER, "name": "B"}])
    place = WorkflowLocation(partition="aws", account_id="123456789012", region="eu-west-1")
    (step,) = change_template(settings, place)["mainSteps"]
    assert [each["approver"] for each in step["inputs"]["EnhancedApprovals"]["Approvers"]] == ["Approver", "B"]
    assert load(mode="change-manager", approvers=[{**APPROVER, "name": "AWSReservedSSO_Approve_0123456789abcdef"}])


def test_levels_are_asked_from_the_lowest() -> None:
    approvers = [{**APPROVER, "name": name, "level": level} for name, level in (("B", 3), ("A", 1), ("C", 3))]
    levels = load(approvers=approvers).levels()
    assert [[each.name for each in level] for level in levels] == [["A"], ["B", "C"]]
    assert [required_approvals(level) for level in levels] == [1, 2]
    any_of_two = [{**APPROVER, "name": name, "minRequiredApprovals": 0} for name in ("A", "B")]
    assert [required_approvals(level) for level in load(approvers=any_of_two).levels()] == [1]


def test_approvers_of_other_types_are_accepted() -> None:
    assert load(approvers=[{"type": "IamUser", "name": "Operator"}])
    several = [{"type": "SSOGroup", "name": "security", "minRequiredApprovals": 3}]
    assert load(mode="change-manager", approvers=several).approvers[0].min_required_approvals == 3


def test_break_glass_needs_sessions_that_end() -> None:
    given = configuration({**GOOD, "breakGlass": {"users": ["erin"]}})
    endless = {**given, "shell-access:sessionManager": "{}"}
    with pytest.raises(SettingsError, match="maxSessionDuration"):
        Settings.load(endless)
    Settings.load({**given, "shell-access:sessionManager": '{"maxSessionDuration": 60}'})
