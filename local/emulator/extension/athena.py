"""Athena as documented by AWS: named queries and workgroups, and queries over tables of the Glue Data Catalog.

API_… pages: https://docs.aws.amazon.com/athena/latest/APIReference/. Pages of the User Guide:
https://docs.aws.amazon.com/athena/latest/ug/.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from moto.athena.models import Execution
from moto.athena.responses import AthenaResponse
from moto.core.exceptions import JsonRESTError
from moto.core.utils import utcnow
from moto.glue.models import glue_backends
from moto.s3.models import s3_backends

from local.emulator.extension.paging import page
from local.emulator.extension.sql import Query, QueryError, flat, parse

_CLOUDTRAIL: Final = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
_PAGE: Final = 1000
_MANAGED: Final = "ManagedQueryResultsConfiguration"


class LocalAthena(AthenaResponse):
    """moto's Athena with queries that run, updates of workgroups and named queries, and errors for what does not exist."""

    def get_named_query(self) -> Any:
        """API_GetNamedQuery: InvalidRequestException if there is no such query."""
        return super().get_named_query() if self._exists() else self._missing()

    def delete_named_query(self) -> Any:
        if not self._exists():
            return self._missing()
        del self.athena_backend.named_queries[self._get_param("NamedQueryId")]
        return "{}"

    def update_named_query(self) -> Any:
        if not self._exists():
            return self._missing()
        query = self.athena_backend.named_queries[self._get_param("NamedQueryId")]
        query.name = self._get_param("Name")
        query.description = self._get_param("Description")
        query.query_string = self._get_param("QueryString")
        return "{}"

    def get_work_group(self) -> Any:
        """API_GetWorkGroup: InvalidRequestException if there is no such workgroup."""
        name = self._get_param("WorkGroup")
        return super().get_work_group() if name in self.athena_backend.work_groups else self._no_work_group(name)

    def update_work_group(self) -> Any:
        """API_UpdateWorkGroup: only what the request names changes."""
        name = self._get_param("WorkGroup")
        group = self.athena_backend.work_groups.get(name)
        if group is None:
            return self._no_work_group(name)
        group.description = self._get_param("Description") or group.description
        group.state = self._get_param("State") or group.state
        changed = dict(self._get_param("ConfigurationUpdates") or {})
        if changed.pop("RemoveBytesScannedCutoffPerQuery", False):
            group.configuration.pop("BytesScannedCutoffPerQuery", None)
        managed = changed.pop("ManagedQueryResultsConfigurationUpdates", None)
        group.configuration.update({**changed, **({_MANAGED: managed} if managed else {})})
        return "{}"

    def delete_work_group(self) -> Any:
        """API_DeleteWorkGroup: one with named queries or queries is deleted with RecursiveDeleteOption only."""
        name = self._get_param("WorkGroup")
        if name not in self.athena_backend.work_groups:
            return self._no_work_group(name)
        used = [
            each for each in self.athena_backend.executions.values() if each.workgroup and each.workgroup.name == name
        ]
        if used and not self._get_param("RecursiveDeleteOption"):
            return self.error(f"WorkGroup {name} is not empty", 400)
        return super().delete_work_group()

    def list_tags_for_resource(self) -> Any:
        """API_ListTagsForResource: ResourceNotFoundException if there is no such resource; none for one without tags."""
        arn = self._get_param("ResourceARN")
        if arn.rpartition("/")[2] not in self.athena_backend.work_groups:
            raise JsonRESTError("ResourceNotFoundException", f"Resource {arn} was not found")
        return json.dumps(self.athena_backend.list_tags_for_resource(arn) or {"Tags": []})

    def create_work_group(self) -> Any:
        """API_CreateWorkGroup: without tags, too; names are unique."""
        given: dict[str, Any] = self._get_param("Configuration") or {}
        tags: list[dict[str, str]] = self._get_param("Tags") or []
        name, description = self._get_param("Name"), self._get_param("Description") or ""
        made = self.athena_backend.create_work_group(name, given, description, tags)
        return "{}" if made else self.error(f"WorkGroup {name} is already created", 400)

    def start_query_execution(self) -> Any:
        """API_StartQueryExecution: the query runs at once; a query that fails is an execution that fails."""
        name = self._get_param("WorkGroup") or "primary"
        group = self.athena_backend.work_groups.get(name)
        if group is None:
            return self._no_work_group(name)
        asked: dict[str, Any] = self._get_param("ResultConfiguration") or {}
        context: dict[str, str] = self._get_param("QueryExecutionContext") or {}
        given = asked.get("OutputLocation")
        own = group.configuration.get("ResultConfiguration", {}).get("OutputLocation")
        if not (given or own or group.configuration.get(_MANAGED, {}).get("Enabled")):
            return self.error("No output location provided. An output location is required.", 400)
        answer = json.loads(cast("str", super().start_query_execution()))
        execution = self.athena_backend.executions[answer["QueryExecutionId"]]
        database = context.get("Database", "default")
        self._runs[execution.id] = _AthenaExecution(
            self, execution, database, group.configuration.get("BytesScannedCutoffPerQuery")
        )
        return json.dumps(answer)

    def get_query_execution(self) -> Any:
        """API_GetQueryExecution: state with its reason, and the bytes that were scanned."""
        run = self._run()
        if run is None:
            return self._no_query()
        shown = json.loads(super().get_query_execution())
        described = shown["QueryExecution"]
        described["Status"] |= {"State": run.state} | ({"StateChangeReason": run.reason} if run.reason else {})
        described["Statistics"]["DataScannedInBytes"] = run.scanned
        return json.dumps(shown)

    def stop_query_execution(self) -> Any:
        """API_StopQueryExecution: one that has ended stays as it is."""
        return "{}" if self._run() else self._no_query()

    def get_query_results(self) -> Any:
        """API_GetQueryResults: the first row of a SELECT has the names of the columns; 1,000 rows per page."""
        run = self._run()
        if run is None:
            return self._no_query()
        if run.state != "SUCCEEDED":
            return self.error(f"Query did not finish successfully. Final query state: {run.state}", 400)
        size = int(self._get_param("MaxResults") or _PAGE)
        if not 1 <= size <= _PAGE:
            return self.error(f"MaxResults must be between 1 and {_PAGE}", 400)
        rows = [{"Data": [{} if each is None else {"VarCharValue": each} for each in row]} for row in run.rows]
        columns = [{"Name": each, "Type": "varchar"} for each in run.rows[0]]
        listed, more = page(rows, size, self._get_param("NextToken"))
        result = {"Rows": listed, "ResultSetMetadata": {"ColumnInfo": columns}}
        return json.dumps({"UpdateCount": 0, "ResultSet": result, **more})

    def _run(self) -> "_AthenaExecution | None":
        return self._runs.get(self._get_param("QueryExecutionId"))

    @property
    def _runs(self) -> "dict[str, _AthenaExecution]":
        """Queries by ID, which end with the backend."""
        return vars(self.athena_backend).setdefault("local_runs", {})

    def _no_query(self) -> Any:
        return self.error(f"QueryExecution {self._get_param('QueryExecutionId')} was not found", 400)

    def _no_work_group(self, name: str) -> Any:
        return self.error(f"WorkGroup {name} is not found.", 400)

    def _exists(self) -> bool:
        return self._get_param("NamedQueryId") in self.athena_backend.named_queries

    def _missing(self) -> Any:
        return self.error(f"NamedQuery {self._get_param('NamedQueryId')} was not found", 400)


