"""Permissions of nodes: exactly those of the features. Those of many Regions fit, or are refused by key, and are the same."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from common.iam.context import ABSENT, Known, RequestContext, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from common.limits import MANAGED_POLICY, size
from components.session_manager.instance_policy import (
    MOST_POLICIES,
    instance_policies,
    instance_policy,
    instance_policy_problems,
)
from components.session_manager.names import DATA_KEY_ALIAS, INSTANCE_POLICY_NAME, numbered
from components.session_manager.settings import SessionManagerSettings
from tests.components.approval.proving import Request
from tests.components.session_manager import strategies

ACCOUNT = "111122223333"
PLACE = {"partition": "aws", "account_id": ACCOUNT}
ELSEWHERE = "eu-south-9"
REGIONS = [
    f"{part}-{side}-{number}" for part in ("eu", "ap") for side in ("northeast", "west") for number in range(1, 11)
]
KEY = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd"

NOTHING = SessionManagerSettings(create_cw_log_group=False, cw_log_group_name="", session_data_encryption=False)
LOGGING = NOTHING.model_copy(update={"s3_logging": True, "s3_bucket_name": "logs"})


def policy(**by_region: SessionManagerSettings) -> dict[str, Any] | None:
    named = {region.replace("_", "-"): settings for region, settings in by_region.items()}
    return instance_policy(named, **PLACE)


def statements(**by_region: SessionManagerSettings) -> dict[str, dict[str, Any]]:
    content = policy(**by_region)
    return {each["Sid"]: each for each in content["Statement"]} if content else {}


def test_without_features_there_is_no_policy() -> None:
    assert policy(eu_west_1=NOTHING) is None


def test_s3_logging_allows_the_prefix_of_account_and_region_only() -> None:
    found = statements(eu_west_1=LOGGING)
    assert found["WriteSessionLogObject"]["Resource"] == [f"arn:aws:s3:::logs/sessionmanager/{ACCOUNT}/eu-west-1/*"]
    assert found["SeeBucketEncryption"]["Resource"] == ["arn:aws:s3:::logs"]
    assert set(found) == {"WriteSessionLogObject", "SeeBucketEncryption"}


def test_bucket_of_another_account_needs_to_be_given_control() -> None:
    other = LOGGING.model_copy(update={"s3_bucket_owner": "444455556666"})
    own = LOGGING.model_copy(update={"s3_bucket_owner": ACCOUNT})
    assert "GiveBucketOwnerControl" in statements(eu_west_1=other)
    assert "GiveBucketOwnerControl" not in statements(eu_west_1=own)


def test_key_of_the_bucket_is_usable_through_s3_only() -> None:
    settings = LOGGING.model_copy(update={"s3_kms_key_arn": KEY})
    found = statements(eu_west_1=settings)["EncryptSessionLogObject"]
    assert (found["Action"], found["Resource"]) == ("kms:GenerateDataKey", [KEY])
    assert found["Condition"] == {"StringEquals": {"kms:ViaService": ["s3.eu-west-1.amazonaws.com"]}}


by_region = st.dictionaries(st.sampled_from(["eu-west-1", "us-east-1", "ap-south-1"]), strategies.settings)


@given(by_region)
def test_only_describe_log_groups_may_name_every_resource(settings: dict[str, SessionManagerSettings]) -> None:
    content = instance_policy(settings, **PLACE)
    for statement in content["Statement"] if content else ():
        resources = statement["Resource"]
        assert ("*" in resources) == (statement["Action"] == "logs:DescribeLogGroups")
        if "*" in resources:
            assert "Condition" in statement


@given(by_region)
def test_each_permission_is_there_exactly_when_a_region_needs_it(settings: dict[str, SessionManagerSettings]) -> None:
    content = instance_policy(settings, **PLACE)
    granted = str(content)
    for region, each in settings.items():
        assert (f":logs:{region}:" in granted) == each.logs_to_cloudwatch
        assert (f":kms:{region}:{ACCOUNT}:key/*" in granted) == each.session_data_encryption
        assert (f"{ACCOUNT}/{region}/*" in granted) == each.s3_logging


lengths = st.sampled_from([3, 30, 60, 250, 500])


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, SessionManagerSettings]:
    """One to forty Regions: names that are the same in all of them, or in some, or in none."""
    regions = draw(st.lists(st.sampled_from(REGIONS), min_size=1, max_size=len(REGIONS), unique=True))
    shared = draw(st.sampled_from(["all", "some", "none"]))
    group, prefix, bucket = draw(lengths), draw(lengths), draw(st.integers(3, 40))
    switches = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    found: dict[str, SessionManagerSettings] = {}
    for number, region in enumerate(regions):
        mark = {"all": "", "some": "ab"[number % 2], "none": region}[shared]
        one = draw(st.sampled_from([switches, (True, True, True)])) if shared == "some" else switches
        found[region] = SessionManagerSettings(
            create_cw_log_group=one[0],
            cw_log_group_name=f"{mark}{'g' * group}"[:512] if one[0] else "",
            session_data_encryption=one[1],
            s3_logging=one[2],
            s3_bucket_name=f"{mark}{'b' * bucket}"[:63],
            s3_key_prefix=f"{mark}{'p' * prefix}"[:512],
            s3_kms_key_arn=KEY if number % 3 == 0 else "",
            s3_bucket_owner="444455556666" if number % 2 else "",
        )
    return found


def requests(settings: Mapping[str, SessionManagerSettings]) -> Iterator[tuple[str, str, RequestContext]]:
    """Requests that a node can make: what has a Region in its ARN is called in that Region."""
    groups = sorted({each.cw_log_group_name for each in settings.values()} | {"others"})[:4]
    buckets = sorted({(each.s3_bucket_name, each.s3_key_prefix) for each in settings.values()})[:3]
    for region in [*list(settings)[:3], *list(settings)[-2:], ELSEWHERE]:
        there = {"aws:requestedregion": known(region)}
        yield "logs:DescribeLogGroups", "*", RequestContext(there, otherwise=ABSENT)
        for group in groups:
            arn = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}"
            for action in ("DescribeLogStreams", "CreateLogStream", "PutLogEvents"):
                for resource in (arn, f"{arn}:log-stream:s", f"{arn}-other"):
                    yield f"logs:{action}", resource, RequestContext(there, otherwise=ABSENT)
        for alias in (DATA_KEY_ALIAS, "alias/other"):
            keys = there | {"kms:resourcealiases": Known((alias,), many=True)}
            yield "kms:Decrypt", f"arn:aws:kms:{region}:{ACCOUNT}:key/1", RequestContext(keys, otherwise=ABSENT)
        for bucket, prefix in buckets:
            yield "s3:GetEncryptionConfiguration", f"arn:aws:s3:::{bucket}", RequestContext(there, otherwise=ABSENT)
            for action in ("PutObject", "PutObjectAcl"):
                arn = f"arn:aws:s3:::{bucket}/{prefix}/{ACCOUNT}/{region}/log"
                yield f"s3:{action}", arn, RequestContext(there, otherwise=ABSENT)
        through = there | {"kms:viaservice": known("s3.eu-west-1.amazonaws.com")}
        yield "kms:GenerateDataKey", KEY, RequestContext(through, otherwise=ABSENT)


def holder(*documents: dict[str, Any]) -> Permissions:
    return Permissions(identity=tuple(parse(each) for each in documents))


def problems(settings: Mapping[str, SessionManagerSettings]) -> list[str]:
    found = instance_policy_problems(settings, lambda region, key: ("sessionManager", region, key), **PLACE)
    return [each.key for each in found]


@given(stacks())
def test_policies_fit_or_are_refused_and_allow_the_same(settings: dict[str, SessionManagerSettings]) -> None:
    whole = instance_policy(settings, **PLACE)
    policies = instance_policies(settings, **PLACE)
    if whole is None:
        assert policies == {}
        return
    assert all(size(each) <= MANAGED_POLICY.maximum for each in policies.values())
    assert list(policies) == list(numbered(INSTANCE_POLICY_NAME, policies))
    if len(policies) > MOST_POLICIES:
        (key,) = problems(settings)
        assert key.rpartition(".")[2] in ("cwLogGroupName", "s3KeyPrefix", "s3BucketName")
    else:
        assert problems(settings) == []
    if size(whole) <= MANAGED_POLICY.maximum:
        assert policies == {INSTANCE_POLICY_NAME: whole}
        return
    for policy in policies.values():
        sids = [each["Sid"] for each in policy["Statement"]]
        assert len(sids) == len(set(sids))
    written_out, shipped = holder(whole), holder(*policies.values())
    for action, resource, context in requests(settings):
        decision = decide(shipped, action, resource, context).allowed
        assert decision is not Truth.UNKNOWN
        assert decision is decide(written_out, action, resource, context).allowed, (action, resource)


LONG = {"s3_logging": True, "s3_bucket_name": "b" * 63, "s3_key_prefix": "p" * 512, "cw_log_group_name": "g" * 512}


@pytest.mark.parametrize(("names", "policies"), [({}, 1), (LONG, 6)], ids=["defaults", "longest"])
def test_forty_regions_work(names: dict[str, Any], policies: int) -> None:
    settings = {region: SessionManagerSettings(**names) for region in REGIONS}
    assert problems(settings) == []
    assert list(instance_policies(settings, **PLACE)) == [
        INSTANCE_POLICY_NAME,
        *(f"{INSTANCE_POLICY_NAME}-{number}" for number in range(2, policies + 1)),
    ]


def test_names_that_no_role_has_room_for_are_refused() -> None:
    settings = {
        region: SessionManagerSettings(**LONG | {"cw_log_group_name": f"{region}{'g' * 490}"}) for region in REGIONS
    }
    (key,) = problems(settings)
    assert key.endswith(".cwLogGroupName")


@pytest.mark.parametrize(
    "action", ["logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents", "kms:Decrypt"]
)
def test_compact_form_is_proved_to_allow_nothing_elsewhere(action: str) -> None:
    settings = {each: SessionManagerSettings() for each in REGIONS}
    ((_, compact),) = instance_policies(settings, **PLACE).items()
    request = Request(compact)
    region = request.key("aws:RequestedRegion")
    assert request.example(request.allows(action), region == z3.StringVal(REGIONS[0])) is not None
    assert request.example(request.allows(action), region == z3.StringVal(ELSEWHERE)) is None
