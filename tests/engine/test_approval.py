"""The approval workflow on the real engine: what a person does with the stack, and what others do to it."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from components.approval import names
from components.approval.plan import GUARD_RAILS
from local.workspace import REPOSITORY
from tests.engine.deployer_policies import create_roles_boundary
from tests.engine.test_approval_verify import verified
from tests.support.emulator import wake
from tests.support.identity_center import IdentityCenter
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

APPROVERS = [{"type": "IamRole", "name": "Approver", "minRequiredApprovals": 1}]
BASE: dict[str, Any] = {"mode": "automation", "approvers": APPROVERS, "operatorRoles": ["Operator"]}
EVERYTHING: dict[str, Any] = {
    **BASE,
    "mode": "change-manager",
    "operatorUsers": ["olivia"],
    "notificationEmails": ["security@example.org"],
    "guardRails": True,
    "breakGlass": {"users": ["emergency/erin"]},
    "evidence": {"retentionMode": "compliance", "retentionDays": 1, "trail": {"bucket": "org-trail"}},
}
RUNBOOK = "Document:approval-runbook"


def governed(**settings: Any) -> dict[str, Any]:
    return {"approval": {**BASE, **settings}}


def live(ssm: Any, name: str, version: str = "$DEFAULT") -> dict[str, Any]:
    return json.loads(ssm.get_document(Name=name, DocumentVersion=version)["Content"])


def own_documents(ssm: Any) -> list[str]:
    listed = ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]
    return sorted(each["Name"] for each in listed)


def grant(iam: Any, role: str = "Operator") -> None:
    iam.tag_role(
        RoleName=role, Tags=[{"Key": names.TAG_KEY, "Value": "i-0123456789abcdef0"}, {"Key": "team", "Value": "a"}]
    )


def tags(iam: Any, role: str = "Operator") -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=role)["Tags"]}


def test_up_creates_all_and_refresh_changes_nothing(stack: Stack, aws: Callable[..., Any]) -> None:
    iam, sns, ssm = aws("iam"), aws("sns"), aws("ssm")
    stack.configure({"tags": {"owner": "platform-security"}, "approval": EVERYTHING})
    assert set(stack.preview().succeeded().steps.values()) == {"create"}
    stack.up().succeeded()
    outputs = stack.outputs()
    topic = f"arn:aws:sns:eu-west-1:123456789012:{names.TOPIC_NAME}"
    assert outputs["approval"] == {
        "mode": "change-manager",
        "runbookName": names.RUNBOOK_NAME,
        "changeTemplateName": names.CHANGE_TEMPLATE_NAME,
        "topicArn": topic,
        "roleArn": f"arn:aws:iam::123456789012:role/{names.ROLE_NAME}",
    }
    policy = f"arn:aws:iam::123456789012:policy/{names.OPERATOR_POLICY_NAME}"
    assert outputs["operatorPolicyArn"] == policy
    assert own_documents(ssm) == sorted(
        [names.RUNBOOK_NAME, names.CHANGE_TEMPLATE_NAME, names.REAPER_NAME, names.EVIDENCE_RUNBOOK_NAME]
    )
    attached = [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName="Operator")["AttachedPolicies"]]
    assert {policy, f"arn:aws:iam::123456789012:policy/{names.REQUESTER_POLICY_NAME}"} <= set(attached)
    assert len(attached) == len(iam.list_attached_user_policies(UserName="olivia")["AttachedPolicies"]) == 4
    (deciding,) = iam.list_attached_role_policies(RoleName="Approver")["AttachedPolicies"]
    assert deciding["PolicyName"] == names.APPROVER_POLICY_NAME
    key = aws("kms").describe_key(KeyId="alias/shell-access/approval")["KeyMetadata"]["KeyId"]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"] == key
    (subscription,) = sns.list_subscriptions()["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "security@example.org")
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.destroy().succeeded()
    assert own_documents(ssm) == []
    assert aws("scheduler").list_schedules()["Schedules"] == []
    assert aws("glue").get_databases()["DatabaseList"] == []
    assert [each["Name"] for each in aws("athena").list_work_groups()["WorkGroups"]] == ["primary"]
    # Locked records stay with their bucket and its key, which the next update takes over.
    bucket = "shell-access-evidence-123456789012-eu-west-1"
    lock = aws("s3").get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["Rule"]
    assert lock["DefaultRetention"]["Mode"] == "COMPLIANCE"
    steps = stack.preview().succeeded().steps
    assert steps["Bucket:approval-evidence"] == "import"
    assert steps["Key:approval-evidence-key"] in ("import", "update")


def meddle(ssm: Any, name: str, foreign: str) -> None:
    if foreign in ("gone", "another type"):
        ssm.delete_document(Name=name)
    if foreign == "another type":
        content = {"schemaVersion": "2.2", "mainSteps": []}
        ssm.create_document(Name=name, DocumentType="Command", Content=json.dumps(content))
    if foreign in ("a later version", "another default"):
        text = json.dumps({**live(ssm, name), "description": foreign})
        done = ssm.update_document(Name=name, DocumentVersion="$LATEST", Content=text)["DocumentDescription"]
        if foreign == "another default":
            ssm.update_document_default_version(Name=name, DocumentVersion=done["DocumentVersion"])


def test_changed_settings_and_drift_converge(stack: Stack, aws: Callable[..., Any]) -> None:
    iam, ssm = aws("iam"), aws("ssm")
    grant(iam)
    iam.create_role(RoleName="Second", AssumeRolePolicyDocument="{}")
    stack.configure(governed(operatorRoles=["Operator", "Second"]))
    stack.up().succeeded()
    assert tags(iam) == {"team": "a"}  # a grant from before has no approval
    assert own_documents(ssm) == sorted([names.RUNBOOK_NAME, names.REAPER_NAME])
    assert stack.outputs()["approval"]["changeTemplateName"] is None
    protects_before_an_operator_gets_the_policy(stack)

    stack.configure(governed(operatorRoles=["Operator", "Second"], approvalValidityMinutes=30))
    previewed = stack.preview("--diff").succeeded()
    assert previewed.diffs == {RUNBOOK: {"content", "settings"}}
    assert "approvalValidityMinutes: 10 => 30" in previewed.text
    assert len(previewed.text.splitlines()) < 100  # the lines that change, not the 320 of the document
    stack.configure(governed(operatorRoles=["Operator", "Second"], mode="change-manager"))
    stack.up().succeeded()
    types = {names.RUNBOOK_NAME: "Automation", names.CHANGE_TEMPLATE_NAME: "Automation.ChangeTemplate"}
    assert names.CHANGE_TEMPLATE_NAME in own_documents(ssm)
    wanted = {name: live(ssm, name) for name in types}
    for changes in (("a later version", "another default"), ("another type", "gone")):
        for name, foreign in zip(types, changes, strict=True):
            meddle(ssm, name, foreign)
        stack.up("--refresh").succeeded()
        for name, kind in types.items():
            assert live(ssm, name) == live(ssm, name, "$LATEST") == wanted[name]
            assert ssm.describe_document(Name=name)["Document"]["DocumentType"] == kind

    grant(iam)
    grant(iam, "Second")
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.configure(governed(operatorRoles=["Second"], mode="change-manager"))
    stack.up().succeeded()
    assert names.TAG_KEY not in tags(iam)
    assert names.TAG_KEY in tags(iam, "Second")
    stack.destroy().succeeded()
    assert tags(iam, "Second") == tags(iam) == {"team": "a"}


def protects_before_an_operator_gets_the_policy(stack: Stack) -> None:
    resources = {each["urn"]: each for each in stack.state()}
    attachments = [each for each in resources.values() if each["urn"].endswith("-role-Operator")]
    assert len(attachments) == 2
    for attachment in attachments:
        before = {resources[urn]["type"].rsplit(":", 1)[1] for urn in attachment["dependencies"]}
        assert {"Policy", "Document", "OperatorGrants"} <= before
    (rights,) = (each for each in resources.values() if each["urn"].endswith("RolePolicy::approval-role"))
    assert any(urn.endswith("OperatorGrants::approval-grants") for urn in rights["dependencies"])


def test_existing_topic_and_document_are_restored_on_destroy(stack: Stack, aws: Callable[..., Any]) -> None:
    ssm, sns = aws("ssm"), aws("sns")
    topic = sns.create_topic(Name=names.TOPIC_NAME)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="they@example.org")
    before = {
        "schemaVersion": "0.3",
        "mainSteps": [{"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1M"}}],
    }
    ssm.create_document(Name=names.RUNBOOK_NAME, DocumentType="Automation", Content=json.dumps(before))
    stack.configure(governed())
    stack.up().succeeded()
    assert live(ssm, names.RUNBOOK_NAME) != before
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    stack.destroy().succeeded()
    assert live(ssm, names.RUNBOOK_NAME) == before
    assert [each["Endpoint"] for each in sns.list_subscriptions()["Subscriptions"]] == ["they@example.org"]


def test_foreign_role_and_policy_are_refused_before_any_change(stack: Stack, aws: Callable[..., Any]) -> None:
    iam = aws("iam")
    iam.create_role(RoleName=names.ROLE_NAME, AssumeRolePolicyDocument="{}")
    theirs = {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    iam.create_policy(PolicyName=names.OPERATOR_POLICY_NAME, PolicyDocument=document)
    stack.configure(governed())
    said = stack.up().failed().text
    for what in (f"the role {names.ROLE_NAME}", f"the policy {names.OPERATOR_POLICY_NAME}"):
        assert f"shell-access:approval: {what} exists and was not created by a stack of this program" in said
    assert own_documents(aws("ssm")) == []
    assert aws("sns").list_topics()["Topics"] == []


def test_invalid_configuration_reports_every_problem(stack: Stack, aws: Callable[..., Any]) -> None:
    sso = "AWSReservedSSO_Admin_0123456789abcdef"
    approvers = [{"type": "SSOGroup", "name": "security"}, {"type": "IamRole", "name": "Operator"}]
    stack.configure(governed(approvers=approvers, operatorRoles=["Operator", sso], approvalValidityMinutes=0))
    said = stack.up().failed().text
    assert "shell-access:approval.approvalValidityMinutes: expected whole minutes from 1 to 1440, got 0." in said
    assert "shell-access:approval.approvers[0].type:" in said
    assert "shell-access:approval.approvers[1].name:" in said
    assert "IAM Identity Center manages this one" in said
    assert own_documents(aws("ssm")) == []


def test_dev_approval_grants_one_request_and_rejects_another(
    stack: Stack, aws: Callable[..., Any], aws_endpoint: str
) -> None:
    dev = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    stack.configure({"approval": dev["shell-access:approval"]})
    stack.up().succeeded()
    instance = node(aws("ec2"))
    run = ask(aws, instance)
    decide(aws, run)
    until(aws("ssm"), run, lambda found: found.get("CurrentStepName") == "WaitForValidity")
    assert tags(aws("iam")) == {names.TAG_KEY: instance}
    wake(aws_endpoint, run)
    until(aws("ssm"), run, lambda found: found["AutomationExecutionStatus"] == "Success")
    assert tags(aws("iam")) == {}
    refused = ask(aws, "i-0123456789abcdef0")
    decide(aws, refused)
    found = until(aws("ssm"), refused, lambda found: found["AutomationExecutionStatus"] == "Failed")
    assert "does not exist in eu-west-1" in found["Outputs"]["CheckRequest.Reason"][0]
    person_of_identity_center_gets_a_session(stack, aws, IdentityCenter(aws), dev["shell-access:approval"])


@pytest.mark.exhaustive
def test_people_of_identity_center_come_and_go(stack: Stack, aws: Callable[..., Any], aws_endpoint: str) -> None:
    """Oscar leaves the group, and Olivia is deleted and created again, while she has a grant."""
    dev = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    center, iam = IdentityCenter(aws), aws("iam")
    run = person_of_identity_center_gets_a_session(stack, aws, center, dev["shell-access:approval"])
    assert faults(stack) == {"approval-identity-center-assignments": "not assigned to olivia@example.org"}
    users = {name: arn.rsplit("ShellOperator-")[-1] for name, arn in operator_roles(stack).items()}
    center.leave(center.id_of("Shell"), users["oscar@example.org"])
    left = faults(stack)
    assert "oscar@example.org, who is no operator" in left.pop("approval-operator-role-leftovers")
    assert set(left) == {
        *("approval-reaper-content", "approval-identity-center-assignments"),
        *(f"approval-{each}-policy-attachments" for each in ("operator", "requester", *GUARD_RAILS)),
    }
    center.delete(users["olivia@example.org"])
    assert 'user "olivia@example.org"' in faults(stack)["approval-identity-center"]
    assert "got unknown ones: user" in stack.up().failed().text
    again = center.user("olivia@example.org", center.id_of("Shell"))
    assert f"is the user name of user {again} now" in faults(stack)["approval-operator-role-leftovers"]
    stack.up().succeeded()
    roles = iam.list_roles(PathPrefix="/shell-access/operators/")["Roles"]
    assert [each["RoleName"] for each in roles] == [f"ShellOperator-{again}"]
    wake(aws_endpoint, run)
    until(aws("ssm"), run, lambda found: found["AutomationExecutionStatus"] == "Success")
    entitled_person_gets_a_session(stack, aws, center, dev["shell-access:approval"])
    iam.attach_role_policy(RoleName=f"ShellOperator-{again}", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert "ReadOnlyAccess is attached" in faults(stack)["approval-operator-role"]
    stack.destroy().succeeded()
    assert iam.list_roles(PathPrefix="/shell-access/operators/")["Roles"] == []


def person_of_identity_center_gets_a_session(
    stack: Stack, aws: Callable[..., Any], center: IdentityCenter, dev: dict[str, Any]
) -> str:
    """Olivia and Oscar get a role each, and Olivia a grant; returns its run.

    Olivia is entitled to her role, too, as before a change to account access manager. Her role does not trust it yet.
    """
    instance = node(aws("ec2"))
    group = center.group("Shell")
    olivia, oscar = center.user("olivia@example.org"), center.user("oscar@example.org", group)
    people = [{"identityCenterUser": "olivia@example.org"}, {"identityCenterGroup": "Shell"}]
    section = {**dev, "operators": people, "identityCenter": {"permissionSet": "ShellUser"}}
    application = center.application()
    entitled = [{"identityCenterUser": "olivia@example.org", "accounts": ["123456789012"]}]
    stack.configure({"approval": section, "accountAccess": {"applicationArn": application, "operators": entitled}})
    reserved = center.assign("ShellUser", group, Action="sts:AssumeRole", Resource="*")
    create_roles_boundary(aws("iam"), stack)
    stack.up().succeeded()
    roles = operator_roles(stack)
    assert roles == {
        name: f"arn:aws:iam::123456789012:role/shell-access/operators/ShellOperator-{user}"
        for name, user in (("olivia@example.org", olivia), ("oscar@example.org", oscar))
    }
    iam, arn = aws("iam"), roles["olivia@example.org"]
    (found,) = aws("account-access").list_entitlements(applicationArn=application, filter={})["entitlements"]
    of_olivia = {"principal": {"identityCenter": {"userId": olivia}}, "roleArn": arn, "account": "123456789012"}
    assert found["entitlement"]["principalRole"] == of_olivia
    assert stack.outputs()["accountAccess"]["entitledRoleArns"] == {"123456789012": [arn]}
    with pytest.raises(HTTPError, match="403"):
        center.sign_in(application, olivia, arn, "any-name")
    name = arn.rsplit("/", 1)[-1]
    assert len(iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]) == 4
    boundary = iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    # The boundary of the stack takes the place of the one of operators, as a role has only one.
    assert boundary.endswith(":policy/ShellAccessRoleBoundary")

    own = chained(aws, reserved, "olivia@example.org", arn)
    for other in ("oscar@example.org", "olivia@example.com"):
        with pytest.raises(ClientError, match="AccessDenied"):
            chained(aws, reserved, other, arn)
    preferences = {"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {}}
    aws("ssm").create_document(
        Name="SSM-SessionManagerRunShell", DocumentType="Session", Content=json.dumps(preferences)
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        own.start_session(Target=instance, DocumentName="SSM-SessionManagerRunShell")
    run = own.start_automation_execution(
        DocumentName=names.RUNBOOK_NAME,
        Parameters={"InstanceId": [instance], "PrincipalType": ["role"], "PrincipalName": [name]},
    )["AutomationExecutionId"]
    decide(aws, run)
    until(aws("ssm"), run, lambda found: found.get("CurrentStepName") == "WaitForValidity")
    assert names.TAG_KEY in tags(iam, name)
    # A grant is no drift: neither a preview nor an update touches it.
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    started = own.start_session(Target=instance, DocumentName="SSM-SessionManagerRunShell")
    assert started["SessionId"].startswith("olivia@example.org")
    return run


def entitled_person_gets_a_session(
    stack: Stack, aws: Callable[..., Any], center: IdentityCenter, dev: dict[str, Any]
) -> None:
    """Olivia's role changes to account access manager, whose entitlement names her; then a group is entitled to it, too."""
    aws("organizations").create_organization(FeatureSet="ALL")
    aws("organizations").enable_aws_service_access(ServicePrincipal="account-access.amazonaws.com")
    application = center.application()
    people = [{"identityCenterUser": "olivia@example.org"}]
    access = {"access": "account-access-manager", "applicationArn": application}
    entitled = [{**each, "accounts": ["123456789012"]} for each in people]
    stack.configure(
        {
            "approval": {**dev, "operators": people, "identityCenter": access},
            "accountAccess": {"applicationArn": application, "operators": entitled},
        }
    )
    stack.up().succeeded()
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    assert faults(stack, "approval-", "account-access-") == {}
    (arn,) = operator_roles(stack).values()
    user = arn.rsplit("ShellOperator-")[-1]
    own = with_keys(aws, center.sign_in(application, user, arn, "any-name"), "ssm")
    instance = node(aws("ec2"))
    given = {"InstanceId": [instance], "PrincipalType": ["role"], "PrincipalName": [arn.rsplit("/", 1)[-1]]}
    run = own.start_automation_execution(DocumentName=names.RUNBOOK_NAME, Parameters=given)["AutomationExecutionId"]
    decide(aws, run)
    until(aws("ssm"), run, lambda found: found.get("CurrentStepName") == "WaitForValidity")
    found = aws("ssm").get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
    assert found["Outputs"]["CheckRequest.Requester"][0].startswith("olivia@example.org, arn:aws:sts:")
    assert own.start_session(Target=instance, DocumentName="SSM-SessionManagerRunShell")["SessionId"]
    by_group = center.entitle(application, arn, groupId=center.id_of("Shell"))
    reported = faults(stack, "approval-", "account-access-")
    assert set(reported) == {
        f"{each}-entitlements-of-others" for each in ("approval-identity-center", "account-access")
    }
    aws("account-access").delete_entitlement(applicationArn=application, entitlementId=by_group)


