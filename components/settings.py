"""Settings of a stack, and the only reader of its configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from unicodedata import category

from common.characters import hidden_character
from common.json_values import decoded
from common.problems import NAMESPACE, Problem, SettingPath, SettingsError, named, shown, suggestion, unexpected
from common.validation import Section, key_paths, misplaced, partitions, read_section
from components.account_access.settings import AccountAccessSettings, account_access_problems
from components.approval.cross_checks import approval_problems
from components.approval.cross_checks import warnings as approval_warnings
from components.approval.names import TAG_KEY
from components.approval.settings import ApprovalSettings, Mode
from components.detection.names import EXCLUSION_TAG, SecurityService
from components.domain_controllers.cross_checks import read_domain_controllers
from components.domain_controllers.cross_checks import warnings as controllers_warnings
from components.domain_controllers.settings import DomainControllersSection
from components.just_in_time.settings import just_in_time_warnings
from components.nodes.settings import NodesSection
from components.session_manager.instance_policy import instance_policy
from components.session_manager.settings import (
    EndpointSettings,
    SessionManagerSection,
    SessionManagerSettings,
    cross_problems,
    ineffective_settings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.just_in_time.settings import JustInTimeSettings

SECTION_MODELS: Final[Mapping[str, type[Section]]] = {
    "sessionManager": SessionManagerSection,
    "endpoints": EndpointSettings,
    "approval": ApprovalSettings,
    "accountAccess": AccountAccessSettings,
    "domainControllers": DomainControllersSection,
    "nodes": NodesSection,
}
"""Model of each section; of `endpoints`, of each Region in it."""

SECTIONS: Final = ("regions", "tags", "permissionsBoundary", "takeOver", *SECTION_MODELS)
"""Keys of the configuration; the first ones are plain values."""

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
_BOUNDARY = re.compile(
    r"[A-Za-z0-9_+=,.@-]{1,128}"
    r"|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/([A-Za-z0-9_+=,.@-]{1,128}/){0,4}[A-Za-z0-9_+=,.@-]{1,128}"
)
_MAX_TAGS = 44
"""Instances of domain controllers have six of their own: their names, owner, and patch group."""
_MAX_DEPTH = 20
_SHOWN_LEVELS = 4
"""Levels of lists and mappings; the settings themselves have seven."""
_STACK_WIDE = ("enabled", "instanceRoles", "regionOverrides")
_OPERATORS = ("operatorRoles", "operatorUsers", "operators")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a stack.

    Attributes:
        regions: Governed Regions, in the configured order; the first contains global resources.
        tags: Tags applied to all taggable resources.
        overridden: Keys of `sessionManager` that a Region overrides, by Region.
        permissions_boundary: Name or ARN of the managed policy that bounds every role of the stack; empty: none.
        take_over: Whether to take the account over from another governing stack; applies to every section.
        session_manager: Settings by Region, with overrides merged; empty where the section is absent.
        instance_roles: Names of the instance roles that get the instance policies.
        endpoints: Settings by Region.
        approval: Settings of the workflow; None where the section is absent or disabled, and in mode `just-in-time`.
        evidence_export: The same section in mode `just-in-time`, where it exports records; else None.
        just_in_time: Approval policies of just-in-time node access; None in every other mode, except during a move to it.
        takes_over_just_in_time: Whether to take those policies over from another stack.
        account_access: Entitlements of operators; None where the section is absent or disabled.
        domain_controllers: Settings; None where the section is absent or disabled.
        nodes: Settings; None where the section is absent or disabled.
    """

    regions: tuple[str, ...]
    tags: dict[str, str] = field(default_factory=dict[str, str])
    permissions_boundary: str = ""
    take_over: bool = False
    session_manager: dict[str, SessionManagerSettings] = field(default_factory=dict[str, SessionManagerSettings])
    instance_roles: tuple[str, ...] = ()
    endpoints: dict[str, EndpointSettings] = field(default_factory=dict[str, EndpointSettings])
    approval: ApprovalSettings | None = None
    evidence_export: ApprovalSettings | None = None
    just_in_time: JustInTimeSettings | None = None
    takes_over_just_in_time: bool = False
    account_access: AccountAccessSettings | None = None
    domain_controllers: DomainControllersSection | None = None
    nodes: NodesSection | None = None
    overridden: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def session_manager_path(self, region: str, key: str) -> SettingPath:
        """Return the path of the setting that applies in a Region: that of the override if it has the key."""
        if key in self.overridden.get(region, ()):
            return ("sessionManager", "regionOverrides", region, key)
        return ("sessionManager", key)

    @classmethod
    def load(cls, configuration: Mapping[str, Any]) -> Settings:
        """Load a stack's configuration.

        Values are by full key (`shell-access:regions`, `aws:region`), as text (JSON for lists and objects) or decoded.
        Keys of other projects are ignored.

        Raises:
            SettingsError: The configuration is invalid; with all problems.
        """
        prefix = f"{NAMESPACE}:"
        sections = {
            key.removeprefix(prefix): _decoded(value) for key, value in configuration.items() if key.startswith(prefix)
        }
        problems = [Problem(path=(key,), message=f"unknown key{_hint(key)}") for key in sections if key not in SECTIONS]
        sections = {key: _readable(value, (key,), problems) for key, value in sections.items()}
        regions = _regions(sections.get("regions"), configuration.get("aws:region"), problems)
        tags = _tags(sections.get("tags", {}), problems)
        boundary = _permissions_boundary(sections.get("permissionsBoundary", ""), problems)
        take_over = _take_over(sections.get("takeOver", False), problems)
        by_region, instance_roles, overridden = _session_manager(sections, regions, problems)
        endpoints = _endpoints(sections.get("endpoints", {}), regions, problems)
        approval = _approval(sections, by_region, problems)
        account_access = _account_access(sections, problems)
        controllers = _domain_controllers(sections.get("domainControllers"), regions, problems)
        nodes = _nodes(sections, by_region, problems)
        if controllers and SecurityService.INSPECTOR in controllers.detected and EXCLUSION_TAG in tags:
            message = "expected no such tag with domainControllers.detection.inspector. Remove it: Inspector scans no instance with it."
            problems.append(Problem(path=("tags", EXCLUSION_TAG), message=message))
        if problems:
            raise SettingsError(problems)
        is_just_in_time = approval is not None and approval.mode is Mode.JUST_IN_TIME
        policies = approval.just_in_time if approval and (is_just_in_time or approval.is_migrating) else None
        return cls(
            regions=regions,
            tags=tags,
            permissions_boundary=boundary,
            take_over=take_over,
            session_manager={region: _taking_over(each, take_over) for region, each in by_region.items()},
            instance_roles=instance_roles,
            endpoints=endpoints,
            approval=None if is_just_in_time or approval is None else _taking_over(approval, take_over),
            evidence_export=_taking_over(approval, take_over)
            if approval and is_just_in_time and approval.evidence
            else None,
            just_in_time=policies,
            takes_over_just_in_time=bool(policies and approval and (approval.take_over or take_over)),
            account_access=account_access,
            domain_controllers=controllers,
            nodes=nodes and _taking_over(nodes, take_over),
            overridden=overridden,
        )

    @property
    def governs(self) -> bool:
        """Return whether the stack has a section that governs resources in the account."""
        sections = (self.session_manager, self.endpoints, self.approval, self.domain_controllers, self.nodes)
        return any((*sections, self.just_in_time, self.account_access))

    @property
    def takes_over_account(self) -> bool:
        """Return whether any setting permits to take the account over from another stack."""
        sections = (*self.session_manager.values(), *(each for each in (self.approval, self.nodes) if each))
        return self.take_over or self.takes_over_just_in_time or any(each.take_over for each in sections)

    def warnings(self) -> list[Problem]:
        """Return warnings about valid settings whose effect may surprise: sessions' ends, closed ports."""
        found: dict[Problem, None] = {}
        for region, each in self.session_manager.items():
            path, most = self.session_manager_path(region, "maxSessionDuration"), each.max_session_duration
            if most is None and (self.approval or self.just_in_time):
                ends = "its access ends with the hours of its policy"
                if self.approval:
                    ends = f"a grant ends {self.approval.approval_validity_minutes} minutes after the approval"
                message = (
                    f"not set, so a session may outlive its grant by days: {ends}, and an open session stays open. Set it to "
                    "the minutes that a session may take"
                )
                found[Problem(path=path, message=message)] = None
            elif most is not None and most < each.idle_session_timeout:
                message = (
                    f"{most} is below idleSessionTimeout ({each.idle_session_timeout}), so every session ends before it "
                    "can be idle for that long. Raise it, or lower idleSessionTimeout"
                )
                found[Problem(path=path, message=message)] = None
        controllers = controllers_warnings(self.domain_controllers) if self.domain_controllers else ()
        approval = approval_warnings(self.approval) if self.approval else []
        path = ("approval", "justInTime")
        just_in_time = just_in_time_warnings(self.just_in_time, path) if self.just_in_time else []
        return [*found, *self._ineffective(), *approval, *just_in_time, *controllers]

    def _ineffective(self) -> list[Problem]:
        """Return warnings about settings of sessions that have no effect in any Region to which they apply."""
        paths = {region: partial(self.session_manager_path, region) for region in self.session_manager}
        found = {
            region: {(str(each.path[0]), each.message) for each in ineffective_settings(settings)}
            for region, settings in self.session_manager.items()
        }
        warnings = {
            Problem(path=paths[region](key), message=message): None
            for region, several in found.items()
            for key, message in sorted(several)
            if all((key, message) in found[other] for other in paths if paths[other](key) == paths[region](key))
        }
        return [*warnings]


