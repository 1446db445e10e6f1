"""`verify` on the approval workflow of `dev`: one `up`, then one sabotage after another, each undone."""

import itertools
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from botocore.exceptions import ClientError

from components.approval.names import (
    APPROVER_POLICY_NAME,
    BREAK_GLASS_ROLE_NAME,
    CHANGE_TEMPLATE_NAME,
    EVIDENCE_RUNBOOK_NAME,
    GUARD_RAIL_POLICY_NAME,
    KEY_ALIAS,
    OPERATOR_POLICY_NAME,
    REAPER_NAME,
    REAPER_SCHEDULE_GROUP,
    REAPER_SCHEDULE_NAME,
    REAPER_SCHEDULE_ROLE_NAME,
    ROLE_NAME,
    RUNBOOK_NAME,
    TAG_KEY,
    TOPIC_NAME,
)
from components.settings import Settings
from local.workspace import REPOSITORY
from operations.deployment import Deployment
from operations.findings import Finding
from operations.inventory.reader import Identity
from operations.stack import StackConfiguration
from operations.verify.approval import ApprovalVerification
from operations.verify.run import verify_stack
from tests.support.stack import Stack

Aws = Callable[..., Any]

Undo = Callable[[], object]

Sabotage = Callable[[Aws], Undo]


pytestmark = pytest.mark.engine

SPACES = itertools.count(3)
TOPIC = f"arn:aws:sns:eu-west-1:123456789012:{TOPIC_NAME}"
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
REPAIR = "pulumi up --refresh"


def policy_arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:policy/{name}"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def changed_document(name: str, change: Callable[[dict[str, Any]], object], *, default: bool = True) -> Sabotage:
    """Publish a version that differs; the undoing publishes the former content again."""

    def publish(ssm: Any, content: dict[str, Any], *, as_default: bool) -> None:
        # Systems Manager refuses a text that an earlier version has.
        text = json.dumps(content, separators=(",", ":")) + " " * next(SPACES)
        made = ssm.update_document(Name=name, DocumentVersion="$LATEST", Content=text)
        if as_default:
            version = made["DocumentDescription"]["DocumentVersion"]
            ssm.update_document_default_version(Name=name, DocumentVersion=version)

    def sabotage(aws: Aws) -> Undo:
        ssm = aws("ssm")
        before = json.loads(ssm.get_document(Name=name)["Content"])
        content = json.loads(json.dumps(before))
        change(content)
        publish(ssm, content, as_default=default)
        return lambda: publish(ssm, before, as_default=True)

    return sabotage


def drop_step(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda content: content.update(mainSteps=[each for each in content["mainSteps"] if each["name"] != name])


def replace_script(content: dict[str, Any], name: str = "CheckRequest") -> None:
    step = next(each for each in content["mainSteps"] if each["name"] == name)
    inputs = step["inputs"]
    inputs["Script"] = f"def {inputs['Handler']}(events, _context):\n    return {{'Verdict': 'accepted'}}\n"


def widened_policy(name: str) -> Sabotage:
    def sabotage(aws: Aws) -> Undo:
        iam, arn = aws("iam"), policy_arn(name)
        before = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        text = document(ANYTHING)
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)["PolicyVersion"]

        def undo() -> None:
            iam.set_default_policy_version(PolicyArn=arn, VersionId=before)
            iam.delete_policy_version(PolicyArn=arn, VersionId=made["VersionId"])

        return undo

    return sabotage


def detached(name: str, role: str) -> Sabotage:
    def sabotage(aws: Aws) -> Undo:
        iam, given = aws("iam"), {"RoleName": role, "PolicyArn": policy_arn(name)}
        iam.detach_role_policy(**given)
        return lambda: iam.attach_role_policy(**given)

    return sabotage


def attached(arn: str, role: str) -> Sabotage:
    def sabotage(aws: Aws) -> Undo:
        iam, given = aws("iam"), {"RoleName": role, "PolicyArn": arn}
        iam.attach_role_policy(**given)
        return lambda: iam.detach_role_policy(**given)

    return sabotage


def detached_but_set_as_boundary(aws: Aws) -> Undo:
    undo = detached(GUARD_RAIL_POLICY_NAME, "Operator")(aws)
    iam = aws("iam")
    iam.put_role_permissions_boundary(RoleName="Operator", PermissionsBoundary=policy_arn(GUARD_RAIL_POLICY_NAME))
    return lambda: (iam.delete_role_permissions_boundary(RoleName="Operator"), undo())


