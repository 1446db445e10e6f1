"""The fixed names that are looked up are just those that the example stacks register."""

from typing import Any, Final

import pytest
import yaml

from components.account import Account
from components.adoption.resource_kinds import Kind
from components.preflight.ownership import fixed_names
from components.session_manager.document import DOCUMENT_NAME
from components.settings import Settings
from local.workspace import REPOSITORY
from tests.components.just_in_time.examples import approval, manual

ACCOUNT = "123456789012"
NAMED: Final = {
    "aws:athena/workgroup:Workgroup": Kind.WORK_GROUP,
    "aws:cfg/rule:Rule": Kind.CONFIG_RULE,
    "aws:cloudtrail/trail:Trail": Kind.TRAIL,
    "aws:cloudwatch/logGroup:LogGroup": Kind.LOG_GROUP,
    "aws:glue/catalogDatabase:CatalogDatabase": Kind.DATABASE,
    "aws:glue/catalogTable:CatalogTable": Kind.TABLE,
    "aws:iam/instanceProfile:InstanceProfile": Kind.INSTANCE_PROFILE,
    "aws:iam/policy:Policy": Kind.POLICY,
    "aws:iam/role:Role": Kind.ROLE,
    "aws:kms/alias:Alias": Kind.ALIAS,
    "aws:s3/bucket:Bucket": Kind.BUCKET,
    "aws:scheduler/schedule:Schedule": Kind.SCHEDULE,
    "aws:scheduler/scheduleGroup:ScheduleGroup": Kind.SCHEDULE_GROUP,
    "aws:sns/topic:Topic": Kind.TOPIC,
    "aws:ssm/association:Association": Kind.ASSOCIATION,
    "aws:ssm/parameter:Parameter": Kind.PARAMETER,
    "pulumi-python:dynamic/ssm:Document": Kind.DOCUMENT,
    "pulumi-python:dynamic/ssm:SessionPreferences": Kind.DOCUMENT,
}
PARENT_OWNED: Final = frozenset(
    {
        *("aws:cfg/remediationConfiguration:RemediationConfiguration", "aws:cloudwatch/eventTarget:EventTarget"),
        *(
            "aws:cloudwatch/eventRule:EventRule",
            "aws:cloudwatch/logMetricFilter:LogMetricFilter",
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            "aws:iam/rolePolicy:RolePolicy",
        ),
        *("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:s3/bucketPolicy:BucketPolicy"),
        *("aws:iam/userPolicyAttachment:UserPolicyAttachment", "aws:s3/bucketVersioning:BucketVersioning"),
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        *("aws:sns/topicPolicy:TopicPolicy", "aws:sns/topicSubscription:TopicSubscription"),
        "pulumi-python:dynamic/ec2:PriorNetworkAcl",
        *("pulumi-python:dynamic/iam:OperatorGrants", "pulumi-python:dynamic/shellaccess:AdoptedResource"),
        *("pulumi-python:dynamic/ssm:PriorServiceSetting", "pulumi-python:dynamic/ssm:ServiceSetting"),
        *("pulumi-python:dynamic/shellaccess:GoverningStack", "pulumi-python:dynamic/shellaccess:ReleaseGuard"),
        *(
            "pulumi-python:dynamic/shellaccess:CisScanConfiguration",
            "pulumi-python:dynamic/shellaccess:DetectionService",
        ),
    }
)
"""Belong to a parent, or are the stack's own record."""
NAMED_BY_AWS: Final = (
    *("aws:athena/namedQuery:", "aws:ebs/", "aws:ec2/", "aws:kms/key:", "aws:ram/", "aws:route53/", "aws:vpc/"),
    # AWS takes several with one name; `verify` reports them.
    *("aws:ssm/maintenanceWindow", "aws:ssm/patchBaseline:", "aws:ssm/patchGroup:"),
)


def registered(name: str) -> set[tuple[Kind, str, str]]:
    found: set[tuple[Kind, str, str]] = set()
    for each in yaml.safe_load((REPOSITORY / f"tests/golden/stacks/{name}.yaml").read_text()):
        kind, inputs = NAMED.get(each["type"]), each.get("inputs", {})
        if kind is None:
            known = each["type"] in PARENT_OWNED or each["type"].startswith((*NAMED_BY_AWS, "pulumi:", "shell-access:"))
            assert known, f"{each['type']} has a fixed name, or belongs to a parent: which?"
            continue
        found.add(
            (
                kind,
                "" if kind in {Kind.ROLE, Kind.POLICY, Kind.INSTANCE_PROFILE} else inputs["region"],
                _name(kind, inputs),
            )
        )
    return found


