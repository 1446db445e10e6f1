"""Policies of a node's role, bucket and organization, evaluated as AWS evaluates its requests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from common.iam.documents import parse
from common.iam.principals import Principal
from components.session_manager.instance_policy import instance_policy
from operations.doctor.evaluation import evaluate
from operations.doctor.facts import NodeInstance
from operations.doctor.findings import Cause, Verdict
from operations.doctor.requirements import CHANNEL_ACTIONS, EVALUATED, GENERATE, REGISTER
from operations.inventory.network import VpcFacts
from operations.inventory.session_manager import BucketEncryption, LogBucketFacts
from tests.operations.doctor.plain_facts import (
    ANY_PRINCIPAL,
    CORE,
    SETTINGS,
    facts,
    healthy,
    own_policy,
    role,
    settings_of,
)
from tests.operations.doctor.plain_world import ACCOUNT, BUCKET_KEY, NODE, REGION, ROLE
from tests.operations.doctor.test_evaluation import THEIRS, changed, problems, the

LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
GROUP = "ssm-sessionmanager-logs"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/Node/{NODE}"
DENY = {"Sid": "Sealed", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}


def with_logs_on(resources: dict[str, str]) -> dict[str, Any]:
    """A role that may use the actions for logs on these resources only."""
    others = [
        each
        for each in own_policy(SETTINGS)
        if each.get("Sid") not in ("FindLogGroup", "FindLogStream", "WriteSessionLog")
    ]
    return role([*others, *({"Effect": "Allow", "Action": a, "Resource": r} for a, r in resources.items())])


AS_AWS_EVALUATES = {
    "logs:DescribeLogGroups": f"{LOGS}:log-stream:",
    "logs:DescribeLogStreams": f"{LOGS}{GROUP}:log-stream:",
    "logs:CreateLogStream": f"{LOGS}{GROUP}:log-stream:*",
    "logs:PutLogEvents": f"{LOGS}{GROUP}:log-stream:*",
}


def test_logs_actions_on_evaluated_resources_are_allowed() -> None:
    assert changed(role=with_logs_on(AS_AWS_EVALUATES)).findings == ()


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("logs:DescribeLogGroups", f"{LOGS}*", True),
        ("logs:DescribeLogGroups", f"{LOGS}*:*", True),
        ("logs:DescribeLogGroups", f"{LOGS}{GROUP}", False),
        ("logs:DescribeLogGroups", f"{LOGS}{GROUP}:*", False),
        ("logs:DescribeLogStreams", f"{LOGS}{GROUP}:*", True),
        ("logs:DescribeLogStreams", f"{LOGS}{GROUP}", False),
        ("logs:DescribeLogStreams", f"{LOGS}other:log-stream:", False),
        ("logs:CreateLogStream", f"{LOGS}{GROUP}", False),
        ("logs:PutLogEvents", f"{LOGS}{GROUP}:*", True),
    ],
)
def test_logs_action_on_another_resource(action: str, resource: str, *, allowed: bool) -> None:
    found = changed(role=with_logs_on({**AS_AWS_EVALUATES, action: resource}))
    assert problems(found) == ([] if allowed else [("permission", action)])


def test_every_needed_action_has_an_evaluated_resource() -> None:
    everything = settings_of({**SETTINGS, "s3BucketOwner": "999988887777", "s3KmsKeyArn": BUCKET_KEY})
    policy = instance_policy({REGION: everything}, partition="aws", account_id=ACCOUNT)
    granted = (
        {
            action
            for each in policy["Statement"]
            for action in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
        }
        if policy
        else set()
    )
    assert {*granted, REGISTER, *CHANNEL_ACTIONS, GENERATE} == EVALUATED.keys()


def test_channel_action_on_node_only_is_unknown() -> None:
    others = [each for each in own_policy(SETTINGS) if each not in CORE]
    register = {"Effect": "Allow", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"}
    channels = {"Effect": "Allow", "Action": "ssmmessages:*", "Resource": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"}
    assert changed(role=role([*others, register, channels])).verdict is Verdict.UNKNOWN
    assert changed(role=role([*others, register, {**channels, "Resource": "*"}])).verdict is Verdict.READY


CONDITIONS_OF_A_DENY = [
    ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, Verdict.READY),
    ({"NumericLessThan": {"s3:TlsVersion": "1.3"}}, Verdict.UNKNOWN),
    ({"NumericLessThan": {"s3:TlsVersion": "1.4"}}, Verdict.NOT_READY),
    ({"Bool": {"aws:SecureTransport": "false"}}, Verdict.READY),
    ({"StringNotEquals": {"aws:SourceVpce": "vpce-s3"}}, Verdict.READY),
    ({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, Verdict.NOT_READY),
    ({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}, Verdict.READY),
    ({"NotIpAddress": {"aws:VpcSourceIp": "10.20.0.0/16"}}, Verdict.READY),
    ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, Verdict.NOT_READY),
    ({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, Verdict.READY),
    ({"StringNotEquals": {"aws:PrincipalOrgID": "o-2"}}, Verdict.NOT_READY),
    ({"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}, Verdict.READY),
    ({"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}, Verdict.READY),
    ({"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, Verdict.READY),
    ({"StringNotEquals": {"s3:x-amz-acl": "private"}}, Verdict.NOT_READY),
    ({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}, Verdict.READY),
    ({"StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}}, Verdict.NOT_READY),
    ({"Null": {"s3:x-amz-server-side-encryption": "true"}}, Verdict.READY),
    ({"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption-aws-kms-key-id": BUCKET_KEY}}, Verdict.READY),
    ({"ArnNotEquals": {"aws:PrincipalArn": ROLE}}, Verdict.READY),
    ({"StringNotLike": {"aws:userid": f"*:{NODE}"}}, Verdict.READY),
    ({"StringLike": {"aws:UserAgent": "curl*"}}, Verdict.UNKNOWN),
    ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, Verdict.NOT_READY),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, Verdict.READY),
    ({"StringNotEqualsIfExists": {"aws:SourceOrgID": "o-1"}}, Verdict.NOT_READY),
    ({"StringNotEqualsIfExists": {"aws:SourceOrgID": "o-1"}, "Null": {"aws:SourceAccount": "false"}}, Verdict.READY),
    ({"StringEquals": {"aws:CalledViaFirst": "athena.amazonaws.com"}}, Verdict.READY),
    ({"Null": {"aws:MultiFactorAuthAge": "true"}}, Verdict.NOT_READY),
    ({"Bool": {"aws:MultiFactorAuthPresent": "false"}}, Verdict.UNKNOWN),
    ({"NumericGreaterThan": {"s3:signatureAge": "600000"}}, Verdict.READY),
    ({"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}, Verdict.NOT_READY),
    ({"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "false"}}, Verdict.READY),
    ({"NumericLessThan": {"ec2:RoleDelivery": "2.0"}}, Verdict.READY),
    ({"DateLessThan": {"aws:TokenIssueTime": "2025-12-01T00:00:00Z"}}, Verdict.READY),
    ({"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T06:00:00Z"}}, Verdict.UNKNOWN),
    ({"DateLessThan": {"aws:TokenIssueTime": "2026-02-01T00:00:00Z"}}, Verdict.NOT_READY),
    ({"DateGreaterThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}}, Verdict.READY),
    ({"DateGreaterThan": {"aws:CurrentTime": "2025-06-01T00:00:00Z"}}, Verdict.NOT_READY),
    ({"NumericLessThan": {"aws:EpochTime": "1500000000"}}, Verdict.READY),
]


@pytest.mark.parametrize(("condition", "verdict"), CONDITIONS_OF_A_DENY, ids=str)
def test_bucket_deny_with_a_condition(condition: dict[str, Any], verdict: Verdict) -> None:
    plain = healthy({**SETTINGS, "s3KmsKeyArn": BUCKET_KEY})
    plain.bucket = {"region": REGION, "encrypted": True, "key": BUCKET_KEY}
    plain.organization, plain.bucket_policy = "o-1", [{**DENY, "Condition": condition}]
    node = facts(plain)
    assert isinstance(node.role, Principal)
    node = replace(node, role=replace(node.role, unique_id="AROAEXAMPLE"), read_at=datetime(2026, 1, 1, 9, tzinfo=UTC))
    assert isinstance(node.instance, NodeInstance)
    node = replace(node, instance=replace(node.instance, requires_metadata_tokens=True))
    found = evaluate(node)
    assert found.verdict is verdict
    for each in found.findings:
        (operator, keys), *_ = condition.items()
        assert f"{operator} {next(iter(keys))}" in each.found
        assert each.remedy.startswith("change statement Sealed" if verdict is Verdict.NOT_READY else "check whether")


def test_role_delivery_depends_on_the_metadata_service() -> None:
    deny = {**DENY, "Condition": {"NumericLessThan": {"ec2:RoleDelivery": "2.0"}}}
    assert changed(bucket_policy=[deny]).verdict is Verdict.UNKNOWN


def test_revoked_sessions_of_the_role_deny_for_some_hours() -> None:
    """The policy that the console attaches when a role's active sessions are revoked."""
    for issued_before, verdict in (
        ("2025-12-31T12:00:00Z", Verdict.READY),
        ("2026-01-01T09:00:00Z", Verdict.NOT_READY),
    ):
        revoked = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        condition = {"DateLessThan": {"aws:TokenIssueTime": issued_before}}
        node = facts(replace(healthy(), role=role([*own_policy(SETTINGS), {**revoked, "Condition": condition}])))
        at = datetime(2026, 1, 1, 3, tzinfo=UTC)
        assert evaluate(replace(node, read_at=at)).verdict is verdict


