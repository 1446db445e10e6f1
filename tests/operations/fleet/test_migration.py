"""From a StackSet's parameters to a fleet file."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore.stub import Stubber
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from operations.cli import app
from operations.errors import UnusableError
from operations.fleet.fleet import load_fleet
from operations.fleet.migration import StackInstance, fleet_file_of, instances_of, read_stack_set

POST = {
    "S3Logging": "true",
    "S3BucketName": "org-session-logs",
    "S3KeyPrefix": "",
    "S3EncryptionEnabled": "false",
    "CreateCWLogGroup": "false",
    "CWLogGroupName": "central",
    "CWEncryptionEnabled": "true",
    "CWStreamingEnabled": "true",
    "SessionDataEncryption": "false",
    "RunAsEnabled": "true",
    "RunAsDefaultUser": "operator",
    "IdleSessionTimeout": "10",
    "MaxSessionDuration": "",
    "WinShellProfile": "",
    "LinuxShellProfile": "umask 077",
}
INSTANCES = [("009900990099", "us-east-1"), ("009900990099", "eu-west-1"), ("2" * 12, "eu-west-1")]


@pytest.fixture
def migrate(tmp_path: Path) -> Any:
    def run(parameters: Any, instances: Any = None) -> Result:
        files = {
            "parameters": parameters,
            "instances": instances or {"Summaries": [{"Account": a, "Region": r} for a, r in INSTANCES]},
        }
        arguments: list[str] = []
        for name, content in files.items():
            file = tmp_path / f"{name}.json"
            file.write_text(json.dumps(content))
            arguments += [f"--{name}", str(file)]
        return CliRunner().invoke(app, ["fleet", "migrate", *arguments])

    return run


def listed(parameters: dict[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


SHAPES = {
    "a list": listed(POST),
    "describe-stack-set": {"StackSet": {"Parameters": listed(POST)}},
    "a template configuration": {"Parameters": POST},
    "a mapping": POST,
}


@pytest.mark.parametrize("parameters", SHAPES.values(), ids=SHAPES)
def test_migrate_accepts_every_parameter_format(parameters: Any, migrate: Any, tmp_path: Path) -> None:
    result = migrate(parameters)
    assert result.exit_code == 0, result.output
    file = tmp_path / "fleet.yaml"
    file.write_text(result.stdout)
    fleet = load_fleet(file)
    assert [(each.account.id, each.regions) for each in fleet.stacks] == [
        ("009900990099", ("eu-west-1", "us-east-1")),
        ("2" * 12, ("eu-west-1",)),
    ]
    assert result.stdout.count("009900990099") == result.stdout.count('"009900990099"')
    assert yaml.safe_load(result.stdout)["defaults"]["shell-access:sessionManager"] == {
        "s3Logging": True,
        "s3BucketName": "org-session-logs",
        "s3KeyPrefix": "",
        "s3EncryptionEnabled": False,
        "createCwLogGroup": False,
        "cwLogGroupName": "central",
        "cwEncryptionEnabled": True,
        "cwStreamingEnabled": True,
        "sessionDataEncryption": False,
        "runAsEnabled": True,
        "runAsDefaultUser": "operator",
        "idleSessionTimeout": 10,
        "winShellProfile": "",
        "linuxShellProfile": "umask 077",
    }


def test_migrate_keeps_defaults_of_published_template(migrate: Any) -> None:
    result = migrate({"S3Logging": "false"})
    section = yaml.safe_load(result.stdout)["defaults"]["shell-access:sessionManager"]
    assert (section["maxSessionDuration"], section["idleSessionTimeout"]) == (60, 20)
    assert section["cwLogGroupName"] == "ssm-sessionmanager-logs"


def test_migrate_reports_all_wrong_parameters(migrate: Any) -> None:
    result = migrate({"S3Logging": "yes", "IdleSessionTimeout": "soon", "S3BuketName": "x"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[1:] == [
        "  S3BuketName: is not a parameter of the post; did you mean s3BucketName?",
        '  S3Logging: expected true or false, got "yes"',
        '  IdleSessionTimeout: expected whole minutes, got "soon"',
    ]


@pytest.mark.parametrize("parameters", [[], {}, {"a": 1}, [{"Key": "a"}], "text", None], ids=str)
def test_migrate_rejects_files_without_parameters(parameters: Any, migrate: Any) -> None:
    result = migrate(parameters)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Create it with: aws cloudformation describe-stack-set" in result.stderr


REFUSED = {
    "no bucket": ({"S3Logging": "true", "S3BucketName": ""}, "S3BucketName"),
    "idle too long": ({"IdleSessionTimeout": "90"}, "IdleSessionTimeout"),
    "no log group to stream to": (
        {"CreateCWLogGroup": "false", "CWLogGroupName": "", "CWStreamingEnabled": "true"},
        "CWStreamingEnabled",
    ),
    "digits of another script": ({"IdleSessionTimeout": "\u0662\u0660"}, "IdleSessionTimeout"),
    "given twice": (
        [{"ParameterKey": key, "ParameterValue": "true"} for key in ("S3Logging", "s3logging")],
        "s3logging",
    ),
}


@pytest.mark.parametrize(("parameters", "name"), REFUSED.values(), ids=REFUSED)
def test_migrate_names_parameter_that_plan_rejects(parameters: Any, name: str, migrate: Any) -> None:
    result = migrate(parameters)
    assert (result.exit_code, result.stdout) == (2, "")
    assert any(line.startswith(f"  {name}: ") for line in result.stderr.splitlines()), result.stderr


def test_migrate_rejects_parameter_without_value(migrate: Any) -> None:
    kept = {"ParameterKey": "S3BucketName", "UsePreviousValue": True}
    result = migrate([*listed({"S3Logging": "false"}), kept])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "S3BucketName: expected a ParameterValue, got none" in result.stderr


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-west-2", "aws")],
)
def test_migrate_uses_partition_of_regions(region: str, partition: str) -> None:
    text = fleet_file_of([], [StackInstance(account="1" * 12, region=region)]).text
    role = f"arn:{partition}:iam::{{accountId}}:role/ShellAccessDeployer"
    assert yaml.safe_load(text)["assumeRole"] == role


def summary(account: str, region: str, status: str = "SUCCEEDED") -> dict[str, Any]:
    return {
        "Account": account,
        "Region": region,
        "Status": "CURRENT" if status == "SUCCEEDED" else "OUTDATED",
        "StackInstanceStatus": {"DetailedStatus": status},
    }


def test_migrate_reports_omitted_instances(migrate: Any, tmp_path: Path) -> None:
    summaries = [
        summary("1" * 12, "eu-west-1"),
        summary("1" * 12, "us-east-1", "FAILED"),
        summary("2" * 12, "eu-west-1", "SKIPPED_SUSPENDED_ACCOUNT"),
        {"Account": "3" * 12, "Region": "eu-west-1", "Status": "INOPERABLE"},
        summary("4" * 12, "eu-west-1", "RUNNING"),
    ]
    result = migrate(POST, {"Summaries": summaries})
    assert result.exit_code == 0, result.output
    left_out = [
        f"{'1' * 12} us-east-1: the last operation on the instance failed",
        f"{'2' * 12} eu-west-1: the account is suspended",
        f"{'3' * 12} eu-west-1: the instance is inoperable",
    ]
    assert result.stderr.splitlines() == [f"Left out: {each}" for each in left_out]
    assert [line for line in result.stdout.splitlines() if "Left out" in line] == [
        f"# Left out: {each}" for each in left_out
    ]
    file = tmp_path / "fleet.yaml"
    file.write_text(result.stdout)
    assert {each.account.id: each.regions for each in load_fleet(file).stacks} == {
        "1" * 12: ("eu-west-1",),
        "4" * 12: ("eu-west-1",),
    }


def test_migrate_without_usable_instance_is_unusable(migrate: Any) -> None:
    result = migrate(POST, {"Summaries": [summary("2" * 12, "eu-west-1", "SKIPPED_SUSPENDED_ACCOUNT")]})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the account is suspended" in result.stderr


def pages(tmp_path: Path, *contents: dict[str, Any]) -> list[str]:
    arguments: list[str] = []
    for number, content in enumerate(contents):
        file = tmp_path / f"page-{number}.json"
        file.write_text(json.dumps(content))
        arguments += ["--instances", str(file)]
    parameters = tmp_path / "parameters.json"
    parameters.write_text(json.dumps(POST))
    return ["fleet", "migrate", "--parameters", str(parameters), *arguments]


def test_migrate_reads_all_pages_and_rejects_partial_list(tmp_path: Path) -> None:
    first = {"Summaries": [summary("1" * 12, "eu-west-1")], "NextToken": "more"}
    last = {"Summaries": [summary("2" * 12, "eu-west-1")]}
    whole = CliRunner().invoke(app, pages(tmp_path, first, last))
    assert whole.exit_code == 0, whole.output
    assert [each["id"] for each in yaml.safe_load(whole.stdout)["accounts"]["list"]] == ["1" * 12, "2" * 12]
    part = CliRunner().invoke(app, pages(tmp_path, first))
    assert (part.exit_code, part.stdout) == (2, "")
    assert "is not the last page" in part.stderr
    assert "--call-as DELEGATED_ADMIN" in part.stderr


def stubbed(call_as: str) -> Any:
    """CloudFormation with a StackSet of two pages of instances."""
    client = boto3.client("cloudformation", "eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    whose = {"StackSetName": "preferences", "CallAs": call_as}
    stubber = Stubber(client)
    stubber.add_response("describe_stack_set", {"StackSet": {"Parameters": listed(POST)}}, whose)
    pages_of = [[summary("1" * 12, "eu-west-1")], [summary("2" * 12, "eu-west-1", "FAILED")]]
    stubber.add_response("list_stack_instances", {"Summaries": pages_of[0], "NextToken": "more"}, whose)
    stubber.add_response("list_stack_instances", {"Summaries": pages_of[1]}, {**whose, "NextToken": "more"})
    stubber.activate()
    return client


@pytest.mark.parametrize("call_as", ["SELF", "DELEGATED_ADMIN"])
def test_read_stack_set_reads_all_pages(call_as: str) -> None:
    parameters, instances = read_stack_set(stubbed(call_as), "preferences", call_as)
    assert dict(parameters) == POST
    assert [(each.account, each.omission != "") for each in instances] == [("1" * 12, False), ("2" * 12, True)]


def test_read_stack_set_missing_is_unusable() -> None:
    client = boto3.client("cloudformation", "eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(client)
    stubber.add_client_error("describe_stack_set", "StackSetNotFoundException", "StackSet preferences not found")
    stubber.activate()
    with pytest.raises(UnusableError, match="--call-as DELEGATED_ADMIN"):
        read_stack_set(client, "preferences", "SELF")


def test_migrate_requires_files_or_stack_set() -> None:
    result = CliRunner().invoke(app, ["fleet", "migrate"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--stack-set" in result.stderr


_TEXTS = st.one_of(
    st.sampled_from(
        ["true", "false", "True", "", "0", "1", "20", "60", "61", "1440", "9999", "-1", " 5", "1_0", "soon"]
    ),
    st.sampled_from(["bucket", "org-session-logs", "Bad_Bucket", "a/b", "/aws/ssm", "yes", "null", "~", "0x1", "1e3"]),
    st.text(max_size=12),
)
_REGIONS = st.sampled_from(["eu-west-1", "us-east-1", "ap-southeast-2", "cn-north-1", "eu-nowhere-9", "EU-WEST-1", ""])
_SUMMARIES = st.lists(
    st.builds(
        summary,
        st.one_of(
            st.sampled_from(["1" * 12, "0" * 12, "009900990099"]), st.text("0123456789", min_size=12, max_size=12)
        ),
        _REGIONS,
        st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "SKIPPED_SUSPENDED_ACCOUNT", "PENDING"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from([*POST]), _TEXTS, max_size=5), _SUMMARIES)
def test_migrate_output_is_always_accepted_by_plan(
    tmp_path: Path, changes: dict[str, str], summaries: list[dict[str, Any]]
) -> None:
    try:
        made = fleet_file_of({**POST, **changes}.items(), instances_of(summaries))
    except UnusableError:
        return
    file = tmp_path / "fleet.yaml"
    file.write_text(made.text)
    fleet = load_fleet(file)
    deployed = {(each.account, each.region) for each in instances_of(summaries) if not each.omission}
    assert {(each.account.id, region) for each in fleet.stacks for region in each.regions} == deployed


@pytest.mark.parametrize("instances", [{"Summaries": []}, {"Summaries": [{"Account": "1"}]}, ["x"]], ids=str)
def test_migrate_rejects_files_without_instances(instances: Any, migrate: Any) -> None:
    result = migrate(POST, instances)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Create it with: aws cloudformation list-stack-instances" in result.stderr
