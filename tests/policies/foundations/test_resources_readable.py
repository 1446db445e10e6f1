import json
from typing import Any

import pytest

from policies.foundations.resources_readable import RESOURCES_READABLE as RULE
from tests.policies.judging import SILENT, UNKNOWN, Judgment, Made, judge_stack

STACK = "aws:cloudformation/stack:Stack"
CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"


def stack(resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"templateBody": json.dumps({"Resources": resources, **more})}


def one(type_: str, **properties: Any) -> dict[str, Any]:
    return {"It": {"Type": type_, "Properties": properties}}


def judged(type_: str, given: dict[str, Any], **config: Any) -> Judgment:
    return judge_stack(RULE, Made(type_, properties=given), **config)


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (STACK, {"templateUrl": "https://bucket.s3.amazonaws.com/template.json"}),
        (STACK, {"templateBody": "{"}),
        (STACK, {"templateBody": "Resources: {A: {Type: a}, A: {Type: b}}"}),
        (STACK, stack(one("AWS::CloudFormation::Stack", TemplateURL="https://x"))),
        (STACK, stack(one("Custom::Grant", ServiceToken="arn"))),
        (STACK, stack(one("AWS::CloudFormation::CustomResource"))),
        (STACK, stack(one("TF::AWS::IamRole"))),
        ("aws-native:index:CustomResourceEmulator", {}),
        (STACK, stack({}, Transform="AWS::Serverless-2016-10-31")),
        (STACK, stack({}, Transform=["Own"])),
        (STACK, stack({"Fn::ForEach::Roles": ["x", [], {}]})),
        (STACK, stack(one("AWS::IAM::Role", **{"Fn::Transform": {"Name": "AWS::Include"}}))),
        (STACK, stack(one("AWS::EC2::LaunchTemplate", Tags=[{"Key": "Role", "Value": "DomainController"}]))),
        ("aws:cloudformation/stackSet:StackSet", {"templateUrl": "https://x"}),
        (CLOUD_CONTROL, {"typeName": "AWS::CloudFormation::Stack", "desiredState": "{}"}),
        (CLOUD_CONTROL, {"typeName": "AWS::IAM::Role", "desiredState": "{"}),
        ("aws-native:cloudformation:Stack", {}),
        ("command:local:Command", {"create": "aws iam tag-role"}),
        ("command:remote:Command", {}),
        ("pulumi-python:dynamic:Resource", {}),
        ("pulumi-python:dynamic/other:Thing", {}),
        ("pulumi-nodejs:dynamic:Resource", {}),
        ("pulumi-python:dynamic/ssm:Document", {"__provider": "Z2FzdGVpZw=="}),
        ("kubernetes:iam.services.k8s.aws/v1alpha1:Role", {}),
        ("kubernetes:iam.aws.upbound.io/v1beta1:Role", {}),
        ("vpcmod:tf:aws_iam_role", {}),
        ("aws:servicecatalog/provisionedProduct:ProvisionedProduct", {}),
    ],
)
def test_what_cannot_be_read_is_reported(type_: str, given: dict[str, Any]) -> None:
    (said,) = judged(type_, given).violations
    assert said.startswith(f'{type_} "subject": ')
    assert judged(type_, given, acceptedTypes=[type_]) == SILENT


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (STACK, stack(one("AWS::S3::Bucket"), Transform="AWS::LanguageExtensions")),
        (STACK, stack(one("AWS::EC2::LaunchTemplate", Tags=[{"Key": "Role", "Value": "Web"}]))),
        (STACK, stack(one("AWS::CDK::Metadata"))),
        (CLOUD_CONTROL, {"typeName": "AWS::Logs::LogGroup", "desiredState": "{}"}),
        ("aws-native:s3:Bucket", {}),
        ("aws-native:iam:Role", {}),
        ("pulumi-python:dynamic/ssm:Document", {}),
        ("random:index/randomId:RandomId", {}),
        ("kubernetes:apps/v1:Deployment", {}),
        ("awsx:ec2:Vpc", {}),
        ("pulumi:pulumi:Stack", {}),
        ("pulumi:providers:command", {}),
        ("aws:s3/bucket:Bucket", {}),
    ],
)
def test_what_hides_nothing_is_fine(type_: str, given: dict[str, Any]) -> None:
    assert judged(type_, given) == SILENT


def test_body_that_is_not_known_yet_is_unseen() -> None:
    assert judged(STACK, {"templateBody": UNKNOWN}).unseen
    assert judged(CLOUD_CONTROL, {"typeName": "AWS::IAM::Role", "desiredState": UNKNOWN}).unseen


def test_further_types_are_configurable() -> None:
    assert judged("datadog:index/monitor:Monitor", {}, hidingTypes=["datadog:*"]).violations
