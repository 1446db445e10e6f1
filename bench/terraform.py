"""The same 300 resources through Pulumi and through OpenTofu or Terraform, on one local AWS.

Measured where a command line is on PATH, the AWS provider is in a local mirror, and both start without a network.
Terraform runs the AWS provider itself, Pulumi its configured plugin: by default the stand-in, which responds faster.
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
"""Environment variable with the folder of the mirror: `<folder>/<registry>/hashicorp/aws/<version>/<platform>`."""

TOOLS: Final = ("tofu", "terraform")
COUNT: Final = 60
"""Number of resources of each of the five types."""

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
    """Measurement is not possible here; the message has the reason."""


class Terraform:
    """The resources, deployed to the local AWS."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Deploy the resources.

        Args:
            folder: Empty folder for configuration and state.
            environment: Variables with the local AWS and its credentials.

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
        """Return name and version of the command line, as it prints them."""
        return self._run("version").splitlines()[0]

    def plan(self, *, refresh: bool) -> None:
        """Plan, and expect no changes.

        Args:
            refresh: Whether to read every resource from AWS first.

        Raises:
            NotMeasuredError: The plan has changes or fails.
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
    """Yield folders with the AWS provider, and the registry that each mirrors."""
    named = os.environ.get(MIRROR)
    usual = [Path.home() / ".terraform.d" / "plugins", *Path("/usr/local/share").glob("*/plugins")]
    for folder in [Path(named)] if named else usual:
        for provider in sorted(folder.glob("registry.*/hashicorp/aws")):
            yield folder, provider.parent.parent.name
