from policies.separation_of_duties.instances_changed_by_named_principals import RULE
from tests.policies.separation_of_duties.forms import ACCOUNT, allow
from tests.policies.separation_of_duties.identity_rules import IdentityRuleTests

INSTANCES = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"
PASS = allow("iam:PassRole", on=f"arn:aws:iam::{ACCOUNT}:role/*")

REPORTED = {
    "on everything": [allow("ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances")],
    "user data": [
        allow("ec2:ModifyInstanceAttribute", on=INSTANCES, Condition={"StringEquals": {"ec2:Attribute": "UserData"}})
    ],
    "the root volume": [allow("ec2:CreateReplaceRootVolumeTask", on=INSTANCES)],
    "the role": [allow("ec2:AssociateIamInstanceProfile", on=INSTANCES), PASS],
    "the role, passed to EC2": [
        allow("ec2:ReplaceIamInstanceProfileAssociation"),
        allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
    ],
    "a machine as a node": [allow("ssm:CreateActivation")],
    "another role of a node": [allow("ssm:UpdateManagedInstanceRole")],
}

SPARED = {
    "other services": [allow("*", on=["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"])],
    "starts and stops": [allow("ec2:StartInstances", "ec2:StopInstances", "ec2:RebootInstances")],
    "another attribute": [
        allow("ec2:ModifyInstanceAttribute", Condition={"StringEquals": {"ec2:Attribute": "DisableApiTermination"}})
    ],
    "a role without passing it": [allow("ec2:AssociateIamInstanceProfile", on=INSTANCES)],
    "a role passed to another service": [
        allow("ec2:AssociateIamInstanceProfile", on=INSTANCES),
        allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
    ],
    "reading": [allow("ec2:Describe*", "ssm:DescribeActivations")],
    "volumes": [allow("ec2:ModifyInstanceAttribute", on=f"arn:aws:ec2:*:{ACCOUNT}:volume/*")],
}


class TestInstancesChanged(IdentityRuleTests):
    rule, reported, excluded = RULE, REPORTED, SPARED
    attached = "arn:aws:iam::aws:policy/AmazonEC2FullAccess"
