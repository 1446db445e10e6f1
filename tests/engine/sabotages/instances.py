"""Changes of controllers, their volumes and their patching."""

from functools import partial
from typing import Any

from tests.engine.sabotages.sabotage import REFRESH, Live, Resource, Sabotage, Undo, deleted, do
from tests.engine.sabotages.tags import ec2_tag, ssm_tag


def metadata(live: Live, each: Resource, **change: Any) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_instance_metadata_options, InstanceId=each.id)
    modify(**change)
    return lambda: modify(HttpEndpoint="enabled", HttpTokens="required", HttpPutResponseHopLimit=1)


def instance_attribute(live: Live, each: Resource, change: dict[str, Any], back: dict[str, Any]) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_instance_attribute, InstanceId=each.id)
    modify(**change)
    return lambda: modify(**back)


def instance_groups(live: Live, each: Resource) -> Undo:
    groups = each.inputs["vpcSecurityGroupIds"]
    return instance_attribute(live, each, {"Groups": groups[:1]}, {"Groups": groups})


def instance_type(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)

    def resize(kind: str) -> None:
        ec2.stop_instances(InstanceIds=[each.id])
        ec2.modify_instance_attribute(InstanceId=each.id, InstanceType={"Value": kind})
        ec2.start_instances(InstanceIds=[each.id])

    resize("t3.small")
    return lambda: resize(each.inputs["instanceType"])


def instance_profile(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)

    def put(name: str) -> None:
        by_instance = [{"Name": "instance-id", "Values": [each.id]}]
        found = ec2.describe_iam_instance_profile_associations(Filters=by_instance)["IamInstanceProfileAssociations"]
        profile = {"Name": name}
        ec2.replace_iam_instance_profile_association(
            AssociationId=found[0]["AssociationId"], IamInstanceProfile=profile
        )

    put("WorkloadInstance")
    return lambda: put(each.inputs["iamInstanceProfile"])


def stopped(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    ec2.stop_instances(InstanceIds=[each.id])
    return lambda: ec2.start_instances(InstanceIds=[each.id])


def volume_type(live: Live, each: Resource) -> Undo:
    modify = partial(live.aws("ec2", each.region).modify_volume, VolumeId=each.id)
    modify(VolumeType="gp2")
    return lambda: modify(VolumeType="gp3")


def volume_detached(live: Live, each: Resource) -> Undo:
    ec2, inputs = live.aws("ec2", each.region), each.inputs
    given = {"VolumeId": inputs["volumeId"], "InstanceId": inputs["instanceId"], "Device": inputs["deviceName"]}
    ec2.detach_volume(**given)
    return lambda: ec2.attach_volume(**given)


def volume_grown(live: Live, each: Resource) -> None:
    live.aws("ec2", each.region).modify_volume(VolumeId=each.id, Size=each.inputs["size"] + 1)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("Instance", "metadataOptions", do(metadata, HttpTokens="optional")),
    Sabotage("Instance", "metadataOptions", do(metadata, HttpEndpoint="disabled")),
    Sabotage("Instance", "metadataOptions", do(metadata, HttpPutResponseHopLimit=2)),
    Sabotage(
        "Instance",
        "disableApiTermination",
        do(
            instance_attribute,
            change={"DisableApiTermination": {"Value": True}},
            back={"DisableApiTermination": {"Value": False}},
        ),
    ),
    Sabotage(
        "Instance",
        "sourceDestCheck",
        do(instance_attribute, change={"SourceDestCheck": {"Value": False}}, back={"SourceDestCheck": {"Value": True}}),
    ),
    Sabotage("Instance", "vpcSecurityGroupIds", instance_groups),
    Sabotage("Instance", "instanceType", instance_type),
    Sabotage("Instance", "iamInstanceProfile", instance_profile),
    Sabotage("Instance", "state", stopped, "{}-state"),
    Sabotage("Instance", "role tag", do(ec2_tag, key="Role")),
    Sabotage("Instance", "tags", ec2_tag, REFRESH),
    Sabotage("Volume", "type", volume_type),
    Sabotage("Volume", "role tag", do(ec2_tag, key="Role")),
    Sabotage("Volume", "tags", ec2_tag, REFRESH),
    Sabotage("VolumeAttachment", "deviceName", volume_detached),
    Sabotage("Instance", "patch group tag", do(ec2_tag, key="PatchGroup")),
)


