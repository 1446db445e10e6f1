"""The change template `AllowSsmSessionStartTemplate`, as plain data.

Source: AWS Systems Manager User Guide, "Creating change templates using command line tools".
"""

from __future__ import annotations

from typing import Any

from components.approval.names import RUNBOOK_NAME, Place
from components.approval.runbook import APPROVAL_SECONDS
from components.approval.settings import ApprovalSettings, required_approvals

_INFORMATION = """\
### What this change does
It allows one operator to start Session Manager sessions on one EC2 instance for {minutes} minutes.

The operator's principal gets the tag `SecurityAllowSessionInstance` with the ID of the instance; the runbook
`AllowStartSsmSession` takes it away again. A session that runs at that time goes on; it cannot be resumed.

### What to check before approving
Who asks, for which principal, and why this instance. Nobody approves their own request.
"""


def change_template(settings: ApprovalSettings, place: Place) -> dict[str, Any]:
    """Return the change template: levels of approval before the runbook, never automatic, not even in an emergency.

    Args:
        settings: Settings of the workflow.
        place: Location of the workflow.
    """
    return {
        "schemaVersion": "0.3",
        "description": "Asks for a Session Manager session on one EC2 instance",
        "templateInformation": _INFORMATION.format(minutes=settings.approval_validity_minutes),
        "emergencyChange": False,
        "autoApprovable": False,
        "executableRunBooks": [{"name": RUNBOOK_NAME, "version": "$DEFAULT"}],
        "mainSteps": [
            {
                "name": f"ApproveLevel{position}",
                "action": "aws:approve",
                "timeoutSeconds": APPROVAL_SECONDS,
                "inputs": {
                    "Message": "Please approve this request for a session",
                    "MinRequiredApprovals": required_approvals(level),
                    "EnhancedApprovals": {
                        "NotificationArn": place.topic_arn,
                        "Approvers": [
                            {
                                "approver": each.bare_name,
                                "type": str(each.type),
                                "minRequiredApprovals": each.min_required_approvals,
                            }
                            for each in level
                        ],
                    },
                },
            }
            for position, level in enumerate(settings.levels(), start=1)
        ],
    }