def _decoded(value: Any) -> Any:
    """Return a value decoded: the engine passes lists and objects as JSON text; other text is returned unchanged."""
    try:
        return decoded(value)
    except RecursionError:
        return _TOO_DEEP


def _hint(key: str) -> str:
    """Return what to do about an unknown section; `pulumi config set` without `--path` makes a key with dots."""
    section = re.split(r"[.\[]", key)[0]
    if section == key or section not in SECTIONS:
        return suggestion(key, list(SECTIONS), _key_paths())
    name = f"'{NAMESPACE}:{key}'"
    return f". It was set without --path: run pulumi config rm {name}, then pulumi config set --path {name} VALUE"


@cache
def _key_paths() -> dict[str, list[SettingPath]]:
    """Return the paths of the sections and of their keys, by key."""
    # With the namespace, as a key alone would look like one of the section that the message is about.
    found: dict[str, list[SettingPath]] = {key: [(f"{NAMESPACE}:{key}",)] for key in SECTIONS}
    for section, model in SECTION_MODELS.items():
        for key, paths in key_paths(model, (section, "REGION") if section == "endpoints" else (section,)).items():
            found.setdefault(key, []).extend(paths)
    return found


class _TooDeep:
    """JSON that is nested too deeply to be parsed."""


_TOO_DEEP = _TooDeep()