def _name(kind: Kind, inputs: dict[str, Any]) -> str:
    name = inputs.get("associationName") or inputs.get("bucket") or inputs.get("name") or DOCUMENT_NAME
    match kind:
        case Kind.POLICY:
            return f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        case Kind.TOPIC:
            return f"arn:aws:sns:{inputs['region']}:{ACCOUNT}:{name}"
        case Kind.WORK_GROUP:
            return f"arn:aws:athena:{inputs['region']}:{ACCOUNT}:workgroup/{name}"
        case Kind.SCHEDULE:
            return f"{inputs['groupName']}/{name}"
        case Kind.TABLE:
            return f"{inputs['databaseName']}/{name}"
        case _:
            return name


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_fixed_names_are_those_that_are_registered(name: str) -> None:
    configuration = yaml.safe_load((REPOSITORY / f"Pulumi.{name}.yaml").read_text())["config"]
    settings = Settings.load(configuration)
    found = fixed_names(settings, Account(id=ACCOUNT, partition="aws"), "eu-west-1" if settings.nodes else "")
    looked_up = {
        (each.kind, "" if each.kind in {Kind.ROLE, Kind.POLICY, Kind.INSTANCE_PROFILE} else each.region, each.name)
        for each in found
    }
    assert looked_up == registered(name)
    assert len(found) == len(looked_up), "no name is looked up twice"


@pytest.mark.parametrize("section", ["sessionManager", "approval", "nodes", "domainControllers"])
def test_take_over_of_a_section_is_its_own(section: str) -> None:
    configuration = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    key = f"shell-access:{section}"
    if section == "domainControllers":
        configuration |= {"shell-access:takeOver": True}
    else:
        configuration |= {key: {**configuration[key], "takeOver": True}}
    settings = Settings.load(configuration)
    assert settings.takes_over_account
    taken = {
        each.path[0]
        for each in fixed_names(settings, Account(id=ACCOUNT, partition="aws"), "eu-west-1")
        if each.take_over
    }
    every = {"sessionManager", "approval", "nodes", "domainControllers"}
    assert taken == (every if section == "domainControllers" else {section})


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_names_that_the_provider_creates_are_not_adopted(name: str) -> None:
    config = yaml.safe_load((REPOSITORY / f"Pulumi.{name}.yaml").read_text())["config"]
    found = fixed_names(Settings.load(config), Account(id=ACCOUNT, partition="aws"), "eu-west-1")
    created = {
        Kind.BUCKET,
        Kind.DATABASE,
        Kind.TABLE,
        Kind.INSTANCE_PROFILE,
        Kind.ROLE,
        Kind.SCHEDULE,
        Kind.SCHEDULE_GROUP,
        Kind.TRAIL,
    }
    assert {each.kind for each in found if each.kind in created and each.is_adopted} == set()
    assert all(each.is_adopted for each in found if each.kind is Kind.ALIAS)
    alerts = [each for each in found if each.name.endswith(":shell-access-domain-controllers")]
    assert not any(each.is_adopted for each in alerts)


def test_export_alone_has_the_names_of_the_export() -> None:
    section: dict[str, Any] = {**approval([manual()]), "evidence": {}, "takeOver": True}
    settings = Settings.load({"aws:region": "eu-west-1", "shell-access:approval": section})
    found = [each for each in fixed_names(settings, Account(id=ACCOUNT, partition="aws")) if each.path == ("approval",)]
    assert {each.name.rpartition("/")[2] for each in found if each.kind in {Kind.ROLE, Kind.BUCKET, Kind.SCHEDULE}} == {
        "ShellAccessEvidenceExport",
        "ShellAccessEvidenceSchedule",
        "export-session-evidence",
        f"shell-access-evidence-{ACCOUNT}-eu-west-1",
    }
    assert not [each for each in found if each.kind is Kind.POLICY]
    assert all(each.take_over for each in found)
