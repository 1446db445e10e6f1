"""Policies, roles and attachments (Terraform AWS provider: internal/service/iam)."""

import json
from typing import Any

import pytest

from local.aws_provider.aws import ProviderSession
from tests.local.aws_provider.conftest import refusals

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


@pytest.mark.parametrize("change", [{"description": "new"}, {"name": "m"}])
def test_policy_description_and_name_replace(provider: Any, change: dict[str, Any]) -> None:
    provider.up(policy, "p", {"name": "n", "description": "old", "policy": allow()})
    answer = provider.diff(policy, "p", {"name": "n", "description": "old", "policy": allow(), **change})
    assert list(answer.replaces) == list(change)
    assert answer.deleteBeforeReplace


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


def test_role_that_exists_is_an_error(provider: Any, aws: Any) -> None:
    aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    with pytest.raises(Exception, match="iam:CreateRole failed with EntityAlreadyExists"):
        provider.up(role, "r", {"name": "r", "assumeRolePolicy": trust})


def test_attachment_is_replaced_delete_first(provider: Any, aws: Any) -> None:
    one, two = (provider.up(policy, name, {"policy": allow()}).id for name in ("one", "two"))
    aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    made = provider.up(attachment, "a", {"role": "r", "policyArn": one})
    assert made.id == f"r/{one}"
    assert provider.unchanged(attachment, "a", {"role": "r", "policyArn": one})
    answer = provider.diff(attachment, "a", {"role": "r", "policyArn": two})
    assert list(answer.replaces) == ["policyArn"]
    assert answer.deleteBeforeReplace


def test_policy_detachment_is_read(provider: Any, aws: Any) -> None:
    arn = provider.up(policy, "p", {"policy": allow()}).id
    aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    provider.up(attachment, "a", {"role": "r", "policyArn": arn})
    aws("iam").detach_role_policy(RoleName="r", PolicyArn=arn)
    assert provider.refresh(attachment, "a") is None
    provider.destroy(attachment, "a")


def test_attachment_is_imported_by_role_and_arn(provider: Any, aws: Any) -> None:
    arn = provider.up(policy, "p", {"policy": allow()}).id
    aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    aws("iam").attach_role_policy(RoleName="r", PolicyArn=arn)
    assert provider.take_over(attachment, "a", f"r/{arn}").inputs["policyArn"] == arn


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
