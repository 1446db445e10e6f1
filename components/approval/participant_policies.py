"""Policies of the workflow's participants, as plain data: to request a session, and to decide on requests.

Sources: Service Authorization Reference, "AWS Systems Manager"; Systems Manager User Guide, "Setting up Automation" and
"Controlling access to auto-approval runbook workflows".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.approval.names import CHANGE_TEMPLATE_NAME, OPERATOR_POLICY_NAME, RUNBOOK_NAME, Place, PolicyDocument
from components.approval.settings import Mode

if TYPE_CHECKING:
    from components.approval.settings import ApprovalSettings


def requester_policy(settings: ApprovalSettings, place: Place) -> PolicyDocument:
    """Return the policy to request a session in the mode of the workflow, and to follow the request.

    Args:
        settings: Settings of the workflow.
        place: Location of the workflow.
    """
    executions = place.ssm("automation-execution/*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            _request(settings, place, executions),
            {
                **_allow("HandOverRole", "iam:PassRole", place.role_arn),
                "Condition": {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
            },
            *_following(place),
            # To check that the principal is an operator, so that no request is made in vain.
            _allow("SeeOperators", "iam:ListEntitiesForPolicy", place.iam(f"policy/{OPERATOR_POLICY_NAME}")),
        ],
    }


def approver_policy(place: Place) -> PolicyDocument:
    """Return the policy to read requests, approve or reject them, and end a grant early by stopping its execution.

    The runbook or the template defines whose decision counts.

    Args:
        place: Location of the workflow.
    """
    executions = place.ssm("automation-execution/*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Decide", ["ssm:SendAutomationSignal", "ssm:StopAutomationExecution"], executions),
            *_following(place),
        ],
    }


def _request(settings: ApprovalSettings, place: Place, executions: str) -> dict[str, object]:
    if settings.mode is Mode.AUTOMATION:
        return _allow("Request", "ssm:StartAutomationExecution", [*place.default_version(RUNBOOK_NAME), executions])
    return {
        **_allow(
            "Request", "ssm:StartChangeRequestExecution", [*place.default_version(CHANGE_TEMPLATE_NAME), executions]
        ),
        # The template cannot be approved automatically either; this denies such a request at once.
        "Condition": {"BoolIfExists": {"ssm:AutoApprove": "false"}},
    }


def _following(place: Place) -> list[dict[str, object]]:
    return [
        _allow("SeeRun", "ssm:GetAutomationExecution", place.ssm("automation-execution/*")),
        _allow("SeeRunbook", "ssm:DescribeDocument", place.ssm(f"document/{RUNBOOK_NAME}")),
        # These actions support no resources (Service Authorization Reference).
        _allow("FindRuns", ["ssm:DescribeAutomationExecutions", "ssm:DescribeSessions"], "*"),
        _allow("SeeInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
    ]


def _allow(sid: str, action: str | list[str], resource: str | list[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
