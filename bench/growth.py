"""Processor time and memory by the size of the input, each size in a process of its own: `python -m bench.growth`.

Audits, plans for domain controllers, and reports about sessions.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from ipaddress import ip_network
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from common.iam.principals import read_account
from common.problems import SettingsError
from components.domain_controllers.site_plan import SiteNetworks, plan_sites
from components.settings import Settings
from operations.audit.assessment import assess
from operations.audit.audit_context import AuditContext
from operations.audit.protected import Protected
from operations.evidence.exported import read_exported
from operations.evidence.findings import Context
from operations.evidence.report import report
from tests.support.evidence_year import BEGIN, made_up, person_of, write_export

if TYPE_CHECKING:
    from collections.abc import Callable


_ACCOUNT = "111122223333"
_ARN = f"arn:aws:iam::{_ACCOUNT}"
_NAMED = 20
"""Number of principals that each trust policy names."""


def account(size: int) -> dict[str, Any]:
    """Return the IAM details of an account with this many principals, half users and half roles, and dense role trust."""
    half = size // 2
    users = [_principal("User", f"u{number}", f"{_ARN}:role/r{number % 70}*") for number in range(half)]
    roles = [_principal("Role", f"r{number}", f"{_ARN}:role/r{number % 50}*") for number in range(half)]
    for number, role in enumerate(roles):
        places = ((number * 31 + step * 17) % half for step in range(_NAMED))
        trusted = [f"{_ARN}:{'user/u' if place % 2 else 'role/r'}{place}" for place in places]
        statement = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}
        role["AssumeRolePolicyDocument"] = _document(statement)
        if number % 10 == 0:
            command = {"Effect": "Allow", "Action": ["ssm:SendCommand", "iam:PutRolePolicy"], "Resource": "*"}
            role["RolePolicyList"].append({"PolicyName": "operations", "PolicyDocument": _document(command)})
    return {"UserDetailList": users, "RoleDetailList": roles, "GroupDetailList": [], "Policies": []}


def _principal(kind: str, name: str, resource_pattern: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": resource_pattern}
    return {
        f"{kind}Name": name,
        f"{kind}Id": f"{'AIDA' if kind == 'User' else 'AROA'}{name.upper()}",
        "Arn": f"{_ARN}:{kind.lower()}/{name}",
        "Path": "/",
        f"{kind}PolicyList": [{"PolicyName": "assume", "PolicyDocument": _document(statement)}],
    }


def _document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def audited(size: int) -> str:
    """Audit an account with this many principals, and return the number of findings."""
    read = read_account(account(size), account_id=_ACCOUNT)
    assessment = assess(AuditContext(account=read, protected=Protected(account_id=_ACCOUNT)))
    return f"{sum(len(each.findings) for each in assessment.audited):,} findings"


_REGION = "eu-west-1"


def scattered(size: int) -> str:
    """Plan for networks of /24 across the address space."""
    chance = random.Random(1)  # noqa: S311 -- the same networks every time
    return _planned(
        {f"{chance.randrange(11, 126)}.{chance.randrange(256)}.{chance.randrange(256)}.0/24": None for _ in range(size)}
    )


def of_both_families(size: int) -> str:
    """Plan for networks below 10.0.0.0/8 and 2001:db8::/32."""
    chance = random.Random(1)  # noqa: S311 -- the same networks every time
    four = {f"10.{chance.randrange(250)}.{chance.randrange(256)}.0/24": None for _ in range(size // 2)}
    return _planned({**four, **{f"2001:db8:{chance.randrange(1, 65536):x}::/48": None for _ in range(size // 2)}})


def neighbors(size: int) -> str:
    """Plan for adjacent networks, which fit in the default quotas."""
    return _planned({f"10.{number >> 8}.{number & 255}.0/24": None for number in range(size)})


def _planned(networks: dict[str, None]) -> str:
    section: dict[str, Any] = {
        "clients": {"offices": list(networks)},
        "sites": {_REGION: {"vpc": "v", "subnets": ["a"]}},
    }
    try:
        read = Settings.load({"shell-access:regions": [_REGION], "shell-access:domainControllers": section})
        if read.domain_controllers is None:
            raise AssertionError(section)
        own = SiteNetworks(controllers=(ip_network("10.250.0.0/24"),), endpoints=())
        plan = plan_sites(read.domain_controllers, {_REGION: own})[_REGION]
    except SettingsError as refused:
        return f"refused: {len(refused.problems)} problems"
    return f"planned: {len(plan.acl.rules) if plan.acl else 0} rules of the network ACL"


_SIZES = (1_000, 10_000, 100_000)
_SESSIONS_PER_SCENARIO = 1.1


def written(size: int) -> str:
    """Make up the history and write it, which the next measurement includes as well."""
    with tempfile.TemporaryDirectory() as folder:
        write_export(made_up(int(size / _SESSIONS_PER_SCENARIO), 1), Path(folder))
    return "written"


def reported(size: int) -> str:
    """Make up a history, write it as the export does, read it back and report."""
    with tempfile.TemporaryDirectory() as folder:
        end = write_export(made_up(int(size / _SESSIONS_PER_SCENARIO), 1), Path(folder))
        records = read_exported(Path(folder), BEGIN - timedelta(days=2), end, lambda _line: None)
    context = Context(now=end + timedelta(days=2), since=BEGIN, until=end, person_of=person_of)
    made = report(records, context)
    return f"{len(made.sessions):,} sessions, {sum(made.counts().values()):,} findings"


_NETWORKS = (100, 1_000, 10_000)
_MEASUREMENTS: tuple[tuple[str, str, Callable[[int], str], tuple[int, ...]], ...] = (
    ("audit, dense role trust", "principals", audited, (1_000, 2_500, 5_000, 10_000)),
    ("domain controllers, scattered", "networks", scattered, _NETWORKS),
    ("domain controllers, both families", "networks", of_both_families, _NETWORKS),
    ("domain controllers, neighbors", "networks", neighbors, _NETWORKS),
    # Making up the history and writing it is part of the next measurement.
    ("evidence: files made", "sessions", written, _SIZES),
    ("evidence: files made, read and reported", "sessions", reported, _SIZES),
)


def growth_table() -> Table:
    """Measure each computation at its sizes, and return a table with one row per size."""
    table = Table("what", "size", "processor s", "MB", "result", title="Growth")
    for what, unit, action, sizes in _MEASUREMENTS:
        for size in sizes:
            with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
                seconds, megabytes, result = process.submit(_measured, action, size).result()
            table.add_row(what, f"{size:,} {unit}", f"{seconds:.2f}", str(megabytes), result)
    return table


def _measured(action: Callable[[int], str], size: int) -> tuple[float, int, str]:
    """Return processor seconds, peak memory in MB, and the result of a function of this module."""
    begun = time.process_time()
    result = action(size)
    return time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, result


if __name__ == "__main__":
    Console().print(growth_table())
