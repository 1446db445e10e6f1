"""From facts to causes, where the local AWS cannot bring the facts about or a word matters."""

from dataclasses import replace
from typing import Any

import pytest

from operations.audit.organization import Organization
from operations.doctor.evaluation import evaluate
from operations.doctor.findings import Cause, Diagnosis, Verdict
from operations.findings import Finding, Status
from operations.inventory.network import VpcFacts
from operations.inventory.reader import ReadFailure
from tests.operations.doctor.plain_facts import (
    ANY_PRINCIPAL,
    SETTINGS,
    acl_entry,
    facts,
    healthy,
    interface,
    open_acl,
    own_policy,
    role,
)
from tests.operations.doctor.plain_world import ACCOUNT, BUCKET_KEY, KEY, PUBLIC_SUBNET, ROLE, Plain

UNREAD = ReadFailure(
    action="x:Read", cause="refused: no", remedy="allow x:Read to arn:me, then try again", refused=True
)
ALLOWED = role(own_policy(SETTINGS))
ENDPOINTS = healthy().endpoints
RULES = healthy().rules
CLOSED = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
THEIRS = {**SETTINGS, "s3BucketOwner": "999988887777"}
ENCRYPTED: dict[str, Any] = {
    "settings": {**SETTINGS, "s3KmsKeyArn": BUCKET_KEY},
    "bucket": {"region": "eu-west-1", "encrypted": True, "key": BUCKET_KEY},
}


def changed(plain: Plain | None = None, **changes: Any) -> Diagnosis:
    """Diagnose a healthy node, or another one, with some changes; its role has the permissions that its settings need."""
    settings = changes.get("settings")
    found = plain or healthy(settings)
    for key, value in changes.items():
        setattr(found, key, value)
    return evaluate(facts(found))


def problems(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(str(each.check), each.about) for each in diagnosis.findings if each.status is Status.PROBLEM]


def the(diagnosis: Diagnosis, cause: Cause) -> Finding:
    return next(each for each in diagnosis.findings if each.check == cause)


def managed(**changes: str) -> dict[str, str]:
    return {"ping": "Online", "agent": "3.3.987.0", "platform": "Linux", **changes}


def allowed_but(sid: str, **changes: Any) -> dict[str, Any]:
    """The role with a statement changed; without it, where there are no changes."""
    own = [each | (changes if each.get("Sid") == sid else {}) for each in own_policy(SETTINGS)]
    return role([each for each in own if changes or each.get("Sid") != sid])


