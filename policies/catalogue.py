"""Rules of the pack. A new rule is a module in the folder of its family and an entry in the family's `RULES`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies import domain_controllers, foundations, separation_of_duties, session_manager
from policies.embedded.containers import reads_embedded

if TYPE_CHECKING:
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    *domain_controllers.RULES,
    *foundations.RULES,
    *separation_of_duties.RULES,
    *session_manager.RULES,
)

for _rule in RULES:
    if not _rule.is_about_stacks:
        reads_embedded(_rule)
