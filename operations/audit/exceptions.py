"""Accepted exceptions: a file of findings that an owner accepts, with a reason and a last day."""

from __future__ import annotations

import difflib
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from common.problems import shown
from common.strict_yaml import UniqueKeys
from operations.audit.catalog import Severity
from operations.audit.findings import Accepted, AcceptedException, Audit, Audited, BypassFinding
from operations.audit.rules import RULES
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DEFAULT_FILE: Final = "audit-exceptions.yaml"
EXPIRED: Final = "exception-expired"

PERSONS: Final = "same-person-both-sides"
"""The rule whose principals may be people without an ARN."""

_KEYS: Final = ("principal", "rule", "reason", "owner", "until")
_IDS: Final = tuple(rule.id for rule in RULES if rule.id != EXPIRED)


class _ExceptionsLoader(UniqueKeys):
    """Loads a day that does not exist as text, for the check to report."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        """Return a day, a time, or the text."""
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return str(node.value)


_ExceptionsLoader.add_constructor("tag:yaml.org,2002:timestamp", _ExceptionsLoader.construct_yaml_timestamp)  # pyright: ignore[reportUnknownMemberType]


def chosen_exceptions(given: Path | None, directory: Path) -> tuple[AcceptedException, ...]:
    """Read the accepted exceptions that a command names; else `DEFAULT_FILE` beside Pulumi.yaml, where it exists.

    Raises:
        UnusableError: As `read_exceptions`.
    """
    path = given or directory / DEFAULT_FILE
    return read_exceptions(path) if given or path.exists() else ()


def read_exceptions(path: Path) -> tuple[AcceptedException, ...]:
    """Read and check a file of accepted exceptions.

    Raises:
        UnusableError: The file cannot be read, or has entries that cannot be used; with all of its problems.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _ExceptionsLoader)  # noqa: S506 -- a safe loader
    except (OSError, UnicodeDecodeError) as failed:
        raise UnusableError(f"{path}: cannot be read: {failed}") from None
    except yaml.YAMLError as wrong:
        raise UnusableError(f"{path}: expected YAML, got {' '.join(str(wrong).split())}. Correct the file.") from None
    except ValueError:
        raise UnusableError(
            f"{path}: expected each key once, got one twice in a mapping. Remove the repetition."
        ) from None
    listed = cast("dict[str, Any]", content).get("exceptions") if isinstance(content, dict) else None
    if not isinstance(listed, list) or set(cast("dict[str, Any]", content)) != {"exceptions"}:
        raise UnusableError(
            f"{path}: expected the key exceptions with a list of entries and no other key, got {shown(content)}. Write "
            "each exception as an entry of that list."
        )
    problems: list[str] = []
    for number, entry in enumerate(cast("list[Any]", listed)):
        problems += [f"exceptions[{number}]{each}" for each in _problems(entry)]
    problems += _repeated(cast("list[Any]", listed))
    if problems:
        raise UnusableError("\n".join([f"{path} cannot be used:", *(f"  {each}" for each in problems)]))
    return tuple(
        AcceptedException(
            principal=each["principal"],
            rule=each["rule"],
            reason=each["reason"].strip(),
            owner=each["owner"].strip(),
            until=each["until"],
        )
        for each in cast("list[dict[str, Any]]", listed)
    )


def apply_exceptions(audit: Audit, exceptions: Sequence[AcceptedException], today: date) -> Audit:
    """Return an audit without the findings that an exception covers, and with the expired exceptions."""
    valid = [each for each in exceptions if each.until >= today]
    accepted: list[Accepted] = []
    left: list[Audited] = []
    for each in audit.audited:
        open_findings: list[BypassFinding] = []
        for finding in each.findings:
            covering = next((one for one in valid if one.covers(each.arn, finding.rule)), None)
            if covering is None:
                open_findings.append(finding)
            else:
                accepted.append(Accepted(arn=each.arn, finding=finding, exception=covering))
        if open_findings:
            left.append(replace(each, findings=tuple(open_findings)))
    used = {id(each.exception) for each in accepted}
    return replace(
        audit,
        audited=(*left, *(_expired(each) for each in exceptions if each.until < today)),
        accepted=tuple(accepted),
        unused=tuple(each for each in valid if id(each) not in used),
    )


def _expired(exception: AcceptedException) -> Audited:
    note = f"{exception.rule}, owner {exception.owner}, expired on {exception.until.isoformat()}: {exception.reason}"
    finding = BypassFinding(rule=EXPIRED, severity=Severity.MEDIUM, matched_statements=(), note=note)
    return Audited(arn=exception.principal, kind="exception", findings=(finding,))


def _problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f": expected a mapping with {', '.join(_KEYS)}, got {shown(entry)}."
        return
    given = cast("dict[Any, Any]", entry)
    for key in given:
        if key not in _KEYS:
            yield f".{key}: expected one of {', '.join(_KEYS)}. Remove the key."
    for key in _KEYS:
        expected = _expected(key, given.get(key), given.get("rule"))
        if expected:
            yield f".{key}: expected {expected}, got {shown(given.get(key))}. Correct the value."


def _repeated(entries: list[Any]) -> Iterator[str]:
    """Return a problem for each entry with the principal and rule of an earlier one."""
    first: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(entries):
        given = cast("dict[Any, Any]", entry) if isinstance(entry, dict) else {}
        about = (str(given.get("principal")), str(given.get("rule")))
        if given and first.setdefault(about, number) != number:
            yield f"exceptions[{number}]: expected one entry per principal and rule, got a repetition of {first[about]}. Remove one."


def _expected(key: str, value: Any, rule: Any) -> str:
    """Return what is expected of a value; empty where it is valid."""
    if key == "until":
        return "" if isinstance(value, date) and not isinstance(value, datetime) else "a day such as 2027-03-31"
    if not isinstance(value, str) or not value.strip():
        return "a text that is not empty"
    if key == "rule" and value not in _IDS:
        close = difflib.get_close_matches(value, _IDS, n=1)
        return f"the ID of a rule (docs/audit.md lists them{f'; did you mean {close[0]}?' if close else ''})"
    if key == "principal" and not value.startswith("arn:") and (rule != PERSONS or not value.strip("*?")):
        return "the ARN of a principal (* and ? match any characters)"
    return ""
