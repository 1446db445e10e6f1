"""What the people in the workflow may do in it, as plain data: ask for a session, and decide on requests.

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
    """Ask for a session in the mode of the workflow, and follow what becomes of the request.

    Args:
        settings: of the workflow.
        place: where it lives.
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
            # Who has the operators' policy, so that a request for nobody is not made.
            _allow("SeeOperators", "iam:ListEntitiesForPolicy", place.iam(f"policy/{OPERATOR_POLICY_NAME}")),
        ],
    }


def approver_policy(place: Place) -> PolicyDocument:
    """See what is asked, say yes or no, and end a grant early by stopping its run.

    Who is heard on a request stands in the runbook or the template.

    Args:
        place: where the workflow lives.
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
        # The template cannot be approved automatically either; a request that asks for it is refused at once.
        "Condition": {"BoolIfExists": {"ssm:AutoApprove": "false"}},
    }


def _following(place: Place) -> list[dict[str, object]]:
    return [
        _allow("SeeRun", "ssm:GetAutomationExecution", place.ssm("automation-execution/*")),
        _allow("SeeRunbook", "ssm:DescribeDocument", place.ssm(f"document/{RUNBOOK_NAME}")),
        # None of these knows a smaller resource (Service Authorization Reference).
        _allow("FindRuns", ["ssm:DescribeAutomationExecutions", "ssm:DescribeSessions"], "*"),
        _allow("SeeInstances", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation"], "*"),
    ]


def _allow(sid: str, action: str | list[str], resource: str | list[str]) -> dict[str, object]:
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}
