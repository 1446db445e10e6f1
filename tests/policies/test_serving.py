"""The pack's own server says what the SDK's says, and reads a resource for the rules about its type alone."""

import subprocess
import sys
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy import policy as sdk
from pulumi_policy.policy import _PolicyAnalyzerServicer

from local.workspace import REPOSITORY
from policies.catalog import RULES
from policies.serving import PackServicer
from tests.policies.domain_controllers.stacks import GROUP, INSTANCE, MARKED
from tests.policies.judging import UNKNOWN, Made, stack_request

BAD = {
    "aws:kms/key:Key": {"enableKeyRotation": False, "deletionWindowInDays": 7},
    "aws:cloudwatch/logGroup:LogGroup": {"name": "x", "retentionInDays": 1},
    "aws:iam/policy:Policy": {"policy": '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'},
    "aws:ssm/document:Document": {"documentType": "Session", "content": "{"},
    "aws:s3/bucketObject:BucketObject": {"content": "unrelated"},
}


def servicer(kind: type, levels: dict[str, int] | None = None) -> Any:
    made = kind("shell-access", "1.0.0", [rule.policy() for rule in RULES], EnforcementLevel.ADVISORY)
    if levels:
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        for rule, level in levels.items():
            request.policyConfig[rule].enforcementLevel = level
        made.Configure(request, None)
    return made


def request(type_: str) -> analyzer_pb2.AnalyzeRequest:
    properties = struct_pb2.Struct()
    properties.update(BAD[type_])
    return analyzer_pb2.AnalyzeRequest(type=type_, name="x", urn=f"urn:pulumi:s::p::{type_}::x", properties=properties)


def judged(answer: analyzer_pb2.AnalyzeResponse) -> tuple[list[str], list[str]]:
    said = sorted(each.SerializeToString() for each in answer.diagnostics)
    return said, sorted(each.policy_name for each in answer.not_applicable)


@pytest.mark.parametrize("type_", BAD)
@pytest.mark.parametrize(
    "levels",
    [None, {"kms-key-rotation": analyzer_pb2.DISABLED, "log-group-retention": analyzer_pb2.REMEDIATE}],
    ids=["unconfigured", "configured"],
)
def test_it_answers_as_the_sdk_does(type_: str, levels: dict[str, int] | None) -> None:
    ours, theirs = servicer(PackServicer, levels), servicer(_PolicyAnalyzerServicer, levels)
    said, apart = judged(ours.Analyze(request(type_), None))
    wanted, apart_there = judged(theirs.Analyze(request(type_), None))
    assert said == wanted
    assert bool(said) == (type_ in {"aws:s3/bucketObject:BucketObject"} ^ BAD.keys())
    disabled = {rule for rule, level in (levels or {}).items() if level == analyzer_pb2.DISABLED}
    assert set(apart) - disabled == set(apart_there)
    assert ours.Remediate(request(type_), None).remediations == theirs.Remediate(request(type_), None).remediations


def test_resource_is_read_for_the_rules_about_its_type_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    read = sdk.deserialize_properties

    def counting(*given: Any) -> Any:
        nonlocal count
        count += 1
        return read(*given)

    monkeypatch.setattr(sdk, "deserialize_properties", counting)
    type_ = "aws:kms/key:Key"
    servicer(PackServicer).Analyze(request(type_), None)
    assert count == sum(type_ in rule.types for rule in RULES)


OPEN = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}
CONTROLLERS = (
    *(Made(type_, type_, properties) for type_, properties in BAD.items()),
    Made(GROUP, "group", {"id": "sg-1", "vpcId": UNKNOWN, "ingress": [OPEN]}),
    Made(
        INSTANCE,
        "controller",
        {"tags": MARKED, "vpcSecurityGroupIds": UNKNOWN},
        sources={"vpcSecurityGroupIds": ["group"]},
    ),
)


@pytest.mark.parametrize("levels", [None, {"controller-inbound-sources": analyzer_pb2.DISABLED}])
def test_stack_is_evaluated_as_by_the_sdk(levels: dict[str, int] | None) -> None:
    ours, theirs = servicer(PackServicer, levels), servicer(_PolicyAnalyzerServicer, levels)
    found = judged(ours.AnalyzeStack(stack_request(*CONTROLLERS), None))
    assert found == judged(theirs.AnalyzeStack(stack_request(*CONTROLLERS), None))
    assert any(b"controller-inbound-sources" in each for each in found[0]) == (levels is None)


