"""IAM roles, managed policies and principals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from components.adoption.inventory import tags_of
from operations.inventory.reader import attempt, returns_failure
from operations.principals import GrantedPrincipal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.inventory.reader import Reader, ReadFailure

NO_ENTITY: Final = ("NoSuchEntity",)


@dataclass(frozen=True, kw_only=True)
class PolicyFacts:
    """A managed policy.

    Attributes:
        version: ID of the default version, `v3`.
        content: Policy document of the default version.
        holders: Principals and groups that it is attached to, other than as a boundary.
        tags: Tags of the policy; None: not read.
    """

    version: str = "v1"
    content: Mapping[str, Any] | ReadFailure
    holders: frozenset[GrantedPrincipal] | ReadFailure
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class RoleFacts:
    """A role.

    Attributes:
        attached: ARNs of attached managed policies.
        inline: Inline policies by name.
        boundary: ARN of the permissions boundary; "": none.
        max_session_seconds: Maximum duration of its sessions.
    """

    trust: Mapping[str, Any]
    attached: frozenset[str] | ReadFailure
    inline: Mapping[str, Mapping[str, Any]] | ReadFailure
    boundary: str = ""
    path: str = "/"
    max_session_seconds: int = 3600


@dataclass(frozen=True, kw_only=True)
class PrincipalFacts:
    """A role, user or group.

    Attributes:
        path: Its path, `/` or `/team/`.
        is_empty: Whether it is a group without members.
    """

    path: str = "/"
    is_empty: bool = False


@returns_failure
def read_policy(reader: Reader, arn: str) -> PolicyFacts | None:
    """Read the default version of a managed policy, and the principals that it is attached to."""
    answer = reader.find("iam", "get_policy", absent=NO_ENTITY, PolicyArn=arn)
    if answer is None:
        return None
    version = str(answer["Policy"]["DefaultVersionId"])
    of_version = {"PolicyArn": arn, "VersionId": version}
    return PolicyFacts(
        version=version,
        content=attempt(lambda: reader.get("iam", "get_policy_version", **of_version)["PolicyVersion"]["Document"]),
        holders=read_holders(reader, arn),
        tags=tags_of(answer["Policy"].get("Tags", ())),
    )


@returns_failure
def read_holders(reader: Reader, arn: str) -> frozenset[GrantedPrincipal]:
    """Return the principals with the policy attached; a permissions boundary by itself grants nothing."""
    usage = {"PolicyUsageFilter": "PermissionsPolicy"}
    answer = reader.find("iam", "list_entities_for_policy", absent=NO_ENTITY, PolicyArn=arn, **usage) or {}
    kinds = (
        ("role", "PolicyRoles", "RoleName"),
        ("user", "PolicyUsers", "UserName"),
        ("group", "PolicyGroups", "GroupName"),
    )
    return frozenset(
        GrantedPrincipal(kind, str(each[name])) for kind, key, name in kinds for each in answer.get(key, ())
    )


@returns_failure
def read_policy_tags(reader: Reader, arn: str) -> dict[str, str] | None:
    """Read the tags of a managed policy."""
    answer = reader.find("iam", "get_policy", absent=NO_ENTITY, PolicyArn=arn)
    return tags_of(answer["Policy"].get("Tags", ())) if answer else None


@returns_failure
def read_role(reader: Reader, name: str) -> RoleFacts | None:
    """Read a role with its policies."""
    answer = reader.find("iam", "get_role", absent=NO_ENTITY, RoleName=name)
    if answer is None:
        return None
    role = answer["Role"]
    listing = ("iam", "list_attached_role_policies", "AttachedPolicies")
    return RoleFacts(
        trust=role["AssumeRolePolicyDocument"],
        attached=attempt(lambda: frozenset(each["PolicyArn"] for each in reader.items(*listing, RoleName=name))),
        inline=attempt(lambda: read_inline_policies(reader, name)),
        boundary=str(role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")),
        path=str(role.get("Path", "/")),
        max_session_seconds=int(role.get("MaxSessionDuration", 3600)),
    )


def read_inline_policies(reader: Reader, role: str) -> dict[str, Mapping[str, Any]]:
    """Read the inline policies of a role by name."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in reader.get("iam", "list_role_policies", RoleName=role).get("PolicyNames", ()):
        policy = reader.find("iam", "get_role_policy", absent=NO_ENTITY, RoleName=role, PolicyName=each)
        if policy is not None:
            found[each] = policy["PolicyDocument"]
    return found


@returns_failure
def read_principal(reader: Reader, principal: GrantedPrincipal) -> PrincipalFacts | None:
    """Read the path of a role, user or group, and whether a group has members."""
    kind = principal.kind
    answer = reader.find("iam", f"get_{kind}", absent=NO_ENTITY, **{f"{kind.capitalize()}Name": principal.name})
    if answer is None:
        return None
    path = str(answer[kind.capitalize()].get("Path", "/"))
    return PrincipalFacts(path=path, is_empty=kind == "group" and not answer.get("Users"))
