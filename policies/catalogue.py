"""Every rule of the pack. A new rule is a module in a family's folder and a name in the family's `RULES`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies import foundations, session_manager

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (*foundations.RULES, *session_manager.RULES)
