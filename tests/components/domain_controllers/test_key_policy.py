from __future__ import annotations

import pytest

from components.domain_controllers.key_policy import controllers_key_policy, deployers, role_arns

ROLE = "arn:aws:iam::111122223333:role/"
USERS = [f"{ROLE}Directory", f"{ROLE}Deployer"]
POLICY = controllers_key_policy(partition="aws", account_id="111122223333", region="eu-west-1", users=USERS)
STATEMENTS = {each["Sid"]: each for each in POLICY["Statement"]}
USE = ("Decrypt", "Encrypt", "ReEncrypt", "GenerateDataKey", "CreateGrant", "Sign")


def test_administrators_of_the_account_cannot_use_the_key() -> None:
    administration = STATEMENTS["AccountAdministers"]
    assert administration["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert not [each for each in administration["Action"] if "*" in each or each.removeprefix("kms:").startswith(USE)]


def test_grants_are_for_aws_resources_only() -> None:
    assert STATEMENTS["DirectoryTeamAttachesThroughEc2"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
    others = [each for each in POLICY["Statement"] if each["Sid"] != "DirectoryTeamAttachesThroughEc2"]
    assert "kms:CreateGrant" not in [action for each in others for action in each["Action"]]


def test_china_has_a_service_name_of_its_own() -> None:
    policy = controllers_key_policy(partition="aws-cn", account_id="111122223333", region="cn-north-1", users=USERS)
    assert policy["Statement"][1]["Condition"]["StringEquals"] == {"kms:ViaService": "ec2.cn-north-1.amazonaws.com.cn"}


def test_role_without_a_path_matches_under_any_path() -> None:
    assert role_arns(["Admin"], partition="aws", account_id="111122223333") == [f"{ROLE}Admin", f"{ROLE}*/Admin"]


def test_role_with_a_path_matches_there_alone() -> None:
    assert role_arns(["team/Admin"], partition="aws", account_id="111122223333") == [f"{ROLE}team/Admin"]


@pytest.mark.parametrize(
    ("roles", "caller", "expected"),
    [
        ([], "arn:aws:sts::111122223333:assumed-role/CI/build-7", [f"{ROLE}CI", f"{ROLE}*/CI"]),
        ([], "arn:aws:iam::111122223333:user/olga", ["arn:aws:iam::111122223333:user/olga"]),
        (["CI"], "arn:aws:iam::111122223333:user/olga", [f"{ROLE}CI", f"{ROLE}*/CI"]),
    ],
    ids=["session of a role", "user", "named in the settings"],
)
def test_principal_that_runs_the_program_is_permitted(roles: list[str], caller: str, expected: list[str]) -> None:
    assert deployers(roles, caller, partition="aws", account_id="111122223333") == expected
