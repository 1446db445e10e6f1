"""Rules about Session Manager preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.session_manager import (
    session_document_readable,
    session_preferences_encrypt_data,
    session_preferences_encrypt_logs,
    session_preferences_log,
    session_preferences_time_out,
)

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    session_document_readable.RULE,
    session_preferences_encrypt_data.RULE,
    session_preferences_encrypt_logs.RULE,
    session_preferences_log.RULE,
    session_preferences_time_out.RULE,
)