def window(live: Live, each: Resource, **change: Any) -> Undo:
    ssm = live.aws("ssm", each.region)
    names = ("Name", "Description", "Schedule", "ScheduleTimezone", "Duration", "Cutoff", "Enabled")
    found = ssm.get_maintenance_window(WindowId=each.id)
    before = {key: found[key] for key in (*names, "AllowUnassociatedTargets")}
    ssm.update_maintenance_window(WindowId=each.id, **{**before, **change})
    return lambda: ssm.update_maintenance_window(WindowId=each.id, **before, Replace=True)


def window_beside(live: Live, each: Resource) -> Undo:
    """Open another window with the prefix of the stack's."""
    ssm = live.aws("ssm", each.region)
    names = ("Schedule", "Duration", "Cutoff", "AllowUnassociatedTargets")
    found = ssm.get_maintenance_window(WindowId=each.id)
    made = ssm.create_maintenance_window(Name=f"{found['Name']}-too", **{key: found[key] for key in names})
    return lambda: ssm.delete_maintenance_window(WindowId=made["WindowId"])


def target_beside(live: Live, each: Resource) -> Undo:
    ssm, named = live.aws("ssm", each.region), {"WindowId": each.id}
    targets = [{"Key": "tag:Role", "Values": ["DomainController"]}]
    made = ssm.register_target_with_maintenance_window(**named, ResourceType="INSTANCE", Targets=targets)
    return lambda: ssm.deregister_target_from_maintenance_window(**named, WindowTargetId=made["WindowTargetId"])


def task_beside(live: Live, each: Resource) -> Undo:
    ssm, named = live.aws("ssm", each.region), {"WindowId": each.id}
    task = {"TaskType": "RUN_COMMAND", "TaskArn": "AWS-RunPowerShellScript", "MaxConcurrency": "1", "MaxErrors": "0"}
    made = ssm.register_task_with_maintenance_window(**named, **task)
    return lambda: ssm.deregister_task_from_maintenance_window(**named, WindowTaskId=made["WindowTaskId"])


def window_target(live: Live, each: Resource) -> Undo:
    update = partial(
        live.aws("ssm", each.region).update_maintenance_window_target,
        WindowId=each.inputs["windowId"],
        WindowTargetId=each.id,
    )
    before = [{"Key": one["key"], "Values": one["values"]} for one in each.inputs["targets"]]
    update(Targets=[{"Key": "tag:never", "Values": ["x"]}])
    return lambda: update(Targets=before)


def window_task(live: Live, each: Resource, **change: Any) -> Undo:
    ssm, named = live.aws("ssm", each.region), {"WindowId": each.inputs["windowId"], "WindowTaskId": each.id}
    found = ssm.get_maintenance_window_task(**named)
    names = ("Targets", "TaskArn", "TaskInvocationParameters", "Priority", "MaxConcurrency", "MaxErrors", "Name")
    before = {key: found[key] for key in names}
    ssm.update_maintenance_window_task(**named, **{**before, **change})
    return lambda: ssm.update_maintenance_window_task(**named, **before, Replace=True)


def command(live: Live, each: Resource, **change: Any) -> Undo:
    """Change the command of a task, without its parameters."""
    named = {"WindowId": each.inputs["windowId"], "WindowTaskId": each.id}
    found = live.aws("ssm", each.region).get_maintenance_window_task(**named)["TaskInvocationParameters"]["RunCommand"]
    return window_task(live, each, TaskInvocationParameters={"RunCommand": {**found, **change}})


def baseline(live: Live, each: Resource, **change: Any) -> Undo:
    ssm = live.aws("ssm", each.region)
    found = ssm.get_patch_baseline(BaselineId=each.id)
    empty: dict[str, Any] = {"GlobalFilters": {"PatchFilters": []}}
    before = {key: found.get(key, empty.get(key, [])) for key in change}
    ssm.update_patch_baseline(BaselineId=each.id, **change)
    return lambda: ssm.update_patch_baseline(BaselineId=each.id, **before)


def patch_group_left(live: Live, each: Resource) -> Undo:
    ssm = live.aws("ssm", each.region)
    named = {"BaselineId": each.inputs["baselineId"], "PatchGroup": each.inputs["patchGroup"]}
    ssm.deregister_patch_baseline_for_patch_group(**named)
    return lambda: ssm.register_patch_baseline_for_patch_group(**named)


def excluded_from_scans(live: Live, each: Resource) -> Undo:
    ec2, tag = live.aws("ec2", each.region), {"Key": "InspectorEc2Exclusion", "Value": "true"}
    ec2.create_tags(Resources=[each.id], Tags=[tag])
    return lambda: ec2.delete_tags(Resources=[each.id], Tags=[tag])


