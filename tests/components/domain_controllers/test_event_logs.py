"""Event logs of controllers: the agent's configuration, and metric filters on events as Microsoft publishes them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from components.domain_controllers.operations.event_logs import (
    agent_configuration,
    controller_alarm,
    load_events,
    log_groups,
    metric_filters,
    site_alarms,
)
from components.domain_controllers.operations.health import COUNTERS
from components.domain_controllers.operations.settings import EventLogsSettings
from local.emulator.extension.logs import parse
from tests.components.domain_controllers.windows_events import DOMAIN, WindowsEvent, ldap, membership, service

if TYPE_CHECKING:
    from typing import Any

DEFAULT = EventLogsSettings()
EVENTS = {
    "security-log-cleared": [
        WindowsEvent(1102, provider="Microsoft-Windows-Eventlog"),
        WindowsEvent(1100, provider="Microsoft-Windows-Eventlog"),
    ],
    "system-log-cleared": [WindowsEvent(104, "System", "Microsoft-Windows-Eventlog")],
    "audit-policy-changed": [WindowsEvent(4719)],
    "high-criticality": [WindowsEvent(each) for each in (4618, 4649, 4897, 4964, 5124)],
    "privileged-group": [
        membership(4728, f"{DOMAIN}-512"),
        *(membership(4756, f"{DOMAIN}-{each}") for each in (518, 519)),
        *(membership(4732, f"S-1-5-32-{each}") for each in (544, 548, 549, 551)),
    ],
    "restore-mode-password": [WindowsEvent(4794)],
    "sid-history": [WindowsEvent(4765), WindowsEvent(4766)],
    "lockouts": [WindowsEvent(4740)],
    "service-installed-audited": [service(4697)],
    "service-installed": [service(7045)],
    "unsigned-ldap": [ldap(2887), ldap(2889)],
    "replication-stopped": [
        *(ldap(each) for each in (1388, 1988, 2042, 2095)),
        *(WindowsEvent(each, "DFS Replication", "DFSR", "49152") for each in (2213, 4012)),
    ],
}
"""Events that raise each alarm."""
OTHERS = [
    WindowsEvent(4624),
    WindowsEvent(4672),
    membership(4728, f"{DOMAIN}-1512"),
    membership(4728, f"{DOMAIN}-1601"),
    membership(4732, f"{DOMAIN}-6605"),
    membership(4732, "S-1-5-32-555"),
    membership(4756, f"{DOMAIN}-5180"),
    membership(4733, "S-1-5-32-544"),
    service(4698),
    WindowsEvent(7040, "System", "Service Control Manager", "16384", {"param1": "7045"}),
    WindowsEvent(1104, "System"),
    ldap(2886),
    ldap(12889),
]
"""Events that raise none, though numbers and SIDs in them are alike."""


def group_of(event: WindowsEvent) -> str:
    return next(each.group for each in load_events().channels if each.name == event.channel)


def raised(event: WindowsEvent, text: str) -> set[str]:
    """The alarms that count an event in the log group of its channel."""
    group = f"/shell-access/domain-controllers/events/{group_of(event)}"
    return {each.metric for each in metric_filters() if each.log_group == group and parse(each.pattern).matches(text)}


def test_every_alarm_has_events() -> None:
    assert set(EVENTS) == {each.name for each in load_events().alarms}
    for alarm in load_events().alarms:
        assert {each.id for each in EVENTS[alarm.name]} == alarm.event_ids


@pytest.mark.parametrize("form", ["published", "rendered"])
@pytest.mark.parametrize(
    ("alarm", "event"), [(alarm, event) for alarm, events in EVENTS.items() for event in events], ids=str
)
def test_filter_counts_event_of_its_alarm_alone(alarm: str, event: WindowsEvent, form: str) -> None:
    assert raised(event, getattr(event, form)()) == {alarm}


@pytest.mark.parametrize("event", OTHERS, ids=str)
def test_filter_counts_no_other_event(event: WindowsEvent) -> None:
    assert raised(event, event.published()) == raised(event, event.rendered()) == set()


def test_terms_match_as_words_and_as_text_alike() -> None:
    """AWS does not say whether a term may begin within a word, so that patterns must not depend on it."""
    for event in (*OTHERS, *(each for events in EVENTS.values() for each in events)):
        for each in metric_filters():
            terms = parse(each.pattern)
            for text in (event.published(), event.rendered()):
                as_text = all(term in text for term in terms.required)
                as_text = as_text and (not terms.optional or any(term in text for term in terms.optional))
                assert as_text is terms.matches(text)


def test_alarmed_events_are_collected_and_unambiguous() -> None:
    for alarm in load_events().alarms:
        channels = [each for each in load_events().channels if each.group == alarm.group]
        for event_id in alarm.event_ids:
            assert len([each for each in channels if event_id in each.events]) == 1, (alarm.name, event_id)


def test_filters_use_no_more_than_aws_permits() -> None:
    """CloudWatch Logs quotas: 100 metric filters per log group; a pattern has up to 1,024 characters."""
    filters = metric_filters()
    assert len({(each.log_group, each.name) for each in filters}) == len(filters)
    assert len(filters) <= 100
    assert all(len(each.pattern) <= 1024 for each in filters)
    assert {each.log_group for each in filters} <= set(log_groups(DEFAULT))
    assert {each.metric for each in filters} < {
        each.name.removeprefix("shell-access-domain-controllers-") for each in site_alarms(DEFAULT)
    }


def collected(settings: EventLogsSettings) -> dict[str, dict[str, Any]]:
    sources = agent_configuration(settings, {})["logs"]["logs_collected"]["windows_events"]["collect_list"]
    return {each["event_name"]: each for each in sources}


def test_agent_selects_ids_and_leaves_retention_to_the_stack() -> None:
    for each in collected(DEFAULT).values():
        assert set(each) == {"event_name", "event_ids", "event_format", "log_group_name", "log_stream_name"}
        assert each["event_ids"] == sorted(set(each["event_ids"])) != []
        assert each["event_format"] == "xml"
        assert each["log_group_name"] in log_groups(DEFAULT)


def test_frequent_events_are_left_out_on_request() -> None:
    rare = EventLogsSettings(frequent_events=False)
    assert 4624 in collected(DEFAULT)["Security"]["event_ids"]
    assert 4624 not in collected(rare)["Security"]["event_ids"]
    assert 4625 in collected(rare)["Security"]["event_ids"]


def test_additional_events_join_their_channel_or_a_new_group() -> None:
    powershell = "Microsoft-Windows-PowerShell/Operational"
    settings = EventLogsSettings(additional_events={"system": [41], powershell: [4104, 4104]})
    assert "system" not in collected(settings)
    assert 41 in collected(settings)["System"]["event_ids"]
    assert collected(settings)[powershell]["event_ids"] == [4104]
    assert log_groups(settings)[-1] == collected(settings)[powershell]["log_group_name"]
    assert len(log_groups(settings)) == len(log_groups(DEFAULT)) + 1


def test_configuration_can_stand_in_a_document() -> None:
    """Systems Manager replaces `{{ name }}`, and PowerShell ends the text at `'@`."""
    text = json.dumps(agent_configuration(EventLogsSettings(additional_events={"A/B c": [1]}), COUNTERS), indent=1)
    assert json.loads(text)["metrics"]["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}
    assert not re.search(r"\{\{|'@|[^\x20-\x7e\n]", text)


def test_silence_raises_alarms_of_site_and_controller() -> None:
    settings = EventLogsSettings(silence_minutes=30, lockout_threshold=50)
    alarms = {each.name.removeprefix("shell-access-domain-controllers-"): each for each in site_alarms(settings)}
    silence, silent = alarms["silence"], controller_alarm("DC1", settings.silence_minutes)
    for each in (silence, silent):
        assert (each.comparison, each.missing_data, each.period) == ("LessThanThreshold", "breaching", 1800)
    assert silence.dimensions == {"LogGroupName": "/shell-access/domain-controllers/events/security"}
    assert alarms["lockouts"].threshold == 50
    assert {each.threshold for name, each in alarms.items() if name != "lockouts"} == {1}
