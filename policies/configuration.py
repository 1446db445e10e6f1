"""What is wrong with a configuration of the pack.

The engine checks levels and values (against the schemas that the rules give it), but takes a rule or parameter that it
does not know for one of another pack, so that a limit with a typing error would quietly not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.validation import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from policies.rule import Rule

ALL = "all"
"""Sets the level of every rule."""


def configuration_problems(configuration: Mapping[str, Iterable[str]], rules: Iterable[Rule]) -> list[str]:
    """A sentence for each rule and parameter that there is not.

    Args:
        configuration: the names of the parameters that it sets, by rule.
        rules: of the pack.
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
