"""Values that AWS would refuse in mid-run beside their innocent twins."""

from typing import Any

import pytest

from tests.components.hostile import replaced
from tests.components.test_hostile_settings import refusal

SSO = "aws-reserved/sso.amazonaws.com"
CONTROLLERS = ("domainControllers",)
SITE = (*CONTROLLERS, "sites", "eu-west-1")
PARTNERS = (*CONTROLLERS, "clientPrefixLists", "partners")
AGENTS = ("nodes", "agents")

PAIRS: list[tuple[tuple[str | int, ...], Any, Any]] = [
    (("regions",), ["eu-west-1", "eu-west-1"], ["us-east-1", "eu-west-1"]),
    (("tags",), {f"tag-{number}": "x" for number in range(51)}, {f"tag-{number}": "x" for number in range(44)}),
    (("tags", "team"), "a\u2028b", "Zo\u00eb \u6771\u4eac"),
    (("sessionManager", "linuxShellProfile"), "x" * 70_000, "x" * 60_000),
    (("sessionManager", "linuxShellProfile"), "date\x1b[2J", "date\n\texec bash\r\n"),
    (("sessionManager", "s3KeyPrefix"), "logs/*", "logs/team-a (1)!".replace(" ", "_")),
    (("sessionManager", "s3BucketName"), "192.168.1.10", "192-168-1-10.example"),
    (("sessionManager", "runAsDefaultUser"), "root;id", "DOMAIN\\svc_shell$"),
    (("endpoints", "us-east-1", "vpc"), "main*", "main vpc (\u00fc)"),
    (("endpoints", "us-east-1", "allowedCidrs"), ["10.0.0.1/8"], ["10.0.0.0/8", "fd00::/8"]),
    (("approval", "operatorUsers"), ["jane", "JANE"], ["jane", "john"]),
    (("approval", "approvers", 0, "name"), "te*m/Approver", "team/sub/Approver"),
    ((*CONTROLLERS, "administratorRoles"), ["*"], [f"{SSO}/*/AWSReservedSSO_Directory_*"]),
    ((*CONTROLLERS, "administratorRoles"), ["AWSReservedSSO_*"], [f"{SSO}/AWSReservedSSO_Directory_*"]),
    ((*CONTROLLERS, "clients", "offices"), ["169.254.0.0/16"], ["172.16.0.0/12"]),
    ((*CONTROLLERS, "clients", "offices"), ["ff00::/16"], ["2001:db8::/48"]),
    ((*CONTROLLERS, "clients", "offices"), ["10.0.0.0/16", "10.0.0.0/16"], ["10.0.0.0/16", "10.1.0.0/16"]),
    ((*PARTNERS, "networks"), [f"10.40.{number}.0/24" for number in range(6)], ["10.40.0.0/24"] * 1),
    ((*PARTNERS, "networks"), ["2001:db8::/48"], ["10.40.0.0/16"]),
    ((*SITE, "controllers", 0, "instanceType"), "m99.large", "r6i.2xlarge"),
    (
        (*SITE, "controllers", 0, "volumes"),
        [{"deviceName": "xvdb", "size": 1}] * 2,
        [{"deviceName": name, "size": 1} for name in ("xvdb", "xvdc", "xvdd")],
    ),
    ((*AGENTS, "schedule"), "cron(0-99999999999 * ? * * *)", "cron(0,30 0-23/2 ? * MON-FRI *)"),
    ((*AGENTS, "schedule"), "cron(0 24 ? * SUN *)", "cron(15 23 ? * SUN#2 *)"),
    ((*AGENTS, "targetTags"), {"a+b": ["x"]}, {"a:b/c": ["x+y", ""]}),
    ((*AGENTS, "targetTags"), {"env": ["*"]}, {"env": ["prod", "Prod"]}),
]


@pytest.mark.parametrize(
    ("path", "wrong", "right"), PAIRS, ids=[f"{number}-{path[-1]}" for number, (path, *_) in enumerate(PAIRS)]
)
def test_wrong_value_is_refused_by_key_and_its_twin_is_not(path: tuple[str | int, ...], wrong: Any, right: Any) -> None:
    section = str(path[0])
    refused = refusal(replaced(path, wrong), section)
    assert refused is not None
    assert any(problem.path[: len(path)] == path[: len(problem.path)] for problem in refused.problems)
    twin = refusal(replaced(path, right), section)
    assert twin is None or not any(problem.path[: len(path)] == path for problem in twin.problems), str(twin)


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        (["eu-west-1", "eu-nowhere-9"], "The installed AWS SDK for Python does not know it"),
        (["eu-west-1", "us-west-2-lax-1"], "each once"),
        (["eu-west-1", "cn-north-1"], "expected Regions of one partition"),
    ],
)
def test_region_that_cannot_be_governed_is_refused(regions: list[str], said: str) -> None:
    refused = refusal({"regions": regions})
    assert refused is not None
    assert said in str(refused)
