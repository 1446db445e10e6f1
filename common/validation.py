"""Types of settings, and translation of pydantic's errors to problems: key, given value, allowed values."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar, cast, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from common.characters import hidden_character
from common.problems import Problem, SettingPath, path_text, shown, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
    from enum import StrEnum

    from pydantic_core import ErrorDetails

    from common.network import Network

RESERVED_NETWORKS = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
"""Unspecified, loopback, link-local (with the metadata service), multicast and reserved (RFC 6890, RFC 5771)."""
UNICAST_NETWORKS = tuple(map(IPv6Network, ("2000::/3", "fc00::/7")))
"""Global and private addresses; all other IPv6 is loopback, link-local, multicast or reserved (RFC 4291)."""


class IgnoresCase:
    """Marker of texts that AWS compares without case."""


def setting(description: str, allowed: str, **options: Any) -> Any:
    """Return the field of a setting.

    Args:
        description: Meaning of the setting, for the reference and schemas.
        allowed: Values that it accepts, for the reference and errors.
        options: Further arguments of pydantic's `Field`.
    """
    return Field(description=description, json_schema_extra={"allowed": allowed}, **options)


def flag(description: str, *, default: bool) -> Any:
    """Return the field of a setting that is true or false."""
    return setting(description, "true or false", default=default)


def enabled_flag(what: str) -> Any:
    """Return the field of a section's `enabled`.

    Args:
        what: What the section does, as an imperative sentence without its period.
    """
    return flag(f"{what}. If false, the section is treated as absent.", default=True)


def member_of(kind: type[StrEnum]) -> BeforeValidator:
    """Return a validator that accepts the value of a member, which a strict model alone refuses."""
    return BeforeValidator(lambda value: kind(value) if isinstance(value, str) and value in set(kind) else value)


def without_hidden(text: str) -> str:
    """Reject hidden characters.

    Raises:
        ValueError: There is a hidden character.
    """
    if hidden_character(text):
        raise ValueError(text)
    return text


def without_blanks(text: str) -> str:
    """Reject a text that is empty where it is shown.

    Raises:
        ValueError: The text has nothing but white space.
    """
    if not text.strip():
        raise ValueError(text)
    return text


def _trimmed(text: str) -> str:
    if text != text.strip():
        raise ValueError(text)
    return text


def _unambiguous(text: str) -> str:
    r"""Reject characters that EC2 reads as a pattern in the values of a filter (`*`, `?`, `\`)."""
    if any(each in text for each in "*?\\"):
        raise ValueError(text)
    return without_blanks(text)


def _profile(text: str) -> str:
    """Reject control characters and characters that change text direction or hide text, except white space."""
    without_hidden(text.translate({ord(each): None for each in "\t\n\r"}))
    return text


@lru_cache(10_000)
def _unicast(text: str) -> str:
    network = ip_network(text)
    if str(network) != text or not _is_unicast(network):
        raise ValueError(text)
    return text


def _is_unicast(network: Network) -> bool:
    if isinstance(network, IPv4Network):
        return not any(network.overlaps(each) for each in RESERVED_NETWORKS)
    return any(network.subnet_of(each) for each in UNICAST_NETWORKS)


WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""Days of a week, as in cron expressions and in schedules of Inspector."""
Weekday = Annotated[str, Field(pattern=rf"^({'|'.join(WEEKDAYS)})$")]
BUCKET_NAME = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""Pattern of the name of a general purpose bucket (S3 User Guide, "General purpose bucket naming rules")."""
RoleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}$"), IgnoresCase()]
"""Name of a role or user in IAM; without ARN, path or wildcard."""
ROLE_NAMES_ALLOWED = "a list of names (not ARNs) of 1 to 64 letters, digits and + = , . @ _ -"
Email = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9.!#$%&'+/=^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=320),
    IgnoresCase(),
]
Name = Annotated[
    str,
    setting("", "a name of 1 to 100 characters, without white space at its ends", min_length=1, max_length=100),
    AfterValidator(without_hidden),
    AfterValidator(_trimmed),
]
"""Display name, for messages and descriptions."""
IdOrNameTag = Annotated[
    str, Field(min_length=1, max_length=256), AfterValidator(without_hidden), AfterValidator(_unambiguous)
]
Profile = Annotated[str, AfterValidator(_profile)]
"""Shell commands."""
UnicastNetwork = Annotated[str, AfterValidator(_unicast)]
"""CIDR block in canonical form with addresses of hosts."""


@cache
def partitions() -> Mapping[str, str]:
    """Return the partition of each Region, as known to the AWS SDK for Python."""
    known = json.loads((_sdk_data() / "partitions.json").read_text(encoding="utf-8"))["partitions"]
    return {region: each["id"] for each in known for region in each["regions"] if not region.endswith("-global")}


@cache
def instance_types() -> frozenset[str]:
    """Return the EC2 instance types that the AWS SDK for Python knows."""
    model = max((_sdk_data() / "ec2").iterdir()) / "service-2.json.gz"
    # Searched instead of parsed: a tenth of the time.
    found = re.search(
        rb'"InstanceType":\{\s*"type":"string",\s*"enum":\[([^\]]+)\]', gzip.decompress(model.read_bytes())
    )
    if found is None:
        raise LookupError(f"{model} has no instance types")
    return frozenset(json.loads(b"[" + found[1] + b"]"))


def _sdk_data() -> Path:
    """Return the path of the SDK's models; importing the SDK takes longer than reading settings."""
    specification = find_spec("botocore")
    if specification is None or not specification.submodule_search_locations:
        raise LookupError("botocore is not installed")
    return Path(specification.submodule_search_locations[0]) / "data"


ModelT = TypeVar("ModelT", bound="Section")
SectionT = TypeVar("SectionT", bound="Section")


def _if_enabled(section: Section | None) -> Section | None:
    return section if section is None or getattr(section, "enabled", True) else None


WhenEnabled: TypeAlias = Annotated[SectionT | None, AfterValidator(_if_enabled)]
"""A section that is None where it is absent or disabled."""
KeyPaths: TypeAlias = "Callable[[], Mapping[str, Sequence[SettingPath]]]"
"""Function that returns paths of keys, which only an unknown key needs."""


class Section(BaseModel):
    """A section of the configuration: camelCase keys, no unknown keys, no implicit type conversion.

    Each field has a description of its meaning, and the allowed values in `allowed`.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        strict=True,
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
    )


def ineffective(section: Section, path: SettingPath, reason: str, *names: str) -> Iterator[Problem]:
    """Yield a warning for each setting that asks for something which another setting excludes.

    Args:
        section: Section of the settings.
        path: Path of the section.
        reason: The other setting, and its value, as in `s3Logging is false`.
        names: Names of the fields. Defaults, false and empty values ask for nothing.
    """
    fields = type(section).model_fields
    for name in names:
        value = getattr(section, name)
        if value and value != fields[name].get_default(call_default_factory=True):
            message = f"has no effect, as {reason}. Change one of the two, or remove this key"
            yield Problem(path=(*path, fields[name].alias or name), message=message)


def read_section(
    model: type[ModelT], given: Any, path: SettingPath, elsewhere: KeyPaths = dict
) -> tuple[ModelT | None, list[Problem], frozenset[str]]:
    """Validate a section.

    Args:
        model: Type of the section; the caller is responsible for cross-checks.
        given: Value in the configuration.
        path: Path of the section.
        elsewhere: Returns the paths of the keys of all sections, to suggest where an unknown key belongs.

    Returns:
        The section (with defaults for invalid fields, so that the others can be cross-checked; None where that is
        impossible), the problems, and the top-level keys of the section that have one.
    """
    if not isinstance(given, dict):
        return None, [Problem(path=path, message=f"expected a mapping of settings, got {shown(given)}.")], frozenset()
    values = cast("dict[str, Any]", given)
    try:
        section = model.model_validate(values, by_name=False)
        return section, list(_repeated(section, path)), frozenset()
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_context=False)
    problems = list(dict.fromkeys(_problem(model, error, values, path, elsewhere) for error in errors))
    wrong = frozenset(str(error["loc"][0]) for error in errors if error["loc"])
    try:
        rest = model.model_validate({key: value for key, value in values.items() if key not in wrong}, by_name=False)
    except ValidationError:
        return None, problems, wrong
    return rest, [*problems, *_repeated(rest, path)], wrong


def _repeated(value: object, path: SettingPath, *, ignores_case: bool = False) -> Iterator[Problem]:
    """Yield problems of repeated list items, which have no effect, or which AWS rejects."""
    if isinstance(value, Section):
        for name, key, ignores_case_here in _fields(type(value)):
            each = getattr(value, name)
            if isinstance(each, Section | dict | list):
                yield from _repeated(cast("object", each), (*path, key), ignores_case=ignores_case_here)
    elif isinstance(value, dict):
        for key, each in cast("dict[str, object]", value).items():
            yield from _repeated(each, (*path, key), ignores_case=ignores_case)
    elif isinstance(value, list):
        seen: dict[Hashable, int] = {}
        for position, each in enumerate(cast("list[object]", value)):
            if isinstance(each, str):
                name = each.lower() if ignores_case else each
                seen[name] = seen.get(name, 0) + 1
                if seen[name] == 2:  # noqa: PLR2004 -- reported once, however often it is repeated
                    yield Problem(path=path, message=f"expected each once, got {shown(each)}.")
            else:
                yield from _repeated(each, (*path, position), ignores_case=ignores_case)


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, bool], ...]:
    """Return the fields of a model: name, key, and whether the items of a list are the same in another case."""
    fields = model.model_fields.items()
    return tuple((name, field.alias or name, _ignores_case(field.annotation)) for name, field in fields)


def _ignores_case(annotation: object) -> bool:
    metadata = (each for argument in get_args(annotation) for each in getattr(argument, "__metadata__", ()))
    return any(isinstance(each, IgnoresCase) for each in metadata)


def _problem(
    model: type[BaseModel], error: ErrorDetails, values: dict[str, Any], path: SettingPath, elsewhere: KeyPaths
) -> Problem:
    location = _location(error, values)
    key = path + location
    if error["type"] == "extra_forbidden":
        _, section = _at(model, location[:-1])
        known = [each.alias or name for name, each in section.model_fields.items()] if section else []
        # A key of this section is likelier than the same key of another one.
        hint = suggestion(str(location[-1]), known, {**elsewhere(), **key_paths(model, path)})
        return Problem(path=key, message=f"unknown key{hint}")
    field, section = _at(model, location)
    if error["loc"][-1:] == (_KEY,) and field:
        field = next((each for each in _key_metadata(field) if isinstance(each, FieldInfo)), field)
    allowed = cast("dict[str, str]", field.json_schema_extra or {}).get("allowed") if field else None
    if error["type"] == "missing":
        return Problem(path=key, message=f"expected {allowed or 'a value'}, got none.")
    reason = allowed or error["msg"].removeprefix("Value error, ")
    hidden = hidden_character(error["input"]) if isinstance(error["input"], str) else ""
    without = f", without {hidden}" if hidden else ""
    fix = misplaced(key, field.annotation) if field and error["type"] == "model_type" else ""
    return Problem(path=key, message=f"expected {reason}{without}, got {shown(error['input'])}.{fix}")


_KEY: Final = "[key]"
"""Last part of the location of an error that is about the key of a mapping, not about its value."""


def _key_metadata(field: FieldInfo) -> tuple[object, ...]:
    """Return the constraints of the keys of a mapping."""
    return getattr(get_args(field.annotation)[0], "__metadata__", ())


def misplaced(path: SettingPath, kind: object) -> str:
    """Return the suggested path, where a key of a section stands in place of its Region or name; else nothing.

    Args:
        path: Path of the key.
        kind: Type of the mapping by Region or name.
    """
    section, steps = _section_below(kind) or (None, ())
    place = (*path[:-1], *steps, path[-1])
    is_key = section and place in key_paths(section, place[:-1]).get(str(path[-1]), ())
    return f" Did you mean {path_text(place)}?" if steps and is_key else ""


def _location(error: ErrorDetails, values: dict[str, Any]) -> SettingPath:
    """Return the path of the value that an error is about, without the parts that pydantic adds: `[key]`, members of unions."""
    found: list[str | int] = []
    at: Any = values
    for part in error["loc"]:
        if isinstance(at, dict) and part in at:
            # YAML has keys that are numbers.
            found.append(str(part))
            at = cast("dict[object, Any]", at)[part]
        elif isinstance(at, list) and isinstance(part, int):
            found.append(part)
            at = cast("list[Any]", at)[part]
        elif error["type"] == "missing":
            found.append(part)
    return tuple(found)


def _at(model: type[BaseModel], location: SettingPath) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    """Return the innermost field on the path to a location, and the section at the location, if there is one."""
    field: FieldInfo | None = None
    section: type[BaseModel] | None = model
    position = 0
    while position < len(location):
        fields = section.model_fields.items() if section else ()
        found = next((each for name, each in fields if location[position] in (name, each.alias)), None)
        if found is None:
            return field, None
        field = found
        section, steps = _section_below(field.annotation) or (None, ())
        position += 1 + len(steps)
    return field, section if position == len(location) else None


def _section_below(annotation: object, path: SettingPath = ()) -> tuple[type[BaseModel], SettingPath] | None:
    """Return the section in the type of a setting, and the path to it: a position in a list, or a key of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, path
    arguments = get_args(annotation)
    kind = get_origin(annotation)
    if kind is list:
        path = (*path, 0)
    elif kind is dict:
        # All mappings with keys of any text are by Region.
        path = (*path, "REGION" if arguments[0] is str else "NAME")
    return next((found for each in arguments if (found := _section_below(each, path))), None)


@cache
def key_paths(model: type[BaseModel], path: SettingPath = ()) -> Mapping[str, Sequence[SettingPath]]:
    """Return the paths of all keys of a section and of the sections in it, by key.

    Args:
        model: Type of the section.
        path: Path of the section.
    """
    found: dict[str, list[SettingPath]] = {}
    for name, field in model.model_fields.items():
        own = (*path, field.alias or name)
        found.setdefault(str(own[-1]), []).append(own)
        nested = _section_below(field.annotation, own)
        for key, paths in key_paths(*nested).items() if nested else ():
            found.setdefault(key, []).extend(paths)
    return found
