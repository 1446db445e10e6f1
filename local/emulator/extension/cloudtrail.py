"""CloudTrail as documented by AWS: trails, the event history, and event data stores of CloudTrail Lake.

AWS has taken no new customers of CloudTrail Lake since 31 May 2026; here, an account can create a store as one that had one before.

API_… pages: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/.
"""

import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from moto.cloudtrail.exceptions import TrailNotFoundException
from moto.cloudtrail.models import Trail
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.exceptions import JsonRESTError

from local.emulator.extension import event_history
from local.emulator.extension.instances import key_arn
from local.emulator.extension.sql import QueryError, flat, parse
from local.emulator.settings import reported

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


# Trails.


DEFAULT_SELECTORS: list[dict[str, Any]] = [
    {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
]
"""https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html: a new
trail logs all management events, and no data events.
"""


class LocalCloudTrail(LakeResponse):
    """moto's CloudTrail with corrected names, selectors and deletion."""

    def create_trail(self) -> str:
        """API_CreateTrail: names are unique; the ARN of a log group ends in `:*`."""
        name = self._get_param("Name")
        if name in self.cloudtrail_backend.trails:
            raise JsonRESTError("TrailAlreadyExistsException", f"Trail {name} already exists")
        self._check_log_group()
        created = super().create_trail()
        self._show_key(self.cloudtrail_backend.trails[name])
        return created

    def update_trail(self) -> str:
        """API_UpdateTrail: like creation; an empty text removes a setting."""
        self._check_log_group()
        super().update_trail()
        trail = self._trail(self._get_param("Name"))
        for name in ("s3_key_prefix", "sns_topic_name", "cw_log_group_arn", "cw_role_arn", "kms_key_id"):
            setattr(trail, name, getattr(trail, name) or None)
        self._show_key(trail)
        return json.dumps(_shown(trail))

    def describe_trails(self) -> str:
        """API_DescribeTrails: all trails, or those named; names that do not exist are ignored."""
        found = list(self.cloudtrail_backend.describe_trails(self._get_bool_param("includeShadowTrails", True)))
        names = self._get_param("trailNameList", [])
        chosen = [trail for trail in found if not names or trail.trail_name in names or trail.arn in names]
        return json.dumps({"trailList": [{**_shown(trail), "HomeRegion": trail.region_name} for trail in chosen]})

    def lookup_events(self) -> str:
        """API_LookupEvents: the calls that `event_history` records."""
        try:
            return json.dumps(event_history.lookup(self.current_account, self.region, json.loads(self.body)))
        except ValueError as wrong:
            code, _, message = str(wrong).partition(": ")
            raise JsonRESTError(code, message) from None

    def get_trail(self) -> str:
        trail = self._trail(self._get_param("Name"))
        return json.dumps({"Trail": {**_shown(trail), "HomeRegion": trail.region_name}})

    def get_trail_status(self) -> str:
        """API_GetTrailStatus, with the reported states."""
        name = self._get_param("Name")
        shown: dict[str, Any] = json.loads(super().get_trail_status())
        return json.dumps({**shown, **reported(name.rsplit("/", 1)[-1])})

    def delete_trail(self) -> str:
        """API_DeleteTrail: by name or ARN; a trail that does not exist is an error."""
        trail = self._trail(self._get_param("Name"))
        del self.cloudtrail_backend.trails[trail.trail_name]
        return json.dumps({})

    def get_event_selectors(self) -> str:
        """API_GetEventSelectors: the defaults unless others were set; a shadow trail is named by its ARN."""
        name = self._get_param("TrailName")
        several = self.cloudtrail_backend.describe_trails(include_shadow_trails=True)
        trail = next((each for each in several if each.arn == name), None) or self._trail(name)
        advanced = trail.advanced_event_selectors
        shown = {"AdvancedEventSelectors": advanced} if advanced else {"EventSelectors": _selectors(trail)}
        return json.dumps({"TrailARN": trail.arn, **shown})

    def put_event_selectors(self) -> str:
        """API_PutEventSelectors: one kind, which replaces the other."""
        trail = self._trail(self._get_param("TrailName"))
        plain, advanced = self._get_param("EventSelectors", []), self._get_param("AdvancedEventSelectors", [])
        if bool(plain) == bool(advanced):
            raise JsonRESTError(
                "InvalidEventSelectorsException", "Specify event selectors or advanced event selectors."
            )
        trail.event_selectors, trail.advanced_event_selectors = plain, advanced
        shown = {"AdvancedEventSelectors": advanced} if advanced else {"EventSelectors": plain}
        return json.dumps({"TrailARN": trail.arn, **shown})

    def put_insight_selectors(self) -> str:
        """API_PutInsightSelectors: the complete list; an empty one disables Insights."""
        trail = self._trail(self._get_param("TrailName"))
        trail.insight_selectors = self._get_param("InsightSelectors", [])
        return json.dumps({"TrailARN": trail.arn, "InsightSelectors": trail.insight_selectors})

    def get_insight_selectors(self) -> str:
        """API_GetInsightSelectors: InsightNotEnabledException without selectors."""
        trail = self._trail(self._get_param("TrailName"))
        if not trail.insight_selectors:
            raise JsonRESTError("InsightNotEnabledException", f"Trail {trail.arn} does not have Insights enabled.")
        return json.dumps({"TrailARN": trail.arn, "InsightSelectors": trail.insight_selectors})

    def _trail(self, name: str) -> Trail:
        for trail in self.cloudtrail_backend.trails.values():
            if name in {trail.trail_name, trail.arn}:
                return trail
        raise TrailNotFoundException(account_id=self.current_account, name=name)

    def _check_log_group(self) -> None:
        """API_CreateTrail: InvalidCloudWatchLogsLogGroupArnException; a log group also needs a role."""
        group, role = self._get_param("CloudWatchLogsLogGroupArn"), self._get_param("CloudWatchLogsRoleArn")
        if group and not group.endswith(":*"):
            raise JsonRESTError(
                "InvalidCloudWatchLogsLogGroupArnException",
                f"CloudTrail cannot validate the specified log group ARN: {group} does not end in :*",
            )
        if bool(group) != bool(role):
            raise JsonRESTError(
                "InvalidParameterCombinationException", "You must specify both a log group ARN and a role ARN."
            )

    def _show_key(self, trail: Trail) -> None:
        """API_Trail, KmsKeyId: the ARN, whatever form of key ID was given."""
        key: str | None = trail.kms_key_id
        if key:
            trail.kms_key_id = key_arn(self.cloudtrail_backend, key)


def _selectors(trail: Trail) -> list[dict[str, Any]]:
    """Return the current selectors, with defaults for omitted properties."""
    return [{**DEFAULT_SELECTORS[0], **selector} for selector in trail.event_selectors] or DEFAULT_SELECTORS


def _shown(trail: Trail) -> dict[str, Any]:
    """Return the trail as the API returns it, without empty properties."""
    custom = bool(trail.advanced_event_selectors) or _selectors(trail) != DEFAULT_SELECTORS
    content = {
        **trail.description(),
        "HasCustomEventSelectors": custom,
        "HasInsightSelectors": bool(trail.insight_selectors),
    }
    return {name: value for name, value in content.items() if value not in (None, "")}
