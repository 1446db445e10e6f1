from __future__ import annotations

import json
from typing import Any

import pytest

from components.domain_controllers.operations.plan import plan_operations
from components.domain_controllers.settings import DomainControllersSection
from policies.domain_controllers.controller_machines import ASSOCIATION, CONTROLLER_PATCHED_SINGLY, SECRET_VERSION, TASK
from policies.domain_controllers.controller_machines import CONTROLLER_IMDSV2 as IMDSV2
from policies.domain_controllers.controller_machines import CONTROLLER_NO_SECRETS as NO_SECRETS
from policies.domain_controllers.controller_machines import CONTROLLER_TERMINATION_PROTECTION as PROTECTED
from policies.domain_controllers.controller_machines import CONTROLLER_VOLUMES_ENCRYPTED as VOLUMES_ENCRYPTED
from policies.session_manager.session_documents import DOCUMENT
from tests.operations.verify.test_controller_operations import ALL
from tests.operations.verify.test_domain_controllers import REGION, SECTION
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, SPOT_INSTANCE, VOLUME, instance
from tests.policies.judging import SILENT, UNKNOWN, Made, judge, judge_stack, remediated, undecided, violations

REQUIRED = {"httpTokens": "required", "httpPutResponseHopLimit": 1}


def machine(options: Any, tags: Any = MARKED) -> dict[str, Any]:
    return {"tags": tags, "metadataOptions": options}


def test_answers_do_not_travel() -> None:
    (said,) = violations(IMDSV2, INSTANCE, machine(REQUIRED | {"httpPutResponseHopLimit": 2}))
    assert "metadataOptions.httpPutResponseHopLimit: found 2, expected at most 1." in said
    assert judge(IMDSV2, INSTANCE, machine(REQUIRED | {"httpPutResponseHopLimit": 2}), maximumHopLimit=2) == SILENT


def test_instance_with_unknown_tags_is_undecided_where_relevant() -> None:
    assert judge(IMDSV2, INSTANCE, machine(None, UNKNOWN)) == undecided(INSTANCE, "tags")
    assert judge(IMDSV2, INSTANCE, machine(REQUIRED, UNKNOWN)) == SILENT


@pytest.mark.parametrize("tags", [None, {}, {"Role": "WebServer"}])
def test_imdsv2_other_instances_are_left_alone(tags: Any) -> None:
    assert judge(IMDSV2, INSTANCE, machine(None, tags)) == SILENT


def test_template_that_makes_controllers_is_judged() -> None:
    made = {"tagSpecifications": [{"resourceType": "instance", "tags": MARKED}]}
    assert len(violations(IMDSV2, LAUNCH_TEMPLATE, made)) == 1


def test_instance_may_be_listed() -> None:
    assert len(violations(IMDSV2, INSTANCE, machine(None, {}), alsoControllers=["subject"])) == 1


def test_tokens_can_be_required_for_the_user() -> None:
    remediated_as = remediated(IMDSV2, INSTANCE, machine({"httpTokens": "optional", "httpPutResponseHopLimit": 4}))
    assert remediated_as is not None
    assert remediated_as["metadataOptions"] == REQUIRED
    assert remediated(IMDSV2, INSTANCE, machine(REQUIRED)) is None


def test_termination_other_instances_are_left_alone() -> None:
    assert judge(PROTECTED, INSTANCE, {"tags": {}}) == SILENT


def document(*lines: str, **change: Any) -> Made:
    step = {"action": "aws:runPowerShellScript", "name": "run", "inputs": {"runCommand": list(lines)}}
    content = json.dumps({"schemaVersion": "2.2", "mainSteps": [step]})
    return Made(DOCUMENT, "document", {"documentType": "Command", "content": content, **change})


@pytest.mark.parametrize(
    "line",
    [
        "$p = ConvertTo-SecureString 'Correct horse' -AsPlainText -Force",
        '$p = ConvertTo-SecureString -AsPlainText -Force -String "Correct horse"',
        "$password = 'Correct horse'",
        "@{ SafeModeAdministratorPassword = 'Correct horse' }",
        "net user Administrator Correct-horse",
    ],
)
def test_password_as_text_is_reported(line: str) -> None:
    for made in (document(line), instance(userData=f"<powershell>{line}</powershell>")):
        (said,) = judge_stack(NO_SECRETS, instance(), made).violations
        assert "a password as text" in said
        assert "orrect" not in said
    assert judge_stack(NO_SECRETS, document(line)) == SILENT
    assert judge_stack(NO_SECRETS, instance(), document(line, region="us-east-1")) == SILENT


@pytest.mark.parametrize(
    "line",
    [
        "$secret = (Get-SECSecretValue -SecretId 'arn:aws:secretsmanager:eu-west-1:1:secret:a').SecretString",
        "$options.Add('SafeModeAdministratorPassword', $restoreMode.Password)",
        "$password = $fields['password']",
        "net user Administrator /active:no",
    ],
)
def test_secret_that_is_read_at_run_time_is_accepted(line: str) -> None:
    assert judge_stack(NO_SECRETS, instance(), document(line)) == SILENT


def test_own_documents_are_accepted() -> None:
    plan = plan_operations(DomainControllersSection.model_validate(SECTION | ALL), REGION)
    assert any(each.key.startswith("promotion") for each in plan.documents)
    made = [document(content=json.dumps(each.content)) for each in plan.documents]
    assert judge_stack(NO_SECRETS, instance(), *made) == SILENT


