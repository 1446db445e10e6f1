"""Changes of documents, associations, parameters and settings of Systems Manager."""

import json
from functools import partial
from typing import Any

from tests.engine.sabotages.resource import Live, Resource, Undo
from tests.engine.sabotages.sabotage import REFRESH, Sabotage, deleted, do
from tests.engine.sabotages.tags import document_name, ssm_tag


def parameter(live: Live, each: Resource, **change: str) -> Undo:
    ssm, inputs = live.aws("ssm", each.region), each.inputs
    before = {"Name": inputs["name"], "Type": inputs["type"], "Description": inputs["description"]}
    before["Value"] = inputs["insecureValue"]
    ssm.put_parameter(**{**before, **change}, Overwrite=True)
    return lambda: ssm.put_parameter(**before, Overwrite=True)


def association(live: Live, each: Resource, **change: Any) -> Undo:
    ssm, inputs = live.aws("ssm", each.region), each.inputs
    before = {
        "AssociationId": each.id,
        "Name": inputs["name"],
        "DocumentVersion": "$DEFAULT",
        "AssociationName": inputs["associationName"],
        "ScheduleExpression": inputs["scheduleExpression"],
        "MaxConcurrency": inputs["maxConcurrency"],
        "MaxErrors": inputs["maxErrors"],
        "Parameters": {key: [value] for key, value in (inputs.get("parameters") or {}).items()},
        "Targets": [{"Key": each["key"], "Values": each["values"]} for each in inputs["targets"]],
    }
    ssm.update_association(**{**before, **change})
    return lambda: ssm.update_association(**before)


def association_failed(live: Live, each: Resource) -> Undo:
    return live.report(each.id, Overview={"Status": "Failed", "AssociationStatusAggregatedCount": {"Failed": 2}})


def service_setting(live: Live, each: Resource) -> Undo:
    update = partial(live.aws("ssm", each.region).update_service_setting, SettingId=each.inputs["settingId"])
    update(SettingValue="Theirs")
    return lambda: update(SettingValue=each.inputs["value"])


def document_content(live: Live, each: Resource, **change: Any) -> Undo:
    """Publish a version that differs and make it the default; the undoing makes the former version the default."""
    ssm, name = live.aws("ssm", each.region), document_name(each)
    before = ssm.describe_document(Name=name)["Document"]["DefaultVersion"]
    content = json.loads(ssm.get_document(Name=name)["Content"])
    if change:
        content["inputs"] |= change
    else:
        content["description"] = "changed"
    made = ssm.update_document(Name=name, DocumentVersion="$LATEST", Content=json.dumps(content, indent=3))
    version = made["DocumentDescription"]["DocumentVersion"]
    ssm.update_document_default_version(Name=name, DocumentVersion=version)

    def undo() -> None:
        ssm.update_document_default_version(Name=name, DocumentVersion=before)
        ssm.delete_document(Name=name, DocumentVersion=version)

    return undo


def document_deleted(live: Live, each: Resource) -> None:
    live.aws("ssm", each.region).delete_document(Name=document_name(each))


def document_shared(live: Live, each: Resource) -> Undo:
    share = partial(
        live.aws("ssm", each.region).modify_document_permission, Name=document_name(each), PermissionType="Share"
    )
    share(AccountIdsToAdd=["111122223333"])
    return lambda: share(AccountIdsToRemove=["111122223333"])


def document_published(live: Live, each: Resource) -> Undo:
    """Publish a version that differs, and leave the default one."""
    ssm, name = live.aws("ssm", each.region), document_name(each)
    content = json.loads(ssm.get_document(Name=name)["Content"]) | {"description": "changed"}
    made = ssm.update_document(Name=name, DocumentVersion="$LATEST", Content=json.dumps(content, indent=5))
    version = made["DocumentDescription"]["DocumentVersion"]
    return lambda: ssm.delete_document(Name=name, DocumentVersion=version)


