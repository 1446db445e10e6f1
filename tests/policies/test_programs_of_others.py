"""Programs as others write them: what they do by their own right is not accused, and one change for the worse is."""

import json
from typing import Any

import pytest

import policies.catalog  # noqa: F401 -- lets the rules look into templates
from policies.domain_controllers import RULES as CONTROLLERS
from policies.foundations.resources_readable import RESOURCES_READABLE as READABLE
from policies.separation_of_duties import RULES as DUTIES
from policies.session_manager import RULES as SESSIONS
from tests.policies.judging import UNKNOWN, Made, judge, judge_stack

ACCOUNT = "111122223333"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
GROUP = "aws:ec2/securityGroup:SecurityGroup"

JUDGING = (*CONTROLLERS, *DUTIES, *SESSIONS, READABLE)
"""The rules about permissions and exposure; those about encryption and retention apply to every program."""


def trust(principal: dict[str, Any], *actions: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions or ("sts:AssumeRole",))}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}
    )


def document(*statements: tuple[list[str], Any] | dict[str, Any]) -> str:
    written = [
        each if isinstance(each, dict) else {"Effect": "Allow", "Action": each[0], "Resource": each[1]}
        for each in statements
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": written})


def role(name: str, service: str, *managed: str, inline: str = "") -> list[Made]:
    """A role of a service, as modules make it: with attachments of AWS' policies and one inline policy."""
    properties = {
        "name": name,
        "assumeRolePolicy": trust({"Service": f"{service}.amazonaws.com"}),
        "inlinePolicies": UNKNOWN,
        "managedPolicyArns": UNKNOWN,
        "arn": UNKNOWN,
        "tags": {"Team": "web"},
    }
    attached = [
        Made(ATTACHMENT, f"{name}-{arn}", {"role": name, "policyArn": f"arn:aws:iam::aws:policy/{arn}"})
        for arn in managed
    ]
    own = [Made(ROLE_POLICY, f"{name}-own", {"role": name, "policy": inline})] if inline else []
    return [Made(ROLE, name, properties), *attached, *own]


def federated(name: str, policy: str) -> list[Made]:
    provider = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"}
    audience = {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}
    assume = trust(provider, "sts:AssumeRoleWithWebIdentity", StringEquals=audience)
    return [
        Made(ROLE, name, {"name": name, "assumeRolePolicy": assume}),
        Made(ROLE_POLICY, f"{name}-own", {"role": name, "policy": policy}),
    ]


def policy(name: str, text: str) -> list[Made]:
    return [Made(POLICY, name, {"name": name, "policy": text})]


def group(name: str, **rules: Any) -> list[Made]:
    return [Made(GROUP, name, {"id": UNKNOWN, "tags": {"Name": name}, **rules})]


PROGRAMS: dict[str, list[Made]] = {
    "an EKS cluster": [
        *role("cluster", "eks", "AmazonEKSClusterPolicy", "AmazonEKSVPCResourceController"),
        *role(
            "nodes", "ec2", "AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly"
        ),
        *role("csi", "pods.eks", "service-role/AmazonEBSCSIDriverPolicy"),
        Made("kubernetes:apps/v1:Deployment", "web", {}),
    ],
    "an ECS service with the agent of ECS Exec": [
        *role("execution", "ecs-tasks", "service-role/AmazonECSTaskExecutionRolePolicy"),
        *role(
            "task",
            "ecs-tasks",
            inline=document(
                (["ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel"], "*"),
                (["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::uploads/*"),
            ),
        ),
    ],
    "managed instances": [
        *role("node", "ec2", "AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"),
        Made("aws:iam/instanceProfile:InstanceProfile", "node", {"role": "node"}),
        Made(
            "aws:ec2/instance:Instance",
            "web",
            {"tags": {"Name": "web"}, "vpcSecurityGroupIds": UNKNOWN, "inlinePolicies": UNKNOWN},
        ),
    ],
    "functions": [
        *role(
            "function",
            "lambda",
            "service-role/AWSLambdaBasicExecutionRole",
            inline=document(
                (["dynamodb:GetItem", "dynamodb:Query"], f"arn:aws:dynamodb:*:{ACCOUNT}:table/web"),
                (["ssm:GetParameter*"], f"arn:aws:ssm:*:{ACCOUNT}:parameter/web/*"),
                (["kms:Decrypt"], "*"),
            ),
        )
    ],
    "a pipeline by OpenID Connect": federated(
        "deploy",
        document(
            (["ecr:GetAuthorizationToken", "ecr:PutImage", "ecs:DescribeServices"], "*"),
            (["ecs:UpdateService", "ecs:RegisterTaskDefinition"], "*"),
            (["iam:PassRole"], f"arn:aws:iam::{ACCOUNT}:role/task"),
            (["iam:CreateRole", "iam:GetRole", "iam:CreateServiceLinkedRole"], "*"),
            (["cloudformation:*"], f"arn:aws:cloudformation:*:{ACCOUNT}:stack/web/*"),
        ),
    ),
    "a scaler": policy(
        "scaler",
        document(
            (["autoscaling:Describe*", "ec2:DescribeLaunchTemplateVersions"], "*"),
            {
                "Effect": "Allow",
                "Action": ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/kubernetes.io/cluster/web": "owned"}},
            },
        ),
    ),
    "readers": [
        *role("audit", "config", "SecurityAudit", "job-function/ViewOnlyAccess", "ReadOnlyAccess"),
        *policy("look", document((["ssm:Get*", "ssm:List*", "ssm:Describe*", "ec2:Describe*", "iam:Get*"], "*"))),
    ],
    "instances on a schedule": policy(
        "schedule",
        document(
            (["ec2:StartInstances", "ec2:StopInstances"], f"arn:aws:ec2:*:{ACCOUNT}:instance/*"),
            (["ssm:StartAutomationExecution"], f"arn:aws:ssm:*:{ACCOUNT}:automation-definition/AWS-StopEC2Instance:*"),
            (["ssm:SendCommand"], ["arn:aws:ssm:*::document/AWS-UpdateSSMAgent", "arn:aws:ec2:*:*:instance/*"]),
        ),
    ),
    "tags of resources, not of principals": policy(
        "tags",
        document(
            (["ec2:CreateTags", "s3:PutBucketTagging", "tag:TagResources", "iam:TagPolicy"], "*"),
            {
                "Effect": "Allow",
                "Action": ["iam:TagRole", "iam:UntagRole"],
                "Resource": "*",
                "Condition": {
                    "ForAllValues:StringEquals": {"aws:TagKeys": ["CostCenter", "Team"]},
                    "Null": {"aws:TagKeys": "false"},
                },
            },
        ),
    ),
    "groups without outbound rules": [
        *group("loopback", egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["127.0.0.1/32"]}]),
        *group("web", ingress=[{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["0.0.0.0/0"]}]),
    ],
    "a template": [
        Made(
            "aws:cloudformation/stack:Stack",
            "alarms",
            {
                "templateBody": """
Parameters: {Address: {Type: String}}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {KmsMasterKeyId: !Ref Address}}
  Writer:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: !Sub "lambda.${AWS::URLSuffix}"}, Action: sts:AssumeRole}]
      ManagedPolicyArns: [!Sub "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
      Policies:
        - {PolicyName: publish, PolicyDocument: {Statement: [{Effect: Allow, Action: sns:Publish, Resource: !Ref Topic}]}}
"""
            },
        )
    ],
    "other providers": [
        Made("random:index/randomPassword:RandomPassword", "password", {"result": UNKNOWN}),
        Made("tls:index/privateKey:PrivateKey", "key", {}),
        Made("aws-native:lambda:Function", "function", {}),
        Made("awsx:ec2:Vpc", "vpc", {}),
    ],
}


