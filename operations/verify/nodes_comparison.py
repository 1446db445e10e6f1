"""Compares what makes nodes ready with what is asked: facts in, findings out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.nodes.names import (
    ASSOCIATION_NAME,
    HOST_MANAGEMENT_SETTING,
    HOST_ROLE_NAME,
    RULE_NAME,
    RUNBOOK_NAME,
    UPDATE_DOCUMENT,
)
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared
from operations.verify.policy_document import policy_differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.nodes.names import PolicyDocument
    from components.nodes.settings import AgentsSettings
    from operations.verify.facts import Asked
    from operations.verify.nodes_live import AssociationFacts, RemediationFacts, RoleFacts, RuleFacts

_ACTIVE = "ACTIVE"


def host_management_finding(asked: Asked, live: str | Unread | None) -> Finding:
    """Compares the role of Default Host Management Configuration.

    Args:
        asked: in the Region.
        live: the role's name; None: nobody has set one.
    """
    check, expected = "host-management", f"{HOST_MANAGEMENT_SETTING} is {HOST_ROLE_NAME}"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    found = f"{HOST_MANAGEMENT_SETTING} is {live or 'not set'}"
    return compared(check, same=live == HOST_ROLE_NAME, expected=expected, found=found, remedy=asked.repair)


def agent_updates_finding(asked: Asked, settings: AgentsSettings, live: AssociationFacts | Unread | None) -> Finding:
    """Compares the association that keeps the agents up to date.

    Args:
        asked: in the Region.
        settings: `shell-access:nodes.agents`.
        live: the association.
    """
    check, expected = "agent-updates", f"{ASSOCIATION_NAME} updates agents at {settings.schedule}"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    if live is None:
        return compared(check, same=False, expected=expected, found="no such association", remedy=asked.repair)
    tagged = {f"tag:{key}": frozenset(values) for key, values in settings.target_tags.items()}
    pairs = {
        "document": (UPDATE_DOCUMENT, live.document),
        "schedule": (settings.schedule, live.schedule),
        "maxConcurrency": (settings.max_concurrency, live.max_concurrency),
        "maxErrors": (settings.max_errors, live.max_errors),
        "targets": (_targets(tagged or {"InstanceIds": frozenset("*")}), _targets(live.targets)),
    }
    unequal = [
        f"{name}: {wanted} expected, {found} found" for name, (wanted, found) in pairs.items() if wanted != found
    ]
    return compared(
        check, same=not unequal, expected=expected, found="; ".join(unequal) or expected, remedy=asked.repair
    )


def _targets(targets: Mapping[str, frozenset[str]]) -> str:
    return " and ".join(f"{key}={','.join(sorted(values))}" for key, values in sorted(targets.items())) or "none"


def rule_findings(asked: Asked, wanted: str, live: RuleFacts | Unread | None) -> list[Finding]:
    """Compares the rule of AWS Config.

    Args:
        asked: in the Region where IAM is recorded.
        wanted: the rule in Guard.
        live: the rule.
    """
    check, expected = "node-roles", f"rule {RULE_NAME} of AWS Config is active"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        return [compared(check, same=False, expected=expected, found="no such rule", remedy=asked.repair)]
    active = live.state == _ACTIVE
    found = expected if active else f"it is {live.state}"
    return [
        compared(check, same=active, expected=expected, found=found, remedy=asked.repair),
        _rule_content(asked, wanted, live.text),
    ]


def _rule_content(asked: Asked, wanted: str, live: str | Unread) -> Finding:
    check, expected = "node-roles-content", "the rule judges as the settings ask"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    # The AWS plugin takes a rule's text from the state (config_rule.go), so that no refresh shows a change of it.
    remedy = (
        f"aws configservice delete-config-rule --config-rule-name {RULE_NAME} --region {asked.region}, where it has a "
        f"remediation after delete-remediation-configuration; then {asked.repair}"
    )
    same = live.split() == wanted.split()
    found = expected if same else f"it says: {' '.join(live.split())}"
    return compared(check, same=same, expected=expected, found=found, remedy=remedy)


def remediation_finding(
    asked: Asked, wanted: RemediationFacts | None, live: RemediationFacts | Unread | None
) -> Finding:
    """Compares what becomes of a role without the policy.

    Args:
        asked: in the Region where IAM is recorded.
        wanted: None: nothing.
        live: likewise.
    """
    check, expected = "node-remediation", _described(wanted)
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    # One that somebody else has configured is of no resource of the stack.
    repair = (
        f"aws configservice delete-remediation-configuration --config-rule-name {RULE_NAME} --region {asked.region}"
    )
    remedy = asked.repair if wanted else repair
    return compared(check, same=live == wanted, expected=expected, found=_described(live), remedy=remedy)


def _described(remediation: RemediationFacts | None) -> str:
    if remediation is None:
        return "no remediation"
    how = "by itself" if remediation.automatic else "on request"
    return f"{remediation.runbook} runs {how} with {remediation.role_arn or 'no role'}"


def runbook_finding(asked: Asked, wanted: dict[str, Any], live: str | Unread | None) -> Finding:
    """Compares the default version of the remediation's runbook.

    Args:
        asked: in the Region where IAM is recorded.
        wanted: its content.
        live: likewise, as JSON.
    """
    check, expected = "node-remediation-runbook", f"{RUNBOOK_NAME} is as published"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    if live is None:
        return compared(check, same=False, expected=expected, found="no such document", remedy=asked.repair)
    same = json.loads(live) == wanted
    found = expected if same else "its default version says something else"
    return compared(check, same=same, expected=expected, found=found, remedy=asked.repair)


@dataclass(frozen=True, kw_only=True)
class WantedRole:
    """A role as it is asked for.

    Attributes:
        check: id of the finding about it.
        name: of the role.
        trust: who may be it.
        attached: ARNs of its managed policies.
        inline: its inline policies by name.
    """

    check: str
    name: str
    trust: PolicyDocument
    attached: frozenset[str] = frozenset()
    inline: Mapping[str, PolicyDocument]


def role_finding(asked: Asked, wanted: WantedRole, live: RoleFacts | Unread | None) -> Finding:
    """Compares a role: what it may do, no less and no more, and who may be it.

    Args:
        asked: where the stack keeps what an account has once.
        wanted: the role.
        live: likewise.
    """
    expected = f"{wanted.name} is trusted and allowed as asked"
    if isinstance(live, Unread):
        return cannot_tell(wanted.check, expected, live)
    if live is None:
        return compared(wanted.check, same=False, expected=expected, found="no such role", remedy=asked.repair)
    if isinstance(live.attached, Unread):
        return cannot_tell(wanted.check, expected, live.attached)
    if isinstance(live.inline, Unread):
        return cannot_tell(wanted.check, expected, live.inline)
    unequal = [
        *(f"trust policy: {each}" for each in policy_differences(wanted.trust, live.trust)),
        *(f"{arn} is not attached" for arn in sorted(wanted.attached - live.attached)),
        *(f"{arn} is attached" for arn in sorted(live.attached - wanted.attached)),
        *inline_differences(wanted.inline, live.inline),
    ]
    found = "; ".join(unequal) or expected
    return compared(wanted.check, same=not unequal, expected=expected, found=found, remedy=asked.repair)


def inline_differences(wanted: Mapping[str, PolicyDocument], live: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the differences between inline policies by name, in words."""
    for name in sorted({*wanted, *live}):
        if name not in live:
            yield f"inline policy {name} is missing"
        elif name not in wanted:
            yield f"inline policy {name} is not asked for"
        else:
            yield from (f"inline policy {name}: {each}" for each in policy_differences(wanted[name], live[name]))
