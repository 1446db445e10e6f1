"""Settings of `shell-access:nodes`. The names are AWS' terms."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final
from unicodedata import category

from pydantic import AfterValidator, BeforeValidator, Field

from common.characters import hidden_character
from common.validation import WEEKDAYS, RoleName, Section, WhenEnabled, enabled_flag, flag, partitions, setting
from components.association import AssociationPlan
from components.nodes.names import ASSOCIATION_NAME, UPDATE_DOCUMENT, UPDATE_PARAMETERS

MAX_EXCLUDED_ROLES: Final = 40
"""Each occurs twice in an inline policy of at most 10,240 characters (IAM User Guide, "IAM and AWS STS quotas")."""
MAX_TARGETS: Final = 5
"""API reference, CreateAssociation, `Targets`."""
MINIMUM_MINUTES: Final = 30
"""Minimum between runs of an association (User Guide, "Reference: Cron and rate expressions for Systems Manager")."""

_RATE: Final = re.compile(r"rate\(([1-9][0-9]{0,3}) (minute|hour|day)(s?)\)")
_CRON: Final = re.compile(r"cron\([^\s()]+( [^\s()]+){4,5}\)")
_CRON_PART: Final = re.compile(
    r"([*?L]|[0-9]{1,4}[LW]?|LW|[A-Z]{3}L?)(-([0-9]{1,4}|[A-Z]{3}))?(/[1-9][0-9]{0,3}|#[1-5])?"
)
_CRON_WORDS: Final = frozenset(
    {*WEEKDAYS, *["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]}
)
_CRON_LIMITS: Final = (59, 23, 31, 12, 7, 2199)
"""Maximum values of minutes, hours, days of a month, months, days of a week and years."""
_LONGEST_SCHEDULE: Final = 256
"""API reference, CreateAssociation, `ScheduleExpression`."""
_MINUTES: Final = {"minute": 1, "hour": 60, "day": 1440}
_MONTH: Final = 3
_WITH_MONTHS: Final = 6
"""Number of fields of a cron expression with months, which are at index `_MONTH`."""


class Remediation(StrEnum):
    """Remediation of a role that lacks an instance policy."""

    OFF = "off"
    """Report the role."""
    MANUAL = "manual"
    """Report the role; an administrator starts the remediation per role in AWS Config."""
    AUTOMATIC = "automatic"
    """AWS Config starts the remediation."""


def _remediation(value: object) -> object:
    # YAML 1.1 reads unquoted `off` as false.
    value = "off" if value is False else value
    return Remediation(value) if isinstance(value, str) and value in set(Remediation) else value


def _schedule(value: str) -> str:
    rate = _RATE.fullmatch(value)
    if rate:
        number = int(rate[1])
        if (number == 1) is bool(rate[3]) or number * _MINUTES[rate[2]] < MINIMUM_MINUTES:
            raise ValueError(value)
        return value
    fields = value.removeprefix("cron(").removesuffix(")").split()
    is_cron = len(value) <= _LONGEST_SCHEDULE and _CRON.fullmatch(value) is not None
    if not is_cron or not all(map(_is_cron_field, fields, _CRON_LIMITS)) or not _is_for_associations(fields):
        raise ValueError(value)
    return value


def _is_cron_field(field: str, limit: int) -> bool:
    """Return whether a field is valid; large numbers are rejected, as `_minutes` counts up to them."""
    parts = field.upper().split(",")
    numbers = [int(each) for part in parts for each in re.findall(r"[0-9]+", part.partition("#")[0])]
    words = {each for part in parts for each in re.findall(r"[A-Z]{3}", part)}
    return all(map(_CRON_PART.fullmatch, parts)) and words <= _CRON_WORDS and max(numbers, default=0) <= limit


def _is_for_associations(fields: list[str]) -> bool:
    """Return whether State Manager accepts the schedule: no months, and at least half an hour between runs."""
    minutes = _minutes(fields[0])
    # With a fixed hour, its last run is not followed by a run in the next hour.
    ends = minutes if fields[1].isdigit() else [*minutes, minutes[0] + _MINUTES["hour"]]
    often = any(after - before < MINIMUM_MINUTES for before, after in pairwise(ends))
    return not often and (len(fields) < _WITH_MONTHS or fields[_MONTH] in ("*", "?"))


def _minutes(field: str) -> list[int]:
    """Return the minutes of an hour that a field of a cron expression means, in order; at least one."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0", "", "59") if span in ("*", "?") else span.partition("-")
        found |= set(range(int(first), int(last or (59 if step else first)) + 1, int(step or 1)))
    if not found or max(found) >= _MINUTES["hour"]:
        raise ValueError(field)
    return sorted(found)


def _region(value: str) -> str:
    if value not in partitions():
        raise ValueError(value)
    return value


