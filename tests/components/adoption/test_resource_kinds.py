"""Names that are taken, against the local AWS: found, made, put back, left, removed."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from common.aws.answers import Answer
from common.aws.failures import MissingMemberError, ResourceError
from components.adoption import inventory
from components.adoption.resource_kinds import Found, Kind, ResourceAdapter, resource_adapter

TOPIC = "arn:aws:sns:eu-west-1:123456789012:requests"
NAMES = {Kind.ALIAS: "alias/a", Kind.LOG_GROUP: "group", Kind.PARAMETER: "/parameter", Kind.TOPIC: TOPIC}
ALLOW = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
TAGS = {"shell-access:owner": "organization/shell-access/prod", "shell-access:made-here": "x"}


class Named:
    """One name of a kind, and values that it may have."""

    def __init__(self, client: Callable[..., Any], kind: Kind) -> None:
        keys = [client("kms").create_key()["KeyMetadata"] for _ in range(2)]
        ids = [each["KeyId"] for each in keys]
        values = {
            Kind.ALIAS: ids,
            Kind.LOG_GROUP: [each["Arn"] for each in keys],
            Kind.PARAMETER: ["one", "two"],
            Kind.TOPIC: ids,
        }
        self.kind, self.values = kind, values[kind]
        self.holder: ResourceAdapter = resource_adapter(kind, client(kind.service), NAMES[kind])


@pytest.fixture(params=NAMES)
def named(request: pytest.FixtureRequest, client: Callable[..., Any]) -> Named:
    return Named(client, request.param)


def value(found: Found | None) -> str:
    """A topic's is its key and its policy."""
    assert found is not None
    return json.loads(found.value)["KmsMasterKeyId"] if found.value.startswith("{") else found.value


def test_what_is_made_is_found(named: Named) -> None:
    assert named.holder.find() is None
    assert named.holder.make(named.values[0], TAGS)
    assert value(named.holder.find()) == named.values[0]


def test_what_is_there_is_not_made_again(named: Named) -> None:
    named.holder.make(named.values[0], TAGS)
    assert not named.holder.make(named.values[1], TAGS)
    assert value(named.holder.find()) == named.values[0]


def test_what_goes_is_gone_and_may_be_gone_already(named: Named) -> None:
    named.holder.make(named.values[0], TAGS)
    for _ in range(2):
        named.holder.remove(named.values[0])
        assert named.holder.find() is None


def test_earlier_value_is_put_back(named: Named) -> None:
    named.holder.make(named.values[0], TAGS)
    before = named.holder.find()
    assert before is not None
    changed = before.value.replace(named.values[0], named.values[1])
    named.holder.restore(changed)
    assert value(named.holder.find()) == named.values[1]
    named.holder.restore(before.value)
    assert value(named.holder.find()) == named.values[0]


def test_log_group_without_a_key_has_none_again(client: Callable[..., Any]) -> None:
    logs = client("logs")
    group = resource_adapter(Kind.LOG_GROUP, logs, "group")
    group.make(client("kms").create_key()["KeyMetadata"]["Arn"], TAGS)
    group.restore("")
    assert value(group.find()) == ""


def test_topic_has_its_policy_again(client: Callable[..., Any]) -> None:
    sns = client("sns")
    topic = resource_adapter(Kind.TOPIC, sns, TOPIC)
    topic.make("", TAGS)
    theirs = json.dumps({"Version": "2012-10-17", "Statement": []})
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=theirs)
    before = topic.find()
    assert before is not None
    ours = json.dumps({"Version": "2012-10-17", "Id": "ours", "Statement": []})
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=ours)
    topic.restore(before.value)
    assert json.loads(sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["Policy"]) == json.loads(theirs)


def live_tags(client: Callable[..., Any], named: Named) -> dict[str, str]:
    existing = inventory.find(named.kind, client(named.kind.service), "eu-west-1", NAMES[named.kind])
    assert existing is not None
    return {"owner": existing.owner or "", "made-here": "x" if existing.made_here else ""}


