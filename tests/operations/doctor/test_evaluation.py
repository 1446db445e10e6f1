"""From facts to causes, where the local AWS cannot bring the facts about or a word matters."""

from dataclasses import replace
from typing import Any

import pytest

from operations.audit.organization import Organization
from operations.doctor.evaluation import evaluate
from operations.doctor.findings import Cause, Diagnosis, Verdict
from operations.findings import Finding, Status
from operations.inventory.network import SubnetFacts, VpcFacts
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


def changed(plain: Plain | None = None, **changes: Any) -> Diagnosis:
    found = plain or healthy()
    for key, value in changes.items():
        setattr(found, key, value)
    return evaluate(facts(found))


def problems(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(str(each.check), each.about) for each in diagnosis.findings if each.status is Status.PROBLEM]


def the(diagnosis: Diagnosis, cause: Cause) -> Finding:
    return next(each for each in diagnosis.findings if each.check == cause)


def test_default_host_management_needs_no_profile() -> None:
    assert changed(role=None, default_role=role(own_policy(SETTINGS))).verdict is Verdict.READY


def test_default_host_management_needs_a_recent_agent() -> None:
    managed = {"ping": "Online", "agent": "3.1.0.0", "platform": "Linux"}
    found = changed(role=None, default_role=role(own_policy(SETTINGS)), managed=managed)
    assert problems(found) == [("agent", "")]
    assert "Default Host Management Configuration needs 3.2.582.0" in the(found, Cause.AGENT).found


def test_role_without_registration_uses_default_host_management() -> None:
    nothing = role([{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}])
    assert changed(role=nothing, default_role=role(own_policy(SETTINGS))).verdict is Verdict.READY


def test_role_that_registers_is_the_one_that_counts() -> None:
    own = [each for each in own_policy(SETTINGS) if each.get("Sid") != "DecryptSessionData"]
    found = changed(role=role(own), default_role=role(own_policy(SETTINGS)))
    assert problems(found) == [("permission", "kms:Decrypt")]


def test_no_profile_and_no_default_role_is_the_cause() -> None:
    found = changed(role=None, managed=None)
    assert problems(found) == [("no-instance-profile", "")]
    assert the(found, Cause.NOT_MANAGED).status is Status.NOTE


def test_node_without_metadata_has_no_credentials() -> None:
    assert problems(changed(metadata=False)) == [("metadata-off", "")]


def test_silence_that_nothing_explains_is_a_cause_of_its_own() -> None:
    assert problems(changed(managed=None)) == [("not-managed", "")]
    lost = {"ping": "ConnectionLost", "agent": "3.3.987.0", "platform": "Linux"}
    assert problems(changed(managed=lost)) == [("offline", "")]


def test_silence_that_follows_from_something_else_is_a_note() -> None:
    lost = {"ping": "ConnectionLost", "agent": "3.3.987.0", "platform": "Linux"}
    found = changed(managed=lost, state="stopped")
    assert problems(found) == [("stopped", "")]
    assert the(found, Cause.OFFLINE).status is Status.NOTE


def test_no_endpoints_and_no_route_is_one_finding() -> None:
    found = changed(endpoints=[])
    assert problems(found) == [("no-route", "subnet-a")]
    assert "concerns kms, logs, s3, ssm, ssmmessages" in the(found, Cause.NO_ROUTE).found


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"default_route": "nat-1"}, Verdict.READY),
        ({"default_route": "nat-1", "nat_state": "failed"}, Verdict.NOT_READY),
        ({"default_route": "igw-1", "public_address": True}, Verdict.READY),
        ({"default_route": "igw-1"}, Verdict.NOT_READY),
        ({"default_route": "igw-1", "public_address": True, "route_active": False}, Verdict.NOT_READY),
        ({"default_route": "tgw-1"}, Verdict.UNKNOWN),
        ({"default_route": "eni-1"}, Verdict.UNKNOWN),
    ],
    ids=lambda given: "-".join(map(str, given.values())) if isinstance(given, dict) else given.value,
)
def test_route_decides_where_there_are_no_endpoints(changes: dict[str, Any], verdict: Verdict) -> None:
    assert changed(endpoints=[], **changes).verdict is verdict