def inline_policy_added(aws: Aws) -> Undo:
    iam = aws("iam")
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="more", PolicyDocument=document(ANYTHING))
    return lambda: iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName="more")


def inline_policy_widened(aws: Aws) -> Undo:
    iam, named = aws("iam"), {"RoleName": REAPER_SCHEDULE_ROLE_NAME, "PolicyName": "shell-access"}
    before = json.dumps(iam.get_role_policy(**named)["PolicyDocument"])
    iam.put_role_policy(**named, PolicyDocument=document(ANYTHING))
    return lambda: iam.put_role_policy(**named, PolicyDocument=before)


def trust_widened(aws: Aws) -> Undo:
    iam = aws("iam")
    before = iam.get_role(RoleName=ROLE_NAME)["Role"]["AssumeRolePolicyDocument"]
    everyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    changed = {**before, "Statement": [*before["Statement"], everyone]}
    iam.update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=json.dumps(changed))
    return lambda: iam.update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=json.dumps(before))


def boundary_removed(aws: Aws) -> Undo:
    iam = aws("iam")
    before = iam.get_role(RoleName=ROLE_NAME)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    iam.delete_role_permissions_boundary(RoleName=ROLE_NAME)
    return lambda: iam.put_role_permissions_boundary(RoleName=ROLE_NAME, PermissionsBoundary=before)


def schedule_changed(**change: Any) -> Sabotage:
    """Change the schedule; without a change, delete it."""

    def sabotage(aws: Aws) -> Undo:
        scheduler = aws("scheduler")
        named = {"GroupName": REAPER_SCHEDULE_GROUP, "Name": REAPER_SCHEDULE_NAME}
        found = scheduler.get_schedule(**named)
        names = ("FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone", "State", "Target")
        before = {name: found[name] for name in names} | named
        if not change:
            scheduler.delete_schedule(**named)
            return lambda: scheduler.create_schedule(**before)
        target = change.pop("Target", {})
        scheduler.update_schedule(**{**before, **change, "Target": {**before["Target"], **target}})
        return lambda: scheduler.update_schedule(**before)

    return sabotage


def topic_opened(aws: Aws) -> Undo:
    sns = aws("sns")
    before = sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"]
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": TOPIC}
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=document(everyone))
    return lambda: sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=before)


def topic_not_encrypted(aws: Aws) -> Undo:
    sns, named = aws("sns"), {"TopicArn": TOPIC, "AttributeName": "KmsMasterKeyId"}
    before = sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["KmsMasterKeyId"]
    sns.set_topic_attributes(**named, AttributeValue="")
    return lambda: sns.set_topic_attributes(**named, AttributeValue=before)


def key_disabled(aws: Aws) -> Undo:
    kms = aws("kms")
    key = kms.describe_key(KeyId=KEY_ALIAS)["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=key)
    return lambda: kms.enable_key(KeyId=key)


def key_policy_opened(aws: Aws) -> Undo:
    kms = aws("kms")
    key = kms.describe_key(KeyId=KEY_ALIAS)["KeyMetadata"]["KeyId"]
    before = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    everyone = document({"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=everyone)
    return lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=before)


def unsubscribed(aws: Aws) -> Undo:
    sns = aws("sns")
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    return lambda: sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint=subscription["Endpoint"])


def filtered(aws: Aws) -> Undo:
    sns = aws("sns")
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    named = {"SubscriptionArn": subscription["SubscriptionArn"], "AttributeName": "FilterPolicy"}
    sns.set_subscription_attributes(**named, AttributeValue='{"never": ["here"]}')
    return lambda: sns.set_subscription_attributes(**named, AttributeValue="{}")


def tag_set(aws: Aws) -> Undo:
    iam, key = aws("iam"), TAG_KEY.upper()
    iam.tag_role(RoleName="Operator", Tags=[{"Key": key, "Value": "i-0123456789abcdef0"}])
    return lambda: iam.untag_role(RoleName="Operator", TagKeys=[key])


def rule_disabled(name: str, region: str = "eu-west-1") -> Sabotage:
    def sabotage(aws: Aws) -> Undo:
        events = aws("events", region)
        events.disable_rule(Name=name)
        return lambda: events.enable_rule(Name=name)

    return sabotage


def rule_target_removed(aws: Aws) -> Undo:
    events, name = aws("events"), "shell-access-approval-reaper-failed"
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[each["Id"] for each in targets])
    return lambda: events.put_targets(Rule=name, Targets=targets)


