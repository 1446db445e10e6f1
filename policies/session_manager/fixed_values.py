"""Preferences with fixed values, which the caller of StartSession cannot choose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from policies.findings import is_given

if TYPE_CHECKING:
    from policies.findings import Findings, Resource

_CHOSEN_BY_CALLER: Final = re.compile(r"\{\{(?!\s*ssm:)")
"""`{{ name }}` is a parameter of the caller; `{{ ssm:name }}` a parameter of Parameter Store."""


def is_fixed(value: Any) -> bool:
    """Return whether a value is set and has no parameter of the caller."""
    return is_given(value) and not (isinstance(value, str) and _CHOSEN_BY_CALLER.search(value))


def require_fixed(preferences: Resource, name: str, expected: str) -> Findings:
    """Check that the preference has a value that the caller cannot change; a value that is not known yet counts."""
    if not is_fixed(preferences.value(name)):
        yield preferences.violation(name, expected)
