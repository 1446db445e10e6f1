"""Stack: registers all components of the settings and returns the outputs."""

# A component is imported only where the stack has it, see components/startup.py.
# ruff: noqa: PLC0415

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from common.problems import Collector, raise_problems
from components.account import Account
from components.adoption.deleted_data import watch_data
from components.adoption.governing_stack import govern
from components.adoption.lookup import program_clients, state_outputs
from components.adoption.recovery import recover
from components.approval.names import CHANGE_TEMPLATE_NAME, RUNBOOK_NAME
from components.domain_controllers.existing_controllers import change_problems
from components.domain_controllers.names import trail_bucket_name
from components.just_in_time.names import MANAGED_TAG
from components.preflight.named_resources import check_named_resources
from components.preflight.ownership import check_ownership
from components.preflight.quotas import check_attachments, check_network_quotas, check_roles
from components.secret_marking import keep_secrets

if TYPE_CHECKING:
    from components.account_access.component import AccountAccessArgs
    from components.approval.component import Approval, ApprovalArgs
    from components.domain_controllers.component import PlannedControllers
    from components.just_in_time.component import JustInTimeAccess, JustInTimeAccessArgs
    from components.nodes.component import PlannedNodes
    from components.session_manager.component import SessionManager
    from components.session_manager.endpoints import PlannedEndpoints
    from components.settings import Settings

_ROLE = "aws:iam/role:Role"


@dataclass(kw_only=True)
class _Plan:
    """Plans of the configured sections."""

    endpoints: dict[str, PlannedEndpoints] = field(default_factory=dict[str, "PlannedEndpoints"])
    approval: ApprovalArgs | None = None
    account_access: AccountAccessArgs | None = None
    just_in_time: JustInTimeAccessArgs | None = None
    controllers: PlannedControllers | None = None
    nodes: PlannedNodes | None = None


def build(settings: Settings, owner: str) -> dict[str, Any]:
    """Register the components, and return the outputs of the stack; None for a system that is not configured.

    Raises:
        SettingsError: A resource of the settings is missing, or not as configured; nothing is registered then.
    """
    account = Account.of_provider()
    bound_roles(settings.permissions_boundary, account)
    planned = _plan(settings, account, owner)
    controllers = settings.domain_controllers
    protected_by = "domainControllers.terminationProtection" if controllers and controllers.protects_controllers else ""
    finish = govern(account, settings.regions[0], owner, protected_by) if settings.governs else None
    if finish:
        recover(account, owner, settings.regions[0])
    warn_of_deleted_data = watch_data()
    # The last transformation, so that it also marks what the others add.
    keep_secrets()
    session_manager = _session_manager(settings, account)
    _endpoints(settings, account, planned)
    outputs: dict[str, Any] = {
        "accountId": account.id,
        "regions": list(settings.regions),
        "preferences": session_manager.preferences if session_manager else None,
        "instancePolicyArn": next(iter(session_manager.instance_policy_arns), None) if session_manager else None,
        "instancePolicyArns": (list(session_manager.instance_policy_arns) or None) if session_manager else None,
        **_approvals(planned),
        **_controllers(settings, account, planned, session_manager),
        **_nodes(settings, account, planned, session_manager),
    }
    if finish:
        finish()
    warn_of_deleted_data()
    return outputs


