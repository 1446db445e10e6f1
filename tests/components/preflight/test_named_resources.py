"""Everything that the settings name is looked up before the first resource, and all that is missing is named at once."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.session import AwsClients
from common.problems import SettingsError
from components.account import Account
from components.preflight import named_resources
from components.session_manager import endpoints
from components.settings import Settings

HERE, THERE = "123456789012", "210987654321"
ACCOUNT = Account(id=HERE, partition="aws")
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})

NAMES_EVERYTHING: dict[str, Any] = {
    "regions": ["eu-west-1", "us-east-1"],
    "sessionManager": {
        "s3Logging": True,
        "s3BucketName": "logs",
        "createCwLogGroup": False,
        "cwLogGroupName": "sessions",
        "cwEncryptionEnabled": False,
        "instanceRoles": ["Node"],
        "regionOverrides": {"us-east-1": {"s3BucketName": "logs-us"}},
    },
    "approval": {
        "mode": "change-manager",
        "operatorRoles": ["Operator"],
        "operatorUsers": ["oscar"],
        "approvers": [
            {"type": "IamRole", "name": "team/Approver"},
            {"type": "IamUser", "name": "alice"},
            {"type": "IamGroup", "name": "Approvers"},
            {"type": "SSOUser", "name": "in-another-directory"},
        ],
    },
}


@pytest.fixture(autouse=True)
def program_clients(clients: AwsClients, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setattr(named_resources, "program_clients", lambda: clients)
    monkeypatch.setattr(endpoints, "program_clients", lambda: clients)


def load(**sections: Any) -> Settings:
    return Settings.load(
        {"aws:region": "eu-west-1", **{f"shell-access:{name}": value for name, value in sections.items()}}
    )


def missing(settings: Settings) -> dict[str, str]:
    try:
        named_resources.check_named_resources(settings, ACCOUNT)
    except SettingsError as refused:
        return {problem.key.removeprefix("shell-access:"): problem.message for problem in refused.problems}
    return {}


def make_everything(client: Callable[..., Any]) -> None:
    iam = client("iam")
    for role, path in (("Node", "/"), ("Operator", "/"), ("Approver", "/team/")):
        iam.create_role(RoleName=role, Path=path, AssumeRolePolicyDocument=TRUST)
    for user in ("oscar", "alice"):
        iam.create_user(UserName=user)
    iam.create_group(GroupName="Approvers")
    client("s3").create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client("s3", "us-east-1").create_bucket(Bucket="logs-us")
    for region in ("eu-west-1", "us-east-1"):
        client("logs", region).create_log_group(logGroupName="sessions")


def test_everything_missing_is_named_at_once(client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="sessions-of-others")
    found = missing(load(**NAMES_EVERYTHING))
    assert set(found) == {
        "sessionManager.instanceRoles[0]",
        "sessionManager.s3BucketName",
        "sessionManager.regionOverrides.us-east-1.s3BucketName",
        "sessionManager.cwLogGroupName",
        "approval.operatorRoles[0]",
        "approval.operatorUsers[0]",
        *(f"approval.approvers[{position}].name" for position in range(3)),
    }
    assert found["approval.operatorRoles[0]"] == f'expected an IAM role that exists in account {HERE}, got "Operator".'
    assert found["sessionManager.regionOverrides.us-east-1.s3BucketName"].endswith(', got "logs-us".')


def test_everything_that_exists_passes(client: Callable[..., Any]) -> None:
    make_everything(client)
    assert missing(load(**NAMES_EVERYTHING)) == {}


def test_bucket_of_another_account_is_named(client: Callable[..., Any]) -> None:
    make_everything(client)
    section = NAMES_EVERYTHING["sessionManager"] | {"s3BucketOwner": THERE}
    found = missing(load(**NAMES_EVERYTHING | {"sessionManager": section}))
    assert f"owned by account {THERE} (s3BucketOwner)" in found["sessionManager.s3BucketName"]
    assert "cannot be looked up: permission: refused" in found["sessionManager.s3BucketName"]


def test_log_targets_that_documents_refuse_are_named(client: Callable[..., Any]) -> None:
    make_everything(client)
    arn = f"arn:aws:kms:eu-west-1:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    for bucket, default in (
        ("logs", {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"{arn[:-1]}c"}),
        ("logs-us", {"SSEAlgorithm": "aws:kms:dsse"}),
    ):
        rules: Any = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        client("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
    section = NAMES_EVERYTHING["sessionManager"] | {"cwEncryptionEnabled": True, "s3KmsKeyArn": arn}
    found = missing(load(**NAMES_EVERYTHING | {"sessionManager": section}))
    assert "is not encrypted, and sessions require it" in found.pop("sessionManager.cwLogGroupName")
    assert f"is not {arn}; correct shell-access:sessionManager.s3KmsKeyArn" in found.pop("sessionManager.s3BucketName")
    assert "accepts only AES256" in found.pop("sessionManager.regionOverrides.us-east-1.s3BucketName")
    assert found == {}


def test_encryption_that_cannot_be_read_is_a_problem(
    client: Callable[..., Any], clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_everything(client)

    def deny(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetBucketEncryption")

    monkeypatch.setattr(clients.client("s3", "us-east-1"), "get_bucket_encryption", deny)
    found = missing(load(**NAMES_EVERYTHING))
    denied = found.pop("sessionManager.regionOverrides.us-east-1.s3BucketName")
    assert (
        "permission: the bucket logs-us cannot be read: refused: Access Denied; allow s3:GetEncryptionConfiguration to "
        in denied
    )
    assert found == {}


@pytest.mark.usefixtures("client")
def test_what_the_stack_makes_is_not_looked_up() -> None:
    assert missing(load(sessionManager={})) == {}


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1"])
@pytest.mark.usefixtures("client")
def test_endpoint_services_are_checked_in_every_partition(region: str) -> None:
    endpoints.check_services(region, ("ec2", "ssm", "ssmmessages", "ec2messages", "logs", "kms", "s3"), ("endpoints",))
    with pytest.raises(SettingsError, match=rf"which offers none for com\.amazonaws\.{region}\.gone"):
        endpoints.check_services(region, ("ssm", "gone"), ("endpoints",))


def test_names_are_looked_up_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=30)
    each = named_resources.NamedResource(
        path=("approval",),
        name="x",
        expected="a role",
        service="iam",
        region="eu-west-1",
        exists=lambda _: both.wait() >= 0,
    )
    monkeypatch.setattr(named_resources, "named_resources", lambda *_: [each, each])
    assert missing(load()) == {}