def _readable(value: Any, path: SettingPath, problems: list[Problem]) -> Any:
    """Return a value without what JSON can contain, but no setting: unpaired surrogates, and unlimited levels."""
    if isinstance(value, _TooDeep) or (len(path) > _MAX_DEPTH and isinstance(value, list | dict)):
        message = f"expected at most {_MAX_DEPTH}, got too many levels of lists and mappings."
        problems.append(Problem(path=path[:_SHOWN_LEVELS], message=message))
        return None
    if isinstance(value, str):
        if value.isascii():
            return value
        text = value.encode(errors="replace").decode()
        if text != value:
            problems.append(Problem(path=path, message="expected Unicode text, got an unpaired surrogate."))
        return text
    if isinstance(value, list):
        several = cast("list[Any]", value)
        return [
            each if _is_plain(each) else _readable(each, (*path, number), problems)
            for number, each in enumerate(several)
        ]
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return {
            (key if _is_plain(key) else _readable(key, path, problems)): each
            if _is_plain(each)
            else _readable(each, (*path, str(key).encode(errors="replace").decode()), problems)
            for key, each in named.items()
        }
    return value


def _is_plain(value: Any) -> bool:
    """Return whether a value needs no path for a problem, as most do."""
    return value.isascii() if isinstance(value, str) else not isinstance(value, list | dict | _TooDeep)


def _regions(given: Any, provider_region: Any, problems: list[Problem]) -> tuple[str, ...]:
    path, expected = ("regions",), "a list of Regions such as [eu-west-1, us-east-1], each once"
    if given is None or given == []:
        if isinstance(provider_region, str) and provider_region in partitions():
            return (provider_region,)
        problems.append(unexpected(path, expected, "none, and no aws:region"))
        return ()
    if not isinstance(given, list):
        problems.append(unexpected(path, expected, shown(given)))
        return ()
    names: dict[str, None] = {}
    for value in cast("list[object]", given):
        if isinstance(value, str) and value in partitions() and value not in names:
            names[value] = None
        else:
            is_unknown = isinstance(value, str) and value not in partitions() and _REGION.fullmatch(value)
            fix = "The installed AWS SDK for Python does not know it; if the Region is new, upgrade boto3"
            problems.append(unexpected(path, expected, shown(value), fix if is_unknown else ""))
    if len({partitions()[each] for each in names}) > 1:
        text = "; ".join(f"{each} is in {partitions()[each]}" for each in names)
        problems.append(unexpected(path, "Regions of one partition", f"several: {text}"))
    return tuple(names)


