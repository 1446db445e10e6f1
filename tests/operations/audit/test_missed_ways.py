"""Bypasses that a review found unreported, each with a similar permission that is none."""

from typing import Any

import pytest

from tests.operations.audit.accounts import (
    ACCOUNT,
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
    deny,
    document,
    entries,
    found_with,
    group,
    managed,
    role,
    trusting,
    user,
)

SAML = f"{ARN}:saml-provider/company"
TEAM = {"StringEquals": {"aws:PrincipalTag/Team": "ops"}}
ABAC = {"StringEquals": {"aws:ResourceTag/Project": "${aws:PrincipalTag/Project}"}}
RED = {"Tags": [{"Key": "Project", "Value": "red"}]}


def on(condition: dict[str, Any]) -> dict[str, Any]:
    return {"Condition": condition}


# The caller's own tags.

HANGS_ON_TAG = allow("ssm:StartSession", **on(TEAM))


@pytest.mark.parametrize(
    "right",
    [
        allow("iam:TagUser"),
        allow("iam:TagUser", on=f"{ARN}:user/${{aws:username}}"),
        allow("iam:TagUser", **on({"ForAnyValue:StringEquals": {"aws:TagKeys": ["CostCenter"]}})),
        allow("iam:TagUser", **on({"ForAllValues:StringEquals": {"aws:TagKeys": ["Team", "CostCenter"]}})),
        allow("sts:GetFederationToken", "sts:TagSession"),
    ],
)
def test_own_tag_that_the_caller_sets_is_no_bound(right: Any) -> None:
    assert found_with([HANGS_ON_TAG, right])["session-any-node"] == "critical"


@pytest.mark.parametrize(
    "right",
    [
        allow("iam:TagUser", on=f"{ARN}:user/other"),
        allow("iam:TagUser", **on({"ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter"]}})),
        allow("sts:TagSession"),
        allow("iam:TagRole", on=f"{ARN}:role/*"),
        allow("iam:ListUserTags"),
    ],
)
def test_own_tag_that_others_set_is_a_bound(right: Any) -> None:
    assert "session-any-node" not in found_with([HANGS_ON_TAG, right])


RESTRICTED = {"Tags": [{"Key": "Restricted", "Value": "yes"}]}
UNRESTRICTED = {"StringNotEquals": {"aws:PrincipalTag/Restricted": "yes"}}
FENCED = deny("ssm:StartSession", **on({"StringEquals": {"aws:PrincipalTag/Restricted": "yes"}}))


def test_own_tag_that_the_caller_removes_is_no_bound() -> None:
    for statements in ([allow("ssm:StartSession", **on(UNRESTRICTED))], [START, FENCED]):
        assert "session-any-node" not in found_with(statements, **RESTRICTED)
        assert "session-any-node" not in found_with(
            [*statements, allow("iam:UntagUser", on=f"{ARN}:user/other")], **RESTRICTED
        )
        assert found_with([*statements, allow("iam:UntagUser")], **RESTRICTED)["session-any-node"] == "critical"


@pytest.mark.parametrize(("value", "is_reported"), [("ops", True), ("op*", True), ("dev", False), ("dev*", False)])
def test_own_tag_is_a_bound_for_values_that_stay_out(value: str, *, is_reported: bool) -> None:
    only = on({"StringLike": {"aws:RequestTag/Team": value}})
    assert ("session-any-node" in found_with([HANGS_ON_TAG, allow("iam:TagUser", **only)])) == is_reported
    assert (
        "session-any-node" in role_with_tags({"AWS": f"{ARN}:root"}, ["sts:AssumeRole", "sts:TagSession"], **only)
    ) == is_reported