def test_bucket_deny_over_the_internet_sees_the_nat_gateway() -> None:
    plain = healthy()
    plain.endpoints = [each for each in plain.endpoints if each["kind"] != "Gateway"]
    plain.default_route = "nat-1"
    plain.bucket_policy = [{**DENY, "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]
    node = facts(plain)
    assert isinstance(node.network, VpcFacts)
    for addresses, verdict in (
        (("203.0.113.7",), Verdict.READY),
        (("203.0.113.7", "198.51.100.1"), Verdict.UNKNOWN),
        (("198.51.100.1",), Verdict.NOT_READY),
        ((), Verdict.UNKNOWN),
    ):
        nats = {"nat-1": replace(node.network.nats["nat-1"], public_addresses=addresses)}
        assert evaluate(replace(node, network=replace(node.network, nats=nats))).verdict is verdict


@pytest.mark.parametrize(
    ("listed", "denied"),
    [
        ([ROOT, ROLE, SESSION], False),
        ([ACCOUNT, ROLE, SESSION, "arn:aws:iam::999988887777:root"], False),
        ([ROOT, ROLE], True),
        ([ROLE, SESSION], True),
        ([ROOT], True),
        ([ROLE], True),
        ([ROOT, ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/Node/i-0fedcba9876543210"], True),
        (["arn:aws:iam::999988887777:root"], True),
    ],
)
def test_bucket_deny_with_not_principal(listed: list[str], *, denied: bool) -> None:
    deny = {key: value for key, value in DENY.items() if key != "Principal"} | {"NotPrincipal": {"AWS": listed}}
    assert problems(changed(bucket_policy=[deny])) == ([("bucket-policy", "s3:PutObject")] if denied else [])


@pytest.mark.parametrize(("session", "denied"), [(SESSION, True), (f"{SESSION[:-1]}9", False)])
def test_bucket_deny_names_a_session(session: str, *, denied: bool) -> None:
    found = changed(bucket_policy=[{**DENY, "Principal": {"AWS": session}}])
    assert problems(found) == ([("bucket-policy", "s3:PutObject")] if denied else [])


def test_bucket_allow_with_an_unmet_condition_is_named() -> None:
    only_private = {
        **ANY_PRINCIPAL,
        "Action": "s3:PutObject",
        "Condition": {"StringEquals": {"s3:x-amz-acl": "private"}},
    }
    others = {**ANY_PRINCIPAL, "Action": ["s3:GetEncryptionConfiguration", "s3:PutObjectAcl"]}
    found = the(changed(healthy(THEIRS), bucket_policy=[only_private, others]), Cause.BUCKET_POLICY)
    assert "because no resource-based policy allows the s3:PutObject action" in found.found
    assert found.remedy.startswith('change the condition StringEquals s3:x-amz-acl "private"')
    nothing = the(changed(healthy(THEIRS), bucket_policy=[others]), Cause.BUCKET_POLICY)
    assert nothing.remedy.startswith("add a statement that allows s3:PutObject on arn:aws:s3:::session-logs/")


def test_bucket_allow_in_its_own_account_needs_no_permission() -> None:
    own = [each for each in own_policy(SETTINGS) if each.get("Sid") != "WriteSessionLogObject"]
    assert problems(changed(role=role(own))) == [("permission", "s3:PutObject")]
    by_bucket = {**ANY_PRINCIPAL, "Principal": {"AWS": ROLE}, "Action": "s3:PutObject"}
    assert changed(role=role(own), bucket_policy=[by_bucket]).verdict is Verdict.READY
    of_account = {**by_bucket, "Principal": {"AWS": ROOT}}
    assert changed(role=role(own), bucket_policy=[of_account]).verdict is Verdict.NOT_READY


def test_key_policy_on_the_encryption_context_is_evaluated() -> None:
    for target, ready in ((NODE, True), ("i-0fedcba9876543210", False)):
        condition = {"StringEquals": {"kms:EncryptionContext:aws:ssm:TargetId": target}}
        statement = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
        found = changed(key_policy=[{**statement, "Condition": condition}])
        assert (found.verdict is Verdict.READY) is ready


def test_service_control_policy_is_named_as_what_denies() -> None:
    node = facts(healthy())
    assert isinstance(node.role, Principal)
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    deny = {"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}
    for statements, phrase, remedy in (
        (
            [everything, deny],
            "with an explicit deny in a service control policy",
            "remove the Deny of kms:Decrypt from",
        ),
        (
            [{**everything, "Action": ["ssm*", "logs:*", "s3:*"]}],
            "because no service control policy allows the kms:Decrypt action",
            f"allow kms:Decrypt to {ROLE} in",
        ),
    ):
        level = (parse({"Version": "2012-10-17", "Statement": statements}, name="Guard", kind="service control"),)
        permissions = replace(node.role.permissions, ceilings=(level,))
        found = the(evaluate(replace(node, role=replace(node.role, permissions=permissions))), Cause.PERMISSION)
        assert phrase in found.found
        assert found.remedy.startswith(f"{remedy} the service control policy in AWS Organizations")


def bucket_with(encryption: BucketEncryption, **settings: Any) -> Any:
    node = facts(healthy({**SETTINGS, **settings}))
    bucket = LogBucketFacts(region=REGION, encryption=encryption, open_to_public=())
    any_principal = parse({"Version": "2012-10-17", "Statement": [ANY_PRINCIPAL]}, name="bucket", kind="bucket")
    live = replace(node.destinations.live, bucket=bucket)
    destinations = replace(node.destinations, live=live, bucket_key=None, bucket_policy=any_principal)
    return evaluate(replace(node, destinations=destinations))


@pytest.mark.parametrize(
    ("algorithm", "settings", "refused"),
    [
        ("aws:kms:dsse", {}, True),
        ("aws:kms:dsse", {"s3EncryptionEnabled": False}, False),
        ("aws:kms", {}, False),
        ("AES256", {}, False),
        ("aws:kms", {"s3BucketOwner": "999988887777"}, True),
        ("aws:kms:dsse", {"s3BucketOwner": "999988887777", "s3EncryptionEnabled": False}, True),
        ("AES256", {"s3BucketOwner": "999988887777"}, False),
    ],
    ids=str,
)
def test_bucket_algorithm_and_aws_managed_key(algorithm: str, settings: dict[str, Any], *, refused: bool) -> None:
    found = bucket_with(BucketEncryption(algorithm=algorithm, kms_key_arn=None), **settings)
    assert problems(found) == ([("bucket-encryption", "")] if refused else [])


@pytest.mark.parametrize(
    "key", ["alias/gone", "1234abcd-12ab-34cd-56ef-1234567890ab", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/gone"]
)
def test_bucket_key_that_does_not_exist(key: str) -> None:
    found = bucket_with(BucketEncryption(algorithm="aws:kms", kms_key_arn=key, configured_key=key))
    assert problems(found) == [("bucket-key", "")]
    assert key in the(found, Cause.BUCKET_KEY).found
