"""Breaks the rules about the separation of duties; each resource is named for what is wrong with it."""

import json

import pulumi_aws as aws

KEY = "SecurityAllowSessionInstance"
TAGGED = f"arn:aws:ec2:*:*:instance/${{aws:PrincipalTag/{KEY}}}"
SHELL = "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"


def policy(actions: object, resources: object = "*", **more: object) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resources, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def step(name: str, action: str, flow: dict[str, object], **inputs: object) -> dict[str, object]:
    return {"name": name, "action": action, "inputs": inputs, **flow}


def runbook(*steps: dict[str, object], **more: object) -> str:
    return json.dumps({"schemaVersion": "0.3", "mainSteps": steps, **more})


trust = policy("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"}).replace('"Resource": "*", ', "")
operator = aws.iam.Role("good-operator", name="Operator", assume_role_policy=trust)
own = aws.iam.Policy("good-policy", name="by-approval", policy=policy("ssm:StartSession", [TAGGED, SHELL]))
aws.iam.RolePolicyAttachment("good-attachment", role=operator.name, policy_arn=own.arn)

aws.iam.Policy("policy-for-all-nodes", policy=policy("SSM:Start*"))
aws.iam.RolePolicy("policy-of-a-role", role="Some", policy=policy("*"))
aws.iam.Policy("policy-of-all-but", policy=policy("x").replace('"Action": "x"', '"NotAction": ["iam:*", "sts:*"]'))
aws.iam.Role(
    "role-with-a-policy",
    assume_role_policy=trust,
    inline_policies=[{"name": "inline", "policy": policy("ssm:StartSession", "arn:aws:ec2:*:*:instance/*")}],
)
aws.iam.RolePolicyAttachment("role-with-all", role="Some", policy_arn="arn:aws:iam::aws:policy/AmazonSSMFullAccess")
aws.iam.UserPolicyAttachment("user-with-all", user="some", policy_arn="arn:aws:iam::aws:policy/AmazonSSMFullAccess")

aws.iam.Policy("policy-for-any-session", policy=policy(["ssm:TerminateSession", "ssm:ResumeSession"]))
aws.iam.Policy("policy-for-any-document", policy=policy("ssm:StartSession", [TAGGED, "arn:aws:ssm:*:*:document/*"]))
aws.iam.Policy("policy-for-tags", policy=policy("iam:tag*"))
aws.iam.RolePolicy("policy-in-pieces", role="Some", policy='{"Version": "2012-10-17", "Statement": ["x"]}')

node = aws.iam.Role("good-node", assume_role_policy=trust)
aws.iam.RolePolicy("policy-of-a-node", role=node.name, policy=policy("iam:AttachRolePolicy"))

aws.iam.Role("role-with-the-tag", assume_role_policy=trust, tags={KEY: "i-0123456789abcdef0"})
aws.iam.Role("role-that-poses-as-the-runbooks", name="SsmSessionControlChangeMangerRole", assume_role_policy=trust)
lent = policy(["sts:AssumeRole", "sts:TagSession"], Principal={"AWS": "123456789012"}).replace('"Resource": "*", ', "")
lenient = aws.iam.Role("role-with-tagged-sessions", name="LentOperator", assume_role_policy=lent)
aws.iam.RolePolicyAttachment("good-attachment-of-lent", role=lenient.name, policy_arn=own.arn)
aws.iam.Policy("policy-for-commands", policy=policy("ssm:SendCommand"))
aws.iam.Policy("policy-for-logins", policy=policy("ec2-instance-connect:SendSSHPublicKey"))
aws.iam.Policy("policy-for-user-data", policy=policy("ec2:ModifyInstanceAttribute"))

aws.iam.RolePolicy("policy-of-an-operator", role="Operator", policy=policy("ssm:UpdateDocument"))

BACK = {"onFailure": "step:Untag", "onCancel": "step:Untag"}
ASK = step("Ask", "aws:approve", {}, Approvers=["arn:aws:iam::123456789012:role/Approver"], MinRequiredApprovals=1)
TAG = step(
    "Tag", "aws:executeAwsApi", BACK, Service="iam", Api="TagRole", RoleName="x", Tags=[{"Key": KEY, "Value": "i"}]
)
UNTAG = step("Untag", "aws:executeAwsApi", {}, Service="iam", Api="UntagRole", RoleName="x", TagKeys=[KEY])
NOT_BACK = {name: value for name, value in TAG.items() if name != "onCancel"}
OPERATOR_ASKED = step("Ask", "aws:approve", {}, Approvers=["arn:aws:iam::123456789012:role/Operator"])
UNNAMED_ASKED = step("Ask", "aws:approve", {}, Approvers=["{{ Who }}"], MinRequiredApprovals=1)


def document(name: str, content: str, kind: str = "Automation") -> None:
    aws.ssm.Document(name, name=name, document_type=kind, content=content)


document("good-runbook", runbook(ASK, TAG, UNTAG))
document("runbook-that-keeps-the-tag", runbook(ASK, NOT_BACK, UNTAG))
LONG = step("Wait", "aws:sleep", BACK, Duration="PT2H")
document("runbook-that-waits-for-hours", runbook(ASK, TAG, LONG, UNTAG))
document("runbook-that-asks-no-one", runbook(TAG, UNTAG))
document("runbook-that-asks-operators", runbook(OPERATOR_ASKED, TAG, UNTAG))
document("runbook-that-asks-anyone", runbook(UNNAMED_ASKED, TAG, UNTAG, parameters={"Who": {"type": "String"}}))

aws.iam.Role(
    "role-without-an-alarm",
    name="ShellAccessBreakGlass",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::123456789012:user/erin"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "Bool": {"aws:MultiFactorAuthPresent": "true"},
                    "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
                },
            },
        }
    ),
)
aws.iam.Role("role-of-several-people", path="/shell-access/operators/", assume_role_policy=trust)
aws.accountaccess.Entitlement(
    "entitlement-of-a-group",
    application_arn="arn:aws:account-access:eu-west-1:123456789012:application/1234567890abcdef",
    entitlement={
        "principal_role": {
            "principal": {"identity_center": {"group_id": "0a1b2c3d-7777-2222-3333-444455556666"}},
            "role_arn": "arn:aws:iam::123456789012:role/shell-access/operators/ShellOperator-1",
        }
    },
)
aws.s3.Bucket("bucket-without-retention", bucket="shell-access-evidence-123456789012", object_lock_enabled=True)
