"""CloudTrail as documented by AWS.

API_… pages: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/.
"""

import json
from typing import Any

from moto.cloudtrail.exceptions import TrailNotFoundException
from moto.cloudtrail.models import Trail
from moto.core.exceptions import JsonRESTError

from local.emulator.extension import event_history, volumes
from local.emulator.extension.lake import LakeResponse
from local.emulator.extension.reported_states import reported

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
            trail.kms_key_id = volumes.key_arn(self.cloudtrail_backend, key)


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