def said_of(resources: list[Made]) -> list[str]:
    alone = [
        text
        for rule in JUDGING
        for each in resources
        if each.type in rule.judged_types
        for text in judge(rule, each.type, each.properties, name=each.name).violations
    ]
    together = [text for rule in JUDGING if rule.is_about_stacks for text in judge_stack(rule, *resources).violations]
    return [*alone, *together]


@pytest.mark.parametrize("name", PROGRAMS)
def test_innocent_program_is_not_accused(name: str) -> None:
    assert said_of(PROGRAMS[name]) == []


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(
    "worse",
    [
        policy("bad", document((["ssm:SendCommand"], "*"))),
        policy("bad", document((["iam:TagUser"], "*"))),
        [Made(ROLE, "bad", {"tags": {"SecurityAllowSessionInstance": "i-1"}})],
        [Made("command:local:Command", "bad", {"create": "true"})],
    ],
)
def test_one_change_for_the_worse_is_reported(name: str, worse: list[Made]) -> None:
    (said,) = said_of([*PROGRAMS[name], *worse])
    assert '"bad": ' in said


def test_no_rule_fails_on_what_it_does_not_expect() -> None:
    odd = [None, [], {}, "", 0, True, UNKNOWN, [UNKNOWN], {"a": UNKNOWN}]
    names = ("policy", "content", "tags", "inlinePolicies", "templateBody", "attributes", "launchSpecifications")
    for rule in JUDGING:
        types = rule.judged_types or {GROUP, ROLE, "aws:ec2/spotFleetRequest:SpotFleetRequest", "aws:ec2/tag:Tag"}
        for type_ in sorted(types):
            for value in odd:
                made = Made(type_, properties={**dict.fromkeys(names, value), "documentType": "Automation"})
                if rule.is_about_stacks:
                    judge_stack(rule, made)
                else:
                    judge(rule, type_, made.properties)
