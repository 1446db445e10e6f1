"""ARNs of the resources that a call names, and their properties in the local AWS: tags, aliases, boundaries."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from moto.config.models import config_backends
from moto.ec2.models import ec2_backends
from moto.guardduty.models import guardduty_backends
from moto.iam.models import get_account_id_from, iam_backends
from moto.inspector2.models import inspector2_backends
from moto.kms.models import kms_backends
from moto.ram.models import ram_backends
from moto.route53resolver.models import route53resolver_backends
from moto.securityhub.models import securityhub_backends
from moto.ssm.models import ssm_backends
from moto.sts.models import sts_backends

_PARTITION: Final = "aws"
_PUBLIC_PARAMETERS: Final = "/aws/"
_BY_START: Final = {"mw-": "maintenancewindow", "pb-": "patchbaseline"}
"""Kinds of Systems Manager's resources by the beginning of their IDs."""
_DOCUMENTS_OF_AWS: Final = ("AWS-", "AmazonCloudWatch-")
_ASSOCIATION: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EC2_KINDS: Final = {
    "acl": "network-acl",
    "eni": "network-interface",
    "fl": "vpc-flow-log",
    "i": "instance",
    "pl": "prefix-list",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}


@dataclass(frozen=True)
class Place:
    """Account and Region of a call.

    Attributes:
        account: Account ID.
        region: Region, such as `eu-west-1`.
    """

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource in this account and Region."""
        return f"arn:{_PARTITION}:{service}:{self.region}:{self.account}:{resource}"


def caller(access_key: str) -> tuple[str, str]:
    """Return the account and name of the caller: the role's name if the key belongs to a session, or the key itself."""
    account: str = get_account_id_from(access_key)
    session: Any = sts_backends[account][_PARTITION].get_assumed_role_from_access_key(access_key)
    return account, session.role_arn.rsplit("/", 1)[-1] if session else access_key


def resolved(kind: str, place: Place, value: str) -> list[str]:
    """Return the ARNs that a parameter's value names.

    Args:
        kind: Kind that follows the exclamation mark in `authorization.toml`.
        place: Account and Region of the call.
        value: Value of the parameter.
    """
    return _KINDS[kind](place, value)


def resource_keys(place: Place, arn: str) -> dict[str, Any]:
    """Return the condition keys of a resource's current state: tags where its ARN has an ID, aliases, boundaries.

    Args:
        place: Account and Region of the call.
        arn: ARN of the resource; a pattern has no such keys.
    """
    _, _, service, *_ = [*arn.split(":"), "", ""]
    look = _LOOKS.get(service)
    return look(place, arn) if look else {}


def _ec2_keys(place: Place, arn: str) -> dict[str, Any]:
    backend: Any = ec2_backends[place.account][place.region]
    keys: dict[str, Any] = dict(_tag_keys(backend.tags.get(_last(arn), {})))
    interface = backend.enis.get(_last(arn))
    if interface is not None:
        keys |= {
            "ec2:Subnet": place.arn("ec2", f"subnet/{interface.subnet_id}"),
            "ec2:Vpc": place.arn("ec2", f"vpc/{interface.vpc_id}"),
        }
    return keys


def _kms_keys(place: Place, arn: str) -> dict[str, Any]:
    key = _kms(place).keys.get(_last(arn)) if ":key/" in arn else None
    if key is None:
        return {}
    tags = {tag["TagKey"]: tag["TagValue"] for tag in _kms(place).list_resource_tags(key.id)["Tags"]}
    return {**_tag_keys(tags), **({"kms:ResourceAliases": sorted(key.aliases)} if key.aliases else {})}


def _config_keys(place: Place, arn: str) -> dict[str, Any]:
    rule = next((each for each in _config(place).config_rules.values() if each.config_rule_arn == arn), None)
    return _tag_keys(getattr(rule, "tags", {}))


def _ssm_keys(place: Place, arn: str) -> dict[str, Any]:
    if ":document/" in arn:
        document = vars(ssm_backends[place.account][place.region])["_documents"].get(_last(arn))
        return {"ssm:DocumentType": document.get_default_version().document_type} if document else {}
    kinds = {"association": "Association", "maintenancewindow": "MaintenanceWindow", "patchbaseline": "PatchBaseline"}
    kind = kinds.get(arn.rsplit(":", 1)[-1].split("/", maxsplit=1)[0])
    if kind is None:
        return {}
    return _tag_keys(vars(ssm_backends[place.account][place.region])["_resource_tags"][kind][_last(arn)])


def _iam_keys(place: Place, arn: str) -> dict[str, Any]:
    role = next((each for each in _iam(place).get_roles() if each.arn == arn), None)
    boundary = getattr(role, "permissions_boundary_arn", None)
    return {"iam:PermissionsBoundary": boundary} if boundary else {}


def _resolver_keys(place: Place, arn: str) -> dict[str, Any]:
    backend: Any = _resolver(place)
    return _tag_keys(backend.tagger.get_tag_dict_for_resource(arn))


def _share_keys(place: Place, arn: str) -> dict[str, Any]:
    shares: Any = ram_backends[place.account][place.region].resource_shares
    share = next((each for each in shares if each.arn == arn), None)
    external = {"ram:AllowsExternalPrincipals": str(share.allow_external_principals).lower()} if share else {}
    return {**_tag_keys(getattr(share, "local_tags", {})), **external}


def _detector_keys(place: Place, arn: str) -> dict[str, Any]:
    detectors: Any = guardduty_backends[place.account][place.region].detectors
    return _tag_keys(detectors[_last(arn)].tags) if _last(arn) in detectors else {}


