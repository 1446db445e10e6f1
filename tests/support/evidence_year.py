"""A made-up history with known truth: each scenario says which findings its sessions, attempts and grants have."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from operations.evidence.findings import EvidenceRow
from operations.evidence.records import Log
from tests.support.evidence_history import ACCOUNT, ALICE, History

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ROLES = 12
NODES = 40
SLOT = timedelta(minutes=90)
SECOND_APPROVER = f"arn:aws:iam::{ACCOUNT}:user/grace"


def session_of(role: str, name: str = "olivia") -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"


def person_of(arn: str) -> str:
    """Return the session name; sessions of shared roles prove no person."""
    return "" if "/Shared" in arn else arn.rsplit("/", 1)[-1]


def key_of(row: EvidenceRow) -> str:
    """Return what identifies a row: the session, else the principal with the second."""
    if row.start and row.start.id:
        return row.start.id
    if row.start:
        return f"{row.start.caller.arn} {row.start.at:%Y-%m-%dT%H:%M:%S}"
    assert row.grant
    return f"{row.grant.principal} {row.grant.begin:%Y-%m-%dT%H:%M:%S}"


@dataclass
class Year:
    """Events, logs and the truth about them.

    Attributes:
        chance: Source of what differs between scenarios.
        truth: Rules by row; a row without findings has none.
    """

    chance: random.Random
    history: History = field(default_factory=History)
    logs: list[Log] = field(default_factory=list)
    truth: dict[str, list[str]] = field(default_factory=dict)
    _count: int = 0

    def new_role(self, name: str) -> str:
        """Return a role that has never had a grant."""
        self._count += 1
        return f"{name}{self._count}"

    def granted(self, at: datetime, role: str, node: str, **change: Any) -> str:
        """Add a request with its approvals and its tag, for 20 minutes."""
        principal = f"role/{role}"
        who = change.get("requester", session_of(role))
        run = self.history.request(at, who=who, node=node, principal=principal, reason=change.get("reason", "Ticket"))
        for number, approver in enumerate(change.get("approvers", [ALICE])):
            self.history.decide(run, at + timedelta(minutes=1, seconds=number), who=approver)
        self.history.tag(at + timedelta(minutes=2), node, principal=principal, **change.get("tagged", {}))
        self.history.untag(at + timedelta(minutes=22), principal=principal)
        return run

    def session(self, at: datetime, role: str, node: str, *rules: str, **given: Any) -> str:
        """Add a session of ten minutes with the findings that it is to have."""
        log = given.pop("log", {"size": 4_000})
        session = self.history.start(at, who=session_of(role, given.pop("name", "olivia")), node=node, **given)
        self.history.end(session, at + timedelta(minutes=10), who=session_of(role))
        if log is not None:
            self.logs.append(Log(session=session, location=f"s3://logs/{session}.log", **log))
        self.truth[session] = list(rules)
        return session

    def unused(self, at: datetime, role: str, *rules: str) -> None:
        self.truth[f"role/{role} {at + timedelta(minutes=2):%Y-%m-%dT%H:%M:%S}"] = [*rules, "grant-unused"]


def approved(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node, approvers=year.chance.choice([[ALICE], [ALICE, SECOND_APPROVER]]))
    for _ in range(year.chance.choice([1, 1, 2])):
        year.session(at + timedelta(minutes=year.chance.randrange(3, 21)), role, node)


def skewed_clocks(year: Year, at: datetime, role: str, node: str) -> None:
    """Sessions a little before the tag and after its removal, as services' clocks differ."""
    year.granted(at, role, node)
    year.session(at + timedelta(minutes=1, seconds=year.chance.randrange(56, 60)), role, node)
    year.session(at + timedelta(minutes=22, seconds=year.chance.randrange(1, 5)), role, node)


def regranted(year: Year, at: datetime, role: str, node: str) -> None:
    """Two grants of one principal for one node, one after the other."""
    year.granted(at, role, node)
    year.session(at + timedelta(minutes=5), role, node)
    year.granted(at + timedelta(minutes=30), role, node, approvers=[SECOND_APPROVER])
    year.session(at + timedelta(minutes=40), role, node)


def without_approval(year: Year, at: datetime, _role: str, node: str) -> None:
    year.session(at, year.new_role("Intruder"), node, "session-without-approval")


def rejected(year: Year, at: datetime, _role: str, node: str) -> None:
    role = year.new_role("Hasty")
    run = year.history.request(at, who=session_of(role), node=node, principal=f"role/{role}")
    year.history.decide(run, at + timedelta(minutes=1), signal="Reject")
    year.session(at + timedelta(minutes=5), role, node, "session-without-approval")


def for_another_node(year: Year, at: datetime, _role: str, node: str) -> None:
    role = year.new_role("Wanderer")
    year.granted(at, role, "i-0fedcba9876543210")
    year.unused(at, role)
    year.session(at + timedelta(minutes=5), role, node, "session-without-approval")


def outside(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node)
    year.session(at + timedelta(minutes=5), role, node)
    year.session(at + timedelta(minutes=year.chance.randrange(23, 60)), role, node, "session-outside-window")


def too_early(year: Year, at: datetime, _role: str, node: str) -> None:
    role = year.new_role("Early")
    year.granted(at, role, node)
    year.unused(at, role)
    year.session(at, role, node, "session-outside-window")


