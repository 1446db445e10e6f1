"""Entitlements of account access manager (Terraform AWS provider: internal/service/accountaccess)."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from local.aws_provider import aws as calls
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Item
from local.aws_provider.types import iam
from tests.support.identity_center import IdentityCenter

entitlement = "aws:accountaccess/entitlement:Entitlement"
role = "arn:aws:iam::123456789012:role/shell-access/operators/ShellOperator-x"


@pytest.fixture
def given(aws: Any) -> dict[str, Any]:
    center = IdentityCenter(aws)
    aws("iam").create_role(RoleName="ShellOperator-x", Path="/shell-access/operators/", AssumeRolePolicyDocument="{}")
    return desired(center.application(), userId=center.user("olivia"))


def desired(application: str, **principal: str) -> dict[str, Any]:
    return {
        "applicationArn": application,
        "entitlement": {"principalRole": {"principal": {"identityCenter": principal}, "roleArn": role}},
    }


def test_an_entitlement_is_known_by_application_and_id(provider: Any, given: dict[str, Any]) -> None:
    made = provider.up(entitlement, "e", given)
    assert made.id == made["entitlementId"]
    assert provider.unchanged(entitlement, "e", given)
    imported = provider.take_over(entitlement, "imported", f"{given['applicationArn']},{made.id}")
    assert imported["applicationArn"] == given["applicationArn"]
    assert imported["entitlement"]["principalRole"]["accountId"] == "123456789012"
    # An entitlement that exists is given again.
    assert provider.up(entitlement, "again", given).id == made.id


def test_everything_of_an_entitlement_replaces(provider: Any, given: dict[str, Any]) -> None:
    provider.up(entitlement, "e", given)
    other = desired(given["applicationArn"], userId="another")
    assert provider.diff(entitlement, "e", other).replaces


def test_entitlement_deletion_is_read(provider: Any, aws: Any, given: dict[str, Any]) -> None:
    made = provider.up(entitlement, "e", given)
    aws("account-access").delete_entitlement(
        applicationArn=given["applicationArn"], entitlementId=made["entitlementId"]
    )
    assert provider.refresh(entitlement, "e") is None


def test_an_entitlement_waits_for_a_new_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only while the service cannot verify the role; other invalid requests fail at once."""
    monkeypatch.setattr(calls, "poll_seconds", 0)
    unseen = AwsError("CreateEntitlement", "ValidationException", "An error occurred while verifying role x")
    invalid = AwsError("CreateEntitlement", "ValidationException", "there is no such user")
    answers: list[Any] = [unseen, unseen, {"entitlementId": "ent-1"}, invalid]

    def request(*_call: Any, **_arguments: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    session: Any = SimpleNamespace(request=request, cancelled=threading.Event())
    aws = calls.Aws(session, "account-access", "eu-west-1", {"CreateEntitlement"})
    item = Item("", desired("arn:aws:account-access:eu-west-1:123456789012:application/a", userId="u"))
    assert iam._create_entitlement(aws, item) == "ent-1"
    with pytest.raises(AwsError, match="no such user"):
        iam._create_entitlement(aws, item)
