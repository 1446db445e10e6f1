"""Roles, policies, attachments, profiles, entitlements, caller (Terraform AWS provider: internal/service/{iam,accountaccess,sts})."""

import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from local.aws_provider import aws as calls
from local.aws_provider.aws import ProviderSession
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Item
from local.aws_provider.types import iam as iam_types
from tests.local.aws_provider.conftest import lifecycle, refusals
from tests.support.identity_center import IdentityCenter

policy = "aws:iam/policy:Policy"
role = "aws:iam/role:Role"
attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


def allow(action: str = "s3:GetObject") -> Any:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


trust = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def test_policy_object_becomes_json_text(provider: Any) -> None:
    checked = provider.check(policy, "p", {"policy": allow()})
    assert json.loads(checked["policy"]) == allow()


def test_policy_is_known_by_its_arn(provider: Any) -> None:
    made = provider.up(policy, "p", {"name": "n", "policy": allow()})
    assert made.id == made["arn"] == "arn:aws:iam::123456789012:policy/n"
    assert made["attachmentCount"] == 0
    assert made["policyId"].startswith("A")
    assert provider.unchanged(policy, "p", {"name": "n", "policy": json.dumps(allow(), indent=2)})


def test_sixth_version_pushes_out_the_oldest(provider: Any, aws: Any) -> None:
    made = provider.up(policy, "p", {"policy": allow("a:b0")})
    for number in range(1, 7):
        provider.up(policy, "p", {"policy": allow(f"a:b{number}")})
    versions = aws("iam").list_policy_versions(PolicyArn=made.id)["Versions"]
    assert len(versions) == 5
    assert next(item for item in versions if item["IsDefaultVersion"])["VersionId"] == "v7"
    provider.destroy(policy, "p")


test_policy_refuses = refusals(
    policy,
    {},
    ({"policy": "[]"}, "JSON array"),
    ({"policy": '{"a": 1, "a": 2}'}, "duplicate JSON keys"),
    ({"policy": "{}", "name": "a b"}, "alphanumeric"),
    ({"policy": "{}", "name": "x" * 129}, "length"),
)


def test_defaults_and_outputs_of_a_role(provider: Any) -> None:
    made = provider.up(role, "r", {"assumeRolePolicy": trust})
    assert (made["path"], made["maxSessionDuration"], made["forceDetachPolicies"]) == ("/", 3600, False)
    assert made["arn"] == f"arn:aws:iam::123456789012:role/{made.id}"
    assert made["uniqueId"].startswith("AROA")
    assert provider.unchanged(role, "r", {"assumeRolePolicy": json.dumps(trust)})


test_role_refuses = refusals(
    role,
    {"assumeRolePolicy": trust},
    ({"name": "x" * 65}, "length"),
    ({"description": "it\u2019s"}, "curly"),
    ({"permissionsBoundary": "p"}, "invalid ARN"),
)


def test_role_changes_in_place(provider: Any, aws: Any) -> None:
    boundary = provider.up(policy, "b", {"policy": allow()}).id
    provider.up(role, "r", {"assumeRolePolicy": trust})
    other = json.loads(json.dumps(trust).replace("ec2", "ssm"))
    inputs = {
        "assumeRolePolicy": other,
        "description": "d",
        "permissionsBoundary": boundary,
        "tags": {"a": "b"},
    }
    made = provider.up(role, "r", inputs)
    found = aws("iam").get_role(RoleName=made.id)["Role"]
    assert found["AssumeRolePolicyDocument"] == other
    assert found["Description"] == "d"
    assert provider.unchanged(role, "r", inputs)


def test_role_changed_by_hand_is_restored(provider: Any, aws: Any) -> None:
    attached = provider.up(policy, "p", {"policy": allow()}).id
    made = provider.up(role, "r", {"assumeRolePolicy": trust, "description": "d"})
    aws("iam").update_role(RoleName=made.id, Description="d", MaxSessionDuration=7200)
    aws("iam").attach_role_policy(RoleName=made.id, PolicyArn=attached)
    provider.refresh(role, "r")
    given = {"assumeRolePolicy": trust, "description": "d"}
    assert list(provider.diff(role, "r", given).diffs) == ["maxSessionDuration"]
    assert provider.up(role, "r", given)["maxSessionDuration"] == 3600
    assert provider.unchanged(role, "r", given)


