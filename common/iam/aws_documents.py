"""AWS documents and service settings that give a caller access to nodes, by name. Pure.

Sources: Systems Manager Command document reference; Systems Manager Automation runbook reference.
"""

from __future__ import annotations

from typing import Final

from common.iam.patterns import SOME

OWNED_BY_AWS: Final = ("AWS*", "Amazon*")
"""Patterns of the names that are reserved for AWS' documents (Systems Manager API Reference, `CreateDocument`)."""

SCRIPT_DOCUMENTS: Final = (
    *("AWS-ApplyAnsiblePlaybooks", "AWS-ApplyChefRecipes", "AWS-ApplyDSCMofs", "AWS-ConfigureAWSPackage"),
    *("AWS-InstallApplication", "AWS-InstallPowerShellModule", "AWS-PasswordReset", "AWS-RunAnsiblePlaybook"),
    *("AWS-RunDockerAction", "AWS-RunDocument", "AWS-RunInspecChecks", "AWS-RunPatchBaselineWithHooks"),
    *("AWS-RunPowerShellScript", "AWS-RunRemoteScript", "AWS-RunSaltState", "AWS-RunShellScript"),
    *("AWSFleetManager-AddUsersToGroups", "AWSFleetManager-CreateUser", "AWSSupport-RunEC2RescueForWindowsTool"),
)
"""Command documents that run the caller's commands."""

NODE_RUNBOOKS: Final = (
    *("AWS-AttachIAMToInstance", "AWS-CreateManagedLinuxInstance", "AWS-CreateManagedWindowsInstance"),
    *("AWS-RunPacker", "AWS-UpdateLinuxAmi", "AWS-UpdateWindowsAmi"),
    *("AWSSupport-ActivateWindowsWithAmazonLicense", "AWSSupport-ExecuteEC2Rescue"),
    *("AWSSupport-GrantPermissionsToIAMUser", "AWSSupport-ManageRDPSettings", "AWSSupport-ResetAccess"),
    "AWSSupport-StartEC2RescueWorkflow",
)
"""Runbooks that run commands on instances, reset access to them, or change IAM."""

ACCESS_SETTINGS: Final = (
    "ssm/managed-instance/default-ec2-instance-management-role",
    "ssm/documents/console/public-sharing-permission",
    f"ssm/just-in-time-access/{SOME}",
    f"ssm/change-manager/{SOME}",
    f"ssm/automation/customer-script-log-{SOME}",
)
"""Service settings that decide on access, sharing or logs; others set throughput, tiers and defaults of parameters."""
