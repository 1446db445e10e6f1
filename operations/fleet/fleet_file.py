"""Fleet file: its schema, which validates single values, and its parser, from YAML to validated settings.

What the values mean for accounts is evaluated elsewhere.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, cast

import yaml
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from common.problems import NAMESPACE, Problem, SettingPath, listed, shown, suggestion
from common.strict_yaml import BoundedLoader
from common.validation import Name, Section, read_section, without_hidden
from components.settings import SECTIONS
from operations.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

ACCOUNT_ID = r"^[0-9]{12}$"
ROLE_TEMPLATE = r"^arn:aws[a-z-]*:iam::\{accountId\}:role/[A-Za-z0-9_+=,.@/-]+$"
PLACEHOLDER = "{accountId}"

_SHARE = re.compile(r"(100|[0-9]{1,2})%")

_ROLE = "arn:aws:iam::{accountId}:role/<name>, or leave it out"
_NAMES = "a list of account names or IDs"
_UNITS = "a list of organizational units such as ou-ab12-c3d4 (or the root, r-ab12)"
_TAGS = "a mapping of tag keys to the value that each must have"

UnitId = Annotated[str, Field(pattern=r"^(ou-[a-z0-9]{4,32}-[a-z0-9]{4,32}|r-[a-z0-9]{4,32})$")]


def _tolerance(given: object) -> int | str:
    whole = isinstance(given, int) and not isinstance(given, bool) and given >= 0
    if not whole and not (isinstance(given, str) and _SHARE.fullmatch(given)):
        raise ValueError("neither a whole number nor a share")
    return cast("int | str", given)


Tolerance = Annotated[
    int | str,
    PlainValidator(_tolerance),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": f"^{_SHARE.pattern}$"}]}
    ),
]


def _key(description: str, allowed: str, **more: Any) -> Any:
    """Return a key of the file, with what is allowed for messages and the documentation."""
    return cast("Any", Field)(description=description, json_schema_extra={"allowed": allowed}, **more)


class ListedAccount(Section):
    """Account that the file lists."""

    name: Name = _key("Name of the account; unique.", "text of 1 to 50 characters", max_length=50)
    id: str = _key("Account ID.", "an account ID of 12 digits in quotes", pattern=ACCOUNT_ID)
    tags: dict[str, str] = _key("Tags, for the `tags` of waves.", "a mapping of names to text", default_factory=dict)


class Discovery(Section):
    """Accounts that AWS Organizations returns. An empty section, `discover: {}`, selects the whole organization."""

    organizational_units: list[UnitId] = _key(
        "Units to search, with their child units. None: the whole organization.", _UNITS, default_factory=list
    )
    tags: dict[str, str] = _key("Limit to accounts with all of these tags.", _TAGS, default_factory=dict)


class Accounts(Section):
    """Accounts of the fleet. An account that is listed and discovered counts once, under its listed name."""

    listed: list[ListedAccount] = _key(
        "Accounts that the file lists.",
        "a list of accounts {name, id, tags}",
        default_factory=list[ListedAccount],
        alias="list",
    )
    discover: Discovery | None = _key(
        "Accounts of the organization, without inactive ones.",
        "a mapping with organizationalUnits, tags, or neither for the whole organization",
        default=None,
    )
    exclude: list[str] = _key("Accounts to exclude. Their stacks, if any, are orphaned.", _NAMES, default_factory=list)


class Overrides(Section):
    """Settings that differ from `defaults`, key by key."""

    organizational_units: dict[UnitId, dict[str, Any]] = _key(
        "Settings of accounts in a unit or its child units; a child unit overrides its parent.",
        "a mapping of units (ou-ab12-c3d4) to settings",
        default_factory=dict,
    )
    accounts: dict[str, dict[str, Any]] = _key(
        "Settings of one account, which override all others.",
        "a mapping of account names (or IDs in quotes) to settings",
        default_factory=dict,
    )


class Wave(Section):
    """Accounts that are rolled out together. A wave without `accounts`, `organizationalUnits` and `tags` gets the remaining ones."""

    name: str = _key(
        "Name, for `--wave`.", "at most 40 letters, digits, _ and -", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"
    )
    accounts: list[str] = _key("Accounts by name or ID.", _NAMES, default_factory=list)
    organizational_units: list[UnitId] = _key(
        "Accounts in these units or their child units.", _UNITS, default_factory=list
    )
    tags: dict[str, str] = _key("Accounts with all of these tags.", _TAGS, default_factory=dict)
    concurrency: int = _key(
        "Maximum number of concurrent accounts. Each uses about 0.5 GB of memory with the AWS plugin.",
        "a whole number from 1 to 64",
        default=4,
        ge=1,
        le=64,
    )
    failure_tolerance: Tolerance = _key(
        "Number or percentage of the wave's accounts that may fail; percentages are rounded down. Above it, "
        "no further account is started, in this wave or a later one.",
        "a whole number, or a share from 0% to 100%",
        default=0,
    )
    pause_minutes: int = _key("Pause after the wave.", "whole minutes from 0 to 1440", default=0, ge=0, le=1440)

    @property
    def selects_remaining(self) -> bool:
        """The wave selects no accounts of its own."""
        return not (self.accounts or self.organizational_units or self.tags)


class FleetSettings(Section):
    """Fleet file."""

    accounts: Accounts = _key("Accounts of the fleet.", "a mapping with list, discover or both")
    assume_role: str | None = _key(
        "Role to assume in each account; {accountId} is replaced with its ID. Default: no role is assumed, "
        "for a runner that signs in to each account itself.",
        _ROLE,
        default=None,
        pattern=ROLE_TEMPLATE,
    )
    preview_role: str | None = _key(
        "Role to assume for read-only operations: `preview`, `drift` and `verify`. Default: the role of `assumeRole`.",
        _ROLE,
        default=None,
        pattern=ROLE_TEMPLATE,
    )
    defaults: dict[str, Any] = _key(
        "Settings of every account, with the keys of a stack's configuration.",
        "a mapping of keys such as shell-access:regions to values",
        default_factory=dict,
    )
    overrides: Overrides = _key(
        "Settings that differ from `defaults`.",
        "a mapping with organizationalUnits, accounts or both",
        default_factory=Overrides,
    )
    waves: list[Wave] = _key(
        "Waves, in rollout order. An account is in the first wave that names it; all other accounts, "
        "including new ones, are in the last wave. Default: one wave, `all`.",
        "a list of at least one wave",
        default_factory=lambda: [Wave(name="all")],
        min_length=1,
    )
    stack_prefix: str = _key(
        "Prefix of stack names, which are <prefix><account ID>. Required if several fleets share a state backend.",
        'at most 41 letters, digits, _ . and -, the last one a -, or ""',
        default="",
        pattern=r"^([A-Za-z][A-Za-z0-9_.-]{0,39}-)?$",
    )
    secrets_provider: Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(without_hidden)] | None = (
        _key(
            "Encryption of secrets in the state of new stacks, as for `pulumi stack init`. Default: that of "
            "the backend.",
            "such as awskms://alias/pulumi-secrets?region=eu-west-1, or leave it out",
            default=None,
        )
    )


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def fleet_schema() -> dict[str, Any]:
    """Return the schema; constraints between several values are beyond it, and checked by `fleet plan`."""
    schema = cast("dict[str, Any]", _plain(FleetSettings.model_json_schema(by_alias=True)))
    settings = {
        "type": "object",
        "propertyNames": {"pattern": f"^({NAMESPACE}:({'|'.join(SECTIONS)})|aws:.+)$"},
    }
    schema["properties"]["defaults"] |= settings
    overrides = schema["$defs"]["Overrides"]["properties"]
    for each in overrides.values():
        each["additionalProperties"] = settings
    return {"$schema": _DIALECT, "title": "A fleet of Shell Access stacks", **_without(schema, "title")}


def schema_text() -> str:
    """Return the content of docs/fleet.schema.json."""
    return json.dumps(fleet_schema(), indent=2) + "\n"


def _plain(value: Any) -> Any:
    """Return a schema without generated titles, which add nothing, and `allowed`, which repeats other keywords."""
    if isinstance(value, dict):
        values = cast("dict[str, Any]", value)
        return {
            key: {name: _plain(each) for name, each in inner.items()}
            if key in {"properties", "$defs"}
            else _plain(inner)
            for key, inner in values.items()
            if key not in {"title", "allowed"}
        }
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[Any]", value)]
    return value


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}


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
