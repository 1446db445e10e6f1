"""Time and memory of the plan for domain controllers by the number of client networks: `python -m bench.networks`."""

from __future__ import annotations

import random
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bench.growth import curve, growth_table
from common.problems import SettingsError
from components.domain_controllers.site_plan import SiteNetworks, plan_sites
from components.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.growth import Point

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


def points() -> Iterator[Point]:
    """Measure plans for up to ten thousand networks."""
    sizes = (100, 1_000, 10_000)
    for what, action in (("scattered", scattered), ("both families", of_both_families), ("neighbors", neighbors)):
        yield from curve(f"domain controllers, {what}", "networks", action, sizes)


if __name__ == "__main__":
    Console().print(growth_table(points()))
