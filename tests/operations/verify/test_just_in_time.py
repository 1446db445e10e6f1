"""Verification of just-in-time node access alone, on which a move between modes depends."""

import json

import pytest

from components.just_in_time.names import MANAGED_TAG
from operations.findings import Finding
from operations.inventory.reader import Identity, aws_clients
from operations.stack import StackConfiguration
from operations.verify.run import verify_just_in_time
from tests.components.just_in_time.examples import approval
from tests.operations.arrangement import ACCOUNT, REGION, Account, Calls, Fail, refusal

SECTIONS = {"sessionManager": {"maxSessionDuration": 60}, "approval": approval()}
STACK = StackConfiguration(
    name="dev",
    values={"aws:region": REGION, **{f"shell-access:{key}": json.dumps(value) for key, value in SECTIONS.items()}},
)
IDENTITY = Identity(account_id=ACCOUNT, partition="aws", arn=f"arn:aws:iam::{ACCOUNT}:user/local")
TAGS = [{"TagKey": key, "TagValue": value} for key, value in MANAGED_TAG.items()]


def of_key() -> Finding:
    (regions,) = verify_just_in_time(STACK, aws_clients(STACK), IDENTITY).regions.values()
    (found,) = (each for each in regions if each.check == "data-key-tags")
    assert all(each.check.startswith("access-") for each in regions if each is not found)
    return found


def test_key_is_compared_with_nothing_else_of_sessions(account: Account, called: Calls) -> None:
    key = account.key("alias/session-manager/data")["KeyId"]
    assert of_key().status == "different"
    account.client("kms").tag_resource(KeyId=key, Tags=TAGS)
    assert of_key().status == "ok"
    assert {name for service, name in called if service == "kms"} == {
        "DescribeKey",
        "GetKeyRotationStatus",
        "ListResourceTags",
    }
    assert {service for service, _ in called} <= {"iam", "kms", "ssm", "ec2", "organizations", "ssm-guiconnect"}


@pytest.mark.parametrize("call", ["DescribeKey", "ListResourceTags"])
def test_key_that_cannot_be_read_is_unknown(account: Account, fail: Fail, call: str) -> None:
    account.key("alias/session-manager/data")
    fail("kms", call, refusal("AccessDenied"))
    assert of_key().status == "cannotTell"


@pytest.mark.usefixtures("account")
def test_absent_key_is_different() -> None:
    assert (of_key().status, of_key().found) == ("different", "no such alias")
