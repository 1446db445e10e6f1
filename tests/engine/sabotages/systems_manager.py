"""Changes of Systems Manager and AWS Config, and of the bucket and the secrets that documents of the stack use."""

import json
from functools import partial
from typing import Any

import boto3

from local.emulator.fixtures import KEY_OF_SECRETS, LOG_ARCHIVE_ACCOUNT, SECRETS
from tests.engine.sabotages.sabotage import ACCOUNT, OPEN, REFRESH, Live, Resource, Sabotage, Undo, deleted, do
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


def config_rule(live: Live, each: Resource, **change: Any) -> Undo:
    config, name = live.aws("config", each.region), each.inputs["name"]
    (found,) = config.describe_config_rules(ConfigRuleNames=[name])["ConfigRules"]
    text = config.get_custom_rule_policy(ConfigRuleName=name)["PolicyText"]
    before = {key: found[key] for key in ("ConfigRuleName", "Description", "Scope", "Source")}
    details = {"PolicyRuntime": "guard-2.x.x", "PolicyText": text}
    before["Source"] = {**before["Source"], "CustomPolicyDetails": details}
    changed = {**before, **change}
    if "PolicyText" in change:
        changed["Source"] = {
            **before["Source"],
            "CustomPolicyDetails": {**details, "PolicyText": changed.pop("PolicyText")},
        }
    if "SourceDetails" in change:
        changed["Source"] = {**before["Source"], "SourceDetails": changed.pop("SourceDetails")}
    config.put_config_rule(ConfigRule=changed)
    return lambda: config.put_config_rule(ConfigRule=before)


def recorder_stopped(live: Live, each: Resource) -> Undo:
    config, named = live.aws("config", each.region), {"ConfigurationRecorderName": "default"}
    config.stop_configuration_recorder(**named)
    return lambda: config.start_configuration_recorder(**named)


def remediation(live: Live, each: Resource, **change: Any) -> Undo:
    config, name = live.aws("config", each.region), each.inputs["configRuleName"]
    (found,) = config.describe_remediation_configurations(ConfigRuleNames=[name])["RemediationConfigurations"]
    before = {key: value for key, value in found.items() if key != "Arn"}
    config.put_remediation_configurations(RemediationConfigurations=[{**before, **change}])
    return lambda: config.put_remediation_configurations(RemediationConfigurations=[before])


def config_rule_deleted(live: Live, each: Resource) -> None:
    config, named = live.aws("config", each.region), {"ConfigRuleName": each.inputs["name"]}
    config.delete_remediation_configuration(**named)
    config.delete_config_rule(**named)


def backup_bucket(live: Live, each: Resource) -> Undo:
    """Remove the default retention, in the account that owns the bucket."""
    role = f"arn:aws:iam::{LOG_ARCHIVE_ACCOUNT}:role/LogArchive"
    given = live.aws("sts", each.region).assume_role(RoleArn=role, RoleSessionName="owner")["Credentials"]
    s3 = boto3.client(
        "s3",
        region_name=each.region,
        endpoint_url=live.endpoint,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    put = partial(s3.put_object_lock_configuration, Bucket="org-directory-backups")
    before = s3.get_object_lock_configuration(Bucket="org-directory-backups")["ObjectLockConfiguration"]
    put(ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    return lambda: put(ObjectLockConfiguration=before)


def secret(live: Live, each: Resource, name: str, change: str) -> Undo:
    secrets, key = live.aws("secretsmanager", each.region), f"arn:aws:kms:{each.region}:{ACCOUNT}:key/{KEY_OF_SECRETS}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**OPEN, "Action": "secretsmanager:GetSecretValue"}]})
    tag: Any = {"Key": "Role", "Value": "DomainController"}
    operations: dict[str, tuple[Any, dict[str, Any], Any, dict[str, Any]]] = {
        "key": (
            *(secrets.update_secret, {"KmsKeyId": "alias/aws/secretsmanager"}),
            *(secrets.update_secret, {"KmsKeyId": key}),
        ),
        "tag": (secrets.untag_resource, {"TagKeys": ["Role"]}, secrets.tag_resource, {"Tags": [tag]}),
        "policy": (secrets.put_resource_policy, {"ResourcePolicy": policy}, secrets.delete_resource_policy, {}),
        "deletion": (secrets.delete_secret, {"RecoveryWindowInDays": 7}, secrets.restore_secret, {}),
    }
    make, arguments, undo, back = operations[change]
    make(SecretId=name, **arguments)
    return lambda: undo(SecretId=name, **back)


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
    Sabotage("Rule", "source", do(config_rule, PolicyText="rule nothing when false { true }"), "node-roles-content"),
    Sabotage(
        "Rule",
        "source",
        do(
            config_rule,
            SourceDetails=[{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}],
        ),
    ),
    Sabotage("Rule", "scope", do(config_rule, Scope={"ComplianceResourceTypes": ["AWS::IAM::User"]})),
    Sabotage("Rule", "description", do(config_rule, Description="changed"), REFRESH),
    Sabotage("Rule", "state", lambda live, each: live.report(each.inputs["name"], ConfigRuleState="DELETING")),
    Sabotage(
        "Rule",
        "evaluation",
        lambda live, each: live.report(
            f"{each.inputs['name']}/evaluation", LastFailedEvaluationTime=1.0, LastErrorCode="E"
        ),
        "node-roles-evaluation",
    ),
    Sabotage("Rule", "recorder", recorder_stopped, "node-roles-recorder", also=("directory-detection-recorder",)),
    Sabotage(
        "RemediationConfiguration",
        "automatic",
        do(remediation, Automatic=True, MaximumAutomaticAttempts=1, RetryAttemptSeconds=60),
    ),
    Sabotage("RemediationConfiguration", "targetId", do(remediation, TargetId="AWS-StopEC2Instance")),
    Sabotage("RemediationConfiguration", "parameters", do(remediation, Parameters={})),
    Sabotage("RemediationConfiguration", "resourceType", do(remediation, ResourceType="AWS::IAM::User")),
    Sabotage(
        "RemediationConfiguration",
        "executionControls",
        do(
            remediation,
            ExecutionControls={"SsmControls": {"ConcurrentExecutionRatePercentage": 100, "ErrorPercentage": 100}},
        ),
    ),
    # What the stack uses and does not create, with a resource of the stack that depends on it.
    Sabotage("Association", "backup bucket", backup_bucket, "directory-backup-bucket", "-operations-backup"),
    *(
        Sabotage(
            *("Association", f"{change} of a secret", do(secret, name=name, change=change)),
            f"directory-promotion-secret-{name.split('/')[1][:-7]}",
            f"-operations-promotion-{controller}",
        )
        for name, controller in zip(SECRETS, ("dc1", "dc2"), strict=True)
        for change in ("key", "tag", "policy", "deletion")
    ),
)


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage("Rule", "itself", config_rule_deleted, also=("node-remediation*",)),
    Sabotage("Parameter", "itself", deleted("ssm", "delete_parameter", "Name", "name")),
    Sabotage("Association", "itself", deleted("ssm", "delete_association", "AssociationId")),
    Sabotage("SessionPreferences", "itself", document_deleted),
    Sabotage("Document", "itself", document_deleted, "approval-reaper", "approval-reaper"),
    *(
        Sabotage("Document", "itself", document_deleted, f"directory-document-{key}", f"-operations-{key}")
        for key in _CONTROLLER_DOCUMENTS
    ),
)
