"""Demonstration on a stack of the real engine, and the commands with its outputs."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from rich.console import Console

from components.approval.names import TAG_KEY
from local.demo import DemoError, play
from local.workspace import REPOSITORY
from operations.approval.session import workflow_of
from tests.support.stack import Stack

pytestmark = pytest.mark.engine


@pytest.mark.exhaustive
def test_demo_change_manager_grants_one_and_refuses_one(
    stack: Stack, aws: Callable[..., Any], aws_endpoint: str
) -> None:
    mode = "change-manager"  # `make demo` of a fresh clone plays the other one
    dev = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    stack.configure({"approval": {**dev["shell-access:approval"], "mode": mode}})
    stack.up().succeeded()
    workflow = workflow_of(stack.outputs())
    assert (str(workflow.mode), workflow.region) == (mode, "eu-west-1")
    console = Console(file=io.StringIO(), width=120)
    play(aws_endpoint, workflow, console)
    assert "each request, grant, refusal and end was published" in console.file.getvalue()
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    listed = stack.operate("status", "--json", caller="local")
    assert listed.returncode == 0, listed.stderr
    assert [each["state"] for each in json.loads(listed.stdout)["requests"]] == ["rejected", "ended"]
    aws("iam").tag_role(RoleName="Operator", Tags=[{"Key": TAG_KEY, "Value": "i-0123456789abcdef0"}])
    assert stack.operate("status", caller="local").returncode == 1
    with pytest.raises(DemoError, match=r"Not as expected: the tag .* is not set"):
        play(aws_endpoint, workflow, Console(file=io.StringIO()))