def test_retag_sets_and_removes_tags(named: Named, client: Callable[..., Any]) -> None:
    named.holder.make(named.values[0], {} if named.kind is Kind.ALIAS else {"shell-access:owner": "o/p/s"})
    for _ in range(2):
        named.holder.retag(named.values[0], {"shell-access:made-here": "o/p/s"}, removed=["shell-access:owner"])
        assert live_tags(client, named) == {"owner": "", "made-here": "x"}
    named.holder.retag(named.values[0], {}, removed=["shell-access:made-here"])
    assert live_tags(client, named) == {"owner": "", "made-here": ""}


def test_alias_moved_by_others_is_neither_tagged_nor_removed(client: Callable[..., Any]) -> None:
    kms = client("kms")
    ours, theirs = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    alias = resource_adapter(Kind.ALIAS, kms, "alias/a")
    alias.make(ours, TAGS)
    kms.update_alias(AliasName="alias/a", TargetKeyId=theirs)
    alias.retag(ours, TAGS, removed=["x"])
    alias.remove(ours)
    assert value(alias.find()) == theirs
    assert kms.list_resource_tags(KeyId=theirs)["Tags"] == []


def test_parameter_that_cannot_be_restored_is_refused(client: Callable[..., Any]) -> None:
    client("ssm").put_parameter(Name="/parameter", Value="secret", Type="SecureString")
    with pytest.raises(ResourceError, match="/parameter exists and is a SecureString, not a String"):
        resource_adapter(Kind.PARAMETER, client("ssm"), "/parameter").find()


def test_topic_without_policy_is_no_answer() -> None:
    """A destroy would restore an empty one."""
    attributes = Answer({"KmsMasterKeyId": "k"}, "GetTopicAttributes")
    sns = SimpleNamespace(
        exceptions=SimpleNamespace(NotFoundException=KeyboardInterrupt),
        get_topic_attributes=lambda **_: {"Attributes": attributes},
    )
    with pytest.raises(MissingMemberError, match="no Policy"):
        resource_adapter(Kind.TOPIC, sns, TOPIC).find()


def test_log_group_with_a_longer_name_is_not_found(client: Callable[..., Any]) -> None:
    client("logs").create_log_group(logGroupName="group")
    client("logs").create_log_group(logGroupName="group-of-others")
    found = resource_adapter(Kind.LOG_GROUP, client("logs"), "group").find()
    assert found is not None
    assert found.value == ""


def test_alias_whose_earlier_key_is_lost_goes(client: Callable[..., Any]) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    alias = resource_adapter(Kind.ALIAS, kms, "alias/a")
    alias.make(key, TAGS)
    alias.restore("1234abcd-12ab-34cd-56ef-1234567890ab")
    assert alias.find() is None


POLICY = "arn:aws:iam::123456789012:policy/Node"
MADE_OF = json.dumps(
    {"PolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]}), "Description": "d"}
)


def test_policy_is_made_found_and_removed_with_all_its_versions(client: Callable[..., Any]) -> None:
    iam = client("iam")
    policy = resource_adapter(Kind.POLICY, iam, POLICY)
    assert policy.find() is None
    assert policy.make(MADE_OF, TAGS)
    assert not policy.make(MADE_OF, TAGS)
    found = policy.find()
    assert found is not None
    assert iam.get_policy(PolicyArn=POLICY)["Policy"]["Description"] == "d"
    document = json.loads(MADE_OF)["PolicyDocument"]
    iam.create_policy_version(PolicyArn=POLICY, PolicyDocument=document, SetAsDefault=True)
    for _ in range(2):
        policy.remove(MADE_OF)
        assert policy.find() is None


def test_policy_goes_from_roles_that_no_state_knows_too(
    client: Callable[..., Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = client("iam")
    policy = resource_adapter(Kind.POLICY, iam, POLICY)
    policy.make(MADE_OF, TAGS)
    for role in ("Web", "App"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
        iam.attach_role_policy(RoleName=role, PolicyArn=POLICY)
    detach = iam.detach_role_policy

    def detach_late(**named: str) -> None:
        """Detach the policy after another principal has."""
        detach(**named)
        detach(**named)

    monkeypatch.setattr(iam, "detach_role_policy", detach_late)
    policy.remove("")
    assert policy.find() is None
    assert iam.list_attached_role_policies(RoleName="Web")["AttachedPolicies"] == []
    assert f"The policy {POLICY} is deleted, and detached from the roles App, Web." in capsys.readouterr().err
