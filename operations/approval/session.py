"""Session of an approval command: the workflow of a stack, and the caller's own credentials or operator's role."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from common.aws.arns import split_arn
from common.aws.failures import action_of, code_of, failure_of
from common.aws.session import AwsClients, Clients
from common.validation import partitions
from components.approval.names import CHANGE_TEMPLATE_NAME, OPERATORS_PATH, RUNBOOK_NAME, WorkflowLocation
from components.approval.settings import IDENTITY_CENTER_PREFIX, Mode
from operations.command_line import CommandContext
from operations.defaults import REGIONS
from operations.errors import CommandError, UnusableError
from operations.inventory.identity_center import read_operator_roles
from operations.inventory.reader import Identity, Reader, ReadFailure, identify
from operations.principals import GrantedPrincipal, principal_of

if TYPE_CHECKING:
    import typer


_ASSUME: Final = "sts:AssumeRole"


class CallError(CommandError):
    """A call to AWS failed, or would fail; the message has the cause and the fix.

    Attributes:
        code: Error code of AWS. Empty: none.
        read_so_far: Results of a listing's earlier pages, by the names of its lists; None: none, or not a listing.
    """

    code: str = ""
    read_so_far: Mapping[str, list[Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The approval workflow of an account.

    Attributes:
        region: Region of requests; the instance may be in another one, but not in mode `just-in-time`.
        runbook: Name of the runbook that grants.
        regions: Regions in which instances may be; empty: not known.
        operator_roles: ARNs of the roles of operators of IAM Identity Center by user name; None: not known.
        account_id: Account of the workflow; empty: that of the credentials.
    """

    mode: Mode
    region: str
    account_id: str = ""
    runbook: str = RUNBOOK_NAME
    change_template: str = CHANGE_TEMPLATE_NAME
    regions: tuple[str, ...] = ()
    operator_roles: Mapping[str, str] | None = None

    def user_of(self, principal: GrantedPrincipal | None) -> str:
        """Return the user name of the operator of IAM Identity Center whose role it is; empty: not known, or another principal.

        The name of a session does not prove it: with account access manager, the operator chooses it.
        """
        for name, arn in (self.operator_roles or {}).items():
            if GrantedPrincipal("role", arn.rsplit("/", 1)[-1]).is_same(principal):
                return name
        return ""


@dataclass(frozen=True, kw_only=True)
class ApprovalSession:
    """Workflow, credentials and identity of a command.

    Attributes:
        clients: Clients with the caller's own credentials; those of the stack are for `pulumi`.
        options: Options of the command line that select this workflow, for commands to display.
    """

    workflow: Workflow
    clients: Clients
    identity: Identity
    options: str = ""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pause: Callable[[float], None] = time.sleep

    @property
    def is_just_in_time(self) -> bool:
        """Return whether AWS grants the access, so that requests are access requests of the node's Region."""
        return self.workflow.mode is Mode.JUST_IN_TIME

    def in_region(self, region: str) -> ApprovalSession:
        """Return the session for requests of another Region."""
        return replace(self, workflow=replace(self.workflow, region=region, regions=self.regions))

    @property
    def place(self) -> WorkflowLocation:
        """Location of the workflow."""
        return WorkflowLocation(
            partition=self.identity.partition, account_id=self.identity.account_id, region=self.workflow.region
        )

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions in which instances may be, as far as they are known."""
        return self.workflow.regions or (self.workflow.region,)

    @property
    def scope(self) -> str:
        """Account and Regions of the requests, for headings."""
        regions = self.regions if self.is_just_in_time else (self.workflow.region,)
        return f"account {self.identity.account_id}, {', '.join(regions)}"

    def reader(self, region: str | None = None) -> Reader:
        """Return a reader of a Region; of the workflow's Region by default."""
        return Reader(self.clients, region or self.workflow.region, self.identity.arn)

    def call(self, operation: str, **arguments: Any) -> Any:
        """Call Systems Manager in the workflow's Region, and return its response with all pages."""
        client = self.clients.client("ssm", self.workflow.region)
        try:
            if client.can_paginate(operation):
                return client.get_paginator(operation).paginate(**arguments).build_full_result()
            return getattr(client, operation)(**arguments)
        except (BotoCoreError, ClientError, ValueError) as failed:
            why = failure_of(action_of("ssm", operation), failed, self.workflow.region, self.identity.arn)
            problem = CallError(f"{why.action}: {why.reason}. Remedy: {why.remedy}.")
            problem.code = code_of(failed) if isinstance(failed, ClientError) else ""
            problem.read_so_far = getattr(failed, "read_so_far", None)
            raise problem from failed


