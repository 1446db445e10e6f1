"""Requests for sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.characters import hidden_character
from common.problems import visible
from components.approval.runbook import INSTANCE_PATTERN, PRINCIPAL_PATTERN, REASON_PATTERN
from components.approval.settings import IDENTITY_CENTER_PREFIX, Mode
from operations.approval.calls import called
from operations.approval.people import Principal, principal_of
from operations.errors import UnusableError

if TYPE_CHECKING:
    from operations.approval.desk import Desk


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A session to request.

    Attributes:
        principal: Principal of the grant.
        instance: ID of the instance.
        name: Name tag of the instance; empty: none.
        reason: Reason, for the approvers.
    """

    principal: Principal
    instance: str
    name: str = ""
    reason: str

    @property
    def shown(self) -> str:
        """The instance, for display."""
        return f"{visible(self.name)} ({self.instance})" if self.name else self.instance

    def check(self) -> None:
        """Reject what the runbook would not accept.

        Raises:
            UnusableError: A value is not allowed; the message has the allowed values.
        """
        if not re.fullmatch(INSTANCE_PATTERN, self.instance):
            raise UnusableError(f"expected the ID of an instance, such as i-0123456789abcdef0, got {self.instance!r}.")
        check_words(self.reason, self.principal.name)


def check_words(reason: str, *names: str | None) -> None:
    """Reject a reason or names that the runbook would not accept.

    Args:
        reason: Reason, for the approvers.
        names: Names of the grant's principal, where they are known.

    Raises:
        UnusableError: A value is not allowed; the message has the allowed values.
    """
    if not re.fullmatch(REASON_PATTERN, reason) or hidden_character(reason):
        raise UnusableError(
            "--reason: expected one line of 1 to 300 characters, without braces and characters that do not show, got "
            f"{visible(reason)}."
        )
    for name in (each for each in names if each):
        if not re.fullmatch(PRINCIPAL_PATTERN, name):
            raise UnusableError(f"{name!r} given; allowed: the name of a role or user, neither an ARN nor a path")
        if name.startswith(IDENTITY_CENTER_PREFIX):
            raise UnusableError(
                f"{name} belongs to IAM Identity Center, which alone may tag it. Ask for an IAM role or user that you "
                "may use: --as-role NAME or --as-user NAME."
            )


def principal_for(caller: str, role: str | None, user: str | None) -> Principal:
    """Return the principal of the grant: the role or user that is named, by default the caller.

    Args:
        caller: ARN of the requester.
        role: Name of a role; None: not given.
        user: Name of a user; None: not given.

    Raises:
        UnusableError: Neither is given, and the caller is neither a role nor a user.
    """
    if role or user:
        return Principal("role" if role else "user", role or user or "")
    found = principal_of(caller)
    if found is None:
        raise UnusableError(f"{caller} is neither a role nor a user. Name one: --as-role NAME or --as-user NAME.")
    return found


def ask(desk: Desk, wanted: Wanted) -> str:
    """Request a session, and return the ID of the execution that waits for approval.

    Raises:
        UnusableError: The runbook would not accept the request.
        CallError: AWS refused the request.
    """
    wanted.check()
    ssm, workflow = desk.clients.client("ssm", desk.workflow.region), desk.workflow
    parameters = {
        "InstanceId": [wanted.instance],
        "PrincipalType": [wanted.principal.kind],
        "PrincipalName": [wanted.principal.name],
        "Reason": [wanted.reason],
    }
    if workflow.mode is Mode.AUTOMATION:
        answer = called(
            "ssm:StartAutomationExecution",
            ssm.start_automation_execution,
            DocumentName=workflow.runbook,
            Parameters=parameters,
        )
    else:
        answer = called(
            "ssm:StartChangeRequestExecution",
            ssm.start_change_request_execution,
            DocumentName=workflow.change_template,
            ChangeRequestName=f"Session on {wanted.instance} for {wanted.principal}",
            ChangeDetails=wanted.reason,
            Runbooks=[
                {
                    "DocumentName": workflow.runbook,
                    "DocumentVersion": "$DEFAULT",
                    "Parameters": {**parameters, "AutomationAssumeRole": [desk.place.role_arn]},
                }
            ],
        )
    return str(answer["AutomationExecutionId"])
