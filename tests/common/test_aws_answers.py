"""Answers of AWS as bodies of HTTP: which are refused, and which are not although there is nothing in them."""

import copy
import io
import json
import pickle
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from functools import cache
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from common.aws import answers as aws_answers
from common.aws import session as aws_session
from common.aws.answers import Answer
from common.aws.failures import (
    FailureCause,
    IncompleteListingError,
    MalformedAnswerError,
    MissingMemberError,
    ResourceError,
    explained,
    failure_of,
    why_not,
)
from common.aws.session import AwsClients

REGION = "eu-west-1"
KEYS = {"aws:accessKey": "local", "aws:secretKey": "local", "aws:region": REGION}
PAGE = "<html><body><p>Sign in to continue.</p></body></html>"
KEY = {"KeyId": "k"}
BUCKET = {"Bucket": "logs"}
SECRET = "correct horse"


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


@cache
def _client(service: str) -> Any:
    return AwsClients(KEYS.get).client(service, REGION)


class Wire:
    """Answers the calls of a client, one after the other; the last answer again and again."""

    def __init__(
        self, service: str, *answers: str | bytes | tuple[int, str] | Callable[[int], str], client: Any = None
    ) -> None:
        self.sent = 0
        self.client: Any = client or _client(service)
        self._answers = answers
        self.client.meta.events.unregister("before-send", unique_id="wire")
        self.client.meta.events.register("before-send", self._answer, unique_id="wire")

    def _answer(self, request: Any, **_: object) -> AWSResponse:
        given = self._answers[min(self.sent, len(self._answers) - 1)]
        self.sent += 1
        status, body = given if isinstance(given, tuple) else (200, given)
        body = body(self.sent) if callable(body) else body
        make: Any = AWSResponse
        return make(request.url, status, {}, _Raw(body.encode() if isinstance(body, str) else body))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def _role(trust: str) -> str:
    return (
        f"<GetRoleResponse><GetRoleResult><Role><RoleName>r</RoleName><AssumeRolePolicyDocument>{trust}"
        "</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"
    )


def _call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
    if client.can_paginate(operation):
        return client.get_paginator(operation).paginate(**arguments).build_full_result()
    return getattr(client, operation)(**arguments)


def _ec2(name: str, text: str) -> tuple[str, dict[str, str], str]:
    """Return an operation with its arguments, and a response that has one element with a text."""
    operation, arguments, call, kind = {
        "protocol": ("describe_network_acls", {}, "DescribeNetworkAcls", "networkAclSet/item/entrySet"),
        "ipProtocol": ("describe_security_group_rules", {}, "DescribeSecurityGroupRules", "securityGroupRuleSet"),
        "cidrIpv4": ("describe_security_group_rules", {}, "DescribeSecurityGroupRules", "securityGroupRuleSet"),
        "cidrIpv6": ("describe_security_group_rules", {}, "DescribeSecurityGroupRules", "securityGroupRuleSet"),
        "cidr": (
            "get_managed_prefix_list_entries",
            {"PrefixListId": "pl-1"},
            "GetManagedPrefixListEntries",
            "entrySet",
        ),
        "cidrBlock": ("describe_subnets", {}, "DescribeSubnets", "subnetSet"),
        "privateIpAddress": ("describe_instances", {}, "DescribeInstances", "reservationSet/item/instancesSet"),
    }[name]
    path = [f"{call}Response", *kind.split("/"), "item", name]
    return (
        operation,
        arguments,
        "".join(f"<{each}>" for each in path) + text + "".join(f"</{each}>" for each in path[::-1]),
    )


