"""The second system: sessions only after somebody else said yes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws.iam import Policy, Role, RolePolicy, RolePolicyAttachment, UserPolicyAttachment
from pulumi_aws.scheduler import Schedule, ScheduleFlexibleTimeWindowArgs, ScheduleTargetArgs

from components.approval.change_template import change_template
from components.approval.guard_rails import guard_rail_policies
from components.approval.names import (
    APPROVER_POLICY_NAME,
    AUTOMATION,
    CHANGE_TEMPLATE,
    CHANGE_TEMPLATE_NAME,
    GUARD_RAIL_POLICY_NAME,
    IDENTITIES_GUARD_RAIL_POLICY_NAME,
    OPERATOR_POLICY_NAME,
    REAPER_NAME,
    REAPER_SCHEDULE_NAME,
    REAPER_SCHEDULE_ROLE_NAME,
    REQUESTER_POLICY_NAME,
    ROLE_NAME,
    RUNBOOK_NAME,
    Place,
    PolicyDocument,
)
from components.approval.operator_grants import OperatorGrants
from components.approval.operator_policy import operator_policy
from components.approval.participant_policies import approver_policy, requester_policy
from components.approval.role_policies import runbook_role_policy, schedule_role_policy, service_trust
from components.approval.runbook import reaper, runbook
from components.approval.settings import ApproverType, Mode
from components.approval.topic import NotificationTopic, NotificationTopicArgs
from components.documents.provider import ConvergingDocument, ConvergingDocumentArgs
from components.documents.store import OWNER_TAG

if TYPE_CHECKING:
    from components.account import Account
    from components.approval.settings import ApprovalSettings

REAPER_RATE = "rate(15 minutes)"
GUARD_RAILS = {"guard-rails": GUARD_RAIL_POLICY_NAME, "identities-guard-rails": IDENTITIES_GUARD_RAIL_POLICY_NAME}


@dataclass(frozen=True, kw_only=True)
class ApprovalArgs:
    """What the workflow is made of.

    Attributes:
        settings: of the workflow.
        regions: of the stack; the first is where the workflow lives, in all of them instances may be.
        session_data_encryption: sessions are encrypted with the stack's data key.
        account: where the stack deploys to.
        owner: names this stack on the documents.
        tags: on everything that can carry tags.
    """

    settings: ApprovalSettings
    regions: tuple[str, ...]
    session_data_encryption: bool
    account: Account
    owner: str
    tags: dict[str, str] = field(default_factory=dict[str, str])


class Approval(pulumi.ComponentResource):
    """Topic, role, documents, the operators' policy, and what clears up behind them.

    Attributes:
        outputs: `mode`, `runbookName`, `changeTemplateName` (None in mode `automation`), `topicArn`, `roleArn`.
        operator_policy_arn: of the managed policy that the operators have.
    """

    def __init__(self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shell-access:approval:Approval", name, None, opts)
        self._name, self._args, self._settings = name, args, args.settings
        region = args.regions[0]
        self._place = Place(partition=args.account.partition, account_id=args.account.id, region=region)
        grants = OperatorGrants(f"{name}-grants", args.settings, region, pulumi.ResourceOptions(parent=self))
        topic = NotificationTopic(
            f"{name}-topic",
            NotificationTopicArgs(place=self._place, emails=tuple(args.settings.notification_emails), tags=args.tags),
            pulumi.ResourceOptions(parent=self),
        )
        role = self._role("role", ROLE_NAME, "ssm.amazonaws.com", "Sets and removes the tag that allows a session")
        rights = self._rights("role", role, runbook_role_policy(args.settings, self._place), after=grants)
        documents = self._documents(after=[topic, rights])
        self._schedule(after=documents)
        self._approvers(after=documents)
        self.operator_policy_arn = self._operators(after=[*documents, grants])
        self.outputs: dict[str, pulumi.Input[str | None]] = {
            "mode": str(args.settings.mode),
            "runbookName": RUNBOOK_NAME,
            "changeTemplateName": CHANGE_TEMPLATE_NAME if args.settings.mode is Mode.CHANGE_MANAGER else None,
            "topicArn": topic.arn,
            "roleArn": role.arn,
        }
        self.register_outputs({**self.outputs, "operatorPolicyArn": self.operator_policy_arn})

    @property
    def _own_tags(self) -> dict[str, str]:
        """By which the next run knows that the name is this stack's."""
        return {**self._args.tags, OWNER_TAG: self._args.owner}

    def _child(self, after: list[pulumi.Resource] | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=after)

    def _role(self, name: str, role: str, service: str, description: str) -> Role:
        return Role(
            f"{self._name}-{name}",
            name=role,
            description=description,
            assume_role_policy=json.dumps(service_trust(service, self._place)),
            tags=self._own_tags,
            opts=self._child(),
        )

    def _rights(self, name: str, role: Role, policy: PolicyDocument, *, after: pulumi.Resource) -> RolePolicy:
        return RolePolicy(
            f"{self._name}-{name}",
            name="shell-access",
            role=role.name,
            policy=json.dumps(policy),
            opts=self._child([after]),
        )

    def _documents(self, *, after: list[pulumi.Resource]) -> list[pulumi.Resource]:
        """Published once what they name is there; the template once the runbook is."""
        settings, place = self._settings, self._place
        main = self._document("runbook", RUNBOOK_NAME, AUTOMATION, runbook(settings, place, self._args.regions), after)
        documents: list[pulumi.Resource] = [
            main,
            self._document("reaper", REAPER_NAME, AUTOMATION, reaper(settings, place), after),
        ]
        if settings.mode is Mode.CHANGE_MANAGER:
            template = change_template(settings, place)
            documents.append(self._document("change-template", CHANGE_TEMPLATE_NAME, CHANGE_TEMPLATE, template, [main]))
        return documents

    def _document(
        self, name: str, document: str, kind: str, content: dict[str, Any], after: list[pulumi.Resource]
    ) -> ConvergingDocument:
        return ConvergingDocument(
            f"{self._name}-{name}",
            ConvergingDocumentArgs(
                region=self._place.region,
                name=document,
                type=kind,
                content=content,
                owner=self._args.owner,
                section="approval",
                take_over=self._settings.take_over,
            ),
            opts=self._child(after),
        )

    def _schedule(self, *, after: list[pulumi.Resource]) -> None:
        """EventBridge Scheduler calls Systems Manager itself (User Guide, "Universal targets")."""
        place = self._place
        description = f"Starts {REAPER_NAME}"
        role = self._role("schedule", REAPER_SCHEDULE_ROLE_NAME, "scheduler.amazonaws.com", description)
        rights = self._rights("schedule", role, schedule_role_policy(place), after=after[0])
        Schedule(
            f"{self._name}-schedule",
            name=REAPER_SCHEDULE_NAME,
            description="Removes session grants whose run is over",
            schedule_expression=REAPER_RATE,
            flexible_time_window=ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=ScheduleTargetArgs(
                arn=f"arn:{place.partition}:scheduler:::aws-sdk:ssm:startAutomationExecution",
                role_arn=role.arn,
                input=json.dumps({"DocumentName": REAPER_NAME}),
            ),
            region=place.region,
            opts=self._child([*after, rights]),
        )

    def _operators(self, *, after: list[pulumi.Resource]) -> pulumi.Output[str]:
        settings, place = self._settings, self._place
        content = operator_policy(place, session_data_encryption=self._args.session_data_encryption)
        policy = self._policy("operator", OPERATOR_POLICY_NAME, "Start a session on the approved instance", content)
        asking = requester_policy(settings, place)
        request = self._policy("requester", REQUESTER_POLICY_NAME, "Ask for a session", asking)
        policies = {"operator": policy, "requester": request}
        if settings.guard_rails:
            rails = guard_rail_policies(settings, place)
            for key, name in GUARD_RAILS.items():
                policies[key] = self._policy(key, name, "Deny changing what approval rests on", rails[name])
        for name, each in policies.items():
            self._attach(name, each, settings.operator_roles, settings.operator_users, after)
        return policy.arn

    def _approvers(self, *, after: list[pulumi.Resource]) -> None:
        content = approver_policy(self._place)
        policy = self._policy("approver", APPROVER_POLICY_NAME, "Decide on requests for sessions", content)
        roles = self._settings.attachable_approvers(ApproverType.IAM_ROLE)
        self._attach("approver", policy, roles, self._settings.attachable_approvers(ApproverType.IAM_USER), after)

    def _policy(self, name: str, policy: str, description: str, content: PolicyDocument) -> Policy:
        return Policy(
            f"{self._name}-{name}",
            name=policy,
            description=description,
            policy=json.dumps(content),
            tags=self._own_tags,
            opts=self._child(),
        )

    def _attach(
        self, name: str, policy: Policy, roles: list[str], users: list[str], after: list[pulumi.Resource]
    ) -> None:
        """Last, so that nobody has the policy before everything that keeps it safe is there."""
        for role in roles:
            RolePolicyAttachment(
                f"{self._name}-{name}-role-{role}", role=role, policy_arn=policy.arn, opts=self._child(after)
            )
        for user in users:
            UserPolicyAttachment(
                f"{self._name}-{name}-user-{user}", user=user, policy_arn=policy.arn, opts=self._child(after)
            )
