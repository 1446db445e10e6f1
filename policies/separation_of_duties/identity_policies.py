"""Identity-based policies of a program, in one form.

Inline and managed policies of users, groups, roles and permission sets, and attachments of AWS managed policies. Policies
of other stacks that are attached by ARN are not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from pulumi_policy import Severity

from common.iam.documents import DocumentError, Policy, parse
from common.json_values import listed, mapping
from policies.findings import UNKNOWN, Findings, Resource, Unknown, is_partly_unknown
from policies.rule import Rule

POLICY: Final = "aws:iam/policy:Policy"
ROLE: Final = "aws:iam/role:Role"
USER: Final = "aws:iam/user:User"

Holder = str | Unknown
"""Principal: `role/Operator`, `user/...`, `group/...`, `permission-set/<ARN>`; or not known yet."""


@dataclass(frozen=True)
class Reading:
    """The part of a policy document that can be evaluated, and whether all of it is known."""

    policy: Policy | None
    is_complete: bool = True


@dataclass(frozen=True, kw_only=True)
class Held:
    """A policy in a resource.

    Attributes:
        property: Property of the policy.
        reading: Parsed document; None where the policy is attached by ARN.
        arn: ARN, where the policy is attached by ARN.
        name: Name, where the policy has one.
        holders: Principals that have it; empty where the resource does not name them, such as a managed policy.
    """

    property: str
    reading: Reading | None = None
    arn: str | Unknown = ""
    name: str = ""
    holders: tuple[Holder, ...] = ()


_Holders = tuple[tuple[str, str], ...]
"""Kinds of principals that have a policy, each with the property that names them."""

_ROLES: Final = (("role", "role"),)
_USERS: Final = (("user", "user"),)
_GROUPS: Final = (("group", "group"),)
_SETS: Final = (("permission-set", "permissionSetArn"),)

_DOCUMENTS: Final[dict[str, tuple[str, _Holders]]] = {
    POLICY: ("policy", ()),
    "aws:iam/rolePolicy:RolePolicy": ("policy", _ROLES),
    "aws:iam/userPolicy:UserPolicy": ("policy", _USERS),
    "aws:iam/groupPolicy:GroupPolicy": ("policy", _GROUPS),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": ("inlinePolicy", _SETS),
}
"""Property of the document, and its holders, by resource type."""

_ATTACHMENTS: Final[dict[str, tuple[str, _Holders]]] = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("policyArn", _ROLES),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("policyArn", _USERS),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("policyArn", _GROUPS),
    "aws:iam/policyAttachment:PolicyAttachment": (
        "policyArn",
        (("role", "roles"), ("user", "users"), ("group", "groups")),
    ),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ("policyArns", (("role", "roleName"),)),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": ("policyArns", (("user", "userName"),)),
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": (
        "policyArns",
        (("group", "groupName"),),
    ),
    ROLE: ("managedPolicyArns", (("role", "name"),)),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": ("managedPolicyArn", _SETS),
    "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive": ("managedPolicyArns", _SETS),
}
"""Property of the ARNs, and the holders, by resource type."""

CARRIERS: Final = tuple(dict.fromkeys((*_DOCUMENTS, *_ATTACHMENTS)))
"""Resource types that give a principal permissions."""


def held_in(resource: Resource) -> Iterator[Held]:
    """Return the policies of a resource."""
    if resource.type in _DOCUMENTS:
        name, kinds = _DOCUMENTS[resource.type]
        yield Held(
            property=name,
            reading=read(resource.value(name)),
            name=_text(resource.value("name")),
            holders=_holders(resource, kinds),
        )
    if resource.type in _ATTACHMENTS:
        name, kinds = _ATTACHMENTS[resource.type]
        for place, arn in _several(name, resource.value(name)):
            yield Held(property=place, arn=arn if arn is UNKNOWN else str(arn), holders=_holders(resource, kinds))
    if resource.type == ROLE:
        holders = _holders(resource, (("role", "name"),))
        for place, inline in _several("inlinePolicies", resource.given("inlinePolicies")):
            if inline is UNKNOWN:
                yield Held(property=place, reading=Reading(None, is_complete=False), holders=holders)
                continue
            fields = mapping(inline)
            yield Held(
                property=f"{place}.policy",
                reading=read(fields.get("policy")),
                name=_text(fields.get("name")),
                holders=holders,
            )


def read(document: Any) -> Reading:
    """Parse a policy document: JSON text, or an object with parts that may not be known yet."""
    if document is UNKNOWN:
        return Reading(None, is_complete=False)
    if isinstance(document, str):
        return Reading(_parsed(document))
    if not isinstance(document, Mapping):
        return Reading(None)
    return _object(cast("Mapping[str, Any]", document))


def holds(holder: Holder, name: str) -> bool:
    """Return whether a principal has a name, `role/Operator`, regardless of case, as IAM ignores it."""
    return isinstance(holder, str) and holder.lower() == name.lower()


def _object(document: Mapping[str, Any]) -> Reading:
    """Return the certain part of a document: Allow statements, unless an unknown part may deny them."""
    if not is_partly_unknown(document):
        return Reading(_parsed_object(document))
    statements = document.get("Statement")
    several = listed(statements)
    known = [each for each in several if not is_partly_unknown(each)]
    may_deny = any(is_partly_unknown(each) and not _allows(each) for each in several)
    if may_deny or is_partly_unknown({key: value for key, value in document.items() if key != "Statement"}):
        return Reading(None, is_complete=False)
    return Reading(_parsed_object({**document, "Statement": known}), is_complete=False)


def _allows(statement: Any) -> bool:
    return isinstance(statement, Mapping) and cast("Mapping[str, Any]", statement).get("Effect") == "Allow"


@lru_cache(maxsize=1_024)
def _parsed(text: str) -> Policy | None:
    """Parse a document, once for all rules, which share the cache of a policy."""
    return _parsed_object(text)


def _parsed_object(document: Any) -> Policy | None:
    try:
        return parse(document)
    except DocumentError:
        return None


def _holders(resource: Resource, kinds: _Holders) -> tuple[Holder, ...]:
    return tuple(
        UNKNOWN if holder is UNKNOWN else f"{kind}/{holder if kinds is _SETS else str(holder).rpartition('/')[2]}"
        for kind, name in kinds
        for _, holder in _several(name, resource.value(name))
    )


def _several(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Return one value or a list of values, each with its path."""
    if isinstance(value, list):
        yield from ((f"{name}[{position}]", each) for position, each in enumerate(cast("list[Any]", value)))
    elif value is not None:
        yield name, value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


IDENTITY_POLICY_READABLE = Rule(
    id="identity-policy-readable",
    title="Identity policies are policy documents",
    severity=Severity.HIGH,
    risk="the permissions cannot be evaluated",
    remedy="Write the policy as one JSON object with Version and Statement",
    source='IAM User Guide, "IAM JSON policy elements reference"',
    url="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html",
)


@IDENTITY_POLICY_READABLE.on(*CARRIERS)
def _can_be_read(resource: Resource) -> Findings:
    for held in held_in(resource):
        if held.reading and held.reading.is_complete and held.reading.policy is None:
            # The text may contain secrets, so it is not quoted.
            yield resource.violation(held.property, "a policy document", found="text that cannot be read")
