"""Access requests of just-in-time node access, as far as AWS documents them (`extension/access_requests.py`)."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.just_in_time.documents import policy_documents
from components.just_in_time.names import DENY_ACCESS_NAME, TOKEN_ROLE
from components.just_in_time.settings import JustInTimeSettings
from local.emulator.fixtures import LINUX_IMAGE
from tests.components.just_in_time.examples import ACTION, approval, auto, cedar, level, manual
from tests.local.emulator.test_sessions import client_of
from tests.support.identity_center import ACCOUNT, IdentityCenter

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
MANAGED = "arn:aws:iam::aws:policy/AWSSystemsManagerJustInTimeAccessTokenPolicy"
ANYONE = cedar(f'permit(principal, {ACTION}, resource) when {{ resource.hasTag("Open") }};', anyone=True)


class Scene:
    """A node of each kind of approval, a requester in an IAM role, and approvers of IAM Identity Center."""

    def __init__(self, connect: Any) -> None:
        self.connect, self.iam, self.ssm = connect, connect("iam"), connect("ssm")
        self.iam.create_role(RoleName=TOKEN_ROLE, AssumeRolePolicyDocument=TRUST)
        self.iam.attach_role_policy(RoleName=TOKEN_ROLE, PolicyArn=MANAGED)
        self.iam.create_instance_profile(InstanceProfileName="Node")
        center = IdentityCenter(connect)
        group = center.group("approvers")
        center.user("anton", group)
        center.user("olivia", group)
        reserved = self.iam.get_role(RoleName=center.assign("Approvers", group, Action="ssm:*", Resource="*"))["Role"][
            "Arn"
        ]
        self.anton, self.olivia = self.session(reserved, "anton"), self.session(reserved, "olivia")
        self.requester = self.session(self.role(), "carol")
        policies = approval([manual(levels=[level(group)])], [auto(groups=[group]), ANYONE])["justInTime"]
        for each in policy_documents(JustInTimeSettings.model_validate(policies)):
            self.ssm.create_document(Name=each.name, DocumentType=each.type, Content=json.dumps(each.content))
        self.database, self.free, self.closed = (self.node(tag) for tag in ("Tier=database", "Open=yes", "Tier=other"))

    def role(self) -> str:
        arn = self.iam.create_role(RoleName="Operator", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        allowed = {"Effect": "Allow", "Action": ["ssm:StartAccessRequest", "ssm:GetAccessToken"], "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.iam.put_role_policy(RoleName="Operator", PolicyName="all", PolicyDocument=policy)
        return arn

    def session(self, role: str, name: str) -> Any:
        given = self.connect("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
        return client_of(self.connect, given["AccessKeyId"])

    def node(self, tag: str) -> str:
        key, value = tag.split("=")
        tags = [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value}]}]
        profile = {"Name": "Node"}
        made = self.connect("ec2").run_instances(
            ImageId=LINUX_IMAGE, MinCount=1, MaxCount=1, IamInstanceProfile=profile, TagSpecifications=tags
        )
        return made["Instances"][0]["InstanceId"]

    def request(self, node: str, by: Any = None) -> str:
        targets = [{"Key": "InstanceIds", "Values": [node]}]
        return (by or self.requester).start_access_request(Reason="Ticket 4711", Targets=targets)["AccessRequestId"]

    def waiting(self, request: str) -> str:
        """The execution of a request, once it waits for its approvers."""
        run = json.loads(self.item(request)["OperationalData"]["/aws/accessrequest"]["Value"])["automationExecutionId"]
        while self.execution(run)["AutomationExecutionStatus"] != "PendingApproval":
            time.sleep(0.02)
        return run

    def execution(self, run: str) -> Any:
        return self.ssm.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]

    def signal(self, run: str, signal: str = "Approve", by: Any = None) -> None:
        (by or self.anton).send_automation_signal(AutomationExecutionId=run, SignalType=signal)

    def item(self, request: str) -> Any:
        return self.ssm.get_ops_item(OpsItemId=request)["OpsItem"]

    def until(self, request: str, status: str) -> None:
        while self.item(request)["Status"] != status:
            time.sleep(0.02)


@pytest.fixture
def scene(connect: Any) -> Scene:
    return Scene(connect)


def code(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(*arguments, **named)
    return refused.value.response["Error"]["Code"]


def test_approved_request_gives_credentials_for_its_node(scene: Scene) -> None:
    request = scene.request(scene.database)
    run = scene.waiting(request)
    assert scene.requester.get_access_token(AccessRequestId=request)["AccessRequestStatus"] == "Pending"
    shown = scene.execution(run)
    assert (shown["AutomationSubtype"], shown["OpsItemId"], shown["DocumentName"]) == (
        "AccessRequest",
        request,
        "Databases",
    )
    scene.signal(run)
    scene.until(request, "Approved")
    answer = scene.requester.get_access_token(AccessRequestId=request)
    assert answer["AccessRequestStatus"] == "Approved"
    token = client_of(scene.connect, answer["Credentials"]["AccessKeyId"])
    started = token.start_session(Target=scene.database)["SessionId"]
    just_in_time = [{"key": "AccessType", "value": "JustInTime"}]
    (listed,) = scene.ssm.describe_sessions(State="Active", Filters=just_in_time)["Sessions"]
    owner = f"arn:aws:sts::{ACCOUNT}:assumed-role/{TOKEN_ROLE}/carol"
    assert (listed["SessionId"], listed["Owner"]) == (started, owner)
    assert code(token.start_session, Target=scene.free) == "AccessDeniedException"
    forward = {"DocumentName": "AWS-StartPortForwardingSession"}
    assert code(token.start_session, Target=scene.database, **forward) == "AccessDeniedException"
    assert code(scene.olivia.get_access_token, AccessRequestId=request) == "AccessDeniedException"
    scene.signal(run, "Revoke")
    assert scene.item(request)["Status"] == "Revoked"
    assert "Credentials" not in scene.requester.get_access_token(AccessRequestId=request)


def test_requester_and_strangers_cannot_decide(scene: Scene) -> None:
    request = scene.request(scene.database, scene.olivia)
    run = scene.waiting(request)
    for by in (scene.olivia, scene.requester):
        assert code(scene.signal, run, by=by) == "InvalidAutomationSignalException"
    assert code(scene.signal, run, "Revoke") == "InvalidAutomationSignalException"
    scene.signal(run, "Reject")
    scene.until(request, "Rejected")


def test_policies_decide_in_their_order(scene: Scene) -> None:
    request = scene.request(scene.free)
    assert scene.item(request)["Status"] == "Approved"
    assert scene.requester.get_access_token(AccessRequestId=request)["AccessRequestStatus"] == "Approved"
    assert code(scene.request, scene.closed) == "AccessDeniedException"
    statement = {"type": "Cedar", "content": f"forbid(principal, {ACTION}, resource);"}
    content = json.dumps({"schemaVersion": "0.3", "AutoApprovalPolicyDocuments": [statement]})
    scene.ssm.create_document(Name=DENY_ACCESS_NAME, DocumentType="AutoApprovalPolicy", Content=content)
    assert code(scene.request, scene.free) == "AccessDeniedException"
    # A person may still approve.
    assert scene.item(scene.request(scene.database))["Status"] == "PendingApproval"


def test_request_needs_an_assumed_role_and_the_service(scene: Scene) -> None:
    assert code(scene.request, scene.database, scene.ssm) == "AccessDeniedException"
    scene.iam.detach_role_policy(RoleName=TOKEN_ROLE, PolicyArn=MANAGED)
    scene.iam.delete_role(RoleName=TOKEN_ROLE)
    assert code(scene.request, scene.database) == "ValidationException"


def test_requests_are_listed_and_filtered(scene: Scene) -> None:
    ids = [scene.request(scene.free) for _ in range(3)]
    pages = scene.ssm.get_paginator("describe_ops_items").paginate(PaginationConfig={"PageSize": 2})
    assert [each["OpsItemId"] for page in pages for each in page["OpsItemSummaries"]] == ids[::-1]
    for key, value, count in (("OpsItemType", "/aws/accessrequest", 3), ("Status", "Rejected", 0)):
        filters = [{"Key": key, "Values": [value], "Operator": "Equal"}]
        assert len(scene.ssm.describe_ops_items(OpsItemFilters=filters)["OpsItemSummaries"]) == count
    unknown = [{"Key": "Category", "Values": ["x"], "Operator": "Equal"}]
    assert code(scene.ssm.describe_ops_items, OpsItemFilters=unknown) == "OpsItemInvalidParameterException"
    assert code(scene.ssm.get_ops_item, OpsItemId="oi-000000000000") == "OpsItemNotFoundException"


def test_event_history_has_no_credentials(scene: Scene, connect: Any) -> None:
    request = scene.request(scene.free)
    secret = scene.requester.get_access_token(AccessRequestId=request)["Credentials"]["SecretAccessKey"]
    chosen = [{"AttributeKey": "EventName", "AttributeValue": "GetAccessToken"}]
    (event,) = connect("cloudtrail").lookup_events(LookupAttributes=chosen)["Events"]
    assert secret not in event["CloudTrailEvent"]
    recorded = json.loads(event["CloudTrailEvent"])["responseElements"]
    assert (recorded["accessRequestStatus"], recorded["credentials"]["secretAccessKey"][:5]) == ("Approved", "Value")
