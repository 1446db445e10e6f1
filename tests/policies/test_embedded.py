"""Resources that templates, Cloud Control and aws-native hide are judged like the program's own."""

import json
from typing import Any

import pytest

from policies.catalog import RULES
from policies.embedded.containers import embedded_in
from policies.findings import Resource
from policies.rule import Rule
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge, judge_stack

STACK = "aws:cloudformation/stack:Stack"
STACK_SET = "aws:cloudformation/stackSet:StackSet"
CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"
BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}

START = """
Parameters:
  Bucket: {Type: String, Default: logs}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: Shell
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: shell
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: ACTION, Resource: RESOURCE}
"""


def template(action: str, resource: str) -> str:
    return START.replace("ACTION", action).replace("RESOURCE", resource)


OPEN = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}


def as_native(statement: dict[str, Any]) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"roleName": "Shell", "policies": [{"policyName": "shell", "policyDocument": document}]}


def accused(type_: str, properties: dict[str, Any]) -> set[str]:
    """The rules about single resources that report a container."""
    return {rule.id for rule in RULES if type_ in rule.judged_types and judge(rule, type_, properties).violations}


@pytest.mark.parametrize("type_", [STACK, STACK_SET])
@pytest.mark.parametrize(
    ("action", "resource", "rule"),
    [
        ("ssm:StartSession", '"*"', "session-start-needs-approval"),
        (
            "ssm:StartSession",
            "!Sub 'arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*'",
            "session-start-needs-approval",
        ),
        ("ssm:StartSession", "!Ref Instance", "session-start-needs-approval"),
        ("[ssm:SendCommand]", '"*"', "node-commands-need-approval"),
        ("iam:TagRole", "!GetAtt Role.Arn", "approval-tag-set-by-runbook"),
        ("ecs:ExecuteCommand", "!If [Prod, a, b]", "node-logins-need-approval"),
    ],
)
def test_policy_in_a_template_is_judged(type_: str, action: str, resource: str, rule: str) -> None:
    assert rule in accused(type_, {"templateBody": template(action, resource)})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "!Sub 'arn:aws:s3:::${Bucket}/*'"),
        (
            "ssm:StartSession",
            "!Sub 'arn:aws:ec2:*:${AWS::AccountId}:instance/${!aws:PrincipalTag/SecurityAllowSessionInstance}'",
        ),
        ("logs:PutLogEvents", "!GetAtt LogGroup.Arn"),
        ("sts:AssumeRole", "!Ref Other"),
    ],
)
def test_harmless_template_is_fine(action: str, resource: str) -> None:
    given = {"templateBody": template(action, resource)}
    assert accused(STACK, given) == set()
    assert judge_stack(BY_ID["resources-readable"], Made(STACK, properties=given)) == SILENT


@pytest.mark.parametrize(
    ("rule", "body", "place"),
    [
        (
            "session-start-needs-approval",
            template("ssm:StartSession", '"*"'),
            "Role.inlinePolicies[0].policy: found statement 1",
        ),
        (
            "kms-key-rotation",
            '{"Resources": {"Key": {"Type": "AWS::KMS::Key"}}}',
            "Key.enableKeyRotation: found no value",
        ),
        (
            "kms-key-policy-closed",
            json.dumps({"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": OPEN}}}}),
            "Key.policy.Statement[0].Principal: found every principal",
        ),
    ],
)
def test_message_says_where_in_the_template(rule: str, body: str, place: str) -> None:
    (said,) = judge(BY_ID[rule], STACK, {"templateBody": body}).violations
    assert said.startswith(f'{STACK} "subject": templateBody.Resources.{place}')


def test_template_in_json_is_judged() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "ssm:*",
        "Resource": {"Fn::Join": [":", ["arn", "aws", "ssm", "*", "*", "parameter/app"]]},
    }
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": statement}}}
    assert "documents-changed-by-named-principals" not in accused(
        STACK, {"templateBody": json.dumps({"Resources": {"P": policy}})}
    )
    statement["Resource"] = "*"
    assert "documents-changed-by-named-principals" in accused(
        STACK, {"templateBody": json.dumps({"Resources": {"P": policy}})}
    )


def test_denial_that_depends_on_the_deployment_denies_nothing() -> None:
    statements = [
        {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"},
        {"Effect": "Deny", "Action": "ssm:StartSession", "Resource": {"Ref": "What"}},
    ]
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": statements}}}
    given = {"templateBody": json.dumps({"Parameters": {"What": {"Type": "String"}}, "Resources": {"P": policy}})}
    assert "session-start-needs-approval" in accused(STACK, given)
    assert "session-start-needs-approval" not in accused(STACK, given | {"parameters": {"What": "*"}})


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (CLOUD_CONTROL, {"typeName": "AWS::IAM::RolePolicy"}),
        ("aws-native:index:ExtensionResource", {"type": "AWS::IAM::UserPolicy"}),
    ],
)
def test_cloud_control_is_judged(type_: str, given: dict[str, Any]) -> None:
    for action, expected in (("ssm:StartSession", {"session-start-needs-approval"}), ("s3:GetObject", set[str]())):
        document = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        state: Any = {"RoleName": "Shell", "PolicyName": "p", "PolicyDocument": document}
        body = {"desiredState": json.dumps(state)} if type_ == CLOUD_CONTROL else {"properties": state}
        assert accused(type_, given | body) == expected


