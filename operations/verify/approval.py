"""Verification of everything that session approval depends on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from components.approval.alarms import iam_event_region, watches_iam
from components.approval.evidence_plan import EvidencePlan, plan_evidence
from components.approval.iam_policies import topic_key_policy, topic_policy
from components.approval.names import ALARM_PREFIX, KEY_ALIAS, RUNBOOK_NAME, TOPIC_NAME, WorkflowLocation
from components.approval.plan import ApprovalPlan, plan_approval
from components.session_manager.settings import log_locations
from operations.approval.lookups import OperatorTag, read_operator_tags, tags_without_grant
from operations.approval.requests import ApprovalRequest, parse_request
from operations.findings import Status
from operations.inventory.iam import PolicyFacts, read_policy, read_principal, read_role
from operations.inventory.identity_center import read_assignments, read_entitlements, read_operator_roles
from operations.inventory.monitoring import (
    read_event_rules,
    read_failures,
    read_metric_alarms,
    read_recording,
    read_topic,
    rule_sender,
    topic_sender,
)
from operations.inventory.reader import Reader, ReadFailure, known, returns_failure
from operations.inventory.session_manager import read_document, read_key
from operations.verify import identity_center, notifications
from operations.verify.approval_checks import (
    TolerateHolder,
    named_principals,
    policy_findings,
    principal_findings,
    schedule_finding,
    tag_finding,
    workflow_role,
)
from operations.verify.documents import document_findings
from operations.verify.evidence_store import evidence_findings
from operations.verify.findings import Check
from operations.verify.policies import boundary_arn, role_finding
from operations.verify.storage import alias_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from common.aws.session import Clients
    from components.approval.settings import ApprovalSettings
    from components.settings import Settings
    from operations.deployment import Deployment
    from operations.findings import Finding
    from operations.inventory.monitoring import Sender
    from operations.inventory.reader import Identity
    from operations.principals import GrantedPrincipal

_AT_A_TIME = 4
"""Number of parallel groups of calls; IAM throttles an account sooner than most services."""


@dataclass(frozen=True, kw_only=True)
class ApprovalVerification:
    """A verification of the approval workflow, or of the export of records beside just-in-time node access.

    Attributes:
        deployment: Settings of the Region of the workflow, with the command that repairs it.
        plan: The workflow as the settings define it.
        boundary: ARN of the permissions boundary of the stack's roles; "": none.
        people: Operators of IAM Identity Center, or why they cannot be looked up.
    """

    clients: Clients
    caller: str
    deployment: Deployment
    settings: ApprovalSettings
    plan: EvidencePlan
    boundary: str
    people: identity_center.LookedUp
    regions: tuple[str, ...]

    @classmethod
    def of(
        cls, settings: Settings, section: ApprovalSettings, clients: Clients, identity: Identity, deployment: Deployment
    ) -> ApprovalVerification:
        """Return the verification of a stack's workflow."""
        place = WorkflowLocation(partition=identity.partition, account_id=identity.account_id, region=deployment.region)
        people = identity_center.look_up(section, clients, identity, deployment.region)
        encryption = any(each.session_data_encryption for each in settings.session_manager.values())
        logs = log_locations(settings.session_manager, identity.account_id)
        return cls(
            clients=clients,
            caller=identity.arn,
            deployment=deployment,
            settings=section,
            plan=plan_approval(
                section,
                place,
                settings.regions,
                session_data_encryption=encryption,
                operators=people.operators,
                logs=logs,
            )
            if section.has_workflow
            else plan_evidence(section, place, settings.regions, logs),
            people=people,
            boundary=boundary_arn(settings.permissions_boundary, place.iam("policy/")),
            regions=settings.regions,
        )

    def findings(self) -> list[Finding]:
        """Return all findings, in the order in which a request depends on their resources."""
        parts: tuple[Callable[[], Iterable[Finding]], ...] = (
            self._documents,
            self._roles,
            self._policies,
            self._people,
            self._schedule,
            self._evidence,
            self._topic,
            self._principals,
            self._alarms,
        )
        with ThreadPoolExecutor(max_workers=_AT_A_TIME) as pool:
            return [finding for several in pool.map(_all_of, parts) for finding in several]

    def _reader(self, region: str = "") -> Reader:
        """Return a new reader, one per group of calls, so that an unreachable service is not called twice."""
        return Reader(self.clients, region or self.plan.place.region, self.caller)

    def _documents(self) -> Iterable[Finding]:
        reader = self._reader()
        for each in self.plan.documents:
            live = read_document(reader, each.name, sharing=True)
            yield from document_findings(f"approval-{each.key}", self.deployment, each, live)

    def _roles(self) -> Iterable[Finding]:
        reader = self._reader()
        for each in self.plan.roles:
            yield role_finding(self.deployment, workflow_role(each, self.boundary), read_role(reader, each.name))

    def _people(self) -> Iterable[Finding]:
        plan = self.plan
        if not self.settings.operators or not isinstance(plan, ApprovalPlan):
            return
        reader = self._reader()
        yield identity_center.lookup_finding(self.deployment, self.people)
        for each in plan.operator_roles:
            desired = identity_center.person_role(each, plan.operator_policies, self.boundary)
            yield replace(role_finding(self.deployment, desired, read_role(reader, each.name)), about=each.name)
        yield identity_center.leftover_finding(self.deployment, self.people, read_operator_roles(reader))
        home, application = self._reader(self.people.operators.region), self.settings.identity_center.application_arn
        if application:
            roles = plan.operator_roles
            arns = {self.plan.place.iam(f"role{each.path}{each.name}"): each.name for each in roles}
            entitled = read_entitlements(home, application, self.plan.place.account_id)
            repair = "pulumi up of the stack with shell-access:accountAccess"
            yield from identity_center.entitlement_findings(
                "approval-identity-center", application, arns, entitled, repair
            )
            return
        permission_set = self.settings.identity_center.permission_set
        live = read_assignments(home, self.people.operators.store, permission_set, self.plan.place.account_id)
        yield identity_center.assignment_finding(self.people, permission_set, live)

    def _policies(self) -> Iterable[Finding]:
        plan = self.plan
        if not isinstance(plan, ApprovalPlan):
            return
        reader = self._reader()
        holders: set[GrantedPrincipal] = set()
        for each in plan.policies:
            live = read_policy(reader, each.arn)
            of_approvers = each is plan.approver_policy
            tolerated = TolerateHolder(self.settings if of_approvers else None)
            yield from policy_findings(self.deployment, each, live, tolerated)
            if not of_approvers and isinstance(live, PolicyFacts) and not isinstance(live.holders, ReadFailure):
                holders |= {holder for holder in live.holders if holder.kind != "group"}
        yield from self._tags(reader, holders)

    def _tags(self, reader: Reader, holders: set[GrantedPrincipal]) -> Iterable[Finding]:
        named = [principal for check, principal, _ in named_principals(self.settings) if check == "approval-operators"]
        looked_at = sorted({*named, *holders}, key=str)
        yield tag_finding(looked_at, read_stray_tags(reader, looked_at))

    def _schedule(self) -> Iterable[Finding]:
        reader = self._reader()
        for planned in self.plan.schedules:
            named = {"GroupName": planned.group, "Name": planned.name}
            live = reader.read("scheduler", "get_schedule", absent=("ResourceNotFoundException",), **named)
            yield schedule_finding(self.deployment, planned, live)

    def _evidence(self) -> Iterable[Finding]:
        if self.settings.evidence:
            place, reader = self.plan.place, self._reader()
            yield from evidence_findings(self.deployment, self.settings.evidence, place, self.regions, reader)

    def _topic(self) -> Iterable[Finding]:
        reader, place = self._reader(), self.plan.place
        key = read_key(reader, KEY_ALIAS, policy=True)
        desired = notifications.DesiredTopic(
            prefix="approval",
            arn=place.topic_arn,
            key_alias=KEY_ALIAS,
            policy=topic_policy(place),
            emails=self.settings.notification_emails,
        )
        yield from notifications.topic_findings(self.deployment, desired, read_topic(reader, place.topic_arn), key)
        yield from alias_findings("approval-key", KEY_ALIAS, self.deployment, key, topic_key_policy(place))

    def _principals(self) -> Iterable[Finding]:
        if not self.settings.has_workflow:
            return
        reader = self._reader()
        live = {principal: read_principal(reader, principal) for _, principal, _ in named_principals(self.settings)}
        yield from principal_findings(self.deployment, self.settings, live)

    def _alarms(self) -> Iterable[Finding]:
        reader, place = self._reader(), self.plan.place
        names = [each.name for each in (*self.plan.event_alarms, *(rule.alarm for rule in self.plan.chat_rules))]
        rules = read_event_rules(reader, ALARM_PREFIX, names)
        elsewhere = {region: self._reader(region) for region in self.plan.forwarding_regions}
        forwarded = {
            region: [each.name for each in self.plan.event_alarms if region in each.forwarded_from]
            for region in elsewhere
        }
        forwarding = {
            region: read_event_rules(other, ALARM_PREFIX, forwarded[region]) for region, other in elsewhere.items()
        }
        for each in self.plan.event_alarms:
            yield notifications.event_alarm_finding(self.deployment, self.plan, each, rules, forwarding)
        for each in self.plan.chat_rules:
            yield notifications.chat_rule_finding(self.deployment, each, rules)
        senders = [*(rule_sender(name) for name in names), topic_sender(TOPIC_NAME)]
        yield self._delivery("approval-alarm-delivery", reader, senders)
        for region, other in elsewhere.items():
            senders = [rule_sender(name) for name in forwarded[region]]
            yield self._delivery(f"approval-alarm-forwarding-delivery{self._suffix(region)}", other, senders)
        live = read_metric_alarms(reader, AlarmNames=[each.name for each in self.plan.metric_alarms])
        for each in self.plan.metric_alarms:
            desired = notifications.DesiredAlarm(
                check=f"approval-alarm-{each.name.removeprefix(ALARM_PREFIX)}",
                alarm=each,
                topics=self.plan.alarm_topics,
                page="docs/approval.md, Alarms",
            )
            yield from notifications.metric_alarm_findings(self.deployment, desired, live)
        yield notifications.recording_finding("approval-alarm-trail", place.region, read_recording(reader))
        if self.settings.has_workflow and not watches_iam(self.settings, place):
            yield self._without_iam_alarms()
        for region, other in elsewhere.items():
            check = f"approval-alarm-{'trail' if self._suffix(region) else 'iam-trail'}{self._suffix(region)}"
            yield notifications.recording_finding(check, region, read_recording(other))

    def _suffix(self, region: str) -> str:
        """Return the end of a check's ID; none in IAM's Region."""
        return "" if region == iam_event_region(self.plan.place) else f"-{region}"

    def _delivery(self, check: str, reader: Reader, senders: list[Sender]) -> Finding:
        remedy = (
            "compare approval-topic, approval-topic-policy, approval-key and approval-key-policy; of alarmTopicArns "
            "the policies of topics and keys are to allow events.amazonaws.com"
        )
        return notifications.delivery_finding(check, reader.region, read_failures(reader, senders), remedy=remedy)

    def _without_iam_alarms(self) -> Finding:
        chosen = not self.settings.alarm_iam_changes
        reason = (
            "alarmIamChanges is false"
            if chosen
            else "EventBridge does not forward events between Regions in this partition"
        )
        check = Check(
            "approval-alarm-iam",
            "changes of IAM roles and policies raise alarms",
            "set shell-access:approval.alarmIamChanges to true"
            if chosen
            else f"let {iam_event_region(self.plan.place)} be the first of shell-access:regions",
        )
        return check.reject(f"they raise none: {reason}", Status.WARNING)


