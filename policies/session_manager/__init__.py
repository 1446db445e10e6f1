"""Rules about Session Manager preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.session_manager import (
    session_documents,
    session_preferences,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    session_documents.SESSION_DOCUMENT_READABLE,
    session_preferences.SESSION_PREFERENCES_ENCRYPT_DATA,
    session_preferences.SESSION_PREFERENCES_ENCRYPT_LOGS,
    session_preferences.SESSION_PREFERENCES_LOG,
    session_preferences.SESSION_PREFERENCES_TIME_OUT,
)
