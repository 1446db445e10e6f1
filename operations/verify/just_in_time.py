"""Verification of just-in-time node access: its policies, and the nodes that they decide about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from components.just_in_time.decisions import Outcome, decide
from operations.findings import Finding, Status, listed
from operations.inventory.just_in_time import read_nodes, read_policies
from operations.inventory.reader import Reader, ReadFailure
from operations.inventory.session_manager import read_document
from operations.terminal import program_name
from operations.verify.approval_checks import document_findings
from operations.verify.findings import Check
from operations.verify.just_in_time_setup import account_findings, region_findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.aws.session import Clients
    from components.just_in_time.decisions import AccessDecision
    from components.just_in_time.documents import ApprovalPolicyDocument
    from operations.deployment import Deployment

_AT_A_TIME: Final = 4
_MOST: Final = 10
_LIST: Final = f"{program_name()} access nodes"


@dataclass(frozen=True, kw_only=True)
class JustInTimeVerification:
    """A verification of just-in-time node access.

    Attributes:
        regions: Settings by Region, with the command that repairs it.
        documents: The policies as the settings define them.
    """

    clients: Clients
    caller: str
    regions: Mapping[str, Deployment]
    documents: tuple[ApprovalPolicyDocument, ...]
    account_id: str
    partition: str

    def findings(self) -> dict[str, list[Finding]]:
        """Return the findings by Region."""
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            found = dict(zip(self.regions, pool.map(self._region, self.regions), strict=True))
        home = next(iter(self.regions))
        found[home] += account_findings(Reader(self.clients, home, self.caller), self.account_id, self.partition)
        return found

    def _region(self, region: str) -> list[Finding]:
        reader, deployment = Reader(self.clients, region, self.caller), self.regions[region]
        findings = [
            finding
            for each in self.documents
            for finding in document_findings(f"access-{each.key}", deployment, each, read_document(reader, each.name))
        ]
        return [*findings, self._nodes(reader), *region_findings(reader, self.account_id)]

    def _nodes(self, reader: Reader) -> Finding:
        """Compare the nodes with the live policies: each needs exactly one decision."""
        check = Check("access-nodes", "each node has exactly one manual policy", _LIST)
        nodes, policies = read_nodes(reader), read_policies(reader)
        if isinstance(nodes, ReadFailure):
            return check.report_unread(nodes)
        if isinstance(policies, ReadFailure):
            return check.report_unread(policies)
        if policies.unknown:
            return check.reject(f"policies of another form: {'; '.join(policies.unknown)}", Status.UNKNOWN)
        decisions = [decide(each, policies) for each in nodes]
        conflicts = [each for each in decisions if each.outcome is Outcome.CONFLICT]
        without = [each for each in decisions if each.outcome is Outcome.NO_POLICY and not each.is_sound]
        if conflicts:
            found = f"several policies apply to {_named(conflicts)}, so each request for them fails"
            return replace(check, remedy=f"change their tags; {_LIST}").reject(found)
        if without:
            found = f"no policy applies to {_named(without)}, so all requests for them are refused"
            return check.reject(found, Status.WARNING)
        return check.accept()


def _named(decisions: list[AccessDecision]) -> str:
    return listed([each.node.shown for each in decisions], _MOST)
