"""A node with its network and policies as plain values of AWS' answers; and what a session needs, said once more.

`holds_a_session` is a statement of its own. It shares no code with what it is compared to: it reads policies, rules and
routes as AWS writes them, and tries single addresses and ports.
"""

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any

REGION, ACCOUNT = "eu-west-1", "123456789012"
NODE = "i-0123456789abcdef0"
ADDRESS = "10.20.0.77"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Node"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1111"
LOGS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/2222"
BUCKET_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/3333"
ALIAS = "alias/session-manager/data"
S3_NETWORKS = ["52.218.0.0/17", "3.5.64.0/21"]
PUBLIC = ["52.119.196.9", "8.8.8.8", "3.5.64.9", "52.218.3.3"]
SUBNETS = {"subnet-a": "10.20.0.0/20", "subnet-b": "10.20.16.0/20"}
PUBLIC_SUBNET = "subnet-public"
"""Where the NAT gateway stands."""


@dataclass
class Plain:
    """Answers of AWS, and the settings."""

    settings: dict[str, Any]
    state: str = "running"
    metadata: bool = True
    public_address: bool = False
    groups: list[str] = field(default_factory=lambda: ["sg-node"])
    managed: dict[str, str] | None = None
    role: dict[str, Any] | None = None
    default_role: dict[str, Any] | None = None
    rules: list[dict[str, Any]] = field(default_factory=list)
    acls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    default_route: str = ""
    route_active: bool = True
    nat_state: str = "available"
    resolves: bool = True
    key: dict[str, Any] | None = None
    key_policy: list[dict[str, Any]] = field(default_factory=list)
    aliases: list[str] = field(default_factory=lambda: [ALIAS])
    log_group: dict[str, Any] | None = None
    logs_key_state: str | None = "Enabled"
    bucket: dict[str, Any] | None = None
    bucket_key_state: str | None = "Enabled"
    bucket_key_policy: list[dict[str, Any]] = field(default_factory=list)
    bucket_policy: list[dict[str, Any]] | None = None
    public_blocked: str = "off"
    other_routes: dict[str, str] = field(default_factory=dict)
    document_matches: bool = True
    organization: str | None = None
    tls: str = "1.2"


def holds_a_session(plain: Plain) -> bool:
    """Return whether a governed, logged session has everything that it needs."""
    return all(_holds_with(plain, tls) for tls in ("1.2", "1.3"))


def _holds_with(plain: Plain, tls: str) -> bool:
    """The version of TLS is chosen between agent and service."""
    plain = replace(plain, tls=tls)
    role, by_default = _acting(plain)
    return (
        plain.state == "running"
        and plain.metadata
        and role is not None
        and _answers(plain)
        and _agent(plain, by_default=by_default)
        and all(_may(plain, role, *each) for each in _calls(plain))
        and all(_reaches(plain, role, each) for each in _services(plain))
        and _destinations(plain, role)
    )


def _answers(plain: Plain) -> bool:
    return plain.managed is not None and plain.managed["ping"] == "Online"