def alarm_actions_disabled(aws: Aws) -> Undo:
    cloudwatch, names = aws("cloudwatch"), ["shell-access-approval-reaper-did-not-run"]
    cloudwatch.disable_alarm_actions(AlarmNames=names)
    return lambda: cloudwatch.enable_alarm_actions(AlarmNames=names)


def alarm_with_another_unit(aws: Aws) -> Undo:
    cloudwatch, name = aws("cloudwatch"), "shell-access-approval-reaper-not-started"
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    names = ("AlarmName", "AlarmDescription", "ActionsEnabled", "AlarmActions", "MetricName", "Namespace", "Statistic")
    names += ("Dimensions", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData")
    before = {each: found[each] for each in names}
    cloudwatch.put_metric_alarm(**before, Unit="Bytes")
    return lambda: cloudwatch.put_metric_alarm(**before)


def runbook_shared(aws: Aws) -> Undo:
    ssm, named = aws("ssm"), {"Name": RUNBOOK_NAME, "PermissionType": "Share"}
    ssm.modify_document_permission(**named, AccountIdsToAdd=["210987654321"])
    return lambda: ssm.modify_document_permission(**named, AccountIdsToRemove=["210987654321"])


def trail_stopped(aws: Aws) -> Undo:
    cloudtrail = aws("cloudtrail")
    cloudtrail.stop_logging(Name="everything")
    return lambda: cloudtrail.start_logging(Name="everything")


def break_glass_without_mfa(aws: Aws) -> Undo:
    iam = aws("iam")
    before = iam.get_role(RoleName=BREAK_GLASS_ROLE_NAME)["Role"]["AssumeRolePolicyDocument"]
    statement = {key: value for key, value in before["Statement"][0].items() if key != "Condition"}
    changed = json.dumps({**before, "Statement": [statement]})
    iam.update_assume_role_policy(RoleName=BREAK_GLASS_ROLE_NAME, PolicyDocument=changed)
    return lambda: iam.update_assume_role_policy(RoleName=BREAK_GLASS_ROLE_NAME, PolicyDocument=json.dumps(before))


def break_glass_prolonged(aws: Aws) -> Undo:
    iam = aws("iam")
    iam.update_role(RoleName=BREAK_GLASS_ROLE_NAME, MaxSessionDuration=43_200)
    return lambda: iam.update_role(RoleName=BREAK_GLASS_ROLE_NAME, MaxSessionDuration=3600)


def break_glass_alarm_without_reads(aws: Aws) -> Undo:
    events, name = aws("events", "us-east-1"), "shell-access-approval-break-glass-used"
    found = events.describe_rule(Name=name)
    before = {key: found[key] for key in ("Name", "Description", "EventPattern", "State")}
    events.put_rule(**{**before, "State": "ENABLED"})
    return lambda: events.put_rule(**before)


OPERATOR_DETACH = f"aws iam detach-role-policy --role-name Intruder --policy-arn {policy_arn(OPERATOR_POLICY_NAME)}"
SABOTAGES: dict[str, tuple[Sabotage, dict[str, str]]] = {
    "approval step removed": (
        changed_document(RUNBOOK_NAME, drop_step("ApproveLevel1")),
        {"approval-runbook-content": REPAIR},
    ),
    "check replaced": (changed_document(RUNBOOK_NAME, replace_script), {"approval-runbook-content": REPAIR}),
    "reaper emptied": (
        changed_document(REAPER_NAME, lambda content: replace_script(content, "RemoveExpiredGrants")),
        {"approval-reaper-content": REPAIR},
    ),
    "latest version differs": (
        changed_document(RUNBOOK_NAME, lambda content: content.update(description="changed"), default=False),
        {"approval-runbook-default-version": REPAIR, "approval-runbook-latest-content": REPAIR},
    ),
    "runbook shared": (runbook_shared, {"approval-runbook": "--account-ids-to-remove 210987654321"}),
    "alarm with another unit": (alarm_with_another_unit, {"approval-alarm-reaper-not-started": REPAIR}),
    "operator policy widened": (widened_policy(OPERATOR_POLICY_NAME), {"approval-operator-policy-content": REPAIR}),
    "approver policy widened": (widened_policy(APPROVER_POLICY_NAME), {"approval-approver-policy-content": REPAIR}),
    "deny policy emptied": (widened_policy(GUARD_RAIL_POLICY_NAME), {"approval-guard-rails-policy-content": REPAIR}),
    "deny policy detached": (
        detached(GUARD_RAIL_POLICY_NAME, "Operator"),
        {"approval-guard-rails-policy-attachments": REPAIR},
    ),
    "deny policy set as boundary instead": (
        detached_but_set_as_boundary,
        {"approval-guard-rails-policy-attachments": REPAIR},
    ),
    "approver policy on an operator": (
        attached(policy_arn(APPROVER_POLICY_NAME), "Operator"),
        {"approval-approver-policy-attachments": "aws iam detach-role-policy --role-name Operator"},
    ),
    "operator policy on another role": (
        attached(policy_arn(OPERATOR_POLICY_NAME), "Intruder"),
        {"approval-operator-policy-attachments": OPERATOR_DETACH},
    ),
    "trust widened": (trust_widened, {"approval-runbook-role": REPAIR}),
    "inline policy added": (
        inline_policy_added,
        {"approval-runbook-role": f"aws iam delete-role-policy --role-name {ROLE_NAME} --policy-name more"},
    ),
    "inline policy widened": (inline_policy_widened, {"approval-schedule-role": REPAIR}),
    "managed policy attached": (
        attached(ADMINISTRATOR, ROLE_NAME),
        {"approval-runbook-role": f"--role-name {ROLE_NAME} --policy-arn {ADMINISTRATOR}"},
    ),
    "emergency access without MFA": (break_glass_without_mfa, {"approval-break-glass-role": REPAIR}),
    "emergency access prolonged": (break_glass_prolonged, {"approval-break-glass-role": REPAIR}),
    "emergency access without an alarm": (
        break_glass_alarm_without_reads,
        {"approval-alarm-break-glass-used": REPAIR},
    ),
    "boundary removed": (boundary_removed, {"approval-runbook-role": REPAIR}),
    "schedule deleted": (schedule_changed(), {"approval-schedule": REPAIR}),
    "schedule disabled": (schedule_changed(State="DISABLED"), {"approval-schedule": REPAIR}),
    "schedule over": (schedule_changed(EndDate="2020-01-01T00:00:00Z"), {"approval-schedule": REPAIR}),
    "schedule starts another runbook": (
        schedule_changed(Target={"Input": '{"DocumentName": "AWS-StopEC2Instance"}'}),
        {"approval-schedule": REPAIR},
    ),
    "topic opened": (topic_opened, {"approval-topic-policy": REPAIR}),
    "topic not encrypted": (topic_not_encrypted, {"approval-topic": REPAIR}),
    "key disabled": (key_disabled, {"approval-key": "aws kms enable-key"}),
    "key policy opened": (key_policy_opened, {"approval-key-policy": REPAIR}),
    "unsubscribed": (unsubscribed, {"approval-subscriptions": REPAIR}),
    "messages filtered": (filtered, {"approval-subscriptions": REPAIR}),
    "stray tag": (
        tag_set,
        {"approval-tags": f"aws iam untag-role --role-name Operator --tag-keys {TAG_KEY.upper()}"},
    ),
    "rule disabled": (
        rule_disabled("shell-access-approval-documents-changed"),
        {"approval-alarm-documents-changed": REPAIR},
    ),
    "forwarding rule disabled": (
        rule_disabled("shell-access-approval-policies-changed", "us-east-1"),
        {"approval-alarm-policies-changed": REPAIR},
    ),
    "target removed": (rule_target_removed, {"approval-alarm-reaper-failed": REPAIR}),
    "alarm actions disabled": (alarm_actions_disabled, {"approval-alarm-reaper-did-not-run": REPAIR}),
    "trail stopped": (
        trail_stopped,
        {
            "approval-alarm-trail": "aws cloudtrail start-logging",
            "approval-alarm-iam-trail": "aws cloudtrail start-logging",
        },
    ),
}


ON_THE_SAME_RESOURCE = (
    *("approval step removed", "latest version differs", "deny policy set as boundary instead", "inline policy added"),
    *("managed policy attached", "boundary removed", "schedule disabled", "schedule over"),
    "emergency access prolonged",
    *("schedule starts another runbook", "messages filtered"),
)
"""Sabotages that cannot be distinguished from another one when both are applied."""

REPAIRED_BY_UP = (
    *("check replaced", "deny policy detached", "operator policy widened", "boundary removed"),
    *(
        "inline policy widened",
        "schedule deleted",
        "topic opened",
        "rule disabled",
        "forwarding rule disabled",
        "alarm actions disabled",
        "emergency access without MFA",
        "emergency access prolonged",
        "emergency access without an alarm",
    ),
)


def verified(stack: Stack) -> dict[str, Finding]:
    """Return the findings that are not OK, by check."""
    given = yaml.safe_load((stack.folder / f"Pulumi.{stack.name}.yaml").read_text())["config"]
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    with patch.dict(os.environ, stack.full_environment(caller="verify")):
        found = verify_stack(StackConfiguration(name=stack.name, values=values)).regions["eu-west-1"]
    assert any(each.check == "approval-runbook" for each in found)
    return {each.check: each for each in found if each.status != "ok"}


@dataclass(frozen=True)
class CachedClients:
    """Clients that are made once: making them takes longer than all calls of a verification."""

    client: Callable[[str, str], Any]


def approval_findings(stack: Stack, aws: Aws) -> dict[str, Finding]:
    """Return the findings about approval that are not OK, by check."""
    settings = Settings.load(stack.configurations[-1])
    assert settings.approval
    deployment = Deployment(stack=stack.name, account_id="123456789012", region="eu-west-1")
    identity = Identity(account_id="123456789012", partition="aws", arn="arn:aws:iam::123456789012:user/verifier")
    verification = ApprovalVerification.of(settings, settings.approval, CachedClients(aws), identity, deployment)
    return {each.check: each for each in verification.findings() if each.status != "ok"}


def record_api_calls(aws: Aws) -> None:
    """A trail, without which no alarm hears of a change."""
    aws("s3").create_bucket(Bucket="trails", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    aws("cloudtrail").create_trail(Name="everything", S3BucketName="trails", IsMultiRegionTrail=True)
    aws("cloudtrail").start_logging(Name="everything")


def test_verify_finds_each_sabotage_of_approval(stack: Stack, aws: Aws) -> None:
    dev = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    stack.configure({"approval": dev["shell-access:approval"]})
    record_api_calls(aws)
    aws("iam").create_role(RoleName="Intruder", AssumeRolePolicyDocument=document())
    missing = verified(stack)
    assert {"approval-runbook", "approval-operator-policy", "approval-schedule", "approval-topic"} <= set(missing)
    stack.up().succeeded()
    assert verified(stack) == {}
    exports_a_day_once(aws)
    finds(stack, aws, *(name for name in SABOTAGES if name not in ON_THE_SAME_RESOURCE))
    finds(stack, aws, "latest version differs")
    assert verified(stack) == {}
    for name in REPAIRED_BY_UP:
        SABOTAGES[name][0](aws)
    stack.up("--refresh").succeeded()
    assert approval_findings(stack, aws) == {}


def exports_a_day_once(aws: Aws) -> None:
    """Let the export find one day missing, and let it run again."""
    s3, bucket = aws("s3"), "shell-access-evidence-123456789012-eu-west-1"
    today = datetime.now(UTC).date()
    days = [today - timedelta(ago) for ago in range(2, 30)]
    prefix = "records/kind={}/account=123456789012/region={}/day={}/records.json.gz"
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket=bucket, Key="records/of-another", Body=b"")
    policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    s3.delete_bucket_policy(Bucket=bucket)
    for day, region in itertools.product(days, ("eu-west-1", "us-east-1")):
        if (day, region) != (days[1], "eu-west-1"):
            s3.put_object(Bucket=bucket, Key=prefix.format("days", region, day), Body=b"")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    exported(aws)
    (found,) = s3.list_object_versions(Bucket=bucket, Prefix=prefix.format("events", "eu-west-1", days[1]))["Versions"]
    kept = s3.head_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
    assert kept["ObjectLockMode"] == "GOVERNANCE"
    assert timedelta(399) < kept["ObjectLockRetainUntilDate"] - datetime.now(UTC) < timedelta(401)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=found["Key"], VersionId=found["VersionId"])
    exported(aws)
    versions = s3.list_object_versions(Bucket=bucket, Prefix="records/")["Versions"]
    assert len({each["Key"] for each in versions}) == len(versions)


