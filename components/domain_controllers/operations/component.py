"""Operation of one site's controllers, as a component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_aws.cloudwatch import LogGroup, LogMetricFilter, LogMetricFilterMetricTransformationArgs
from pulumi_aws.ssm import (
    MaintenanceWindow,
    MaintenanceWindowTarget,
    MaintenanceWindowTargetTargetArgs,
    MaintenanceWindowTask,
    MaintenanceWindowTaskTargetArgs,
    MaintenanceWindowTaskTaskInvocationParametersArgs,
    MaintenanceWindowTaskTaskInvocationParametersRunCommandParametersArgs,
    MaintenanceWindowTaskTaskInvocationParametersRunCommandParametersParameterArgs,
    PatchBaseline,
    PatchBaselineApprovalRuleArgs,
    PatchBaselineApprovalRulePatchFilterArgs,
    PatchGroup,
)

from components.adoption.document_resource import ConvergingDocument
from components.association import register_association
from components.domain_controllers.names import METRICS
from components.domain_controllers.operations.patching import (
    BASELINE,
    DELIVERY_SECONDS,
    PATCH_DOCUMENT,
    PATCH_GROUP,
    TASK_SETTINGS,
    approval_rule,
    task_parameters,
)
from components.metric_alarm import AlarmPlacement, register_alarm

if TYPE_CHECKING:
    from components.domain_controllers.monitoring import Monitoring
    from components.domain_controllers.operations.patching import PatchWindow
    from components.domain_controllers.operations.plan import OperationsPlan
    from components.domain_controllers.operations.settings import PatchingSettings
    from components.domain_controllers.site import Controllers, SiteArgs


class SiteOperations(pulumi.ComponentResource):
    """Event logs, documents, associations, alarms and maintenance windows of a site's controllers."""

    def __init__(  # noqa: PLR0913, PLR0917 -- what the resource consists of
        self,
        name: str,
        args: SiteArgs,
        plan: OperationsPlan,
        controllers: Controllers,
        monitoring: Monitoring,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("shell-access:domainControllers:SiteOperations", name, None, opts)
        self._name, self._args, self._plan, self._attachments = name, args, plan, controllers.attachments
        names = [each.name for each in args.site.controllers]
        self._ids = dict(zip(names, (each.id for each in controllers.instances), strict=True))
        groups = {each: self._log_group(each, monitoring.key_arn) for each in plan.log_groups}
        filters: list[pulumi.Resource] = [
            LogMetricFilter(
                f"{name}-{each.name}",
                name=each.name,
                log_group_name=groups[each.log_group].name,
                pattern=each.pattern,
                metric_transformation=LogMetricFilterMetricTransformationArgs(
                    namespace=METRICS, name=each.metric, value="1"
                ),
                region=args.region,
                opts=self._child(),
            )
            for each in plan.metric_filters
        ]
        # The first events count, so that filters are there before the agent is.
        self._hooks = self._documents([*groups.values(), *filters])
        placement = AlarmPlacement(
            topics=[monitoring.topic_arn], region=args.region, tags=args.tags, prefix=f"{args.region}-"
        )
        for each in plan.alarms:
            register_alarm(each, placement, self._child())
        for controller, each in plan.controller_alarms:
            register_alarm(each, placement, self._child(), {"InstanceId": self._ids[controller]})
        if args.windows and args.section.patching:
            self._patching(args.section.patching)
        self.register_outputs({})

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _log_group(self, group: str, key_arn: pulumi.Output[str]) -> LogGroup:
        args = self._args
        return LogGroup(
            f"{self._name}-{group.rsplit('/', 1)[-1]}",
            name=group,
            retention_in_days=self._plan.retention_days,
            kms_key_id=key_arn,
            region=args.region,
            tags=args.tags,
            opts=self._child(),
        )

    def _documents(self, before: list[pulumi.Resource]) -> list[pulumi.Resource]:
        args = self._args
        documents = {
            each.name: ConvergingDocument(
                f"{self._name}-{each.key}",
                each,
                region=args.region,
                section="domainControllers",
                take_over=args.take_over,
                tags=args.tags,
                opts=self._child(),
            )
            for each in self._plan.documents
        }
        for key, each in self._plan.associations.items():
            disks = self._attachments if each.controller else ()
            register_association(
                f"{self._name}-{key}",
                each,
                region=args.region,
                tags=args.tags,
                opts=self._child(*before, *disks, documents[each.document]),
                instance_ids=[self._ids[each.controller]] if each.controller else (),
            )
        return list(documents.values())

    def _patching(self, settings: PatchingSettings) -> None:
        args = self._args
        rule = approval_rule(settings)
        baseline = PatchBaseline(
            f"{self._name}-patches",
            name=BASELINE,
            description="Windows updates of domain controllers",
            operating_system="WINDOWS",
            approval_rules=[
                PatchBaselineApprovalRuleArgs(
                    approve_after_days=rule["approve_after_days"],
                    patch_filters=[
                        PatchBaselineApprovalRulePatchFilterArgs(key=key, values=values)
                        for key, values in rule["filters"].items()
                    ],
                )
            ],
            region=args.region,
            tags=args.tags,
            opts=self._child(),
        )
        group = PatchGroup(
            f"{self._name}-patches",
            baseline_id=baseline.id,
            patch_group=PATCH_GROUP,
            region=args.region,
            opts=self._child(),
        )
        for each in args.windows:
            self._window(settings, each, [group, *self._hooks])

    def _window(self, settings: PatchingSettings, planned: PatchWindow, before: list[pulumi.Resource]) -> None:
        args, name = self._args, f"{self._name}-{planned.zone}"
        window = MaintenanceWindow(
            name,
            name=planned.name,
            description=f"Patches of the domain controllers in {planned.zone}",
            schedule=planned.schedule,
            schedule_timezone="Etc/UTC",
            duration=settings.window_hours,
            cutoff=1,
            allow_unassociated_targets=False,
            # Explicit, so that a disabled window is enabled again.
            enabled=True,
            region=args.region,
            tags=args.tags,
            opts=self._child(),
        )
        target = MaintenanceWindowTarget(
            name,
            name=planned.name,
            window_id=window.id,
            resource_type="INSTANCE",
            targets=[
                MaintenanceWindowTargetTargetArgs(
                    key="InstanceIds", values=[self._ids[each] for each in planned.controllers]
                )
            ],
            region=args.region,
            opts=self._child(),
        )
        parameters = [
            MaintenanceWindowTaskTaskInvocationParametersRunCommandParametersParameterArgs(name=key, values=[value])
            for key, value in sorted(task_parameters().items())
        ]
        MaintenanceWindowTask(
            name,
            name=planned.name,
            window_id=window.id,
            task_type="RUN_COMMAND",
            task_arn=PATCH_DOCUMENT,
            max_concurrency=TASK_SETTINGS["maxConcurrency"],
            max_errors=TASK_SETTINGS["maxErrors"],
            targets=[MaintenanceWindowTaskTargetArgs(key="WindowTargetIds", values=[target.id])],
            task_invocation_parameters=MaintenanceWindowTaskTaskInvocationParametersArgs(
                run_command_parameters=MaintenanceWindowTaskTaskInvocationParametersRunCommandParametersArgs(
                    timeout_seconds=DELIVERY_SECONDS, parameters=parameters
                )
            ),
            region=args.region,
            opts=self._child(*before),
        )