def test_aws_native_is_judged() -> None:
    bad = as_native({"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"})
    good = as_native({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    assert accused("aws-native:iam:Role", bad) == {"session-start-needs-approval"}
    assert accused("aws-native:iam:Role", good) == set()
    assert accused("aws-native:iam:Role", {"tags": [{"key": "SecurityAllowSessionInstance", "value": "i-1"}]}) == {
        "approval-tag-not-in-program"
    }


def test_rules_about_stacks_see_what_is_hidden() -> None:
    tag = {"Service": "iam", "Api": "TagRole", "Tags": [{"Key": "SecurityAllowSessionInstance", "Value": "i-1"}]}
    steps = [{"name": "Tag", "action": "aws:executeAwsApi", "inputs": tag}]
    document = {
        "Type": "AWS::SSM::Document",
        "Properties": {"DocumentType": "Automation", "Content": {"schemaVersion": "0.3", "mainSteps": steps}},
    }
    made = Made(STACK, properties={"templateBody": json.dumps({"Resources": {"Runbook": document}})})
    (said,) = judge_stack(BY_ID["runbook-requires-approval"], made).violations
    assert '"subject/Runbook": ' in said


def test_references_in_a_template_are_followed() -> None:
    resources = {
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"Tags": [{"Key": "Role", "Value": "DomainController"}], "GroupDescription": "x"},
        },
        "Open": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
                "IpProtocol": "tcp",
                "FromPort": 389,
                "ToPort": 389,
                "CidrIp": "0.0.0.0/0",
            },
        },
    }
    made = Made(STACK, properties={"templateBody": json.dumps({"Resources": resources})})
    assert len(judge_stack(BY_ID["controller-inbound-sources"], made).violations) == 1
    resources["Open"]["Properties"]["CidrIp"] = "10.0.0.0/8"
    made = Made(STACK, properties={"templateBody": json.dumps({"Resources": resources})})
    assert judge_stack(BY_ID["controller-inbound-sources"], made) == SILENT


def test_container_keeps_the_settings_of_the_rule() -> None:
    given = {"templateBody": template("ssm:StartSession", '"*"')}
    rule = BY_ID["session-start-needs-approval"]
    assert judge(rule, STACK, given, allowedPrincipals=["role/Shell"]) == Judgment()


def test_template_that_is_not_known_yet_is_unseen() -> None:
    made = Made(STACK, properties={"templateBody": UNKNOWN}, sources={})
    assert judge_stack(BY_ID["resources-readable"], made).unseen
    assert embedded_in(Resource(type=STACK, name="x", properties={"templateBody": "not: a template"})) == ()


KEY = "SecurityAllowSessionInstance"
TAG_RULE = BY_ID["approval-tag-not-in-program"]


def tagged(*tags: Any, **more: Any) -> dict[str, Any]:
    role = {"Type": "AWS::IAM::Role", "Properties": {"Tags": list(tags)}}
    return {"templateBody": json.dumps({"Resources": {"Role": role}, **more})}


def with_key(key: Any) -> dict[str, Any]:
    return {"Key": key, "Value": "i-1"}


@pytest.mark.parametrize("key", [KEY, "CostCenter"])
def test_tag_in_a_template_counts_however_it_is_written(key: str) -> None:
    first, last = key[:4], key[4:]
    no_value = {"Ref": "AWS::NoValue"}
    for given in (
        tagged(with_key(key)),
        tagged(with_key({"Ref": "Key"}), Parameters={"Key": {"Type": "String", "Default": key}}),
        tagged(with_key({"Fn::Join": ["", [first, last]]})),
        tagged(with_key({"Fn::Select": ["1", ["a", key]]})),
        tagged(with_key({"Fn::FindInMap": ["Keys", "approval", "tag"]}), Mappings={"Keys": {"approval": {"tag": key}}}),
        tagged({"Fn::If": ["Production", with_key(key), no_value]}),
        tagged({"Fn::If": ["A", no_value, {"Fn::If": ["B", no_value, with_key(key)]}]}),
        tagged() | {"tags": {key: "i-1"}},
    ):
        found = judge(TAG_RULE, STACK, given)
        assert not found.unseen
        assert bool(found.violations) == (key == KEY)


def test_tag_with_a_key_of_the_deployment_is_unseen() -> None:
    for item in (with_key({"Ref": "Key"}), {"Fn::Split": [",", "a"]}):
        assert judge(TAG_RULE, STACK, tagged(item, Parameters={"Key": {"Type": "String"}})).unseen


def test_tag_of_an_identity_pool_in_a_template_is_reported() -> None:
    for key in (KEY, "CostCenter"):
        mapping = {"Type": "AWS::Cognito::IdentityPoolPrincipalTag", "Properties": {"PrincipalTags": {key: "sub"}}}
        assert (
            "approval-tag-not-in-program" in accused(STACK, {"templateBody": json.dumps({"Resources": {"M": mapping}})})
        ) == (key == KEY)


def test_policy_attached_under_a_condition_is_attached() -> None:
    for name, is_reported in (("AdministratorAccess", True), ("AmazonS3ReadOnlyAccess", False)):
        arn = f"arn:aws:iam::aws:policy/{name}"
        for arns in ([{"Fn::If": ["P", arn, {"Ref": "AWS::NoValue"}]}], {"Fn::If": ["P", [arn], []]}):
            role = {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": arns}}
            found = accused(STACK, {"templateBody": json.dumps({"Resources": {"R": role}})})
            assert ("node-commands-need-approval" in found) == is_reported
