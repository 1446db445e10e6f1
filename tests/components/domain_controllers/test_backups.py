"""Backups of controllers: settings, rights of the role, and the bucket that is looked up first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.arns import Scope
from common.problems import SettingsError
from components.domain_controllers.operations.backups import backup_alarm, backup_document
from components.domain_controllers.operations.plan import needs_s3, plan_operations, role_statements
from components.domain_controllers.settings import DomainControllersSection
from components.preflight.named_resources import named_resources
from components.settings import Settings
from tests.operations.verify.test_controller_operations import ALL, BUCKET
from tests.operations.verify.test_domain_controllers import REGION, SECTION

SECTION_WITH_BACKUPS = SECTION | {"backups": ALL["backups"]}
LOCK = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}}


def loaded(**change: Any) -> Settings:
    values = {"shell-access:domainControllers": json.dumps(SECTION_WITH_BACKUPS | change), "aws:region": REGION}
    return Settings.load(values)


def section() -> DomainControllersSection:
    found = loaded().domain_controllers
    assert found
    return found


def test_each_controller_has_a_volume_for_backups() -> None:
    (first, *_) = section().sites[REGION].controllers
    assert [(each.device_name, each.size) for each in section().volumes_of(first)] == [("xvdz", 60)]
    assert DomainControllersSection.model_validate(SECTION).volumes_of(first) == []


def test_role_writes_below_its_prefix_and_reads_nothing() -> None:
    scope = Scope(partition="aws", account_id="111122223333", region=REGION)
    statements = {each["Sid"]: each for each in role_statements(section(), [scope])}
    write = statements["WriteBackups"]
    assert write["Action"] == ["s3:AbortMultipartUpload", "s3:PutObject"]
    assert write["Resource"] == [f"arn:aws:s3:::org-directory-backups/111122223333/{REGION}/*"]
    assert statements["EncryptBackups"]["Resource"] == [BUCKET["kmsKeyArn"]]
    assert needs_s3(section(), REGION)


@pytest.mark.parametrize(
    ("detection", "is_needed"), [({"inspector": {}}, True), ({"guardDuty": {}}, False), ({}, False)]
)
def test_scans_of_controllers_need_s3(detection: dict[str, Any], *, is_needed: bool) -> None:
    found = DomainControllersSection.model_validate(SECTION | {"detection": detection})
    assert needs_s3(found, REGION) is is_needed


def test_document_has_bucket_and_key_and_no_secret() -> None:
    settings = section().backups
    assert settings
    text = json.dumps(backup_document(settings, settings.buckets[REGION]).content)
    for each in ("systemstatebackup", BUCKET["bucketName"], BUCKET["kmsKeyArn"], "xvdz", "Get-Identity"):
        assert each in text
    assert "%" not in text.replace("%d", "")


def test_day_without_backup_raises_the_alarm() -> None:
    alarm = backup_alarm("DC1")
    assert (alarm.period, alarm.missing_data, alarm.comparison) == (86400, "breaching", "LessThanThreshold")
    plan = plan_operations(section(), REGION)
    assert plan.associations["backup"].schedule == "rate(12 hours)"


@pytest.mark.parametrize(
    ("change", "key", "says"),
    [
        ({"backups": {}}, "backups.buckets", "a mapping of Regions"),
        ({"backups": {"buckets": {"us-east-1": BUCKET}}}, "backups.buckets.us-east-1", "expected a site that creates"),
        ({"backups": {"buckets": {"us-east-1": BUCKET}}}, f"backups.buckets.{REGION}", "got none"),
        ({"backups": {"buckets": {REGION: BUCKET | {"bucketOwner": "1"}}}}, "bucketOwner", "twelve digits"),
        ({"backups": {"buckets": {REGION: BUCKET | {"kmsKeyArn": "alias/x"}}}}, "kmsKeyArn", "the ARN of a KMS key"),
        ({"backups": {"buckets": {REGION: BUCKET}, "everyHours": 24}}, "everyHours", "4 to 20"),
    ],
)
def test_wrong_backups_name_key_and_what_is_allowed(change: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(**change)
    assert key in str(refused.value)
    assert says in str(refused.value)


def test_device_of_backups_is_taken() -> None:
    site = SECTION["sites"][REGION]
    taken = [each | {"volumes": [{"deviceName": "xvdz", "size": 20}]} for each in site["controllers"]]
    with pytest.raises(SettingsError, match="the device of the backups"):
        loaded(sites={REGION: site | {"controllers": taken}})


class FakeS3:
    """A bucket in a Region with a lock; an answer that is an error is raised."""

    def __init__(self, lock: Any, region: str = REGION) -> None:
        self._lock, self._region = lock, region

    def head_bucket(self, **_named: str) -> dict[str, str]:
        return {"BucketRegion": self._region}

    def get_object_lock_configuration(self, **_named: str) -> dict[str, Any]:
        if isinstance(self._lock, Exception):
            raise self._lock
        return {"ObjectLockConfiguration": self._lock}


@pytest.mark.parametrize(
    ("s3", "exists"),
    [
        (FakeS3(LOCK), True),
        (FakeS3(LOCK, "us-east-1"), False),
        (FakeS3({"ObjectLockEnabled": "Enabled"}), False),
        (FakeS3({}), False),
    ],
)
def test_bucket_without_lock_is_refused_before_anything(s3: FakeS3, *, exists: bool) -> None:
    (named,) = [each for each in named_resources(loaded(), None) if each.service == "s3"]  # pyright: ignore[reportArgumentType]
    assert named.exists(s3) is exists
    assert named.path == ("domainControllers", "backups", "buckets", REGION, "bucketName")


def test_bucket_that_never_had_a_lock_is_an_error_of_aws() -> None:
    code = {"Error": {"Code": "ObjectLockConfigurationNotFoundError", "Message": "none"}}
    s3 = FakeS3(ClientError(code, "GetObjectLockConfiguration"))
    (named,) = [each for each in named_resources(loaded(), None) if each.service == "s3"]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ClientError):
        named.exists(s3)
