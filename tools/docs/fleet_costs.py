"""docs/fleet-costs.md: the cost of a fleet, from the figures that `python -m bench.fleet` has measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bench.fleet import ACCOUNTS, CONCURRENCY, FLOOR, MEASURED, ONE, REGION_COUNTS, REGIONS, of_regions
from bench.simulation import AccountCost, Runner, fleet_seconds, runners_for
from tools.docs.markdown import table

if TYPE_CHECKING:
    from collections.abc import Mapping

Run = dict[str, Any]

_MOST: Final = REGION_COUNTS[-1]
_WAVES: Final = (1, 9, 90, 900)
_KINDS: Final = ("up, new", "up, nothing to do", "preview", "drift", "verify")
_RUNNER: Final = Runner(processors=4, engines=6)
_LARGE: Final = Runner(processors=16, engines=24)
_HOUR: Final = 3600

_PER_SECOND: Final = {
    "kms:CreateAlias": 5,
    "kms:CreateKey": 5,
    "kms:DescribeKey": 2000,
    "kms:EnableKeyRotation": 15,
    "kms:GetKeyPolicy": 1000,
    "kms:GetKeyRotationStatus": 1000,
    "kms:ListAliases": 500,
    "kms:ListResourceTags": 2000,
    "kms:PutKeyPolicy": 15,
    "kms:TagResource": 10,
    "kms:UpdateAlias": 5,
    "logs:CreateLogGroup": 10,
    "logs:DescribeLogGroups": 10,
    "logs:ListTagsForResource": 5,
    "logs:PutRetentionPolicy": 5,
    "logs:TagResource": 5,
    "logs:UntagResource": 5,
}
"""Published request rates per second of an account in one Region, by operation.

Sources, all default values: AWS Key Management Service Developer Guide, "Request quotas"; Amazon CloudWatch Logs User
Guide, "CloudWatch Logs service quotas".
"""

_INTRODUCTION = """<!-- Made by `make docs` from bench/fleet.json, which `python -m bench.fleet` writes. -->
# Costs of a fleet

Measured on two processors, shared with the local AWS and other load. Times are processor times of all processes of a
command; the ratios matter. The AWS plugin is the stand-in; the official one is another program. Memory is the sum over all
processes, with shared pages counted in each. Without `previewRole`: with it `drift` runs the program too, which was not measured.
"""

_AFTER_MEASURED = """
New stacks take the most. `verify` and `plan` start no engine: `plan` reads the history with one process per stack,
eight at a time, which takes about {plan:.0f} processor minutes for 1,000 stacks.
"""

_BEFORE_SIMULATED = """
Simulated from the processor seconds above (`bench/simulation.py`), with accounts that differ by a quarter, in
waves of {waves} accounts without pauses. A runner takes two minutes to start (checkout, packages, sign-in). A
call to AWS takes 0.1 s, with eight concurrent calls per account. A runner with 4 processors runs 6 engines at a
time (`concurrency: 6`), one with 16 runs 24; they need {small:.0f} and {large:.0f} GB of memory.
"""

_RATES = """
Rate quotas apply per account and Region, and every account has its own stack, so only the calls of one stack in one Region
count. AWS publishes those of KMS and CloudWatch Logs (`tools/docs/fleet_costs.py` names the pages). The last column is the share of one
second's quota that a whole run uses; a run that takes longer than that is not throttled:
"""

_SHARED = """
AWS publishes no rates for Systems Manager, IAM and STS; Service Quotas shows those of your account. The plugin and the
dynamic providers retry throttled calls: a stack becomes slower and does not fail.

All accounts share the account that the runners sign in to:

- **`sts:AssumeRole`**: {assume} calls for a new stack with {most} Regions, {assume_again} for one with nothing to do. With 10
  runners that all deploy new stacks: {rate:.0f} per second.
- **AWS Organizations**: every command lists the accounts: one page per 20 accounts of a unit, another call for the units
  below it, `ListParents` up to the root; with tags (in `discover` or in `waves`) one more call per account, with
  `organizationalUnits` anywhere except in `discover` one per listed account. That is {organization} calls for 1,000 accounts in
  20 units, and 1,000 more with tags. The service has low rate quotas, and throttles `ListParents` for organizations of a few
  hundred accounts if several commands run at the same time. Each job of a matrix makes these calls, so use few jobs with many
  accounts each, units instead of tags, or `list`, which needs no organization.
- **The state**: an S3 bucket supports 3,500 writes and 5,500 reads per second and prefix (Amazon S3 User Guide,
  "Best practices design patterns"), far more than {runners} runners need. A new stack writes its state after every
  resource.
"""

_STATE = """
The state of an account has {one:.0f} KB with one Region and {most_kb:.0f} KB with {most}: {total:.1f} GB for 1,000 accounts. Every
`up` adds a copy to `.pulumi/history` and one to `.pulumi/backups`, {added:.1f} GB for the whole fleet. Expire
`.pulumi/backups/` after a month with a lifecycle rule of the bucket. Keep the history: `plan` reads its newest page.
`PULUMI_DIY_BACKEND_GZIP=true` compresses all of it.
"""

_ADVICE = """
- **Waves**: a canary of one account, then 1 %, 10 %, and the rest, each with its `failureTolerance`. Each wave costs
  the time of its slowest account.
- **`concurrency`**: one and a half engines per processor, within the memory ({memory:.1f} GB per engine with {most} Regions).
- **Runners**: one machine with a few processors updates a thousand accounts within an hour or two. For shorter
  windows, use more runners, each for a wave or a large part of one (`--wave`, or `--account` repeatedly) rather than one
  account, as the start of a job takes longer than an account.