def exported(aws: Aws) -> None:
    ssm = aws("ssm")
    run = ssm.start_automation_execution(DocumentName=EVIDENCE_RUNBOOK_NAME)["AutomationExecutionId"]
    for _ in range(600):
        found = ssm.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
        if found["AutomationExecutionStatus"] not in ("Pending", "InProgress"):
            break
        time.sleep(0.1)
    assert found["AutomationExecutionStatus"] == "Success", found.get("FailureMessage")


def finds(stack: Stack, aws: Aws, *names: str) -> None:
    """Carry out sabotages, expect the findings of each and no other, and undo them."""
    undo = [SABOTAGES[name][0](aws) for name in names]
    expected = {check: part for name in names for check, part in SABOTAGES[name][1].items()}
    found = approval_findings(stack, aws)
    assert set(found) == set(expected), names
    assert all(part in (found[check].remedy or "") for check, part in expected.items()), (names, found)
    for each in reversed(undo):
        each()


@pytest.mark.exhaustive
def test_verify_finds_every_sabotage_of_approval(stack: Stack, aws: Aws) -> None:
    dev = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    stack.configure({"approval": dev["shell-access:approval"]})
    record_api_calls(aws)
    aws("iam").create_role(RoleName="Intruder", AssumeRolePolicyDocument=document())
    stack.up().succeeded()
    for name in SABOTAGES:
        finds(stack, aws, name)
    assert verified(stack) == {}


