"""Comparison of the preferences document: it exists, has no pending update, and has the content of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from common.problems import shown
from components.session_manager.document import DOCUMENT_NAME, PREFERENCES, Preferences, document, parse, preferences
from components.session_manager.names import DATA_KEY_ALIAS
from operations.inventory.session_manager import DocumentFacts, KeyFacts
from operations.reading import Unread
from operations.verify.findings import Finding, cannot_tell, compared, listed

if TYPE_CHECKING:
    from components.session_manager.settings import SessionManagerSettings
    from operations.desired import Asked

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
    asked: Asked, settings: SessionManagerSettings, live: DocumentFacts | Unread | None, data_key: KeyFacts | object
) -> list[Finding]:
    """Compare the document.

    Args:
        asked: Settings of the Region, with the command that repairs it.
        settings: Session Manager settings of the Region.
        live: The document.
        data_key: The key for session data, if it is known.
    """
    expected = f"{DOCUMENT_NAME} exists"
    if isinstance(live, Unread):
        return [cannot_tell("document", expected, live)]
    if live is None:
        return [compared("document", same=False, expected=expected, found="no such document", remedy=asked.repair)]
    key_id = data_key.key_id if isinstance(data_key, KeyFacts) else UNKNOWN_KEY
    wanted = preferences(settings, account_id=asked.account_id, region=asked.region, kms_key_id=key_id)
    settled = live.default_version == live.latest_version
    findings = [
        compared("document", same=True, expected=expected, found=expected, remedy=asked.repair),
        _status(asked, live),
        compared(
            "document-default-version",
            same=settled,
            expected="the default version is the latest",
            found=f"default {live.default_version}, latest {live.latest_version}",
            remedy=asked.repair,
        ),
        _content("document-content", asked, wanted, live.default_version, live.default_text),
    ]
    if not settled:
        findings.append(_content("document-latest-content", asked, wanted, live.latest_version, live.latest_text))
    return findings


def differences(wanted: Preferences, text: str) -> list[Difference]:
    """Return the differences in a document's content: each setting, then any other content that is not the stack's."""
    values, foreign = parse(text)
    if "text" in foreign:
        return [Difference(name="content", expected="a JSON object", found=foreign["text"])]
    if "inputs" in foreign:
        return [Difference(name="inputs", expected="the settings", found=foreign["inputs"])]
    ours = document(wanted)
    found: list[Difference] = []
    for name in PREFERENCES:
        odd = f"{_INPUTS}{name}"
        if odd in foreign:
            # A value of another type, or none, is only visible in the original content.
            found.append(Difference(name=name, expected=ours["inputs"].get(name), found=foreign[odd]))
        elif not _same(wanted[name], values[name]):
            found.append(Difference(name=name, expected=wanted[name], found=values[name]))
    for name, live in foreign.items():
        if name.removeprefix(_INPUTS) not in PREFERENCES:
            found.append(Difference(name=name, expected=ours.get(name), found=live))
    return found


def _same(wanted: Any, found: Any) -> bool:
    return bool(found) if wanted == UNKNOWN_KEY else wanted == found


def _status(asked: Asked, live: DocumentFacts) -> Finding:
    reason = f": {live.status_reason}" if live.status_reason else ""
    return compared(
        "document-status",
        same=live.status == "Active",
        expected="Active",
        found=f"{live.status}{reason}",
        remedy=f"verify again in a minute; should it stay so: aws ssm describe-document --name {DOCUMENT_NAME} "
        f"--region {asked.region}",
    )


def _content(check: str, asked: Asked, wanted: Preferences, version: str, text: str | Unread) -> Finding:
    expected = f"version {version} says what the settings ask for"
    if isinstance(text, Unread):
        return cannot_tell(check, expected, text)
    unequal = differences(wanted, text)
    said = listed([each.name for each in unequal]) if asked.hides_values else "; ".join(map(str, unequal))
    unknown = f" ({UNKNOWN_KEY} is not known)" if wanted["kmsKeyId"] == UNKNOWN_KEY else ""
    return compared(
        check, same=not unequal, expected=expected, found=said or f"{expected}{unknown}", remedy=asked.repair
    )


def _value(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if value == UNKNOWN_KEY else shown(value)