def test_role_inline_policies_compare_by_meaning(provider: Any, aws: Any) -> None:
    given = {"assumeRolePolicy": trust, "inlinePolicies": [{"name": "a", "policy": json.dumps(allow(), indent=1)}]}
    made = provider.up(role, "r", given)
    assert provider.unchanged(role, "r", given)
    provider.up(role, "r", {"assumeRolePolicy": trust, "inlinePolicies": [{}]})
    assert aws("iam").list_role_policies(RoleName=made.id)["PolicyNames"] == []


def test_role_deletion_detaches_what_the_state_knows(provider: Any, aws: Any) -> None:
    arn = provider.up(policy, "p", {"policy": allow()}).id
    inline = [{"name": "a", "policy": json.dumps(allow())}]
    made = provider.up(role, "r", {"assumeRolePolicy": trust, "inlinePolicies": inline})
    aws("iam").create_instance_profile(InstanceProfileName="i")
    aws("iam").add_role_to_instance_profile(InstanceProfileName="i", RoleName=made.id)
    provider.destroy(role, "r")
    assert aws("iam").get_instance_profile(InstanceProfileName="i")["InstanceProfile"]["Roles"] == []
    made = provider.up(role, "r", {"assumeRolePolicy": trust})
    aws("iam").attach_role_policy(RoleName=made.id, PolicyArn=arn)
    provider.refresh(role, "r")
    provider.destroy(role, "r")
    made = provider.up(role, "r", {"assumeRolePolicy": trust})
    aws("iam").attach_role_policy(RoleName=made.id, PolicyArn=arn)
    with pytest.raises(Exception, match="iam:DeleteRole failed with DeleteConflict"):
        provider.destroy(role, "r")


def test_role_deletion_detaches_everything_by_force(provider: Any, aws: Any) -> None:
    arn = provider.up(policy, "p", {"policy": allow()}).id
    given = {"assumeRolePolicy": trust, "forceDetachPolicies": True}
    made = provider.up(role, "r", given)
    aws("iam").attach_role_policy(RoleName=made.id, PolicyArn=arn)
    aws("iam").put_role_policy(RoleName=made.id, PolicyName="a", PolicyDocument=json.dumps(allow()))
    provider.destroy(role, "r")


def test_path_of_a_role_replaces(provider: Any) -> None:
    made = provider.up(role, "r", {"assumeRolePolicy": trust, "path": "/team/"})
    assert made["arn"] == f"arn:aws:iam::123456789012:role/team/{made.id}"
    assert provider.unchanged(role, "r", {"assumeRolePolicy": trust, "path": "/team/"})
    assert list(provider.diff(role, "r", {"assumeRolePolicy": trust}).replaces) == ["path"]


TestPolicy = lifecycle(
    policy, {"name": "n", "description": "old", "policy": allow()}, replacing=({"description": "new"}, {"name": "m"})
)
TestRole = lifecycle(
    role, {"name": "r", "assumeRolePolicy": trust}, exists="iam:CreateRole failed with EntityAlreadyExists"
)


@pytest.fixture
def attached(provider: Any, aws: Any) -> dict[str, Any]:
    aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    return {"role": "r", "policyArn": provider.up(policy, "one", {"policy": allow()}).id}


TestAttachment = lifecycle(
    attachment,
    "attached",
    delete=lambda aws, made: aws("iam").detach_role_policy(RoleName="r", PolicyArn=made["policyArn"]),
    imported_by="r/{policyArn}",
    replacing=({"policyArn": "arn:aws:iam::123456789012:policy/two"},),
)


