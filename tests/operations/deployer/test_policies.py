"""Permissions of the deployment role: the recorded actions of its engines, and no more."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from common.limits import ATTACHED_POLICIES, MANAGED_POLICY, size
from components.detection.names import SecurityService
from components.settings import Settings
from local.workspace import REPOSITORY
from operations.deployer.names import Role
from operations.deployer.policies import permissions, policies
from operations.deployer.scope import DeploymentScope, System, scope_of, whole_scope
from operations.deployer.statement import AllowedActions
from tests.engine.deployer_policies import CHANGING, READING, RECORDED, recorded
from tests.operations.deployer.stacks import ACCOUNT, TAG, may, must_not, permissions_of, scope

UNRECORDED = REPOSITORY / "operations" / "deployer" / "unrecorded.toml"
READS = ("BatchGet", "Describe", "Get", "List")
WITHOUT_RESOURCE = {
    "TagNewKeys",
    "CreateDetection",
    "CreateKeys",
    "CreateShares",
    "CreateWindows",
    "ManageScans",
    "ManageSubscriptions",
}
"""Statements about every resource: what they allow knows no smaller one."""
OPEN = {
    # The window that a target or a task belongs to is evaluated, too, and has our tag.
    "ChangeWindowParts",
    "ChangeGroupsOfControllers",
    "CreateInNetworks",
    "UpdateAliases",
    "UseNetworks",
    "RunFromImages",
    # A detector and a hub exist once per Region, and those of others are adopted.
    "ChangeDetection",
}
"""Statements about every resource of a type without a condition: networks and images are others', and an interface has
neither a tag of ours nor, where subnets are given by name, a subnet that is known."""

QUOTA = "servicequotas:GetServiceQuota"
"""Action for quotas above their defaults, which `dev` does not declare."""

SCOPES = st.builds(
    DeploymentScope,
    regions=st.lists(st.sampled_from(["eu-west-1", "us-east-1", "ap-southeast-2"]), min_size=1, unique=True).map(tuple),
    tag=st.just(TAG),
    systems=st.frozensets(st.sampled_from(System), min_size=1),
    account=st.just(ACCOUNT),
    roles=st.frozensets(st.text("abc", min_size=1, max_size=64), max_size=12),
    users=st.frozensets(st.text("abc", min_size=1, max_size=64), max_size=12),
    log_groups=st.frozensets(st.text("abc/", min_size=1, max_size=60), max_size=4),
    has_resolver_endpoints=st.booleans(),
    detection=st.frozensets(st.sampled_from(SecurityService)),
    has_cis_scans=st.booleans(),
    reads_network_quotas=st.booleans(),
    empties_trail_bucket=st.booleans(),
)


def actions(several: list[AllowedActions]) -> set[str]:
    return {action for each in several for action in each.actions}


def seen(*callers: str) -> set[str]:
    return {action for test in recorded().values() for caller in callers for action in test.get(caller, [])}


def unrecorded() -> Iterator[str]:
    for group in tomllib.loads(UNRECORDED.read_text())["group"]:
        assert group["why"]
        assert group["source"]
        yield from group["actions"]


def test_every_chosen_test_is_recorded() -> None:
    assert set(recorded()) == set(RECORDED)


def test_deployer_may_do_all_that_engines_do() -> None:
    assert seen(*CHANGING, *READING) - actions(permissions(scope())) == set()


def test_deployer_has_no_action_without_record_or_reason() -> None:
    assert actions(permissions(scope())) - seen(*CHANGING, *READING) - set(unrecorded()) == set()


def test_reason_is_given_once_per_unrecorded_action() -> None:
    listed = list(unrecorded())
    assert len(listed) == len(set(listed))
    assert set(listed) - actions(permissions(scope())) == set()
    assert set(listed) & seen(*CHANGING, *READING) == set()


def test_read_only_covers_previews_refreshes_and_verification() -> None:
    assert seen(*READING) - actions(permissions(scope(), Role.PREVIEW)) == set()


@pytest.mark.parametrize("role", [Role.PREVIEW, Role.DOCTOR])
def test_who_only_looks_changes_nothing(role: Role) -> None:
    allowed = actions(permissions(scope(), role))
    assert {each for each in allowed if not each.split(":")[1].startswith(READS)} == set()
    changes = {each for each in seen(*CHANGING) if not each.split(":")[1].startswith(READS)}
    assert len(changes) > 100
    assert changes & allowed == set()


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_policies_of_the_examples_fit_beside_others(name: str) -> None:
    found = policies(scope(name))
    assert all(size(each) <= MANAGED_POLICY.maximum for each in found)
    # The examples have everything; four policies are left for others.
    assert len(found) <= ATTACHED_POLICIES.maximum - 4


@effort(max_examples=25)
@given(SCOPES)
def test_policies_fit_and_are_closed_for_any_settings(several: DeploymentScope) -> None:
    found = policies(several)
    assert all(size(each) <= MANAGED_POLICY.maximum for each in found)
    assert len(found) <= ATTACHED_POLICIES.maximum
    statements = [statement for policy in found for statement in policy["Statement"]]
    assert len({each["Sid"] for each in statements}) == len(statements)
    for each in statements:
        assert each["Action"]
        assert each["Resource"]
        assert not any("*" in action for action in each["Action"])
        if all(action.split(":")[1].startswith(READS) for action in each["Action"]):
            continue
        assert each["Sid"] in WITHOUT_RESOURCE or "*" not in each["Resource"]
        if any(resource.endswith((":*", "/*")) and "log-group" not in resource for resource in each["Resource"]):
            conditions = [key for keys in each.get("Condition", {}).values() for key in keys]
            narrowing = [key for key in conditions if key != "aws:RequestedRegion"]
            assert narrowing or each["Sid"] in OPEN | {"ManageRemediation", "UpdateAgents", "EmptyTrailBucket"}, each


@effort(max_examples=25)
@given(SCOPES)
def test_policies_of_fewer_systems_allow_no_more(several: DeploymentScope) -> None:
    assert actions(permissions(several)) <= actions(permissions(scope())) | {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        QUOTA,
    }
    assert actions(permissions(several, Role.PREVIEW)) <= actions(permissions(several))


def test_stacks_of_any_settings_need_no_other_actions() -> None:
    whole = whole_scope(("eu-west-1",), TAG)
    assert actions(permissions(whole)) <= actions(permissions(scope())) | {QUOTA}
    assert QUOTA in actions(permissions(scope("prod"), Role.PREVIEW))
    assert all(size(each) <= MANAGED_POLICY.maximum for each in policies(whole))


def test_groups_change_in_the_subnets_of_controllers_alone() -> None:
    interface = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:network-interface/eni-1"
    group = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:security-group/sg-1"
    action, subnets = "ec2:ModifyNetworkInterfaceAttribute", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:subnet/"
    by_id = permissions_of(replace(scope(), controller_subnets=frozenset({"subnet-1"})))
    assert may(by_id, action, interface, **{"ec2:Subnet": f"{subnets}subnet-1"})
    assert must_not(by_id, action, interface, **{"ec2:Subnet": f"{subnets}subnet-2"})
    by_name = permissions_of(replace(scope(), controller_subnets=frozenset()))
    assert may(by_name, action, interface, **{"ec2:Subnet": f"{subnets}subnet-2"})
    for either in (by_id, by_name):
        assert may(either, action, group, **{f"aws:ResourceTag/{TAG[0]}": TAG[1]})
        assert must_not(either, action, group, **{f"aws:ResourceTag/{TAG[0]}": "another"})
        assert must_not(either, action, group)


@pytest.mark.parametrize(
    ("subnets", "known"),
    [
        ({"DC1": "subnet-1", "DC2": "subnet-2"}, {"subnet-1", "subnet-2"}),
        ({"DC1": "subnet-1", "DC2": "directory-b"}, set[str]()),
    ],
    ids=["all by ID", "one by name"],
)
def test_scope_knows_subnets_that_are_given_by_id(subnets: dict[str, str], known: set[str]) -> None:
    controllers = [{"name": name, "subnet": subnet} for name, subnet in subnets.items()]
    site = {"vpc": "vpc-1", "subnets": [*subnets.values()], "controllers": controllers}
    section = {"administratorRoles": ["A"], "sites": {"eu-west-1": site}}
    given = {"shell-access:regions": ["eu-west-1"], "shell-access:domainControllers": section}
    assert scope_of([Settings.load(given)], TAG).controller_subnets == known