_CONTROLLER_DOCUMENTS = (
    *("agent", "health", "beforepatch", "afterpatch", "backup"),
    *("promotion-dc1", "promotion-dc2"),
)
_SESSION = {
    "idleSessionTimeout": {"idleSessionTimeout": "59"},
    "maxSessionDuration": {"maxSessionDuration": "1440"},
    "cloudWatchLogGroupName": {"cloudWatchLogGroupName": "elsewhere"},
    "cloudWatchEncryptionEnabled": {"cloudWatchEncryptionEnabled": False},
    "cloudWatchStreamingEnabled": {"cloudWatchStreamingEnabled": True},
    "s3BucketName": {"s3BucketName": "elsewhere"},
    "s3KeyPrefix": {"s3KeyPrefix": "elsewhere"},
    "s3EncryptionEnabled": {"s3EncryptionEnabled": False},
    "kmsKeyId": {"kmsKeyId": ""},
    "runAsEnabled": {"runAsEnabled": True},
    "runAsDefaultUser": {"runAsDefaultUser": "root"},
    "shellProfile": {"shellProfile": {"linux": "echo hello"}},
}


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("Parameter", "tags", do(ssm_tag, key="owner", kind="Parameter"), REFRESH),
    Sabotage("Parameter", "insecureValue", do(parameter, Value="other")),
    Sabotage("Parameter", "type", do(parameter, Type="StringList")),
    Sabotage("Parameter", "description", do(parameter, Description="changed"), REFRESH),
    Sabotage("Association", "scheduleExpression", do(association, ScheduleExpression="rate(30 days)")),
    Sabotage("Association", "maxConcurrency", do(association, MaxConcurrency="100%")),
    Sabotage("Association", "maxErrors", do(association, MaxErrors="100%")),
    Sabotage("Association", "parameters", do(association, Parameters={"allowDowngrade": ["true"]})),
    Sabotage("Association", "targets", do(association, Targets=[{"Key": "tag:never", "Values": ["x"]}])),
    Sabotage("Association", "applyOnlyAtCronInterval", do(association, ApplyOnlyAtCronInterval=True)),
    Sabotage("Association", "name", do(association, Name="AWS-RunPowerShellScript", Parameters={"commands": ["date"]})),
    Sabotage("Association", "documentVersion", do(association, DocumentVersion="1")),
    Sabotage(
        *("Association", "outputLocation"),
        do(association, OutputLocation={"S3Location": {"OutputS3BucketName": "elsewhere"}}),
    ),
    Sabotage(
        *("Association", "calendarNames"),
        do(association, CalendarNames=["arn:aws:ssm:eu-west-1:123456789012:document/Closed"]),
    ),
    Sabotage("Association", "run", association_failed, "{}-run"),
    Sabotage("Association", "tags", do(ssm_tag, key="owner", kind="Association"), REFRESH),
    Sabotage("ServiceSetting", "value", service_setting),
    *(
        Sabotage("SessionPreferences", name, do(document_content, **change), "document-content")
        for name, change in _SESSION.items()
    ),
    Sabotage("SessionPreferences", "description", document_content, "document-content"),
    Sabotage("SessionPreferences", "owner", do(ssm_tag, key="shell-access:owner"), "document-owner"),
    Sabotage(
        "SessionPreferences", "onDestroy", do(ssm_tag, key="shell-access:prior-version"), "document-prior-version"
    ),
    Sabotage("SessionPreferences", "tags", do(ssm_tag, key="owner"), REFRESH),
    Sabotage("Document", "content", document_content),
    Sabotage("Document", "tags", do(ssm_tag, key="owner"), REFRESH),
    *(
        Sabotage(
            *("Document", attribute, change, f"directory-document-{key}{end}"),
            applies=f"-operations-{key}",
            also=(f"directory-document-{key}-latest-content",),
        )
        for key in _CONTROLLER_DOCUMENTS
        for attribute, change, end in (
            ("sharing", document_shared, ""),
            ("latest version", document_published, "-default-version"),
        )
    ),
)


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage("Parameter", "itself", deleted("ssm", "delete_parameter", "Name", "name")),
    Sabotage("Association", "itself", deleted("ssm", "delete_association", "AssociationId")),
    Sabotage("SessionPreferences", "itself", document_deleted),
    Sabotage("Document", "itself", document_deleted, "approval-reaper", "approval-reaper"),
    *(
        Sabotage("Document", "itself", document_deleted, f"directory-document-{key}", f"-operations-{key}")
        for key in _CONTROLLER_DOCUMENTS
    ),
)
