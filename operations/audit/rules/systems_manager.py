"""B: code on nodes through Systems Manager, without a session."""

from __future__ import annotations

from typing import Final

from operations.audit.catalogue import On, Rule, need, way
from operations.audit.rules.keys import RUNNABLE_TYPES, passed_to
from operations.audit.severity import Severity

_SSM = "ssm.amazonaws.com"

SYSTEMS_MANAGER: Final = (
    Rule(
        id="B1",
        title="Runs commands on nodes",
        gives="Commands as root or SYSTEM, with no session and no approval.",
        ways=(
            way(
                Severity.CRITICAL,
                need("ssm:SendCommand", on=On.APPROVED_NODE),
                need("ssm:SendCommand", on=On.SCRIPT_DOCUMENTS),
            ),
            way(
                Severity.HIGH,
                need("ssm:SendCommand", on=On.APPROVED_NODE),
                need("ssm:SendCommand", on=On.OWN_DOCUMENTS),
            ),
        ),
        remedy="Keep ssm:SendCommand to a closed list of documents that run no script of the caller's, or remove it.",
        source="SAR Systems Manager; pathfinding ssm-002; PMapper ssm_edges; prowler",
    ),
    Rule(
        id="B2",
        title="Attaches documents to nodes",
        gives="An association runs a document on nodes now and on schedule.",
        ways=(
            way(
                Severity.CRITICAL,
                need(
                    *("ssm:CreateAssociation", "ssm:CreateAssociationBatch", "ssm:UpdateAssociation"),
                    on=On.SCRIPT_DOCUMENTS,
                ),
            ),
            way(Severity.LOW, need("ssm:StartAssociationsOnce")),
        ),
        remedy="Keep associations to a closed list of documents that run no script of the caller's.",
        source="SAR Systems Manager; User Guide: State Manager",
    ),
    Rule(
        id="B3",
        title="Starts other runbooks",
        gives="A runbook of AWS or of the account drives instances, resets access or changes IAM.",
        ways=(way(Severity.HIGH, need("ssm:StartAutomationExecution", on=On.AUTOMATIONS)),),
        remedy="List the runbooks that may be started by name; leave none that runs commands or resets access.",
        source="SAR Systems Manager; Automation runbook reference; pathfinding ssm-003",
    ),
    Rule(
        id="B4",
        title="Schedules work in maintenance windows",
        gives="A task of a window runs commands, runbooks or functions on nodes.",
        ways=(way(Severity.HIGH, need("ssm:RegisterTaskWithMaintenanceWindow", "ssm:UpdateMaintenanceWindowTask")),),
        remedy="Leave tasks of maintenance windows to principals that may run commands anyway.",
        source="SAR Systems Manager; User Guide: Maintenance Windows; botocore MaintenanceWindowTaskType",
    ),
    Rule(
        id="B5",
        title="Changes what scheduled work runs",
        gives="Nodes run the new content at their next association, window, patch or installation.",
        ways=(
            way(
                Severity.HIGH,
                need(
                    "ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", on=On.ANY_DOCUMENT, given=RUNNABLE_TYPES
                ),
            ),
            way(
                Severity.MEDIUM,
                need(
                    "ssm:UpdateDocument", "ssm:UpdateDocumentDefaultVersion", on=On.OWN_DOCUMENTS, given=RUNNABLE_TYPES
                ),
            ),
            way(
                Severity.MEDIUM,
                need(
                    *("ssm:UpdatePatchBaseline", "ssm:RegisterDefaultPatchBaseline"),
                    "ssm:RegisterPatchBaselineForPatchGroup",
                ),
            ),
            way(Severity.LOW, need("ssm:CreateDocument", on=On.ANY_DOCUMENT, given=RUNNABLE_TYPES)),
        ),
        remedy="Limit changes by ssm:DocumentType and by name to documents that do not run on nodes.",
        source="SAR Systems Manager; User Guide: Patch Manager, custom sources",
    ),
    Rule(
        id="B6",
        title="Sets up Systems Manager by Quick Setup",
        gives="Quick Setup creates associations and roles in every account and Region that it is given.",
        ways=(
            way(
                Severity.MEDIUM,
                need(
                    *("ssm-quicksetup:CreateConfigurationManager", "ssm-quicksetup:UpdateConfigurationDefinition"),
                ),
            ),
        ),
        remedy="Leave ssm-quicksetup changes to administrators.",
        source="SAR Systems Manager Quick Setup",
    ),
    Rule(
        id="B7",
        title="Registers machines as nodes",
        gives="A machine of the caller's becomes a node under a role of the account.",
        ways=(
            way(
                Severity.MEDIUM,
                need("ssm:CreateActivation", "ssm:UpdateManagedInstanceRole"),
                need("iam:PassRole", on=On.PASSABLE, service=_SSM, given=passed_to(_SSM)),
            ),
        ),
        remedy="Limit iam:PassRole to a role with the agent's rights and no more.",
        source="SAR Systems Manager; User Guide: Hybrid activations",
    ),
)