def test_own_tag_that_names_the_node_is_no_bound() -> None:
    named = allow("ssm:StartSession", on=f"arn:aws:ec2:*:{ACCOUNT}:instance/${{aws:PrincipalTag/Node}}")
    assert found_with(named) == {}
    assert found_with([named, allow("iam:TagUser")])["session-any-node"] == "critical"
    other = on({"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}})
    assert "session-any-node" not in found_with([named, allow("iam:TagUser", **other)])


def test_role_that_replaces_its_own_trust_sets_its_tags() -> None:
    def found(on: str) -> dict[str, str]:
        details = baseline(roles=[role("tagged", [HANGS_ON_TAG, allow("iam:UpdateAssumeRolePolicy", on=on)])])
        return entries(assessed(details), f"{ARN}:role/tagged")

    assert found(f"{ARN}:role/tagged")["session-any-node"] == "critical"
    assert "session-any-node" not in found(f"{ARN}:role/other")


def role_with_tags(principal: dict[str, str], action: Any, **more: Any) -> dict[str, str]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, **more}
    details = baseline(roles=[role("tagged", HANGS_ON_TAG, trust=document(statement))])
    return entries(assessed(details), f"{ARN}:role/tagged")


@pytest.mark.parametrize(
    ("right", "is_reported"),
    [
        (allow("iam:TagRole", on=f"{ARN}:role/tagged"), True),
        (
            allow("iam:TagRole", on=f"{ARN}:role/t*", **on({"StringEquals": {"aws:RequestTag/CostCenter": "1"}})),
            True,
        ),
        (allow("iam:TagRole", on=f"{ARN}:role/t*", **on({"StringEquals": {"aws:RequestTag/Team": "dev"}})), False),
        (allow("iam:TagRole", **on({"ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter"]}})), False),
        (allow("iam:TagRole", on=f"{ARN}:role/other"), False),
        (allow("iam:UntagRole", on=f"{ARN}:role/tagged"), False),
    ],
)
def test_role_that_the_caller_tags_and_assumes_is_reported(right: Any, *, is_reported: bool) -> None:
    def found(trusted: str) -> dict[str, str]:
        details = baseline(
            roles=[role("tagged", HANGS_ON_TAG, trust=trusting(AWS=f"{ARN}:user/{trusted}"))],
            users=[user("caller", right)],
        )
        return entries(assessed(details))

    assert found("caller").get("iam-assume-role") == ("critical" if is_reported else None)
    assert "iam-assume-role" not in found("other")


def test_role_whose_trust_the_caller_replaces_is_reported() -> None:
    for target, is_reported in (("tagged", True), ("other", False)):
        details = baseline(roles=[role("tagged", HANGS_ON_TAG, trust=trusting(AWS=f"{ARN}:user/boss"))])
        replaces = allow("iam:UpdateAssumeRolePolicy", on=f"{ARN}:role/{target}")
        details["UserDetailList"].append(user("caller", replaces))
        assert ("iam-assume-role" in entries(assessed(details))) == is_reported


def test_session_tag_that_the_trust_admits_is_no_bound() -> None:
    both = ["sts:AssumeRole", "sts:TagSession"]
    assert role_with_tags({"AWS": f"{ARN}:root"}, both)["session-any-node"] == "critical"
    assert (
        role_with_tags({"Federated": SAML}, ["sts:AssumeRoleWithSAML", "sts:TagSession"])["session-any-node"] == "high"
    )
    team = {"StringEquals": {"aws:RequestTag/CostCenter": "1"}}
    assert role_with_tags({"AWS": f"{ARN}:root"}, both, **on(team))["session-any-node"] == "critical"


def test_session_tag_that_the_trust_refuses_is_a_bound() -> None:
    both = ["sts:AssumeRole", "sts:TagSession"]
    other = {"ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter"]}}
    assert "session-any-node" not in role_with_tags({"AWS": f"{ARN}:root"}, both, **on(other))
    assert "session-any-node" not in role_with_tags({"AWS": f"{ARN}:root"}, "sts:AssumeRole")
    assert "session-any-node" not in role_with_tags({"Service": "ec2.amazonaws.com"}, both)


