"""Approval workflow, as a component resource."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi_aws.iam import Policy, Role, RolePolicy, RolePolicyAttachment, UserPolicyAttachment
from pulumi_aws.scheduler import Schedule, ScheduleFlexibleTimeWindowArgs, ScheduleGroup, ScheduleTargetArgs

from common.iam.documents import parse
from common.limits import excess_problems
from common.problems import Problem, raise_problems
from components.adoption.document_resource import ConvergingDocument
from components.adoption.lookup import answered, program_clients
from components.approval.alarms import topic_problems
from components.approval.cross_checks import approval_problems
from components.approval.evidence_plan import plan_evidence
from components.approval.identity_center import NO_OPERATORS, IdentityCenterOperators
from components.approval.names import REQUESTER_POLICY_NAME, RUNBOOK_NAME, TAG_KEY, WorkflowLocation
from components.approval.notifications import ApprovalAlarms, NotificationTopic
from components.approval.operator_grants import OperatorGrants
from components.approval.plan import GUARD_RAILS, INLINE_POLICY_NAME, generated_texts, plan_approval
from components.approval.settings import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.aws.session import AwsClients
    from components.account import Account
    from components.adoption.document_content import PlannedDocument
    from components.approval.evidence_plan import EvidencePlan, PlannedPolicy, PlannedRole, PlannedSchedule
    from components.approval.plan import ApprovalPlan
    from components.approval.settings import ApprovalSettings
    from components.session_manager.settings import LogLocation

_START: Final = "ssm:StartAutomationExecution"


@dataclass(frozen=True, kw_only=True)
class ApprovalArgs:
    """Arguments of `Approval`.

    Attributes:
        settings: Settings of the workflow.
        regions: Regions of the stack; the workflow is in the first, instances may be in all of them.
        session_data_encryption: Whether sessions are encrypted with the stack's data key.
        account: Account of the stack.
        operators: Operators of IAM Identity Center, as `find_operators` has looked them up.
        logs: Locations of session logs by Region, which the export of evidence reads.
        tags: Tags applied to all taggable resources.
    """

    settings: ApprovalSettings
    regions: tuple[str, ...]
    session_data_encryption: bool
    account: Account
    operators: IdentityCenterOperators = NO_OPERATORS
    logs: Mapping[str, LogLocation] = field(default_factory=dict[str, "LogLocation"])
    tags: dict[str, str] = field(default_factory=dict[str, str])


def check_approval(args: ApprovalArgs) -> None:
    """Check the settings, and that the policies fit and the topics can be used, before anything is registered.

    Raises:
        SettingsError: Settings contradict each other, a policy is too large, or a topic cannot be used.
    """
    raise_problems(approval_problems(args.settings, ("approval",)))
    plan = _plan(args) if args.settings.has_workflow else _evidence_plan(args)
    found = [*excess_problems(generated_texts(args.settings, plan)), *topic_problems(args.settings, plan.place)]
    if args.settings.mode is Mode.CHANGE_MANAGER and not args.settings.require_change_request:
        found += direct_start_problems(program_clients(), plan.place)
    raise_problems(found)


def direct_start_problems(clients: AwsClients, place: WorkflowLocation) -> list[Problem]:
    """Return the problem that operators may start the runbook itself, as mode `automation` permits them.

    The runbook that this update publishes would not ask for approval, and the policy changes after it: between the two,
    and after an update that is interrupted there, an operator could start a session without an approval. The policy in AWS
    counts, as the state may lack what an interrupted update has changed.

    Raises:
        RunError: AWS does not respond, or denies the request.
    """
    arn = place.iam(f"policy/{REQUESTER_POLICY_NAME}")
    with answered(f"policy {REQUESTER_POLICY_NAME}", "iam", place.region):
        iam = clients.client("iam", place.region)
        try:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        except iam.exceptions.NoSuchEntityException:
            return []
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    if not parse(document).allowed((_START,)):
        return []
    message = (
        f"expected true as long as the policy {REQUESTER_POLICY_NAME} permits operators to start {RUNBOOK_NAME} itself, which "
        "mode automation needs, got false. Set it to true and run pulumi up --refresh, then set it to false, as a session would "
        "need no approval in between"
    )
    return [Problem(path=("approval", "requireChangeRequest"), message=message)]


def _place(args: ApprovalArgs) -> WorkflowLocation:
    return WorkflowLocation(partition=args.account.partition, account_id=args.account.id, region=args.regions[0])


def _plan(args: ApprovalArgs) -> ApprovalPlan:
    return plan_approval(
        args.settings,
        _place(args),
        args.regions,
        session_data_encryption=args.session_data_encryption,
        operators=args.operators,
        logs=args.logs,
    )


def _evidence_plan(args: ApprovalArgs) -> EvidencePlan:
    return plan_evidence(args.settings, _place(args), args.regions, args.logs)


class _ApprovalResources(pulumi.ComponentResource):
    """Resources that a workflow and the export alone share, under the same names, so that a move keeps them."""

    def __init__(
        self, name: str, args: ApprovalArgs, plan: EvidencePlan, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("shell-access:approval:Approval", name, None, opts)
        self._name, self._args, self._place, self._planned = name, args, plan.place, plan

    def _topic(self) -> NotificationTopic:
        emails = self._args.settings.notification_emails
        return NotificationTopic(f"{self._name}-topic", self._place, emails, self._args.tags, self._child())

    def _alarms(self, topic: NotificationTopic, forwarding: Role | None = None) -> ApprovalAlarms:
        return ApprovalAlarms(f"{self._name}-alarms", self._planned, forwarding, self._args.tags, self._child([topic]))

    def _child(self, after: list[pulumi.Resource] | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=after)

    def _role(self, planned: PlannedRole) -> Role:
        return Role(
            f"{self._name}-{planned.key}",
            name=planned.name,
            description=planned.description,
            assume_role_policy=json.dumps(planned.trust),
            max_session_duration=planned.max_session_seconds or None,
            tags=self._args.tags,
            opts=self._child(),
        )

    def _rights(self, role: Role, planned: PlannedRole, *, after: pulumi.Resource) -> RolePolicy:
        return RolePolicy(
            f"{self._name}-{planned.key}",
            name=INLINE_POLICY_NAME,
            role=role.name,
            policy=json.dumps(planned.policy),
            opts=self._child([after]),
        )

    def _document(self, planned: PlannedDocument, after: list[pulumi.Resource]) -> ConvergingDocument:
        return ConvergingDocument(
            f"{self._name}-{planned.key}",
            planned,
            region=self._place.region,
            section="approval",
            take_over=self._args.settings.take_over,
            tags=self._args.tags,
            opts=self._child(after),
        )

    def _export(self, alarms: ApprovalAlarms) -> None:
        """Create the export of records after its alarms."""
        settings, planned = self._args.settings.evidence, self._planned.export
        if settings is None or planned is None:
            return
        # Imported where a stack has it: the packages of S3, AWS Glue and Athena are large.
        from components.approval.evidence_store import EvidenceStore  # noqa: PLC0415

        store = EvidenceStore(
            f"{self._name}-evidence",
            settings,
            place=self._place,
            regions=self._args.regions,
            tags=self._args.tags,
            opts=self._child(),
        )
        rights = self._rights(self._role(planned.role), planned.role, after=store)
        document = self._document(planned.runbook, [rights, alarms, *store.ready])
        self._schedule(planned.schedule, after=[document])

    def _schedule(self, planned: PlannedSchedule, *, after: list[pulumi.Resource]) -> None:
        role = self._role(planned.role)
        rights = self._rights(role, planned.role, after=after[0])
        group = ScheduleGroup(
            f"{self._name}-{planned.key}",
            name=planned.group,
            region=self._place.region,
            tags=self._args.tags,
            opts=self._child(),
        )
        Schedule(
            f"{self._name}-{planned.key}",
            name=planned.name,
            group_name=planned.group,
            description=planned.description,
            schedule_expression=planned.expression,
            flexible_time_window=ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            # Explicit, so that a disabled schedule is enabled again.
            state="ENABLED",
            target=ScheduleTargetArgs(arn=planned.target_arn, role_arn=role.arn, input=planned.input),
            region=self._place.region,
            opts=self._child([*after, rights, group]),
        )


class EvidenceExport(_ApprovalResources):
    """The export of records beside just-in-time node access, with its topic and its alarms."""

    def __init__(self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, _evidence_plan(args), opts)
        self._export(self._alarms(self._topic()))
        self.register_outputs({})


class Approval(_ApprovalResources):
    """Topic, roles, documents, policies of operators and approvers, the reaper's schedule, and alarms.

    Attributes:
        outputs: `mode`, `runbookName`, `changeTemplateName` (None in mode `automation`), `topicArn`, `roleArn`; with
            operators of IAM Identity Center, `operatorRoleArns` by user name, and `operatorAccess`.
        operator_policy_arn: ARN of the managed policy for operators.
    """

    def __init__(self, name: str, args: ApprovalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._plan = _plan(args)
        super().__init__(name, args, self._plan, opts)
        grants = OperatorGrants(
            f"{name}-grants", args.settings, self._place.region, pulumi.ResourceOptions(parent=self)
        )
        topic = self._topic()
        role = self._role(self._plan.runbook_role)
        rights = self._rights(role, self._plan.runbook_role, after=grants)
        documents = self._documents(after=[topic, rights])
        self._schedule(self._plan.schedule, after=documents)
        alarms = self._alarms(topic, self._forwarding())
        self._export(alarms)
        if self._plan.break_glass_role:
            # Last, so that no use of it is without an alarm.
            self._rights(self._role(self._plan.break_glass_role), self._plan.break_glass_role, after=alarms)
        self._attached(self._plan.approver_policy, after=documents)
        people = self._operator_roles(after=[*documents, grants])
        self.operator_policy_arn = self._operator_policies([*documents, grants], people).arn
        self.outputs: dict[str, Any] = {
            "mode": str(args.settings.mode),
            "runbookName": self._plan.runbook.name,
            "changeTemplateName": self._plan.template.name if self._plan.template else None,
            "topicArn": topic.arn,
            "roleArn": role.arn,
        }
        if args.settings.is_migrating:
            self.outputs["justInTimeMigration"] = str(args.settings.just_in_time_migration)
        if self._args.settings.operators:
            self.outputs["operatorRoleArns"] = {
                each.user_name: people[each.role_name].arn for each in self._args.operators.people
            }
            self.outputs["operatorAccess"] = str(self._args.settings.identity_center.access)
        self.register_outputs({**self.outputs, "operatorPolicyArn": self.operator_policy_arn})

    def _operator_roles(self, *, after: list[pulumi.Resource]) -> dict[str, Role]:
        """Create the roles of people of IAM Identity Center, with their boundary, by name.

        A grant is a tag of the role that the runbook sets; it is no drift.
        """
        boundary = self._attached(self._plan.boundary, after=[])[0] if self._plan.boundary else None
        granted = [f"{tags}.{TAG_KEY}" for tags in ("tags", "tagsAll")]
        return {
            planned.name: Role(
                f"{self._name}-{planned.key}",
                name=planned.name,
                path=planned.path,
                description=planned.description,
                assume_role_policy=json.dumps(planned.trust),
                permissions_boundary=boundary.arn if boundary else None,
                force_detach_policies=True,
                tags=self._args.tags,
                opts=pulumi.ResourceOptions.merge(self._child(after), pulumi.ResourceOptions(ignore_changes=granted)),
            )
            for planned in self._plan.operator_roles
        }

    def _operator_policies(self, after: list[pulumi.Resource], people: Mapping[str, Role]) -> Policy:
        """Attach the guard rails first, so that no operator can start sessions without them; return the policy to start them.

        They are detached last.
        """
        rails = [each for each in self._plan.operator_policies if each.name in GUARD_RAILS.values()]
        attachments = [link for each in rails for link in self._attached(each, after=after, roles=people)[1]]
        others = [each for each in self._plan.operator_policies if each not in rails]
        made = [self._attached(each, after=[*after, *attachments], roles=people) for each in others]
        return made[0][0]

    def _documents(self, *, after: list[pulumi.Resource]) -> list[pulumi.Resource]:
        """Create the documents after the resources that they name, and the template after the runbook."""
        main = self._document(self._plan.runbook, after)
        documents: list[pulumi.Resource] = [main, self._document(self._plan.reaper, after)]
        if self._plan.template:
            documents.append(self._document(self._plan.template, [main]))
        return documents

    def _forwarding(self) -> Role | None:
        planned = self._plan.forwarding_role
        role = self._role(planned) if planned else None
        if role and planned:
            self._rights(role, planned, after=role)
        return role

    def _attached(
        self, planned: PlannedPolicy, *, after: list[pulumi.Resource], roles: Mapping[str, Role] | None = None
    ) -> tuple[Policy, list[pulumi.Resource]]:
        """Create a policy and attach it last, so that no principal has it before all its safeguards exist; return both.

        A changed policy follows what it depends on, too: a request is not allowed before the runbook expects it.
        `after` are resources that its principals need first.
        """
        policy = Policy(
            f"{self._name}-{planned.key}",
            name=planned.name,
            description=planned.description,
            policy=json.dumps(planned.content),
            tags=self._args.tags,
            opts=self._child(after),
        )
        roles = roles or {}
        of_roles = [
            RolePolicyAttachment(
                f"{self._name}-{planned.key}-role-{role}",
                role=roles[role].name if role in roles else role,
                policy_arn=policy.arn,
                opts=self._child(after),
            )
            for role in planned.roles
        ]
        of_users = [
            UserPolicyAttachment(
                f"{self._name}-{planned.key}-user-{user}", user=user, policy_arn=policy.arn, opts=self._child(after)
            )
            for user in planned.users
        ]
        return policy, [*of_roles, *of_users]
