"""Event data stores of CloudTrail Lake, and queries over the event history of the local AWS.

AWS has taken no new customers since 31 May 2026; here, an account can create a store as one that had one before.

API_… pages: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/. Pages of the User Guide:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/.
"""

import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError

from local.emulator.extension import event_history
from local.emulator.extension.sql import QueryError, flat, parse

_PAGE: Final = 1000
_RETENTION: Final = 366
"""API_CreateEventDataStore: the default of the billing mode with extendable retention."""
_SELECTORS: Final = [
    {
        "Name": "Default management events",
        "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}],
    }
]
_NAMES: Final = (
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "recipientAccountId",
    "sourceIPAddress",
    "eventID",
)
"""Columns beside `eventjson` (User Guide, "Supported SQL schemas for event data stores")."""


@dataclass
class _Store:
    """An event data store: its description, and the accounts whose events it has."""

    description: dict[str, Any]
    owner: str


@dataclass
class _LakeExecution:
    """A query that has run: its state with the reason, the bytes that it read, and its rows."""

    text: str
    state: str = "FINISHED"
    reason: str = ""
    scanned: int = 0
    matched: int = 0
    names: tuple[str, ...] = ()
    rows: tuple[list[str | None], ...] = ()


class LakeResponse(CloudTrailResponse):
    """The calls of CloudTrail Lake that read a store, and those that create and delete one."""

    def create_event_data_store(self) -> str:
        """API_CreateEventDataStore: management events of all Regions by default."""
        identifier, now = str(uuid.uuid4()), datetime.now(UTC).timestamp()
        arn = f"arn:{self.partition}:cloudtrail:{self.region}:{self.current_account}:eventdatastore/{identifier}"
        description = {
            "EventDataStoreArn": arn,
            "Name": self._get_param("Name"),
            "Status": "ENABLED",
            "AdvancedEventSelectors": self._get_param("AdvancedEventSelectors") or _SELECTORS,
            "MultiRegionEnabled": self._get_bool_param("MultiRegionEnabled", True),
            "OrganizationEnabled": self._get_bool_param("OrganizationEnabled", False),
            "RetentionPeriod": int(self._get_param("RetentionPeriod") or _RETENTION),
            "TerminationProtectionEnabled": self._get_bool_param("TerminationProtectionEnabled", True),
            "CreatedTimestamp": now,
            "UpdatedTimestamp": now,
        }
        self._stores[identifier] = _Store(description, self.current_account)
        return json.dumps(description)

    def get_event_data_store(self) -> str:
        """API_GetEventDataStore: by ARN or ID."""
        return json.dumps(self._store(self._get_param("EventDataStore")).description)

    def start_query(self) -> str:
        """API_StartQuery: the table is the ID of a store; the query runs at once."""
        text = str(self._get_param("QueryStatement") or "")
        # An ID in FROM has no quotes, which the grammar of Trino does not have.
        quoted = re.sub(r"(?i)\bFROM\s+([0-9a-f-]{36})\b", r'FROM "\1"', text)
        try:
            query = parse(quoted)
        except QueryError as wrong:
            raise JsonRESTError("InvalidQueryStatementException", str(wrong)) from None
        store = self._store(query.table[1])
        run = _LakeExecution(text=text, names=query.names)
        events = self._events(store)
        try:
            rows = [_row(event) for event in events]
            run.rows = tuple(flat(query.rows(rows)))
            run.scanned, run.matched = sum(len(row["eventjson"]) for row in rows), len(run.rows)
        except QueryError as wrong:
            run.state, run.reason = "FAILED", str(wrong)
        identifier = str(uuid.uuid4())
        self._queries[identifier] = run
        return json.dumps({"QueryId": identifier})

    def describe_query(self) -> str:
        """API_DescribeQuery: state, reason of a failure, bytes scanned."""
        run = self._run()
        statistics = {"EventsMatched": run.matched, "EventsScanned": run.matched, "BytesScanned": run.scanned}
        shown = {"QueryId": self._get_param("QueryId"), "QueryString": run.text, "QueryStatus": run.state}
        return json.dumps(
            {**shown, "QueryStatistics": statistics, **({"ErrorMessage": run.reason} if run.reason else {})}
        )

    def cancel_query(self) -> str:
        """API_CancelQuery: InactiveQueryException for a query that has ended."""
        self._run()
        raise JsonRESTError("InactiveQueryException", "The specified query cannot be canceled: it has ended.")

    def get_query_results(self) -> str:
        """API_GetQueryResults: a row is a list of objects with one column each."""
        run = self._run()
        size = int(self._get_param("MaxQueryResults") or _PAGE)
        if not 1 <= size <= _PAGE:
            raise JsonRESTError("InvalidMaxResultsException", f"expected 1 to {_PAGE}, got {size}.")
        at = int(self._get_param("NextToken") or 0)
        page = [
            [{name: "" if each is None else each} for name, each in zip(run.names, row, strict=True)]
            for row in run.rows[at : at + size]
        ]
        more = {"NextToken": f"{at + size:04}"} if at + size < len(run.rows) else {}
        statistics = {"ResultsCount": len(page), "TotalResultsCount": len(run.rows), "BytesScanned": run.scanned}
        return json.dumps({"QueryStatus": run.state, "QueryStatistics": statistics, "QueryResultRows": page, **more})

    @property
    def _stores(self) -> dict[str, _Store]:
        """Stores of the account and Region by ID, which end with the backend."""
        return vars(self.cloudtrail_backend).setdefault("local_stores", {})

    @property
    def _queries(self) -> dict[str, _LakeExecution]:
        return vars(self.cloudtrail_backend).setdefault("local_queries", {})

    def _store(self, name: str) -> _Store:
        found = self._stores.get(name.rsplit("/", 1)[-1])
        if found is None:
            raise JsonRESTError("EventDataStoreNotFoundException", f"The event data store {name} was not found.")
        return found

    def _run(self) -> _LakeExecution:
        found = self._queries.get(str(self._get_param("QueryId")))
        if found is None:
            raise JsonRESTError("QueryIdNotFoundException", "The query ID does not exist.")
        return found

    def _events(self, store: _Store) -> list[dict[str, Any]]:
        """Return the events of a store: of its Region, of all Regions, or of all accounts."""
        return [
            event
            for (account, region), events in event_history.EVENTS.items()
            if store.description["OrganizationEnabled"] or account == store.owner
            if store.description["MultiRegionEnabled"] or region == self.region
            for event in events
        ]


def _row(event: dict[str, Any]) -> dict[str, Any]:
    values = {name.lower(): event.get(name) for name in _NAMES}
    # A column of the type timestamp, which is compared with texts such as `2026-11-01 12:00:00`.
    values["eventtime"] = f"{datetime.fromisoformat(event['eventTime']):%Y-%m-%d %H:%M:%S}"
    return {**values, "eventjson": json.dumps(event)}