def test_approval_tag_by_an_identity_provider_is_reported() -> None:
    details = baseline()
    statement = {"Effect": "Allow", "Principal": {"Federated": SAML}, "Action": "sts:*"}
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = document(statement)
    assert entries(assessed(details), SAML)["session-tag-approval"] == "high"
    refused = {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = document({**statement, "Condition": refused})
    assert "session-tag-approval" not in entries(assessed(details), SAML)


# Tags that ride along.


@pytest.mark.parametrize(
    "condition",
    [
        {"ForAnyValue:StringEquals": {"aws:TagKeys": "CostCenter"}},
        {"StringEquals": {"aws:RequestTag/CostCenter": "1234"}},
        {"StringLike": {"aws:RequestTag/CostCenter": "12*"}},
        {"Null": {"aws:RequestTag/CostCenter": "false"}},
        {"StringEquals": {"aws:RequestTag/CostCenter": ["1", "2"], "aws:RequestTag/Owner": "me"}},
    ],
)
def test_approval_tag_rides_along(condition: Any) -> None:
    assert found_with(allow("iam:TagUser", "iam:TagRole", **on(condition)))["iam-set-approval-tag"] == "critical"
    assert found_with([allow("iam:TagUser", **on(condition)), APPROVER])["approval-send-signal"] == "critical"


@pytest.mark.parametrize(
    "condition",
    [
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter"]}},
        {
            "ForAllValues:StringLike": {"aws:TagKeys": ["Cost*"]},
            "StringEquals": {"aws:RequestTag/CostCenter": "1234"},
        },
        {"Null": {"aws:RequestTag/SecurityAllowSessionInstance": "true"}, "Bool": {"aws:ViaAWSService": "maybe"}},
    ],
)
def test_approval_tag_does_not_ride_along(condition: Any) -> None:
    assert "iam-set-approval-tag" not in found_with(allow("iam:TagRole", **on(condition)))


# Attribute-based access control.


def test_variables_are_resolved_before_a_condition_is_unmet() -> None:
    assert found_with(allow("ssm:StartSession", **on(ABAC)), **RED)["session-fixed-nodes"] == "high"
    like = {"StringLike": {"ssm:resourceTag/Project": "${aws:PrincipalTag/Project}-*"}}
    assert found_with(allow("ssm:StartSession", **on(like)), **RED)["session-fixed-nodes"] == "high"
    assert found_with([allow("ssm:StartSession", **on(ABAC)), allow("iam:TagUser")])["session-fixed-nodes"] == "high"


def test_comparison_of_two_tags_counts_either_way_round() -> None:
    turned = {"StringEquals": {"aws:PrincipalTag/Project": "${aws:ResourceTag/Project}"}}
    assert found_with(allow("ssm:StartSession", **on(turned)), **RED)["session-fixed-nodes"] == "high"
    assert "session-fixed-nodes" not in found_with(allow("ssm:StartSession", **on(turned)))


def test_variables_without_a_value_meet_nothing() -> None:
    assert "session-fixed-nodes" not in found_with(allow("ssm:StartSession", **on(ABAC)))
    command = allow("ssm:SendCommand", **on(ABAC))
    assert "ssm-send-command" not in found_with(command)
    assert found_with(command, **RED)["ssm-send-command"] == "high"


def test_variable_of_an_identity_provider_is_undecided() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": SAML},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
    }
    details = baseline(roles=[role("tagged", allow("ssm:StartSession", **on(ABAC)), trust=document(statement))])
    assert entries(assessed(details), f"{ARN}:role/tagged")["session-fixed-nodes"] == "medium"
    details["RoleDetailList"][-1]["AssumeRolePolicyDocument"] = document(
        {**statement, "Action": "sts:AssumeRoleWithSAML"}
    )
    assert "session-fixed-nodes" not in entries(assessed(details), f"{ARN}:role/tagged")


# Denials.


