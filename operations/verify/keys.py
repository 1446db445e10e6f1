"""Comparison of the keys for session data and session logs: alias, state, rotation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from components.session_manager.key_policies import data_key_policy, logs_key_policy
from components.session_manager.names import DATA_KEY_ALIAS, DATA_KEY_PARAMETER, LOGS_KEY_ALIAS
from operations.inventory.reader import ReadFailure, known
from operations.inventory.session_manager import ENABLED, SYMMETRIC, KeyFacts
from operations.verify.findings import Check
from operations.verify.policies import policy_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.session_manager.settings import SessionManagerSettings
    from operations.deployment import Deployment
    from operations.findings import Finding
    from operations.inventory.session_manager import RegionFacts


_PENDING: Final = "PendingDeletion"
_PLAIN: Final = "String"


def key_findings(deployment: Deployment, settings: SessionManagerSettings, facts: RegionFacts) -> list[Finding]:
    """Compare the keys that the settings define, and the parameter with the data key's ID."""
    findings: list[Finding] = []
    if settings.session_data_encryption:
        policy = data_key_policy(partition=deployment.partition, account_id=deployment.account_id)
        findings += alias_findings("data-key", DATA_KEY_ALIAS, deployment, facts.data_key, policy)
        if isinstance(facts.data_key, KeyFacts):
            findings += data_key_tag_findings(deployment, facts.data_key)
        findings.append(_parameter(deployment, facts))
    if settings.encrypts_created_log_group:
        policy = logs_key_policy(
            partition=deployment.partition, account_id=deployment.account_id, region=deployment.region
        )
        findings += alias_findings("logs-key", LOGS_KEY_ALIAS, deployment, facts.logs_key, policy)
    return findings


def alias_findings(
    check: str, alias: str, deployment: Deployment, live: KeyFacts | ReadFailure | None, policy: Mapping[str, Any]
) -> list[Finding]:
    """Compare the key behind an alias: it exists, is enabled, rotates, and has the key policy that the settings define.

    `check` is the ID of the first finding, and the prefix of the others' IDs.
    """
    exists = Check(check, f"{alias} points to an enabled symmetric key", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such alias")]
    usable = live.state == ENABLED and live.spec == SYMMETRIC
    found = f"{live.key_id}, {live.state}{'' if live.spec == SYMMETRIC else f', {live.spec}'}"
    findings = [replace(exists, remedy=_revive(deployment, live)).judge(found, same=usable)]
    if live.rotates is not None:
        rotation = Check(f"{check}-rotation", "rotation is on", deployment.repair)
        findings.append(rotation.compare(live.rotates, lambda rotates: [] if rotates else ["rotation is off"]))
    return [*findings, policy_finding(f"{check}-policy", deployment, policy, live.policy)]


def _revive(deployment: Deployment, live: KeyFacts) -> str:
    options = f"--key-id {live.key_id} --region {deployment.region}"
    if live.spec != SYMMETRIC:
        return deployment.repair
    if live.state == _PENDING:
        return f"aws kms cancel-key-deletion {options} && aws kms enable-key {options}"
    return f"aws kms enable-key {options}"


def data_key_tag_findings(deployment: Deployment, key: KeyFacts | ReadFailure | None) -> list[Finding]:
    """Compare the tags of the key for session data, where sessions need some."""
    if not deployment.data_key_tags:
        return []
    tags = ", ".join(f"{name}={value}" for name, value in deployment.data_key_tags.items())
    check = Check("data-key-tags", f"the key has the tag {tags}", deployment.repair)

    def differences(found: KeyFacts) -> list[str]:
        same = deployment.data_key_tags.items() <= (known(found.tags) or {}).items()
        return [] if same else ["it lacks the tag, so no just-in-time session starts"]

    return [check.compare(key, differences, "no such alias")]


def _parameter(deployment: Deployment, facts: RegionFacts) -> Finding:
    """Compare the parameter; if the key is not known, any value is accepted."""
    live, key = facts.data_key_parameter, facts.data_key
    key_id = key.key_id if isinstance(key, KeyFacts) else None
    expected = f"{DATA_KEY_PARAMETER} holds {key_id or f'the ID of the key behind {DATA_KEY_ALIAS}'}"
    check = Check("data-key-parameter", expected, deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return check.report_missing(live, "no such parameter")
    differences = [] if live.value == (key_id or live.value) else [f"it holds {live.value}"]
    differences += [] if live.type == _PLAIN else [f"its type is {live.type}, not {_PLAIN}"]
    return check.report(differences, f"it holds {live.value}")