def test_new_principal_is_waited_for(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from local.aws_provider import aws as door  # noqa: PLC0415
    from local.aws_provider.failure import AwsError  # noqa: PLC0415

    monkeypatch.setattr(door, "poll_seconds", 0.01)
    request, refusals = ProviderSession.request, iter([True, True, False])

    def late(self: ProviderSession, service: Any, region: Any, operation: Any, **arguments: Any) -> Any:
        if operation == "CreateRole" and next(refusals):
            raise AwsError("iam:CreateRole", "MalformedPolicyDocument", "Invalid principal in policy")
        return request(self, service, region, operation, **arguments)

    monkeypatch.setattr(ProviderSession, "request", late)
    mine = {
        "Version": "2012-10-17",
        "Statement": [{**trust["Statement"][0], "Principal": {"AWS": "arn:aws:iam::123456789012:role/new"}}],
    }
    assert provider.up(role, "r", {"assumeRolePolicy": mine}).id


# Policies inside roles, and policies of users.


role_policy = "aws:iam/rolePolicy:RolePolicy"
user_attachment = "aws:iam/userPolicyAttachment:UserPolicyAttachment"


@pytest.fixture
def iam(aws: Any) -> Any:
    client = aws("iam")
    client.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(allow("sts:AssumeRole")))
    client.create_user(UserName="u")
    return client


@pytest.mark.usefixtures("iam")
def test_policy_of_a_role_is_known_by_role_and_name(provider: Any) -> None:
    made = provider.up(role_policy, "p", {"role": "r", "name": "n", "policy": allow()})
    assert made.id == "r:n"
    assert provider.unchanged(role_policy, "p", {"role": "r", "name": "n", "policy": json.dumps(allow(), indent=2)})


def test_policy_of_a_role_changes_in_place_and_overwrites(provider: Any, iam: Any) -> None:
    iam.put_role_policy(RoleName="r", PolicyName="n", PolicyDocument=json.dumps(allow("a:b")))
    provider.up(role_policy, "p", {"role": "r", "name": "n", "policy": allow()})
    provider.up(role_policy, "p", {"role": "r", "name": "n", "policy": allow("c:d")})
    assert iam.get_role_policy(RoleName="r", PolicyName="n")["PolicyDocument"] == allow("c:d")
    iam.delete_role_policy(RoleName="r", PolicyName="n")
    assert provider.refresh(role_policy, "p") is None


def test_arn_of_a_role_is_refused(provider: Any) -> None:
    with pytest.raises(Exception, match="must be the role's name not its ARN"):
        provider.check(role_policy, "p", {"role": "arn:aws:iam::123456789012:role/r", "policy": allow()})


@pytest.fixture
def inline(iam: Any) -> dict[str, Any]:
    assert iam
    return {"role": "r", "name": "n", "policy": json.dumps(allow())}


@pytest.fixture
def attached_to_user(iam: Any) -> dict[str, Any]:
    made = iam.create_policy(PolicyName="one", PolicyDocument=json.dumps(allow()))["Policy"]
    return {"user": "u", "policyArn": made["Arn"]}


TestRolePolicy = lifecycle(
    role_policy,
    "inline",
    delete=lambda aws, _: aws("iam").delete_role_policy(RoleName="r", PolicyName="n"),
    imported_by="r:n",
    replacing=({"role": "other"}, {"name": "m"}),
)
TestUserAttachment = lifecycle(
    user_attachment,
    "attached_to_user",
    delete=lambda aws, made: aws("iam").detach_user_policy(UserName="u", PolicyArn=made["policyArn"]),
    imported_by="u/{policyArn}",
    replacing=({"policyArn": "arn:aws:iam::123456789012:policy/two"},),
)


# Instance profiles: internal/service/iam/instance_profile.go.


token = "aws:iam/instanceProfile:InstanceProfile"
profile_trust = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def roles(aws: Any) -> Any:
    for name in ("first", "second"):
        aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=profile_trust)
    return ["first", "second"]