def operator_roles(stack: Stack) -> dict[str, str]:
    return stack.outputs()["approval"]["operatorRoleArns"]


def faults(stack: Stack, *prefixes: str) -> dict[str, str]:
    """Findings about approval, without those about trails, of which the account has none."""
    found = {check: each.found for check, each in verified(stack).items()}
    chosen = prefixes or ("approval-",)
    return {check: text for check, text in found.items() if check.startswith(chosen) and "-trail" not in check}


def chained(aws: Callable[..., Any], reserved: str, session: str, arn: str) -> Any:
    """A client in a person's role, which a session of a permission set's role assumes."""
    path = f"aws-reserved/sso.amazonaws.com/eu-west-1/{reserved}"
    caller = as_role(aws, path, session, "sts")
    given = caller.assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
    return with_keys(aws, given, "ssm")


def node(ec2: Any) -> str:
    named = [{"Name": "tag:Name", "Values": ["app-1"]}]
    return ec2.describe_instances(Filters=named)["Reservations"][0]["Instances"][0]["InstanceId"]


def as_role(aws: Callable[..., Any], role: str, session: str, service: str = "ssm") -> Any:
    arn = f"arn:aws:iam::123456789012:role/{role}"
    given = aws("sts").assume_role(RoleArn=arn, RoleSessionName=session)["Credentials"]
    return with_keys(aws, given, service)


def with_keys(aws: Callable[..., Any], given: dict[str, str], service: str) -> Any:
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=aws("ssm").meta.endpoint_url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def ask(aws: Callable[..., Any], instance: str) -> str:
    given = {"InstanceId": [instance], "PrincipalType": ["role"], "PrincipalName": ["Operator"]}
    started = as_role(aws, "Operator", "olivia").start_automation_execution(
        DocumentName=names.RUNBOOK_NAME, Parameters=given
    )
    return started["AutomationExecutionId"]


def decide(aws: Callable[..., Any], run: str) -> None:
    until(aws("ssm"), run, lambda found: found["AutomationExecutionStatus"] == "Waiting")
    as_role(aws, "Approver", "anton").send_automation_signal(AutomationExecutionId=run, SignalType="Approve")


def until(ssm: Any, run: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        found = ssm.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
        if condition(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