def tag_problem(key: str, value: object, spelled: Mapping[str, str]) -> str | None:
    """Return the problem of a tag, or None (AWS Tagging guide, "Tag naming limits and requirements").

    `spelled` has the names of the previous tags, by their lower case.
    """
    if isinstance(value, int | float):
        return f"expected text, got {shown(value)}. Write it in quotes, or set it with pulumi config set --path --type string"
    if not isinstance(value, str) or not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):  # noqa: PLR2004
        return (
            "expected text of at most 256 characters, under a name of at most 128 that does not start with aws:, got "
            f"{shown(value)}."
        )
    permitted = all(each in "_.:/=+-@" or category(each)[0] in "LZN" for each in key + value)
    if not permitted or hidden_character(key + value) or not key.strip():
        return f"expected letters, digits, spaces and _ . : / = + - @, in name and value, got {shown({key: value})}."
    if key.lower() == TAG_KEY.lower() or key.lower().startswith(f"{NAMESPACE}:"):
        return f"expected another name. {TAG_KEY} and names that start with {NAMESPACE}: are reserved"
    if key.lower() in spelled:
        return f"expected one of {spelled[key.lower()]} and {key}, got both. IAM ignores the case of names"
    return None


def _tags(given: Any, problems: list[Problem]) -> dict[str, str]:
    tags = cast("dict[str, object]", given) if isinstance(given, dict) else None
    if tags is None:
        problems.append(unexpected(("tags",), "a mapping of names to text", shown(given)))
        return {}
    good: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for key, value in tags.items():
        message = tag_problem(key, value, spelled)
        spelled[key.lower()] = key
        if message:
            problems.append(Problem(path=("tags", key), message=message))
        else:
            good[key] = str(value)
    if len(tags) > _MAX_TAGS:
        fix = "A resource has 50 at most, some of them its own"
        problems.append(unexpected(("tags",), f"at most {_MAX_TAGS}", f"{len(tags)} tags", fix))
    return good


def _permissions_boundary(given: Any, problems: list[Problem]) -> str:
    if given == "" or (isinstance(given, str) and _BOUNDARY.fullmatch(given)):
        return given
    expected = "the name or the ARN of a managed policy, or an empty string"
    problems.append(unexpected(("permissionsBoundary",), expected, shown(given)))
    return ""


def _take_over(given: Any, problems: list[Problem]) -> bool:
    if isinstance(given, bool):
        return given
    problems.append(unexpected(("takeOver",), "true or false", shown(given)))
    return False


SectionT = TypeVar("SectionT", SessionManagerSettings, ApprovalSettings, NodesSection)


def _taking_over(section: SectionT, take_over: bool) -> SectionT:  # noqa: FBT001 -- a setting
    """Return the section with the `takeOver` that applies: the stack's or its own."""
    return section.model_copy(update={"take_over": section.take_over or take_over})


ModelT = TypeVar("ModelT", SessionManagerSection, ApprovalSettings, AccountAccessSettings, NodesSection)


def _enabled_section(
    model: type[ModelT], sections: Mapping[str, Any], key: str, problems: list[Problem]
) -> tuple[ModelT | None, frozenset[str]]:
    """Return a section, None where it is absent or disabled, with its keys that have a problem."""
    if key not in sections:
        return None, frozenset()
    section, found, wrong = read_section(model, sections[key], (key,), _key_paths)
    problems += found
    return (section if section and section.enabled else None), wrong


def _session_manager(
    sections: Mapping[str, Any], regions: tuple[str, ...], problems: list[Problem]
) -> tuple[dict[str, SessionManagerSettings], tuple[str, ...], dict[str, frozenset[str]]]:
    path = ("sessionManager",)
    section, wrong = _enabled_section(SessionManagerSection, sections, "sessionManager", problems)
    if section is None:
        return {}, (), {}
    given = sections["sessionManager"]
    general = [*cross_problems(section, path)]
    problems += [each for each in general if each.path[-1] not in wrong]
    given_values = {key: value for key, value in given.items() if key not in wrong and key not in _STACK_WIDE}
    overrides = _overrides(given.get("regionOverrides"))
    for region in overrides:
        if regions and region not in regions:
            problems.append(_not_of_the_stack((*path, "regionOverrides", region), regions))
    merged = {
        region: _merged(given_values, overrides.get(region, {}), region, problems, general)
        for region in regions or tuple(overrides)
    }
    return merged, tuple(section.instance_roles), {region: frozenset(each) for region, each in overrides.items()}