def _all_of(part: Callable[[], Iterable[Finding]]) -> list[Finding]:
    return list(part())


_HOLDING: Final = ("InProgress", "Waiting", "Cancelling")
"""Status values of an execution that may hold a tag."""


@returns_failure
def read_stray_tags(reader: Reader, principals: Iterable[GrantedPrincipal]) -> tuple[OperatorTag, ...]:
    """Read the approval tags without an active grant."""
    before = known(read_operator_tags(reader, principals))
    if not before:
        return ()
    stray = tags_without_grant(before, _live_requests(reader))
    # An execution may have ended in between, which removes its tag.
    after = known(read_operator_tags(reader, [each.principal for each in stray]))
    return tuple(each for each in stray if each in after)


def _live_requests(reader: Reader) -> list[ApprovalRequest]:
    chosen = [
        {"Key": "DocumentNamePrefix", "Values": [RUNBOOK_NAME]},
        {"Key": "ExecutionStatus", "Values": list(_HOLDING)},
    ]
    key = "AutomationExecutionMetadataList"
    listed = reader.items("ssm", "describe_automation_executions", key, Filters=chosen)
    ids = [each["AutomationExecutionId"] for each in listed if each.get("DocumentName") == RUNBOOK_NAME]
    runs = (reader.get("ssm", "get_automation_execution", AutomationExecutionId=each) for each in ids)
    return [parse_request(each["AutomationExecution"]) for each in runs]
