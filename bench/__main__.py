"""Benchmark tables: previews of a full stack against an empty program, slopes, AWS calls, growth of audit and planner.

The full stack is `Pulumi.bench.yaml` beside this file, so that `Pulumi.dev.yaml` can grow without changing the ratios.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

from bench.growth import growth_table
from bench.measure import Timing, cpu_ratio, ratio, side_by_side
from bench.terraform import PULUMI_PROGRAM, NotMeasuredError, Terraform
from local.emulator.seed import seed
from local.workspace import REPOSITORY, plugin_in_use
from tests.support.emulator import running_emulator
from tests.support.recorder import calls, reset_calls
from tests.support.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REGIONS = (
    *("eu-west-1", "us-east-1", "eu-central-1", "eu-west-2", "eu-west-3", "eu-north-1", "us-east-2", "us-west-1"),
    *("us-west-2", "ca-central-1", "sa-east-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1"),
    *("ap-northeast-2", "ap-northeast-3"),
)
REGION_COUNTS = (1, 4, 17)
RESOURCE_COUNTS = (1, 100)
POLICIES = REPOSITORY / "policies"
PACK = ("--policy-pack", str(POLICIES))
FULL_PACK = (*PACK, "--policy-pack-config", str(Path(__file__).with_name("policies.json")))
EMPTY = "an empty program"
FULL = "the full stack"
FULL_WITH_PACK = "the full stack, policy pack"
FULL_WITH_IDLE_PACK = "the full stack, a policy pack that checks nothing"
MIXED = "1,000 resources that are new"
MIXED_WITH_PACK = f"{MIXED}, policy pack"
MIXED_WITH_IDLE_PACK = f"{MIXED}, a policy pack that checks nothing"
SAME = "300 resources"
TERRAFORM = "the same through OpenTofu or Terraform"
REFRESHED = ", refreshed"
CONFIGURATION = Path(__file__).with_name("Pulumi.bench.yaml")
MIXED_PROGRAM = """import json
import pulumi_aws as aws
def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", **statement}})
read = policy({"Action": ["s3:GetObject", "ssm:GetParameter*"], "Resource": "arn:aws:s3:::app/*"})
trust = policy({"Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}})
key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
web = {"protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_blocks": ["10.0.0.0/8"]}
for number in range(200):
    aws.iam.Role(f"role-{number}", name=f"role-{number}", assume_role_policy=trust)
    aws.iam.RolePolicy(f"inline-{number}", role=f"role-{number}", policy=read)
    aws.cloudwatch.LogGroup(f"logs-{number}", name=f"logs-{number}", retention_in_days=365, kms_key_id=key)
    aws.ec2.SecurityGroup(f"group-{number}", name=f"group-{number}", vpc_id="vpc-1", ingress=[web])
    aws.ssm.Parameter(f"parameter-{number}", type="String", value="x")
"""
IDLE_PACK = {
    "PulumiPolicy.yaml": "description: Checks nothing\nversion: 0.0.1\nruntime: python\n",
    "__main__.py": """from pulumi_policy import PolicyPack, ResourceValidationPolicy
PolicyPack("idle", [ResourceValidationPolicy("nothing", "Checks nothing", lambda args, report: None)])
""",
}
"""Pack with the costs of any policy pack in Python: its start, and two calls of the engine per resource."""
PLAIN_PROGRAM = """import pulumi
from pulumi_aws.ssm import Parameter
for number in range(pulumi.Config().get_int("count") or 0):
    Parameter(f"parameter-{number}", type="String", insecure_value="x")
"""


def full_configuration() -> dict[str, Any]:
    """Return the sections of the full stack, without their namespace."""
    configuration = yaml.safe_load(CONFIGURATION.read_text())["config"]
    prefix = "shell-access:"
    return {key.removeprefix(prefix): value for key, value in configuration.items() if key.startswith(prefix)}


class Bench:
    """The measured stacks, all deployed to one local AWS."""

    def __init__(self, folder: Path, endpoint: str, console: Console) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._console = console
        self.full = self._stack("full", full_configuration())
        self.not_measured: dict[str, str] = {}
        """Reasons for measurements that are missing in the table."""

    def previews(self) -> dict[str, Callable[[], object]]:
        """Return the measured previews, which find nothing to change, by name."""
        empty = self._stack("empty", {}, self._program("empty", {"__main__.py": "import pulumi\n"}))
        idle_pack = ("--policy-pack", str(self._program("idle", IDLE_PACK)))
        actions = {
            EMPTY: _preview(empty),
            FULL: _preview(self.full),
            FULL_WITH_PACK: _preview(self.full, *FULL_PACK),
            FULL_WITH_IDLE_PACK: _preview(self.full, *idle_pack),
        }
        for count in REGION_COUNTS:
            # An account for each, so that the stacks do not share resources.
            role = {"roleArn": f"arn:aws:iam::{count:012d}:role/Deployer"}
            sections: dict[str, Any] = {"regions": list(REGIONS[:count]), "sessionManager": {}}
            actions[_regions(count)] = _preview(self._stack(f"regions-{count}", sections, assumeRoles=[role]))
        plain = self._program("plain", {"__main__.py": PLAIN_PROGRAM})
        for count in RESOURCE_COUNTS:
            actions[_plain(count)] = _preview(self._stack(f"plain-{count}", {"count": count}, plain))
        mixed = self._stack("mixed", {}, self._program("mixed", {"__main__.py": MIXED_PROGRAM}), is_new=True)
        actions[MIXED] = lambda: mixed.preview().succeeded()
        actions[MIXED_WITH_PACK] = lambda: mixed.preview(*PACK).succeeded()
        actions[MIXED_WITH_IDLE_PACK] = lambda: mixed.preview(*idle_pack).succeeded()
        return actions | self._same_resources()

    def _same_resources(self) -> dict[str, Callable[[], object]]:
        """Return previews of the same resources through Pulumi and through another command line, where there is one."""
        stack = self._stack("same", {}, self._program("same", {"__main__.py": PULUMI_PROGRAM}))
        actions = {SAME: _preview(stack), SAME + REFRESHED: _preview(stack, "--refresh")}
        folder = self._folder / "terraform"
        folder.mkdir()
        self._console.print("  bringing up the same with OpenTofu or Terraform ...", style="dim")
        try:
            terraform = Terraform(folder, stack.full_environment())
            plans = {
                f"the same, {terraform.version}": lambda: terraform.plan(refresh=False),
                f"the same, {terraform.version}{REFRESHED}": lambda: terraform.plan(refresh=True),
            }
            for plan in plans.values():
                plan()
        except NotMeasuredError as why:
            self.not_measured[TERRAFORM] = str(why)
            return actions
        return actions | plans

    def calls(self) -> dict[str, dict[str, int]]:
        """Return AWS calls by operation, for each command that changes nothing on the full stack."""
        runs = {"preview": self.full.preview, "up": self.full.up, "refresh": self.full.refresh}
        counted: dict[str, dict[str, int]] = {}
        for name, run in runs.items():
            reset_calls(self._endpoint)
            run("--expect-no-changes").succeeded()
            counted[name] = calls(self._endpoint)
        return counted

    def _program(self, name: str, files: Mapping[str, str]) -> Path:
        program = self._folder / f"{name}-program"
        program.mkdir()
        for file, content in files.items():
            (program / file).write_text(content)
        return program

    def _stack(
        self, name: str, sections: dict[str, Any], program: Path = REPOSITORY, *, is_new: bool = False, **aws: Any
    ) -> Stack:
        self._console.print(f"  bringing up {name} ...", style="dim")
        folder = self._folder / name
        folder.mkdir()
        made = Stack(folder, self._endpoint, program=program, warm=False)
        made.configure(sections, **aws)
        if not is_new:
            made.up().succeeded()
        return made


def _regions(count: int) -> str:
    return f"preferences, {count} Region{'s' if count > 1 else ''}"


def _plain(count: int) -> str:
    return f"{count} plain parameter{'s' if count > 1 else ''}"


def _preview(stack: Stack, *arguments: str) -> Callable[[], object]:
    return lambda: stack.preview("--expect-no-changes", *arguments).succeeded()


def _slope(timings: dict[str, Timing], name: Callable[[int], str], counts: tuple[int, ...]) -> float:
    """Return the cost of one more, in empty programs."""
    first, last = counts[0], counts[-1]
    more = ratio(timings[name(last)], timings[EMPTY]) - ratio(timings[name(first)], timings[EMPTY])
    return more / (last - first)


def _timing_table(timings: dict[str, Timing], not_measured: dict[str, str]) -> Table:
    title = f"Time; Pulumi's resources through {plugin_in_use()}"
    table = Table("preview of", "median s", "x empty program", "x its processor time", title=title)
    empty = timings[EMPTY]
    for name, timing in timings.items():
        table.add_row(name, f"{timing.median:.2f}", f"{ratio(timing, empty):.2f}", f"{cpu_ratio(timing, empty):.2f}")
    for name, why in not_measured.items():
        table.add_row(name, "", f"not measured: {why}", "")
    table.add_section()
    table.add_row("each further Region", "", f"{_slope(timings, _regions, REGION_COUNTS):.3f}")
    table.add_row("each further resource", "", f"{_slope(timings, _plain, RESOURCE_COUNTS):.4f}")
    for what, name in (("the policy pack", MIXED_WITH_PACK), ("a pack that checks nothing", MIXED_WITH_IDLE_PACK)):
        wall, cpu = ratio(timings[name], timings[MIXED]), cpu_ratio(timings[name], timings[MIXED])
        table.add_row(f"1,000 resources with {what}", "", f"{wall:.2f} of those without", f"{cpu:.2f}")
    return table


def _calls_table(counted: dict[str, dict[str, int]]) -> Table:
    table = Table(
        "run over the full stack",
        "AWS calls",
        "for the documents",
        "by service",
        title="AWS calls when nothing changes",
    )
    for run, found in counted.items():
        documents = sum(number for name, number in found.items() if name.endswith("Document"))
        services: Counter[str] = Counter()
        for name, number in found.items():
            services[name.partition(":")[0]] += number
        by_service = ", ".join(f"{name} {number}" for name, number in sorted(services.items()))
        table.add_row(run, str(sum(found.values())), str(documents), by_service)
    return table


def bench(rounds: Annotated[int, typer.Option(min=1, help="Counted runs of each preview.")] = 5) -> None:
    """Measure previews side by side and print the ratios."""
    progress, result = Console(stderr=True), Console()
    with tempfile.TemporaryDirectory() as folder, running_emulator() as emulator:
        seed(emulator.endpoint_url)
        made = Bench(Path(folder), emulator.endpoint_url, progress)
        counted = made.calls()
        previews = made.previews()
        progress.print(f"  measuring {len(previews)} previews, {rounds} rounds ...", style="dim")
        timings = side_by_side(previews, rounds)
    progress.print("  measuring growth ...", style="dim")
    growth = growth_table()
    result.print(_timing_table(timings, made.not_measured), _calls_table(counted), growth, sep="\n")


if __name__ == "__main__":
    typer.run(bench)