class _AthenaExecution:
    """A query that has run.

    Attributes:
        state: `SUCCEEDED`, `FAILED` or `CANCELLED`.
        reason: Reason of a failure.
        scanned: Number of bytes that were read.
        rows: Names of the columns, and the rows of the result.
    """

    def __init__(self, request: LocalAthena, execution: Execution, database: str, cutoff: int | None) -> None:
        self.state, self.reason, self.scanned = "SUCCEEDED", "", 0
        self.rows: list[list[str | None]] = []
        self._account, self._region = request.current_account, request.region
        try:
            query = parse(execution.query, execution.execution_parameters or ())
            rows = query.rows(self._source(query, database, cutoff))
            self.rows = [list(query.names), *flat(rows)]
        except QueryError as wrong:
            self.state, self.reason = "FAILED", str(wrong)
            if self.reason.startswith("Bytes scanned limit"):
                self.state = "CANCELLED"

    def _source(self, query: Query, database: str, cutoff: int | None) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of the partitions that the query's conditions select."""
        database, name = query.table[0] or database, query.table[1]
        found = glue_backends[self._account][self._region].databases.get(database)
        if found is None or name not in found.tables:
            raise QueryError(f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{database}.{name}' does not exist")
        table = _Table(found.tables[name].as_dict())
        conditions = table.check(query)
        for key, content in self._objects(table):
            partition = table.partition(key)
            if partition is None or not conditions(partition):
                continue
            self.scanned += len(content)
            if cutoff and self.scanned > cutoff:
                # User Guide, "Configure per-query data usage controls".
                raise QueryError("Bytes scanned limit was exceeded")
            yield from table.rows(content, partition)

    def _objects(self, table: "_Table") -> Iterator[tuple[str, bytes]]:
        # A bucket may belong to another account; the local AWS does not evaluate bucket policies.
        partition, owner = s3_backends.bucket_accounts.get(table.bucket, ("", ""))
        if not owner:
            raise QueryError(f"The specified bucket does not exist: {table.bucket}")
        bucket = s3_backends[owner][partition].buckets[table.bucket]
        keys: dict[str, Any] = dict(cast("Any", bucket).keys.items())
        for key in sorted(keys):
            yield key, bytes(keys[key].value)


class _Table:
    """A table with partition projection (User Guide, "Set up partition projection")."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._parameters: Mapping[str, str] = stored["Parameters"]
        self._partitions = [str(each["Name"]) for each in stored["PartitionKeys"]]
        self._columns = {str(each["Name"]): str(each["Type"]) for each in stored["StorageDescriptor"]["Columns"]}
        self._is_trail = stored["StorageDescriptor"]["InputFormat"] == _CLOUDTRAIL
        template = self._parameters["storage.location.template"].removeprefix("s3://")
        self.bucket, _, folder = template.partition("/")
        names = "|".join(self._partitions)
        parts = re.split(rf"\$\{{({names})\}}", folder)
        forms = [f"(?P<{part}>{self._form(part)})" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
        self._path = re.compile("".join(forms) + r"[^/]*")

    def check(self, query: Query) -> Callable[[Mapping[str, str]], bool]:
        """Return the function that says if a partition is read.

        Raises:
            QueryError: The query does not name values of an injected partition.
        """
        for each in self._partitions:
            if self._parameters[f"projection.{each}.type"] == "injected" and query.values_of(each) is None:
                # User Guide, "Use dynamic ID partitioning".
                raise QueryError(
                    f"CONSTRAINT_VIOLATION: For the injected projected partition column {each}, the WHERE clause must "
                    "contain only static equality conditions, and at least one such condition must be present."
                )
        conditions = tuple(query.conditions_on(self._partitions))

        def is_read(partition: Mapping[str, str]) -> bool:
            return bool(Query((), (), ("", ""), conditions, ()).rows([partition]))

        return is_read

    def partition(self, key: str) -> dict[str, str] | None:
        """Return the values of the partitions of an object; None if no partition has it."""
        found = self._path.fullmatch(key)
        if found is None:
            return None
        for name, value in found.groupdict().items():
            kind = self._parameters[f"projection.{name}.type"]
            if kind == "enum" and value not in self._parameters[f"projection.{name}.values"].split(","):
                return None
            if kind == "date" and not self._begin(name) <= value <= utcnow().strftime(self._format(name)):
                return None
        return found.groupdict()

    def rows(self, content: bytes, partition: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of an object."""
        text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        records = json.loads(text)["Records"] if self._is_trail else map(json.loads, text.splitlines())
        for each in records:
            values = {name.lower(): value for name, value in each.items()}
            row = {name: _converted(values.get(name), kind) for name, kind in self._columns.items()}
            yield {**row, **partition}

    def _form(self, name: str) -> str:
        return (
            re.sub(r"[dMy]", r"\\d", self._parameters[f"projection.{name}.format"]) if self._is_date(name) else "[^/]+"
        )

    def _is_date(self, name: str) -> bool:
        return self._parameters[f"projection.{name}.type"] == "date"

    def _format(self, name: str) -> str:
        form = self._parameters[f"projection.{name}.format"]
        return form.replace("yyyy", "%Y").replace("MM", "%m").replace("dd", "%d")

    def _begin(self, name: str) -> str:
        return self._parameters[f"projection.{name}.range"].split(",")[0]


def _converted(value: Any, kind: str) -> Any:
    """Return a value as a type of Hive: a text of what is not one, and fields by their names in lower case."""
    if value is None:
        return None
    if kind.startswith("struct<"):
        fields: dict[str, Any] = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        given = {name.lower(): each for name, each in fields.items()}
        return {name: _converted(given.get(name), inner) for name, inner in _fields(kind)}
    if kind in ("boolean", "bigint"):
        return value
    if kind != "string":
        raise QueryError(f"NOT_SUPPORTED: the local AWS has no columns of type {kind}")
    return value if isinstance(value, str) else json.dumps(value)


def _fields(kind: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of `struct<name:type,...>`."""
    depth, part = 0, ""
    for each in kind.removeprefix("struct<")[:-1] + ",":
        depth += (each == "<") - (each == ">")
        if each == "," and not depth:
            name, _, inner = part.partition(":")
            yield name, inner
            part = ""
        else:
            part += each
