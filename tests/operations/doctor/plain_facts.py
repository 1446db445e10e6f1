"""A plain world as the doctor's facts, and worlds at random."""

from typing import Any

from hypothesis import strategies as st

from common.iam.documents import parse
from common.iam.evaluation import Permissions
from common.iam.principals import Principal
from components.domain_controllers.packet_evaluation import acl_rules_from_aws, permissions_from_aws
from components.session_manager.document import document, serialized
from components.session_manager.instance_policy import instance_policy
from components.session_manager.settings import SessionManagerSettings, preferences
from operations.audit.organization import Organization
from operations.deployment import Deployment
from operations.doctor.facts import Destinations, Managed, NodeFacts, NodeInstance
from operations.inventory import session_manager
from operations.inventory.network import NatGateway, NetworkAcl, Route, RouteTable, SubnetFacts, VpcEndpoint, VpcFacts
from tests.operations.doctor.plain_world import (
    ACCOUNT,
    ADDRESS,
    ALIAS,
    BUCKET_KEY,
    KEY,
    LOGS_KEY,
    NODE,
    PUBLIC_SUBNET,
    REGION,
    ROLE,
    S3_NETWORKS,
    SUBNETS,
    Plain,
)

CORE = [
    {
        "Effect": "Allow",
        "Action": ["ssm:UpdateInstanceInformation", "ssmmessages:*", "ec2messages:*"],
        "Resource": "*",
    }
]
ANY_PRINCIPAL = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
GOVERNED_BY_IAM = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def settings_of(values: dict[str, Any]) -> SessionManagerSettings:
    return SessionManagerSettings.model_validate(values)


def facts(plain: Plain) -> NodeFacts:
    """Return the facts that the doctor would have read."""
    settings = settings_of(plain.settings)
    return NodeFacts(
        id=NODE,
        name="app-1",
        deployment=Deployment(stack="dev", account_id=ACCOUNT, region=REGION, session_manager=settings),
        instance=NodeInstance(
            state=plain.state,
            vpc_id="vpc-1",
            subnet_id="subnet-a",
            address=ADDRESS,
            group_ids=tuple(plain.groups),
            public_address="198.51.100.7" if plain.public_address else "",
            profile_arn=None if plain.role is None else f"arn:aws:iam::{ACCOUNT}:instance-profile/Node",
            answers_metadata=plain.metadata,
        ),
        managed=None
        if plain.managed is None
        else Managed(
            ping=plain.managed["ping"], agent_version=plain.managed["agent"], platform=plain.managed["platform"]
        ),
        role=_principal(plain.role),
        default_role=_principal(plain.default_role),
        network=_network(plain),
        destinations=_destinations(plain, settings),
        organization=Organization(id=plain.organization, is_member=plain.organization is not None),
    )


def _principal(role: dict[str, Any] | None) -> Principal | None:
    if role is None:
        return None
    boundary = None if role["boundary"] is None else _policy(role["boundary"], "boundary")
    return Principal(
        kind="role",
        name="Node",
        arn=role["arn"],
        permissions=Permissions(identity=(_policy(role["identity"], "inline"),), boundary=boundary),
    )


def _policy(statements: list[dict[str, Any]], kind: str) -> Any:
    return parse({"Version": "2012-10-17", "Statement": statements}, name=kind, kind=kind)


