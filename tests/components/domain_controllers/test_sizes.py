"""Sizes of generated policies: long ones fit or are refused by key; both forms of the restriction deny the same."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.iam.context import ABSENT, RequestContext, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.statements import document
from common.limits import MANAGED_POLICY, excess_problems, size
from components.account import Account
from components.domain_controllers.iam_policies import (
    INSTANCE_ACTIONS,
    NETWORK_ACTIONS,
    RESOLVER_ACTIONS,
    SESSION_ACTIONS,
    VOLUME_ACTIONS,
    access_restriction_policy,
    controllers_policies,
    role_arns,
)
from components.domain_controllers.settings import DomainControllersSection
from components.domain_controllers.site_plan import generated_texts
from components.session_manager.names import numbered
from tests.components.domain_controllers.test_site_plan import plans

ACCOUNT = "111122223333"
HERE = Account(id=ACCOUNT, partition="aws", caller_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/session")
ALL = document([{"Effect": "Allow", "Action": "*", "Resource": "*"}])
TAGS = ("aws:ResourceTag/Role", "ssm:resourceTag/Role", "aws:RequestTag/Role")
ACTIONS = (*INSTANCE_ACTIONS, *VOLUME_ACTIONS, *NETWORK_ACTIONS, *SESSION_ACTIONS, "ec2:CreateTags", "ec2:DeleteTags")


def long_form(team: list[str]) -> dict[str, Any]:
    """A statement for each kind of thing."""
    others = {"ArnNotLike": {"aws:PrincipalArn": team}}

    def deny(actions: tuple[str, ...], key: str) -> dict[str, Any]:
        condition = {"StringEquals": {key: "DomainController"}, **others}
        return {"Effect": "Deny", "Action": list(actions), "Resource": "*", "Condition": condition}

    resource, session, request = TAGS
    of_tagged = (
        INSTANCE_ACTIONS,
        VOLUME_ACTIONS,
        NETWORK_ACTIONS,
        RESOLVER_ACTIONS,
        ("ec2:CreateTags", "ec2:DeleteTags"),
    )
    return document(
        [
            *(deny(actions, resource) for actions in of_tagged),
            deny(SESSION_ACTIONS, session),
            deny(("ec2:CreateTags",), request),
        ]
    )


def found(**settings: Any) -> dict[str, str]:
    section = DomainControllersSection.model_validate({"profile": "modern", **settings})
    planned = {region: plan for region, plan in plans().items() if region in section.sites}
    return {each.key: each.message for each in excess_problems(generated_texts(section, HERE, planned))}


@given(
    st.lists(st.from_regex(r"[A-Za-z]{1,8}[\w+=,.@-]{0,56}", fullmatch=True), min_size=1, max_size=25, unique=True),
    st.sampled_from(ACTIONS),
    st.sets(st.sampled_from(TAGS)),
    st.booleans(),
)
def test_restriction_denies_the_same_in_either_form(
    roles: list[str],
    action: str,
    tags: set[str],
    is_team: bool,  # noqa: FBT001
) -> None:
    team = role_arns(roles, HERE.scope())
    policy = access_restriction_policy(HERE.scope(), team_roles=roles, deployer_arns=team)
    caller = f"arn:aws:iam::{ACCOUNT}:role/{'team/' + roles[0] if is_team else 'Strang er'}"
    keys = {key.lower(): known("DomainController") for key in tags} | {"aws:principalarn": known(caller)}
    context = RequestContext(keys, otherwise=ABSENT)
    decisions = {
        decide(Permissions(identity=(parse(ALL), parse(each))), action, "*", context).allowed
        for each in (policy, long_form(team))
    }
    assert len(decisions) == 1


def test_five_longest_administrator_roles_fit() -> None:
    roles = [f"{number}{'r' * 63}" for number in range(5)]
    policy = access_restriction_policy(HERE.scope(), team_roles=roles, deployer_arns=role_arns(roles, HERE.scope()))
    assert size(policy) <= MANAGED_POLICY.maximum < size(long_form(role_arns(roles, HERE.scope())))
    assert found(administratorRoles=roles) == {}


def test_short_lists_keep_a_statement_for_each_kind_of_thing() -> None:
    assert len(access_restriction_policy(HERE.scope(), team_roles=["Directory"])["Statement"]) == 6


@pytest.mark.parametrize("key", ["administratorRoles", "deployerRoles"])
def test_roles_that_no_policy_holds_are_refused(key: str) -> None:
    roles = [f"{number:02}{'r' * 62}" for number in range(30)]
    problems = found(**{"administratorRoles": ["Directory"], key: roles})
    (message,) = problems.values()
    assert list(problems) == [f"shell-access:domainControllers.{key}"]
    assert message.startswith(
        "expected the policy ShellAccessDomainControllerRestriction to take at most 6144 characters"
    )


def test_controllers_that_no_pattern_holds_are_refused() -> None:
    def controllers(count: int) -> dict[str, Any]:
        built = [
            {"name": f"dc{number}", "subnet": "subnet-0a" if number % 2 else "subnet-0b"} for number in range(count)
        ]
        return {"eu-west-1": {"vpc": "vpc-1", "subnets": ["subnet-0a", "subnet-0b"], "controllers": built}}

    assert found(sites=controllers(20)) == {}
    problems = found(sites=controllers(60))
    assert list(problems) == ["shell-access:domainControllers.sites.eu-west-1.controllers"]


def directory(regions: list[str], *, name: int) -> DomainControllersSection:
    """Sites with backups, promotion and event logs, whose secrets have names of this length."""
    volumes = [{"deviceName": device, "size": 20} for device in ("xvdb", "xvdc", "xvdd")]
    built = [{"name": f"dc{each}", "subnet": f"subnet-0{each}", "volumes": volumes} for each in "ab"]
    site = {"vpc": "vpc-1", "subnets": ["subnet-0a", "subnet-0b"], "controllers": built}
    key = "arn:aws:kms:{}:999988887777:key/11111111-2222-3333-4444-555555555555"
    buckets = {
        region: {"bucketName": f"{region:b<63}", "bucketOwner": "999988887777", "kmsKeyArn": key.format(region)}
        for region in regions
    }
    secrets = {
        region: {
            f"{kind}Arn": f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{kind[0] * name}-a1B2c3"
            for kind in ("administrator", "restoreMode")
        }
        | {"kmsKeyArn": key.format(region)}
        for region in regions
    }
    return DomainControllersSection.model_validate(
        {
            "sites": dict.fromkeys(regions, site),
            "promotion": {"domain": "corp.example.com", "partners": ["10.50.0.10"], "secrets": secrets},
            "backups": {"buckets": buckets},
            "eventLogs": {},
        }
    )


REGIONS = [f"{area}-{place}-{number}" for area in ("eu", "us", "ap") for place in ("west", "east") for number in (1, 2)]


@pytest.mark.parametrize(("name", "sites", "policies"), [(40, 4, 1), (40, 12, 3), (512, 4, 4)])
def test_policies_of_the_role_hold_the_permissions_of_each_site(name: int, sites: int, policies: int) -> None:
    found = controllers_policies(directory(REGIONS[:sites], name=name), HERE.scope())
    assert list(found) == list(numbered("ShellAccessDomainController", range(policies)))
    assert all(size(each) <= MANAGED_POLICY.maximum for each in found.values())
    permissions = Permissions(identity=tuple(map(parse, found.values())))
    for region in REGIONS[:sites]:
        (of_site,) = controllers_policies(directory([region], name=name), HERE.scope()).values()
        for statement in of_site["Statement"]:
            given = {
                key: _list(value)[-1] for each in statement.get("Condition", {}).values() for key, value in each.items()
            }
            keys = {key.lower(): known(value.replace("*", "x")) for key, value in given.items()}
            for action, resource in product(_list(statement["Action"]), _list(statement["Resource"])):
                request = RequestContext(keys, otherwise=ABSENT)
                assert decide(permissions, action, resource.replace("*", "x"), request).allowed


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_more_policies_than_a_role_can_have_are_refused() -> None:
    section = directory(REGIONS, name=512)
    (problem,) = [
        each
        for each in excess_problems(generated_texts(section, HERE, {}))
        if each.key == "shell-access:domainControllers.promotion.secrets"
    ]
    assert "the role ShellAccessDomainController to take at most 10 managed policies" in problem.message
    few = directory(REGIONS[:3], name=512)
    assert not excess_problems(generated_texts(few, HERE, {}, 7))
    assert excess_problems(generated_texts(few, HERE, {}, 8))