def self_approved(year: Year, at: datetime, role: str, node: str) -> None:
    approver = year.chance.choice([session_of(role), f"arn:aws:iam::{ACCOUNT}:user/olivia"])
    year.granted(at, role, node, approvers=[approver])
    year.session(at + timedelta(minutes=5), role, node, "session-self-approved")


def by_hand(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node, tagged={"who": session_of("Admin", "mallory")})
    year.session(at + timedelta(minutes=5), role, node, "grant-outside-runbook")


def without_approver(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node, approvers=[])
    year.session(at + timedelta(minutes=5), role, node, "approver-unknown")


def without_reason(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node, reason="not given")
    year.session(at + timedelta(minutes=5), role, node, "approval-without-reason")


def forwarding(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node)
    document = year.chance.choice(["AWS-StartPortForwardingSession", "AWS-StartSSHSession"])
    year.session(at + timedelta(minutes=5), role, node, "session-forwarding", documentName=document, log=None)


def other_document(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node)
    year.session(at + timedelta(minutes=5), role, node, "session-other-document", documentName="Mine")


def emergency(year: Year, at: datetime, _role: str, node: str) -> None:
    year.session(at, "ShellAccessBreakGlass", node, "session-break-glass", name="erin")


def unproven(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, f"Shared{role}", node)
    year.session(at + timedelta(minutes=5), f"Shared{role}", node, "session-unknown-person")


def unused(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node)
    year.unused(at, role)


def refused(year: Year, at: datetime, role: str, node: str) -> None:
    year.history.refuse(at, who=session_of(role), node=node)
    year.truth[f"{session_of(role)} {at:%Y-%m-%dT%H:%M:%S}"] = ["attempt-refused"]


def unlogged(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node)
    rule, log = year.chance.choice(
        [
            ("session-without-log", None),
            ("session-log-short", {"size": 10}),
            ("session-log-deleted", {"is_deleted": True}),
        ]
    )
    year.session(at + timedelta(minutes=5), role, node, rule, log=log)


def several_faults(year: Year, at: datetime, role: str, node: str) -> None:
    year.granted(at, role, node, approvers=[session_of(role)], reason="")
    rules = ("session-self-approved", "approval-without-reason", "session-other-document", "session-without-log")
    year.session(at + timedelta(minutes=5), role, node, *rules, documentName="Mine", log=None)


SCENARIOS: tuple[Callable[[Year, datetime, str, str], None], ...] = (
    *(without_approval, rejected, for_another_node, outside, too_early, self_approved, by_hand, without_approver),
    *(without_reason, forwarding, other_document, emergency, unproven, unused, refused, unlogged, several_faults),
    *(skewed_clocks, regranted),
)


def made_up(scenarios: int, seed: int) -> Year:
    """Return a history of some scenarios, about half of them without a fault; those of other roles overlap.

    Args:
        scenarios: Number of scenarios; each kind occurs where there are at least as many as kinds.
        seed: Seed of the choices.
    """
    chance = random.Random(seed)
    year = Year(chance)
    kinds = [*SCENARIOS, *(chance.choice([approved, approved, *SCENARIOS]) for _ in range(scenarios - len(SCENARIOS)))]
    chance.shuffle(kinds)
    for number, scenario in enumerate(kinds):
        role, slot = f"Operator{number % ROLES}", number // ROLES
        at = BEGIN + SLOT * slot + timedelta(seconds=chance.randrange(600))
        scenario(year, at, role, f"i-{chance.randrange(NODES):017x}")
    return year


def retried(year: Year) -> list[dict[str, Any]]:
    """Return the events in another order, some of them twice, as retried deliveries and exports have them."""
    events = [*year.history.events, *year.chance.sample(year.history.events, len(year.history.events) // 20)]
    year.chance.shuffle(events)
    return events


def _session_of(event: dict[str, Any]) -> str:
    answer: dict[str, Any] = event["responseElements"] or {}
    return str(answer.get("sessionId", ""))


def _exported(log: Log) -> dict[str, Any]:
    bucket, key = log.location.removeprefix("s3://").split("/", 1)
    return {"sessionId": log.session, "bucket": bucket, "key": key, "size": log.size, "isDeleted": log.is_deleted}


def write_export(year: Year, folder: Path) -> datetime:
    """Write the events as the export does, each day and Region complete, and return the end of the last day."""
    by_place: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for each in retried(year):
        by_place[each["awsRegion"], each["eventTime"][:10]].append(each)
    regions, last = ["eu-west-1", "us-east-1"], max(day for _, day in by_place)
    logs = {each.session: each for each in year.logs}
    day = BEGIN - timedelta(days=2)
    while f"{day:%Y-%m-%d}" <= last:
        for region in regions:
            events = by_place[region, f"{day:%Y-%m-%d}"]
            found = [logs[name] for name in dict.fromkeys(map(_session_of, events)) if name in logs]
            end = day + timedelta(days=1)
            statement = {"regions": regions, "since": day.isoformat(), "until": end.isoformat(), "logs": "read"}
            kinds = {"events": events, "logs": list(map(_exported, found)), "days": [statement]}
            for kind, records in kinds.items():
                name = f"records/kind={kind}/account={ACCOUNT}/region={region}/day={day:%Y-%m-%d}/records.json.gz"
                file = folder / name
                file.parent.mkdir(parents=True, exist_ok=True)
                lines = "".join(json.dumps(record) + "\n" for record in records)
                file.write_bytes(gzip.compress(lines.encode(), 1))
        day += timedelta(days=1)
    return day
