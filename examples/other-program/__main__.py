"""Baseline of one account: components of Shell Access beside resources of the platform team."""

import json

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.approval.component import Approval, ApprovalArgs, check_approval
from components.approval.settings import ApprovalSettings, Approver, ApproverType
from components.domain_controllers.component import DomainControllers, DomainControllersArgs, plan_controllers
from components.domain_controllers.settings import DomainControllersSection, SiteSettings
from components.session_manager.component import SessionManager, SessionManagerArgs
from components.session_manager.settings import SessionManagerSettings

REGION = "eu-west-1"
TAGS = {"owner": "platform"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
account = Account.of_provider()

# Look everything up and plan it first: a problem then stops the program before the first resource.
preferences = {REGION: SessionManagerSettings(idle_session_timeout=15, max_session_duration=60)}
approval = ApprovalArgs(
    settings=ApprovalSettings(
        operator_roles=["Operator"],
        approvers=[Approver(type=ApproverType.IAM_ROLE, name="Approver")],
    ),
    regions=(REGION,),
    session_data_encryption=preferences[REGION].session_data_encryption,
    account=account,
    tags=TAGS,
)
check_approval(approval)
controllers = plan_controllers(
    DomainControllersSection(
        clients={"offices": ["10.10.0.0/16"]},
        sites={REGION: SiteSettings(vpc="directory", subnets=["directory-a", "directory-b"])},
    ),
    account,
    preferences=preferences,
)

session_manager = SessionManager(
    "session-manager", SessionManagerArgs(settings=preferences, account=account, tags=TAGS)
)

# The team's own role gets the permissions that a governed session needs on its instances.
role = aws.iam.Role("build-agent", name="BuildAgent", assume_role_policy=json.dumps(TRUST), tags=TAGS)
for number, arn in enumerate(session_manager.instance_policy_arns):
    aws.iam.RolePolicyAttachment(f"build-agent-{number}", role=role.name, policy_arn=arn)

workflow = Approval("approval", approval)
directory = DomainControllers(
    "directory",
    DomainControllersArgs(
        planned=controllers,
        account=account,
        region=REGION,
        preferences=preferences,
        instance_policy_arns=session_manager.instance_policy_arns,
        tags=TAGS,
    ),
)

pulumi.export("preferences", session_manager.preferences)
pulumi.export("runbook", workflow.outputs["runbookName"])
pulumi.export("securityGroups", directory.sites[REGION]["securityGroupIds"])
