"""Diagnosis of one node, or of all nodes in a stack's Regions."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from common.aws.session import AwsClients
from operations.deployment import Deployment
from operations.doctor.evaluation import evaluate
from operations.doctor.node_reader import RegionReader, Roles
from operations.errors import UnusableError
from operations.inventory.instances import Finder, NoConnectionError
from operations.inventory.reader import Reader, ReadFailure, aws_clients, identify
from operations.stack import chosen_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.doctor.facts import NodeFacts
    from operations.doctor.findings import Diagnosis
    from operations.doctor.node_reader import ListedNode
    from operations.inventory.reader import Identity
    from operations.stack import StackConfiguration

Progress = Callable[[str, int, int | None], None]
"""Receives the current step, the number of nodes done, and of all."""

_OUTSIDE_EC2 = re.compile(r"mi-[0-9a-f]{17}")
_AT_A_TIME = 8
"""Maximum number of nodes and Regions at a time. Shared data is read once, so that service quotas suffice."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Diagnoses of all nodes of a stack.

    Attributes:
        account_id: None if AWS did not answer.
        nodes: Diagnoses, the worst first.
        unread: Regions whose nodes cannot be listed, or only in part, with the reason.
    """

    stack: str
    account_id: str | None
    nodes: tuple[Diagnosis, ...] = ()
    unread: tuple[tuple[str, ReadFailure], ...] = ()


class Doctor:
    """Diagnoses with the credentials and roles of the stack's AWS provider."""

    def __init__(self, stack: StackConfiguration, regions: Sequence[str] | None = None) -> None:
        """Initialize the doctor.

        Raises:
            UnusableError: The configuration cannot be used, or has none of these Regions.
        """
        self._stack, self._settings = stack, stack.settings()
        self._chosen = chosen_regions(self._settings.regions, regions)
        self._clients = aws_clients(stack)

    def diagnose(self, name_or_id: str) -> Diagnosis:
        """Return the reasons why a session on a node would fail or would not be logged.

        Raises:
            UnusableError: AWS cannot be called.
            NoConnectionError: No node or several nodes match, or it cannot be determined.
        """
        identity = self._identity()
        if isinstance(identity, ReadFailure):
            raise NoConnectionError(f"{identity.explanation}; {identity.remedy}.")
        regions, caller = self._regions(identity), self._caller()
        if _OUTSIDE_EC2.fullmatch(name_or_id):
            found = [node for reader in regions.values() if (node := reader.node(name_or_id, caller)) is not None]
            if not found:
                raise NoConnectionError(f"There is no node {name_or_id} in {' or '.join(regions)}.")
            # A Region that cannot be read may contain the node; one that returned it certainly does.
            return self._evaluate(min(found, key=lambda each: isinstance(each.managed, ReadFailure)))
        instance = Finder(self._clients, tuple(regions), identity).find(name_or_id)
        node = regions[instance.region].node(instance.id, caller)
        if node is None:
            raise NoConnectionError(f"{instance} no longer exists.")
        return self._evaluate(node)

    def survey(self, *, running_only: bool = False, progress: Progress = lambda _what, _done, _of: None) -> Survey:
        """Diagnose every managed node in every Region, and every running instance that is not managed.

        Raises:
            UnusableError: AWS cannot be called.
        """
        identity = self._identity()
        name = self._stack.name
        if isinstance(identity, ReadFailure):
            return Survey(stack=name, account_id=None, unread=(("all Regions", identity),))
        regions = self._regions(identity)
        with ThreadPoolExecutor(max_workers=_AT_A_TIME) as pool:
            progress("Listing nodes", 0, None)
            lists = {reader: pool.submit(reader.nodes, running_only=running_only) for reader in regions.values()}
            nodes = [(reader, node) for reader, each in lists.items() for node in each.result()]
            evaluating = [pool.submit(self._read, *each) for each in nodes]
            diagnoses: list[Diagnosis] = []
            for done, each in enumerate(as_completed(evaluating), 1):
                diagnoses.append(each.result())
                progress("Evaluating nodes", done, len(evaluating))
        unread = [
            (region, why)
            for region, reader in regions.items()
            for why in reader.lists()
            if isinstance(why, ReadFailure)
        ]
        return Survey(
            stack=name,
            account_id=identity.account_id,
            nodes=tuple(sorted(diagnoses, key=lambda each: each.order)),
            unread=tuple(unread),
        )

    def _read(self, reader: RegionReader, listed: ListedNode) -> Diagnosis:
        return self._evaluate(reader.facts(*listed))

    def _evaluate(self, node: NodeFacts) -> Diagnosis:
        """Evaluate a node, and remove secret parts of the configuration from the diagnosis."""
        found, hide = evaluate(node), self._stack.without_secrets
        return replace(
            found,
            findings=tuple(
                replace(each, about=hide(each.about), found=hide(each.found), remedy=hide(each.remedy))
                for each in found.findings
            ),
        )

    def _identity(self) -> Identity | ReadFailure:
        return identify(self._clients, self._stack.sts_region(self._settings.regions[0]))

    def _caller(self) -> str:
        """Return the ARN of the credentials with which the person at the terminal requests access; empty: not known.

        Those of the stack are for reading.
        """
        if self._settings.just_in_time is None:
            return ""
        try:
            found = identify(AwsClients(lambda _key: None), self._settings.regions[0])
        except UnusableError:
            return ""
        return "" if isinstance(found, ReadFailure) else found.arn

    def _regions(self, identity: Identity) -> dict[str, RegionReader]:
        roles = Roles(self._clients, identity, self._settings.regions[0])
        return {
            region: RegionReader(
                Reader(self._clients, region, identity.arn),
                Deployment.of(self._stack, self._settings, identity, region),
                roles,
            )
            for region in self._chosen
        }