def test_online_agent_proves_path_to_systems_manager() -> None:
    found = the(changed(endpoints=[], default_route="tgw-1"), Cause.NO_ROUTE)
    assert found.status is Status.UNKNOWN
    assert "concerns kms, logs, s3, ssmmessages" in found.found


def test_endpoint_serves_its_service_despite_other_path() -> None:
    world = healthy()
    world.endpoints[0] = interface("ssm", state="pending")
    assert problems(changed(world, default_route="nat-1")) == [("endpoint-state", "vpce-ssm")]


def test_only_old_agent_needs_ec2messages() -> None:
    without = [each for each in healthy().endpoints if each["id"] != "vpce-ec2messages"]
    assert changed(endpoints=without).verdict is Verdict.READY
    old = {"ping": "Online", "agent": "3.3.39.0", "platform": "Linux"}
    assert problems(changed(endpoints=without, managed=old)) == [("endpoint-missing", "ec2messages")]


def test_endpoint_in_other_zones_is_a_warning() -> None:
    world = healthy()
    world.endpoints = [
        {**each, "subnets": ["subnet-b"]} if each["kind"] == "Interface" else each for each in world.endpoints
    ]
    found = changed(world)
    assert found.verdict is Verdict.READY
    assert [(each.check, each.status) for each in found.findings] == [(Cause.ENDPOINT_ELSEWHERE, Status.WARNING)]


def test_vpc_without_dns_resolution_breaks_endpoints() -> None:
    assert problems(changed(resolves=False)) == [("endpoint-private-dns", "vpc-1")]


def test_bucket_in_other_region_is_unreachable_by_endpoint() -> None:
    bucket = {"region": "us-east-1", "encrypted": True, "key": None}
    found = changed(bucket=bucket)
    assert problems(found) == [("endpoint-missing", "s3")]
    assert "in another Region" in the(found, Cause.ENDPOINT_MISSING).found
    assert changed(bucket=bucket, default_route="nat-1").verdict is Verdict.READY


@pytest.mark.parametrize("field", ["instance", "managed", "role", "network"])
def test_unread_resource_is_never_healthy(field: str) -> None:
    found = evaluate(replace(facts(healthy()), **{field: UNREAD}))
    assert found.verdict is Verdict.UNKNOWN
    assert any(each.found == "x:Read: refused: no" and each.remedy == UNREAD.remedy for each in found.findings)


@pytest.mark.parametrize("field", ["document", "data_key", "log_group", "bucket"])
def test_unread_destinations_are_never_healthy(field: str) -> None:
    node = facts(healthy())
    live = replace(node.destinations.live, **{field: UNREAD})
    assert evaluate(replace(node, destinations=replace(node.destinations, live=live))).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("field", ["data_key_policy", "data_key_aliases", "log_group_key"])
def test_unread_keys_are_never_healthy(field: str) -> None:
    node = facts(healthy())
    destinations = replace(node.destinations, **{field: UNREAD})
    assert evaluate(replace(node, destinations=destinations)).verdict is Verdict.UNKNOWN


def test_unread_default_host_management_matters_without_profile() -> None:
    node = replace(facts(healthy()), role=None, default_role=UNREAD)
    assert evaluate(node).verdict is Verdict.UNKNOWN


def test_way_of_a_node_outside_ec2_is_not_seen() -> None:
    node = replace(facts(healthy()), id="mi-0123456789abcdef0", instance=None, network=None)
    found = evaluate(node)
    assert found.verdict is Verdict.UNKNOWN
    assert [each.check for each in found.findings] == [Cause.NETWORK]


def test_unreported_agent_version_is_unknown() -> None:
    node = facts(healthy())
    assert node.managed is not None
    assert not isinstance(node.managed, ReadFailure)
    found = evaluate(replace(node, managed=replace(node.managed, agent_version="")))
    assert the(found, Cause.AGENT).status is Status.UNKNOWN


def test_run_as_user_is_a_note_except_on_windows() -> None:
    settings = {**SETTINGS, "runAsEnabled": True, "runAsDefaultUser": "ops"}
    found = changed(healthy(settings))
    assert found.verdict is Verdict.READY
    assert the(found, Cause.RUN_AS).status is Status.NOTE
    windows = {"ping": "Online", "agent": "3.3.987.0", "platform": "Windows"}
    assert changed(healthy(settings), managed=windows).findings == ()


