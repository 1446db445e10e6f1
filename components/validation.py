"""From pydantic's findings to problems in our words: the key, what was given, what is allowed."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from components.problems import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

ModelT = TypeVar("ModelT", bound="Section")


class Section(BaseModel):
    """A part of the configuration: camelCase keys, no unknown ones, no silent conversion of types.

    Each field says in its description what it means and in `allowed` what may be given.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
    )


def read_section(
    model: type[ModelT], given: Any, path: tuple[str, ...]
) -> tuple[ModelT | None, list[Problem], frozenset[str]]:
    """Validates one section.

    Args:
        model: the section's type; its cross-checks are the caller's business.
        given: as it came from the configuration.
        path: where the section stands.

    Returns:
        The section (wrong fields at their defaults, so that what is left can be cross-checked; None where that is
        impossible), the problems, and the top-level keys of the section that have one.
    """
    if not isinstance(given, dict):
        return None, [Problem(path=path, message=f"{shown(given)} given; allowed: a mapping of settings")], frozenset()
    values = cast("dict[str, Any]", given)
    try:
        return model.model_validate(values), [], frozenset()
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_context=False)
    problems = list(dict.fromkeys(_problem(model, error, path) for error in errors))
    wrong = frozenset(str(error["loc"][0]) for error in errors if error["loc"])
    try:
        rest = model.model_validate({key: value for key, value in values.items() if key not in wrong})
    except ValidationError:
        return None, problems, wrong
    return rest, problems, wrong


def _problem(model: type[BaseModel], error: ErrorDetails, path: tuple[str, ...]) -> Problem:
    location = tuple(str(part) for part in error["loc"])
    key = path + location
    if error["type"] == "extra_forbidden":
        return Problem(path=key, message=f"unknown key{suggestion(location[-1], _keys(model, location[:-1]))}")
    allowed = _allowed(model, location)
    if error["type"] == "missing":
        return Problem(path=key, message=f"is missing; allowed: {allowed or 'a value'}")
    reason = allowed or error["msg"].removeprefix("Value error, ")
    return Problem(path=key, message=f"{shown(error['input'])} given; allowed: {reason}")


def suggestion(given: str, known: Mapping[str, Any] | list[str]) -> str:
    """`; did you mean ...?` for a mistyped key, or the list of what there is."""
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else f"; known keys: {', '.join(sorted(known))}"


def _keys(model: type[BaseModel], location: tuple[str, ...]) -> list[str]:
    nested = _nested(model, location)
    return [field.alias or name for name, field in nested.model_fields.items()] if nested else []


def _nested(model: type[BaseModel], location: tuple[str, ...]) -> type[BaseModel] | None:
    """The section that a location below this one leads to; list indices and mapping keys are passed over."""
    current: type[BaseModel] = model
    for part in location:
        for name, field in current.model_fields.items():
            if part in (name, field.alias):
                found = _section_in(field.annotation)
                if found is None:
                    return None
                current = found
    return current


def _section_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _section_in(argument)
        if found:
            return found
    return None


def _allowed(model: type[BaseModel], location: tuple[str, ...]) -> str | None:
    """What the innermost described field on the way to the location says of its values."""
    for length in range(len(location), 0, -1):
        nested = _nested(model, location[: length - 1])
        for name, field in nested.model_fields.items() if nested else ():
            if location[length - 1] in (name, field.alias):
                extra = cast("dict[str, str]", field.json_schema_extra or {})
                return extra.get("allowed")
    return None
