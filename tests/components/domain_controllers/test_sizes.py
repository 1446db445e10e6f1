"""Sizes of generated policies: long ones fit or are refused by key; both forms of the restriction deny the same."""

from __future__ import annotations

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
from components.domain_controllers.access_restriction_policy import (
    INSTANCE_ACTIONS,
    NETWORK_ACTIONS,
    RESOLVER_ACTIONS,
    SESSION_ACTIONS,
    VOLUME_ACTIONS,
    access_restriction_policy,
)
from components.domain_controllers.key_policy import role_arns
from components.domain_controllers.settings import DomainControllersSection
from components.domain_controllers.site_plan import generated_texts
from tests.components.domain_controllers.test_site_plan import plans

ACCOUNT = "111122223333"
PLACE = {"partition": "aws", "account_id": ACCOUNT}
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
    team = role_arns(roles, **PLACE)
    policy = access_restriction_policy(**PLACE, team_roles=roles, deployer_arns=team)
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
    policy = access_restriction_policy(**PLACE, team_roles=roles, deployer_arns=role_arns(roles, **PLACE))
    assert size(policy) <= MANAGED_POLICY.maximum < size(long_form(role_arns(roles, **PLACE)))
    assert found(administratorRoles=roles) == {}


def test_short_lists_keep_a_statement_for_each_kind_of_thing() -> None:
    assert len(access_restriction_policy(**PLACE, team_roles=["Directory"])["Statement"]) == 6


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


def test_secrets_of_many_sites_that_no_policy_holds_are_refused() -> None:
    def of_sites(number: int) -> dict[str, Any]:
        regions = ["eu-west-1", "us-east-1", "eu-central-1", "eu-north-1"][:number]
        volumes = [{"deviceName": name, "size": 20} for name in ("xvdb", "xvdc", "xvdd")]
        built = [{"name": f"dc{each}", "subnet": f"subnet-0{each}", "volumes": volumes} for each in "ab"]
        site = {"vpc": "vpc-1", "subnets": ["subnet-0a", "subnet-0b"], "controllers": built}
        secrets = {
            region: {
                "administratorArn": f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{'s' * 300}-a-a1B2c3",
                "restoreModeArn": f"arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{'s' * 300}-b-a1B2c3",
                "kmsKeyArn": f"arn:aws:kms:{region}:{ACCOUNT}:key/1234abcd",
            }
            for region in regions
        }
        promotion = {"domain": "corp.example.com", "partners": ["10.50.0.10"], "secrets": secrets}
        return found(sites=dict.fromkeys(regions, site), promotion=promotion)

    assert of_sites(1) == {}
    problems = of_sites(4)
    assert list(problems) == ["shell-access:domainControllers.promotion.secrets"]
    assert "the policy ShellAccessDomainController to take at most 6144" in str(problems)