WRONG_TEXTS = [
    *(("protocol", text) for text in ("", "tcp", "all", "6.0")),
    *(("ipProtocol", text) for text in ("", "any", "TCP", "-2")),
    *(("cidrIpv4", text) for text in ("gar bage", "10.0.0.0/33", "10.0.0.1/8")),
    *(
        ("cidrIpv6", "::/129"),
        ("cidr", ""),
        ("cidr", "10.0.0/8"),
        ("cidrBlock", "vpc"),
        ("privateIpAddress", "10.0.0.256"),
    ),
]
SOUND_TEXTS = [
    *(("protocol", "-1"), ("protocol", "17"), ("ipProtocol", "-1"), ("ipProtocol", "50"), ("ipProtocol", "icmpv6")),
    *(("cidrIpv4", "0.0.0.0/0"), ("cidrIpv6", "2001:db8::/48"), ("cidrIpv6", ""), ("cidr", " 10.0.0.0/8 ")),
    *(("cidrBlock", ""), ("privateIpAddress", "10.0.0.1"), ("privateIpAddress", "")),
]
GARBAGE = [
    ("ssm", "describe_instance_information", {}, ""),
    ("ssm", "describe_instance_information", {}, PAGE),
    ("ssm", "describe_instance_information", {}, "\ufeff"),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": [{"InstanceId": "i-'),
    ("ssm", "describe_instance_information", {}, "null"),
    ("ssm", "describe_instance_information", {}, "[]"),
    ("ssm", "describe_instance_information", {}, "[" * 100_000),
    ("ssm", "describe_instance_information", {}, "{}"),
    ("ssm", "describe_instance_information", {}, '{"message": "Forbidden"}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": null}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": [null]}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": {}}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": "i-1"}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": [{"InstanceId": 7}]}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": [{"LastPingDateTime": "soon"}]}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": [{"LastPingDateTime": 1e300}]}'),
    ("ssm", "describe_instance_information", {}, '{"InstanceInformationList": [{"IsLatestVersion": "yes"}]}'),
    ("ssm", "update_service_setting", {"SettingId": "s", "SettingValue": "v"}, PAGE),
    ("ssm", "update_service_setting", {"SettingId": "s", "SettingValue": "v"}, '{"__type": "InternalServerError"}'),
    ("kms", "enable_key", KEY, PAGE),
    ("kms", "enable_key", KEY, '{"__type": "KMSInternalException", "message": "no"}'),
    ("scheduler", "list_schedules", {}, PAGE),
    ("scheduler", "list_schedules", {}, "{}"),
    ("iam", "list_roles", {}, ""),
    ("iam", "list_roles", {}, PAGE),
    ("iam", "list_roles", {}, "<ListRolesResponse><ListRolesResult><Roles><member>"),
    ("iam", "list_roles", {}, "<ListRolesResponse/>"),
    ("iam", "list_roles", {}, "<ListRolesResponse><ListRolesResult/></ListRolesResponse>"),
    ("iam", "list_roles", {}, "<ErrorResponse><Error><Code>ServiceFailure</Code></Error></ErrorResponse>"),
    (
        "iam",
        "list_roles",
        {},
        "<ListRolesResponse><ListRolesResult><Roles>none</Roles></ListRolesResult></ListRolesResponse>",
    ),
    ("iam", "get_role", {"RoleName": "r"}, _role("no policy")),
    ("iam", "get_role", {"RoleName": "r"}, _role("[]")),
    ("iam", "delete_role", {"RoleName": "r"}, PAGE),
    ("ec2", "describe_vpcs", {}, PAGE),
    ("ec2", "describe_vpcs", {}, '{"Vpcs": []}'),
    ("ec2", "describe_vpcs", {}, "<DescribeVpcsResponse><vpcSet>"),
    ("ec2", "describe_vpcs", {}, "<DescribeVpcsResponse/>"),
    ("ec2", "describe_vpcs", {}, "<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>"),
    ("ec2", "describe_vpcs", {}, "<Response><Errors><Error><Code>Unavailable</Code></Error></Errors></Response>"),
    ("ec2", "describe_vpcs", {}, "<DescribeVpcsResponse><vpcSet><item>vpc-1</item></vpcSet></DescribeVpcsResponse>"),
    *(("ec2", *_ec2(name, text)) for name, text in WRONG_TEXTS),
    ("s3", "get_bucket_versioning", BUCKET, ""),
    ("s3", "get_bucket_versioning", BUCKET, PAGE),
    ("s3", "get_bucket_versioning", BUCKET, "<null/>"),
    ("s3", "get_bucket_versioning", BUCKET, "<Page><Head/></Page>"),
    ("s3", "get_public_access_block", BUCKET, "<null/>"),
    ("s3", "get_bucket_encryption", BUCKET, "<Rules/>"),
    ("s3", "get_public_access_block", BUCKET, "<PublicAccessBlockConfiguration>all</PublicAccessBlockConfiguration>"),
]


