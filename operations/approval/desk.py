"""Context of the approval commands: the caller's own credentials, and the workflow of a stack."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from common.aws.session import AwsClients
from common.validation import partitions
from components.approval.names import WorkflowLocation
from operations.approval.calls import CallError
from operations.approval.workflow import Workflow, workflow_named, workflow_of
from operations.errors import UnusableError
from operations.inventory.reader import Clients, Identity, ReadFailure, identify

if TYPE_CHECKING:
    from operations.surroundings import Surroundings


@dataclass(frozen=True, kw_only=True)
class Which:
    """The workflow that the command line selects.

    Attributes:
        stack: Name of the stack; None: the selected one.
        cwd: Directory with Pulumi.yaml.
        mode: Mode of approval; with `region`, used instead of a stack.
        region: Region of the workflow; see `mode`.
    """

    stack: str | None = None
    cwd: Path = Path()
    mode: str | None = None
    region: str | None = None

    @property
    def options(self) -> str:
        """The same options for a command to display, each with a leading space."""
        given: list[tuple[str, str | None]] = [
            ("--stack", self.stack),
            ("--mode", self.mode),
            ("--region", self.region),
        ]
        given += [("--cwd", str(self.cwd))] if self.cwd != Path() else []
        return "".join(f" {name} {shlex.quote(value)}" for name, value in given if value)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Workflow, credentials and identity of a command.

    Attributes:
        workflow: Workflow of the stack.
        clients: Clients with the caller's own credentials; those of the stack are for `pulumi`.
        identity: Identity of these credentials.
        options: Options of the command line that select this workflow, for commands to display.
    """

    workflow: Workflow
    clients: Clients
    identity: Identity
    options: str = ""

    @property
    def place(self) -> WorkflowLocation:
        """Location of the workflow."""
        return WorkflowLocation(
            partition=self.identity.partition, account_id=self.identity.account_id, region=self.workflow.region
        )


def open_desk(surroundings: Surroundings, which: Which) -> Desk:
    """Find the workflow and the caller's identity.

    Raises:
        UnusableError: The workflow does not exist, or there are no credentials.
        CallError: AWS does not return the caller's identity.
    """
    if (which.mode is None) != (which.region is None):
        raise UnusableError("--mode and --region go together: they take the place of a stack.")
    if which.mode is not None and which.region is not None:
        if which.region not in partitions():
            raise UnusableError(
                f"--region {which.region}: expected a Region that the installed AWS SDK for Python knows, such as eu-west-1."
            )
        workflow = workflow_named(which.mode, which.region)
    else:
        workflow = workflow_of(surroundings.read_outputs(which.cwd, which.stack), which.stack)
    return replace(desk_of(workflow, AwsClients(lambda _key: None)), options=which.options)


def desk_of(workflow: Workflow, clients: Clients) -> Desk:
    """Return the context for a workflow, with the credentials of these clients.

    Raises:
        UnusableError: There are no credentials.
        CallError: AWS does not return their identity.
    """
    identity = identify(clients, workflow.region)
    if isinstance(identity, ReadFailure):
        raise CallError(f"{identity.action} failed: {identity.cause}.")
    return Desk(workflow=workflow, clients=clients, identity=identity)
