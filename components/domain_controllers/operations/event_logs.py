"""Event logs of controllers: channels and events, the CloudWatch agent's configuration, metric filters and alarms. Pure.

Sources: CloudWatch User Guide, "Manually create or edit the CloudWatch agent configuration file" (`windows_events`,
`append_dimensions`, `aggregation_dimensions`) and "Metrics collected by the CloudWatch agent"; CloudWatch Logs User Guide,
"Filter pattern syntax" and "Monitoring with CloudWatch metrics".
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from components.domain_controllers.names import ALARMS, EVENT_LOGS, METRICS
from components.metric_alarm import MetricAlarm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from components.domain_controllers.operations.settings import EventLogsSettings

_TABLE: Final = Path(__file__).parent / "events.toml"
_ADDITIONAL: Final = "additional"
"""Log group of the events that only the settings name."""
SECURITY: Final = "security"
"""Log group whose silence raises an alarm: a controller's Security log is never quiet for long."""
HEARTBEAT: Final = "Memory % Committed Bytes In Use"
"""Metric that every Windows instance with the agent has."""
SILENCE_MINUTES: Final = 15
"""Minutes of silence of an agent, where no event logs say another number."""

_MINUTES: Final = 60
_FIVE_MINUTES: Final = 5 * _MINUTES


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(_Model):
    """A channel of Windows Event Log; the fields are explained in `events.toml`."""

    name: str
    group: str
    events: tuple[int, ...]
    frequent: tuple[int, ...] = ()
    source: str


class EventWithText(_Model):
    """An event that raises an alarm only if it contains a text."""

    id: int
    text: str


class WindowsEventAlarm(_Model):
    """An alarm about events; the fields are explained in `events.toml`."""

    name: str
    says: str
    group: str
    any_of: tuple[int, ...] = ()
    with_text: tuple[EventWithText, ...] = Field(alias="with", default=())
    setting: str = ""
    source: str

    @property
    def event_ids(self) -> frozenset[int]:
        """IDs of the events that raise the alarm."""
        return frozenset({*self.any_of, *(each.id for each in self.with_text)})


class EventTable(_Model):
    """The table of channels that are collected, and of alarms about their events."""

    channels: tuple[Channel, ...] = Field(alias="channel")
    alarms: tuple[WindowsEventAlarm, ...] = Field(alias="alarm")


@dataclass(frozen=True, kw_only=True)
class MetricFilter:
    """A metric filter that counts matching events."""

    name: str
    log_group: str
    pattern: str
    metric: str


@cache
def load_events() -> EventTable:
    """Return the table of events."""
    return EventTable.model_validate(tomllib.loads(_TABLE.read_text(encoding="utf-8")))


def log_groups(settings: EventLogsSettings) -> list[str]:
    """Return the names of the log groups."""
    groups = dict.fromkeys(each.group for each in load_events().channels)
    return [f"{EVENT_LOGS}/{group}" for group in (*groups, *([_ADDITIONAL] if settings.additional_events else []))]