def test_stack_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    read = sdk.deserialize_properties
    monkeypatch.setattr(sdk, "deserialize_properties", lambda given: decoded.append(1) or read(given))
    servicer(PackServicer).AnalyzeStack(stack_request(*CONTROLLERS), None)
    assert len(decoded) == len(CONTROLLERS)


def test_later_configuration_takes_the_place_of_the_first() -> None:
    ours = servicer(PackServicer, {"kms-key-rotation": analyzer_pb2.DISABLED})
    before = {each.policyName for each in ours.Analyze(request("aws:kms/key:Key"), None).diagnostics}
    again = analyzer_pb2.ConfigureAnalyzerRequest()
    again.policyConfig["kms-key-rotation"].enforcementLevel = analyzer_pb2.MANDATORY
    ours.Configure(again, None)
    after = {each.policyName for each in ours.Analyze(request("aws:kms/key:Key"), None).diagnostics}
    assert after - before == {"kms-key-rotation"}


def secret(value: Any) -> dict[str, Any]:
    """A value as the engine sends a secret."""
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


HIDDEN = "hunter2"
SECRETS: dict[str, dict[str, Any]] = {
    "aws:iam/policy:Policy": {
        "policy": secret(f'{{"Statement": {{"Sid": "{HIDDEN}", "Effect": "Allow", "Action": "*", "Resource": "*"}}}}')
    },
    "aws:ssm/document:Document": {"documentType": "Session", "name": "x", "content": secret(HIDDEN)},
    "aws:iam/role:Role": {"name": "x", "tags": secret({"SecurityAllowSessionInstance": HIDDEN})},
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": {
        "user": "x",
        "policyArn": secret(f"arn:aws:iam::aws:policy/{HIDDEN}/AdministratorAccess"),
    },
    "aws:cloudformation/stack:Stack": {
        "templateBody": secret(
            f"Resources: {{{HIDDEN}: {{Type: 'AWS::IAM::Role', Properties: {{ManagedPolicyArns: "
            "['arn:aws:iam::aws:policy/AdministratorAccess']}}}"
        )
    },
}


SECRETS["aws:cloudformation/stackSet:StackSet"] = {
    "parameters": secret({"Word": HIDDEN}),
    "templateBody": "Parameters: {Word: {Type: String}}\nResources: {R: {Type: 'AWS::IAM::ManagedPolicy', Properties: "
    "{PolicyDocument: {Statement: {Sid: !Ref Word, Effect: Allow, Action: '*', Resource: '*'}}}}}",
}


@pytest.mark.parametrize("type_", SECRETS)
def test_no_message_quotes_a_secret(type_: str) -> None:
    properties = struct_pb2.Struct()
    properties.update(SECRETS[type_])
    asked = analyzer_pb2.AnalyzeRequest(type=type_, name="x", urn=f"urn:pulumi:s::p::{type_}::x", properties=properties)
    said = [each.message for each in servicer(PackServicer).Analyze(asked, None).diagnostics]
    assert said
    assert not any(HIDDEN in each for each in said)
    assert any("found [secret], expected" in each for each in said)


def test_no_message_about_a_stack_quotes_a_secret() -> None:
    tag = '{"Service": "iam", "Api": "TagRole", "Tags": [{"Key": "SecurityAllowSessionInstance"}]}'
    content = f'{{"mainSteps": [{{"name": "{HIDDEN}", "action": "aws:executeAwsApi", "inputs": {tag}}}]}}'
    properties = struct_pb2.Struct()
    properties.update({"documentType": "Automation", "name": "x", "content": secret(content)})
    type_ = "aws:ssm/document:Document"
    made = analyzer_pb2.AnalyzerResource(
        type=type_, name="x", urn=f"urn:pulumi:s::p::{type_}::x", properties=properties
    )
    asked = analyzer_pb2.AnalyzeStackRequest(resources=[made])
    said = [each.message for each in servicer(PackServicer).AnalyzeStack(asked, None).diagnostics]
    assert any("content: found [secret], expected an aws:approve step" in each for each in said)
    assert not any(HIDDEN in each for each in said)


def test_pack_imports_no_client_of_aws() -> None:
    """The engine waits for the pack before it starts the program."""
    program = "import sys, policies.serving; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    imported = set(run.stdout.split())
    assert "policies.catalog" in imported
    assert not imported & {"boto3", "botocore", "cedarpy", "components.approval.plan", "pulumi_aws"}


def test_pack_starts_without_models_and_the_aws_sdk() -> None:
    program = "import sys, policies.serving; print(sorted({'boto3', 'botocore', 'pydantic', 'pulumi_aws'} & sys.modules.keys()))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "[]\n"