@pytest.mark.parametrize(
    ("denial", "right"),
    [
        ("inline", allow("iam:DeleteUserPolicy")),
        ("inline", allow("iam:DeleteUserPolicy", on=f"{ARN}:user/call*")),
        ("managed", allow("iam:DetachUserPolicy")),
        ("managed", allow("iam:DetachUserPolicy", **on({"ArnEquals": {"iam:PolicyARN": f"{ARN}:policy/Fence"}}))),
        ("group", allow("iam:RemoveUserFromGroup", on=f"{ARN}:group/fenced")),
        ("group", allow("iam:DeleteGroupPolicy")),
    ],
)
def test_own_deny_that_the_caller_removes_is_reported(denial: str, right: Any) -> None:
    assert removed(denial, right)["iam-remove-own-deny"] == "critical"


@pytest.mark.parametrize(
    ("denial", "right"),
    [
        ("inline", allow("iam:DetachUserPolicy")),
        ("inline", allow("iam:DeleteUserPolicy", on=f"{ARN}:user/other")),
        ("managed", allow("iam:DetachUserPolicy", **on({"ArnEquals": {"iam:PolicyARN": f"{ARN}:policy/Other"}}))),
        ("managed", allow("iam:DeleteUserPolicy")),
        ("group", allow("iam:RemoveUserFromGroup", on=f"{ARN}:group/other")),
        ("group", allow("iam:DetachGroupPolicy")),
    ],
)
def test_own_deny_that_stays_is_not_reported(denial: str, right: Any) -> None:
    assert not {"iam-remove-own-deny", "session-any-node"} & set(removed(denial, right))


def test_own_deny_that_guards_another_is_removed_first() -> None:
    def found(*guards: Any) -> dict[str, str]:
        details = baseline(policies=[managed("Fence", deny("ssm:StartSession"))])
        right = allow("iam:DetachUserPolicy", "iam:DeleteUserPolicy")
        attachments = {"AttachedManagedPolicies": attached(details["Policies"][-1])}
        details["UserDetailList"].append(user("caller", [START, right], *guards, **attachments))
        return entries(assessed(details))

    assert found(deny("iam:DetachUserPolicy"))["iam-remove-own-deny"] == "critical"
    assert "iam-remove-own-deny" not in found(deny("iam:DetachUserPolicy", "iam:DeleteUserPolicy"))


def test_own_deny_of_nothing_else_allowed_is_not_reported() -> None:
    found = found_with([allow("iam:DeleteUserPolicy"), deny("ssm:StartSession")])
    assert "iam-remove-own-deny" not in found


def removed(denial: str, right: Any) -> dict[str, str]:
    details = baseline()
    fence = deny("ssm:StartSession")
    policies, more = [[START, right]], {}
    if denial == "inline":
        policies.append(fence)
    elif denial == "managed":
        details["Policies"].append(managed("Fence", fence))
        more = {"AttachedManagedPolicies": attached(details["Policies"][-1])}
    else:
        details["GroupDetailList"].append(group("fenced", fence))
        more = {"GroupList": ["fenced"]}
    details["UserDetailList"].append(user("caller", *policies, **more))
    return entries(assessed(details))


def test_deny_of_a_role_that_the_caller_assumes_counts() -> None:
    details = baseline(
        roles=[role("ops", START, deny("ssm:StartSession"), trust=trusting(AWS=f"{ARN}:user/caller"))],
        users=[user("caller", allow("iam:DeleteRolePolicy", on=f"{ARN}:role/ops"))],
    )
    assert entries(assessed(details))["iam-remove-own-deny"] == "critical"
    details["RoleDetailList"][-1]["AssumeRolePolicyDocument"] = trusting(AWS=f"{ARN}:user/other")
    assert "iam-remove-own-deny" not in entries(assessed(details))


# Roles that the caller makes its own.

APP = f"{ARN}:role/app/*"


