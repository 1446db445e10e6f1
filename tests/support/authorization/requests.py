"""Authorization requests of an API call."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from tests.support.api_calls import UNKNOWN, ApiCall
from tests.support.authorization.resources import Place, resolved, resource_keys

TABLE: Final = Path(__file__).with_name("authorization.toml")

GLOBAL_REGION: Final = "us-east-1"
"""Value of `aws:RequestedRegion` for global services (IAM User Guide, "AWS global condition context keys")."""
_GLOBAL: Final = frozenset({"iam", "organizations", "route53"})

_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Z]\w*")
_PARAMETER: Final = re.compile(r"\{([^}]+)\}")
_TAGS: Final = ("Tags", "tags", "TagsList", "Tag", "TagList")
_TAGGED: Final = "tagged"
_BOUNDED: Final = frozenset({"iam:CreateRole", "iam:PutRolePermissionsBoundary"})
_ATTACHING: Final = frozenset(f"iam:{verb}{kind}Policy" for verb in ("Attach", "Detach") for kind in ("Role", "User"))

Keys = dict[str, str | list[str]]
"""Values by condition key; a list for multivalued keys."""


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """One authorization request.

    Attributes:
        action: IAM action, such as `ssm:PutParameter`.
        resource: ARN, or `*`.
    """

    action: str
    resource: str
    keys: Keys = field(default_factory=Keys)


@dataclass(frozen=True)
class _Line:
    action: str
    resource: str
    needs: str = ""
    passed_to: str = ""


def authorization_requests(call: ApiCall, account: str) -> list[AuthorizationRequest]:
    """Return the authorization requests of a call; for an operation that the table lacks, one for the action `unknown`."""
    lines = _table().get(f"{call.service}:{call.operation}")
    if lines is None:
        return [AuthorizationRequest(action=UNKNOWN, resource=f"{call.service}:{call.operation}")]
    place = Place(account, call.region)
    return [
        AuthorizationRequest(action=line.action, resource=resource, keys=_keys(line, call, place, resource))
        for line in lines
        for resource in _resources(line.resource, call, place)
        if _counts(line, call, resource)
    ]


def _counts(line: _Line, call: ApiCall, resource: str) -> bool:
    if line.needs == _TAGGED:
        return bool(_request_tags(call, resource))
    return not line.needs or bool(_values(call.parameters, line.needs))


def _resources(template: str, call: ApiCall, place: Place) -> list[str]:
    """Return each ARN of a template; none if a parameter is absent."""
    text = template.replace("{region}", place.region).replace("{account}", place.account)
    holes = _PARAMETER.findall(text)
    if not holes:
        return [text]
    found = [text]
    for hole in holes:
        names, _, kind = hole.partition("!")
        names, _, default = names.partition("=")
        given = [value for name in names.split("|") for value in _values(call.parameters, name)]
        given = given or ([default] if default else [])
        values = [arn for value in given for arn in resolved(kind, place, value)] if kind else given
        found = [each.replace(f"{{{hole}}}", value) for each in found for value in values]
    return found


def _values(parameters: Any, path: str) -> list[str]:
    """Return the texts at a path, through every list in it."""
    name, _, rest = path.partition(".")
    if isinstance(parameters, list):
        return [text for each in cast("list[Any]", parameters) for text in _values(each, path)]
    if not isinstance(parameters, dict):
        return []
    value = cast("dict[str, Any]", parameters).get(name)
    if rest:
        return _values(value, rest)
    if isinstance(value, list):
        return [text if isinstance(text, str) else str(text) for text in cast("list[Any]", value)]
    return [] if value in (None, "", {}) else [str(value)]


def _keys(line: _Line, call: ApiCall, place: Place, resource: str) -> Keys:
    authorizing_service = call.service if line.passed_to else line.action.split(":", 1)[0]
    region = GLOBAL_REGION if authorizing_service in _GLOBAL else call.region
    keys: Keys = {"aws:RequestedRegion": region}
    if authorizing_service != call.service:
        keys["aws:ViaAWSService"] = "true"
    tags = _request_tags(call, resource)
    if tags and _takes_tags(line.action):
        keys |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        keys["aws:TagKeys"] = sorted(tags)
    elif removed := _values(call.parameters, "TagKeys") + _values(call.parameters, "tagKeys"):
        keys["aws:TagKeys"] = sorted(removed)
    if line.action == "ec2:CreateTags" and call.operation != "CreateTags":
        keys["ec2:CreateAction"] = call.operation
    if line.passed_to:
        keys["iam:PassedToService"] = line.passed_to
    if targets := _values(call.parameters, "Targets.Arn"):
        keys["events:TargetArn"] = sorted(targets)
    if line.action == "ram:CreateResourceShare":
        external = call.parameters.get("allowExternalPrincipals", True)
        keys["ram:RequestedAllowsExternalPrincipals"] = str(external).lower()
    keys |= resource_keys(place, resource)
    keys |= _document_type(line.action, call)
    if line.action in _BOUNDED and (boundary := call.parameters.get("PermissionsBoundary")):
        keys["iam:PermissionsBoundary"] = boundary
    if line.action in _ATTACHING:
        keys["iam:PolicyARN"] = call.parameters["PolicyArn"]
    return keys


def _document_type(action: str, call: ApiCall) -> Keys:
    """Return the type of a document that does not exist yet."""
    return (
        {"ssm:DocumentType": call.parameters.get("DocumentType", "Command")} if action == "ssm:CreateDocument" else {}
    )


def _takes_tags(action: str) -> bool:
    return action.split(":", 1)[1].startswith(("Create", "Put", "Run", "Tag", "Add", "EnableSecurityHub"))


def _request_tags(call: ApiCall, resource: str) -> dict[str, str]:
    """Return the tags in a request, in any of the services' formats; EC2 specifies tags per resource type."""
    given: Any = next((call.parameters[name] for name in _TAGS if call.parameters.get(name)), None)
    specifications: list[dict[str, Any]] = call.parameters.get("TagSpecification") or []
    for specified in specifications:
        if f":{specified['ResourceType']}/" in resource:
            given = specified.get("Tag")
    if isinstance(given, dict):
        return {str(key): str(value) for key, value in cast("dict[str, Any]", given).items()}
    pairs = cast("list[dict[str, str]]", given or [])
    names = (("Key", "Value"), ("TagKey", "TagValue"), ("key", "value"))
    return {each[key]: each.get(value, "") for each in pairs for key, value in names if key in each}


@cache
def _table() -> dict[str, tuple[_Line, ...]]:
    read = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        operation: tuple(_lines(operation, lines, read["resources"])) for operation, lines in read["operations"].items()
    }


def _lines(operation: str, lines: list[str], resources: dict[str, str]) -> Iterator[_Line]:
    service = operation.split(":", 1)[0]
    for line in lines:
        rest, _, passed_to = line.partition(" -> ")
        rest, _, needs = rest.partition(" if ")
        first, _, second = rest.partition(" ")
        action, resource = (first, second) if _ACTION.fullmatch(first) else (operation, first)
        known = resources.get(f"{service}.{resource}", resource)
        if known == resource and resource != "*" and not resource.startswith(("arn:", "{")):
            raise ValueError(f"{TABLE.name}, {operation}: there is no resource {resource}")
        yield _Line(action=action, resource=known, needs=needs, passed_to=passed_to)
