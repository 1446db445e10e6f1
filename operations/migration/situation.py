"""Reads the state of AWS on which a step of a move depends."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from common.iam.documents import DocumentError
from components.approval.settings import Mode
from components.just_in_time.decisions import planned_policies
from components.just_in_time.documents import policy_documents
from components.just_in_time.prerequisites import check_prerequisites
from operations.approval.executions import MissingWorkflowError, list_requests
from operations.approval.session import CallError, session_of, workflow_of
from operations.audit.organization import read_organization
from operations.audit.run import audit_context, read_details, why_incomplete
from operations.errors import UnusableError
from operations.findings import Finding, Status, unknown_finding
from operations.inventory.just_in_time import read_decisions, read_policies
from operations.inventory.reader import Reader, ReadFailure, aws_clients, known_identity
from operations.migration.access_paths import AccessPaths, access_paths
from operations.migration.approval import MigrationSituation, Move, path_findings
from operations.verify.run import verify_just_in_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.aws.session import AwsClients
    from components.just_in_time.decisions import AccessDecision, Policies
    from components.settings import Settings
    from operations.approval.requests import ApprovalRequest
    from operations.audit.run import AuditOptions
    from operations.inventory.reader import Identity
    from operations.stack import StackConfiguration

_NODES: Final = "access-nodes"


class SituationReader:
    """Reader of a stack's account, with the credentials of the stack."""

    def __init__(self, configuration: StackConfiguration, options: AuditOptions) -> None:
        """Create a reader.

        Raises:
            UnusableError: AWS cannot be called.
        """
        self._configuration, self._options = configuration, options
        self._settings = configuration.settings()
        self._clients: AwsClients = aws_clients(configuration)

    def read(self, move: Move, outputs: Mapping[str, Any]) -> MigrationSituation:
        """Return the situation before the next step of a move."""
        planned = move.planned
        unread: list[Finding] = []
        return MigrationSituation(
            paths=self._paths(planned, move.target),
            requests=self._requests(outputs),
            decisions=self._decisions(planned, unread),
            prerequisites=tuple(self._prerequisites(planned)),
            unread=tuple(unread),
        )

    def path_findings(self) -> list[Finding]:
        """Return the findings about who can start sessions with the present configuration."""
        return path_findings(self._settings, self._paths(self._settings, self._mode))

    @cached_property
    def _identity(self) -> Identity:
        return known_identity(self._clients, self._configuration.sts_region(self._settings.regions[0]))

    @property
    def _mode(self) -> Mode:
        return self._settings.approval.mode if self._settings.approval else Mode.JUST_IN_TIME

    def _paths(self, planned: Settings, target: Mode) -> AccessPaths | ReadFailure:
        """Return the paths in the present mode, or in the target's if an interrupted step has left its policies."""
        region = self._settings.regions[0]
        details = read_details(self._clients, region, self._identity, lambda _what, _done, _of: None)
        if isinstance(details, ReadFailure):
            return details
        if incomplete := why_incomplete(details, region, self._identity):
            return incomplete
        organization = read_organization(self._clients, region, self._identity)
        try:
            audit = audit_context(self._configuration, self._options, self._identity, details, organization)
        except DocumentError as wrong:
            raise UnusableError(f"A policy of the account cannot be read: {wrong}") from None
        policies = [each.name for each in planned.just_in_time.manual_policies] if planned.just_in_time else []
        present = access_paths(audit, self._mode, policies, self._options.exceptions)
        if target is not Mode.AUTOMATION or target is self._mode or present.is_workflow_open:
            return present
        after = access_paths(audit, target, policies, self._options.exceptions)
        return after if after.is_workflow_open else present

    def _requests(self, outputs: Mapping[str, Any]) -> tuple[ApprovalRequest, ...] | ReadFailure:
        """Return the open requests of the workflow; none if an interrupted last step has removed it."""
        workflow = workflow_of(outputs, self._configuration.name)
        if workflow.mode is Mode.JUST_IN_TIME:
            return ()
        try:
            listed = list_requests(session_of(workflow, self._clients), ended=0)
        except MissingWorkflowError:
            return ()
        except CallError as failed:
            action = "ssm:DescribeAutomationExecutions"
            return ReadFailure(action=action, cause=str(failed), remedy="resolve this, then run the command again")
        return tuple(each for each in listed if each.state.may_be_open)

    def _decisions(self, planned: Settings, unread: list[Finding]) -> tuple[AccessDecision, ...]:
        """Return the decisions by the planned policies and those of other principals."""
        if planned.just_in_time is None:
            return ()
        ours = planned_policies(policy_documents(planned.just_in_time))

        def policies_of(reader: Reader) -> Policies | ReadFailure:
            live = read_policies(reader)
            return live if isinstance(live, ReadFailure) else _merged(ours, live)

        readers = [Reader(self._clients, region, self._identity.arn) for region in planned.regions]
        found, failures = read_decisions(readers, policies_of)
        unread += [unknown_finding("nodes", why, about=region) for region, why in failures]
        return tuple(found)

    def _prerequisites(self, planned: Settings) -> list[Finding]:
        """Return the findings about what Quick Setup makes; once the policies are deployed, about these as well."""
        if planned.just_in_time is None:
            return []
        checked = check_prerequisites(planned.just_in_time, self._clients, planned.regions, owner="")
        found = [Finding(check="prerequisites", found=str(each), remedy="") for each in checked.problems]
        if self._settings.just_in_time is None:
            return found
        regions = verify_just_in_time(self._configuration, self._clients, self._identity).regions
        return [
            *found,
            *(
                replace(each, about=region)
                for region, several in regions.items()
                for each in several
                if each.check != _NODES and each.status in (Status.DIFFERENT, Status.UNKNOWN, Status.PROBLEM)
            ),
        ]


def _merged(ours: Policies, live: Policies) -> Policies:
    """Return the policies after an update: ours in place of those with their names, and those of other principals."""
    names = {each.name for each in ours.manual}
    others = tuple(each for each in live.manual if each.name not in names)
    unknown = tuple(each for each in live.unknown if each.partition(":")[0] not in names)
    return replace(live, manual=(*ours.manual, *others), cedar=ours.cedar or live.cedar, unknown=unknown)
