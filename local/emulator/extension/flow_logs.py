"""Flow logs as documented by AWS. API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import FlowLogAlreadyExists
from moto.ec2.responses.flow_logs import FlowLogs

from local.emulator.extension.reported_states import as_reported

TO_LOGS = "cloud-watch-logs"
PLAIN = {"FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False}
"""Defaults of API_DestinationOptionsRequest."""


class LocalFlowLogs(FlowLogs):
    """moto's flow logs with destination options."""

    def create_flow_logs(self) -> ActionResult:
        """API_CreateFlowLogs: finds a log group by ARN too; files have a format."""
        self._refuse_duplicates()
        result = super().create_flow_logs()
        content: Any = result.result
        options = {**PLAIN, **self._get_param("DestinationOptions", {})}
        for id_ in content["FlowLogIds"]:
            made: Any = self.ec2_backend.flow_logs[id_]
            made.deliver_cross_account_role = self._get_param("DeliverCrossAccountRole")
            made.destination_options = options if made.log_destination_type == "s3" else None
            if made.log_destination_type == TO_LOGS:
                self._find_group(made)
        return result

    def describe_flow_logs(self) -> ActionResult:
        """API_DescribeFlowLogs, with the reported states."""
        content: Any = super().describe_flow_logs().result
        return ActionResult({"FlowLogs": as_reported(content["FlowLogs"])})

    def _refuse_duplicates(self) -> None:
        """API_CreateFlowLogs: moto compares a log group's name with an ARN, and so misses duplicates."""
        destination, resources = self._get_param("LogDestination"), self._get_param("ResourceIds", [])
        flow_logs: Any = self.ec2_backend.flow_logs
        if destination and any(
            each.resource_id in resources and each.log_destination == destination for each in flow_logs.values()
        ):
            raise FlowLogAlreadyExists

    def _find_group(self, made: Any) -> None:
        """API_FlowLog, deliverLogsStatus: depends on whether the group exists; moto finds it by name only."""
        from moto.logs.models import logs_backends  # noqa: PLC0415 (the service may never be called)

        name = made.log_group_name or str(made.log_destination).split(":log-group:")[-1]
        groups = logs_backends[self.current_account][self.region].groups
        made.log_group_name = name
        made.deliver_logs_status = "SUCCESS" if name in groups else "FAILED"
        made.deliver_logs_error_message = None if name in groups else "Access error"
