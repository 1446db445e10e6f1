"""Rules about code on nodes through Systems Manager, without a session."""

from typing import Final

from operations.audit.catalog import (
    RUNNABLE_TYPES,
    AuditRule,
    TargetKind,
    critical,
    high,
    low,
    medium,
    pass_role,
    requirement,
    start_runbook,
)

SYSTEMS_MANAGER: Final = (
    AuditRule(
        id="ssm-send-command",
        title="Runs commands on nodes",
        impact="Runs commands as root or SYSTEM, without a session and an approval.",
        escalations=(
            critical(
                requirement("ssm:SendCommand", TargetKind.APPROVED_NODE),
                requirement("ssm:SendCommand", TargetKind.SCRIPT_DOCUMENTS),
            ),
            high(
                requirement("ssm:SendCommand", TargetKind.APPROVED_NODE),
                requirement("ssm:SendCommand", TargetKind.OWN_DOCUMENTS),
            ),
        ),
        remedy="Limit ssm:SendCommand to specific documents that do not run the caller's scripts, or remove it.",
        source="SAR Systems Manager; pathfinding ssm-002; PMapper ssm_edges; prowler",
    ),
    AuditRule(
        id="ssm-create-association",
        title="Creates associations with nodes",
        impact="An association runs a document on nodes immediately and on a schedule.",
        escalations=(
            critical(
                requirement(
                    "ssm:CreateAssociation ssm:CreateAssociationBatch ssm:UpdateAssociation",
                    TargetKind.SCRIPT_DOCUMENTS,
                )
            ),
            low("ssm:StartAssociationsOnce"),
        ),
        remedy="Limit associations to specific documents that do not run the caller's scripts.",
        source="SAR Systems Manager; User Guide: State Manager",
    ),
    AuditRule(
        id="ssm-start-other-runbooks",
        title="Starts other runbooks",
        impact="A runbook of AWS or of the account runs commands on instances, resets access or changes IAM.",
        escalations=(high(start_runbook(TargetKind.AUTOMATIONS)),),
        remedy="Limit the statement to specific runbooks that do not run commands or reset access.",
        source="SAR Systems Manager; Automation runbook reference; pathfinding ssm-003",
    ),
    AuditRule(
        id="ssm-maintenance-window-task",
        title="Creates tasks of maintenance windows",
        impact="A task runs commands, runbooks or functions on nodes.",
        escalations=(high("ssm:RegisterTaskWithMaintenanceWindow ssm:UpdateMaintenanceWindowTask"),),
        remedy="Allow tasks of maintenance windows only to principals that can run commands on nodes.",
        source="SAR Systems Manager; User Guide: Maintenance Windows; botocore MaintenanceWindowTaskType",
    ),
    AuditRule(
        id="ssm-change-scheduled-content",
        title="Changes the content of scheduled operations",
        impact="Nodes run the new content in their next association, maintenance window, patch operation or installation.",
        escalations=(
            high(
                requirement(
                    "ssm:UpdateDocument ssm:UpdateDocumentDefaultVersion", TargetKind.ANY_DOCUMENT, given=RUNNABLE_TYPES
                )
            ),
            medium(
                requirement(
                    "ssm:UpdateDocument ssm:UpdateDocumentDefaultVersion",
                    TargetKind.OWN_DOCUMENTS,
                    given=RUNNABLE_TYPES,
                )
            ),
            medium("ssm:UpdatePatchBaseline ssm:RegisterDefaultPatchBaseline ssm:RegisterPatchBaselineForPatchGroup"),
            low(requirement("ssm:CreateDocument", TargetKind.ANY_DOCUMENT, given=RUNNABLE_TYPES)),
        ),
        remedy="Limit changes by ssm:DocumentType and name to documents that do not run on nodes.",
        source="SAR Systems Manager; User Guide: Patch Manager, custom sources",
    ),
    AuditRule(
        id="ssm-quick-setup",
        title="Configures Systems Manager with Quick Setup",
        impact="Quick Setup creates associations and roles in any account and Region of its configuration.",
        escalations=(medium("ssm-quicksetup:CreateConfigurationManager ssm-quicksetup:UpdateConfigurationDefinition"),),
        remedy="Allow changes with ssm-quicksetup actions only to administrators.",
        source="SAR Systems Manager Quick Setup",
    ),
    AuditRule(
        id="ssm-register-nodes",
        title="Registers servers as managed nodes",
        impact="A server of the caller becomes a managed node with a role of the account.",
        escalations=(
            medium(
                "ssm:CreateActivation ssm:UpdateManagedInstanceRole",
                pass_role("ssm.amazonaws.com"),
            ),
        ),
        remedy="Limit iam:PassRole to a role that has only the permissions of SSM Agent.",
        source="SAR Systems Manager; User Guide: Hybrid activations",
    ),
)