@pytest.mark.parametrize(("service", "operation", "arguments", "body"), GARBAGE)
def test_client_malformed_answer_is_refused(service: str, operation: str, arguments: Any, body: str) -> None:
    client = Wire(service, body).client
    with pytest.raises(MalformedAnswerError, match="expected an answer of AWS, got ") as refused:
        _call(client, operation, arguments)
    why = failure_of(f"{service}:X", refused.value, REGION, "")
    assert why.cause is FailureCause.SERVICE
    assert why.reason.startswith("malformed answer: ")
    assert "\n" not in why.reason
    assert len(why.reason) < 200


NODE = {"InstanceId": "i-1", "PingStatus": "Dozing", "LastPingDateTime": 1.7e9, "IsLatestVersion": True, "New": [1]}
SOUND = [
    ("ssm", "describe_instance_information", {}, json.dumps({"InstanceInformationList": [], "NextToken": ""})),
    ("ssm", "describe_instance_information", {}, json.dumps({"InstanceInformationList": [NODE], "More": {}})),
    ("ssm", "describe_instance_information", {}, json.dumps({"InstanceInformationList": [{"Name": None}]})),
    ("ssm", "update_service_setting", {"SettingId": "s", "SettingValue": "v"}, "{}"),
    ("ssm", "update_service_setting", {"SettingId": "s", "SettingValue": "v"}, ""),
    ("kms", "enable_key", KEY, ""),
    ("kms", "enable_key", KEY, "{}"),
    ("kms", "enable_key", KEY, "null"),
    ("logs", "put_retention_policy", {"logGroupName": "g", "retentionInDays": 90}, ""),
    ("scheduler", "list_schedules", {}, '{"Schedules": []}'),
    (
        "iam",
        "list_roles",
        {},
        '<ListRolesResponse xmlns="x"><ListRolesResult><IsTruncated>false</IsTruncated></ListRolesResult></ListRolesResponse>',
    ),
    ("iam", "get_role", {"RoleName": "r"}, _role("%7B%22Statement%22%3A%20%5B%5D%7D")),
    ("iam", "delete_role", {"RoleName": "r"}, "<DeleteRoleResponse><ResponseMetadata/></DeleteRoleResponse>"),
    ("ec2", "describe_vpcs", {}, "<DescribeVpcsResponse>\n  <vpcSet/>\n  <extra>1</extra></DescribeVpcsResponse>"),
    *(("ec2", *_ec2(name, text)) for name, text in SOUND_TEXTS),
    ("ec2", "delete_subnet", {"SubnetId": "s"}, "<DeleteSubnetResponse><return>true</return></DeleteSubnetResponse>"),
    ("s3", "get_bucket_versioning", BUCKET, "<VersioningConfiguration/>"),
    ("s3", "get_bucket_location", BUCKET, '<LocationConstraint xmlns="x">eu-west-1</LocationConstraint>'),
    ("s3", "get_public_access_block", BUCKET, "<PublicAccessBlockConfiguration/>"),
    ("s3", "list_buckets", {}, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
    ("s3", "get_bucket_policy", BUCKET, '{"Statement": []}'),
    ("s3", "head_bucket", BUCKET, ""),
    ("s3", "put_bucket_policy", BUCKET | {"Policy": "{}"}, (204, "")),
    ("s3", "list_objects_v2", BUCKET, "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"),
]


@pytest.mark.parametrize(("service", "operation", "arguments", "body"), SOUND)
def test_client_sound_answer_is_accepted(service: str, operation: str, arguments: Any, body: Any) -> None:
    client = Wire(service, body).client
    _call(client, operation, arguments)
    assert getattr(client, operation)(**arguments)["ResponseMetadata"]


@pytest.mark.parametrize("service", ["ssm", "iam", "ec2", "s3"])
@pytest.mark.parametrize(("status", "sends"), [(403, 1), (407, 1), (503, 8)])
def test_client_page_with_error_status_is_an_error(service: str, status: int, sends: int) -> None:
    operation = {"ssm": "list_documents", "iam": "list_roles", "ec2": "describe_vpcs", "s3": "list_buckets"}[service]
    wire = Wire(service, (status, f"<!DOCTYPE html>\n{PAGE}"))
    with pytest.raises(ClientError) as refused:
        getattr(wire.client, operation)()
    why = failure_of("a:B", refused.value, REGION, "")
    assert why.reason == f"malformed answer: HTTP {status} with a body that is not an error of AWS"
    assert wire.sent == sends


@pytest.mark.parametrize("body", ["<PublicAccessBlockConf", "\x1f\x8b", '{"a": 1}'])
def test_client_s3_answer_that_is_no_xml_is_tried_again(body: str) -> None:
    wire = Wire("s3", body)
    with pytest.raises(ClientError, match="500"):
        wire.client.get_public_access_block(Bucket="logs")
    assert wire.sent == aws_session.RETRIES["total_max_attempts"]


def test_client_error_of_aws_stays_what_it_is() -> None:
    wire = Wire("kms", (400, '{"__type": "NotFoundException", "message": "no such key"}'))
    with pytest.raises(wire.client.exceptions.NotFoundException, match="no such key"):
        wire.client.describe_key(KeyId="k")


def test_client_malformed_answer_is_not_quoted() -> None:
    wire = Wire("ssm", json.dumps({"Parameter": {"Value": SECRET, "Version": SECRET, "LastModifiedDate": SECRET}}))
    with pytest.raises(MalformedAnswerError) as refused:
        wire.client.get_parameter(Name="p")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("seconds", [253402300799, -62135596800])
def test_time_at_an_end_of_the_calendar_is_usable(seconds: int) -> None:
    node = {"InstanceId": "i-1", "LastPingDateTime": seconds}
    wire = Wire("ssm", json.dumps({"InstanceInformationList": [node]}))
    (found,) = wire.client.describe_instance_information()["InstanceInformationList"]
    for zone in (timezone(timedelta(hours=14)), timezone(timedelta(hours=-14))):
        assert found["LastPingDateTime"].astimezone(zone) + timedelta(days=1) - timedelta(days=2)


@pytest.mark.parametrize("body", [PAGE, '{"Document": {"Name": "d"}}'])
def test_lookup_malformed_answer_ends_in_words(body: str) -> None:
    ssm = Wire("ssm", body).client
    with (
        pytest.raises(ResourceError, match=r"d: service: malformed answer: DescribeDocument: .* check for a proxy"),
        explained("d", "ssm", REGION, lambda: "me"),
    ):
        ssm.describe_document(Name="d")["Document"]["LatestVersion"]


def test_answer_missing_member_names_the_structure() -> None:
    answer = Wire("kms", '{"KeyMetadata": {"KeyId": "k"}}').client.describe_key(KeyId="k")
    with pytest.raises(MissingMemberError) as missing:
        answer["KeyMetadata"]["Arn"]
    assert str(missing.value) == "DescribeKey: KeyMetadata: expected an answer of AWS, got no Arn"
    assert answer["KeyMetadata"].get("Arn") is None
    assert isinstance(missing.value, KeyError)


def test_answer_copies_stay_answers() -> None:
    answer = Answer({"a": [1]}, "x")
    for other in (copy.deepcopy(answer), pickle.loads(pickle.dumps(answer)), answer | {}):
        assert other == answer
        with pytest.raises(MissingMemberError, match=r"x: .* got no b"):
            other["b"]


def _page(token: str, *nodes: str) -> str:
    return json.dumps({"InstanceInformationList": [{"InstanceId": each} for each in nodes], "NextToken": token})


ENDLESS: dict[str, Callable[[int], str]] = {
    "a page has the token of an earlier page": lambda _: _page("again", "i-1"),
    "a page has the token of an earlier page ": lambda number: _page(f"t{number % 3}", f"i-{number}"),
    "it has more than 50 pages": lambda number: _page(f"t{number}", f"i-{number}"),
    "it has more than 50 pages ": lambda number: _page(f"t{number}"),
    "two pages in a row are the same": lambda number: _page(f"t{number}", "i-1"),
}


@pytest.mark.parametrize("why", ENDLESS)
def test_listing_without_end_is_incomplete(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_answers, "MAX_PAGES", 50)
    wire = Wire("ssm", ENDLESS[why])
    with pytest.raises(Exception, match=why.strip()) as ended:
        wire.client.get_paginator("describe_instance_information").paginate().build_full_result()
    read = ended.value.read_so_far["InstanceInformationList"]
    assert len(read) <= wire.sent <= 51


def test_listing_that_takes_too_long_is_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_answers, "MAX_SECONDS", -1.0)
    with pytest.raises(IncompleteListingError, match="takes longer"):
        list(Wire("ssm", _page("t")).client.get_paginator("describe_instance_information").paginate())


