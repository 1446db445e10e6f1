"""Preferences that are fixed in the document, as opposed to chosen by whoever starts a session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from policies.findings import is_given

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

_CHOSEN_BY_CALLER: Final = re.compile(r"\{\{(?!\s*ssm:)")
"""`{{ name }}` stands for a parameter that the caller gives; `{{ ssm:name }}` for one that the account holds."""


def is_fixed(value: Any) -> bool:
    """Whether a text names something, or will, and leaves the caller no choice of what."""
    return is_given(value) and not (isinstance(value, str) and _CHOSEN_BY_CALLER.search(value))


def require_fixed(preferences: Resource, name: str, expected: str) -> Findings:
    """The preference has to name something that the caller cannot change; what is yet to be made counts."""
    if not is_fixed(preferences.value(name)):
        yield preferences.violation(name, expected)