EXCLUSIONS: tuple[Sabotage, ...] = (Sabotage("Instance", "exclusion tag", excluded_from_scans),)

LAST: tuple[Sabotage, ...] = (Sabotage("Volume", "size", volume_grown),)

PATCHING: tuple[Sabotage, ...] = (
    Sabotage("MaintenanceWindow", "enabled", do(window, Enabled=False)),
    Sabotage("MaintenanceWindow", "schedule", do(window, Schedule="cron(0 9 ? * MON *)")),
    Sabotage("MaintenanceWindow", "scheduleTimezone", do(window, ScheduleTimezone="Europe/Berlin")),
    Sabotage("MaintenanceWindow", "duration", do(window, Duration=8)),
    Sabotage("MaintenanceWindow", "cutoff", do(window, Cutoff=0)),
    Sabotage("MaintenanceWindow", "allowUnassociatedTargets", do(window, AllowUnassociatedTargets=True)),
    Sabotage("MaintenanceWindow", "description", do(window, Description="changed"), REFRESH),
    Sabotage("MaintenanceWindow", "tags", do(ssm_tag, key="owner", kind="MaintenanceWindow"), REFRESH),
    Sabotage("MaintenanceWindow", "startDate", do(window, StartDate="2099-01-01T00:00:00Z")),
    Sabotage("MaintenanceWindow", "endDate", do(window, EndDate="2026-01-01T00:00:00Z")),
    Sabotage("MaintenanceWindow", "scheduleOffset", do(window, ScheduleOffset=3)),
    Sabotage("MaintenanceWindow", "another window", window_beside, "directory-patch-windows"),
    Sabotage("MaintenanceWindow", "another target", target_beside),
    Sabotage("MaintenanceWindow", "another task", task_beside),
    Sabotage("MaintenanceWindowTarget", "targets", window_target),
    Sabotage("MaintenanceWindowTask", "taskArn", do(window_task, TaskArn="AWS-RunPowerShellScript")),
    Sabotage("MaintenanceWindowTask", "maxConcurrency", do(window_task, MaxConcurrency="100%")),
    Sabotage("MaintenanceWindowTask", "maxErrors", do(window_task, MaxErrors="100%")),
    Sabotage(
        "MaintenanceWindowTask",
        "taskInvocationParameters",
        do(window_task, TaskInvocationParameters={"RunCommand": {"Parameters": {"Operation": ["Install"]}}}),
    ),
    Sabotage(
        "MaintenanceWindowTask", "targets", do(window_task, Targets=[{"Key": "InstanceIds", "Values": ["i-0123"]}])
    ),
    Sabotage("MaintenanceWindowTask", "documentVersion", do(command, DocumentVersion="1")),
    Sabotage("MaintenanceWindowTask", "outputS3BucketName", do(command, OutputS3BucketName="elsewhere")),
    Sabotage(
        *("MaintenanceWindowTask", "serviceRoleArn"),
        do(window_task, ServiceRoleArn="arn:aws:iam::123456789012:role/Other"),
    ),
    Sabotage("MaintenanceWindowTask", "priority", do(window_task, Priority=5), REFRESH),
    Sabotage("PatchBaseline", "approvalRules", do(baseline, ApprovalRules={"PatchRules": []})),
    Sabotage("PatchBaseline", "rejectedPatches", do(baseline, RejectedPatches=["KB5000001"])),
    Sabotage("PatchBaseline", "approvedPatches", do(baseline, ApprovedPatches=["KB5000001"])),
    Sabotage(
        *("PatchBaseline", "globalFilters"),
        do(baseline, GlobalFilters={"PatchFilters": [{"Key": "PRODUCT", "Values": ["WindowsServer2016"]}]}),
    ),
    Sabotage("PatchBaseline", "description", do(baseline, Description="changed"), REFRESH),
    Sabotage("PatchBaseline", "tags", do(ssm_tag, key="owner", kind="PatchBaseline"), REFRESH),
    Sabotage("PatchGroup", "patchGroup", patch_group_left),
)


def patch_group_deleted(live: Live, each: Resource) -> None:
    patch_group_left(live, each)


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage("MaintenanceWindow", "itself", deleted("ssm", "delete_maintenance_window", "WindowId")),
    Sabotage("PatchGroup", "itself", patch_group_deleted),
)