def test_listing_keeps_what_was_read_before_a_failure() -> None:
    wire = Wire("ssm", _page("1", "i-1"), _page("2", "i-2"), PAGE)
    with pytest.raises(MalformedAnswerError) as ended:
        wire.client.get_paginator("describe_instance_information").paginate().build_full_result()
    read: Any = vars(ended.value)["read_so_far"]
    assert [each["InstanceId"] for each in read["InstanceInformationList"]] == ["i-1", "i-2"]


def test_listing_truncated_without_a_token_is_malformed() -> None:
    body = "<ListRolesResponse><ListRolesResult><Roles/><IsTruncated>true</IsTruncated></ListRolesResult></ListRolesResponse>"
    with pytest.raises(MalformedAnswerError, match="no token of the next page"):
        list(Wire("iam", body).client.get_paginator("list_roles").paginate())


def test_listing_of_many_pages_is_complete() -> None:
    pages = [_page(str(number) if number < 99 else "", f"i-{number}") for number in range(100)]
    pages[50] = _page("50")
    found = Wire("ssm", *pages).client.get_paginator("describe_instance_information").paginate().build_full_result()
    assert len(found["InstanceInformationList"]) == 99


def test_throttled_client_rests_after_all_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(aws_answers.time, "monotonic", lambda: now[0])
    throttled = (400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}')
    wire = Wire("ssm", *[throttled] * 9, '{"DocumentIdentifiers": []}')
    tries = aws_session.RETRIES["total_max_attempts"]
    for _ in range(3):
        with pytest.raises(ClientError, match="Rate exceeded"):
            wire.client.list_documents()
    assert wire.sent == tries
    now[0] = aws_answers.BREAK_SECONDS + 1
    assert wire.client.list_documents()["DocumentIdentifiers"] == []


