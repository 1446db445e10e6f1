"""Setup of the process that runs the program, tried in processes of its own."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def answer(program: str, **environment: str) -> Any:
    """Return the output of a prepared process."""
    prepared = f"import gc, json, sys\nfrom components.startup import prepare_process\nprepare_process()\n{program}"
    ran = subprocess.run(
        [sys.executable, "-c", prepared],
        cwd=REPOSITORY,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(ran.stdout)


def test_prepared_process_imports_only_used_modules() -> None:
    found = answer(
        """
from pulumi_aws.ec2 import Instance, InstanceMetadataOptionsArgs, SecurityGroup, SecurityGroupArgs, get_ami
from pulumi_aws.vpc import SecurityGroupIngressRule
import pulumi_aws
whole = [name for name in ("vpc_ipam", "get_vpc", "transit_gateway") if f"pulumi_aws.ec2.{name}" in sys.modules]
print(json.dumps([
    [each.__module__ for each in (Instance, InstanceMetadataOptionsArgs, SecurityGroup, SecurityGroupArgs, get_ami)],
    pulumi_aws.ec2.SecurityGroup is SecurityGroup, pulumi_aws.vpc.SecurityGroupIngressRule is SecurityGroupIngressRule,
    callable(pulumi_aws.ec2.get_vpc), whole, gc.isenabled(),
]))
"""
    )
    modules = ("instance", "_inputs", "security_group", "security_group", "get_ami")
    assert found == [[f"pulumi_aws.ec2.{each}" for each in modules], True, True, True, [], False]


def test_names_of_other_modules_load_the_whole_package() -> None:
    found = answer(
        """
from pulumi_aws.ec2 import Tenancy
from pulumi_aws import ec2
import pulumi_aws.ec2.vpc_ipam
try:
    from pulumi_aws.ec2 import NoSuchResource
except ImportError as missing:
    print(json.dumps([Tenancy.DEFAULT.value, str(missing).partition(" (")[0], ec2.Vpc.__name__, hasattr(ec2, "nothing")]))
"""
    )
    assert found == ["default", "cannot import name 'NoSuchResource' from 'pulumi_aws.ec2'", "Vpc", False]


@pytest.mark.parametrize(("value", "sent"), [("", []), ("true", ["a message"])])
def test_debug_messages_are_kept_on_request(value: str, sent: list[str]) -> None:
    program = """
import pulumi
sent = []
pulumi.log._log = lambda _engine, _severity, message, *_: sent.append(message)
pulumi.log.get_engine = lambda: object()
pulumi.log.debug("a message")
pulumi.log.warn("a warning")
print(json.dumps(sent))
"""
    assert answer(program, SHELL_ACCESS_DEBUG_MESSAGES=value) == [*sent, "a warning"]


def test_components_import_no_package_of_absent_parts() -> None:
    found = answer(
        """
import components.approval.component, components.domain_controllers.component
packages = {name.split(".")[1] for name in sys.modules if name.startswith("pulumi_aws.") and name.endswith("._inputs")}
print(json.dumps(sorted(packages & {"athena", "ec2", "glue", "ram", "route53"})))
"""
    )
    assert found == ["ec2"]


def test_program_is_prepared_before_its_imports() -> None:
    first, *others = [
        each
        for each in ast.parse((REPOSITORY / "__main__.py").read_text()).body
        if not ast.get_docstring(ast.Module([each], []))
    ]
    assert [ast.unparse(each) for each in (first, others[0])] == [
        "from components.startup import prepare_process",
        "prepare_process()",
    ]