def _tag_key(value: str) -> str:
    """Reject what State Manager does not accept in the key of a target (API reference, Target)."""
    if "+" in value or not value.strip():
        raise ValueError(value)
    return _tag_value(value)


def _tag_value(value: str) -> str:
    """Reject characters that tags cannot contain, such as wildcards."""
    if not all(each in "_.:/=@-+" or category(each)[0] in "LNZ" for each in value) or hidden_character(value):
        raise ValueError(value)
    return value


class RoleComplianceSettings(Section):
    """`shell-access:nodes.roleCompliance`: instance roles must have the stack's instance policies."""

    enabled: bool = enabled_flag("Evaluate instance roles")
    remediation: Annotated[Remediation, BeforeValidator(_remediation)] = setting(
        "Action on a role without the instance policy: report it, attach the policy on request in AWS Config,"
        " or let AWS Config attach it automatically.",
        f"one of {', '.join(Remediation)}",
        default=Remediation.OFF,
    )
    excluded_roles: list[RoleName] = setting(
        "Roles that are not evaluated and never changed.",
        f"a list of names (not ARNs), spelled as in IAM, at most {MAX_EXCLUDED_ROLES}",
        default_factory=list,
        max_length=MAX_EXCLUDED_ROLES,
    )
    region: Annotated[str, AfterValidator(_region)] | None = setting(
        "Region in which AWS Config records IAM, which is global. By default, the one Region of the stack that does.",
        "a Region whose AWS Config recorder records IAM roles",
        default=None,
    )


class DefaultHostManagementSettings(Section):
    """`shell-access:nodes.defaultHostManagement`: management of EC2 instances without an instance profile."""

    enabled: bool = enabled_flag("Set Default Host Management Configuration in every Region of the stack")


class AgentsSettings(Section):
    """`shell-access:nodes.agents`: updates of SSM Agent."""

    enabled: bool = enabled_flag("Keep SSM Agent up to date in every Region of the stack")
    schedule: Annotated[str, AfterValidator(_schedule)] = setting(
        "Schedule of the updates.",
        "rate(14 days), or cron(0 2 ? * SUN *) in UTC; at least half an hour between two runs",
        default="rate(14 days)",
    )
    max_concurrency: str = setting(
        "Number or percentage of nodes that are updated at the same time.",
        'a number of nodes above 0, or a percentage, in quotes: "50" or "10%"',
        default="10%",
        pattern=r"^([1-9][0-9]{0,6}|[1-9][0-9]?%|100%)$",
    )
    max_errors: str = setting(
        "Number or percentage of failed nodes after which no further node is updated.",
        'a number of nodes, or a percentage, in quotes: "10" or "5%"',
        default="5%",
        pattern=r"^(0|[1-9][0-9]{0,6}|[0-9]%|[1-9][0-9]%|100%)$",
    )
    target_tags: dict[
        Annotated[
            str,
            setting("", "a tag key of 1 to 127 characters, without +", min_length=1, max_length=127),
            AfterValidator(_tag_key),
        ],
        Annotated[
            list[Annotated[str, Field(max_length=256), AfterValidator(_tag_value)]], Field(min_length=1, max_length=50)
        ],
    ] = setting(
        "Tags of the nodes to update; a node must have all of them. By default, all managed nodes.",
        f"a mapping of tags to lists of values, at most {MAX_TARGETS}: {{environment: [production, test]}}",
        default_factory=dict[str, list[str]],
        max_length=MAX_TARGETS,
    )

    @property
    def association(self) -> AssociationPlan:
        """Association that updates the agents of the nodes with the tags, or of all nodes."""
        tagged = {f"tag:{key}": values for key, values in self.target_tags.items()}
        return AssociationPlan(
            name=ASSOCIATION_NAME,
            document=UPDATE_DOCUMENT,
            schedule=self.schedule,
            targets=tagged or {"InstanceIds": ["*"]},
            parameters=UPDATE_PARAMETERS,
            max_concurrency=self.max_concurrency,
            max_errors=self.max_errors,
        )


class NodesSection(Section):
    """`shell-access:nodes`: preparation of nodes for governed sessions."""

    enabled: bool = enabled_flag("Prepare nodes for sessions")
    role_compliance: WhenEnabled[RoleComplianceSettings] = setting(
        "Evaluate with AWS Config if instance roles have the instance policy of this stack.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    default_host_management: WhenEnabled[DefaultHostManagementSettings] = setting(
        "Manage EC2 instances without an instance profile.",
        "a mapping of settings, {} for the defaults",
        default=None,
    )
    agents: WhenEnabled[AgentsSettings] = setting(
        "Keep SSM Agent up to date.", "a mapping of settings, {} for the defaults", default=None
    )
    take_over: bool = flag("Take over all resources of this section from another stack.", default=False)