def test_throttled_region_rests_for_all_services(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(aws_answers.time, "monotonic", lambda: now[0])
    error = (400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}')
    make = AwsClients(KEYS.get).client
    ssm, kms, logs = (Wire(each, *[error] * 20, client=make(each, REGION)) for each in ("ssm", "kms", "logs"))
    elsewhere = Wire("logs", '{"logGroups": []}', client=make("logs", "us-east-1"))
    for wire, call in ((ssm, "list_documents"), (kms, "list_keys")):
        with pytest.raises(ClientError, match="Rate exceeded"):
            getattr(wire.client, call)()
    for _ in range(2):
        with pytest.raises(
            ClientError, match="not called, as kms and ssm throttle every call: Rate exceeded"
        ) as refused:
            logs.client.describe_log_groups()
    why = why_not(refused.value, "x", REGION, str)
    assert why.action == "logs:DescribeLogGroups"
    assert why.reason == "throttled: not called, as kms and ssm throttle every call: Rate exceeded"
    assert (logs.sent, elsewhere.client.describe_log_groups()["logGroups"]) == (0, [])
    now[0] = aws_answers.BREAK_SECONDS + 1
    with pytest.raises(ClientError, match=r"operation \(reached max retries: 7\): Rate exceeded"):
        logs.client.describe_log_groups()


def test_throttled_client_succeeds_within_its_tries() -> None:
    throttled = (400, '{"__type": "ThrottlingException", "message": "Rate exceeded"}')
    wire = Wire("ssm", throttled, throttled, '{"DocumentIdentifiers": []}')
    assert wire.client.list_documents()["DocumentIdentifiers"] == []