@pytest.mark.parametrize(
    "statements",
    [
        [allow("iam:*", on=APP)],
        [allow("iam:CreateRole", on=APP), allow("iam:AttachRolePolicy", on=f"{ARN}:role/*")],
        [allow("iam:CreateRole", "iam:PutRolePolicy", on=f"{ARN}:role/${{aws:username}}/*")],
        [allow("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", on=APP)],
    ],
)
def test_role_that_the_caller_makes_its_own_is_reported(statements: Any) -> None:
    assert found_with(statements)["iam-change-trust"] == "high"


PINNED = {"StringEquals": {"iam:PermissionsBoundary": f"{ARN}:policy/Boundary"}}


@pytest.mark.parametrize(
    "statements",
    [
        [allow("iam:CreateRole", on=APP, **on(PINNED)), allow("iam:AttachRolePolicy", on=APP)],
        [allow("iam:CreateRole", on=APP), allow("iam:AttachRolePolicy", on=f"{ARN}:role/other/*")],
        [allow("iam:CreateRole", "iam:TagRole", on=APP)],
        [allow("iam:UpdateAssumeRolePolicy", on=APP), allow("iam:PutRolePolicy", on=f"{ARN}:role/other/*")],
        [
            allow("iam:CreateRole", on=APP),
            allow("iam:AttachRolePolicy", on=APP, **on({"ArnEquals": {"iam:PolicyARN": f"{ARN}:policy/Reader"}})),
        ],
    ],
)
def test_role_that_stays_bounded_is_not_reported(statements: Any) -> None:
    assert "iam-change-trust" not in found_with(statements)


# Both sides of a request.


def two_roles(operator: Any, approver: Any, *people: dict[str, Any], **settings: Any) -> Any:
    details = baseline()
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = operator
    details["RoleDetailList"][1]["AssumeRolePolicyDocument"] = approver
    details["UserDetailList"] += people
    return assessed(details, **settings)