@pytest.mark.parametrize(
    ("parameters", "is_reported"),
    [
        ({"AdministratorPassword": "Correct horse"}, True),
        ({"commands": ["ConvertTo-SecureString 'Correct horse' -AsPlainText -Force"]}, True),
        ({"AdministratorSecretArn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-a1B2c3"}, False),
        ({"allowDowngrade": "false"}, False),
    ],
)
def test_parameter_with_a_password_is_reported(parameters: dict[str, Any], *, is_reported: bool) -> None:
    association = Made(ASSOCIATION, "association", {"parameters": parameters})
    assert bool(judge_stack(NO_SECRETS, instance(), association).violations) is is_reported


def test_secret_version_with_a_value_is_reported() -> None:
    version = Made(SECRET_VERSION, "version", {"secretString": "Correct horse"})
    (said,) = judge_stack(NO_SECRETS, instance(), version).violations
    assert "secretString" in said
    assert "orrect" not in said


def test_what_is_unknown_is_unseen() -> None:
    association = Made(ASSOCIATION, "association", {"parameters": UNKNOWN})
    assert judge_stack(NO_SECRETS, instance(), document(content=UNKNOWN)).unseen
    assert judge_stack(NO_SECRETS, instance(), association).unseen


def test_user_data_that_the_provider_fills_in_is_accepted() -> None:
    assert judge_stack(NO_SECRETS, instance(userData=UNKNOWN, userDataBase64=UNKNOWN)) == SILENT


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
    assert judge(VOLUMES_ENCRYPTED, *form(ENCRYPTED)) == SILENT
    assert judge(VOLUMES_ENCRYPTED, *form(ENCRYPTED | {"kmsKeyId": UNKNOWN})) == SILENT


@every_form
@pytest.mark.parametrize(("change", "count"), WRONG)
def test_another_volume_is_refused(form: Any, change: dict[str, Any], count: int) -> None:
    assert len(violations(VOLUMES_ENCRYPTED, *form(ENCRYPTED | change))) == count


@every_form
def test_encryption_that_is_not_known_yet_is_said(form: Any) -> None:
    assert judge(VOLUMES_ENCRYPTED, *form(ENCRYPTED | {"encrypted": UNKNOWN})).unseen


def test_message_names_the_volume() -> None:
    (said,) = violations(VOLUMES_ENCRYPTED, *as_data(ENCRYPTED | {"encrypted": False}))
    assert said.startswith(f'{INSTANCE} "subject": ebsBlockDevices[1].encrypted: found false, expected true. ')


def test_volumes_of_which_nothing_is_said_are_refused() -> None:
    assert len(violations(VOLUMES_ENCRYPTED, INSTANCE, {"tags": MARKED})) == 2
    assert len(violations(VOLUMES_ENCRYPTED, LAUNCH_TEMPLATE, {"tags": MARKED})) == 1


def test_instance_stores_need_no_key() -> None:
    mappings = [{"ebs": {**ENCRYPTED, "encrypted": "true"}}, {"virtualName": "ephemeral0"}, {"noDevice": "/dev/sdb"}]
    assert judge(VOLUMES_ENCRYPTED, LAUNCH_TEMPLATE, {"tags": MARKED, "blockDeviceMappings": mappings}) == SILENT


@pytest.mark.parametrize("name", ["rootBlockDevice", "ebsBlockDevices"])
def test_volumes_that_are_not_known_yet_are_said(name: str) -> None:
    good = {"tags": MARKED, "rootBlockDevice": ENCRYPTED}
    assert judge(VOLUMES_ENCRYPTED, INSTANCE, good | {name: UNKNOWN}).unseen


def test_other_volumes_are_left_alone() -> None:
    assert judge(VOLUMES_ENCRYPTED, VOLUME, {"tags": {}}) == SILENT


def test_mapping_that_says_nothing_is_refused() -> None:
    mappings = [{"deviceName": "/dev/sda1"}]
    assert len(violations(VOLUMES_ENCRYPTED, LAUNCH_TEMPLATE, {"tags": MARKED, "blockDeviceMappings": mappings})) == 2


def task(**change: Any) -> Made:
    return Made(TASK, "patches", {"maxConcurrency": "1", "maxErrors": "0", **change})


def test_task_for_one_controller_at_a_time_is_fine() -> None:
    assert judge_stack(CONTROLLER_PATCHED_SINGLY, instance(), task()) == SILENT
    assert judge_stack(CONTROLLER_PATCHED_SINGLY, instance(tags={}), task(maxConcurrency="50%")) == SILENT
    assert judge_stack(CONTROLLER_PATCHED_SINGLY, instance(), task(maxConcurrency="50%", region="us-east-1")) == SILENT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"maxConcurrency": "2"}, 'maxConcurrency: found "2", expected "1"'),
        ({"maxConcurrency": None}, "maxConcurrency: found no value"),
        ({"maxErrors": "100%"}, 'maxErrors: found "100%", expected "0"'),
    ],
)
def test_task_for_several_or_after_errors_is_reported(change: dict[str, Any], said: str) -> None:
    (text,) = judge_stack(CONTROLLER_PATCHED_SINGLY, instance(), task(**change)).violations
    assert said in text


def test_unknown_limit_is_unseen() -> None:
    assert judge_stack(CONTROLLER_PATCHED_SINGLY, instance(), task(maxErrors=UNKNOWN)).unseen
