"""Rules of the pack. A new rule is a module in the folder of its family and an entry in the family's `RULES`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from policies import domain_controllers, foundations, separation_of_duties, session_manager
from policies.embedded.containers import CONTAINERS, embedded_in
from policies.embedded.kinds import PRODUCED

if TYPE_CHECKING:
    from policies.findings import Findings, Resource
    from policies.rule import Rule

RULES: tuple[Rule, ...] = (
    *domain_controllers.RULES,
    *foundations.RULES,
    *separation_of_duties.RULES,
    *session_manager.RULES,
)


def _read_embedded(rule: Rule) -> None:
    """Extend a rule about single resources to resources inside others."""
    checks = {token: check for token in sorted(rule.types & PRODUCED) if (check := rule.check_of(token))}
    if not checks:
        return

    @rule.on(*CONTAINERS)
    def _in_container(container: Resource) -> Findings:
        for resource in embedded_in(container):
            if check := checks.get(resource.type):
                yield from (replace(finding, about=container) for finding in check(resource))


for _rule in RULES:
    if not _rule.is_about_stacks:
        _read_embedded(_rule)