def open_session(
    context: typer.Context, stack: str | None, cwd: Path, mode: str | None, region: str | None
) -> ApprovalSession:
    """Find the workflow that the options of a command select, and the caller's identity.

    Args:
        context: Context of the command.
        stack: Name of the stack; None: the selected one.
        cwd: Directory with Pulumi.yaml.
        mode: Mode of approval; with `region`, used instead of a stack.
        region: Region of the workflow; see `mode`.

    Raises:
        UnusableError: The workflow does not exist, or there are no credentials.
        CallError: AWS does not return the caller's identity.
    """
    command = CommandContext.of(context)
    if (mode is None) != (region is None):
        raise UnusableError("--mode, --region: expected both or neither, got one. Together they replace a stack.")
    if mode is None or region is None:
        workflow = workflow_of(command.read_outputs(cwd, stack), stack)
    elif region not in partitions():
        raise UnusableError(
            f"--region: expected a Region that the AWS SDK for Python knows, such as eu-west-1, got {region}."
        )
    elif mode not in set(Mode):
        raise UnusableError(f"--mode: expected one of {', '.join(Mode)}, got {mode!r}.")
    else:
        workflow = Workflow(mode=Mode(mode), region=region, regions=context.meta.get(REGIONS, ()))
    given = {"--stack": stack, "--mode": mode, "--region": region, "--cwd": str(cwd) if cwd != Path() else None}
    options = "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value)
    session = session_of(workflow, AwsClients(lambda _key: None))
    check_account(session.identity, workflow.account_id, stack)
    return replace(session, options=options, now=command.now, pause=command.pause)


def check_account(identity: Identity, expected: str, stack: str | None) -> None:
    """Check that credentials belong to the account that the stack governs.

    Names of workflows, instances and operators are the same in many accounts, so a command could act in the wrong one.

    Args:
        identity: Identity of the credentials.
        expected: ID of the stack's account; empty: not known.
        stack: Name of the stack; None: the selected one.

    Raises:
        UnusableError: They belong to another account.
    """
    if expected and identity.account_id != expected:
        raise UnusableError(
            f"Credentials: expected those of account {expected}, which {_described(stack)} governs, got {identity.arn}. "
            "Sign in to that account, select a profile of it with --profile, or select another stack with --stack."
        )


def _described(stack: str | None) -> str:
    return f"the stack {stack}" if stack else "the selected stack"


def session_of(workflow: Workflow, clients: Clients) -> ApprovalSession:
    """Return the session for a workflow, with the credentials of these clients.

    Raises:
        UnusableError: There are no credentials.
        CallError: AWS does not return their identity.
    """
    identity = identify(clients, workflow.region)
    if isinstance(identity, ReadFailure):
        raise CallError(f"{identity.explanation}. Remedy: {identity.remedy}.")
    return ApprovalSession(workflow=workflow, clients=clients, identity=identity)


def workflow_of(outputs: Mapping[str, Any], stack: str | None = None) -> Workflow:
    """Return the workflow that a stack's outputs describe.

    Raises:
        UnusableError: The stack has no approval workflow.
    """
    approval = outputs.get("approval")
    if not isinstance(approval, Mapping):
        update = f"pulumi up{f' --stack {shlex.quote(stack)}' if stack else ''}"
        raise UnusableError(
            f"The outputs of {_described(stack)} contain no approval workflow. Set shell-access:approval and run: {update}. "
            "Or select another stack with --stack, or the workflow with --mode and --region."
        )
    found = cast("Mapping[str, Any]", approval)
    regions = tuple(map(str, outputs.get("regions") or ()))
    account_id = str(outputs.get("accountId") or "")
    if found["mode"] == Mode.JUST_IN_TIME:
        return Workflow(mode=Mode.JUST_IN_TIME, region=regions[0], regions=regions, account_id=account_id)
    return Workflow(
        mode=Mode(found["mode"]),
        account_id=account_id,
        region=split_arn(str(found["topicArn"])).region,
        runbook=str(found["runbookName"]),
        change_template=str(found["changeTemplateName"] or CHANGE_TEMPLATE_NAME),
        regions=regions,
        operator_roles=operator_roles_of(outputs),
    )


