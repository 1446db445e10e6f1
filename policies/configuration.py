"""Validation of the pack's configuration.

The engine validates levels and values against the schemas of the rules, but ignores unknown rules and parameters, so that a
misspelled limit would have no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from common.validation import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.rule import Rule

ALL = "all"
"""Key that sets the level of every rule."""


def configuration_problems(configuration: Mapping[str, Iterable[str]], rules: Iterable[Rule]) -> list[str]:
    """Return a message for each unknown rule and parameter.

    Args:
        configuration: Names of the configured parameters by rule.
        rules: Rules of the pack.
    """
    known: dict[str, list[str]] = {rule.id: [each.name for each in rule.all_parameters] for rule in rules}
    known[ALL] = []
    problems: list[str] = []
    for rule, names in configuration.items():
        if rule not in known:
            problems.append(f"{rule}: there is no such rule{_hint(rule, known)}")
            continue
        problems += [
            f"{rule}.{name}: there is no such parameter{_hint(name, known[rule])}"
            for name in names
            if name not in known[rule]
        ]
    return problems


def _hint(given: str, known: Mapping[str, Any] | list[str]) -> str:
    return suggestion(given, known).replace("known keys:", "there are:")
