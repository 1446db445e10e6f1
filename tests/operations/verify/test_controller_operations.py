"""Operation of controllers, facts against plan: one thing changed is found and nothing else, and what cannot be read."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.domain_controllers.names import ALERTS_TOPIC, METRICS
from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.operations.promotion import secret_arns
from components.domain_controllers.settings import DomainControllersSection
from components.metric_alarm import MetricAlarm
from operations.deployment import Deployment, SiteDeployment
from operations.findings import Finding
from operations.inventory.session_manager import LogGroupFacts
from operations.verify.domain_controllers.operations import OperationsFacts, operations_findings
from tests.operations.arrangement import document_facts, live_alarm
from tests.operations.verify.test_domain_controllers import KEY, REFUSED, REGION, SECTION, case, changed_controllers

BUCKET = {
    "bucketName": "org-directory-backups",
    "bucketOwner": "999988887777",
    "kmsKeyArn": "arn:aws:kms:eu-west-1:999988887777:key/1234abcd",
}
SECRETS = {
    "administratorArn": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:administrator-a1B2c3",
    "restoreModeArn": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:restore-mode-d4E5f6",
    "kmsKeyArn": f"arn:aws:kms:{REGION}:123456789012:key/1234abcd",
}
PROMOTION: dict[str, Any] = {"domain": "corp.example.com", "partners": ["10.1.0.10"], "secrets": {REGION: SECRETS}}
ALL: dict[str, Any] = {
    "eventLogs": {},
    "health": {},
    "patching": {},
    "backups": {"buckets": {REGION: BUCKET}},
    "promotion": PROMOTION,
}
SECRET = {"KmsKeyId": SECRETS["kmsKeyArn"], "Tags": [{"Key": "Role", "Value": "DomainController"}]}
LOCKED = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}}
SITE = SiteDeployment(
    deployment=Deployment(stack="dev", account_id="123456789012", region=REGION),
    section=DomainControllersSection.model_validate(SECTION | ALL),
)
PLAN = plan_operations(SITE.section, REGION)


def alarm(planned: MetricAlarm, **more: str) -> dict[str, Any]:
    planned = replace(planned, dimensions={**planned.dimensions, **more})
    return live_alarm(planned, SITE.deployment.arn("sns", ALERTS_TOPIC))


def planned_facts() -> OperationsFacts:
    """Return the facts of an account without differences."""
    return OperationsFacts(
        log_groups={
            name: LogGroupFacts(retention_days=PLAN.retention_days, kms_key_arn=KEY.arn) for name in PLAN.log_groups
        },
        metric_filters={
            (each.log_group, each.name): {
                "filterName": each.name,
                "filterPattern": each.pattern,
                "metricTransformations": [
                    {"metricName": each.metric, "metricNamespace": METRICS, "metricValue": "1", "unit": "None"}
                ],
            }
            for each in PLAN.metric_filters
        },
        documents={each.key: document_facts(json.dumps(each.content), type=each.type) for each in PLAN.documents},
        associations={
            key: {
                "AssociationId": "a-1",
                "Name": each.document,
                "ScheduleExpression": each.schedule,
                "MaxConcurrency": each.max_concurrency,
                "MaxErrors": each.max_errors,
                "Targets": [{"Key": "InstanceIds", "Values": [f"i-{each.controller}"]}]
                if each.controller
                else [{"Key": name, "Values": values} for name, values in each.targets.items()],
            }
            for key, each in PLAN.associations.items()
        },
        backup_lock=LOCKED,
        secrets=dict.fromkeys(secret_arns(SITE.section, REGION), SECRET),
        alarms={
            **{each.name: alarm(each) for each in PLAN.alarms},
            **{each.name: alarm(each, InstanceId=f"i-{controller}") for controller, each in PLAN.controller_alarms},
        },
    )


def findings(facts: OperationsFacts, **changes: Any) -> dict[str, Finding]:
    found = operations_findings(SITE, facts, replace(case().live, **changes))
    assert len({each.check for each in found}) == len(found)
    return {each.check: each for each in found if each.status != "ok"}


def changed(key: Any, name: str, **change: Any) -> Callable[[OperationsFacts], OperationsFacts]:
    """Facts in which one resource of a kind is otherwise; None: it is not there."""

    def make(facts: OperationsFacts) -> OperationsFacts:
        held = dict(getattr(facts, name))
        if not change:
            held[key] = None
            held = {
                id_: each for id_, each in held.items() if each is not None or name not in ("alarms", "metric_filters")
            }
        elif isinstance(held[key], dict):
            held[key] = held[key] | change
        else:
            held[key] = replace(held[key], **change)
        return replace(facts, **{name: held})

    return make


GROUP = "/shell-access/domain-controllers/events/security"
FILTER = (GROUP, "audit-policy-changed")
ALARM = "shell-access-domain-controllers-audit-policy-changed"
SILENT = "shell-access-domain-controllers-agent-silent-DC2"
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
TRANSFORMATION = {"metricName": "other", "metricNamespace": "Other", "metricValue": "0", "dimensions": {"a": "$b"}}


def test_operation_as_planned_has_no_findings() -> None:
    assert findings(planned_facts()) == {}
    assert len(PLAN.controller_alarms) == 6


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        (changed(GROUP, "log_groups"), "directory-events-security", "no such log group"),
        (changed(GROUP, "log_groups", retention_days=1), "directory-events-security", "kept for 1 days"),
        (changed(GROUP, "log_groups", kms_key_arn=None), "directory-events-security", "not encrypted"),
        (changed(FILTER, "metric_filters"), "directory-filter-audit-policy-changed", "no such metric filter"),
        (
            changed(FILTER, "metric_filters", filterPattern="never"),
            "directory-filter-audit-policy-changed",
            "never found",
        ),
        (
            changed(FILTER, "metric_filters", metricTransformations=[TRANSFORMATION | {"defaultValue": 1.0}]),
            "directory-filter-audit-policy-changed",
            "default value: none expected, 1.0 found",
        ),
        (
            changed(FILTER, "metric_filters", metricTransformations=[TRANSFORMATION]),
            "directory-filter-audit-policy-changed",
            "namespace: ShellAccess/DomainControllers expected, Other found",
        ),
        (changed("agent", "documents"), "directory-document-agent", "no such document"),
        (changed("agent", "documents", shared_with=("all",)), "directory-document-agent", "shared with accounts"),
        (changed("agent", "documents", default_text="{}"), "directory-document-agent-content", "differs"),
        (changed("agent", "associations"), "directory-agent", "no such association"),
        (changed("agent", "associations", Name="AWS-RunPowerShellScript"), "directory-agent", "document"),
        (changed("agent", "associations", Targets=[]), "directory-agent", "none found"),
        (changed("agent", "associations", MaxConcurrency="100%"), "directory-agent", "100% found"),
        (changed("agent", "associations", Overview={"Status": "Failed"}), "directory-agent-run", "Failed"),
        (
            changed("agent", "associations", DocumentVersion="1"),
            "directory-agent",
            "document version: $DEFAULT expected, 1 found",
        ),
        (changed("agent", "associations", OutputLocation={"S3Location": {}}), "directory-agent", "OutputLocation is"),
        (changed("promotion-dc1", "associations"), "directory-promotion-dc1", "no such association"),
        (changed("promotion-dc1", "associations", Targets=[]), "directory-promotion-dc1", "none found"),
        (
            changed("promotion-dc1", "associations", Targets=[{"Key": "InstanceIds", "Values": ["i-DC2"]}]),
            "directory-promotion-dc1",
            "InstanceIds=i-DC2 found",
        ),
        (
            changed("promotion-dc1", "associations", Overview={"Status": "Failed"}),
            "directory-promotion-dc1-run",
            "Failed",
        ),
        (
            changed("promotion-dc2", "documents", default_text="{}"),
            "directory-document-promotion-dc2-content",
            "differs",
        ),
        (changed(SECRETS["restoreModeArn"], "secrets"), "directory-promotion-secret-restore-mode", "no such secret"),
        (
            changed(SECRETS["administratorArn"], "secrets", KmsKeyId=""),
            "directory-promotion-secret-administrator",
            "the AWS managed key found",
        ),
        (
            changed(SECRETS["administratorArn"], "secrets", Tags=[], DeletedDate="now"),
            "directory-promotion-secret-administrator",
            "none found; it is scheduled for deletion",
        ),
        (
            changed(SECRETS["administratorArn"], "secrets", ResourcePolicy=json.dumps({"Statement": [OPEN]})),
            "directory-promotion-secret-administrator",
            "its resource policy allows access: statement 0",
        ),
        (
            changed(SECRETS["administratorArn"], "secrets", ResourcePolicy='{"Statement": [{}]}'),
            "directory-promotion-secret-administrator",
            "its resource policy cannot be read",
        ),
        (changed(ALARM, "alarms"), "directory-alarm-audit-policy-changed", "no such alarm"),
        (changed(ALARM, "alarms", AlarmActions=[]), "directory-alarm-audit-policy-changed", "actions"),
        (changed(SILENT, "alarms", Dimensions=[]), "directory-alarm-agent-silent-DC2", "{} found"),
    ],
)
def test_changed_operation_is_one_finding(
    change: Callable[[OperationsFacts], OperationsFacts], check: str, says: str
) -> None:
    found = findings(change(planned_facts()))
    assert set(found) == {check}
    assert says in found[check].found
    assert found[check].remedy


def test_association_that_an_update_leaves_is_deleted_first() -> None:
    found = findings(changed("agent", "associations", DocumentVersion="1")(planned_facts()))
    assert found["directory-agent"].remedy.startswith("aws ssm delete-association --association-id a-1 ")


def test_raised_alarm_is_a_warning() -> None:
    found = findings(changed(ALARM, "alarms", StateValue="ALARM", StateReason="1 event")(planned_facts()))
    assert found["directory-alarm-audit-policy-changed-state"].status == "warning"


@pytest.mark.parametrize("name", ["metric_filters", "alarms"])
def test_operation_that_is_not_read_cannot_tell(name: str) -> None:
    found = findings(replace(planned_facts(), **{name: REFUSED}))
    assert {each.status for each in found.values()} == {"cannotTell"}
    expected = PLAN.metric_filters if name == "metric_filters" else (*PLAN.alarms, *PLAN.controller_alarms)
    assert len(found) == len(expected)


def test_secret_that_only_denies_others_is_accepted() -> None:
    policy = json.dumps({"Statement": {**OPEN, "Effect": "Deny"}})
    assert findings(changed(SECRETS["administratorArn"], "secrets", ResourcePolicy=policy)(planned_facts())) == {}
    unread = replace(planned_facts(), secrets={SECRETS["administratorArn"]: REFUSED})
    assert findings(unread)["directory-promotion-secret-administrator"].status == "cannotTell"


def test_unread_controllers_cannot_tell_what_names_them() -> None:
    found = findings(planned_facts(), controllers=REFUSED)
    alarms = {
        f"directory-alarm-{kind}-{name}"
        for kind in ("agent-silent", "not-well", "no-backup")
        for name in ("DC1", "DC2")
    }
    assert set(found) == {*alarms, "directory-promotion-dc1", "directory-promotion-dc2"}
    assert {each.status for each in found.values()} == {"cannotTell"}


def test_replaced_controller_needs_its_alarm_renewed() -> None:
    found = findings(planned_facts(), controllers=changed_controllers(InstanceId="i-new"))
    alarms = {f"directory-alarm-{kind}-DC1" for kind in ("agent-silent", "not-well", "no-backup")}
    assert set(found) == {*alarms, "directory-promotion-dc1"}


@pytest.mark.parametrize(
    ("lock", "says"),
    [
        (None, "Object Lock is not enabled; it has no default retention"),
        ({"ObjectLockEnabled": "Enabled"}, "it has no default retention"),
    ],
)
def test_bucket_that_does_not_lock_backups_is_reported(lock: dict[str, str] | None, says: str) -> None:
    found = findings(replace(planned_facts(), backup_lock=lock))
    assert set(found) == {"directory-backup-bucket"}
    assert found["directory-backup-bucket"].found == says
    assert findings(replace(planned_facts(), backup_lock=REFUSED))["directory-backup-bucket"].status == "cannotTell"


def test_site_without_controllers_or_settings_has_no_operation() -> None:
    for section in (SECTION, SECTION | ALL | {"sites": {REGION: {"vpc": "v", "subnets": ["a"]}}}):
        plan = plan_operations(DomainControllersSection.model_validate(section), REGION)
        assert not plan.associations
        assert not plan.has_alarms
    disabled = SECTION | {"eventLogs": {"enabled": False}}
    assert not plan_operations(DomainControllersSection.model_validate(disabled), REGION).log_groups
