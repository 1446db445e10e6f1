"""Ownership of the account and of every fixed name, looked up before the first resource is registered.

EventBridge rules, CloudWatch alarms and subscriptions have no fixed names here: they belong to the owner of the topic that they
publish to. The service setting of Default Host Management Configuration belongs to the owner of its role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.problems import NAMESPACE, Problem, SettingsError
from components.adoption.governance import policy_arn
from components.adoption.inventory import GLOBAL, Existing, FixedName
from components.adoption.lookup import find_all, rely_on_state
from components.adoption.resource_kinds import Kind
from components.approval import names as approval
from components.approval.alarms import forwarding_regions
from components.approval.settings import Mode
from components.domain_controllers import names as controllers
from components.domain_controllers.iam_policies import managed_policies
from components.domain_controllers.operations.plan import plan_operations
from components.just_in_time.documents import policy_documents
from components.nodes import names as nodes
from components.nodes.settings import Remediation
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.instance_policy import instance_policies
from components.session_manager.names import (
    DATA_KEY_ALIAS,
    DATA_KEY_PARAMETER,
    LOGS_KEY_ALIAS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from components.account import Account
    from components.approval.settings import ApprovalSettings, Evidence
    from components.domain_controllers.settings import DomainControllersSection
    from components.settings import Settings

Found = tuple[FixedName, Existing]

_PATH = ("takeOver",)


def check_ownership(
    settings: Settings, account: Account, owner: str, recording_region: str, operators: Iterable[str] = ()
) -> None:
    """Refuse to govern another stack's account, and resources that another stack or principal owns.

    For `recording_region` and `operators`, see `fixed_names`.

    Raises:
        SettingsError: Another stack or principal is the owner and the settings do not permit to take over, or a lookup
            fails; lists all problems.
    """
    if not settings.governs:
        return
    record = FixedName(
        kind=Kind.POLICY,
        region=settings.regions[0],
        name=policy_arn(account.partition, account.id),
        path=_PATH,
        take_over=settings.takes_over_account,
        is_adopted=False,
    )
    governing, problems = find_all([record])
    if any(existing.owner == owner for _, existing in governing):
        rely_on_state()
    found, wrong = find_all(fixed_names(settings, account, recording_region, operators))
    found, problems = [*governing, *found], list(dict.fromkeys([*problems, *wrong]))
    problems += ownership_problems(found, record, account, owner)
    if problems:
        raise SettingsError(problems)


def ownership_problems(found: Iterable[Found], record: FixedName, account: Account, owner: str) -> list[Problem]:
    """Return a problem for each other stack that owns a resource, and for each name of another principal. Pure."""
    others: dict[str, list[FixedName]] = {}
    problems: list[Problem] = []
    for name, existing in found:
        if existing.owner is None:
            if not (name.is_adopted or existing.made_here):
                problems.append(Problem(path=name.path, message=_of_another_principal(existing)))
        elif existing.owner != owner and not name.take_over:
            others.setdefault(existing.owner, []).append(name)
    return problems + [_of_another_stack(stack, names, record, account) for stack, names in others.items()]


def _of_another_principal(existing: Existing) -> str:
    return (
        f"{existing} exists and was not created by a stack of this program; it is not taken over, as what else it allows would "
        "stay. Delete it, then run the same command again"
    )


def _of_another_stack(stack: str, names: list[FixedName], record: FixedName, account: Account) -> Problem:
    kept = tuple(f"{name} ({NAMESPACE}:{name.path[0]}.takeOver)" for name in names if name is not record)
    owner = f"resources that this stack would change are owned by the stack {stack}"
    if record in names:
        owner = f"account {account.id} is governed by the stack {stack}, and one stack governs an account"
    remedy = f"Destroy that stack first, or set {NAMESPACE}:takeOver to true here to take everything over from it"
    listed = ". Its resources that this stack would change" if kept else ""
    return Problem(path=_PATH, message=f"{owner}. {remedy}{listed}", details=kept)


_CATALOG: Final = frozenset({Kind.DATABASE, Kind.TABLE, Kind.WORK_GROUP})


def fixed_names(
    settings: Settings, account: Account, recording_region: str = "", operators: Iterable[str] = ()
) -> list[FixedName]:
    """Return every fixed name that the components register for these settings.

    `recording_region` is empty where AWS Config does not evaluate roles; `operators` are names of roles of operators of
    IAM Identity Center.
    """
    return [
        *_session_manager(settings, account),
        *_approval(settings, account, operators),
        *_just_in_time(settings),
        *_controllers(settings, account),
        *_nodes(settings, recording_region),
    ]


def _policy(account: Account, name: str) -> str:
    return account.scope().iam(f"policy/{name}")


def _session_manager(settings: Settings, account: Account) -> Iterator[FixedName]:
    path = ("sessionManager",)
    for region, each in settings.session_manager.items():
        names = [(Kind.DOCUMENT, DOCUMENT_NAME)]
        if each.session_data_encryption:
            names += [(Kind.ALIAS, DATA_KEY_ALIAS), (Kind.PARAMETER, DATA_KEY_PARAMETER)]
        if each.encrypts_created_log_group:
            names.append((Kind.ALIAS, LOGS_KEY_ALIAS))
        if each.create_cw_log_group:
            names.append((Kind.LOG_GROUP, each.cw_log_group_name))
        for kind, name in names:
            yield FixedName(kind=kind, region=region, name=name, path=path, take_over=each.take_over)
    for policy in instance_policies(settings.session_manager, partition=account.partition, account_id=account.id):
        yield FixedName(
            kind=Kind.POLICY,
            region=settings.regions[0],
            name=_policy(account, policy),
            path=path,
            take_over=any(each.take_over for each in settings.session_manager.values()),
        )


def _approval(settings: Settings, account: Account, operators: Iterable[str]) -> Iterator[FixedName]:
    section = settings.approval or settings.evidence_export
    if section is None:
        return
    place = approval.WorkflowLocation(partition=account.partition, account_id=account.id, region=settings.regions[0])
    names = [(Kind.ALIAS, approval.KEY_ALIAS), (Kind.TOPIC, place.topic_arn)]
    names += _evidence(place, section.evidence) if section.evidence else ()
    names += _workflow(settings, section, place, operators) if section.has_workflow else ()
    for kind, name in names:
        yield FixedName(
            kind=kind,
            region=place.region,
            name=name,
            path=("approval",),
            take_over=section.take_over,
            is_adopted=kind not in {*GLOBAL, Kind.SCHEDULE, Kind.SCHEDULE_GROUP, Kind.BUCKET, *_CATALOG},
        )


def _workflow(
    settings: Settings, section: ApprovalSettings, place: approval.WorkflowLocation, operators: Iterable[str]
) -> list[tuple[Kind, str]]:
    forwards = bool(forwarding_regions(section, place, settings.regions))
    names = [
        (Kind.DOCUMENT, approval.RUNBOOK_NAME),
        (Kind.DOCUMENT, approval.REAPER_NAME),
        *([(Kind.DOCUMENT, approval.CHANGE_TEMPLATE_NAME)] if section.mode is Mode.CHANGE_MANAGER else []),
        (Kind.ROLE, approval.ROLE_NAME),
        (Kind.ROLE, approval.REAPER_SCHEDULE_ROLE_NAME),
        *([(Kind.ROLE, approval.EVENT_FORWARDING_ROLE_NAME)] if forwards else []),
        *([(Kind.ROLE, approval.BREAK_GLASS_ROLE_NAME)] if section.break_glass else []),
        (Kind.POLICY, place.iam(f"policy/{approval.OPERATOR_POLICY_NAME}")),
        (Kind.POLICY, place.iam(f"policy/{approval.REQUESTER_POLICY_NAME}")),
        (Kind.POLICY, place.iam(f"policy/{approval.APPROVER_POLICY_NAME}")),
    ]
    names += [(Kind.ROLE, name) for name in operators]
    if section.operators:
        names.append((Kind.POLICY, place.iam(f"policy/{approval.OPERATOR_BOUNDARY_NAME}")))
    if section.guard_rails or section.operators:
        rails = (approval.GUARD_RAIL_POLICY_NAME, approval.IDENTITIES_GUARD_RAIL_POLICY_NAME)
        names += [(Kind.POLICY, place.iam(f"policy/{name}")) for name in rails]
    return [
        *names,
        (Kind.SCHEDULE_GROUP, approval.REAPER_SCHEDULE_GROUP),
        (Kind.SCHEDULE, f"{approval.REAPER_SCHEDULE_GROUP}/{approval.REAPER_SCHEDULE_NAME}"),
    ]


def _evidence(place: approval.WorkflowLocation, settings: Evidence) -> Iterator[tuple[Kind, str]]:
    yield from ((Kind.ROLE, role) for role in approval.EVIDENCE_ROLES)
    yield Kind.DOCUMENT, approval.EVIDENCE_RUNBOOK_NAME
    yield Kind.ALIAS, approval.EVIDENCE_KEY_ALIAS
    yield Kind.BUCKET, place.evidence_bucket
    yield Kind.SCHEDULE_GROUP, approval.EVIDENCE_SCHEDULE_GROUP
    yield Kind.SCHEDULE, f"{approval.EVIDENCE_SCHEDULE_GROUP}/{approval.EVIDENCE_SCHEDULE_NAME}"
    yield Kind.DATABASE, approval.EVIDENCE_DATABASE
    yield Kind.TABLE, f"{approval.EVIDENCE_DATABASE}/{approval.EVIDENCE_TABLE}"
    if settings.trail:
        yield Kind.TABLE, f"{approval.EVIDENCE_DATABASE}/{approval.TRAIL_TABLE}"
        yield Kind.WORK_GROUP, place.work_group_arn


def _just_in_time(settings: Settings) -> Iterator[FixedName]:
    for document in policy_documents(settings.just_in_time) if settings.just_in_time else ():
        for region in settings.regions:
            yield FixedName(
                kind=Kind.DOCUMENT,
                region=region,
                name=document.name,
                path=("approval",),
                take_over=settings.takes_over_just_in_time,
            )


def _controllers(settings: Settings, account: Account) -> Iterator[FixedName]:
    section = settings.domain_controllers
    if section is None:
        return
    home = settings.regions[0]
    policies = managed_policies(section, account.scope())
    names = [(Kind.POLICY, home, _policy(account, each)) for each in policies]
    if controllers.CONTROLLERS_ROLE in policies:
        names += [(kind, home, controllers.CONTROLLERS_ROLE) for kind in (Kind.ROLE, Kind.INSTANCE_PROFILE)]
    if section.sites and not section.monitoring.existing_trail:
        names += [
            (Kind.ALIAS, home, controllers.TRAIL_KEY_ALIAS),
            (Kind.BUCKET, home, controllers.trail_bucket_name(account.id, home)),
            (Kind.TRAIL, home, controllers.TRAIL),
        ]
    for region in section.sites:
        names += [
            (Kind.ALIAS, region, controllers.CONTROLLERS_KEY_ALIAS),
            (Kind.ALIAS, region, controllers.MONITORING_KEY_ALIAS),
            (Kind.TOPIC, region, account.scope(region).arn("sns", controllers.ALERTS_TOPIC)),
            (Kind.LOG_GROUP, region, controllers.FLOW_LOGS),
            (Kind.ROLE, region, controllers.flow_logs_role_name(region)),
        ]
        names += _operations(section, region)
    for kind, region, name in names:
        path = ("domainControllers",)
        yield FixedName(
            kind=kind,
            region=region,
            name=name,
            path=path,
            take_over=settings.take_over,
            is_adopted=kind in {Kind.ALIAS, Kind.DOCUMENT},
        )


def _operations(section: DomainControllersSection, region: str) -> Iterator[tuple[Kind, str, str]]:
    plan = plan_operations(section, region)
    yield from ((Kind.LOG_GROUP, region, name) for name in plan.log_groups)
    yield from ((Kind.DOCUMENT, region, each.name) for each in plan.documents)
    yield from ((Kind.ASSOCIATION, region, each.name) for each in plan.associations.values())


def _nodes(settings: Settings, recording_region: str) -> Iterator[FixedName]:
    section = settings.nodes
    if section is None:
        return
    home = settings.regions[0]
    names: list[tuple[Kind, str, str, str]] = []
    if section.role_compliance and recording_region:
        key = "roleCompliance"
        names.append((Kind.CONFIG_RULE, recording_region, nodes.RULE_NAME, key))
        if section.role_compliance.remediation is not Remediation.OFF:
            names += [
                (Kind.ROLE, home, nodes.REMEDIATION_ROLE_NAME, key),
                (Kind.DOCUMENT, recording_region, nodes.RUNBOOK_NAME, key),
            ]
    if section.default_host_management:
        names.append((Kind.ROLE, home, nodes.HOST_ROLE_NAME, "defaultHostManagement"))
    if section.agents:
        names += [(Kind.ASSOCIATION, region, nodes.ASSOCIATION_NAME, "agents") for region in settings.regions]
    for kind, region, name, key in names:
        yield FixedName(
            kind=kind,
            region=region,
            name=name,
            path=("nodes", key),
            take_over=section.take_over,
            is_adopted=kind not in {*GLOBAL, Kind.CONFIG_RULE},
        )