def acls(**changes: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return healthy().acls | {key.replace("_", "-"): value for key, value in changes.items()}


def bucket_deny(**changes: Any) -> list[dict[str, Any]]:
    return [{**CLOSED, "Sid": "Sealed", "Action": "s3:Put*", **changes}]


def without_endpoint(service: str) -> list[dict[str, Any]]:
    return [each for each in ENDPOINTS if each["id"] != f"vpce-{service}"]


INTO = [acl_entry(100, egress=False, ports=(443, 443)), acl_entry(100, egress=True, ports=(32768, 65535))]
OUT = [acl_entry(100, egress=True), acl_entry(100, egress=False, ports=(443, 443))]
TO_NAT: dict[str, Any] = {"endpoints": [], "default_route": "nat-1"}
WITHOUT_S3 = {**SETTINGS, "s3Logging": False}
ELSEWHERE = {"bucket": {"region": "us-east-1", "encrypted": True, "key": None}}
WRITING = ("s3:GetEncryptionConfiguration", "s3:PutObject", "s3:PutObjectAcl")
NOTHING = role([{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}])

PROBLEMS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "default role": ({"role": None, "default_role": ALLOWED}, []),
    "default role with an old agent": (
        {"role": None, "default_role": ALLOWED, "managed": managed(agent="3.1.0.0")},
        [("agent", "")],
    ),
    "own role that cannot register": ({"role": NOTHING, "default_role": ALLOWED}, []),
    "own role that can register": (
        {"role": allowed_but("DecryptSessionData"), "default_role": ALLOWED},
        [("permission", "kms:Decrypt")],
    ),
    "no role": ({"role": None, "managed": None}, [("no-instance-profile", "")]),
    "no metadata": ({"metadata": False}, [("metadata-off", "")]),
    "never registered": ({"managed": None}, [("not-managed", "")]),
    "offline": ({"managed": managed(ping="ConnectionLost")}, [("offline", "")]),
    "offline and stopped": ({"managed": managed(ping="ConnectionLost"), "state": "stopped"}, [("stopped", "")]),
    "no endpoints and no route": ({"endpoints": []}, [("no-route", "subnet-a")]),
    "pending endpoint and another path": (
        {"endpoints": [interface("ssm", state="pending"), *ENDPOINTS[1:]], "default_route": "nat-1"},
        [("endpoint-state", "vpce-ssm")],
    ),
    "no ec2messages": ({"endpoints": without_endpoint("ec2messages")}, []),
    "no ec2messages for an old agent": (
        {"endpoints": without_endpoint("ec2messages"), "managed": managed(agent="3.3.39.0")},
        [("endpoint-missing", "ec2messages")],
    ),
    "no endpoint despite a transit gateway": (
        {"endpoints": without_endpoint("kms"), "other_routes": {"192.168.0.0/16": "tgw-1"}},
        [("endpoint-missing", "kms")],
    ),
    "no private names": ({"resolves": False}, [("endpoint-private-dns", "vpc-1")]),
    "bucket in another Region": (ELSEWHERE, [("endpoint-missing", "s3")]),
    "bucket in another Region and a route": ({**ELSEWHERE, "default_route": "nat-1"}, []),
    "gateway in another route table": (
        {"endpoints": [*ENDPOINTS[:-1], {**ENDPOINTS[-1], "tables": ["rtb-public"]}]},
        [("endpoint-route-table", "vpce-s3")],
    ),
    "deny of an endpoint": (
        {"endpoints": [{**ENDPOINTS[0], "policy": [ANY_PRINCIPAL, CLOSED]}, *ENDPOINTS[1:]]},
        [("endpoint-policy", "vpce-ssm")],
    ),
    "deny of a key": (
        {"key_policy": [*healthy().key_policy, {**CLOSED, "Action": "kms:Decrypt"}]},
        [("data-key-policy", "kms:Decrypt")],
    ),
    "key policy that names the role": (
        {
            "role": allowed_but("DecryptSessionData"),
            "key_policy": [{**ANY_PRINCIPAL, "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt"}],
        },
        [],
    ),
    "network ACL of another subnet": (
        {"settings": WITHOUT_S3, "acls": acls(subnet_a=[])},
        [("network-acl", "acl-subnet-a")],
    ),
    "network ACL within the subnet": (
        {
            "settings": WITHOUT_S3,
            "acls": acls(subnet_a=[]),
            "endpoints": [interface(each, subnets=["subnet-a"]) for each in ("ssm", "ssmmessages", "kms", "logs")],
        },
        [],
    ),
    "network ACL in and out": ({"acls": acls(subnet_b=INTO)}, []),
    "network ACL out and in": (
        {"acls": acls(subnet_b=[{**each, "Egress": not each["Egress"]} for each in INTO])},
        [("network-acl", "acl-subnet-b")],
    ),
    **{
        f"network ACL with a deny at {number}, egress {egress}": (
            {"acls": acls(subnet_b=[*open_acl(), acl_entry(number, "10.20.0.0/20", egress=egress, allow=False)])},
            expected,
        )
        for number, expected in ((50, [("network-acl", "acl-subnet-b")]), (150, list[tuple[str, str]]()))
        for egress in (True, False)
    },
    "NAT gateway": (TO_NAT, []),
    "network ACL of a NAT gateway": (
        {**TO_NAT, "acls": acls(subnet_public=OUT)},
        [("network-acl", f"acl-{PUBLIC_SUBNET}")],
    ),
    "network ACL of a NAT gateway with replies only": (
        {**TO_NAT, "acls": acls(subnet_public=[OUT[0], acl_entry(100, egress=False, ports=(1024, 65535))])},
        [("network-acl", f"acl-{PUBLIC_SUBNET}")],
    ),
    "foreign bucket": ({"settings": THEIRS, "bucket_policy": [ANY_PRINCIPAL]}, []),
    "foreign bucket without a policy": ({"settings": THEIRS}, [("bucket-policy", each) for each in WRITING]),
    "foreign bucket for reading": (
        {"settings": THEIRS, "bucket_policy": [{**ANY_PRINCIPAL, "Action": WRITING[0]}]},
        [("bucket-policy", each) for each in WRITING[1:]],
    ),
    "own bucket with an empty policy": ({"bucket_policy": []}, []),
    "own bucket that denies": ({"bucket_policy": bucket_deny()}, [("bucket-policy", "s3:PutObject")]),
    "own bucket that denies HTTP": (
        {"bucket_policy": bucket_deny(Condition={"Bool": {"aws:SecureTransport": "false"}})},
        [],
    ),
    "key of the bucket": (ENCRYPTED, []),
    "key of the bucket that denies": (
        {**ENCRYPTED, "bucket_key_policy": []},
        [("bucket-key-policy", "kms:GenerateDataKey")],
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_problems_are_exactly_those_of_the_change(case: str) -> None:
    changes, expected = PROBLEMS[case]
    found = changed(**changes)
    assert problems(found) == expected
    assert found.verdict is (Verdict.NOT_READY if expected else Verdict.READY)


NO_KEYS = {"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}
BOUNDARY = [{"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}]
RUN_AS = {**SETTINGS, "runAsEnabled": True, "runAsDefaultUser": "ops"}
FINDINGS: dict[str, tuple[dict[str, Any], Cause, Status, str]] = {
    "default role with an old agent": (
        *(PROBLEMS["default role with an old agent"][0], Cause.AGENT, Status.PROBLEM),
        "Default Host Management Configuration needs 3.2.582.0",
    ),
    "no role": ({"role": None, "managed": None}, Cause.NOT_MANAGED, Status.NOTE, "never registered"),
    "offline and stopped": (
        *({"managed": managed(ping="ConnectionLost"), "state": "stopped"}, Cause.OFFLINE, Status.NOTE),
        "as a consequence",
    ),
    "no path": ({"endpoints": []}, Cause.NO_ROUTE, Status.PROBLEM, "concerns kms, logs, s3, ssm, ssmmessages"),
    "unseen path": (
        *({"endpoints": [], "default_route": "tgw-1"}, Cause.NO_ROUTE, Status.UNKNOWN),
        "concerns kms, logs, s3, ssmmessages",
    ),
    "bucket in another Region": (ELSEWHERE, Cause.ENDPOINT_MISSING, Status.PROBLEM, "in another Region"),
    "network ACL of a NAT gateway": (
        *({**TO_NAT, "acls": acls(subnet_public=OUT)}, Cause.NETWORK_ACL, Status.PROBLEM),
        "1024-65535",
    ),
    "own bucket that denies": (
        *({"bucket_policy": bucket_deny()}, Cause.BUCKET_POLICY, Status.PROBLEM),
        "statement Sealed of bucket policy",
    ),
    "condition that is not known": (
        *({"role": allowed_but("WriteSessionLogObject", Condition={"StringLike": {"aws:UserAgent": "*ssm*"}})},),
        *(Cause.PERMISSION, Status.UNKNOWN, "aws:UserAgent"),
    ),
    "condition of a bucket that is not known": (
        *({"bucket_policy": bucket_deny(Condition={"StringNotLike": {"aws:UserAgent": "*ssm*"}})},),
        *(Cause.BUCKET_POLICY, Status.UNKNOWN, "aws:UserAgent"),
    ),
    "statement that denies": (
        *({"role": role([*own_policy(SETTINGS), NO_KEYS])}, Cause.PERMISSION, Status.PROBLEM),
        (
            f"{ROLE} is not authorized to perform kms:Decrypt on {KEY} with an explicit deny in an identity-based policy "
            "(statement NoKeys of inline policy inline)"
        ),
    ),
    "boundary that does not allow": (
        *({"role": role(own_policy(SETTINGS), BOUNDARY)}, Cause.PERMISSION, Status.PROBLEM),
        "because no permissions boundary allows the kms:Decrypt action (boundary)",
    ),
    "agent without a version": ({"managed": managed(agent="")}, Cause.AGENT, Status.UNKNOWN, "version is not known"),
    "run-as user": ({"settings": RUN_AS}, Cause.RUN_AS, Status.NOTE, "whether ops exists"),
    "run-as user that the agent creates": (
        *({"settings": {**RUN_AS, "runAsDefaultUser": "ssm-user"}}, Cause.RUN_AS, Status.WARNING),
        "sessions run as ssm-user",
    ),
    "remedy for a key of the bucket": (
        *({"bucket": ENCRYPTED["bucket"]}, Cause.PERMISSION, Status.PROBLEM),
        f"set shell-access:sessionManager.s3KmsKeyArn to {BUCKET_KEY}, then pulumi up",
    ),
    "remedy for a security group": (
        *({"rules": [each for each in RULES if each["GroupId"] != "sg-node"]}, Cause.SECURITY_GROUP, Status.PROBLEM),
        "'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]'",
    ),
}


@pytest.mark.parametrize("case", FINDINGS)
def test_finding_names_cause_and_remedy(case: str) -> None:
    changes, cause, status, text = FINDINGS[case]
    diagnosis = changed(**changes)
    found = the(diagnosis, cause)
    assert (found.status, text in f"{found.found}; {found.remedy}") == (status, True), found
    assert "attach-role-policy" not in found.remedy
    verdicts = {Status.PROBLEM: Verdict.NOT_READY, Status.UNKNOWN: Verdict.UNKNOWN}
    if not problems(diagnosis):
        assert diagnosis.verdict is verdicts.get(status, Verdict.READY)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"default_route": "nat-1"}, Verdict.READY),
        ({"default_route": "nat-1", "nat_state": "failed"}, Verdict.NOT_READY),
        ({"default_route": "nat-1", "public_blocked": "block-ingress"}, Verdict.READY),
        ({"default_route": "nat-1", "public_blocked": "block-bidirectional"}, Verdict.NOT_READY),
        ({"default_route": "igw-1", "public_address": True}, Verdict.READY),
        ({"default_route": "igw-1"}, Verdict.NOT_READY),
        ({"default_route": "igw-1", "public_address": True, "route_active": False}, Verdict.NOT_READY),
        ({"default_route": "tgw-1"}, Verdict.UNKNOWN),
        ({"default_route": "eni-1"}, Verdict.UNKNOWN),
        ({"default_route": "nat-1", "other_routes": {"52.0.0.0/8": "tgw-1"}}, Verdict.UNKNOWN),
        ({"default_route": "nat-1", "other_routes": {"52.0.0.0/8": "igw-1"}}, Verdict.UNKNOWN),
        ({"default_route": "nat-1", "other_routes": {"192.168.0.0/16": "tgw-1"}}, Verdict.READY),
        ({"default_route": "nat-1", "other_routes": {"pl-0123abcd": "tgw-1", "2001:db8::/32": "tgw-1"}}, Verdict.READY),
        ({"other_routes": {"0.0.0.0/1": "nat-1", "128.0.0.0/1": "nat-1"}}, Verdict.READY),
        ({"other_routes": {"0.0.0.0/1": "nat-1"}}, Verdict.UNKNOWN),
        ({"other_routes": {"0.0.0.0/1": "igw-1"}}, Verdict.NOT_READY),
        ({"other_routes": {"192.168.0.0/16": "tgw-1"}}, Verdict.UNKNOWN),
    ],
    ids=str,
)
def test_route_decides_where_there_are_no_endpoints(changes: dict[str, Any], verdict: Verdict) -> None:
    assert changed(endpoints=[], **changes).verdict is verdict


@pytest.mark.parametrize("mode", ["block-ingress", "block-bidirectional"])
def test_block_public_access_closes_the_internet_gateway(mode: str) -> None:
    found = _in_subnet({"endpoints": [], "default_route": "igw-1", "public_address": True}, blocks=mode)
    assert problems(found) == [("no-route", "subnet-a")]
    assert "Block Public Access" in the(found, Cause.NO_ROUTE).found


@pytest.mark.parametrize(("owner", "verdict"), [(ACCOUNT, Verdict.READY), ("999988887777", Verdict.UNKNOWN)])
def test_resources_of_the_owner_of_a_shared_subnet_are_not_seen(owner: str, verdict: Verdict) -> None:
    assert _in_subnet({}, owner_id=owner).verdict is verdict


def _in_subnet(changes: dict[str, Any], **of_subnet: str) -> Diagnosis:
    """Diagnose a node in a subnet with other properties."""
    node = facts(replace(healthy(), **changes))
    assert isinstance(node.network, VpcFacts)
    subnets = {**node.network.subnets, "subnet-a": replace(node.network.subnets["subnet-a"], **of_subnet)}
    return evaluate(replace(node, network=replace(node.network, subnets=subnets)))


def test_endpoint_in_other_zones_is_a_warning() -> None:
    elsewhere = [{**each, "subnets": ["subnet-b"]} if each["kind"] == "Interface" else each for each in ENDPOINTS]
    found = changed(endpoints=elsewhere)
    assert found.verdict is Verdict.READY
    assert [(each.check, each.status) for each in found.findings] == [(Cause.ENDPOINT_ELSEWHERE, Status.WARNING)]


OF_LIVE = ("document", "data_key", "log_group", "bucket")
OF_DESTINATIONS = ("data_key_policy", "data_key_aliases", "log_group_key", "bucket_policy", "bucket_key_policy")


@pytest.mark.parametrize("name", ["instance", "managed", "role", "network", *OF_LIVE, *OF_DESTINATIONS])
def test_unread_fact_is_never_ready(name: str) -> None:
    node = facts(replace(healthy(ENCRYPTED["settings"]), **ENCRYPTED))
    assert evaluate(node).verdict is Verdict.READY
    destinations = node.destinations
    if name in OF_LIVE:
        node = replace(node, destinations=replace(destinations, live=replace(destinations.live, **{name: UNREAD})))
    elif name in OF_DESTINATIONS:
        node = replace(node, destinations=replace(destinations, **{name: UNREAD}))
    else:
        node = replace(node, **{name: UNREAD})
    found = evaluate(node)
    assert found.verdict is Verdict.UNKNOWN
    assert any("x:Read: refused: no" in each.found and each.remedy == UNREAD.remedy for each in found.findings)


def test_unread_default_host_management_matters_without_profile() -> None:
    assert evaluate(replace(facts(healthy()), role=None, default_role=UNREAD)).verdict is Verdict.UNKNOWN


def test_network_of_a_node_outside_ec2_is_not_seen() -> None:
    node = replace(facts(healthy()), id="mi-0123456789abcdef0", instance=None, network=None)
    found = evaluate(node)
    assert found.verdict is Verdict.UNKNOWN
    assert [each.check for each in found.findings] == [Cause.NETWORK]


@pytest.mark.parametrize("user", ["ops", "ssm-user"])
def test_run_as_user_does_not_matter_on_windows(user: str) -> None:
    settings = {**SETTINGS, "runAsEnabled": True, "runAsDefaultUser": user}
    assert changed(settings=settings, managed=managed(platform="Windows")).findings == ()


def test_missing_permission_remedy_names_the_policy() -> None:
    for is_core, action, policy in (
        (True, "kms:Decrypt", "policy/ShellAccessSessionManagerNode"),
        (False, "ssmmessages:OpenDataChannel", "aws:policy/AmazonSSMManagedInstanceCore"),
    ):
        found = changed(role=role([each for each in own_policy(SETTINGS) if ("Sid" not in each) is is_core]))
        assert {each.about: each.remedy for each in found.findings}[action].endswith(policy)


def test_remedy_keeps_instance_profile_and_endpoint_policy() -> None:
    remedy = the(evaluate(replace(facts(healthy()), role=None)), Cause.NO_INSTANCE_PROFILE).remedy
    assert remedy.startswith("aws iam add-role-to-instance-profile --instance-profile-name Node --role-name ROLE")
    found = changed(endpoints=[{**ENDPOINTS[0], "policy": []}, *ENDPOINTS[1:]])
    assert "--reset-policy" not in the(found, Cause.ENDPOINT_POLICY).remedy


def test_cause_that_explains_most_comes_first() -> None:
    lost = managed(ping="ConnectionLost", agent="2.3.68.0")
    found = changed(state="stopped", managed=lost, log_group=None, key=None)
    assert [str(each.check) for each in found.findings] == ["stopped", "agent", "data-key", "log-group", "offline"]


def test_limit_of_the_evaluation_is_a_note() -> None:
    limits = ("service control policies are not taken into account",)
    found = evaluate(replace(facts(healthy()), organization=Organization(limits=limits)))
    assert found.verdict is Verdict.READY
    assert the(found, Cause.NOT_SEEN).status is Status.NOTE


def test_session_without_preferences_is_evaluated() -> None:
    node = facts(healthy())
    assert evaluate(replace(node, deployment=replace(node.deployment, session_manager=None))).findings == ()