def agent_configuration(settings: EventLogsSettings | None, counters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the CloudWatch agent.

    Events are sent as XML, which contains the SIDs that metric filters look for; the rendered text is in the language of
    the server. The retention is not in it, as the agent would then delete older events of a group that exists.
    Without settings, no events are collected. `counters` are performance counters besides the agent's sign of life.
    """
    heartbeat = {"measurement": ["% Committed Bytes In Use"], "metrics_collection_interval": _MINUTES}
    logs = (
        {"logs": {"logs_collected": {"windows_events": {"collect_list": list(_collected(settings))}}}}
        if settings
        else {}
    )
    return {
        **logs,
        "metrics": {
            "namespace": METRICS,
            "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
            # Without other dimensions, so that an alarm can name the metric by the instance alone.
            "aggregation_dimensions": [["InstanceId"]],
            "metrics_collected": {"Memory": heartbeat, **counters},
        },
    }


def _collected(settings: EventLogsSettings) -> Iterator[dict[str, Any]]:
    given = {name.lower(): ids for name, ids in settings.additional_events.items()}
    for each in load_events().channels:
        more = given.get(each.name.lower(), [])
        ids = {*each.events, *(each.frequent if settings.frequent_events else ()), *more}
        yield _source(each.name, ids, each.group)
    known = {each.name.lower() for each in load_events().channels}
    for channel, ids in settings.additional_events.items():
        if channel.lower() not in known:
            yield _source(channel, ids, _ADDITIONAL)


def _source(channel: str, ids: Iterable[int], group: str) -> dict[str, Any]:
    return {
        "event_name": channel,
        "event_ids": sorted(set(ids)),
        "event_format": "xml",
        "log_group_name": f"{EVENT_LOGS}/{group}",
        "log_stream_name": "{instance_id}",
    }


def metric_filters() -> list[MetricFilter]:
    """Return the metric filters of all alarms."""
    return [each for alarm in load_events().alarms for each in _filters(alarm)]


def _filters(alarm: WindowsEventAlarm) -> Iterator[MetricFilter]:
    group = f"{EVENT_LOGS}/{alarm.group}"
    if alarm.any_of:
        terms = [_event_term(each) for each in alarm.any_of]
        # Optional terms (?) cannot be combined with others, which make AWS ignore the question marks.
        pattern = " ".join(f"?{each}" for each in terms) if len(terms) > 1 else terms[0]
        yield MetricFilter(name=alarm.name, log_group=group, pattern=pattern, metric=alarm.name)
    for number, each in enumerate(alarm.with_text, start=1):
        yield MetricFilter(
            name=f"{alarm.name}-{number}",
            log_group=group,
            pattern=f'{_event_term(each.id)} "{each.text}"',
            metric=alarm.name,
        )


def _event_term(event_id: int) -> str:
    """Return the term for an event ID: `EventID` has an attribute, `Qualifiers`, where a classic provider wrote it."""
    return f'">{event_id}</EventID>"'


def site_alarms(settings: EventLogsSettings) -> list[MetricAlarm]:
    """Return the alarms of a site: one per kind of event, and one for silence."""
    return [
        *(
            MetricAlarm(
                name=f"{ALARMS}{each.name}",
                description=f"{each.says}. Events: {', '.join(map(str, sorted(each.event_ids)))} in {EVENT_LOGS}/{each.group}",
                namespace=METRICS,
                metric=each.name,
                comparison="GreaterThanOrEqualToThreshold",
                threshold=settings.thresholds.get(each.setting, 1),
                missing_data="notBreaching",
                period=_FIVE_MINUTES,
            )
            for each in load_events().alarms
        ),
        MetricAlarm(
            name=f"{ALARMS}silence",
            description=f"No event of any controller arrived in {EVENT_LOGS}/{SECURITY} for {settings.silence_minutes} minutes",
            namespace="AWS/Logs",
            metric="IncomingLogEvents",
            comparison="LessThanThreshold",
            threshold=1,
            missing_data="breaching",
            period=settings.silence_minutes * _MINUTES,
            dimensions={"LogGroupName": f"{EVENT_LOGS}/{SECURITY}"},
        ),
    ]


def controller_alarm(controller: str, silence_minutes: int) -> MetricAlarm:
    """Return the alarm for an agent that is silent; the dimension `InstanceId` is added once the instance exists."""
    return MetricAlarm(
        name=f"{ALARMS}agent-silent-{controller}",
        description=f"The CloudWatch agent of {controller} has sent nothing for {silence_minutes} minutes",
        namespace=METRICS,
        metric=HEARTBEAT,
        comparison="LessThanThreshold",
        threshold=1,
        missing_data="breaching",
        statistic="SampleCount",
        period=silence_minutes * _MINUTES,
    )
