"""Bypasses that the list does not name literally, and similar permissions that are none."""

from typing import Any

import pytest

from tests.operations.audit.accounts import (
    ACCOUNT,
    ADMINISTRATOR,
    APPROVED,
    APPROVER,
    ARN,
    INSTANCES,
    OPERATOR,
    REQUESTER,
    START,
    allow,
    assessed,
    attached,
    baseline,
    bounded,
    deny,
    entries,
    found_with,
    group,
    inline,
    managed,
    role,
    trusting,
    user,
)

TAGGED = f"arn:aws:ec2:*:{ACCOUNT}:instance/{APPROVED}"
TAG = {"Effect": "Allow", "Action": ["iam:TagUser", "iam:TagRole"], "Resource": "*"}


REPORTED = [
    ("session-any-node", "critical", [allow("SSM:startsession")]),
    ("session-any-node", "critical", [allow("ssm:Start?ession")]),
    ("session-any-node", "critical", [allow("ssm:StartSession", on="arn:aws:ec2:us-east-1:*:instance/i-*")]),
    ("session-any-node", "critical", [allow("ssm:StartSession", on=f"arn:aws:ssm:*:{ACCOUNT}:managed-instance/*")]),
    ("session-any-node", "high", [allow("ssm:StartSession", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})]),
    ("session-any-node", "high", [allow("ssm:StartSession", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})]),
    ("session-any-node", "critical", [allow("ssm:StartSession", Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})]),
    ("session-any-node", "critical", [allow("ssm:StartSession", Condition={"Bool": {"aws:SecureTransport": "true"}})]),
    ("session-any-node", "critical", [allow("ssm:StartSession", Condition={"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}})]),
    ("session-any-node", "critical", [allow("ssm:StartSession", Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT}})]),
    ("session-any-node", "critical", [allow("ssm:StartSession", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})]),
    ("condition-absent-key", "critical", [allow("ssm:StartSession", Condition={"StringEqualsIfExists": {"aws:RequestTag/a": "b"}})]),
    ("condition-absent-key", "critical", [allow("ssm:StartSession", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}})]),
    ("session-fixed-nodes", "high", [allow("ssm:StartSession", Condition={"StringEquals": {"aws:ResourceTag/Env": "dev"}})]),
    ("session-fixed-nodes", "high", [allow("ssm:StartSession", on=f"arn:aws:ssm:*:{ACCOUNT}:managed-instance/mi-0123456789abcdef0")]),
    ("session-beyond-approved-instance", "high", [allow("ssm:StartSession", on=f"{TAGGED}*")]),
    ("session-beyond-approved-instance", "high", [allow("ssm:StartSession", on=f"arn:aws:ec2:*:{ACCOUNT}:instance/*{APPROVED}")]),
    ("session-beyond-approved-instance", "high", [allow("ssm:StartSession", on=[TAGGED, f"arn:aws:ec2:*:{ACCOUNT}:instance/i-0123456789abcdef0"])]),
    (
        "session-beyond-approved-instance",
        "high",
        [allow("ssm:StartSession", Condition={"Null": {"aws:PrincipalTag/SecurityAllowSessionInstance": "false"}})],
    ),
    ("session-other-documents", "high", [[*OPERATOR, allow("ssm:StartSession", on="arn:aws:ssm:*::document/AWS-Start*")]]),
    ("session-resume-others", "medium", [allow("ssm:ResumeSession", on=f"arn:aws:ssm:*:{ACCOUNT}:session/alice-*")]),
    ("session-terminate-others", "low", [allow("ssm:TerminateSession")]),
    ("ssm-send-command", "critical", [allow("ssm:SendCommand", on=INSTANCES), allow("ssm:SendCommand", on="arn:aws:ssm:*::document/AWS-RunShellScript")]),
    ("ssm-send-command", "high", [allow("ssm:SendCommand", on=[INSTANCES, f"arn:aws:ssm:*:{ACCOUNT}:document/Mine"])]),
    ("ssm-send-command", "high", [allow("ssm:SendCommand", Condition={"StringEquals": {"ssm:resourceTag/Env": "dev"}})]),
    ("ssm-maintenance-window-task", "high", [allow("ssm:RegisterTaskWithMaintenanceWindow")]),
    ("ec2-replace-volume", "high", [allow("ec2:CreateReplaceRootVolumeTask")]),
    ("iam-set-approval-tag", "critical", [TAG]),
    ("iam-set-approval-tag", "high", [allow("iam:TagUser", Condition={"StringNotEquals": {"aws:TagKeys": "SecurityAllowSessionInstance"}})]),
    (
        "iam-set-approval-tag",
        "critical",
        [allow("iam:TagRole", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["securityallowsessioninstance"]}})],
    ),
    (
        "iam-set-approval-tag",
        "high",
        [[TAG, deny("iam:Tag*", Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": ["SecurityAllowSessionInstance"]}})]],
    ),
    ("iam-write-policies", "critical", [allow("iam:SetDefaultPolicyVersion", on=f"{ARN}:policy/*")]),
    ("iam-add-user-to-group", "critical", [allow("iam:AddUserToGroup")]),
    ("iam-change-trust", "high", [allow("iam:CreateRole", "iam:AttachRolePolicy")]),
    ("session-tag-approval", "critical", [[allow("sts:GetFederationToken", "sts:TagSession"), *OPERATOR]]),
    ("approval-change-documents", "critical", [allow("ssm:DeleteDocument", "ssm:CreateDocument", on=f"arn:aws:ssm:*:{ACCOUNT}:document/Allow*")]),
    ("approval-start-runbook", "medium", [allow("ssm:StartAutomationExecution", on=f"arn:aws:ssm:*:{ACCOUNT}:automation-definition/AllowStart*")]),
    ("approval-request-without-review", "high", [allow("ssm:StartChangeRequestExecution", on=REQUESTER["Resource"])]),
    ("approval-send-signal", "medium", [APPROVER]),
    ("approval-send-signal", "critical", [APPROVER, REQUESTER]),
    ("approval-send-signal", "critical", [APPROVER, OPERATOR]),
    ("change-session-preferences", "high", [allow("ssm:UpdateDocumentDefaultVersion")]),
    ("pass-role-to-automation", "critical", [allow("iam:PassRole", "ssm:StartAutomationExecution")]),
    ("pass-role-to-compute", "high", [allow("iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask")]),
    ("change-compute-with-role", "low", [allow("lambda:UpdateFunctionCode")]),
    ("pass-role-to-scheduler", "medium", [allow("states:UpdateStateMachine")]),
    ("action-wildcard", "critical", [allow("*:*")]),
    ("deny-does-not-apply", "critical", [[START, deny("ssm:StartSession", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})]]),
    ("session-any-node", "high", [[START, deny("ssm:StartSession", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})]]),
    ("session-any-node", "critical", [[START, {**deny("ssm:StartSession"), "Resource": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/*"}]]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "severity", "policies"), REPORTED, ids=[f"{each[0]}-{n}" for n, each in enumerate(REPORTED)]
)
def test_reported(entry: str, severity: str, policies: list[Any]) -> None:
    assert found_with(*policies).get(entry) == severity


INNOCENT = [
    ("documents only", [allow("ssm:StartSession", on="arn:aws:ssm:*:*:document/*")]),
    ("expired", [allow("ssm:StartSession", Condition={"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})]),
    ("another user", [allow("ssm:StartSession", Condition={"StringEquals": {"aws:username": "alice"}})]),
    ("key of another service", [allow("ssm:StartSession", Condition={"StringEquals": {"s3:prefix": "a"}})]),
    ("denied but the approved", [[START, deny("ssm:StartSession", NotResource=[TAGGED])]]),
    ("denied with IfExists", [[START, deny("ssm:*", Condition={"StringNotEqualsIfExists": {"aws:PrincipalTag/team": "x"}})]]),
    ("variable without version", [{"Statement": [allow("ssm:StartSession", on=TAGGED)]}]),
    ("own sessions by tag", [allow("ssm:TerminateSession", Condition={"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}})]),
    ("tag keys denied in any case", [[TAG, deny("iam:*", Condition={"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": ["SecurityAllowSessionInstance"]}})]]),
    ("tags elsewhere", [allow("iam:TagUser", on=f"{ARN}:user/customers/*")]),
    ("own policy elsewhere", [allow("iam:PutRolePolicy", on=f"{ARN}:role/app/*")]),
    ("own credentials", [allow("iam:CreateAccessKey", on=f"{ARN}:user/${{aws:username}}")]),
    ("closed list of command documents", [allow("ssm:SendCommand", on=[INSTANCES, "arn:aws:ssm:*:*:document/AWS-UpdateSSMAgent"])]),
    ("requester", [REQUESTER]),
    ("operator", [OPERATOR]),
    ("operator, requester", [OPERATOR, REQUESTER]),
    ("attach of a clean policy", [allow("iam:AttachUserPolicy", Condition={"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/SecurityAudit"}})]),
]  # fmt: skip


@pytest.mark.parametrize("policies", [each[1] for each in INNOCENT], ids=[each[0] for each in INNOCENT])
def test_innocent(policies: list[Any]) -> None:
    assert found_with(*policies) == {}


def test_undecided_conditions_are_printed() -> None:
    details = baseline(
        users=[user("caller", allow("ssm:StartSession", Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}}))]
    )
    (audited,) = assessed(details).audited
    finding = next(each for each in audited.findings if each.rule == "session-any-node")
    assert finding.doubts == ('StringEquals aws:SourceVpce "vpce-1"',)


def test_combination_over_group_and_own_policy() -> None:
    details = baseline(
        groups=[group("team", allow("iam:PassRole", on=f"{ARN}:role/*"))],
        users=[user("caller", allow("lambda:CreateFunction", "lambda:InvokeFunction"), GroupList=["team"])],
    )
    found = entries(assessed(details))
    assert (found["pass-role-to-compute"], found["indirect-grant"]) == ("high", "high")


def test_version_that_is_not_in_force_does_not_count() -> None:
    details = baseline()
    policy = managed("mine", allow("s3:ListBucket"), START)
    details["Policies"].append(policy)
    details["UserDetailList"].append(user("caller", AttachedManagedPolicies=attached(policy)))
    assert entries(assessed(details)) == {}


def test_setting_the_default_version_of_ones_own_policy_counts() -> None:
    details = baseline()
    policy = managed("mine", allow("iam:SetDefaultPolicyVersion", on=f"{ARN}:policy/mine"), START)
    details["Policies"].append(policy)
    details["UserDetailList"].append(user("caller", AttachedManagedPolicies=attached(policy)))
    assert entries(assessed(details))["iam-write-policies"] == "critical"


def test_unattached_policy_is_no_finding() -> None:
    assert assessed(baseline(policies=[managed("unattached", START)])).audited == ()


def test_boundary_cuts_and_one_that_is_not_read_cuts_everything() -> None:
    details = baseline()
    narrow = managed("narrow", allow("ssm:StartSession", on=f"arn:aws:ec2:*:{ACCOUNT}:instance/i-0aaaaaaaaaaaaaaaa"))
    details["Policies"].append(narrow)
    details["UserDetailList"].append(user("caller", START, PermissionsBoundary=bounded(narrow)))
    gone = {"PermissionsBoundaryArn": f"{ARN}:policy/gone"}
    details["UserDetailList"].append(user("other", START, PermissionsBoundary=gone))
    assessment = assessed(details)
    assert entries(assessment)["session-fixed-nodes"] == "high"
    assert "session-any-node" not in entries(assessment)
    assert entries(assessment, f"{ARN}:user/other") == {}


def test_service_control_policies_cut_at_every_level() -> None:
    every = allow("*")
    assert found_with(START, settings={"scps": [[every], [every]]})["scp-allows-action"] == "critical"
    assert found_with(START, settings={"scps": [[every], [allow("s3:*")]]}) == {}
    assert found_with(START, settings={"scps": [[every, deny("ssm:StartSession")], [every]]}) == {}
    assert found_with(START, settings={"scps": [[every, deny("ssm:StartSession", NotResource=TAGGED)]]}) == {}


@pytest.mark.parametrize(
    ("condition", "certain"),
    [
        ({}, True),
        ({"Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}}}, False),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["Other"]}}}, False),
        ({"Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["Env"]}}}, True),
    ],
    ids=["any tag", "at launch", "another key", "this key"],
)
def test_tag_condition_is_no_limit_to_who_may_tag(condition: Any, *, certain: bool) -> None:
    sending = allow("ssm:SendCommand", Condition={"StringEquals": {"ssm:resourceTag/Env": "dev"}})
    found = found_with(sending, allow("ec2:CreateTags", on=INSTANCES, **condition))
    assert found["ssm-send-command"] == ("critical" if certain else "high")
    assert ("condition-on-settable-tag" in found) == certain


def test_variable_without_version_lets_a_deny_miss() -> None:
    old = {
        "Statement": [{**deny("ssm:StartSession"), "Resource": f"arn:aws:ec2:*:{ACCOUNT}:instance/${{aws:username}}"}]
    }
    assert found_with(START, old)["session-any-node"] == "critical"


def test_passed_role_decides_the_severity() -> None:
    details = baseline(
        roles=[
            role("worker", TAG, trust=trusting(Service="lambda.amazonaws.com")),
            role("app", allow("s3:*"), trust=trusting(Service="lambda.amazonaws.com")),
        ]
    )
    for name in ("worker", "app"):
        passing = allow("iam:PassRole", on=f"{ARN}:role/{name}")
        details["UserDetailList"].append(
            user(f"to-{name}", passing, allow("lambda:CreateFunction", "lambda:InvokeFunction"))
        )
    found = assessed(details)
    assert entries(found, f"{ARN}:user/to-worker")["pass-role-to-compute"] == "critical"
    assert "pass-role-to-compute" not in entries(found, f"{ARN}:user/to-app")
    assert [each.arn for each in found.services] == [f"{ARN}:role/worker"]


def test_group_of_approvers_can_be_joined() -> None:
    details = baseline(
        groups=[group("approvers", APPROVER)],
        users=[
            user("boss", GroupList=["approvers"]),
            user("caller", allow("iam:AddUserToGroup", on=f"{ARN}:group/approvers")),
        ],
    )
    found = assessed(details, approver_names=(("IamGroup", "approvers"),))
    assert entries(found)["iam-add-user-to-group"] == "critical"
    assert entries(found, f"{ARN}:user/boss") == {}


def test_approver_who_also_requests_is_reported() -> None:
    details = baseline()
    details["RoleDetailList"][1]["RolePolicyList"] += inline(REQUESTER)
    assert entries(assessed(details), f"{ARN}:role/SessionApprover")["approval-send-signal"] == "critical"


def test_runbook_role_with_any_tag_is_reported_with_services() -> None:
    details = baseline()
    details["RoleDetailList"][2]["RolePolicyList"] = inline(TAG)
    found = assessed(details)
    assert found.audited == ()
    assert [(each.arn, [one.rule for one in each.findings]) for each in found.services] == [
        (f"{ARN}:role/SsmSessionControlChangeMangerRole", ["runbook-role-sets-other-tags"])
    ]


def test_boundary_may_be_pinned_to_one_that_does_not_bound() -> None:
    details = baseline(policies=[managed("AppBoundary", allow("*"))])
    pinned = {"StringEquals": {"iam:PermissionsBoundary": f"{ARN}:policy/AppBoundary"}}
    details["UserDetailList"].append(user("caller", allow("iam:PutUserPermissionsBoundary", Condition=pinned)))
    assert entries(assessed(details))["iam-remove-boundary"] == "high"


RUNBOOK = f"arn:aws:ssm:*:{ACCOUNT}:automation-definition/AllowStartSsmSession"


def test_in_automation_mode_the_runbook_is_how_one_asks() -> None:
    start = allow(
        "ssm:StartAutomationExecution",
        on=[f"{RUNBOOK}:$DEFAULT", RUNBOOK.replace(":automation-definition", ":document")],
    )
    assert found_with(start)["approval-start-runbook"] == "medium"
    assert found_with(start, settings={"starts_by_runbook": True}) == {}


@pytest.mark.parametrize("version", ["*", "1", "$LATEST", "$*", "?"])
def test_other_runbook_version_may_need_no_approval(version: str) -> None:
    start = allow("ssm:StartAutomationExecution", on=f"{RUNBOOK}:{version}")
    hand_over = allow("iam:PassRole", on=f"{ARN}:role/SsmSessionControlChangeMangerRole")
    assert found_with(start, settings={"starts_by_runbook": True}) == {"approval-start-other-version": "medium"}
    assert (
        found_with(start, hand_over, settings={"starts_by_runbook": True})["approval-start-other-version"] == "critical"
    )
    assert "approval-start-other-version" not in found_with(start, hand_over), (
        "approval-start-runbook says the same and more"
    )


def test_operator_who_may_start_other_versions_is_reported() -> None:
    details = baseline()
    mine = allow("ssm:StartAutomationExecution", on=f"{RUNBOOK}:*")
    details["UserDetailList"].append(
        user("caller", mine, allow("iam:PassRole", on=f"{ARN}:role/SsmSessionControlChangeMangerRole"))
    )
    assert (
        entries(assessed(details, starts_by_runbook=True, operators=(f"{ARN}:user/caller",)))[
            "approval-start-other-version"
        ]
        == "critical"
    )


def test_declared_administrators_are_apart() -> None:
    details = baseline()
    assert assessed(details).administrators == (ADMINISTRATOR,)
    found = assessed(details, administrators=())
    assert (found.audited[0].arn, found.audited[0].worst.word) == (ADMINISTRATOR, "critical")


@pytest.mark.parametrize(
    ("rights", "is_privileged"),
    [
        (allow("*"), True),
        (allow("ssm:TerminateSession", "ssm:SendCommand"), True),
        (allow("iam:CreateAccessKey"), True),
        (allow("ssm:TerminateSession"), False),
    ],
)
def test_declared_administrator_is_as_privileged_as_others(rights: Any, *, is_privileged: bool) -> None:
    details = baseline(
        roles=[role("Admin", rights)], users=[user("caller", allow("sts:AssumeRole", on=f"{ARN}:role/Admin"))]
    )
    found = [entries(assessed(details, administrators=(ADMINISTRATOR, *more))) for more in ((), (f"{ARN}:role/Admin",))]
    assert ["iam-assume-role" in each for each in found] == [is_privileged] * 2
