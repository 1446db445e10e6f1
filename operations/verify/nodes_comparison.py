"""Comparison of the resources for node readiness."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from components.nodes.names import (
    ASSOCIATION_NAME,
    HOST_MANAGEMENT_SETTING,
    HOST_ROLE_NAME,
    ROLE_TYPE,
    RULE_NAME,
    RUNBOOK_NAME,
    UPDATE_DOCUMENT,
    UPDATE_PARAMETERS,
)
from components.nodes.role_compliance import MESSAGE_TYPES
from operations.reading import Unread
from operations.verify.findings import Finding, Status, cannot_tell, compared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.nodes.settings import AgentsSettings
    from operations.verify.facts import Asked
    from operations.verify.nodes_live import AssociationFacts, RemediationFacts, RuleFacts

_ACTIVE = "ACTIVE"
_FAILED = "Failed"


def host_management_finding(asked: Asked, live: str | Unread | None) -> Finding:
    """Compare the role of Default Host Management Configuration.

    Args:
        asked: Settings of the Region, with the command that repairs it.
        live: The role's name; None: none is set.
    """
    check, expected = "host-management", f"{HOST_MANAGEMENT_SETTING} is {HOST_ROLE_NAME}"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    found = f"{HOST_MANAGEMENT_SETTING} is {live or 'not set'}"
    return compared(check, same=live == HOST_ROLE_NAME, expected=expected, found=found, remedy=asked.repair)


def agent_updates_findings(
    asked: Asked, settings: AgentsSettings, live: AssociationFacts | Unread | None
) -> list[Finding]:
    """Compare the association that updates the agents, and report the result of its last execution.

    Args:
        asked: Settings of the Region, with the command that repairs it.
        settings: Settings `shell-access:nodes.agents`.
        live: The association.
    """
    check, expected = "agent-updates", f"{ASSOCIATION_NAME} updates agents at {settings.schedule}"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        return [compared(check, same=False, expected=expected, found="no such association", remedy=asked.repair)]
    tagged = {f"tag:{key}": frozenset(values) for key, values in settings.target_tags.items()}
    parameters = {key: frozenset([value]) for key, value in UPDATE_PARAMETERS.items()}
    pairs: dict[str, tuple[object, object]] = {
        "document": (UPDATE_DOCUMENT, live.document),
        "schedule": (settings.schedule, live.schedule),
        "maxConcurrency": (settings.max_concurrency, live.max_concurrency),
        "maxErrors": (settings.max_errors, live.max_errors),
        "targets": (_targets(tagged or {"InstanceIds": frozenset("*")}), _targets(live.targets)),
        "parameters": (_targets(parameters), _targets(live.parameters)),
        "run when made or changed": (True, not live.only_at_interval),
    }
    unequal = [
        f"{name}: {wanted} expected, {found} found" for name, (wanted, found) in pairs.items() if wanted != found
    ]
    found = "; ".join(unequal) or expected
    return [
        compared(check, same=not unequal, expected=expected, found=found, remedy=asked.repair),
        _last_run(asked, live),
    ]


def _last_run(asked: Asked, live: AssociationFacts) -> Finding:
    """Report an execution that failed on every node as a difference, and one that failed on some nodes as a warning."""
    check, expected = "agent-updates-run", f"the last run of {ASSOCIATION_NAME} succeeded on all nodes"
    results = ", ".join(f"{number} {result}" for result, number in sorted(live.results.items()))
    found = f"{live.status or 'no run yet'}{f': {results}' if results else ''}"
    if live.status != _FAILED and not live.results.get(_FAILED):
        return Finding(check=check, status=Status.OK, expected=expected, found=found)
    return Finding(
        check=check,
        status=Status.WARNING if live.results.get("Success") else Status.DIFFERENT,
        expected=expected,
        found=found,
        remedy=f"python -m operations nodes --stack {asked.stack}, doctor for each node that failed; the runs: "
        f"aws ssm list-associations --association-filter-list key=AssociationName,value={ASSOCIATION_NAME} --region "
        f"{asked.region}, aws ssm describe-association-executions",
    )


def _targets(targets: Mapping[str, frozenset[str]]) -> str:
    return " and ".join(f"{key}={','.join(sorted(values))}" for key, values in sorted(targets.items())) or "none"


def rule_findings(asked: Asked, wanted: str, live: RuleFacts | Unread | None) -> list[Finding]:
    """Compare the AWS Config rule.

    Args:
        asked: Settings of the Region where IAM is recorded.
        wanted: Text of the rule, in Guard.
        live: The rule.
    """
    check, expected = "node-roles", f"rule {RULE_NAME} of AWS Config is active"
    if isinstance(live, Unread):
        return [cannot_tell(check, expected, live)]
    if live is None:
        return [compared(check, same=False, expected=expected, found="no such rule", remedy=asked.repair)]
    said = [] if live.state == _ACTIVE else [f"it is {live.state}"]
    triggers = frozenset({ROLE_TYPE, *MESSAGE_TYPES})
    if live.triggers != triggers:
        listed = ", ".join(sorted(live.triggers)) or "nothing"
        said.append(f"evaluated for {', '.join(sorted(triggers))} expected, for {listed} found")
    found = "; ".join(said) or expected
    return [
        compared(check, same=not said, expected=expected, found=found, remedy=asked.repair),
        _rule_content(asked, wanted, live.text),
        _recorded(asked, live.unrecorded),
        _evaluation(asked, live.failure),
    ]


def _recorded(asked: Asked, live: str | Unread | None) -> Finding:
    check, expected = "node-roles-recorder", f"AWS Config in {asked.region} records IAM roles"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    found = f"{asked.region} {live}" if live else expected
    remedy = f"record {ROLE_TYPE}: aws configservice start-configuration-recorder, --region {asked.region}"
    return compared(check, same=live is None, expected=expected, found=found, remedy=remedy)


def _evaluation(asked: Asked, live: str | Unread) -> Finding:
    check, expected = "node-roles-evaluation", f"the last evaluation of {RULE_NAME} succeeded"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    remedy = (
        f"aws configservice start-config-rules-evaluation --config-rule-names {RULE_NAME} --region {asked.region}, "
        "once the cause is removed"
    )
    return compared(check, same=not live, expected=expected, found=live or expected, remedy=remedy)


def _rule_content(asked: Asked, wanted: str, live: str | Unread) -> Finding:
    check, expected = "node-roles-content", "the rule judges as the settings ask"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    # The AWS plugin reads a rule's text from the state (config_rule.go), so that no refresh detects its drift.
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
    """Compare the remediation of a role without the policy.

    Args:
        asked: Settings of the Region where IAM is recorded.
        wanted: The remediation as the settings define it; None: none.
        live: The remediation of the account; None: none.
    """
    check, expected = "node-remediation", _described(wanted)
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    # A remediation that the settings do not define is not a resource of the stack.
    repair = (
        f"aws configservice delete-remediation-configuration --config-rule-name {RULE_NAME} --region {asked.region}"
    )
    remedy = asked.repair if wanted else repair
    return compared(check, same=live == wanted, expected=expected, found=_described(live), remedy=remedy)


def _described(remediation: RemediationFacts | None) -> str:
    if remediation is None:
        return "no remediation"
    how = "by itself" if remediation.automatic else "on request"
    details = ", ".join(f"{name} {value}" for name, value in sorted(remediation.details.items()))
    return f"{remediation.runbook} runs {how} with {remediation.role_arn or 'no role'}; {details or 'nothing else set'}"


def runbook_finding(asked: Asked, wanted: dict[str, Any], live: str | Unread | None) -> Finding:
    """Compare the default version of the remediation's runbook.

    Args:
        asked: Settings of the Region where IAM is recorded.
        wanted: Content that the settings define.
        live: Content of the account's runbook, as JSON.
    """
    check, expected = "node-remediation-runbook", f"{RUNBOOK_NAME} is as published"
    if isinstance(live, Unread):
        return cannot_tell(check, expected, live)
    if live is None:
        return compared(check, same=False, expected=expected, found="no such document", remedy=asked.repair)
    same = json.loads(live) == wanted
    found = expected if same else "its default version says something else"
    return compared(check, same=same, expected=expected, found=found, remedy=asked.repair)
