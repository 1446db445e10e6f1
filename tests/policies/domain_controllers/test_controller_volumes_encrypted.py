from typing import Any

import pytest

from policies.domain_controllers.controller_volumes_encrypted import RULE
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, SPOT_INSTANCE, VOLUME
from tests.policies.judging import SILENT, UNKNOWN, judge, violations

ENCRYPTED = {"encrypted": True, "kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"}
WRONG = [
    pytest.param({"encrypted": False}, 1, id="not encrypted"),
    pytest.param({"encrypted": None}, 1, id="encrypted by default, perhaps"),
    pytest.param({"kmsKeyId": None}, 1, id="with the default key"),
    pytest.param({"kmsKeyId": "alias/aws/ebs"}, 1, id="with the key of AWS"),
    pytest.param({"kmsKeyId": "arn:aws:kms:eu-west-1:123456789012:alias/aws/ebs"}, 1, id="with the key of AWS, by ARN"),
    pytest.param({"encrypted": None, "kmsKeyId": None}, 2, id="nothing said"),
]


def on_volume(device: Any) -> tuple[str, dict[str, Any]]:
    return VOLUME, {"tags": MARKED, **device}


def as_root(device: Any) -> tuple[str, dict[str, Any]]:
    return INSTANCE, {"tags": MARKED, "rootBlockDevice": device}


def as_root_of_spot(device: Any) -> tuple[str, dict[str, Any]]:
    return SPOT_INSTANCE, {"tags": MARKED, "rootBlockDevice": device}


def as_data(device: Any) -> tuple[str, dict[str, Any]]:
    return INSTANCE, {"tags": MARKED, "rootBlockDevice": ENCRYPTED, "ebsBlockDevices": [ENCRYPTED, device]}


def in_template(device: Any) -> tuple[str, dict[str, Any]]:
    texts = {
        **device,
        "encrypted": {True: "true", False: "false"}.get(device.get("encrypted"), device.get("encrypted")),
    }
    return LAUNCH_TEMPLATE, {"tags": MARKED, "blockDeviceMappings": [{"deviceName": "/dev/sda1", "ebs": texts}]}


every_form = pytest.mark.parametrize("form", [on_volume, as_root, as_root_of_spot, as_data, in_template])


@every_form
def test_encrypted_volume_is_fine(form: Any) -> None:
    assert judge(RULE, *form(ENCRYPTED)) == SILENT
    assert judge(RULE, *form(ENCRYPTED | {"kmsKeyId": UNKNOWN})) == SILENT


@every_form
@pytest.mark.parametrize(("change", "count"), WRONG)
def test_another_volume_is_refused(form: Any, change: dict[str, Any], count: int) -> None:
    assert len(violations(RULE, *form(ENCRYPTED | change))) == count


@every_form
def test_encryption_that_is_not_known_yet_is_said(form: Any) -> None:
    assert judge(RULE, *form(ENCRYPTED | {"encrypted": UNKNOWN})).unseen


def test_message_names_the_volume() -> None:
    (said,) = violations(RULE, *as_data(ENCRYPTED | {"encrypted": False}))
    assert said.startswith(f'{INSTANCE} "subject": ebsBlockDevices[1].encrypted: found false, expected true. ')


def test_volumes_of_which_nothing_is_said_are_refused() -> None:
    assert len(violations(RULE, INSTANCE, {"tags": MARKED})) == 2
    assert len(violations(RULE, LAUNCH_TEMPLATE, {"tags": MARKED})) == 1


def test_instance_stores_need_no_key() -> None:
    mappings = [{"ebs": {**ENCRYPTED, "encrypted": "true"}}, {"virtualName": "ephemeral0"}, {"noDevice": "/dev/sdb"}]
    assert judge(RULE, LAUNCH_TEMPLATE, {"tags": MARKED, "blockDeviceMappings": mappings}) == SILENT


@pytest.mark.parametrize("name", ["rootBlockDevice", "ebsBlockDevices"])
def test_volumes_that_are_not_known_yet_are_said(name: str) -> None:
    good = {"tags": MARKED, "rootBlockDevice": ENCRYPTED}
    assert judge(RULE, INSTANCE, good | {name: UNKNOWN}).unseen


def test_other_volumes_are_left_alone() -> None:
    assert judge(RULE, VOLUME, {"tags": {}}) == SILENT


def test_mapping_that_says_nothing_is_refused() -> None:
    mappings = [{"deviceName": "/dev/sda1"}]
    assert len(violations(RULE, LAUNCH_TEMPLATE, {"tags": MARKED, "blockDeviceMappings": mappings})) == 2
