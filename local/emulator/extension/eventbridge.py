"""EventBridge rules and EventBridge Scheduler as documented by AWS, where moto accepts more.

Quotas: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html; API_… pages:
https://docs.aws.amazon.com/scheduler/latest/APIReference/.
"""

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events.responses import EventsHandler
from moto.scheduler.exceptions import ScheduleGroupNotFound
from moto.scheduler.responses import EventBridgeSchedulerResponse

MAX_PATTERN = 2_048
MAX_TARGETS = 5


class LocalEvents(EventsHandler):
    """moto's EventBridge with the quotas of rules."""

    def put_rule(self) -> tuple[str, dict[str, Any]]:
        """API_PutRule: LimitExceededException if the pattern is too long."""
        if len(self._get_param("EventPattern") or "") > MAX_PATTERN:
            raise _too_much()
        return super().put_rule()

    def put_targets(self) -> tuple[str, dict[str, Any]]:
        """API_PutTargets: LimitExceededException if the rule exceeds the quota of targets."""
        text, _ = self.list_targets_by_rule()
        ids = {target["Id"] for target in [*json.loads(text)["Targets"], *self._get_param("Targets")]}
        if len(ids) > MAX_TARGETS:
            raise _too_much()
        return super().put_targets()


def _too_much() -> JsonRESTError:
    return JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


class LocalScheduler(EventBridgeSchedulerResponse):
    """moto's EventBridge Scheduler with checks that schedule groups exist."""

    def create_schedule(self) -> str:
        """API_CreateSchedule: ResourceNotFoundException if the group does not exist."""
        self._check_group(self._get_param("GroupName"))
        return super().create_schedule()

    def create_schedule_group(self) -> str:
        """API_CreateScheduleGroup: ConflictException if the name is in use."""
        name = self._get_param("Name")
        if name in self.scheduler_backend.schedule_groups:
            raise JsonRESTError("ConflictException", f"Schedule group {name} already exists.")
        return super().create_schedule_group()

    def delete_schedule_group(self) -> str:
        """API_DeleteScheduleGroup: deletes its schedules too; refuses the default group."""
        name = self.uri.split("?")[0].rsplit("/", 1)[-1]
        self._check_group(name)
        if name == "default":
            raise JsonRESTError("ValidationException", "The default schedule group cannot be deleted.")
        return super().delete_schedule_group()

    def _check_group(self, name: str | None) -> None:
        if name and name not in self.scheduler_backend.schedule_groups:
            raise ScheduleGroupNotFound(name)