def operator_roles_of(outputs: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the ARNs of the roles of operators of IAM Identity Center, by user name; None: there are none."""
    approval = cast("dict[str, Any]", outputs.get("approval") or {})
    roles = cast("dict[str, str]", approval.get("operatorRoleArns") or {})
    return dict(roles) or None


@dataclass(frozen=True, kw_only=True)
class PersonRole:
    """An operator's role that a session of IAM Identity Center assumes.

    Attributes:
        user_name: User name of the person, which the session has to have as its name.
        caller: ARN of the session of IAM Identity Center.
    """

    arn: str
    user_name: str
    caller: str

    def sign_in(self, region: str) -> tuple[AwsClients, Identity]:
        """Return clients with the role, whose session is renewed when it expires, and their identity.

        Raises:
            CallError: The role cannot be assumed.
        """
        role = {"roleArn": self.arn, "sessionName": self.user_name}
        clients = AwsClients(lambda key: [role] if key == "aws:assumeRoles" else None)
        identity = identify(clients, region)
        if isinstance(identity, ReadFailure):
            raise self._refused(identity.cause)
        return clients, identity

    def environment(self, clients: Clients, region: str) -> dict[str, str]:
        """Return environment variables with credentials of the role, for a program.

        Raises:
            CallError: The role cannot be assumed.
        """
        try:
            given = clients.client("sts", region).assume_role(RoleArn=self.arn, RoleSessionName=self.user_name)
        except (ClientError, BotoCoreError) as failed:
            raise self._refused(failure_of(_ASSUME, failed, region, self.caller).reason) from failed
        found: Mapping[str, Any] = given["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": str(found["AccessKeyId"]),
            "AWS_SECRET_ACCESS_KEY": str(found["SecretAccessKey"]),
            "AWS_SESSION_TOKEN": str(found["SessionToken"]),
        }

    def _refused(self, reason: str) -> CallError:
        permission_set = self.caller.split("/")[1].removeprefix(IDENTITY_CENTER_PREFIX).rpartition("_")[0]
        pattern = f"{self.arn.split(':role/')[0]}:role{OPERATORS_PATH}*"
        return CallError(
            f"{self.caller} cannot assume {self.arn}: {reason}. The role admits sessions {self.user_name} of the permission "
            f"set of shell-access:approval.identityCenter only, and that permission set must allow {_ASSUME} on {pattern} "
            f"(you are signed in with {permission_set}). Where the stack uses account access manager, sign in with `aws "
            "login` and choose the role instead."
        )


def is_of_identity_center(identity: Identity) -> bool:
    """Return whether a caller is signed in with a permission set."""
    principal = principal_of(identity.arn)
    return principal is not None and principal.name.startswith(IDENTITY_CENTER_PREFIX)


def find_person_role(clients: Clients, identity: Identity, region: str, known: Mapping[str, str] | None) -> PersonRole:
    """Return the role of the person who is signed in.

    Args:
        clients: Clients with the credentials of the caller.
        identity: The caller, who is signed in with a permission set.
        region: Region of the calls.
        known: ARNs of operators' roles by user name, from the outputs of the stack; None: they are looked up in IAM.

    Raises:
        CallError: The person has no such role, or it cannot be looked up.
    """
    user = identity.arn.rsplit("/", 1)[-1]
    if known is None:
        roles = read_operator_roles(Reader(clients, region, identity.arn))
        if isinstance(roles, ReadFailure):
            raise CallError(
                f"{identity.arn} is signed in through IAM Identity Center, and its operator's role cannot be looked up: "
                f"{roles.cause}. Use the outputs of the stack (--stack), or allow iam:ListRoles in the permission set."
            )
        prefix = f"arn:{identity.partition}:iam::{identity.account_id}:role{OPERATORS_PATH}"
        known = {each.user_name: f"{prefix}{each.name}" for each in roles if each.user_name}
    if user not in known:
        raise CallError(
            f"{user}, who is signed in through IAM Identity Center, has no operator's role in account "
            f"{identity.account_id}. Add the user, or a group of the user, to shell-access:approval.operators and update "
            "the stack; or, where it uses account access manager, sign in with `aws login` and choose the role."
        )
    return PersonRole(arn=known[user], user_name=user, caller=identity.arn)


def as_person(session: ApprovalSession) -> ApprovalSession:
    """Return the session with the role of the person, where the caller is signed in through IAM Identity Center.

    Raises:
        CallError: The person has no role, or cannot assume it.
    """
    if not is_of_identity_center(session.identity):
        return session
    region = session.workflow.region
    role = find_person_role(session.clients, session.identity, region, session.workflow.operator_roles)
    clients, identity = role.sign_in(region)
    return replace(session, clients=clients, identity=identity)
