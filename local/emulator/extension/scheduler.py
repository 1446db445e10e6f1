"""EventBridge Scheduler as documented by AWS.

API_… pages: https://docs.aws.amazon.com/scheduler/latest/APIReference/.
"""

from moto.core.exceptions import JsonRESTError
from moto.scheduler.exceptions import ScheduleGroupNotFound
from moto.scheduler.responses import EventBridgeSchedulerResponse


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
