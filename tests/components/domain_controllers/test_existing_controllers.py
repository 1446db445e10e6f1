"""Changes of controllers that EC2 would refuse in the middle of an update are problems of the settings."""

from typing import Any

import pytest

from components.domain_controllers.existing_controllers import change_problems
from components.domain_controllers.settings import DomainControllersSection
from components.network import Subnet

REGION = "eu-west-1"
INSTANCE, VOLUME = "aws:ec2/instance:Instance", "aws:ebs/volume:Volume"
NAME = f"domain-controllers-{REGION}-dc"
SUBNETS = {
    REGION: {
        each: Subnet(id=f"subnet-{each}", given=each, zone=f"{REGION}{each}", cidrs=(), route_table_ids=())
        for each in "ab"
    }
}
CONTROLLERS: list[dict[str, Any]] = [
    {"name": "DC1", "subnet": "a", "volumes": [{"deviceName": "xvdb", "size": 40}]},
    {"name": "DC2", "subnet": "b"},
]


def state(*, is_protected: bool) -> dict[str, dict[str, Any]]:
    """Return the outputs of two controllers, of a volume, and of an instance that is none of the stack's controllers."""
    urn = "urn:pulumi:prod::shell-access::"
    protected = {"disableApiTermination": is_protected, "region": REGION}
    return {
        f"{urn}{INSTANCE}::{NAME}-DC1": protected | {"subnetId": "subnet-a"},
        f"{urn}{INSTANCE}::{NAME}-DC2": protected | {"subnetId": "subnet-b"},
        f"{urn}{INSTANCE}::bastion": protected | {"subnetId": "subnet-b"},
        f"{urn}{VOLUME}::{NAME}-DC1-xvdb": {"size": 40.0, "availabilityZone": f"{REGION}a"},
        f"{urn}{VOLUME}::{NAME}-DC1-xvdz": {"size": 60, "availabilityZone": f"{REGION}a"},
    }


BUCKET = {
    "bucketName": "backups",
    "bucketOwner": "999988887777",
    "kmsKeyArn": "arn:aws:kms:eu-west-1:999988887777:key/k",
}
BACKUPS: dict[str, Any] = {"buckets": {REGION: BUCKET}}


def section(*controllers: dict[str, Any], **changed: Any) -> DomainControllersSection:
    site = {"vpc": "directory", "subnets": ["a", "b"], "controllers": list(controllers)}
    return DomainControllersSection.model_validate({"sites": {REGION: site}, "backups": BACKUPS, **changed})


def keys(settings: DomainControllersSection | None, *, is_protected: bool = True) -> dict[str, str]:
    found = change_problems(settings, SUBNETS if settings else {}, "trail-eu", state(is_protected=is_protected))
    return {each.key.removeprefix("shell-access:domainControllers").removeprefix("."): each.message for each in found}


@pytest.mark.parametrize("is_protected", [True, False])
def test_unchanged_controllers_have_no_problem(*, is_protected: bool) -> None:
    assert keys(section(*CONTROLLERS), is_protected=is_protected) == {}


@pytest.mark.parametrize("is_protected", [True, False])
def test_removed_controller_is_refused_if_protected(*, is_protected: bool) -> None:
    found = keys(section(CONTROLLERS[0]), is_protected=is_protected)
    assert list(found) == ([f"sites.{REGION}.controllers"] if is_protected else [])
    assert all("expected the controller DC2 in eu-west-1" in each for each in found.values())


@pytest.mark.parametrize("is_protected", [True, False])
def test_moved_controller_is_refused_if_protected(*, is_protected: bool) -> None:
    found = keys(section(CONTROLLERS[0], CONTROLLERS[1] | {"subnet": "a"}), is_protected=is_protected)
    assert list(found) == ([f"sites.{REGION}.controllers[1].subnet"] if is_protected else [])


def test_removed_sections_and_sites_are_refused() -> None:
    assert list(keys(None)) == [""]
    assert list(keys(DomainControllersSection())) == ["sites"]
    assert keys(None, is_protected=False) == {}


def test_smaller_volumes_are_refused() -> None:
    smaller = CONTROLLERS[0] | {"volumes": [{"deviceName": "xvdb", "size": 20}]}
    backups = BACKUPS | {"volumeSize": 50}
    found = keys(section(smaller, CONTROLLERS[1], backups=backups))
    assert set(found) == {f"sites.{REGION}.controllers[0].volumes[0].size", "backups.volumeSize"}
    assert "expected at least 40, " in found[f"sites.{REGION}.controllers[0].volumes[0].size"]


@pytest.mark.parametrize("is_protected", [True, False])
@pytest.mark.parametrize(
    ("volumes", "backups", "key"),
    [
        ([], BACKUPS, f"sites.{REGION}.controllers[0].volumes"),
        ([{"deviceName": "xvdc", "size": 40}], BACKUPS, f"sites.{REGION}.controllers[0].volumes"),
        (CONTROLLERS[0]["volumes"], None, "backups"),
    ],
    ids=["removed", "other device", "no backups"],
)
def test_removed_volume_is_refused_if_protected(
    volumes: list[dict[str, Any]], backups: dict[str, Any] | None, key: str, *, is_protected: bool
) -> None:
    changed = section(CONTROLLERS[0] | {"volumes": volumes}, CONTROLLERS[1], backups=backups)
    found = keys(changed, is_protected=is_protected)
    assert list(found) == ([key] if is_protected else [])
    assert all("of the controller DC1, whose termination protection is on" in each for each in found.values())


def test_smaller_volume_in_another_zone_is_new() -> None:
    moved = CONTROLLERS[0] | {"subnet": "b", "volumes": [{"deviceName": "xvdb", "size": 20}]}
    assert keys(section(moved, CONTROLLERS[1]), is_protected=False) == {}


@pytest.mark.parametrize("keeps_logs", [True, False])
@pytest.mark.parametrize(
    ("settings", "bucket", "key"),
    [
        (section(*CONTROLLERS), "trail-eu", ""),
        (section(*CONTROLLERS), "trail-us", "regions"),
        (
            section(*CONTROLLERS, monitoring={"existingTrail": "organization-trail"}),
            "trail-eu",
            "monitoring.existingTrail",
        ),
        (DomainControllersSection(), "trail-eu", "sites"),
        (None, "trail-eu", "domainControllers"),
    ],
)
def test_bucket_with_logs_is_not_deleted(
    settings: DomainControllersSection | None, bucket: str, key: str, *, keeps_logs: bool
) -> None:
    urn = "urn:pulumi:prod::shell-access::aws:s3/bucket:Bucket::domain-controllers-trail-logs"
    outputs = {urn: {"bucket": bucket, "forceDestroy": not keeps_logs}}
    found = [*change_problems(settings, SUBNETS if settings else {}, "trail-eu", outputs)]
    assert [each.key for each in found if each.key.endswith(key)] == [each.key for each in found]
    assert bool(found) is (keeps_logs and key != "")
