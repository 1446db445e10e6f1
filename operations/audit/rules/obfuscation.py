"""Obfuscation of statements. Not findings of their own: each finding lists what applies."""

from typing import Final

from operations.audit.catalog import AuditRule


def _hiding(identity: str, title: str, impact: str, remedy: str, source: str) -> AuditRule:
    return AuditRule(id=identity, title=title, impact=impact, remedy=remedy, source=source)


_GUIDE: Final = "IAM User Guide: "

OBFUSCATION: Final = (
    _hiding(
        "allow-not-action",
        "Allow with NotAction",
        "All other actions are allowed, including those of future services.",
        "List the allowed actions in Action.",
        f"{_GUIDE}NotAction; prowler; cloudsplaining",
    ),
    _hiding(
        "action-wildcard",
        "Wildcards in actions, and broad AWS managed policies",
        "A short pattern matches many actions, in any case.",
        "List the actions without wildcards.",
        f"{_GUIDE}Action; AWS managed policy reference",
    ),
    _hiding(
        "resource-wildcard",
        "NotResource, and wildcards in ARNs",
        "The statement applies to more resources than it appears to.",
        "List the resources, with service and type in each ARN.",
        f"{_GUIDE}Resource and NotResource",
    ),
    _hiding(
        "condition-always-met",
        "Conditions that the principal always meets",
        "The conditions do not restrict this principal.",
        "Use a condition key whose value the caller does not have and cannot choose.",
        f"{_GUIDE}Condition operators",
    ),
    _hiding(
        "condition-absent-key",
        "Conditions that absent keys meet",
        "IfExists, ForAllValues and negated operators are true if the request does not contain the key.",
        "Require the key with the Null operator, or remove IfExists.",
        f"{_GUIDE}Condition operators; Multivalued context keys",
    ),
    _hiding(
        "condition-on-settable-tag",
        "Tags that the caller can set, and unresolved variables",
        "A principal that can tag the resource meets the condition; without Version 2012-10-17, a variable is plain text.",
        "Remove the permission to tag, or exclude the key with aws:TagKeys. Add Version 2012-10-17.",
        f"{_GUIDE}Version; SAR Amazon EC2 and Systems Manager",
    ),
    _hiding(
        "boundary-allows-action",
        "A permissions boundary that allows the action",
        "The boundary does not limit this permission.",
        "Remove the action from the boundary, or deny it there.",
        f"{_GUIDE}Permissions boundaries",
    ),
    _hiding(
        "deny-does-not-apply",
        "A Deny statement that does not apply",
        "A Deny statement of the principal does not apply to this action, resource or request.",
        "Deny related actions as well, on all resources, without conditions that the caller can avoid.",
        f"{_GUIDE}Policy evaluation logic",
    ),
    _hiding(
        "scp-allows-action",
        "Service control policies that allow the action",
        "The organization's policies apply to this principal and do not deny the action.",
        "Deny the action in a service control policy to all principals except the runbook's role.",
        "AWS Organizations User Guide: SCP evaluation",
    ),
    _hiding(
        "indirect-grant",
        "Permissions from several policies or roles",
        "The permissions result from groups, several policies, or roles that the principal can assume.",
        "Review the effective permissions of the principal instead of one policy.",
        f"PMapper; {_GUIDE}Policy evaluation logic",
    ),
)