def _acting(plain: Plain) -> tuple[dict[str, Any] | None, bool]:
    register = ("ssm:UpdateInstanceInformation", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{NODE}")
    if plain.role is not None and (plain.default_role is None or _may(plain, plain.role, *register)):
        return plain.role, False
    return plain.default_role, True


def _agent(plain: Plain, *, by_default: bool) -> bool:
    has = _version(plain.managed["agent"]) if plain.managed else ()
    settings, windows = plain.settings, bool(plain.managed) and plain.managed["platform"] == "Windows"
    wanted = [(2, 3, 68, 0)]
    wanted += [(2, 3, 539, 0)] if settings["sessionDataEncryption"] else []
    wanted += [(3, 0, 284, 0)] if settings["cwStreamingEnabled"] else []
    wanted += [(3, 0, 161, 0)] if settings["linuxShellProfile"] and not windows else []
    wanted += [(2, 3, 672, 0)] if settings["runAsEnabled"] and not windows else []
    wanted += [(3, 2, 582, 0)] if by_default else []
    return has >= max(wanted)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _services(plain: Plain) -> list[str]:
    old = plain.managed is None or _version(plain.managed["agent"]) < (3, 3, 40, 0)
    return [
        *("ssm", "ssmmessages"),
        *(["ec2messages"] if old else []),
        *(["kms"] if plain.settings["sessionDataEncryption"] else []),
        *(["logs"] if plain.settings["cwLogGroupName"] else []),
        *(["s3"] if plain.settings["s3Logging"] else []),
    ]


def _calls(plain: Plain) -> list[tuple[str, str]]:
    """Actions with a resource, but for `kms:Decrypt`, on which the key's policy has a word."""
    calls = [("ssm:UpdateInstanceInformation", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{NODE}")]
    calls += [(f"ssmmessages:{verb}{kind}Channel", "*") for verb in ("Create", "Open") for kind in ("Control", "Data")]
    if plain.settings["cwLogGroupName"]:
        group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{plain.settings['cwLogGroupName']}"
        stream = f"{group}:log-stream:olivia-0a1b"
        every_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group::log-stream:"
        calls += [("logs:DescribeLogGroups", every_group), ("logs:DescribeLogStreams", f"{group}:log-stream:")]
        calls += [("logs:CreateLogStream", stream), ("logs:PutLogEvents", stream)]
    if plain.settings["s3Logging"]:
        objects = f"arn:aws:s3:::session-logs/sessionmanager/{ACCOUNT}/{REGION}/olivia-0a1b.log"
        calls += [("s3:PutObject", objects), ("s3:GetEncryptionConfiguration", "arn:aws:s3:::session-logs")]
        calls += [("s3:PutObjectAcl", objects)] if plain.settings.get("s3BucketOwner", ACCOUNT) != ACCOUNT else []
        if plain.bucket and plain.bucket["key"]:
            calls += [("kms:GenerateDataKey", plain.bucket["key"])]
    return calls


def _may(plain: Plain, role: dict[str, Any], action: str, resource: str) -> bool:
    def said(statements: list[dict[str, Any]], effect: str) -> bool:
        return any(_speaks(plain, each, action, resource) for each in statements if each["Effect"] == effect)

    layers = [role["identity"], *([role["boundary"]] if role["boundary"] is not None else [])]
    if any(said(layer, "Deny") for layer in layers) or not all(said(layer, "Allow") for layer in layers[1:]):
        return False
    return said(layers[0], "Allow") or _given_by_bucket(plain, role, action, resource)


def _given_by_bucket(plain: Plain, role: dict[str, Any], action: str, resource: str) -> bool:
    """In its own account, a bucket may let a role in by its policy alone."""
    own = plain.settings.get("s3BucketOwner", ACCOUNT) == ACCOUNT
    by_name = [each for each in plain.bucket_policy or [] if each.get("Principal") in ("*", {"AWS": role["arn"]})]
    denying = [each for each in plain.bucket_policy or [] if each["Effect"] == "Deny"]
    return own and action.startswith("s3:") and _says(plain, [*by_name, *denying], role, action, resource)


def _speaks(plain: Plain, statement: dict[str, Any], action: str, resource: str) -> bool:
    acts = any(fnmatchcase(action.lower(), each.lower()) for each in _several(statement["Action"]))
    on = any(fnmatchcase(resource, each) for each in _several(statement["Resource"]))
    return acts and on and all(_holds(plain, action, *each) for each in statement.get("Condition", {}).items())


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _holds(plain: Plain, action: str, operator: str, keys: dict[str, Any]) -> bool:
    values: dict[str, list[str]] = {
        "aws:RequestedRegion": [REGION],
        "aws:PrincipalAccount": [ACCOUNT],
        "kms:ResourceAliases": plain.aliases,
        "kms:ViaService": [f"s3.{REGION}.amazonaws.com"],
        **(_sent_to_s3(plain, action) if action.startswith("s3:") else {}),
    }
    return all(_compares(operator, values[key], _several(wanted)) for key, wanted in keys.items())


def _compares(operator: str, has: list[str], wanted: list[str]) -> bool:
    """Of an absent key, what is asked in the negative holds."""
    if operator == "Null":
        return bool(has) == (wanted == ["false"])
    if operator == "StringNotEquals":
        return not any(each in wanted for each in has)
    if operator == "NumericLessThan":
        return bool(has) and float(has[0]) < float(wanted[0])
    return (bool(has) or operator.startswith("ForAll")) and all(each in wanted for each in has)


def _sent_to_s3(plain: Plain, action: str) -> dict[str, list[str]]:
    """Return the request context of an agent's request to S3."""
    bucket, owner = plain.bucket or {}, plain.settings.get("s3BucketOwner", ACCOUNT)
    writes, encrypted, key = action != "s3:GetEncryptionConfiguration", bucket.get("encrypted"), bucket.get("key")
    through = _endpoint_of_s3(plain)
    return {
        "aws:RequestedRegion": [bucket.get("region", REGION)],
        "aws:SecureTransport": ["true"],
        "s3:TlsVersion": [plain.tls],
        "aws:SourceVpce": [through] if through else [],
        "aws:SourceVpc": ["vpc-1"] if through else [],
        "aws:PrincipalOrgID": [plain.organization] if plain.organization else [],
        "s3:ResourceAccount": [owner],
        "aws:ResourceAccount": [owner],
        "s3:x-amz-acl": ["bucket-owner-full-control"] if writes else [],
        "s3:x-amz-server-side-encryption": ["aws:kms" if key else "AES256"] if writes and encrypted else [],
        "s3:x-amz-server-side-encryption-aws-kms-key-id": [key] if writes and encrypted and key else [],
    }


def _endpoint_of_s3(plain: Plain) -> str:
    """Through which endpoint requests to S3 go; only of its own Region."""
    here = plain.bucket is None or plain.bucket["region"] == REGION
    fitting = [
        each["id"]
        for each in plain.endpoints
        if here and each["kind"] == "Gateway" and each["state"] != "deleted" and "rtb-main" in each["tables"]
    ]
    return fitting[0] if fitting else ""


def _reaches(plain: Plain, role: dict[str, Any], service: str) -> bool:
    name = f"com.amazonaws.{REGION}.{service}"
    mine = [each for each in plain.endpoints if each["service"] == name and each["state"] != "deleted"]
    bucket_here = service != "s3" or plain.bucket is None or plain.bucket["region"] == REGION
    interfaces = [each for each in mine if each["kind"] == "Interface" and each["dns"]]
    if bucket_here and plain.resolves and interfaces:
        return _through_interface(plain, role, service, interfaces[0])
    gateways = [each for each in mine if each["kind"] == "Gateway" and "rtb-main" in each["tables"]]
    if bucket_here and gateways:
        there = all(
            _out(plain, "subnet-a", each, []) for each in ["52.218.3.3", "3.5.64.9", "52.218.127.255", "3.5.71.255"]
        )
        return there and gateways[0]["state"] == "available" and _admits(plain, role, service, gateways[0])
    return all(_on_the_internet(plain, service, each) for each in PUBLIC)


def _on_the_internet(plain: Plain, service: str, address: str) -> bool:
    """Along the most specific route, out of the node's groups and subnet, and where it is so, through the NAT gateway's."""
    routes = {**({"0.0.0.0/0": plain.default_route} if plain.default_route else {}), **plain.other_routes}
    fitting = [each for each in routes if ip_address(address) in ip_network(each)]
    if not fitting or not _out(plain, "subnet-a", address, []):
        return False
    network = max(fitting, key=lambda each: ip_network(each).prefixlen)
    if network == "0.0.0.0/0" and not plain.route_active:
        return False
    target = routes[network]
    if target == "igw-1":
        return plain.public_address
    if target == "nat-1":
        there = plain.nat_state == "available" and plain.public_blocked != "block-bidirectional"
        passed = _acl_lets(plain.acls[PUBLIC_SUBNET], ADDRESS, inward=True)
        return there and passed and _acl_lets(plain.acls[PUBLIC_SUBNET], address, inward=False, ports=_OF_NAT)
    # What lies behind a transit gateway is not seen, but an agent that answers does so through this service.
    return target == "tgw-1" and service == "ssm" and _answers(plain)


def _through_interface(plain: Plain, role: dict[str, Any], service: str, endpoint: dict[str, Any]) -> bool:
    if endpoint["state"] != "available" or not endpoint["subnets"] or not _admits(plain, role, service, endpoint):
        return False
    into = [each for each in plain.rules if each["GroupId"] in endpoint["groups"]]
    if not any(_rule_fits(each, egress=False, address=ADDRESS, groups=plain.groups) for each in into):
        return False
    for subnet in endpoint["subnets"]:
        first, last = ip_network(SUBNETS[subnet])[4], ip_network(SUBNETS[subnet])[-2]
        for address in (str(first), str(last), str(first + 1800)):
            if not _out(plain, "subnet-a" if subnet != "subnet-a" else "", address, endpoint["groups"]):
                return False
        if subnet != "subnet-a" and not _acl_lets(plain.acls[subnet], ADDRESS, inward=True):
            return False
    return True


def _out(plain: Plain, subnet: str, address: str, groups: list[str]) -> bool:
    """Out of the node's groups, and through its subnet's ACL unless the packet stays in the subnet."""
    own = [each for each in plain.rules if each["GroupId"] in plain.groups]
    leaves = any(_rule_fits(each, egress=True, address=address, groups=groups) for each in own)
    return leaves and (not subnet or _acl_lets(plain.acls[subnet], address, inward=False))


def _rule_fits(rule: dict[str, Any], *, egress: bool, address: str, groups: list[str]) -> bool:
    if rule["IsEgress"] != egress or rule["IpProtocol"] not in ("tcp", "-1"):
        return False
    if rule["IpProtocol"] == "tcp" and not rule["FromPort"] <= 443 <= rule["ToPort"]:
        return False
    if "ReferencedGroupInfo" in rule:
        return rule["ReferencedGroupInfo"]["GroupId"] in groups
    cidrs = [rule["CidrIpv4"]] if "CidrIpv4" in rule else S3_NETWORKS
    return any(ip_address(address) in ip_network(each) for each in cidrs)


_OF_LINUX = (32768, 49152, 50000, 60999)
_OF_NAT = (1024, 30000, 32768, 50000, 65535)


def _acl_lets(entries: list[dict[str, Any]], address: str, *, inward: bool, ports: tuple[int, ...] = _OF_LINUX) -> bool:
    """The request to 443, and the answers to whatever port they go."""
    answers = all(_first(entries, address, port, egress=inward) for port in ports)
    return answers and _first(entries, address, 443, egress=not inward)


def _first(entries: list[dict[str, Any]], address: str, port: int, *, egress: bool) -> bool:
    for entry in sorted(entries, key=lambda each: each["RuleNumber"]):
        ports = entry.get("PortRange", {"From": 0, "To": 65535})
        if (
            entry["Egress"] == egress
            and entry["Protocol"] in ("-1", "6")
            and ip_address(address) in ip_network(entry["CidrBlock"])
            and (entry["Protocol"] == "-1" or ports["From"] <= port <= ports["To"])
        ):
            return entry["RuleAction"] == "allow"
    return False


def _admits(plain: Plain, role: dict[str, Any], service: str, endpoint: dict[str, Any]) -> bool:
    """Return whether an endpoint's policy allows the role each of its calls."""
    calls = [*_calls(plain), *([("kms:Decrypt", KEY)] if plain.settings["sessionDataEncryption"] else [])]
    through = [each for each in calls if each[0].startswith(f"{service}:") and each[0] != "kms:GenerateDataKey"]
    return all(_says(plain, endpoint["policy"], role, *each) for each in through)


def _says(plain: Plain, statements: list[dict[str, Any]], role: dict[str, Any], action: str, resource: str) -> bool:
    def meant(statement: dict[str, Any]) -> bool:
        root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        if "NotPrincipal" in statement:
            # Account, role and session have to be listed, each.
            session = f"arn:aws:sts::{ACCOUNT}:assumed-role/Node/{NODE}"
            return not {root["AWS"], role["arn"], session} <= set(_several(statement["NotPrincipal"]["AWS"]))
        return statement["Principal"] in ("*", {"AWS": role["arn"]}, {"AWS": ACCOUNT}, root)

    mine = [each for each in statements if meant(each) and _speaks(plain, each, action, resource)]
    return any(each["Effect"] == "Allow" for each in mine) and all(each["Effect"] == "Allow" for each in mine)


def _destinations(plain: Plain, role: dict[str, Any]) -> bool:
    settings = plain.settings
    return (
        plain.document_matches
        and (not settings["sessionDataEncryption"] or _decrypts(plain, role))
        and (
            not settings["cwLogGroupName"]
            or _takes(plain.log_group, plain.logs_key_state, settings["cwEncryptionEnabled"])
        )
        and (not settings["s3Logging"] or _takes(plain.bucket, plain.bucket_key_state, settings["s3EncryptionEnabled"]))
        and (not settings["s3Logging"] or _bucket_lets(plain, role))
    )


def _bucket_lets(plain: Plain, role: dict[str, Any]) -> bool:
    """No statement of the bucket's policy denies; that of another account has to allow. Its key's policy lets IAM decide."""
    said = plain.bucket_policy
    foreign = plain.settings.get("s3BucketOwner", ACCOUNT) != ACCOUNT
    for action, resource in (each for each in _calls(plain) if each[0].startswith("s3:")):
        if (said is not None or foreign) and not _says(
            plain, [*([] if foreign else _LET), *(said or [])], role, action, resource
        ):
            return False
    key = plain.bucket["key"] if plain.bucket else None
    return not key or _says(plain, plain.bucket_key_policy, role, "kms:GenerateDataKey", key)


_LET = [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]


def _takes(log: dict[str, Any] | None, key_state: str | None, encrypted: bool) -> bool:  # noqa: FBT001 -- a setting
    """Return whether a log group or bucket exists, encrypted where required, with a working key."""
    if log is None or (encrypted and not log.get("encrypted", log["key"])):
        return False
    return not log["key"] or key_state == "Enabled"


def _decrypts(plain: Plain, role: dict[str, Any]) -> bool:
    if plain.key is None or plain.key["state"] != "Enabled" or plain.key["spec"] != "SYMMETRIC_DEFAULT":
        return False
    mine = [each for each in plain.key_policy if _speaks(plain, each, "kms:Decrypt", KEY)]
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    if any(each["Effect"] == "Deny" and each["Principal"] in ("*", root, {"AWS": role["arn"]}) for each in mine):
        return False
    denied = any(
        each["Effect"] == "Deny" and _speaks(plain, each, "kms:Decrypt", KEY)
        for each in [*role["identity"], *(role["boundary"] or [])]
    )
    bounded = role["boundary"] is not None and not any(
        each["Effect"] == "Allow" and _speaks(plain, each, "kms:Decrypt", KEY) for each in role["boundary"]
    )
    if any(each["Principal"] in ("*", {"AWS": role["arn"]}) and each["Effect"] == "Allow" for each in mine):
        return not denied and not bounded
    return any(each["Principal"] == root and each["Effect"] == "Allow" for each in mine) and _may(
        plain, role, "kms:Decrypt", KEY
    )
