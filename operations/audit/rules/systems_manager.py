"""Rules about code on nodes through Systems Manager, without a session."""

from __future__ import annotations

from typing import Final

from operations.audit.catalog import AuditRule, TargetKind, critical, high, low, medium, requirement
from operations.audit.rules.keys import RUNNABLE_TYPES, passed_to, start_runbook

_SSM = "ssm.amazonaws.com"

SYSTEMS_MANAGER: Final = (
    AuditRule(
        id="ssm-send-command",
        title="Runs commands on nodes",
        impact="Commands as root or SYSTEM, with no session and no approval.",
        escalations=(
            critical(
                requirement("ssm:SendCommand", on=TargetKind.APPROVED_NODE),
                requirement("ssm:SendCommand", on=TargetKind.SCRIPT_DOCUMENTS),
            ),
            high(
                requirement("ssm:SendCommand", on=TargetKind.APPROVED_NODE),
                requirement("ssm:SendCommand", on=TargetKind.OWN_DOCUMENTS),
            ),
        ),
        remedy="Keep ssm:SendCommand to a closed list of documents that run no script of the caller's, or remove it.",
        source="SAR Systems Manager; pathfinding ssm-002; PMapper ssm_edges; prowler",
    ),
    AuditRule(
        id="ssm-create-association",
        title="Attaches documents to nodes",
        impact="An association runs a document on nodes now and on schedule.",
        escalations=(
            critical(
                requirement(
                    *("ssm:CreateAssociation", "ssm:CreateAssociationBatch", "ssm:UpdateAssociation"),
                    on=TargetKind.SCRIPT_DOCUMENTS,
                )
            ),
            low(requirement("ssm:StartAssociationsOnce")),
        ),
        remedy="Keep associations to a closed list of documents that run no script of the caller's.",
        source="SAR Systems Manager; User Guide: State Manager",
    ),
    AuditRule(
        id="ssm-start-other-runbooks",
        title="Starts other runbooks",
        impact="A runbook of AWS or of the account drives instances, resets access or changes IAM.",
        escalations=(high(start_runbook(TargetKind.AUTOMATIONS)),),
        remedy="List the runbooks that may be started by name; leave none that runs commands or resets access.",
        source="SAR Systems Manager; Automation runbook reference; pathfinding ssm-003",
    ),
    AuditRule(
        id="ssm-maintenance-window-task",
        title="Schedules work in maintenance windows",
        impact="A task of a window runs commands, runbooks or functions on nodes.",
        escalations=(high(requirement("ssm:RegisterTaskWithMaintenanceWindow", "ssm:UpdateMaintenanceWindowTask")),),
        remedy="Leave tasks of maintenance windows to principals that may run commands anyway.",
        source="SAR Systems Manager; User Guide: Maintenance Windows; botocore MaintenanceWindowTaskType",
    ),
    AuditRule(
        id="ssm-change-scheduled-content",
        title="Changes what scheduled work runs",
        impact="Nodes run the new content at their next association, window, patch or installation.",
        escalations=(
            high(
                requirement(
                    "ssm:UpdateDocument",
                    "ssm:UpdateDocumentDefaultVersion",
                    on=TargetKind.ANY_DOCUMENT,
                    given=RUNNABLE_TYPES,
                )
            ),
            medium(
                requirement(
                    "ssm:UpdateDocument",
                    "ssm:UpdateDocumentDefaultVersion",
                    on=TargetKind.OWN_DOCUMENTS,
                    given=RUNNABLE_TYPES,
                )
            ),
            medium(
                requirement(
                    *("ssm:UpdatePatchBaseline", "ssm:RegisterDefaultPatchBaseline"),
                    "ssm:RegisterPatchBaselineForPatchGroup",
                )
            ),
            low(requirement("ssm:CreateDocument", on=TargetKind.ANY_DOCUMENT, given=RUNNABLE_TYPES)),
        ),
        remedy="Limit changes by ssm:DocumentType and by name to documents that do not run on nodes.",
        source="SAR Systems Manager; User Guide: Patch Manager, custom sources",
    ),
    AuditRule(
        id="ssm-quick-setup",
        title="Sets up Systems Manager by Quick Setup",
        impact="Quick Setup creates associations and roles in every account and Region that it is given.",
        escalations=(
            medium(
                requirement(
                    *("ssm-quicksetup:CreateConfigurationManager", "ssm-quicksetup:UpdateConfigurationDefinition")
                )
            ),
        ),
        remedy="Leave ssm-quicksetup changes to administrators.",
        source="SAR Systems Manager Quick Setup",
    ),
    AuditRule(
        id="ssm-register-nodes",
        title="Registers machines as nodes",
        impact="A machine of the caller's becomes a node under a role of the account.",
        escalations=(
            medium(
                requirement("ssm:CreateActivation", "ssm:UpdateManagedInstanceRole"),
                requirement("iam:PassRole", on=TargetKind.PASSABLE, service=_SSM, given=passed_to(_SSM)),
            ),
        ),
        remedy="Limit iam:PassRole to a role with the agent's rights and no more.",
        source="SAR Systems Manager; User Guide: Hybrid activations",
    ),
)
