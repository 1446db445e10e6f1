"""The same 300 resources through Pulumi and through OpenTofu or Terraform, on one local AWS.

Measured where a command line is on PATH, the AWS provider lies in a local mirror, and both start without a network.
Terraform runs the AWS provider itself, Pulumi the plugin that is in use: by default the stand-in, which answers faster.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MIRROR: Final = "BENCH_TERRAFORM_PLUGINS"
"""Environment variable that names the folder of the mirror: `<folder>/<registry>/hashicorp/aws/<version>/<platform>`."""

TOOLS: Final = ("tofu", "terraform")
COUNT: Final = 60
"""Resources of each of the five types."""

_RUN_SECONDS: Final = 600

PULUMI_PROGRAM: Final = f"""import json
from pulumi_aws import cloudwatch, ec2, iam, ssm
def policy(statement):
    return json.dumps({{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", **statement}}]}})
trust = policy({{"Action": "sts:AssumeRole", "Principal": {{"Service": "ec2.amazonaws.com"}}}})
read = policy({{"Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::app/*"}})
web = {{"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"]}}
for number in range({COUNT}):
    role = iam.Role(f"role-{{number}}", name=f"pulumi-role-{{number}}", assume_role_policy=trust)
    iam.RolePolicy(f"inline-{{number}}", name=f"inline-{{number}}", role=role.id, policy=read)
    cloudwatch.LogGroup(f"logs-{{number}}", name=f"pulumi-logs-{{number}}", retention_in_days=365)
    ec2.SecurityGroup(f"group-{{number}}", name=f"pulumi-group-{{number}}", description="bench", ingress=[web])
    ssm.Parameter(f"parameter-{{number}}", name=f"/pulumi/parameter-{{number}}", type="String", insecure_value="x")
"""

_CONFIGURATION: Final = """terraform {
  required_providers {
    aws = { source = "%(source)s" }
  }
}
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}
locals {
  trust = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }
  ] })
  read = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::app/*" }
  ] })
}
resource "aws_iam_role" "role" {
  count              = %(count)d
  name               = "terraform-role-${count.index}"
  assume_role_policy = local.trust
}
resource "aws_iam_role_policy" "inline" {
  count  = %(count)d
  name   = "inline-${count.index}"
  role   = aws_iam_role.role[count.index].id
  policy = local.read
}
resource "aws_cloudwatch_log_group" "logs" {
  count             = %(count)d
  name              = "terraform-logs-${count.index}"
  retention_in_days = 365
}
resource "aws_security_group" "group" {
  count       = %(count)d
  name        = "terraform-group-${count.index}"
  description = "bench"
  ingress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["10.0.0.0/8"]
  }
}
resource "aws_ssm_parameter" "parameter" {
  count          = %(count)d
  name           = "/terraform/parameter-${count.index}"
  type           = "String"
  insecure_value = "x"
}
"""


class NotMeasuredError(Exception):
    """Nothing can be measured here; the message says why."""


class Terraform:
    """The resources, up on the local AWS."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Bring the resources up.

        Args:
            folder: Empty folder for configuration and state.
            environment: Names the local AWS and its credentials.

        Raises:
            NotMeasuredError: There is no command line or provider, or they do not start.
        """
        tool = next(filter(None, map(shutil.which, TOOLS)), None)
        if tool is None:
            raise NotMeasuredError(f"neither {' nor '.join(TOOLS)} is on PATH")
        source = next(_sources(), None)
        if source is None:
            raise NotMeasuredError(f"no mirror with the AWS provider; name its folder with {MIRROR}")
        mirror, registry = source
        self._tool, self._folder = tool, folder
        settings = folder / "settings.tfrc"
        settings.touch()
        self._environment = {
            **os.environ,
            **environment,
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_IN_AUTOMATION": "1",
        }
        configuration = _CONFIGURATION % {"source": f"{registry}/hashicorp/aws", "count": COUNT}
        (folder / "main.tf").write_text(configuration)
        self._run("init", f"-plugin-dir={mirror}")
        self._run("apply", "-auto-approve")

    @property
    def version(self) -> str:
        """Name and version of the command line, as it prints them."""
        return self._run("version").splitlines()[0]

    def plan(self, *, refresh: bool) -> None:
        """Find that there is nothing to change.

        Args:
            refresh: Read every resource from AWS first.

        Raises:
            NotMeasuredError: There is something to change, or the plan fails.
        """
        self._run("plan", "-detailed-exitcode", f"-refresh={str(refresh).lower()}")

    def _run(self, command: str, *arguments: str) -> str:
        batch = () if command == "version" else ("-input=false", "-no-color")
        ran = subprocess.run(
            [self._tool, command, *batch, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_RUN_SECONDS,
        )
        if ran.returncode:
            said = " ".join((ran.stderr or ran.stdout).split())[:200]
            raise NotMeasuredError(f"{Path(self._tool).name} {command} ended with {ran.returncode}: {said}")
        return ran.stdout


def _sources() -> Iterator[tuple[Path, str]]:
    """Folders with the AWS provider, and the registry that each mirrors."""
    named = os.environ.get(MIRROR)
    usual = [Path.home() / ".terraform.d" / "plugins", *Path("/usr/local/share").glob("*/plugins")]
    for folder in [Path(named)] if named else usual:
        for provider in sorted(folder.glob("registry.*/hashicorp/aws")):
            yield folder, provider.parent.parent.name