def bound_roles(boundary: str, account: Account) -> None:
    """Set the permissions boundary of each role that is registered from now on, whichever component creates it.

    `boundary` is the name or ARN of a managed policy; empty: none.
    """
    if not boundary:
        return
    arn = boundary if boundary.startswith("arn:") else f"arn:{account.partition}:iam::{account.id}:policy/{boundary}"

    def bounded(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ != _ROLE:
            return None
        return pulumi.ResourceTransformationResult({**args.props, "permissionsBoundary": arn}, args.opts)

    pulumi.runtime.register_stack_transformation(bounded)


def _plan(settings: Settings, account: Account, owner: str) -> _Plan:
    """Look up and plan everything before the first resource is registered, and report all problems at once."""
    looked_up, planned = Collector(), _Plan()
    with looked_up:
        check_named_resources(settings, account)
    with looked_up:
        check_attachments(settings, account)
    with looked_up:
        check_network_quotas(settings)
    with looked_up:
        _plan_approval(planned, settings, account)
    with looked_up:
        _plan_account_access(planned, settings)
    with looked_up:
        _plan_just_in_time(planned, settings, owner)
    with looked_up:
        _plan_networks(planned, settings, account)
    with looked_up:
        _check_existing_controllers(planned, settings, account)
    with looked_up:
        if settings.nodes:
            from components.nodes.component import plan_nodes

            planned.nodes = plan_nodes(
                settings.nodes, account, regions=settings.regions, preferences=settings.session_manager
            )
    with looked_up:
        check_ownership(
            settings,
            account,
            owner,
            planned.nodes.recording_region if planned.nodes else "",
            planned.approval.operators.roles if planned.approval else (),
        )
    looked_up.check()
    return planned


def _plan_approval(planned: _Plan, settings: Settings, account: Account) -> None:
    section = settings.approval or settings.evidence_export
    if section is None:
        return
    from components.approval.component import ApprovalArgs, check_approval
    from components.approval.identity_center import NO_OPERATORS
    from components.session_manager.settings import log_locations

    operators = NO_OPERATORS
    if section.operators:
        from components.approval.identity_store import find_operators

        operators = find_operators(
            section,
            program_clients(),
            settings.regions[0],
            lambda: program_clients().caller_arn(settings.regions[0]),
        )
        check_roles(operators, settings.regions[0])
    planned.approval = ApprovalArgs(
        settings=section,
        operators=operators,
        regions=settings.regions,
        session_data_encryption=any(each.session_data_encryption for each in settings.session_manager.values()),
        account=account,
        logs=log_locations(settings.session_manager, account.id),
        tags=settings.tags,
    )
    check_approval(planned.approval)


def _plan_account_access(planned: _Plan, settings: Settings) -> None:
    if settings.account_access is None:
        return
    from components.account_access.component import plan_entitlements

    region = settings.regions[0]
    planned.account_access = plan_entitlements(
        settings.account_access, program_clients(), lambda: program_clients().caller_arn(region)
    )


def _plan_just_in_time(planned: _Plan, settings: Settings, owner: str) -> None:
    if settings.just_in_time is None:
        return
    from components.just_in_time.component import JustInTimeAccessArgs, check_just_in_time

    planned.just_in_time = JustInTimeAccessArgs(
        settings=settings.just_in_time,
        regions=settings.regions,
        owner=owner,
        take_over=settings.takes_over_just_in_time,
        replaced_documents=() if settings.approval else (RUNBOOK_NAME, CHANGE_TEMPLATE_NAME),
        tags=settings.tags,
    )
    check_just_in_time(planned.just_in_time)


def _plan_networks(planned: _Plan, settings: Settings, account: Account) -> None:
    if settings.endpoints:
        from components.session_manager.endpoints import plan_endpoints

        planned.endpoints = plan_endpoints(settings.endpoints, settings.session_manager)
    if settings.domain_controllers:
        from components.domain_controllers.component import plan_controllers

        planned.controllers = plan_controllers(
            settings.domain_controllers, account, preferences=settings.session_manager, endpoints=planned.endpoints
        )


def _check_existing_controllers(planned: _Plan, settings: Settings, account: Account) -> None:
    if settings.domain_controllers and planned.controllers is None:
        # Its sites are not as configured, which is reported.
        return
    found = planned.controllers.resources.items() if planned.controllers else ()
    subnets = {region: {each.given: each for each in site.network.subnets} for region, site in found}
    bucket = trail_bucket_name(account.id, settings.regions[0])
    raise_problems(change_problems(settings.domain_controllers, subnets, bucket, state_outputs()))


def _session_manager(settings: Settings, account: Account) -> SessionManager | None:
    if not settings.session_manager:
        return None
    from components.session_manager.component import SessionManager, SessionManagerArgs

    return SessionManager(
        "session-manager",
        SessionManagerArgs(
            settings=settings.session_manager,
            account=account,
            instance_roles=settings.instance_roles,
            tags=settings.tags,
            data_key_tags=MANAGED_TAG if settings.just_in_time else {},
        ),
    )


def _endpoints(settings: Settings, account: Account, planned: _Plan) -> None:
    if not planned.endpoints:
        return
    from components.session_manager.endpoint_services import interface_services
    from components.session_manager.endpoints import SystemsManagerEndpoints, SystemsManagerEndpointsArgs

    of_controllers = planned.controllers.services_on_shared_endpoints if planned.controllers else {}
    for region, each in planned.endpoints.items():
        SystemsManagerEndpoints(
            f"endpoints-{region}",
            SystemsManagerEndpointsArgs(
                region=region,
                network=each.network,
                services=tuple(
                    dict.fromkeys(
                        (*interface_services(settings.session_manager.get(region)), *of_controllers.get(region, ()))
                    )
                ),
                allowed_cidrs=tuple(each.settings.allowed_cidrs),
                s3_gateway=each.settings.s3_gateway,
                account_id=account.id,
                tags=settings.tags,
            ),
        )


def _approvals(planned: _Plan) -> dict[str, Any]:
    """Register the approval workflow, and the entitlements of account access manager."""
    workflow, outputs = _approval(planned)
    if planned.account_access is None:
        return outputs
    from components.account_access.component import AccountAccess

    access = AccountAccess("account-access", planned.account_access, [workflow] if workflow else [])
    return {**outputs, "accountAccess": access.outputs}


def _approval(planned: _Plan) -> tuple[Approval | None, dict[str, Any]]:
    access: JustInTimeAccess | None = None
    if planned.just_in_time:
        from components.just_in_time.component import JustInTimeAccess

        access = JustInTimeAccess("just-in-time", planned.just_in_time)
    if planned.approval is None:
        return None, {"operatorPolicyArn": None, "approval": access.outputs if access else None}
    from components.approval.component import Approval, EvidenceExport

    # In a move, the workflow changes only when the policies exist.
    after = pulumi.ResourceOptions(depends_on=[access] if access else None)
    if access and not planned.approval.settings.has_workflow:
        EvidenceExport("approval", planned.approval, after)
        return None, {"operatorPolicyArn": None, "approval": access.outputs}
    approval = Approval("approval", planned.approval, after)
    return approval, {"operatorPolicyArn": approval.operator_policy_arn, "approval": approval.outputs}


def _controllers(
    settings: Settings, account: Account, planned: _Plan, session_manager: SessionManager | None
) -> dict[str, Any]:
    if planned.controllers is None:
        return {"domainControllers": None, "domainControllerPolicyArns": None}
    from components.domain_controllers.component import DomainControllers, DomainControllersArgs
    from components.domain_controllers.names import SYSTEM

    controllers = DomainControllers(
        SYSTEM,
        DomainControllersArgs(
            planned=planned.controllers,
            account=account,
            region=settings.regions[0],
            preferences=settings.session_manager,
            instance_policy_arns=session_manager.instance_policy_arns if session_manager else (),
            take_over=settings.take_over,
            tags=settings.tags,
        ),
    )
    return {"domainControllers": controllers.sites, "domainControllerPolicyArns": controllers.policy_arns}


def _nodes(
    settings: Settings, account: Account, planned: _Plan, session_manager: SessionManager | None
) -> dict[str, Any]:
    if planned.nodes is None:
        return {"nodes": None}
    from components.nodes.component import Nodes, NodesArgs

    nodes = Nodes(
        "nodes",
        NodesArgs(
            planned=planned.nodes,
            regions=settings.regions,
            account=account,
            policy_arns=session_manager.instance_policy_arns if session_manager else (),
            preferences=(session_manager,) if session_manager else (),
            tags=settings.tags,
        ),
    )
    return {"nodes": nodes.outputs}