- **Nightly**: `drift` detects changes made outside of the stacks, `verify` compares live resources with the configuration.
  If only the preferences matter, `verify` alone detects the same at a fraction of the cost.
- **Pull requests**: only accounts whose settings changed are previewed. If the program changed, preview the
  canary and one account of each wave (`--account`), not all of them.
"""


def fleet_costs_page() -> str:
    """Return the whole page."""
    measured = json.loads(MEASURED.read_text())
    runs: dict[str, Run] = measured["runs"]
    costs = {kind: _cost(runs[f"{of_regions(_MOST)}: {kind}"]) for kind in _KINDS}
    return "\n".join(
        [
            _INTRODUCTION,
            f"## {len(ACCOUNTS)} accounts, {len(REGIONS)} Regions, {CONCURRENCY} at a time: measured\n",
            _measured(runs),
            _AFTER_MEASURED.format(plan=_plan_minutes(runs)),
            f"## 1,000 accounts, {_MOST} Regions: simulated",
            _BEFORE_SIMULATED.format(
                waves=", ".join(map(str, _WAVES)),
                small=_gigabytes(costs, _RUNNER),
                large=_gigabytes(costs, _LARGE),
            ),
            _simulated(costs),
            "\n## Calls and rate quotas",
            _RATES,
            _rates(runs[f"{of_regions(_MOST)}: up, new"]["calls"]),
            _shared(runs, costs),
            "## The state",
            _state({int(count): size for count, size in measured["stateBytes"].items()}),
            "## So",
            _ADVICE.format(memory=max(each.megabytes for each in costs.values()) / 1000, most=_MOST),
        ]
    )


def _cost(run: Run) -> AccountCost:
    return AccountCost(
        cpu_seconds=run["cpu_seconds"],
        megabytes=run["peak_megabytes"],
        aws_calls=sum(run["calls"].values()),
    )


def _measured(runs: Mapping[str, Run]) -> str:
    one, floor = runs[f"{ONE}: up, nothing to do"]["cpu_seconds"], runs[FLOOR]["cpu_seconds"]
    heading = ("run", "processor seconds", "x one stack", "x empty program", "peak MB", "AWS calls")
    rows = [
        (
            what,
            f"{run['cpu_seconds']:.1f}",
            f"{run['cpu_seconds'] / one:.1f}",
            f"{run['cpu_seconds'] / floor:.1f}",
            f"{run['peak_megabytes']:.0f}",
            str(sum(run["calls"].values())),
        )
        for what, run in runs.items()
    ]
    said = "One stack is `up` of one account with nothing to do; the empty program is previewed by `pulumi` itself."
    return f"{said}\n\n{table(heading, rows)}"


def _plan_minutes(runs: Mapping[str, Run]) -> float:
    """Return the minutes for 1,000 stacks, from the additional time of more stacks than one."""
    return (runs["plan"]["cpu_seconds"] - runs[f"{ONE}: plan"]["cpu_seconds"]) / (len(ACCOUNTS) - 1) * 1000 / 60


def _simulated(costs: Mapping[str, AccountCost]) -> str:
    heading = (
        "run",
        "1 runner, 4 processors",
        "1 runner, 16 processors",
        "10 runners, 4 processors",
        "runners for an hour",
    )
    rows = [
        (
            kind,
            _hours(fleet_seconds(_WAVES, cost, _RUNNER, 1)),
            _hours(fleet_seconds(_WAVES, cost, _LARGE, 1)),
            _hours(fleet_seconds(_WAVES, cost, _RUNNER, 10)),
            str(runners_for(_WAVES, cost, _RUNNER, _HOUR) or "more than 256"),
        )
        for kind, cost in costs.items()
    ]
    return table(heading, rows)


def _hours(seconds: float) -> str:
    return f"{seconds / _HOUR:.1f} h" if seconds >= _HOUR else f"{seconds / 60:.0f} min"


def _gigabytes(costs: Mapping[str, AccountCost], runner: Runner) -> float:
    return max(each.megabytes for each in costs.values()) * runner.engines / 1000


def _rates(calls: Mapping[str, int]) -> str:
    shares = {name: calls[name] / _MOST / allowed for name, allowed in _PER_SECOND.items() if name in calls}
    rows = [
        (f"`{name}`", f"{calls[name] / _MOST:.0f}", str(_PER_SECOND[name]), f"{share:.2f} s")
        for name, share in sorted(shares.items(), key=lambda each: -each[1])
        if share >= 0.1  # noqa: PLR2004 -- less is not worth a row
    ]
    return table(("operation", "calls of a new stack in a Region", "allowed a second", "takes"), rows)


def _shared(runs: Mapping[str, Run], costs: Mapping[str, AccountCost]) -> str:
    new, again = (runs[f"{of_regions(_MOST)}: {kind}"]["calls"]["sts:AssumeRole"] for kind in _KINDS[:2])
    runners = 10
    took = fleet_seconds(_WAVES, costs["up, new"], _RUNNER, runners)
    rate = new * sum(_WAVES) / took
    return _SHARED.format(
        assume=new, assume_again=again, most=_MOST, rate=rate, runners=runners, organization=2 + 20 + 1000 // 20
    )


def _state(sizes: Mapping[int, int]) -> str:
    most = sizes[_MOST]
    return _STATE.format(one=sizes[1] / 1e3, most_kb=most / 1e3, most=_MOST, total=most / 1e6, added=2 * most / 1e6)
