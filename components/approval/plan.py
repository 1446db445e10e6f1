"""Plan of the approval workflow: all its resources, as plain data.

The component registers it, and `verify` compares it with the account, so that both always agree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from common import limits
from components.adoption.document_content import PlannedDocument, published_bytes
from components.approval import names
from components.approval.alarms import (
    event_alarms,
    forwarding_regions,
    metric_alarms,
    watched_regions,
)
from components.approval.chat import chat_rules
from components.approval.evidence_plan import (
    EvidencePlan,
    PlannedPolicy,
    PlannedRole,
    PlannedSchedule,
    plan_export,
    plan_schedule,
)
from components.approval.guard_rails import guard_rail_policies
from components.approval.iam_policies import (
    approver_policy,
    automation_trust,
    break_glass_policy,
    break_glass_trust,
    forwarding_policy,
    forwarding_trust,
    operator_policy,
    requester_policy,
    runbook_role_policy,
    schedule_role_policy,
    topic_key_policy,
    topic_policy,
)
from components.approval.identity_center import (
    NO_OPERATORS,
    IdentityCenterOperators,
    OperatorPerson,
    operator_boundary,
    operator_trust,
)
from components.approval.runbook import change_template, reaper, runbook
from components.approval.settings import ApprovalSettings, ApproverType, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from components.session_manager.settings import LogLocation

_OPERATOR_SETTINGS: Final = frozenset({"operator_roles", "operator_users"})
_TEMPLATE_SETTINGS: Final = frozenset({"approval_validity_minutes", "approvers"})
_RUNBOOK_SETTINGS: Final = (
    _OPERATOR_SETTINGS
    | _TEMPLATE_SETTINGS
    | {"mode", "require_change_request", "end_sessions_with_grant"}
    | {"shared_operator_roles", "shared_approver_roles", "chat_approver_roles"}
)
"""Settings that a document is made from."""

INLINE_POLICY_NAME: Final = "shell-access"
GUARD_RAILS: Final = {
    "guard-rails": names.GUARD_RAIL_POLICY_NAME,
    "identities-guard-rails": names.IDENTITIES_GUARD_RAIL_POLICY_NAME,
}


@dataclass(frozen=True, kw_only=True)
class ApprovalPlan(EvidencePlan):
    """The approval workflow of one account, with the export of records.

    The runbook grants, the reaper removes expired grants on its schedule, and the boundary limits the roles of
    operators of IAM Identity Center. The change template is None in mode `automation`.
    """

    runbook: PlannedDocument
    reaper: PlannedDocument
    template: PlannedDocument | None
    runbook_role: PlannedRole
    operator_policies: tuple[PlannedPolicy, ...]
    approver_policy: PlannedPolicy
    schedule: PlannedSchedule
    break_glass_role: PlannedRole | None = None
    boundary: PlannedPolicy | None = None
    operator_roles: tuple[PlannedRole, ...] = field(default=())

    @property
    def documents(self) -> tuple[PlannedDocument, ...]:
        """All documents."""
        return (self.runbook, self.reaper, *([self.template] if self.template else []), *super().documents)

    @property
    def schedules(self) -> tuple[PlannedSchedule, ...]:
        """All schedules."""
        return (self.schedule, *super().schedules)

    @property
    def roles(self) -> tuple[PlannedRole, ...]:
        """All roles, without those of operators of IAM Identity Center."""
        optional = (self.forwarding_role, self.break_glass_role)
        return (self.runbook_role, self.schedule.role, *(each for each in optional if each), *super().roles)

    @property
    def policies(self) -> tuple[PlannedPolicy, ...]:
        """All managed policies."""
        return (*self.operator_policies, self.approver_policy, *((self.boundary,) if self.boundary else ()))


def plan_approval(  # noqa: PLR0913 -- what the stack has looked up
    settings: ApprovalSettings,
    place: names.WorkflowLocation,
    regions: Sequence[str],
    *,
    session_data_encryption: bool,
    operators: IdentityCenterOperators = NO_OPERATORS,
    logs: Mapping[str, LogLocation] | None = None,
) -> ApprovalPlan:
    """Return the plan for the settings; `logs` are the locations of session logs by Region, for the export of evidence."""
    alarms = tuple(event_alarms(settings, place, regions))
    forwarding = forwarding_regions(settings, place, regions)
    return ApprovalPlan(
        place=place,
        runbook=PlannedDocument(
            key="runbook",
            name=names.RUNBOOK_NAME,
            type=names.AUTOMATION,
            content=runbook(settings, place, regions, operators),
            settings={**_named(settings, _RUNBOOK_SETTINGS), "regions": list(regions)},
        ),
        reaper=PlannedDocument(
            key="reaper",
            name=names.REAPER_NAME,
            type=names.AUTOMATION,
            content=reaper(settings, place, operators),
            settings=_named(settings, _OPERATOR_SETTINGS),
        ),
        template=_template(settings, place),
        runbook_role=PlannedRole(
            key="role",
            name=names.ROLE_NAME,
            description="Sets and removes the tag that allows a session",
            trust=automation_trust(place),
            policy=runbook_role_policy(settings, place, operators.store),
        ),
        schedule=plan_schedule(
            place,
            names.REAPER_NAME,
            schedule_role_policy(place),
            key="schedule",
            name=names.REAPER_SCHEDULE_NAME,
            group=names.REAPER_SCHEDULE_GROUP,
            description="Removes session grants whose run is over",
            expression="rate(15 minutes)",
            role_name=names.REAPER_SCHEDULE_ROLE_NAME,
        ),
        forwarding_role=_forwarding_role(place, forwarding) if forwarding else None,
        break_glass_role=_break_glass_role(settings, place, regions, session_data_encryption=session_data_encryption),
        operator_policies=_operator_policies(
            settings, place, operators, session_data_encryption=session_data_encryption
        ),
        approver_policy=_approver_policy(settings, place),
        event_alarms=alarms,
        metric_alarms=metric_alarms(settings),
        export=plan_export(settings, place, regions, logs or {}),
        alarm_topics=(place.topic_arn, *settings.alarm_topic_arns),
        chat_rules=chat_rules(settings, place),
        boundary=_boundary(settings, place, session_data_encryption=session_data_encryption),
        operator_roles=tuple(_person_role(settings, operators, each, place) for each in operators.people),
    )


def operator_policy_names(settings: ApprovalSettings) -> tuple[str, ...]:
    """Return the names of the managed policies that operators get."""
    return (
        names.OPERATOR_POLICY_NAME,
        names.REQUESTER_POLICY_NAME,
        *(GUARD_RAILS.values() if settings.guard_rails else ()),
    )


def _boundary(
    settings: ApprovalSettings, place: names.WorkflowLocation, *, session_data_encryption: bool
) -> PlannedPolicy | None:
    if not settings.operators:
        return None
    return PlannedPolicy(
        key="operator-boundary",
        name=names.OPERATOR_BOUNDARY_NAME,
        arn=place.iam(f"policy/{names.OPERATOR_BOUNDARY_NAME}"),
        description="Permissions boundary of operators of IAM Identity Center",
        content=operator_boundary(settings, place, session_data_encryption=session_data_encryption),
        roles=(),
        users=(),
    )


def _person_role(
    settings: ApprovalSettings,
    operators: IdentityCenterOperators,
    person: OperatorPerson,
    place: names.WorkflowLocation,
) -> PlannedRole:
    return PlannedRole(
        key=f"operator-{person.user_id}",
        name=person.role_name,
        description=f"Approved sessions of {person.user_name}, who signs in through IAM Identity Center",
        trust=operator_trust(settings, operators, person, place),
        policy={},
        path=names.OPERATORS_PATH,
        boundary=place.iam(f"policy/{names.OPERATOR_BOUNDARY_NAME}"),
    )


def _template(settings: ApprovalSettings, place: names.WorkflowLocation) -> PlannedDocument | None:
    if settings.mode is not Mode.CHANGE_MANAGER:
        return None
    return PlannedDocument(
        key="change-template",
        name=names.CHANGE_TEMPLATE_NAME,
        type=names.CHANGE_TEMPLATE,
        content=change_template(settings, place),
        settings=_named(settings, _TEMPLATE_SETTINGS),
    )


def _named(settings: ApprovalSettings, fields: frozenset[str]) -> dict[str, Any]:
    """Return some settings under their names in the configuration."""
    return settings.model_dump(mode="json", by_alias=True, include=set(fields))


def _break_glass_role(
    settings: ApprovalSettings, place: names.WorkflowLocation, regions: Sequence[str], *, session_data_encryption: bool
) -> PlannedRole | None:
    if settings.break_glass is None:
        return None
    watched = watched_regions(place, regions)
    return PlannedRole(
        key="break-glass",
        name=names.BREAK_GLASS_ROLE_NAME,
        description="Emergency access to instances without an approval; each use raises an alarm",
        trust=break_glass_trust(settings.break_glass.users, place),
        policy=break_glass_policy(place, watched, session_data_encryption=session_data_encryption),
        max_session_seconds=names.BREAK_GLASS_SECONDS,
    )


def _forwarding_role(place: names.WorkflowLocation, regions: Sequence[str]) -> PlannedRole:
    return PlannedRole(
        key="event-forwarding",
        name=names.EVENT_FORWARDING_ROLE_NAME,
        description="Forwards IAM events of session approval to the Region of the workflow",
        trust=forwarding_trust(place, regions),
        policy=forwarding_policy(place),
    )


def _operator_policies(
    settings: ApprovalSettings,
    place: names.WorkflowLocation,
    operators: IdentityCenterOperators,
    *,
    session_data_encryption: bool,
) -> tuple[PlannedPolicy, ...]:
    contents = {
        ("operator", names.OPERATOR_POLICY_NAME, "Start a session on the approved instance"): operator_policy(
            place, session_data_encryption=session_data_encryption
        ),
        ("requester", names.REQUESTER_POLICY_NAME, "Ask for a session"): requester_policy(settings, place),
    }
    # People of IAM Identity Center always have them.
    if settings.guard_rails or settings.operators:
        rails = guard_rail_policies(settings, place)
        for key, name in GUARD_RAILS.items():
            contents[key, name, "Deny changing what approval rests on"] = rails[name]
    return tuple(
        PlannedPolicy(
            key=key,
            name=name,
            arn=place.iam(f"policy/{name}"),
            description=description,
            content=content,
            roles=[*(settings.operator_roles if named else ()), *operators.roles],
            users=settings.operator_users if named else [],
        )
        for (key, name, description), content in contents.items()
        for named in (name in operator_policy_names(settings),)
    )


def _approver_policy(settings: ApprovalSettings, place: names.WorkflowLocation) -> PlannedPolicy:
    return PlannedPolicy(
        key="approver",
        name=names.APPROVER_POLICY_NAME,
        arn=place.iam(f"policy/{names.APPROVER_POLICY_NAME}"),
        description="Decide on requests for sessions",
        content=approver_policy(place),
        roles=settings.attachable_approvers(ApproverType.IAM_ROLE),
        users=settings.attachable_approvers(ApproverType.IAM_USER),
    )


def generated_texts(settings: ApprovalSettings, plan: EvidencePlan) -> Iterator[limits.Generated]:
    """Yield all texts that the workflow generates, with their sizes."""
    people = plan.operator_roles if isinstance(plan, ApprovalPlan) else ()
    operators = len(settings.operator_roles) + len(settings.operator_users) + len(people)
    given = f"{operators} operators and {len(settings.approvers)} approvers"

    def text(what: str, length: int, quota: limits.Quota) -> limits.Generated:
        return limits.Generated(
            what=what,
            size=length,
            quota=quota,
            path=("approval", "operatorRoles"),
            given=given,
            fix="Use fewer operators, or shorter names",
        )

    for policy in plan.policies:
        yield text(f"the policy {policy.name}", limits.size(policy.content), limits.MANAGED_POLICY)
    for role in (*plan.roles, *people):
        if role.policy:
            yield text(f"the policy of the role {role.name}", limits.size(role.policy), limits.ROLE_POLICIES)
        yield text(f"the trust policy of the role {role.name}", limits.size(role.trust), limits.TRUST_POLICY)
    for document in plan.documents:
        yield text(f"the document {document.name}", published_bytes(document.content), limits.DOCUMENT)
    for alarm in plan.event_alarms:
        yield text(f"the pattern of the rule {alarm.name}", len(json.dumps(alarm.pattern)), limits.EVENT_PATTERN)
        yield text(f"the description of the rule {alarm.name}", len(alarm.description), limits.EVENT_DESCRIPTION)
    yield text("the policy of the topic", len(json.dumps(topic_policy(plan.place))), limits.TOPIC_POLICY)
    yield text("the policy of its key", len(json.dumps(topic_key_policy(plan.place))), limits.KEY_POLICY)
    for what, quota in (("an EventBridge rule", limits.RULE_TARGETS), ("a CloudWatch alarm", limits.ALARM_ACTIONS)):
        yield limits.Generated(
            what=f"the topics of {what}",
            size=len(plan.alarm_topics),
            quota=quota,
            path=("approval", "alarmTopicArns"),
            given=f"{len(settings.alarm_topic_arns)} topics and that of the workflow",
            fix="Subscribe what receives the alarms to fewer topics",
        )
