"""Secret parts of a stack's configuration, and their redaction in texts. Pure.

The engine reports that a section of the configuration holds a secret, but not where. So every text in such a section is
secret, except for names of Regions and the fixed words of settings.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from common.json_values import decoded, leaves
from common.problems import NAMESPACE, Problem, SettingsError
from components.adoption.document_ownership import OnDestroy
from components.approval.settings import ApproverType, Mode
from components.domain_controllers.port_tables import Profile
from components.domain_controllers.settings import ManagementAccess
from components.nodes.settings import Remediation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHOWN: Final = "[secret]"
"""Placeholder for a secret, as in the engine's output."""

_SHORTEST: Final = 3
"""Minimum length in characters; shorter texts occur everywhere."""
_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_FIXED_WORDS: Final = frozenset(
    str(word) for words in (ApproverType, ManagementAccess, Mode, OnDestroy, Profile, Remediation) for word in words
)
_NESTING: Final = 3
"""Maximum depth of JSON in JSON: a policy in the value of a claim, a script in a document."""


@dataclass(frozen=True, kw_only=True)
class SecretTexts:
    """Sections of a configuration that hold a secret (`sessionManager`), and all texts in them, the longest first."""

    sections: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any], secret_keys: frozenset[str]) -> SecretTexts:
        """Return the secrets of a configuration, which has values by full key, as text or decoded."""
        prefix = f"{NAMESPACE}:"
        leaves = {leaf for key in secret_keys for leaf in _texts(decoded(values.get(key, "")))}
        return cls(
            sections=frozenset(key.removeprefix(prefix) for key in secret_keys if key.startswith(prefix)),
            texts=tuple(sorted(leaves, key=len, reverse=True)),
        )

    def is_in(self, value: object) -> bool:
        """Return whether a value of a resource contains a secret, unchanged or in JSON."""
        if isinstance(value, str):
            return any(spelling in value for text in self.texts for spelling in _spellings(text))
        if isinstance(value, dict):
            return any(self.is_in(each) for each in cast("dict[str, object]", value).values())
        if isinstance(value, list | tuple):
            return any(map(self.is_in, cast("list[object]", value)))
        is_input_type = type(value).__module__.startswith("pulumi_aws.")
        return bool(self.texts) and is_input_type and self.is_in(vars(value))

    def without(self, text: str) -> str:
        """Return a text with its secrets redacted."""
        for secret in self.texts:
            text = text.replace(secret, SHOWN)
        return text

    def without_values(self, wrong: SettingsError) -> SettingsError:
        """Return the problems of a configuration without the values of secret sections."""
        problems: list[Problem] = []
        for each in wrong.problems:
            # All after the value is omitted, too: where a value ends is not certain.
            expected, got, _ = each.message.partition(", got ")
            message = f"{expected}{got}{SHOWN}" if got and each.path[0] in self.sections else each.message
            details = tuple(map(self.without, each.details))
            problems.append(Problem(path=each.path, message=self.without(message), details=details))
        return SettingsError(problems)


def _spellings(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        spelled = text
        for _ in range(_NESTING):
            yield spelled
            spelled = json.dumps(spelled, ensure_ascii=ascii_only)[1:-1]


def _texts(value: Any) -> Iterator[str]:
    for each in leaves(value):
        is_long = isinstance(each, str) and len(each) >= _SHORTEST
        if is_long and each not in _FIXED_WORDS and not _REGION.fullmatch(each):
            yield each