def _overrides(given: Any) -> dict[str, dict[str, Any]]:
    """Return the overrides of the right type: an invalid one must not hide problems in the others."""
    by_region = cast("dict[str, object]", given) if isinstance(given, dict) else {}
    return {region: cast("dict[str, Any]", each) for region, each in by_region.items() if isinstance(each, dict)}


def _merged(
    general: dict[str, Any],
    override: dict[str, Any],
    region: str,
    problems: list[Problem],
    known: list[Problem],
) -> SessionManagerSettings:
    """Return the settings of one Region; only problems of its override are reported here."""
    path = ("sessionManager", "regionOverrides", region)
    settings, found, wrong = read_section(SessionManagerSettings, {**general, **override}, path, _key_paths)
    problems += found
    settings = settings or SessionManagerSettings()
    if override:
        reported = {(each.path[-1], each.message) for each in known}
        problems += [
            each
            for each in cross_problems(settings, path)
            if each.path[-1] not in wrong and (each.path[-1], each.message) not in reported
        ]
    return settings


def _endpoints(given: Any, regions: tuple[str, ...], problems: list[Problem]) -> dict[str, EndpointSettings]:
    by_region = cast("dict[str, object]", given) if isinstance(given, dict) else None
    if by_region is None:
        problems.append(unexpected(("endpoints",), "a mapping of Regions to settings", shown(given)))
        return {}
    endpoints: dict[str, EndpointSettings] = {}
    for region, settings in by_region.items():
        path = ("endpoints", region)
        if regions and region not in regions:
            problem = _not_of_the_stack(path, regions)
            fix = misplaced(path, dict[str, EndpointSettings])
            problems.append(replace(problem, message=f"{problem.message}.{fix}") if fix else problem)
            if not isinstance(settings, dict):
                continue
        section, found, _ = read_section(EndpointSettings, settings, path, _key_paths)
        problems += found
        if section:
            endpoints[region] = section
    return endpoints


def _approval(
    sections: Mapping[str, Any], session_manager: dict[str, SessionManagerSettings], problems: list[Problem]
) -> ApprovalSettings | None:
    path = ("approval",)
    section, wrong = _enabled_section(ApprovalSettings, sections, "approval", problems)
    if section is None:
        return None
    # A wrong value is not in the section, so that nothing else may be left.
    none_left = (*path, _OPERATORS[0]) if wrong & {*_OPERATORS} else None
    found = approval_problems(section, path)
    problems += [each for each in found if each.path[1] not in wrong and each.path != none_left]
    endless = [region for region, each in session_manager.items() if each.max_session_duration is None]
    if section.break_glass and endless:
        expected, got = "sessionManager.maxSessionDuration in every Region", f"none in {named(endless)}"
        fix = "Set it, as a session without an approval would not end by itself"
        problems.append(unexpected((*path, "breakGlass"), expected, got, fix))
    return section


def _account_access(sections: Mapping[str, Any], problems: list[Problem]) -> AccountAccessSettings | None:
    section, wrong = _enabled_section(AccountAccessSettings, sections, "accountAccess", problems)
    found = account_access_problems(section, ("accountAccess",)) if section else ()
    problems += [each for each in found if each.path[1] not in wrong]
    return section


def _domain_controllers(
    given: Any, regions: tuple[str, ...], problems: list[Problem]
) -> DomainControllersSection | None:
    if given is None:
        return None
    section, found = read_domain_controllers(given, regions, _key_paths)
    problems += found
    return section if section and section.enabled else None


def _nodes(
    sections: Mapping[str, Any], session_manager: dict[str, SessionManagerSettings], problems: list[Problem]
) -> NodesSection | None:
    section, _ = _enabled_section(NodesSection, sections, "nodes", problems)
    if section and section.role_compliance and instance_policy(session_manager, partition="", account_id="") is None:
        expected = "a section sessionManager that logs sessions or encrypts their data"
        fix = "Without it there is no instance policy to attach"
        problems.append(unexpected(("nodes", "roleCompliance"), expected, "none", fix))
    return section


def _not_of_the_stack(path: SettingPath, regions: tuple[str, ...]) -> Problem:
    return Problem(path=path, message=f"is not one of the stack's Regions ({named(regions)})")
