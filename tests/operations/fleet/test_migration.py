"""From a StackSet's parameters to a fleet file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from operations.cli import app
from operations.fleet.fleet import load_fleet

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

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
def test_every_shape_of_parameters_makes_the_same_good_file(parameters: Any, migrate: Any, tmp_path: Path) -> None:
    result = migrate(parameters)
    assert result.exit_code == 0, result.output
    file = tmp_path / "fleet.yaml"
    file.write_text(result.stdout)
    fleet = load_fleet(file)
    assert [(each.account.id, each.regions) for each in fleet.accounts] == [
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


def test_what_the_published_template_does_by_itself_is_kept(migrate: Any) -> None:
    result = migrate({"S3Logging": "false"})
    section = yaml.safe_load(result.stdout)["defaults"]["shell-access:sessionManager"]
    assert (section["maxSessionDuration"], section["idleSessionTimeout"]) == (60, 20)
    assert section["cwLogGroupName"] == "ssm-sessionmanager-logs"


def test_every_wrong_parameter_is_named_at_once(migrate: Any) -> None:
    result = migrate({"S3Logging": "yes", "IdleSessionTimeout": "soon", "S3BuketName": "x"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[1:] == [
        "  S3BuketName: is no parameter of the post; did you mean s3BucketName?",
        '  S3Logging: "yes" given; allowed: true or false',
        '  IdleSessionTimeout: "soon" given; allowed: whole minutes',
    ]


@pytest.mark.parametrize("parameters", [[], {}, {"a": 1}, [{"Key": "a"}], "text", None], ids=str)
def test_what_holds_no_parameters_is_one_message(parameters: Any, migrate: Any) -> None:
    result = migrate(parameters)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Make it with: aws cloudformation describe-stack-set" in result.stderr


@pytest.mark.parametrize("instances", [{"Summaries": []}, {"Summaries": [{"Account": "1"}]}, ["x"]], ids=str)
def test_what_holds_no_instances_is_one_message(instances: Any, migrate: Any) -> None:
    result = migrate(POST, instances)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Make it with: aws cloudformation list-stack-instances" in result.stderr