def test_statement_that_denies_is_named_with_its_policy() -> None:
    deny = {"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}
    found = the(changed(role=role([*own_policy(SETTINGS), deny])), Cause.PERMISSION)
    assert found.found == (
        f"{ROLE} is not authorized to perform kms:Decrypt on {KEY} with an explicit deny in an identity-based policy "
        "(statement NoKeys of inline policy inline)"
    )
    assert "attach-role-policy" not in found.remedy


def test_boundary_that_does_not_allow_is_named() -> None:
    boundary = [{"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}]
    found = the(changed(role=role(own_policy(SETTINGS), boundary)), Cause.PERMISSION)
    assert found.found.endswith("because no permissions boundary allows the kms:Decrypt action (boundary)")


def test_missing_permission_remedy_names_the_policy() -> None:
    found = changed(role=role([each for each in own_policy(SETTINGS) if "Sid" not in each]))
    remedies = {each.about: each.remedy for each in found.findings}
    assert remedies["kms:Decrypt"].endswith("policy/ShellAccessSessionManagerNode")
    found = changed(role=role([each for each in own_policy(SETTINGS) if "Sid" in each]))
    remedies = {each.about: each.remedy for each in found.findings}
    assert remedies["ssmmessages:OpenDataChannel"].endswith("aws:policy/AmazonSSMManagedInstanceCore")


def test_unknown_condition_is_no_problem() -> None:
    own = [
        {**each, "Condition": {"StringLike": {"aws:UserAgent": "*ssm*"}}}
        if each.get("Sid") == "WriteSessionLogObject"
        else each
        for each in own_policy(SETTINGS)
    ]
    found = changed(role=role(own))
    assert found.verdict is Verdict.UNKNOWN
    assert "aws:UserAgent" in the(found, Cause.PERMISSION).found


def test_key_policy_naming_the_role_is_sufficient() -> None:
    own = [each for each in own_policy(SETTINGS) if each.get("Sid") != "DecryptSessionData"]
    direct = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"}
    assert changed(role=role(own), key_policy=[direct]).verdict is Verdict.READY


def test_cause_that_explains_most_comes_first() -> None:
    lost = {"ping": "ConnectionLost", "agent": "2.3.68.0", "platform": "Linux"}
    found = changed(state="stopped", managed=lost, log_group=None, key=None)
    assert [str(each.check) for each in found.findings] == ["stopped", "agent", "data-key", "log-group", "offline"]


def test_what_is_not_taken_into_account_is_said() -> None:
    node = replace(
        facts(healthy()), organization=Organization(limits=("service control policies are not taken into account",))
    )
    found = evaluate(node)
    assert found.verdict is Verdict.READY
    assert the(found, Cause.NOT_SEEN).status is Status.NOTE


def test_session_without_preferences_is_evaluated() -> None:
    node = facts(healthy())
    node = replace(node, deployment=replace(node.deployment, session_manager=None))
    assert evaluate(node).findings == ()


def test_gateway_serves_only_the_route_tables_that_it_is_in() -> None:
    world = healthy()
    world.endpoints[-1]["tables"] = ["rtb-public"]
    assert problems(changed(world)) == [("endpoint-route-table", "vpce-s3")]


def test_deny_of_an_endpoint_or_key_wins_over_what_allows() -> None:
    world = healthy()
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    world.endpoints[0]["policy"] = [*world.endpoints[0]["policy"], deny]
    world.key_policy = [*world.key_policy, {**deny, "Action": "kms:Decrypt"}]
    assert problems(changed(world)) == [("endpoint-policy", "vpce-ssm"), ("data-key-policy", "kms:Decrypt")]


def test_network_acl_does_not_see_what_stays_in_the_subnet() -> None:
    world = healthy({**SETTINGS, "s3Logging": False})
    world.acls["subnet-a"] = []
    assert problems(changed(world)) == [("network-acl", "acl-subnet-a")]
    world.endpoints = [interface(each, subnets=["subnet-a"]) for each in ("ssm", "ssmmessages", "kms", "logs")]
    assert changed(world).verdict is Verdict.READY


def test_nat_gateway_subnet_acl_is_evaluated() -> None:
    world = healthy()
    world.endpoints, world.default_route = [], "nat-1"
    assert changed(world).verdict is Verdict.READY
    world.acls[PUBLIC_SUBNET] = [acl_entry(100, egress=True), acl_entry(100, egress=False, ports=(443, 443))]
    found = changed(world)
    assert problems(found) == [("network-acl", f"acl-{PUBLIC_SUBNET}")]
    assert "1024-65535" in the(found, Cause.NETWORK_ACL).remedy
    world.acls[PUBLIC_SUBNET][1:] = [acl_entry(100, egress=False, ports=(1024, 65535))]
    assert problems(changed(world)) == [("network-acl", f"acl-{PUBLIC_SUBNET}")]


@pytest.mark.parametrize("mode", ["block-ingress", "block-bidirectional"])
def test_block_public_access_mode_decides_which_gateways_work(mode: str) -> None:
    both = mode == "block-bidirectional"
    found = changed(endpoints=[], default_route="nat-1", public_blocked=mode)
    assert found.verdict is (Verdict.NOT_READY if both else Verdict.READY)
    node = facts(healthy())
    assert isinstance(node.network, VpcFacts)
    subnets = {"subnet-a": SubnetFacts(id="subnet-a", zone="a", cidr="10.20.0.0/20", blocks=mode)}
    plain = healthy()
    plain.endpoints, plain.default_route, plain.public_address = [], "igw-1", True
    node = facts(plain)
    assert isinstance(node.network, VpcFacts)
    assert evaluate(node).verdict is Verdict.READY
    found = evaluate(replace(node, network=replace(node.network, subnets={**node.network.subnets, **subnets})))
    assert problems(found) == [("no-route", "subnet-a")]
    assert "Block Public Access" in the(found, Cause.NO_ROUTE).found


@pytest.mark.parametrize(
    ("default", "others", "verdict"),
    [
        ("nat-1", {"52.0.0.0/8": "tgw-1"}, Verdict.UNKNOWN),
        ("nat-1", {"52.0.0.0/8": "igw-1"}, Verdict.UNKNOWN),
        ("nat-1", {"192.168.0.0/16": "tgw-1"}, Verdict.READY),
        ("", {"0.0.0.0/1": "nat-1", "128.0.0.0/1": "nat-1"}, Verdict.READY),
        ("", {"0.0.0.0/1": "nat-1"}, Verdict.UNKNOWN),
        ("", {"0.0.0.0/1": "igw-1"}, Verdict.NOT_READY),
        ("", {"192.168.0.0/16": "tgw-1"}, Verdict.UNKNOWN),
        ("", {}, Verdict.NOT_READY),
    ],
)
def test_more_specific_routes_are_evaluated(default: str, others: dict[str, str], verdict: Verdict) -> None:
    assert changed(endpoints=[], default_route=default, other_routes=others).verdict is verdict


def test_missing_endpoint_is_reported_despite_transit_gateway() -> None:
    world = healthy()
    world.endpoints = [each for each in world.endpoints if each["id"] != "vpce-kms"]
    assert problems(changed(world, other_routes={"192.168.0.0/16": "tgw-1"})) == [("endpoint-missing", "kms")]


def test_what_the_owner_of_a_shared_vpc_keeps_in_it_is_not_seen() -> None:
    node = facts(healthy())
    assert isinstance(node.network, VpcFacts)
    for owner, verdict in ((ACCOUNT, Verdict.READY), ("999988887777", Verdict.UNKNOWN)):
        subnet = replace(node.network.subnets["subnet-a"], owner_id=owner)
        network = replace(node.network, subnets={**node.network.subnets, "subnet-a": subnet})
        assert evaluate(replace(node, network=network)).verdict is verdict


WRITING = ("s3:PutObject", "s3:GetEncryptionConfiguration")
THEIRS = {**SETTINGS, "s3BucketOwner": "999988887777"}


def test_bucket_of_another_account_has_to_let_the_role_in() -> None:
    assert changed(healthy(THEIRS), bucket_policy=[ANY_PRINCIPAL]).verdict is Verdict.READY
    found = changed(healthy(THEIRS), bucket_policy=None)
    assert problems(found) == [("bucket-policy", each) for each in sorted([*WRITING, "s3:PutObjectAcl"])]
    only_encryption = {**ANY_PRINCIPAL, "Action": "s3:GetEncryptionConfiguration"}
    found = changed(healthy(THEIRS), bucket_policy=[only_encryption])
    assert problems(found) == [("bucket-policy", "s3:PutObject"), ("bucket-policy", "s3:PutObjectAcl")]


def test_bucket_of_the_own_account_only_has_not_to_deny() -> None:
    assert changed(bucket_policy=[]).verdict is Verdict.READY
    deny = {"Sid": "Sealed", "Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": "*"}
    found = changed(bucket_policy=[deny])
    assert problems(found) == [("bucket-policy", "s3:PutObject")]
    assert "statement Sealed of bucket policy" in the(found, Cause.BUCKET_POLICY).found
    plain_http = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert changed(bucket_policy=[plain_http]).verdict is Verdict.READY
    not_known = {**deny, "Condition": {"StringNotLike": {"aws:UserAgent": "*ssm*"}}}
    assert changed(bucket_policy=[not_known]).verdict is Verdict.UNKNOWN


def test_policy_of_the_buckets_key_counts() -> None:
    bucket = {"region": "eu-west-1", "encrypted": True, "key": BUCKET_KEY}
    settings = {**SETTINGS, "s3KmsKeyArn": BUCKET_KEY}
    assert changed(healthy(settings), bucket=bucket).verdict is Verdict.READY
    assert problems(changed(healthy(settings), bucket=bucket, bucket_key_policy=[])) == [
        ("bucket-key-policy", "kms:GenerateDataKey")
    ]


@pytest.mark.parametrize("field", ["bucket_policy", "bucket_key_policy"])
def test_unread_bucket_and_key_policies_are_never_healthy(field: str) -> None:
    plain = healthy({**SETTINGS, "s3KmsKeyArn": BUCKET_KEY})
    plain.bucket = {"region": "eu-west-1", "encrypted": True, "key": BUCKET_KEY}
    node = facts(plain)
    assert evaluate(node).verdict is Verdict.READY
    assert (
        evaluate(replace(node, destinations=replace(node.destinations, **{field: UNREAD}))).verdict is Verdict.UNKNOWN
    )


def test_remedies_fix_what_is_reported() -> None:
    bucket = {"region": "eu-west-1", "encrypted": True, "key": BUCKET_KEY}
    remedy = the(changed(bucket=bucket), Cause.PERMISSION).remedy
    assert remedy == f"set shell-access:sessionManager.s3KmsKeyArn to {BUCKET_KEY}, then pulumi up"
    node = facts(healthy())
    remedy = the(evaluate(replace(node, role=None)), Cause.NO_INSTANCE_PROFILE).remedy
    assert remedy.startswith("aws iam add-role-to-instance-profile --instance-profile-name Node --role-name ROLE")
    world = healthy()
    world.rules = [each for each in world.rules if each["GroupId"] != "sg-node"]
    assert (
        "'IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=0.0.0.0/0}]'"
        in the(changed(world), Cause.SECURITY_GROUP).remedy
    )
    world = healthy()
    world.endpoints[0]["policy"] = []
    assert "--reset-policy" not in the(changed(world), Cause.ENDPOINT_POLICY).remedy


def test_endpoint_subnet_acl_needs_requests_in_and_replies_out() -> None:
    world = healthy()
    into = [acl_entry(100, egress=False, ports=(443, 443)), acl_entry(100, egress=True, ports=(32768, 65535))]
    world.acls["subnet-b"] = into
    assert changed(world).verdict is Verdict.READY
    world.acls["subnet-b"] = [{**each, "Egress": not each["Egress"]} for each in into]
    assert problems(changed(world)) == [("network-acl", "acl-subnet-b")]


@pytest.mark.parametrize("egress", [True, False])
def test_network_acl_deny_precedes_later_rules(*, egress: bool) -> None:
    world = healthy()
    world.acls["subnet-b"] = [*open_acl(), acl_entry(50, "10.20.0.0/20", egress=egress, allow=False)]
    assert problems(changed(world)) == [("network-acl", "acl-subnet-b")]
    world.acls["subnet-b"] = [*open_acl(), acl_entry(150, "10.20.0.0/20", egress=egress, allow=False)]
    assert changed(world).verdict is Verdict.READY
