"""Comparison of documents of Systems Manager, and of the tags that record their ownership."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from components.adoption.document_content import same_content
from components.adoption.document_ownership import PRIOR_VERSION_TAG
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import DocumentFacts
from operations.verify.findings import Check, owner_finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.adoption.document_content import PlannedDocument
    from operations.deployment import Deployment
    from operations.findings import Finding

_ACTIVE: Final = "Active"


def document_findings(
    check: str, deployment: Deployment, planned: PlannedDocument, live: DocumentFacts | ReadFailure | None
) -> list[Finding]:
    """Compare a document: type, status, sharing, default version, and the content of its default and latest version."""
    exists = Check(check, f"document {planned.name} exists, is active and not shared", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such document")]
    versions = {"content": (live.default_version, live.default_text)}
    if live.default_version != live.latest_version:
        versions["latest-content"] = (live.latest_version, live.latest_text)
    return [
        _existence(exists, deployment, planned, live),
        default_version_finding(check, deployment, live),
        *(
            Check(
                f"{check}-{name}", f"version {version} of {planned.name} matches the settings", deployment.repair
            ).compare(text, partial(document_differences, planned.content))
            for name, (version, text) in versions.items()
        ),
    ]


def _existence(check: Check, deployment: Deployment, planned: PlannedDocument, live: DocumentFacts) -> Finding:
    """Report faults of a document other than its content; no update ends sharing, as the stack does not manage it."""
    if isinstance(live.shared_with, ReadFailure):
        return check.report_unread(live.shared_with)
    wrong = [] if live.type == planned.type else [f"its type is {live.type}, not {planned.type}"]
    wrong += [] if live.status == _ACTIVE else [f"its status is {live.status} {live.status_reason}".rstrip()]
    commands = [deployment.repair] if wrong else []
    if live.shared_with:
        wrong.append(f"it is shared with accounts: {', '.join(live.shared_with)}")
        unshare = f"aws ssm modify-document-permission --name {planned.name} --region {deployment.region}"
        commands.append(f"{unshare} --permission-type Share --account-ids-to-remove {' '.join(live.shared_with)}")
    return replace(check, remedy=" && ".join(commands)).report(wrong)


def document_differences(desired: Mapping[str, Any], text: str) -> list[str]:
    """Return the differences in the content of a runbook or change template, step by step; empty if there are none."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return ["it is not JSON"]
    if not isinstance(found, dict):
        return ["it is not a JSON object"]
    live = cast("dict[str, Any]", found)
    if same_content(desired, live):
        return []
    names = [name for name in dict.fromkeys([*desired, *live]) if name != "mainSteps"]
    differences = [f"{name} differs" for name in names if not same_content(desired.get(name), live.get(name))]
    return differences + (_step_differences(desired.get("mainSteps"), live.get("mainSteps")) or [])


def _step_differences(desired: Any, live: Any) -> list[str]:
    if same_content(desired, live):
        return []
    if not _are_steps(live):
        return ["mainSteps is not a list of steps"]
    ours = {str(each.get("name")): each for each in cast("list[dict[str, Any]]", desired)}
    theirs = {str(each.get("name")): each for each in cast("list[dict[str, Any]]", live)}
    differences = [f"step {name} is missing" for name in ours if name not in theirs]
    differences += [f"step {name} is unexpected" for name in theirs if name not in ours]
    differences += [
        f"step {name} differs" for name in ours if name in theirs and not same_content(ours[name], theirs[name])
    ]
    return differences or ["the order of the steps differs"]


def _are_steps(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in cast("list[Any]", value))


def default_version_finding(check: str, deployment: Deployment, live: DocumentFacts) -> Finding:
    """Compare the default version of a document with its latest one."""
    return Check(f"{check}-default-version", "the default version is the latest", deployment.repair).judge(
        f"default {live.default_version}, latest {live.latest_version}",
        same=live.default_version == live.latest_version,
    )


def document_ownership_findings(
    check: str, deployment: Deployment, live: DocumentFacts | ReadFailure | None
) -> list[Finding]:
    """Compare the two tags of a document; a document that does not exist or cannot be read is a finding of its own."""
    if not isinstance(live, DocumentFacts):
        return []
    expected = f"tag {PRIOR_VERSION_TAG} names the version to restore"
    absent = [] if PRIOR_VERSION_TAG in live.tags else [f"no tag {PRIOR_VERSION_TAG}"]
    return [
        owner_finding(f"{check}-owner", deployment, live.tags),
        Check(f"{check}-prior-version", expected, deployment.repair).report(absent),
    ]
