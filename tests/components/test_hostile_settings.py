"""Every key with hostile values: what AWS accepts, or one clear error that names the key."""

import copy
import json
import re
from typing import Any, cast

import pytest
from pydantic import BaseModel

from common.characters import hidden_character
from common.problems import Problem, SettingsError
from components.approval.settings import ApprovalSettings, IdentityCenterOperator
from components.domain_controllers.settings import DomainControllersSection
from components.nodes.settings import NodesSection
from components.session_manager.settings import EndpointSettings, SessionManagerSection
from components.settings import SECTIONS, Settings
from tests.components.hostile import (
    COMPLETE,
    HOSTILE_OTHERS,
    HOSTILE_TEXTS,
    SHAPES,
    SHAPES_OF_KEYS,
    Path,
    at,
    fits,
    keys_of,
    leaves,
    replaced,
)

WILDCARDS = re.compile(r"(sessionManager\.(win|linux)ShellProfile|nodes\.agents\.schedule)")
"""Where an asterisk is one."""
WHITE_SPACE = re.compile(r"sessionManager\.(win|linux)ShellProfile")
LONGEST_MESSAGE = 20_000
MAPPINGS = [path for path in leaves() if isinstance(at(path), dict)]
MODELS: dict[str, type[BaseModel]] = {
    "sessionManager": SessionManagerSection,
    "endpoints": EndpointSettings,
    "approval": ApprovalSettings,
    "domainControllers": DomainControllersSection,
    "nodes": NodesSection,
}


def refusal(configuration: dict[str, Any], section: str | None = None) -> SettingsError | None:
    """Return the error of a configuration, or of one section of it."""
    needed = {section, "regions", *(("sessionManager",) if section == "nodes" else ())}
    try:
        Settings.load(
            {
                f"shell-access:{name}": json.dumps(value)
                for name, value in configuration.items()
                if section is None or name in needed
            }
        )
    except SettingsError as refused:
        return refused
    return None


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _names(problem: Problem, path: Path) -> bool:
    """Return whether a problem is at a path, within it, or at its parent."""
    shorter = min(len(path), len(problem.path))
    return problem.path[:shorter] == path[:shorter]


def _is_printable(message: str) -> bool:
    """Return whether a message is short and hides nothing; most are plain text, which is decided at once."""
    lines = (each for each in message.splitlines() if not (each.isascii() and each.isprintable()))
    return len(message) < LONGEST_MESSAGE and not any(map(hidden_character, lines))


def _complaints(path: Path, value: Any, refused: SettingsError | None) -> str | None:
    """Return the flaw of the answer to a value at one path."""
    place = _dotted(path)
    if refused is not None:
        text = str(refused)
        if not _is_printable(text):
            return f"{place}: {value!r:.80} is not refused in words that can be printed"
        if any(_names(problem, path) for problem in refused.problems):
            return None
    # Accepted, even where it fits no other key.
    if isinstance(value, str):
        return _flaw(place, value)
    return None if type(value) in (bool, int, list, dict, type(None)) else f"{place}: {value!r:.80} is accepted"


def _flaw(place: str, value: str) -> str | None:
    """Return the flaw of a text that is accepted at one path."""
    said = f"{place}: {value!r:.80} is accepted"
    if hidden_character(re.sub(r"\s", "", value) if WHITE_SPACE.fullmatch(place) else value):
        return said
    if any(each in value for each in "*?") and not WILDCARDS.fullmatch(place):
        return f"{said}, a wildcard"
    form = next((each for pattern, each in SHAPES.items() if re.fullmatch(pattern, place)), None)
    return None if not value or form is None or fits(value, form) else f"{said}, not by {form}"


def test_complete_configuration_has_every_key_and_loads() -> None:
    assert set(COMPLETE) == set(SECTIONS)
    assert refusal(COMPLETE) is None
    for section, model in MODELS.items():
        value = COMPLETE[section] if section != "endpoints" else COMPLETE[section]["us-east-1"]
        _assert_complete(model, value)


def _first(several: Any) -> Any:
    """The first of a list or of a mapping's values; anything else as it is."""
    if isinstance(several, dict):
        values = cast("dict[str, Any]", several).values()
        return next(iter(values), None)
    return next(iter(cast("list[Any]", several)), None) if isinstance(several, list) else several


