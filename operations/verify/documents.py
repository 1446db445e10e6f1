"""Comparison of the preferences document, and of the tags that record a stack's ownership."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.problems import shown
from components.adoption.document_ownership import OWNER_TAG, PRIOR_VERSION_TAG
from components.adoption.governance import POLICY_NAME as GOVERNING_STACK
from components.session_manager.document import DOCUMENT_NAME, PREFERENCES, Preferences, document, parse
from components.session_manager.names import DATA_KEY_ALIAS
from components.session_manager.settings import preferences
from operations.findings import Finding, listed
from operations.inventory.reader import ReadFailure
from operations.inventory.session_manager import DocumentFacts, KeyFacts
from operations.verify.findings import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.session_manager.settings import SessionManagerSettings
    from operations.deployment import Deployment


UNKNOWN_KEY: Final = f"the key behind {DATA_KEY_ALIAS}"
"""Placeholder for the ID of an unknown key, which is a finding of its own: any key is accepted."""
_INPUTS: Final = "inputs."


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A setting that differs.

    Attributes:
        name: Name in the document, `idleSessionTimeout`; for other parts of the content, their own name.
        expected: Value in the settings; None: none.
        found: Value in the document; None: none.
    """

    name: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.name}: {_value(self.expected)} expected, {_value(self.found)} found"


def document_findings(
    deployment: Deployment,
    settings: SessionManagerSettings,
    live: DocumentFacts | ReadFailure | None,
    data_key: KeyFacts | object,
) -> list[Finding]:
    """Compare the document."""
    exists = Check("document", f"{DOCUMENT_NAME} exists", deployment.repair)
    if live is None or isinstance(live, ReadFailure):
        return [exists.report_missing(live, "no such document")]
    key_id = data_key.key_id if isinstance(data_key, KeyFacts) else UNKNOWN_KEY
    desired = preferences(settings, account_id=deployment.account_id, region=deployment.region, kms_key_id=key_id)
    findings = [
        exists.accept(),
        _status(deployment, live),
        default_version_finding("document", deployment, live),
        _content("document-content", deployment, desired, live.default_version, live.default_text),
    ]
    if live.default_version != live.latest_version:
        findings.append(_content("document-latest-content", deployment, desired, live.latest_version, live.latest_text))
    return findings


def default_version_finding(check: str, deployment: Deployment, live: DocumentFacts) -> Finding:
    """Compare the default version of a document with its latest one."""
    return Check(f"{check}-default-version", "the default version is the latest", deployment.repair).judge(
        f"default {live.default_version}, latest {live.latest_version}",
        same=live.default_version == live.latest_version,
    )


def differences(desired: Preferences, text: str) -> list[Difference]:
    """Return the differences in a document's content: each setting, then any other content that is not the stack's."""
    values, foreign = parse(text)
    if "text" in foreign:
        return [Difference(name="content", expected="a JSON object", found=foreign["text"])]
    if "inputs" in foreign:
        return [Difference(name="inputs", expected="the settings", found=foreign["inputs"])]
    ours = document(desired)
    found: list[Difference] = []
    for name in PREFERENCES:
        odd = f"{_INPUTS}{name}"
        if odd in foreign:
            # A value of another type, or none, is only visible in the original content.
            found.append(Difference(name=name, expected=ours["inputs"].get(name), found=foreign[odd]))
        elif not _same(desired[name], values[name]):
            found.append(Difference(name=name, expected=desired[name], found=values[name]))
    for name, live in foreign.items():
        if name.removeprefix(_INPUTS) not in PREFERENCES:
            found.append(Difference(name=name, expected=ours.get(name), found=live))
    return found


def _same(desired: Any, found: Any) -> bool:
    return bool(found) if desired == UNKNOWN_KEY else desired == found


def _status(deployment: Deployment, live: DocumentFacts) -> Finding:
    look = f"aws ssm describe-document --name {DOCUMENT_NAME} --region {deployment.region}"
    reason = f": {live.status_reason}" if live.status_reason else ""
    return Check("document-status", "Active", f"verify again in a minute; should it stay so: {look}").judge(
        f"{live.status}{reason}", same=live.status == "Active"
    )


def _content(id_: str, deployment: Deployment, desired: Preferences, version: str, text: str | ReadFailure) -> Finding:
    check = Check(id_, f"version {version} has the content that the settings define", deployment.repair)
    if isinstance(text, ReadFailure):
        return check.report_unread(text)
    unequal = differences(desired, text)
    message = listed([each.name for each in unequal]) if deployment.hides_values else "; ".join(map(str, unequal))
    unknown = f" ({UNKNOWN_KEY} is not known)" if desired["kmsKeyId"] == UNKNOWN_KEY else ""
    return check.judge(message or f"{check.expected}{unknown}", same=not unequal)


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if value == UNKNOWN_KEY else shown(value)


def owner_finding(check: str, deployment: Deployment, tags: Mapping[str, str]) -> Finding:
    """Compare the owner tag of a resource with the stack."""
    # The tag also includes the organization and the project, which the stack's name may lack.
    name, holder = deployment.stack.rsplit("/", 1)[-1], tags.get(OWNER_TAG)
    same = holder is not None and holder.rsplit("/", 1)[-1] == name
    found = f"tag {OWNER_TAG} is {holder}" if holder else f"no tag {OWNER_TAG}"
    return Check(check, f"tag {OWNER_TAG} names the stack {name}", deployment.repair).report([] if same else [found])


def governing_stack_finding(deployment: Deployment, tags: Mapping[str, str] | ReadFailure | None) -> Finding:
    """Compare the account's record of its stack; without it, the creation of a second stack may not be denied.

    `deployment` is of the Region where the stack keeps resources that exist once per account.
    """
    check = Check("governing-stack", f"policy {GOVERNING_STACK} names the stack", deployment.repair)
    if tags is None or isinstance(tags, ReadFailure):
        return check.report_missing(tags, "no such policy")
    return owner_finding(check.id, deployment, tags)


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