def _network(plain: Plain) -> VpcFacts:
    lists = {"pl-s3": tuple(S3_NETWORKS)}
    routes = [Route(destination="10.20.0.0/16", target="local")]
    if plain.default_route:
        routes.append(Route(destination="0.0.0.0/0", target=plain.default_route, active=plain.route_active))
    routes += [
        Route(destination="pl-s3", target=each["id"])
        for each in plain.endpoints
        if each["kind"] == "Gateway" and "rtb-main" in each["tables"]
    ]
    routes += [Route(destination=network, target=target) for network, target in plain.other_routes.items()]
    groups = {each["GroupId"] for each in plain.rules}
    public = RouteTable(
        id="rtb-public",
        subnet_ids=frozenset({PUBLIC_SUBNET}),
        routes=(Route(destination="0.0.0.0/0", target="igw-1"),),
    )
    return VpcFacts(
        vpc_id="vpc-1",
        resolves_private_names=plain.resolves,
        subnets={key: SubnetFacts(id=key, zone=f"eu-west-1{key[-1]}", cidr=cidr) for key, cidr in SUBNETS.items()}
        | {
            PUBLIC_SUBNET: SubnetFacts(
                id=PUBLIC_SUBNET, zone="eu-west-1a", cidr="10.20.32.0/24", blocks=plain.public_blocked
            )
        },
        endpoints=tuple(
            VpcEndpoint(
                id=each["id"],
                service=each["service"],
                kind=each["kind"],
                state=each["state"],
                private_dns=each.get("dns", False),
                subnet_ids=tuple(each.get("subnets", ())),
                group_ids=tuple(each.get("groups", ())),
                route_table_ids=tuple(each.get("tables", ())),
                policy=_policy(each["policy"], "endpoint"),
            )
            for each in plain.endpoints
        ),
        tables=(public, RouteTable(id="rtb-main", main=True, routes=tuple(routes))),
        nats={"nat-1": NatGateway(id="nat-1", subnet_id=PUBLIC_SUBNET, state=plain.nat_state)},
        acls=tuple(
            NetworkAcl(id=f"acl-{key}", subnet_ids=frozenset({key}), rules=acl_rules_from_aws(entries))
            for key, entries in plain.acls.items()
        ),
        groups={
            group: permissions_from_aws([each for each in plain.rules if each["GroupId"] == group], lists)
            for group in groups
        },
        prefix_lists=lists,
    )


def _destinations(plain: Plain, settings: SessionManagerSettings) -> Destinations:
    wanted = preferences(settings, account_id=ACCOUNT, region=REGION, kms_key_id="1111")
    content = document(wanted if plain.document_matches else {**wanted, "idleSessionTimeout": 3})
    text = serialized(content)
    key = None if plain.key is None else _key(KEY, plain.key["state"], plain.key["spec"])
    group, bucket = plain.log_group, plain.bucket
    encryption = None
    if bucket and bucket["encrypted"]:
        encryption = session_manager.BucketEncryption(
            algorithm="aws:kms" if bucket["key"] else "AES256", kms_key_arn=bucket["key"]
        )
    live = session_manager.RegionFacts(
        document=session_manager.DocumentFacts(
            status="Active",
            status_reason="",
            default_version="1",
            latest_version="1",
            default_text=text,
            latest_text=text,
        ),
        data_key=key,
        log_group=None if group is None else session_manager.LogGroupFacts(retention_days=90, kms_key_arn=group["key"]),
        bucket=None
        if bucket is None
        else session_manager.LogBucketFacts(region=bucket["region"], encryption=encryption, open_to_public=()),
    )
    return Destinations(
        live=live,
        data_key_policy=_policy(plain.key_policy, "key") if key else None,
        data_key_aliases=tuple(plain.aliases),
        log_group_key=None if plain.logs_key_state is None else _key(LOGS_KEY, plain.logs_key_state),
        bucket_key=None if plain.bucket_key_state is None else _key(BUCKET_KEY, plain.bucket_key_state),
        bucket_policy=None if plain.bucket_policy is None else _policy(plain.bucket_policy, "bucket"),
        bucket_key_policy=_policy(plain.bucket_key_policy, "key") if bucket and bucket["key"] else None,
    )


def _key(arn: str, state: str, spec: str = "SYMMETRIC_DEFAULT") -> session_manager.KeyFacts:
    return session_manager.KeyFacts(key_id=arn.rpartition("/")[2], arn=arn, state=state, spec=spec, rotates=True)


def rule(group: str, peer: str, *, egress: bool, ports: tuple[int, int] | None = (443, 443)) -> dict[str, Any]:
    found: dict[str, Any] = {"GroupId": group, "IsEgress": egress, "IpProtocol": "tcp" if ports else "-1"}
    if ports:
        found |= {"FromPort": ports[0], "ToPort": ports[1]}
    if peer.startswith("sg-"):
        return found | {"ReferencedGroupInfo": {"GroupId": peer}}
    return found | ({"PrefixListId": peer} if peer.startswith("pl-") else {"CidrIpv4": peer})


