"""CloudWatch Logs as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/.

Filter patterns for unstructured messages: CloudWatch Logs User Guide, "Filter pattern syntax", "Using filter patterns to match terms
in unstructured log events": terms are case-sensitive; a term that has other characters than letters and digits is in double quotes;
several terms have to occur all; of terms with `?`, one has to; a term with `-` must not. Patterns for JSON and space-delimited
events, and regular expressions, are rejected, as this program has none.

AWS documents that a term matches where the message "contains" it, with whole words as examples, and that regular expressions
are for partial matches. So a term has to begin and end at the edge of a word here; what matches so matches in either reading.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from moto.cloudwatch.models import cloudwatch_backends
from moto.kms.models import Key, kms_backends
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse

from common.aws.arns import split_arn

_TERM: Final = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9_]+))(?=\s|$)')


class PatternError(ValueError):
    """A pattern that CloudWatch Logs, or this evaluation, does not accept."""


@dataclass(frozen=True)
class Terms:
    """The terms of a pattern."""

    required: list[str] = field(default_factory=list[str])
    optional: list[str] = field(default_factory=list[str])
    excluded: list[str] = field(default_factory=list[str])

    def matches(self, message: str) -> bool:
        """Return whether the pattern matches a message."""
        return (
            all(_contains(message, each) for each in self.required)
            and (not self.optional or any(_contains(message, each) for each in self.optional))
            and not any(_contains(message, each) for each in self.excluded)
        )


def parse(pattern: str) -> Terms:
    """Return the terms of a pattern; none: it matches every message.

    Raises:
        PatternError: The pattern is invalid, or has another form.
    """
    terms = Terms()
    kinds = {"": terms.required, "?": terms.optional, "-": terms.excluded}
    position, text = 0, pattern.strip()
    while position < len(text):
        found = _TERM.match(text, position)
        if found is None:
            raise PatternError(f"no term of an unstructured message begins at: {text[position:]}")
        quoted, bare = found[2], found[3]
        term = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if not term:
            raise PatternError("an empty term")
        kinds[found[1]].append(term)
        position = found.end()
        while position < len(text) and text[position].isspace():
            position += 1
    if terms.optional and (terms.required or terms.excluded):
        # AWS accepts it and ignores the question marks, which is hardly intended.
        raise PatternError("terms with ? beside others")
    return terms


def _contains(message: str, term: str) -> bool:
    before = r"(?<![A-Za-z0-9])" if term[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if term[-1].isalnum() else ""
    return re.search(f"{before}{re.escape(term)}{after}", message) is not None


# Filter patterns.


RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731} | {1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
"""Allowed values of `retentionInDays` (API_PutRetentionPolicy)."""


class LocalLogs(LogsResponse):
    """moto's CloudWatch Logs with corrected retention, keys, tags and metric filters."""

    def create_log_group(self) -> str:
        """API_CreateLogGroup: refuses a key that does not exist or is not enabled."""
        if self._get_param("kmsKeyId") is not None:
            self._check_key(self._get_param("kmsKeyId"))
        return super().create_log_group()

    def delete_log_group(self) -> str:
        """API_DeleteLogGroup: a later group with the same name does not have its tags and metric filters."""
        group = self._group()
        self.logs_backend.tagger.delete_all_tags_for_resource(group.arn)
        held = self.logs_backend.filters.metric_filters
        held[:] = [each for each in held if each["logGroupName"] != group.name]
        return super().delete_log_group()

    def put_retention_policy(self) -> str:
        """API_PutRetentionPolicy: only the documented numbers of days."""
        days = self._get_param("retentionInDays")
        if days not in RETENTION_DAYS:
            allowed = ", ".join(str(number) for number in sorted(RETENTION_DAYS))
            raise InvalidParameterException(
                constraint=f"Member must satisfy enum value set: [{allowed}]",
                parameter="retentionInDays",
                value=days,
            )
        return super().put_retention_policy()

    def associate_kms_key(self) -> str:
        """API_AssociateKmsKey, which moto lacks: replaces the group's key."""
        group = self._group()
        self._check_key(self._get_param("kmsKeyId"))
        group.kms_key_id = self._get_param("kmsKeyId")
        return ""

    def disassociate_kms_key(self) -> str:
        """API_DisassociateKmsKey, which moto lacks."""
        self._group().kms_key_id = None
        return ""

    def put_metric_filter(self) -> str:
        """API_PutMetricFilter: creates or replaces the group's filter of that name (moto: adds a second one)."""
        group = self._group()
        try:
            parse(self._get_param("filterPattern"))
        except PatternError as wrong:
            raise InvalidParameterException(f"Invalid filter pattern: {wrong}") from None
        held = self.logs_backend.filters.metric_filters
        held[:] = [each for each in held if not _is(each, group.name, self._get_param("filterName"))]
        super().put_metric_filter()
        held[-1]["creationTime"] = int(datetime.now(UTC).timestamp() * 1000)
        return ""

    def describe_metric_filters(self) -> str:
        """API_DescribeMetricFilters: a group that does not exist is an error; without an empty `nextToken`."""
        if self._get_param("logGroupName") is not None:
            self._group()
        answer = json.loads(super().describe_metric_filters())
        return json.dumps({key: value for key, value in answer.items() if value is not None})

    def delete_metric_filter(self) -> str:
        """API_DeleteMetricFilter: a filter that does not exist is an error."""
        group, name = self._group(), self._get_param("filterName")
        if not any(_is(each, group.name, name) for each in self.logs_backend.filters.metric_filters):
            raise ResourceNotFoundException("The specified metric filter does not exist.")
        return super().delete_metric_filter()

    def test_metric_filter(self) -> str:
        """API_TestMetricFilter, which moto lacks: the messages that a pattern matches."""
        try:
            terms = parse(self._get_param("filterPattern"))
        except PatternError as wrong:
            raise InvalidParameterException(f"Invalid filter pattern: {wrong}") from None
        messages = enumerate(self._get_param("logEventMessages"), start=1)
        found: list[dict[str, Any]] = [
            {"eventNumber": number, "eventMessage": each, "extractedValues": {}}
            for number, each in messages
            if terms.matches(each)
        ]
        return json.dumps({"matches": found})

    def put_log_events(self) -> str:
        """API_PutLogEvents: metric filters of the group turn matching events into metrics (moto: none)."""
        answer = super().put_log_events()
        group, events = self._group(), self._get_param("logEvents")
        for each in self.logs_backend.filters.metric_filters:
            if each["logGroupName"] == group.name:
                terms = parse(each["filterPattern"])
                count = [event for event in events if terms.matches(event["message"])]
                self._emit(each["metricTransformations"][0], count)
        return answer

    def _emit(self, transformation: dict[str, Any], events: list[dict[str, Any]]) -> None:
        """Put the metric of a filter, which has the time of each event (User Guide, "Creating metrics from log events")."""
        backends: Any = cloudwatch_backends
        data = [
            {
                "MetricName": transformation["metricName"],
                "Value": float(transformation["metricValue"]),
                # moto compares times without a zone.
                "Timestamp": datetime.fromtimestamp(event["timestamp"] / 1000, UTC).replace(tzinfo=None),
            }
            for event in events
        ]
        if data:
            backends[self.current_account][self.region].put_metric_data(transformation["metricNamespace"], data)

    def list_tags_for_resource(self) -> str:
        """API_ListTagsForResource: a group that does not exist is an error."""
        self._check_tagged(self._get_param("resourceArn"))
        return super().list_tags_for_resource()

    def tag_resource(self) -> str:
        """API_TagResource: a group that does not exist is an error."""
        self._check_tagged(self._get_param("resourceArn"))
        return super().tag_resource()

    def untag_resource(self) -> str:
        """API_UntagResource: a group that does not exist is an error."""
        self._check_tagged(self._get_param("resourceArn"))
        return super().untag_resource()

    def _group(self) -> LogGroup:
        """Return the group in the request."""
        group = self.logs_backend.groups.get(self._get_param("logGroupName"))
        if group is None:
            raise ResourceNotFoundException
        return group

    def _check_tagged(self, arn: str) -> None:
        """Refuse the ARN of a group that does not exist; other ARNs are left to moto.

        The ARN of a group in tagging actions does not end in `:*` (API_TagResource).
        """
        if ":log-group:" in arn and all(group.arn != arn for group in self.logs_backend.groups.values()):
            raise ResourceNotFoundException("The specified resource does not exist.")

    def _check_key(self, key_arn: str) -> None:
        """API_AssociateKmsKey, API_CreateLogGroup: needs the ARN of an enabled key, else InvalidParameterException.

        AWS documents this for missing and disabled keys; that a key pending deletion is refused is inferred.
        """
        key = self._key(key_arn)
        if key is None:
            raise InvalidParameterException(f"The specified KMS Key Id could not be found: {key_arn}")
        if key.key_state != "Enabled":
            raise InvalidParameterException(f"The specified KMS Key Id is not enabled: {key_arn}")

    def _key(self, arn: str) -> Key | None:
        """Return the key with this ARN, which may be in another account but not in another Region."""
        backends: Any = kms_backends
        named = split_arn(arn)
        if not named.resource or named.region != self.region:
            return None
        return backends[named.account_id][self.region].keys.get(named.resource.removeprefix("key/"))


def _is(metric_filter: dict[str, Any], group: str, name: str) -> bool:
    return metric_filter["logGroupName"] == group and metric_filter["filterName"] == name
