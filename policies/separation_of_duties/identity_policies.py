"""Identity-based policies of a program, in one form.

Inline and managed policies of users, groups, roles and permission sets, and attachments of AWS managed policies. Policies
of other stacks that are attached by ARN are not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from pulumi_policy import Severity

from common.iam.documents import DocumentError, Policy, parse
from policies.findings import UNKNOWN, Resource, Unknown, Violation
from policies.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.findings import Findings

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


@dataclass(frozen=True, kw_only=True)
class _Inline:
    document: str
    holder: tuple[str, str] | None


@dataclass(frozen=True, kw_only=True)
class _Attachment:
    arns: str
    holders: tuple[tuple[str, str], ...]


_SET: Final = ("permission-set", "permissionSetArn")

_DOCUMENTS: Final[dict[str, _Inline]] = {
    POLICY: _Inline(document="policy", holder=None),
    "aws:iam/rolePolicy:RolePolicy": _Inline(document="policy", holder=("role", "role")),
    "aws:iam/userPolicy:UserPolicy": _Inline(document="policy", holder=("user", "user")),
    "aws:iam/groupPolicy:GroupPolicy": _Inline(document="policy", holder=("group", "group")),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": _Inline(document="inlinePolicy", holder=_SET),
}

_ATTACHMENTS: Final[dict[str, _Attachment]] = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _Attachment(arns="policyArn", holders=(("role", "role"),)),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": _Attachment(arns="policyArn", holders=(("user", "user"),)),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": _Attachment(arns="policyArn", holders=(("group", "group"),)),
    "aws:iam/policyAttachment:PolicyAttachment": _Attachment(
        arns="policyArn", holders=(("role", "roles"), ("user", "users"), ("group", "groups"))
    ),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": _Attachment(
        arns="policyArns", holders=(("role", "roleName"),)
    ),
    "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": _Attachment(
        arns="policyArns", holders=(("user", "userName"),)
    ),
    "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": _Attachment(
        arns="policyArns", holders=(("group", "groupName"),)
    ),
    ROLE: _Attachment(arns="managedPolicyArns", holders=(("role", "name"),)),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": _Attachment(
        arns="managedPolicyArn", holders=(_SET,)
    ),
    "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive": _Attachment(
        arns="managedPolicyArns", holders=(_SET,)
    ),
}

CARRIERS: Final = tuple(dict.fromkeys((*_DOCUMENTS, *_ATTACHMENTS)))
"""Resource types that give a principal permissions."""


def held_in(resource: Resource) -> Iterator[Held]:
    """Return the policies of a resource."""
    if inline := _DOCUMENTS.get(resource.type):
        holders = tuple(_holders(resource, [inline.holder])) if inline.holder else ()
        yield Held(
            property=inline.document,
            reading=read(resource.value(inline.document)),
            name=_text(resource.value("name")),
            holders=holders,
        )
    if attachment := _ATTACHMENTS.get(resource.type):
        holders = tuple(_holders(resource, attachment.holders))
        for place, arn in _several(attachment.arns, resource.value(attachment.arns)):
            yield Held(property=place, arn=arn if arn is UNKNOWN else str(arn), holders=holders)
    if resource.type == ROLE:
        for place, inline_policy in _several("inlinePolicies", resource.given("inlinePolicies")):
            yield _in_role(place, inline_policy, tuple(_holders(resource, [("role", "name")])))


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


def _in_role(place: str, inline: Any, holders: tuple[Holder, ...]) -> Held:
    if inline is UNKNOWN:
        return Held(property=place, reading=Reading(None, is_complete=False), holders=holders)
    fields = cast("Mapping[str, Any]", inline) if isinstance(inline, Mapping) else dict[str, Any]()
    return Held(
        property=f"{place}.policy", reading=read(fields.get("policy")), name=_text(fields.get("name")), holders=holders
    )


def _object(document: Mapping[str, Any]) -> Reading:
    """Return the certain part of a document: Allow statements, unless an unknown part may deny them."""
    if not _has_unknown(document):
        return Reading(_parsed_object(document))
    statements = document.get("Statement")
    listed = cast("list[Any]", statements) if isinstance(statements, list) else [statements]
    known = [each for each in listed if not _has_unknown(each)]
    may_deny = any(_has_unknown(each) and not _allows(each) for each in listed)
    if may_deny or _has_unknown({key: value for key, value in document.items() if key != "Statement"}):
        return Reading(None, is_complete=False)
    return Reading(_parsed_object({**document, "Statement": known}), is_complete=False)


def _allows(statement: Any) -> bool:
    return isinstance(statement, Mapping) and cast("Mapping[str, Any]", statement).get("Effect") == "Allow"


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_unknown, cast("Mapping[str, Any]", value).values()))
    if isinstance(value, list):
        return any(map(_has_unknown, cast("list[Any]", value)))
    return value is UNKNOWN


@lru_cache(maxsize=1_024)
def _parsed(text: str) -> Policy | None:
    """Parse a document, once for all rules, which share the cache of a policy."""
    return _parsed_object(text)


def _parsed_object(document: Any) -> Policy | None:
    try:
        return parse(document)
    except DocumentError:
        return None


def _holders(resource: Resource, kinds: Any) -> Iterator[Holder]:
    for kind, name in kinds:
        for _, holder in _several(name, resource.value(name)):
            yield (
                UNKNOWN
                if holder is UNKNOWN
                else f"{kind}/{str(holder).rpartition('/')[2] if kind != _SET[0] else holder}"
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
            yield Violation(held.property, "text that cannot be read", "a policy document", about=resource)
