"""docs/fleet-costs.md: the cost of a fleet, from the figures that `python -m bench.fleet` has measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bench.fleet import ACCOUNTS, CONCURRENCY, FLOOR, MEASURED, ONE, REGION_COUNTS, REGIONS, of_regions
from bench.quotas import PER_SECOND
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

_INTRODUCTION = """<!-- Made by `make docs` from bench/fleet.json, which `python -m bench.fleet` writes. -->
# What a fleet costs

Measured on two processors that the engines share with the local AWS and with whatever else the machine had to do, which
was much: so times here are processor time, of all processes of a command together, and what counts are the ratios. The
AWS plugin is the stand-in; the real one is another program. Memory is the sum over all processes, pages that they share
counted in each. Without `previewRole`: with it `drift` runs the program too, which was not measured.
"""

_AFTER_MEASURED = """
What is new takes the most. `verify` starts no engine, and neither does `plan`: one process a stack reads its history,
eight at a time, which for 1,000 stacks takes some {plan:.0f} minutes of a processor.
"""

_BEFORE_SIMULATED = """
Simulated from the processor seconds above (`bench/simulation.py`), accounts differing by a quarter among each other, in
waves of {waves} accounts without pauses. A runner takes two minutes to begin (checkout, packages, sign-in). A
call to AWS takes 0.1 s, and eight of an account are under way at a time. A runner with 4 processors runs 6 engines at a
time (`concurrency: 6`), one with 16 runs 24; that takes {small:.0f} and {large:.0f} GB of memory.
"""

_RATES = """
Rates hold for one account and Region, and every account has a stack of its own: what one stack does in one Region is all
that counts there. Published are those of KMS and CloudWatch Logs (`bench/quotas.py` names the pages); the last column is
how much of a second's allowance one whole run takes, so nothing is slowed down while a stack takes longer than that:
"""

_SHARED = """
For Systems Manager, IAM and STS there is nothing here to compare with; Service Quotas shows yours. A call that AWS
refuses for its rate is repeated, by the plugin as by the dynamic providers: a stack gets slower and does not fail.

What all accounts share is the account that the runners sign in to:

- **`sts:AssumeRole`**: {assume} calls for a new stack with {most} Regions, {assume_again} for one with nothing to do. With 10
  runners that are all bringing up new stacks, {rate:.0f} a second.
- **AWS Organizations**: every command asks anew: a page for every 20 accounts of a unit, another call for the units
  below it, `ListParents` up to the root; with tags (in `discover` or in `waves`) one call an account more, with
  `organizationalUnits` anywhere but in `discover` one for each listed account. That is {organization} calls for 1,000 accounts in
  20 units, and 1,000 more with tags. The service is a slow one, and refuses `ListParents` to organizations of a few
  hundred accounts already when several ask at the same time. As each job of a matrix asks too, take few jobs with many
  accounts each, no tags where units do, or `list`, which needs no organization at all.
- **The state**: an S3 bucket takes 3,500 writes and 5,500 reads a second for each prefix (Amazon S3 User Guide,
  "Best practices design patterns"), far from what {runners} runners do. A new stack writes its state after every
  resource.
"""

_STATE = """
One account's state has {one:.0f} KB with one Region and {most_kb:.0f} KB with {most}, so 1,000 accounts have {total:.1f} GB. Every
`up` leaves a copy in `.pulumi/history` and one in `.pulumi/backups`, {added:.1f} GB for the whole fleet: let a lifecycle
rule of the bucket expire `.pulumi/backups/` after a month. `plan` reads the newest page of each history, so keep the
history; `PULUMI_DIY_BACKEND_GZIP=true` makes all of it smaller.
"""

_ADVICE = """
- **Waves**: a canary of one account, then 1 %, 10 %, and the rest, each with its `failureTolerance`. Waves cost little:
  the time of a wave's slowest account each.
- **`concurrency`**: one and a half engines a processor, as long as memory lasts ({memory:.1f} GB an engine with {most} Regions).
- **Runners**: one machine with a few processors does a thousand accounts within an hour or two. More are for shorter
  windows: then give a job a wave or a good part of one (`--wave`, or `--account` as often as needed) rather than one
  account, as every job pays for its beginning, which takes longer than the account.
- **Nightly**: `drift` for what somebody changed behind the stacks' back, `verify` for whether what is live is as asked.
  Where only the preferences matter, `verify` alone tells of the same for a fraction of it.
- **Pull requests**: only the accounts whose settings changed are previewed; where the program changed, preview the
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
            "\n## Calls, against what AWS allows",
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
    shares = {name: calls[name] / _MOST / allowed for name, allowed in PER_SECOND.items() if name in calls}
    rows = [
        (f"`{name}`", f"{calls[name] / _MOST:.0f}", str(PER_SECOND[name]), f"{share:.2f} s")
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
