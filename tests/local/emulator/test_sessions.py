"""Sessions of the local AWS, which ask IAM; API_… pages and the User Guide are named where they apply."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.approval.iam_policies import operator_policy
from components.approval.names import TAG_KEY, WorkflowLocation
from components.session_manager.document import document
from components.session_manager.settings import SessionManagerSettings, preferences
from local.emulator.fixtures import LINUX_IMAGE

ACCOUNT = "123456789012"
REGION = "eu-west-1"
PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region=REGION)
OPERATOR: Any = operator_policy(PLACE, session_data_encryption=True)
DOCUMENT = "SSM-SessionManagerRunShell"
EVERYTHING = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
As = Callable[..., Any]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def on(instance: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:ec2:*:{ACCOUNT}:instance/{instance}"
    return {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": arn, **more}


@pytest.fixture
def instance(iam: Any, ec2: Any) -> str:
    iam.create_instance_profile(InstanceProfileName="Node")
    return launch(ec2, IamInstanceProfile={"Name": "Node"})


def launch(ec2: Any, **options: Any) -> str:
    return ec2.run_instances(ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1, **options)["Instances"][0]["InstanceId"]


@pytest.fixture
def as_role(connect: Any, iam: Any) -> As:
    """Systems Manager as a session of a role that is made with these policies."""

    def make(*statements: dict[str, Any], name: str = "Operator", tag: str = "", session: str = "") -> Any:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        if tag:
            iam.tag_role(RoleName=name, Tags=[{"Key": TAG_KEY, "Value": tag}])
        return assume(connect, name, session)

    return make


def assume(connect: Any, name: str, session_policy: str = "", who: str = "olivia") -> Any:
    limit = {"Policy": session_policy} if session_policy else {}
    arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
    given = connect("sts").assume_role(RoleArn=arn, RoleSessionName=who, **limit)["Credentials"]
    return client_of(connect, given["AccessKeyId"])


def client_of(connect: Any, access_key: str) -> Any:
    import boto3  # noqa: PLC0415

    endpoint = connect("ssm").meta.endpoint_url
    return boto3.client(
        "ssm", REGION, endpoint_url=endpoint, aws_access_key_id=access_key, aws_secret_access_key="local"
    )


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_answer_is_what_a_client_opens_its_channel_with(ssm: Any, instance: str) -> None:
    """API_StartSession."""
    answer = ssm.start_session(Target=instance, Reason="look")
    assert answer["SessionId"] in answer["StreamUrl"]
    assert answer["StreamUrl"].startswith(f"wss://ssmmessages.{REGION}.amazonaws.com/v1/data-channel/")
    assert len(answer["TokenValue"]) > 100
    (session,) = ssm.describe_sessions(State="Active")["Sessions"]
    assert (session["Target"], session["Status"], session["Reason"]) == (instance, "Connected", "look")
    assert session["DocumentName"] == DOCUMENT


@pytest.mark.parametrize("state", ["not there", "unmanaged", "stopped"])
def test_target_that_is_not_connected_is_named(ssm: Any, ec2: Any, instance: str, state: str) -> None:
    """API_StartSession, TargetNotConnected."""
    target = {"not there": "i-0123456789abcdef0", "unmanaged": "", "stopped": instance}[state] or launch(ec2)
    if state == "stopped":
        ec2.stop_instances(InstanceIds=[instance])
    assert refused(ssm.start_session, Target=target) == ("TargetNotConnected", f"{target} is not connected.")


def test_document_has_to_be_there(ssm: Any, instance: str) -> None:
    """API_StartSession, InvalidDocument."""
    assert refused(ssm.start_session, Target=instance, DocumentName="Mine")[0] == "InvalidDocument"
    assert ssm.start_session(Target=instance, DocumentName="AWS-StartPortForwardingSession")["SessionId"]


def test_role_without_policies_is_refused_in_the_words_of_aws(as_role: As, instance: str) -> None:
    code, message = refused(as_role().start_session, Target=instance)
    assert code == "AccessDeniedException"
    assert message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/Operator/olivia is not authorized to perform: ssm:StartSession on "
        f"resource: arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{instance} because no identity-based policy allows the "
        "ssm:StartSession action"
    )


def test_operator_starts_session_on_tagged_instance_only(as_role: As, instance: str, iam: Any, ssm: Any) -> None:
    content = json.dumps(document(preferences(SessionManagerSettings(), account_id=ACCOUNT, region=REGION)))
    ssm.create_document(Name=DOCUMENT, DocumentType="Session", Content=content)
    operator = as_role(*OPERATOR["Statement"], tag=instance)
    assert operator.start_session(Target=instance)["SessionId"].startswith("olivia-")
    assert operator.start_session(Target=instance, DocumentName=DOCUMENT)["SessionId"]
    assert refused(operator.start_session, Target="i-0123456789abcdef0")[0] == "AccessDeniedException"
    iam.untag_role(RoleName="Operator", TagKeys=[TAG_KEY])
    assert refused(operator.start_session, Target=instance)[0] == "AccessDeniedException"


@pytest.mark.parametrize("name", ["AWS-StartPortForwardingSession", "Mine"])
def test_operator_starts_with_no_other_document(as_role: As, instance: str, name: str) -> None:
    code, message = refused(
        as_role(*OPERATOR["Statement"], tag=instance).start_session, Target=instance, DocumentName=name
    )
    account = "" if name.startswith("AWS-") else ACCOUNT
    assert code == "AccessDeniedException"
    assert f"on resource: arn:aws:ssm:{REGION}:{account}:document/{name} because" in message


@pytest.mark.parametrize(
    ("condition", "named", "allowed"),
    [(False, False, True), (True, False, False), (True, True, True)],
    ids=["not asked for", "asked for and not allowed", "asked for and allowed"],
)
def test_default_document_requires_permission_if_checked(
    as_role: As,
    instance: str,
    condition: bool,  # noqa: FBT001
    named: bool,  # noqa: FBT001
    allowed: bool,  # noqa: FBT001
) -> None:
    """User Guide, Start a session with a document: ssm:SessionDocumentAccessCheck."""
    check = {"Condition": {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}} if condition else {}
    both = on(instance, **check)
    arns = [both["Resource"], *([f"arn:aws:ssm:*:{ACCOUNT}:document/{DOCUMENT}"] if named else [])]
    role = as_role({**both, "Resource": arns})
    if allowed:
        assert role.start_session(Target=instance)["SessionId"]
    else:
        assert refused(role.start_session, Target=instance)[0] == "AccessDeniedException"


def test_deny_boundary_and_session_policy_restrict(as_role: As, connect: Any, instance: str, iam: Any) -> None:
    deny = {**on("*"), "Effect": "Deny"}
    denied = as_role(EVERYTHING, deny, name="Denied")
    assert refused(denied.start_session, Target=instance)[1].endswith(
        "with an explicit deny in an identity-based policy"
    )
    as_role(EVERYTHING, name="Bounded")
    only_s3 = policy({**EVERYTHING, "Action": "s3:*"})
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=only_s3)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="Bounded", PermissionsBoundary=boundary)
    said = refused(assume(connect, "Bounded").start_session, Target=instance)[1]
    assert said.endswith("because no permissions boundary allows the ssm:StartSession action")
    limited = as_role(EVERYTHING, name="Limited", session=policy(on("i-0123456789abcdef0")))
    said = refused(limited.start_session, Target=instance)[1]
    assert said.endswith("because no session policy allows the ssm:StartSession action")


def test_user_has_own_policies_those_of_groups_and_managed_ones(connect: Any, instance: str, iam: Any) -> None:
    iam.create_user(UserName="alice")
    alice = client_of(connect, iam.create_access_key(UserName="alice")["AccessKey"]["AccessKeyId"])
    code, message = refused(alice.start_session, Target=instance)
    assert code == "AccessDeniedException"
    assert message.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized")
    iam.create_group(GroupName="shell")
    iam.add_user_to_group(GroupName="shell", UserName="alice")
    managed = iam.create_policy(PolicyName="shell", PolicyDocument=policy({**EVERYTHING, "Action": "s3:*"}))
    arn = managed["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(on(instance)), SetAsDefault=True)
    iam.attach_group_policy(GroupName="shell", PolicyArn=arn)
    assert alice.start_session(Target=instance)["SessionId"].startswith("alice-")


def test_policy_may_go_by_tags_of_the_instance(as_role: As, instance: str, ec2: Any) -> None:
    condition = {"Condition": {"StringEquals": {"ssm:resourceTag/Role": "Web", "aws:ResourceTag/Role": "Web"}}}
    role = as_role(on("*", **condition))
    assert refused(role.start_session, Target=instance)[0] == "AccessDeniedException"
    ec2.create_tags(Resources=[instance], Tags=[{"Key": "Role", "Value": "Web"}])
    assert role.start_session(Target=instance)["SessionId"]


def test_operator_never_resumes_and_ends_only_own_sessions(as_role: As, connect: Any, ssm: Any, instance: str) -> None:
    """API_ResumeSession, API_TerminateSession."""
    operator = as_role(*OPERATOR["Statement"], tag=instance)
    own = operator.start_session(Target=instance)["SessionId"]
    code, message = refused(operator.resume_session, SessionId=own)
    assert code == "AccessDeniedException"
    assert "ssm:ResumeSession" in message
    other = assume(connect, "Operator", who="anton").start_session(Target=instance)["SessionId"]
    assert refused(operator.terminate_session, SessionId=other)[0] == "AccessDeniedException"
    assert operator.terminate_session(SessionId=own)["SessionId"] == own
    assert ssm.terminate_session(SessionId=other)["SessionId"] == other
    assert ssm.describe_sessions(State="Active")["Sessions"] == []
    assert {each["SessionId"] for each in ssm.describe_sessions(State="History")["Sessions"]} == {own, other}


def test_local_credentials_are_allowed_and_unknown_ones_denied(connect: Any, ssm: Any, instance: str) -> None:
    session = ssm.start_session(Target=instance)["SessionId"]
    assert ssm.resume_session(SessionId=session)["SessionId"] == session
    unknown = client_of(connect, "ASIAAAAAAAAAAAAAAAAA")
    assert refused(unknown.start_session, Target=instance)[0] == "UnrecognizedClientException"


def test_session_that_is_not_there(ssm: Any) -> None:
    assert refused(ssm.resume_session, SessionId="x-0123")[0] == "DoesNotExistException"


def test_sessions_are_listed_newest_first_in_pages_and_filtered(ssm: Any, instance: str) -> None:
    """API_DescribeSessions."""
    started = [ssm.start_session(Target=instance)["SessionId"] for _ in range(3)]
    pages = ssm.get_paginator("describe_sessions").paginate(State="Active", PaginationConfig={"PageSize": 2})
    assert [each["SessionId"] for page in pages for each in page["Sessions"]] == started[::-1]
    chosen = [{"key": "SessionId", "value": started[1]}]
    assert [each["SessionId"] for each in ssm.describe_sessions(State="Active", Filters=chosen)["Sessions"]] == [
        started[1]
    ]
    for key, count in (("InvokedAfter", 3), ("InvokedBefore", 0)):
        period = [{"key": key, "value": "2026-01-01T00:00:00Z"}]
        assert len(ssm.describe_sessions(State="Active", Filters=period)["Sessions"]) == count
    for access, count in (("Standard", 3), ("JustInTime", 0)):
        kind = [{"key": "AccessType", "value": access}]
        assert len(ssm.describe_sessions(State="Active", Filters=kind)["Sessions"]) == count
    unknown = [{"key": "Nothing", "value": "Standard"}]
    assert refused(ssm.describe_sessions, State="Active", Filters=unknown)[0] == "InvalidFilterKey"
