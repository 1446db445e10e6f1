"""Obfuscation of statements. Not findings of their own: each finding lists what applies."""

from __future__ import annotations

from typing import Final

from operations.audit.catalog import AuditRule


def _hiding(identity: str, title: str, impact: str, remedy: str, source: str) -> AuditRule:
    return AuditRule(id=identity, title=title, impact=impact, remedy=remedy, source=source)


_GUIDE: Final = "IAM User Guide: "

OBFUSCATION: Final = (
    _hiding(
        "allow-not-action",
        "Allow with NotAction",
        "Everything that is not named is allowed, services to come included.",
        "List what is allowed.",
        f"{_GUIDE}NotAction; prowler; cloudsplaining",
    ),
    _hiding(
        "action-wildcard",
        "Wildcards in actions, and AWS' own broad policies",
        "A short pattern holds many actions, whatever the case of its letters.",
        "Write the actions out.",
        f"{_GUIDE}Action; AWS managed policy reference",
    ),
    _hiding(
        "resource-wildcard",
        "NotResource and loose ARNs",
        "More resources match than the text seems to say.",
        "List the resources; write out service and type.",
        f"{_GUIDE}Resource and NotResource",
    ),
    _hiding(
        "condition-always-met",
        "Conditions that do not restrict",
        "This principal meets them anyway.",
        "Compare something that the caller neither has nor chooses.",
        f"{_GUIDE}Condition operators",
    ),
    _hiding(
        "condition-absent-key",
        "Conditions that absent keys meet",
        "IfExists, ForAllValues and negations hold where the request lacks the key.",
        "Require the key with Null, or remove IfExists.",
        f"{_GUIDE}Condition operators; Multivalued context keys",
    ),
    _hiding(
        "condition-on-settable-tag",
        "Tags that the caller can set, and variables that are none",
        "A condition on a resource's tag is no limit to who may tag it; without Version 2012-10-17 a variable is text.",
        "Remove the tagging right or exclude the key by aws:TagKeys; write Version 2012-10-17.",
        f"{_GUIDE}Version; SAR Amazon EC2 and Systems Manager",
    ),
    _hiding(
        "boundary-allows-action",
        "A boundary that does not bound",
        "The boundary allows the same.",
        "Leave the action out of the boundary, or deny it there.",
        f"{_GUIDE}Permissions boundaries",
    ),
    _hiding(
        "deny-does-not-apply",
        "A Deny that misses",
        "The principal has a Deny that does not bear on this action, resource or request.",
        "Deny the siblings as well, on every resource, without conditions that the caller can avoid.",
        f"{_GUIDE}Policy evaluation logic",
    ),
    _hiding(
        "scp-allows-action",
        "Service control policies that let it through",
        "The organization's policies bear on this principal and do not stop it.",
        "Deny the action in a service control policy to all but the runbook's role.",
        "AWS Organizations User Guide: SCP evaluation",
    ),
    _hiding(
        "indirect-grant",
        "Rights in pieces or by detour",
        "They come through groups, several policies, or roles that the principal assumes.",
        "Evaluator what a principal has in the end, not one policy.",
        f"PMapper; {_GUIDE}Policy evaluation logic",
    ),
)