def test_verify_covers_change_manager_and_users(stack: Stack, aws: Aws) -> None:
    record_api_calls(aws)
    stack.configure(
        {
            "approval": {
                "mode": "change-manager",
                "approvers": [{"type": "IamRole", "name": "Approver"}, {"type": "SSOGroup", "name": "security"}],
                "operatorRoles": ["Operator"],
                "operatorUsers": ["olivia"],
                "alarmTopicArns": ["arn:aws:sns:eu-west-1:123456789012:security"],
                "chatTopicArn": "arn:aws:sns:eu-west-1:123456789012:chat",
                "alarmIamChanges": False,
            }
        }
    )
    stack.up().succeeded()
    assert {check: each.status for check, each in verified(stack).items()} == {"approval-alarm-iam": "warning"}
    (requested,) = aws("events").list_targets_by_rule(Rule="shell-access-approval-chat-requested")["Targets"]
    other = requested | {"InputTransformer": requested["InputTransformer"] | {"InputTemplate": '"approved"'}}
    for target, found in ((other, {"approval-chat-requested"}), (requested, set[str]())):
        aws("events").put_targets(Rule="shell-access-approval-chat-requested", Targets=[target])
        assert set(approval_findings(stack, aws)) == found | {"approval-alarm-iam"}
    undo = changed_document(CHANGE_TEMPLATE_NAME, lambda content: content.update(autoApprovable=True))(aws)
    assert set(approval_findings(stack, aws)) == {"approval-change-template-content", "approval-alarm-iam"}
    undo()
    aws("iam").create_role(RoleName="AWSReservedSSO_Security_1", AssumeRolePolicyDocument=document())
    attached(policy_arn(APPROVER_POLICY_NAME), "AWSReservedSSO_Security_1")(aws)
    assert set(approval_findings(stack, aws)) == {"approval-alarm-iam"}
    iam = aws("iam")
    for each in iam.list_attached_user_policies(UserName="olivia")["AttachedPolicies"]:
        iam.detach_user_policy(UserName="olivia", PolicyArn=each["PolicyArn"])
    iam.delete_user(UserName="olivia")
    found = approval_findings(stack, aws)
    assert "user olivia does not exist" in found["approval-operators"].found
    assert {"approval-operator-policy-attachments", "approval-requester-policy-attachments"} <= set(found)


def test_alarm_topic_of_another_region_is_refused(stack: Stack, aws: Aws) -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:security"
    stack.configure(
        {
            "approval": {
                "approvers": [{"type": "IamRole", "name": "Approver"}],
                "operatorRoles": ["Operator"],
                "alarmTopicArns": [topic],
            }
        }
    )
    said = stack.up().failed().text
    assert "shell-access:approval.alarmTopicArns[0]: expected another topic of account 123456789012" in said
    assert f"got {topic}" in said
    assert aws("sns").list_topics()["Topics"] == []