def _scan_keys(place: Place, arn: str) -> dict[str, Any]:
    backend: Any = inspector2_backends[place.account][place.region]
    return _tag_keys(backend.list_tags_for_resource(arn))


def _hub_keys(place: Place, _arn: str) -> dict[str, Any]:
    backend: Any = securityhub_backends[place.account][place.region]
    return _tag_keys(backend.tags) if backend.enabled else {}


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _tag_keys(tags: Mapping[str, str]) -> dict[str, str]:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def _key(place: Place, value: str) -> list[str]:
    if value.startswith("arn:") and ":alias/" not in value:
        return [value]
    name = value.rsplit(":", 1)[-1] if value.startswith("arn:") else value
    if not name.startswith("alias/"):
        return [place.arn("kms", f"key/{name}")]
    found = next((key.id for key in _kms(place).keys.values() if name in key.aliases), None)
    return [place.arn("kms", f"key/{found}" if found else name)]


def _ec2_resource(place: Place, value: str) -> list[str]:
    kind = _EC2_KINDS.get(value.rsplit("-", 1)[0])
    return [place.arn("ec2", f"{kind}/{value}")] if kind else [f"unknown:{value}"]


def _profile(place: Place, value: str) -> list[str]:
    found = _iam(place).instance_profiles.values()
    return [role.arn for profile in found if profile.name == value for role in profile.roles]


def _role(place: Place, value: str) -> list[str]:
    """Return the ARN of a role with its path, or the ARN below the root path where no role has the name."""
    found = (role.arn for role in _iam(place).get_roles() if role.name == value)
    return [next(found, f"arn:{_PARTITION}:iam::{place.account}:role/{value}")]


def _profile_association(place: Place, value: str) -> list[str]:
    """Return the associated instance, which is the resource that IAM evaluates."""
    found = ec2_backends[place.account][place.region].iam_instance_profile_associations.get(value)
    return [place.arn("ec2", f"instance/{found.instance_id}")] if found else []


def _parameter(place: Place, value: str) -> list[str]:
    """Return the ARN; public parameters have no account (User Guide, "Working with public parameters")."""
    account = "" if value.startswith(_PUBLIC_PARAMETERS) else place.account
    return [f"arn:{_PARTITION}:ssm:{place.region}:{account}:parameter/{value.lstrip('/')}"]


def _run_document(place: Place, value: str) -> list[str]:
    """Return the ARN of a document that an association runs; documents of AWS have no account."""
    account = "" if value.startswith(_DOCUMENTS_OF_AWS) else place.account
    return [f"arn:{_PARTITION}:ssm:{place.region}:{account}:document/{value}"]


def _assumed(_place: Place, value: str) -> list[str]:
    """Return the role that a document names literally; a role in a parameter is passed when it is started."""
    named = re.search(r'"assumeRole":\s*"(arn:[^"]+)"', value)
    return [named[1]] if named else []


def _token(place: Place, value: str) -> list[str]:
    """Return the role that an approval policy names (User Guide, "Create manual approval policies for your nodes")."""
    named = re.search(r'"accessTokenRole":\s*"([^"]+)"', value)
    return [f"arn:{_PARTITION}:iam::{place.account}:role/{named[1]}"] if named else []


def _trail(place: Place, value: str) -> list[str]:
    return [value if value.startswith("arn:") else place.arn("cloudtrail", f"trail/{value}")]


def _config_rule(place: Place, value: str) -> list[str]:
    """Return the ARN of a rule, which has an ID that AWS Config assigns at creation."""
    found = _config(place).config_rules.get(value)
    return [found.config_rule_arn if found else place.arn("config", "config-rule/*")]


def _tagged_by_systems_manager(place: Place, value: str) -> list[str]:
    """Return the ARN of a document, parameter or association: one request parameter names all three."""
    if _ASSOCIATION.fullmatch(value):
        return [place.arn("ssm", f"association/{value}")]
    kind = next((each for start, each in _BY_START.items() if value.startswith(start)), "")
    if kind:
        return [place.arn("ssm", f"{kind}/{value}")]
    return _parameter(place, value) if value.startswith("/") else [place.arn("ssm", f"document/{value}")]


def _resolver_association(place: Place, value: str) -> list[str]:
    """Return the rule of an association, which is the resource that IAM evaluates."""
    found = _resolver(place).resolver_rule_associations.get(value)
    return [place.arn("route53resolver", f"resolver-rule/{found.resolver_rule_id if found else '*'}")]


def _resolver(place: Place) -> Any:
    return route53resolver_backends[place.account][place.region]


def _kms(place: Place) -> Any:
    return kms_backends[place.account][place.region]


def _config(place: Place) -> Any:
    return config_backends[place.account][place.region]


def _iam(place: Place) -> Any:
    return iam_backends[place.account][_PARTITION]


_KINDS: Final[dict[str, Callable[[Place, str], list[str]]]] = {
    "key": _key,
    "ec2": _ec2_resource,
    "role": _role,
    "profile": _profile,
    "profile-association": _profile_association,
    "resolver-association": _resolver_association,
    "parameter": _parameter,
    "run-document": _run_document,
    "trail": _trail,
    "assumed": _assumed,
    "token": _token,
    "config-rule": _config_rule,
    "ssm": _tagged_by_systems_manager,
}

_LOOKS: Final[dict[str, Callable[[Place, str], dict[str, Any]]]] = {
    "config": _config_keys,
    "ec2": _ec2_keys,
    "guardduty": _detector_keys,
    "inspector2": _scan_keys,
    "securityhub": _hub_keys,
    "iam": _iam_keys,
    "kms": _kms_keys,
    "ram": _share_keys,
    "route53resolver": _resolver_keys,
    "ssm": _ssm_keys,
}
