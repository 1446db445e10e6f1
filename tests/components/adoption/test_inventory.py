"""Every kind of resource with a fixed name is found with its owner; an access denial is never taken for absence."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.aws.failures import MalformedAnswerError
from components.adoption import governance
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import FixedName, described, find
from components.adoption.resource_kinds import MADE_HERE_TAG, Kind

Tags = dict[str, str]
Clients = "Callable[..., Any]"

REGION, OWNER = "eu-west-1", "organization/shell-access/alpha"
NAMES = {
    Kind.ALIAS: "alias/a",
    Kind.ASSOCIATION: "association",
    Kind.BUCKET: "bucket-of-the-trail",
    Kind.CONFIG_RULE: "rule",
    Kind.DOCUMENT: "Runbook",
    Kind.INSTANCE_PROFILE: "Profile",
    Kind.LOG_GROUP: "group",
    Kind.PARAMETER: "/parameter",
    Kind.POLICY: "arn:aws:iam::123456789012:policy/Policy",
    Kind.ROLE: "Role",
    Kind.SCHEDULE: "group/schedule",
    Kind.SCHEDULE_GROUP: "group",
    Kind.DATABASE: "records",
    Kind.TABLE: "records/events",
    Kind.TOPIC: "arn:aws:sns:eu-west-1:123456789012:topic",
    Kind.TRAIL: "trail",
    Kind.WORK_GROUP: "arn:aws:athena:eu-west-1:123456789012:workgroup/queries",
}
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:GetUser", "Resource": "*"}]}
)
RUNBOOK = json.dumps(
    {"schemaVersion": "0.3", "mainSteps": [{"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": "PT1M"}}]}
)


def listed(tags: Tags, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: each} for name, each in tags.items()]


def make_alias(client: Any, tags: Tags) -> None:
    key = client("kms").create_key(Tags=listed(tags, "TagKey", "TagValue"))["KeyMetadata"]["KeyId"]
    client("kms").create_alias(AliasName=NAMES[Kind.ALIAS], TargetKeyId=key)


def make_association(client: Any, tags: Tags) -> None:
    client("ssm").create_association(
        Name="AWS-UpdateSSMAgent",
        AssociationName=NAMES[Kind.ASSOCIATION],
        Targets=[{"Key": "InstanceIds", "Values": ["*"]}],
        ScheduleExpression="rate(14 days)",
        Tags=listed(tags),
    )


def make_bucket(client: Any, tags: Tags) -> None:
    name, placed = NAMES[Kind.BUCKET], {"LocationConstraint": REGION}
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=placed)
    if tags:
        client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": listed(tags)})


def make_config_rule(client: Any, tags: Tags) -> None:
    config = client("config")
    recorder = {"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config"}
    config.put_configuration_recorder(ConfigurationRecorder=recorder)
    rule = {
        "ConfigRuleName": NAMES[Kind.CONFIG_RULE],
        "Source": {"Owner": "AWS", "SourceIdentifier": "IAM_PASSWORD_POLICY"},
    }
    config.put_config_rule(ConfigRule=rule, Tags=listed(tags))


def make_schedule_group(client: Any, tags: Tags) -> None:
    client("scheduler").create_schedule_group(Name="group", Tags=listed(tags))


def make_database(client: Any, tags: Tags) -> None:
    client("glue").create_database(DatabaseInput={"Name": "records"}, Tags=tags)


def make_table(client: Any, tags: Tags) -> None:
    make_database(client, tags)
    client("glue").create_table(DatabaseName="records", TableInput={"Name": "events"})


def make_schedule(client: Any, tags: Tags) -> None:
    make_schedule_group(client, tags)
    client("scheduler").create_schedule(
        Name="schedule",
        GroupName="group",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:ssm:startAutomationExecution",
            "RoleArn": "arn:aws:iam::123456789012:role/r",
        },
    )


def make_trail(client: Any, tags: Tags) -> None:
    make_bucket(client, {})
    client("cloudtrail").create_trail(Name="trail", S3BucketName=NAMES[Kind.BUCKET], TagsList=listed(tags))


MAKERS: dict[Kind, Callable[[Any, Tags], Any]] = {
    Kind.ALIAS: make_alias,
    Kind.ASSOCIATION: make_association,
    Kind.BUCKET: make_bucket,
    Kind.CONFIG_RULE: make_config_rule,
    Kind.DOCUMENT: lambda client, tags: client("ssm").create_document(
        Name="Runbook", DocumentType="Automation", DocumentFormat="JSON", Content=RUNBOOK, Tags=listed(tags)
    ),
    Kind.INSTANCE_PROFILE: lambda client, tags: client("iam").create_instance_profile(
        InstanceProfileName="Profile", Tags=listed(tags)
    ),
    Kind.LOG_GROUP: lambda client, tags: client("logs").create_log_group(logGroupName="group", tags=tags),
    Kind.PARAMETER: lambda client, tags: client("ssm").put_parameter(
        Name="/parameter", Value="v", Type="String", Tags=listed(tags)
    ),
    Kind.POLICY: lambda client, tags: client("iam").create_policy(
        PolicyName="Policy", PolicyDocument=POLICY, Tags=listed(tags)
    ),
    Kind.ROLE: lambda client, tags: client("iam").create_role(
        RoleName="Role", AssumeRolePolicyDocument=POLICY, Tags=listed(tags)
    ),
    Kind.SCHEDULE: make_schedule,
    Kind.SCHEDULE_GROUP: make_schedule_group,
    Kind.DATABASE: make_database,
    Kind.TABLE: make_table,
    Kind.TOPIC: lambda client, tags: client("sns").create_topic(Name="topic", Tags=listed(tags)),
    Kind.TRAIL: make_trail,
    Kind.WORK_GROUP: lambda client, tags: client("athena").create_work_group(Name="queries", Tags=listed(tags)),
}


def test_every_kind_is_tried() -> None:
    assert NAMES.keys() == MAKERS.keys() == set(Kind)
    for kind in Kind:
        assert described(kind, REGION, NAMES[kind]) == str(FixedName(kind=kind, region=REGION, name=NAMES[kind]))


@pytest.mark.parametrize("kind", Kind)
def test_find_returns_owner_of_every_kind(kind: Kind, client: Callable[..., Any]) -> None:
    service = client(kind.service)
    assert find(kind, service, REGION, NAMES[kind]) is None
    MAKERS[kind](client, {OWNER_TAG: OWNER, "other": "x"})
    existing = find(kind, service, REGION, NAMES[kind])
    assert existing is not None
    assert (existing.owner, existing.made_here, existing.name) == (OWNER, False, NAMES[kind])
    assert existing.id


@pytest.mark.parametrize("kind", Kind)
def test_find_returns_no_owner_without_the_tag(kind: Kind, client: Callable[..., Any]) -> None:
    MAKERS[kind](client, {MADE_HERE_TAG: OWNER} if kind is not Kind.BUCKET else {})
    existing = find(kind, client(kind.service), REGION, NAMES[kind])
    assert existing is not None
    assert (existing.owner, existing.made_here) == (None, kind is not Kind.BUCKET)


class Denied:
    """A client whose principal is not authorized to do anything."""

    exceptions = SimpleNamespace(
        ClientError=ClientError,
        **{
            name: type(name, (Exception,), {})
            for name in (
                *("InvalidDocument", "InvalidResourceId", "NoSuchConfigRuleException", "NoSuchEntityException"),
                *("NotFoundException", "ResourceNotFoundException", "EntityNotFoundException"),
            )
        },
    )

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)

        return refuse


@pytest.mark.parametrize("kind", Kind)
def test_access_denial_is_not_absence(kind: Kind) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        find(kind, Denied(), REGION, NAMES[kind])


SECOND_READS = {
    Kind.ALIAS: ("ListResourceTags", "NotFoundException"),
    Kind.ASSOCIATION: ("ListTagsForResource", "InvalidResourceId"),
    Kind.CONFIG_RULE: ("ListTagsForResource", "NoSuchConfigRuleException"),
    Kind.DATABASE: ("GetTags", "EntityNotFoundException"),
    Kind.SCHEDULE: ("GetScheduleGroup", "ResourceNotFoundException"),
    Kind.SCHEDULE_GROUP: ("ListTagsForResource", "ResourceNotFoundException"),
    Kind.TABLE: ("GetDatabase", "EntityNotFoundException"),
}
"""Calls about a resource that was found before, with an error code that means absence in the call that finds it."""


@contextmanager
def answering(service: Any, operation: str, answer: dict[str, Any]) -> Iterator[None]:
    """Give an answer to an operation of a client, which all tests share."""
    response = SimpleNamespace(status_code=400 if "Error" in answer else 200, headers={})
    event = f"before-call.*.{operation}"

    def respond(**_: object) -> Any:
        return response, answer

    service.meta.events.register(event, respond)
    try:
        yield
    finally:
        service.meta.events.unregister(event, respond)


@pytest.mark.parametrize("kind", SECOND_READS)
def test_found_resource_is_not_absent_without_its_tags(kind: Kind, client: Callable[..., Any]) -> None:
    MAKERS[kind](client, {OWNER_TAG: OWNER})
    service = client(kind.service)
    operation, code = SECOND_READS[kind]
    with (
        answering(service, operation, {"Error": {"Code": code, "Message": "gone"}}),
        pytest.raises(ClientError, match=code),
    ):
        find(kind, service, REGION, NAMES[kind])


@pytest.mark.parametrize(
    ("kind", "operation", "empty"),
    [
        (Kind.CONFIG_RULE, "DescribeConfigRules", {"ConfigRules": []}),
        (Kind.TRAIL, "ListTags", {"ResourceTagList": []}),
        (Kind.ROLE, "GetRole", {"Role": {"Tags": [{"Value": "x"}]}}),
    ],
)
def test_odd_answer_about_a_found_resource_is_an_error(
    kind: Kind, operation: str, empty: dict[str, Any], client: Callable[..., Any]
) -> None:
    MAKERS[kind](client, {OWNER_TAG: OWNER})
    service = client(kind.service)
    with answering(service, operation, empty), pytest.raises((MalformedAnswerError, KeyError)):
        find(kind, service, REGION, NAMES[kind])


def test_alias_of_a_disabled_key_is_not_usable(client: Callable[..., Any]) -> None:
    make_alias(client, {OWNER_TAG: OWNER})
    kms = client("kms")
    found = find(Kind.ALIAS, kms, REGION, "alias/a")
    assert found is not None
    assert found.is_usable
    kms.disable_key(KeyId=found.id)
    disabled = find(Kind.ALIAS, kms, REGION, "alias/a")
    assert disabled is not None
    assert not disabled.is_usable


def test_record_names_its_owner_without_the_tag(client: Callable[..., Any]) -> None:
    arn = governance.policy_arn("aws", "123456789012")
    content = json.dumps(governance.policy_content(arn))
    iam = client("iam")
    iam.create_policy(
        PolicyName=governance.POLICY_NAME, PolicyDocument=content, Description=governance.policy_description(OWNER)
    )
    found = find(Kind.POLICY, iam, REGION, arn)
    assert found is not None
    assert found.owner == OWNER
    iam.tag_policy(PolicyArn=arn, Tags=listed({OWNER_TAG: "o/p/beta"}))
    tagged = find(Kind.POLICY, iam, REGION, arn)
    assert tagged is not None
    assert tagged.owner == "o/p/beta"
    assert governance.owner_in("Governed by another tool") is None