def _assert_complete(model: type[BaseModel], value: dict[str, Any]) -> None:
    if model is IdentityCenterOperator:
        assert set(value) < keys_of(model)  # either a user or a group
        return
    # Policies of just-in-time node access exclude every other key.
    assert set(value) == keys_of(model) - {"justInTime", "justInTimeMigration"}
    nested = model.model_validate({key: each for key, each in value.items() if key != "regionOverrides"})
    for name, field in model.model_fields.items():
        if name in {"just_in_time", "just_in_time_migration"}:
            continue
        given, found = value[field.alias or name], getattr(nested, name)
        if not isinstance(found, BaseModel):
            given, found = _first(given), _first(found)
        if isinstance(found, BaseModel):
            _assert_complete(type(found), given)


SAMPLE = 8
"""One in how many texts `make test` tries as each value and each name; for the next one, other texts."""


@pytest.mark.parametrize("section", SECTIONS)
def test_hostile_value_is_refused_by_key_or_fits_aws_model(section: str) -> None:
    assert _flaws(section, SAMPLE) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("section", SECTIONS)
def test_every_hostile_value_is_refused_or_fits_aws_model(section: str) -> None:
    assert _flaws(section, 1) == []


def _flaws(section: str, step: int) -> list[str]:
    """Return the flaws of the answers to hostile values, with one in `step` texts per key."""
    complaints: list[str] = []
    for number, path in enumerate(each for each in leaves() if each[0] == section):
        # Where no text is right, a few show that each is of the wrong type.
        texts = HOSTILE_TEXTS[number % step :: step] if isinstance(at(path), str) else HOSTILE_TEXTS[::12]
        for value in (*texts, *HOSTILE_OTHERS):
            if isinstance(value, type(at(path))) and isinstance(value, list | dict) and not value:
                continue  # An empty list or mapping is what many keys may have.
            said = _complaints(path, value, refusal(replaced(path, value), section))
            if said:
                complaints.append(said)
    return complaints


@pytest.mark.parametrize("step", [SAMPLE, pytest.param(1, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("number", range(len(MAPPINGS)), ids=lambda number: _dotted(MAPPINGS[number]))
def test_hostile_key_is_refused_or_fits_aws_model(number: int, step: int) -> None:
    path = MAPPINGS[number]
    form = next((each for pattern, each in SHAPES_OF_KEYS.items() if re.fullmatch(pattern, _dotted(path))), None)
    for key in HOSTILE_TEXTS[number % step :: step]:
        given = {key: next(iter(at(path).values()))}
        refused = refusal(replaced(path, given), str(path[0]))
        if refused is None:
            assert not hidden_character(key)
            assert form is None or fits(key, form)
        else:
            assert _is_printable(str(refused))


TWICE = [path for path in leaves() if isinstance(at(path), list) and isinstance(at(path)[0], str)]


@pytest.mark.parametrize("path", TWICE, ids=_dotted)
def test_value_twice_in_a_list_is_refused_by_key(path: Path) -> None:
    refused = refusal(replaced(path, [*at(path), at(path)[0]]))
    assert refused is not None
    assert any(_names(problem, path) for problem in refused.problems)


@pytest.mark.parametrize("path", [p for p in TWICE if re.search(r"Roles$|Users$|Emails$", _dotted(p))], ids=_dotted)
def test_name_twice_in_another_case_is_refused_by_key(path: Path) -> None:
    refused = refusal(replaced(path, [*at(path), at(path)[0].swapcase()]))
    assert refused is not None
    assert any(_names(problem, path) and "each once" in problem.message for problem in refused.problems)


def test_names_keep_their_case_where_aws_distinguishes_it() -> None:
    configuration = replaced(("nodes", "agents", "targetTags", "environment"), ["production", "Production"])
    assert refusal(configuration) is None


def test_many_wrong_values_are_counted_and_the_first_ones_listed() -> None:
    configuration = copy.deepcopy(COMPLETE)
    configuration["sessionManager"]["instanceRoles"] = [f"role {number}" for number in range(10_000)]
    refused = refusal(configuration)
    assert refused is not None
    assert len(refused.problems) == 10_000
    assert str(refused).splitlines()[-1] == "  ... and 9,950 more."