def acl_entry(
    number: int, cidr: str = "0.0.0.0/0", *, egress: bool, allow: bool = True, ports: tuple[int, int] | None = None
) -> dict[str, Any]:
    entry: dict[str, Any] = {"RuleNumber": number, "Egress": egress, "RuleAction": "allow" if allow else "deny"}
    entry |= {"Protocol": "6" if ports else "-1", "CidrBlock": cidr}
    return entry | ({"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {})


def open_acl() -> list[dict[str, Any]]:
    return [acl_entry(100, egress=True), acl_entry(100, egress=False)]


def interface(service: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"vpce-{service}",
        "service": f"com.amazonaws.{REGION}.{service}",
        "kind": "Interface",
        "state": "available",
        "dns": True,
        "subnets": ["subnet-a", "subnet-b"],
        "groups": ["sg-endpoints"],
        "policy": [ANY_PRINCIPAL],
        **changes,
    }


def gateway(**changes: Any) -> dict[str, Any]:
    return {
        "id": "vpce-s3",
        "service": f"com.amazonaws.{REGION}.s3",
        "kind": "Gateway",
        "state": "available",
        "tables": ["rtb-main"],
        "policy": [ANY_PRINCIPAL],
        **changes,
    }


def own_policy(settings: dict[str, Any]) -> list[dict[str, Any]]:
    found = instance_policy({REGION: settings_of(settings)}, partition="aws", account_id=ACCOUNT)
    return [*CORE, *(found["Statement"] if found else [])]


def role(
    statements: list[dict[str, Any]], boundary: list[dict[str, Any]] | None = None, name: str = ROLE
) -> dict[str, Any]:
    return {"arn": name, "identity": statements, "boundary": boundary}


SETTINGS: dict[str, Any] = {
    "s3Logging": True,
    "s3BucketName": "session-logs",
    "s3EncryptionEnabled": True,
    "createCwLogGroup": True,
    "cwLogGroupName": "ssm-sessionmanager-logs",
    "cwEncryptionEnabled": True,
    "cwStreamingEnabled": False,
    "sessionDataEncryption": True,
    "linuxShellProfile": "",
    "runAsEnabled": False,
}


def healthy(settings: dict[str, Any] | None = None) -> Plain:
    """Where a session works: endpoints for everything, open ACLs, a role with both policies."""
    chosen = settings or SETTINGS
    return Plain(
        settings=chosen,
        managed={"ping": "Online", "agent": "3.3.987.0", "platform": "Linux"},
        role=role(own_policy(chosen)),
        rules=[
            rule("sg-node", "0.0.0.0/0", egress=True, ports=None),
            rule("sg-endpoints", "10.20.0.0/16", egress=False),
        ],
        acls={each: open_acl() for each in (*SUBNETS, PUBLIC_SUBNET)},
        endpoints=[*(interface(each) for each in ("ssm", "ssmmessages", "ec2messages", "kms", "logs")), gateway()],
        key={"state": "Enabled", "spec": "SYMMETRIC_DEFAULT"},
        key_policy=[GOVERNED_BY_IAM],
        log_group={"key": LOGS_KEY},
        bucket={"region": REGION, "encrypted": True, "key": None},
        bucket_key_policy=[GOVERNED_BY_IAM],
    )


# Worlds at random. Two parts at most are loose: where everything is, hardly a world holds a session, and most defects hide
# behind others.


class _Loose:
    """Draws what a part is: right, or where the part is loose one of the others."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self._parts = draw(st.sets(st.sampled_from(_PARTS), max_size=2))

    def __call__(self, part: str, right: Any, *others: st.SearchStrategy[Any]) -> Any:
        return self.draw(st.one_of(*others)) if part in self._parts else right


_PARTS = (
    *(
        "state",
        "metadata",
        "managed",
        "role",
        "statements",
        "boundary",
        "default_role",
        "rules",
        "subnet-a",
        "subnet-b",
        PUBLIC_SUBNET,
    ),
    *("endpoints", "endpoint state", "endpoint policy", "endpoint dns", "endpoint groups", "tables", "route", "nat"),
    *("resolves", "key", "key_policy", "aliases", "log_group", "logs_key", "bucket", "bucket_key", "document"),
    *("bucket_policy", "bucket_key_policy", "public_blocked", "other_routes"),
)
_BOOLEANS = st.booleans()
_CIDRS = st.sampled_from(
    ["0.0.0.0/0", "10.20.0.0/16", "10.20.0.0/20", "10.20.16.0/20", "10.20.8.0/21", "52.0.0.0/8", "10.20.0.77/32"]
)
_PORTS = st.sampled_from(
    [None, (443, 443), (0, 65535), (80, 80), (400, 442), (444, 65535), (1024, 65535), (32768, 49999)]
)
_RULES = st.lists(
    st.builds(
        rule,
        st.sampled_from(["sg-node", "sg-endpoints"]),
        st.one_of(_CIDRS, st.sampled_from(["sg-node", "sg-endpoints", "pl-s3"])),
        egress=_BOOLEANS,
        ports=_PORTS,
    ),
    max_size=5,
)
_ENTRIES = st.lists(
    st.builds(acl_entry, st.integers(1, 200), _CIDRS, egress=_BOOLEANS, allow=_BOOLEANS, ports=_PORTS),
    max_size=4,
    unique_by=lambda each: (each["RuleNumber"], each["Egress"]),
)
_ACTIONS = st.sampled_from(
    ["*", "kms:*", "kms:Decrypt", "logs:*", "logs:Put*", "s3:*", "s3:PutObject", "ssm*", "ssmmessages:Open*"]
)
_RESOURCES = st.sampled_from(
    ["*", KEY, "arn:aws:kms:*:*:key/*", "arn:aws:logs:*", "arn:aws:s3:::session-logs/*", "arn:aws:s3:::other"]
)


def _statement(effect: str, action: str, resource: str) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


_STATEMENTS = st.builds(_statement, st.sampled_from(["Allow", "Allow", "Deny"]), _ACTIONS, _RESOURCES)
_PRINCIPALS = st.sampled_from(["*", {"AWS": ROLE}, {"AWS": "999988887777"}])


@st.composite
def _of_resource(draw: st.DrawFn, *principals: Any) -> list[dict[str, Any]]:
    named = st.one_of(_PRINCIPALS, *(st.just(each) for each in principals))
    found = draw(st.lists(_STATEMENTS, max_size=3))
    account = {"Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}}
    return [{**each, "Principal": draw(named), **(account if draw(_BOOLEANS) else {})} for each in found]


_BUCKET_CONDITIONS = st.sampled_from(
    [
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.3"}},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        *(
            {operator: {key: value}}
            for operator in ("StringEquals", "StringNotEquals")
            for key, values in (
                ("aws:SourceVpce", ("vpce-s3", "vpce-1")),
                ("aws:SourceVpc", ("vpc-1", "vpc-2")),
                ("aws:PrincipalOrgID", ("o-1", "o-2")),
                ("aws:ResourceAccount", (ACCOUNT, "999988887777")),
                ("s3:x-amz-acl", ("bucket-owner-full-control", "private")),
                ("s3:x-amz-server-side-encryption", ("aws:kms", "AES256")),
                ("s3:x-amz-server-side-encryption-aws-kms-key-id", (BUCKET_KEY, KEY)),
            )
            for value in values
        ),
        {"Null": {"s3:x-amz-server-side-encryption": "true"}},
        {"Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "true"}},
        {"Null": {"aws:SourceVpce": "false"}},
    ]
)
_ROOT = f"arn:aws:iam::{ACCOUNT}:root"
_ALL_BUT = st.lists(
    st.sampled_from(
        [_ROOT, ROLE, f"arn:aws:sts::{ACCOUNT}:assumed-role/Node/{NODE}", "arn:aws:iam::999988887777:root"]
    ),
    min_size=1,
    unique=True,
)


@st.composite
def _of_bucket(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Statements with conditions on what the agent sends and on its path, and with principals left out."""
    found: list[dict[str, Any]] = []
    for each in draw(_of_resource({"AWS": _ROOT})):
        conditions = draw(st.lists(_BUCKET_CONDITIONS, max_size=2))
        merged = {**each.get("Condition", {})}
        for condition in conditions:
            (operator, keys), *_ = condition.items()
            merged[operator] = {**merged.get(operator, {}), **keys}
        statement = {**each, **({"Condition": merged} if merged else {})}
        if each["Effect"] == "Deny" and draw(_BOOLEANS):
            del statement["Principal"]
            statement["NotPrincipal"] = {"AWS": draw(_ALL_BUT)}
        found.append(statement)
    return found


@st.composite
def _roles(draw: st.DrawFn, loose: _Loose, settings: dict[str, Any]) -> dict[str, Any]:
    own = own_policy(settings)
    statements = loose("role", own, st.lists(st.sampled_from(own), unique_by=id))
    statements = [*statements, *loose("statements", [], st.lists(_STATEMENTS, min_size=1, max_size=2))]
    boundary = loose("boundary", None, st.lists(_STATEMENTS, max_size=3).map(lambda several: [*several]))
    if boundary is not None and draw(_BOOLEANS):
        boundary = [_statement("Allow", "*", "*"), *boundary]
    return role(statements, boundary)


@st.composite
def worlds(draw: st.DrawFn) -> Plain:
    """A random node, network and policies, with random settings."""
    chosen = {key: draw(_BOOLEANS) if isinstance(value, bool) else value for key, value in SETTINGS.items()}
    chosen |= {"cwLogGroupName": draw(st.sampled_from(["ssm-sessionmanager-logs", ""])), "createCwLogGroup": False}
    chosen["cwStreamingEnabled"] = chosen["cwStreamingEnabled"] and bool(chosen["cwLogGroupName"])
    chosen |= {"linuxShellProfile": draw(st.sampled_from(["", "umask 077"])), "runAsDefaultUser": "ops"}
    plain = healthy(chosen)
    loose = _Loose(draw)
    plain.state = loose("state", "running", st.just("stopped"))
    plain.metadata = loose("metadata", True, st.just(False))
    plain.public_address = draw(_BOOLEANS)
    plain.managed = loose(
        "managed",
        plain.managed,
        st.none(),
        st.fixed_dictionaries(
            {
                "ping": st.sampled_from(["Online", "Online", "ConnectionLost"]),
                "agent": st.sampled_from(["2.3.68.0", "2.3.612.0", "3.0.161.0", "3.0.284.0", "3.2.582.0", "3.3.39.0"]),
                "platform": st.sampled_from(["Linux", "Windows"]),
            }
        ),
    )
    plain.role = loose("default_role", draw(_roles(loose, chosen)), st.none(), _roles(loose, chosen))
    plain.default_role = loose("default_role", None, st.none(), _roles(loose, chosen))
    plain.rules = [*loose("rules", plain.rules, st.just([]), _RULES), *draw(_RULES)]
    plain.acls = {
        each: loose(
            each,
            open_acl(),
            _ENTRIES,
            _ENTRIES.map(lambda entries: [*entries, acl_entry(300, egress=True), acl_entry(300, egress=False)]),
        )
        for each in (*SUBNETS, PUBLIC_SUBNET)
    }
    plain.endpoints = draw(_endpoints(loose, plain.endpoints))
    plain.default_route = draw(st.sampled_from(["", "", "igw-1", "nat-1", "tgw-1"]))
    plain.route_active = loose("route", True, st.just(False))
    plain.nat_state = loose("nat", "available", st.just("failed"))
    plain.resolves = loose("resolves", True, st.just(False))
    plain.key = loose(
        "key",
        plain.key,
        st.none(),
        st.just({"state": "Disabled", "spec": "SYMMETRIC_DEFAULT"}),
        st.just({"state": "Enabled", "spec": "RSA_2048"}),
    )
    root = GOVERNED_BY_IAM["Principal"]
    plain.key_policy = loose(
        "key_policy",
        plain.key_policy,
        _of_resource(root),
        _of_resource(root).map(lambda several: [GOVERNED_BY_IAM, *several]),
    )
    plain.aliases = loose("aliases", [ALIAS], st.just([ALIAS, "alias/other"]))
    plain.log_group = loose("log_group", plain.log_group, st.none(), st.just({"key": None}))
    plain.logs_key_state = loose("logs_key", "Enabled", st.none(), st.just("Disabled"))
    plain.bucket = loose(
        "bucket",
        plain.bucket,
        st.none(),
        st.builds(
            lambda region, encrypted: {"region": region, "encrypted": bool(encrypted), "key": encrypted or None},
            st.sampled_from([REGION, "us-east-1"]),
            st.sampled_from(["", BUCKET_KEY]),
        ),
    )
    plain.bucket_key_state = loose("bucket_key", "Enabled", st.none(), st.just("PendingDeletion"))
    plain.bucket_key_policy = loose("bucket_key_policy", [GOVERNED_BY_IAM], _of_resource(root))
    plain.bucket_policy = loose("bucket_policy", None, st.just([]), _of_bucket(), _of_bucket())
    plain.organization = draw(st.sampled_from([None, "o-1"]))
    if draw(_BOOLEANS):
        plain.settings = {**plain.settings, "s3BucketOwner": draw(st.sampled_from([ACCOUNT, "999988887777"]))}
        plain.bucket_policy = plain.bucket_policy or draw(st.sampled_from([None, [ANY_PRINCIPAL], [ANY_PRINCIPAL]]))
    plain.public_blocked = loose("public_blocked", "off", st.sampled_from(["block-ingress", "block-bidirectional"]))
    plain.other_routes = loose(
        "other_routes",
        {},
        st.dictionaries(
            st.sampled_from(["0.0.0.0/1", "128.0.0.0/1", "52.0.0.0/8", "192.168.0.0/16"]),
            st.sampled_from(["igw-1", "nat-1", "tgw-1"]),
            min_size=1,
        ),
    )
    plain.document_matches = loose("document", True, st.just(False))
    return plain


@st.composite
def bucket_worlds(draw: st.DrawFn) -> Plain:
    """A healthy node whose bucket has a random policy and encryption, reached through an endpoint or over the internet."""
    key, is_foreign = draw(st.sampled_from(["", BUCKET_KEY])), draw(_BOOLEANS)
    owner = {"s3BucketOwner": "999988887777"} if is_foreign else {}
    plain = healthy({**SETTINGS, "s3KmsKeyArn": key, **owner})
    plain.bucket = {"region": REGION, "encrypted": True, "key": key or None}
    plain.organization = draw(st.sampled_from([None, "o-1"]))
    plain.bucket_policy = [*draw(_of_bucket()), *([ANY_PRINCIPAL] if is_foreign else [])]
    if draw(_BOOLEANS):
        plain.endpoints = [each for each in plain.endpoints if each["kind"] != "Gateway"]
        plain.default_route = "nat-1"
    return plain


@st.composite
def _endpoints(draw: st.DrawFn, loose: _Loose, right: list[dict[str, Any]]) -> list[dict[str, Any]]:
    chosen = loose("endpoints", right, st.just([]), st.lists(st.sampled_from(right), unique_by=lambda each: each["id"]))
    return [draw(_endpoint(loose, each)) for each in chosen]


@st.composite
def _endpoint(draw: st.DrawFn, loose: _Loose, right: dict[str, Any]) -> dict[str, Any]:
    any_principal, closed = st.just([ANY_PRINCIPAL]), _of_resource({"AWS": ACCOUNT})
    found = {
        **right,
        "state": loose("endpoint state", "available", st.sampled_from(["available", "pending", "deleted"])),
        "policy": loose(
            "endpoint policy",
            [ANY_PRINCIPAL],
            any_principal,
            closed,
            closed.map(lambda several: [ANY_PRINCIPAL, *several]),
        ),
    }
    if right["kind"] == "Gateway":
        return found | {"tables": loose("tables", ["rtb-main"], st.just(["rtb-public"]))}
    return found | {
        "dns": loose("endpoint dns", True, st.booleans()),
        "subnets": draw(st.sampled_from([["subnet-a", "subnet-b"], ["subnet-a"], ["subnet-b"]])),
        "groups": loose("endpoint groups", ["sg-endpoints"], st.just(["sg-node"]), st.just([])),
    }