def held(aws: Any, name: str) -> Any:
    return [
        role["RoleName"]
        for role in aws("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
    ]


test_profile_refuses = refusals(token, {}, ({"name": "a b"}, "alphanumeric"), ({"name": "n" * 129}, "length"))


@pytest.mark.usefixtures("roles")
def test_outputs_of_a_profile(provider: Any) -> None:
    inputs = {"name": "controllers", "role": "first", "tags": {"a": "b"}}
    made = provider.up(token, "p", inputs)
    assert made.id == "controllers"
    assert made["arn"] == "arn:aws:iam::123456789012:instance-profile/controllers"
    assert made["uniqueId"]
    assert made["createDate"].endswith("Z")
    assert provider.unchanged(token, "p", inputs)


@pytest.mark.usefixtures("roles")
def test_profile_role_changes_in_place(provider: Any, aws: Any) -> None:
    provider.up(token, "p", {"name": "controllers", "role": "first"})
    assert not provider.diff(token, "p", {"name": "controllers", "role": "second"}).replaces
    provider.up(token, "p", {"name": "controllers", "role": "second"})
    assert held(aws, "controllers") == ["second"]
    provider.up(token, "p", {"name": "controllers"})
    assert held(aws, "controllers") == []


def test_deleted_role_is_removed_from_the_profile(
    provider: Any, aws: Any, roles: list[str], refusing: Any, monkeypatch: Any
) -> None:
    from local.aws_provider.aws import ProviderSession  # noqa: PLC0415
    from local.aws_provider.failure import AwsError  # noqa: PLC0415

    provider.up(token, "p", {"name": "controllers", "role": roles[0]})
    request = refusing("nothing")

    def without_the_role(self: ProviderSession, service: str, where: str, operation: str, **arguments: Any) -> Any:
        if operation == "GetRole":
            raise AwsError("iam:GetRole", "NoSuchEntity", "not found")
        return request(self, service, where, operation, **arguments)

    monkeypatch.setattr(ProviderSession, "request", without_the_role)
    assert "role" not in provider.refresh(token, "p").outputs
    assert held(aws, "controllers") == []


@pytest.mark.usefixtures("roles")
def test_profile_deletion_removes_the_role_first(provider: Any, aws: Any) -> None:
    provider.up(token, "p", {"name": "controllers", "role": "first"})
    provider.destroy(token, "p")
    assert aws("iam").list_instance_profiles()["InstanceProfiles"] == []


def test_tags_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(token, "p", {"name": "controllers", "tags": {"a": "1", "b": "2"}})
    provider.up(token, "p", {"name": "controllers", "tags": {"b": "3"}})
    profile = aws("iam").get_instance_profile(InstanceProfileName="controllers")["InstanceProfile"]
    assert profile["Tags"] == [{"Key": "b", "Value": "3"}]


TestProfile = lifecycle(
    token,
    {"name": "controllers"},
    delete=lambda aws, _: aws("iam").delete_instance_profile(InstanceProfileName="controllers"),
    imported_by="controllers",
    replacing=({"name": "other"},),
)


# Entitlements: internal/service/accountaccess.


entitlement = "aws:accountaccess/entitlement:Entitlement"
entitlement_role = "arn:aws:iam::123456789012:role/shell-access/operators/ShellOperator-x"


@pytest.fixture
def given(aws: Any) -> dict[str, Any]:
    center = IdentityCenter(aws)
    aws("iam").create_role(RoleName="ShellOperator-x", Path="/shell-access/operators/", AssumeRolePolicyDocument="{}")
    return desired(center.application(), userId=center.user("olivia"))


def desired(application: str, **principal: str) -> dict[str, Any]:
    return {
        "applicationArn": application,
        "entitlement": {"principalRole": {"principal": {"identityCenter": principal}, "roleArn": entitlement_role}},
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
    assert iam_types._create_entitlement(aws, item) == "ent-1"
    with pytest.raises(AwsError, match="no such user"):
        iam_types._create_entitlement(aws, item)


TestEntitlement = lifecycle(
    entitlement,
    "given",
    delete=lambda aws, made: aws("account-access").delete_entitlement(
        applicationArn=made["applicationArn"], entitlementId=made.id
    ),
    imported_by="{applicationArn},{id}",
    replacing=({"entitlement": desired("", userId="another")["entitlement"]},),
    delete_first=False,
)


# Functions: data sources of sts and meta.


identity = "aws:index/getCallerIdentity:getCallerIdentity"
partition = "aws:index/getPartition:getPartition"


def test_caller(provider: Any) -> None:
    found = provider.invoke(identity)
    assert found["accountId"] == found["id"] == "123456789012"
    assert {"arn", "userId"} <= set(found)


def test_partition_needs_no_call(provider: Any) -> None:
    found = provider.invoke(partition)
    assert found == {
        "partition": "aws",
        "id": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


def test_unknown_argument_is_a_failure(provider: Any) -> None:
    with pytest.raises(Exception, match="ids: unknown property 'ids'; did you mean 'id'"):
        provider.invoke(identity, ids="1")