def by_id(*ids: str) -> dict[str, Any]:
    condition = {"StringEquals": {"aws:userid": list(ids)}}
    return document(
        {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:root"}, "Action": "sts:AssumeRole", "Condition": condition}
    )


ASSUME = allow("sts:AssumeRole")


@pytest.mark.parametrize("by_runbook", [True, False])
def test_person_on_both_sides_is_critical(*, by_runbook: bool) -> None:
    alice = trusting(AWS=f"{ARN}:user/caller")
    found = two_roles(alice, alice, user("caller"), starts_by_runbook=by_runbook)
    assert entries(found)["same-person-both-sides"] == "critical"
    by_ids = two_roles(by_id("AIDACALLER"), by_id("AIDAX", "AIDACALLER"), user("caller", ASSUME))
    assert entries(by_ids)["same-person-both-sides"] == "critical"
    by_name = two_roles(trusting(AWS="AIDACALLER"), alice, user("caller"))
    assert entries(by_name)["same-person-both-sides"] == "critical"


def test_people_on_one_side_each_are_not_accused() -> None:
    found = two_roles(
        trusting(AWS=f"{ARN}:user/caller"), trusting(AWS=f"{ARN}:user/boss"), user("caller"), user("boss")
    )
    assert all("same-person-both-sides" not in entries(found, f"{ARN}:user/{name}") for name in ("caller", "boss"))
    by_ids = two_roles(by_id("AIDACALLER"), by_id("AIDABOSS"), user("caller", ASSUME), user("boss", ASSUME))
    assert all("same-person-both-sides" not in entries(by_ids, f"{ARN}:user/{name}") for name in ("caller", "boss"))


def test_approver_who_reaches_an_operator_is_critical() -> None:
    boss = (f"{ARN}:role/SessionApprover", f"{ARN}:user/boss")
    found = two_roles(
        trusting(AWS=f"{ARN}:user/boss"), trusting(Federated=SAML), user("boss", APPROVER), approvers=boss
    )
    assert entries(found, f"{ARN}:user/boss")["same-person-both-sides"] == "critical"


def test_person_over_a_chain_of_roles_is_critical() -> None:
    details = baseline()
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = trusting(AWS=f"{ARN}:role/hop")
    details["RoleDetailList"][1]["AssumeRolePolicyDocument"] = trusting(AWS=f"{ARN}:user/caller")
    details["RoleDetailList"].append(role("hop", trust=trusting(AWS=f"{ARN}:user/caller")))
    details["UserDetailList"].append(user("caller"))
    assert entries(assessed(details))["same-person-both-sides"] == "critical"


def federated(person: str) -> dict[str, Any]:
    condition = {"StringLike": {"aws:userid": f"*:{person}"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:root"}, "Action": "sts:AssumeRole"}
    return document({**statement, "Condition": condition})


def test_person_of_a_directory_on_both_sides_is_critical() -> None:
    same = two_roles(federated("alice@example.com"), federated("alice@example.com"))
    assert entries(same, "alice@example.com")["same-person-both-sides"] == "critical"
    other = two_roles(federated("alice@example.com"), federated("bob@example.com"))
    assert not any(finding.rule == "same-person-both-sides" for each in other.audited for finding in each.findings)


def by_caller(*arns: str) -> dict[str, Any]:
    condition = {"ArnLike": {"aws:PrincipalArn": list(arns)}}
    return document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": condition})


def test_caller_of_another_account_on_both_sides_is_critical() -> None:
    other = "arn:aws:iam::444455556666:role"
    same = two_roles(by_caller(f"{other}/Shift*"), by_caller(f"{other}/ShiftLead", f"{other}/Boss"))
    assert entries(same, f"{other}/Shift*")["same-person-both-sides"] == "critical"
    for apart in (f"{other}/Boss", f"{ARN}:role/Shift*", "arn:aws:iam::444455556666:root"):
        found = two_roles(by_caller(f"{other}/Shift*"), by_caller(apart))
        assert not any(finding.rule == "same-person-both-sides" for each in found.audited for finding in each.findings)


@pytest.mark.parametrize("by_runbook", [True, False])
def test_approver_who_may_start_the_runbook_is_critical(*, by_runbook: bool) -> None:
    start = allow(
        "ssm:StartAutomationExecution", on=f"arn:aws:ssm:*:{ACCOUNT}:automation-definition/AllowStartSsmSession:*"
    )
    settings = {"starts_by_runbook": by_runbook, "approvers": (f"{ARN}:user/caller",)}
    assert found_with([APPROVER, start], settings=settings)["approval-send-signal"] == "critical"
    assert found_with([APPROVER, REQUESTER], settings=settings)["approval-send-signal"] == "critical"
    assert "approval-send-signal" not in found_with(APPROVER, settings=settings)


# Services, versions and names.


@pytest.mark.parametrize("version", ["", ":1", ":7", ":$DEFAULT", ":$LATEST", ":*", ":?"])
@pytest.mark.parametrize("name", ["AWSSupport-ResetAccess", "AWSSupport-Reset*", "AWS-UpdateLinuxAmi", "*Rescue*"])
def test_runbook_of_aws_in_any_version_is_reported(name: str, version: str) -> None:
    resource = f"arn:aws:ssm:*:*:automation-definition/{name}{version}"
    assert found_with(allow("ssm:StartAutomationExecution", on=resource))["ssm-start-other-runbooks"] == "high"


@pytest.mark.parametrize("name", ["AWS-StopEC2Instance:*", "AWS-StartEC2Instance", "AWSSupport-TroubleshootSSH:1"])
def test_harmless_runbook_of_aws_is_not_reported(name: str) -> None:
    resources = [f"arn:aws:ssm:*:*:automation-definition/{name}", "arn:aws:ssm:*:*:automation-execution/*"]
    assert not {"ssm-start-other-runbooks", "approval-start-runbook", "approval-start-other-version"} & set(
        found_with(allow("ssm:StartAutomationExecution", on=resources))
    )


@pytest.mark.parametrize(
    ("rule", "actions"),
    [
        ("pass-role-to-compute", ["imagebuilder:CreateInfrastructureConfiguration"]),
        ("pass-role-to-compute", ["emr-serverless:StartJobRun"]),
        ("pass-role-to-compute", ["batch:RegisterJobDefinition", "batch:SubmitJob"]),
        ("pass-role-to-compute", ["apprunner:CreateService"]),
        ("pass-role-to-compute", ["glue:CreateJob", "glue:CreateTrigger"]),
        ("pass-role-to-compute", ["codebuild:CreateProject", "codebuild:CreateWebhook"]),
        ("pass-role-to-compute", ["iot:CreateRoleAlias"]),
        ("pass-role-to-scheduler", ["budgets:CreateBudgetAction"]),
        ("pass-role-to-scheduler", ["pipes:CreatePipe"]),
        ("ssm-register-nodes", ["ssm:UpdateManagedInstanceRole"]),
    ],
)
def test_service_that_runs_code_with_a_role_is_reported(rule: str, actions: list[str]) -> None:
    pass_role = allow("iam:PassRole", on=f"{ARN}:role/*")
    assert found_with([allow(*actions), pass_role])[rule] in ("high", "medium", "critical")
    limited = allow("iam:PassRole", on=f"{ARN}:role/reports/*")
    assert found_with([allow(*actions), limited]).get(rule, "low") in ("low", "medium")


def test_deployments_onto_instances_are_reported() -> None:
    assert found_with(allow("codedeploy:CreateDeployment"))["deploy-to-instances"] == "high"
    assert found_with(allow("ecs:RegisterTaskDefinition", "ecs:RunTask"))["deploy-to-instances"] == "medium"
    assert "deploy-to-instances" not in found_with(
        allow("codedeploy:GetDeployment", "codedeploy:RegisterApplicationRevision")
    )
    assert "deploy-to-instances" not in found_with(allow("ecs:RunTask"))
    for action in ("mgn:PutTemplateAction", "drs:PutLaunchAction", "greengrass:CreateDeployment"):
        assert found_with(allow(action))["deploy-to-instances"] == "medium"
    access = allow("eks:AssociateAccessPolicy", on=f"arn:aws:eks:*:{ACCOUNT}:access-entry/*")
    assert found_with(access)["deploy-to-instances"] == "medium"
    assert found_with(allow("mgn:RemoveTemplateAction", "greengrass:ListDeployments", "eks:DescribeCluster")) == {}
    refresh = found_with(allow("ec2:CreateLaunchTemplateVersion", "autoscaling:StartInstanceRefresh"))
    assert refresh["ec2-change-launch-template"] == "medium"
    assert found_with(allow("autoscaling:StartInstanceRefresh")) == {}


def test_disk_contents_that_leave_are_reported() -> None:
    assert found_with(allow("ebs:GetSnapshotBlock"))["ec2-replace-volume"] == "medium"
    assert found_with(allow("ec2:ModifyImageAttribute"))["ec2-replace-volume"] == "medium"
    assert "ec2-replace-volume" not in found_with(
        allow("ec2:CreateSnapshot", "ec2:CopyImage", "ebs:ListSnapshotBlocks")
    )


# False alarms.


@pytest.mark.parametrize(
    "statement",
    [
        allow("*", on="arn:aws:s3:::bucket/*"),
        allow("*", on=["arn:aws:s3:::bucket", "arn:aws:s3:::bucket/*"]),
        allow("ssm:*", on=f"arn:aws:ssm:*:{ACCOUNT}:parameter/app/*"),
        allow("ecs:ExecuteCommand", on="arn:aws:ecs:*:444455556666:cluster/*"),
        allow("ecs:ExecuteCommand", on="arn:aws:ecs:*:444455556666:task/*/*"),
        allow("*", on=f"arn:aws:dynamodb:*:{ACCOUNT}:table/*"),
        allow("ec2:*", on=f"arn:aws:ec2:*:{ACCOUNT}:vpc/*"),
        allow("ec2:*", on=f"arn:aws:ec2:*:{ACCOUNT}:volume/*"),
        allow("ec2:ModifyInstanceAttribute", **on({"StringEquals": {"ec2:Attribute": "DisableApiTermination"}})),
        allow("iam:*", on=f"{ARN}:server-certificate/*"),
        allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/parameter-store/*"),
        allow("ssm:StartAutomationExecution", on="arn:aws:ssm:*:*:automation-execution/*"),
        allow("ssm:StartAutomationExecution", on=f"arn:aws:ssm:*:{ACCOUNT}:document/Patch*"),
        allow("iam:CreateRole", on=f"{ARN}:user/*"),
    ],
)
def test_action_without_a_resource_of_its_type_is_innocent(statement: Any) -> None:
    assert found_with(statement) == {}


@pytest.mark.parametrize(
    ("rule", "statement"),
    [
        ("ecs-execute-command", allow("ecs:ExecuteCommand", on=f"arn:aws:ecs:*:{ACCOUNT}:cluster/*")),
        ("ecs-execute-command", allow("ecs:ExecuteCommand", on=f"arn:aws:ecs:*:{ACCOUNT}:task/*")),
        ("session-second-request-path", allow("ssm:*", on=f"arn:aws:ssm:*:{ACCOUNT}:opsitem/*")),
        (
            "change-service-settings",
            allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/managed-instance/*"),
        ),
        (
            "change-service-settings",
            allow("ssm:ResetServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/just-in-time-access/*"),
        ),
        (
            "approval-start-runbook",
            allow("ssm:StartAutomationExecution", on=f"arn:aws:ssm:*:{ACCOUNT}:document/Allow*"),
        ),
        ("change-identity-provider", allow("sso:CreateAccountAssignment", on="arn:aws:sso:::instance/ssoins-1")),
        ("iam-remove-boundary", allow("organizations:LeaveOrganization")),
        ("ec2-serial-console", allow("ec2:EnableSerialConsoleAccess")),
        (
            "ec2-replace-volume",
            allow("ec2:*Volume", on=[f"arn:aws:ec2:*:{ACCOUNT}:volume/*", f"arn:aws:ec2:*:{ACCOUNT}:instance/*"]),
        ),
        (
            "ec2-change-user-data",
            allow("ec2:ModifyInstanceAttribute", **on({"StringEquals": {"ec2:Attribute": "UserData"}})),
        ),
    ],
)
def test_action_on_a_resource_of_its_type_is_reported(rule: str, statement: Any) -> None:
    assert rule in found_with(statement)


FORWARD = [
    allow("ssm:StartSession", on=INSTANCES, **on({"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}})),
    allow("ssm:StartSession", on="arn:aws:ssm:*::document/AWS-StartPortForwardingSession"),
]


def test_forwarding_only_is_no_shell_without_approval() -> None:
    found = found_with(FORWARD)
    assert not {"session-any-node", "session-fixed-nodes", "session-beyond-approved-instance"} & set(found)
    assert found["session-other-documents"] == "medium"


@pytest.mark.parametrize(
    "document_name",
    [f"{ACCOUNT}:document/SSM-SessionManagerRunShell", "*:document/*", ":document/AWS-StartInteractive*"],
)
def test_forwarding_with_a_shell_document_is_a_shell(document_name: str) -> None:
    found = found_with([*FORWARD, allow("ssm:StartSession", on=f"arn:aws:ssm:*:{document_name}")])
    assert found["session-any-node"] == "critical"


def test_forwarding_without_the_access_check_is_a_shell() -> None:
    plain = [allow("ssm:StartSession", on=INSTANCES), FORWARD[1]]
    assert found_with(plain)["session-any-node"] == "critical"


def test_approved_node_with_the_access_check_stays_clean() -> None:
    checked = {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}
    node = allow("ssm:StartSession", on=f"arn:aws:ec2:*:{ACCOUNT}:instance/{APPROVED}", **on(checked))
    assert found_with([node, *OPERATOR]) == {}
