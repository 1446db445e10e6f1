"""`{{ Step.Output }}` and `$.Path`, resolved as Automation resolves them.

Source: AWS Systems Manager User Guide, "Data elements and parameters" and "Using action outputs as inputs".
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

_REFERENCE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_.:-]+)\s*\}\}")
_PART: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class UnresolvedReferenceError(Exception):
    """A reference cannot be resolved."""


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """Return the value with every reference replaced; a reference that is the whole text keeps its type.

    Raises:
        TemplateError: The variable does not exist.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _variable(whole[1], variables)
        return _REFERENCE.sub(lambda found: text_of(_variable(found[1], variables)), value)
    if isinstance(value, list):
        return [filled(item, variables) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in cast("dict[str, Any]", value).items()}
    return value


def references(value: Any) -> set[str]:
    """Return the names of all variables that a value refers to."""
    return set(_REFERENCE.findall(json.dumps(value)))


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        raise UnresolvedReferenceError(f"{name} has no value")
    return variables[name]


def text_of(value: Any) -> str:
    """Return the value as part of a longer text."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def selected(answer: Any, selector: str) -> Any:
    """Return the value of a selector such as `$.Reservations[0].Instances[0].State.Name`.

    Raises:
        TemplateError: The selector matches nothing.
    """
    current = answer
    for name, index in _PART.findall(selector.removeprefix("$.")):
        try:
            current = current[int(index)] if index else current[name]
        except (KeyError, IndexError, TypeError) as missing:
            raise UnresolvedReferenceError(f"{selector} is not in the answer") from missing
    return current
