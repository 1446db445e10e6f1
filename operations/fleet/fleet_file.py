"""Parser of a fleet file: from YAML to validated settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import yaml

from common.problems import NAMESPACE, Problem, SettingPath, listed, shown, suggestion
from common.strict_yaml import BoundedLoader
from common.validation import read_section
from components.settings import SECTIONS
from operations.errors import UnusableError
from operations.fleet.file_schema import FleetSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


class FleetFileError(UnusableError):
    """Unusable fleet file; no operation was started.

    Attributes:
        problems: Problems, one line each, in the order of the file.
    """

    def __init__(self, file: Path, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        heading = f"{file} has {'a problem' if count == 1 else f'{count} problems'}; no operation was started:"
        super().__init__("\n".join([heading, *listed(self.problems)]))


def problem_text(problem: Problem) -> str:
    """Return a problem with its location in the file: `waves[1].concurrency: expected ...`."""
    _, _, text = str(problem).partition(":")
    return text if problem.path else text.removeprefix(": ")


_OURS = ("aws:assumeRoles", "aws:allowedAccountIds")
"""Keys that the fleet itself sets for every stack."""


def read_fleet_file(path: Path) -> FleetSettings:
    """Read and validate a file, without calling AWS.

    Raises:
        FleetFileError: The file has problems; all are listed.
        UnusableError: The file cannot be read, or is not YAML.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as failed:
        raise UnusableError(f"{path} cannot be read: {failed}") from None
    return parse_fleet_file(path, text)


def parse_fleet_file(path: Path, text: str) -> FleetSettings:
    """Parse and validate the text of a fleet file.

    Raises:
        FleetFileError: The file has problems; all are listed.
        UnusableError: The text is not YAML.
    """
    try:
        content = _load(text)
    except yaml.YAMLError as wrong:
        raise UnusableError(f"{path} is not valid YAML: {' '.join(str(wrong).split())}") from None
    settings, problems, _ = read_section(FleetSettings, content, ())
    if settings:
        problems += _problems(settings)
    if problems or settings is None:
        raise FleetFileError(path, map(problem_text, problems))
    return settings


def _problems(settings: FleetSettings) -> list[Problem]:
    """Return problems of values that are valid individually, as far as the file alone shows them."""
    problems = [*_accounts(settings), *_waves(settings)]
    for path, values in _layers(settings):
        problems += [problem for key in values if (problem := _key_problem((*path, key), key))]
    return problems


def _load(text: str) -> Any:
    content = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 -- a SafeLoader
    try:
        json.dumps(content, default=str)
    except (ValueError, TypeError) as wrong:
        raise yaml.YAMLError(f"expected values that JSON supports: {wrong}") from None
    return content


class _UniqueKeys(BoundedLoader):
    """Loader that rejects duplicate keys, because YAML would silently ignore the first of two equal overrides."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- the library's own signature
        seen: set[object] = set()
        for key, _ in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            value = cast("object", key.value)
            if isinstance(key, yaml.ScalarNode) and value in seen:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {value}", problem_mark=key.start_mark)
            seen.add(value if isinstance(key, yaml.ScalarNode) else id(key))
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))


def _accounts(settings: FleetSettings) -> Iterator[Problem]:
    accounts = settings.accounts
    if not accounts.listed and accounts.discover is None:
        yield Problem(path=("accounts",), message="expected list, discover or both, got neither")
    for what in ("name", "id"):
        for position in _repeated([getattr(each, what) for each in accounts.listed]):
            given = getattr(accounts.listed[position], what)
            path = ("accounts", "list", position, what)
            yield Problem(path=path, message=f"expected a unique {what}, got {shown(given)} again")


def _waves(settings: FleetSettings) -> Iterator[Problem]:
    waves = settings.waves
    for position in _repeated([each.name for each in waves]):
        path = ("waves", position, "name")
        yield Problem(path=path, message=f"expected a unique name, got {shown(waves[position].name)} again")
    for position, wave in enumerate(waves[:-1]):
        if wave.selects_remaining:
            message = "expected accounts, organizationalUnits or tags, got none. Only the last wave gets the remaining accounts"
            yield Problem(path=("waves", position), message=message)


def _layers(settings: FleetSettings) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    yield ("defaults",), settings.defaults
    for unit, values in settings.overrides.organizational_units.items():
        yield ("overrides", "organizationalUnits", unit), values
    for account, values in settings.overrides.accounts.items():
        yield ("overrides", "accounts", account), values


def _key_problem(path: SettingPath, key: str) -> Problem | None:
    """Return the problem of a key that the engine would ignore, such as a misspelled setting."""
    if key in _OURS:
        return Problem(
            path=path, message="expected no value, because the fleet sets it for each account (see assumeRole)"
        )
    namespace, _, section = key.partition(":")
    if namespace == NAMESPACE and section in SECTIONS:
        return None
    if namespace == "aws" and section:
        return None
    known = [f"{NAMESPACE}:{each}" for each in SECTIONS]
    return Problem(path=path, message=f"unknown key{suggestion(key, [*known, 'aws:region', 'aws:defaultTags'])}")


def _repeated(values: Sequence[str]) -> list[int]:
    first = {value: position for position, value in reversed(list(enumerate(values)))}
    return [position for position, value in enumerate(values) if first[value] != position]
