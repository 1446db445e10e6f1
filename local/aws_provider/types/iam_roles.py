"""IAM roles. Source: Terraform AWS provider, `internal/service/iam/role.go`."""

from typing import Any

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, ResourceType, flag, output, records, text, texts, whole
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

_name_form = validators.matches(r"[\w+=,.@-]*", "must hold only alphanumeric characters and +=,.@_-")


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    arguments: Values = {
        "RoleName": name,
        "AssumeRolePolicyDocument": wanted["assumeRolePolicy"],
        "Path": wanted["path"],
        "Description": wanted.get("description"),
        "MaxSessionDuration": wanted["maxSessionDuration"],
        "PermissionsBoundary": wanted.get("permissionsBoundary"),
        "Tags": pairs(wanted["tagsAll"]) or None,
    }
    # IAM is eventually consistent: a new principal may be unknown for some seconds.
    aws.retry({"MalformedPolicyDocument"} if _names_principal(wanted) else (), lambda: _call(aws, arguments), 10)
    return name


def _call(aws: Aws, arguments: Values) -> None:
    aws.call("CreateRole", **arguments)


def _names_principal(wanted: Values) -> bool:
    return ":role/" in wanted["assumeRolePolicy"] or ":user/" in wanted["assumeRolePolicy"]


def _settle(aws: Aws, name: str, wanted: Values) -> None:
    for arn in wanted.get("managedPolicyArns", []):
        aws.call("AttachRolePolicy", RoleName=name, PolicyArn=arn)
    for item_name, policy in _inline(wanted.get("inlinePolicies")).items():
        aws.call("PutRolePolicy", RoleName=name, PolicyName=item_name, PolicyDocument=policy)


def _inline(policies: Any) -> dict[str, str]:
    """Map names to documents, without the empty element, which means "none at all"."""
    listed: list[Values] = policies or []
    return {item["name"]: item["policy"] for item in listed if item.get("policy")}


def _text(document: Any) -> str:
    """Return a document as text; botocore decodes the documents in responses."""
    return document if isinstance(document, str) else policy_json.compact(document)


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    role = aws.call("GetRole", RoleName=name)["Role"]
    attached = aws.pages("ListAttachedRolePolicies", "AttachedPolicies", marker="Marker", RoleName=name)
    inline = [
        {
            "name": policy,
            "policy": _text(aws.call("GetRolePolicy", RoleName=name, PolicyName=policy)["PolicyDocument"]),
        }
        for policy in aws.pages("ListRolePolicies", "PolicyNames", marker="Marker", RoleName=name)
    ]
    boundary: Values = role.get("PermissionsBoundary") or {}
    return {
        "arn": role["Arn"],
        "assumeRolePolicy": _text(role["AssumeRolePolicyDocument"]),
        "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": role.get("Description"),
        "inlinePolicies": inline,
        "managedPolicyArns": [policy["PolicyArn"] for policy in attached],
        "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        "name": name,
        "namePrefix": known.get("namePrefix"),
        "path": role["Path"],
        "permissionsBoundary": boundary.get("PermissionsBoundaryArn"),
        "tags": from_pairs(role.get("Tags")),
        "uniqueId": role["RoleId"],
    }


def _update(aws: Aws, change: Change) -> None:
    name, old, new = change.object_id, change.old, change.new
    if change.has("assumeRolePolicy"):
        aws.call("UpdateAssumeRolePolicy", RoleName=name, PolicyDocument=new["assumeRolePolicy"])
    if change.has("description"):
        aws.call("UpdateRoleDescription", RoleName=name, Description=new.get("description", ""))
    if change.has("maxSessionDuration"):
        # Some emulators delete the description if it is not sent.
        aws.call(
            "UpdateRole",
            RoleName=name,
            Description=new.get("description"),
            MaxSessionDuration=new["maxSessionDuration"],
        )
    if change.has("permissionsBoundary"):
        boundary = new.get("permissionsBoundary")
        if boundary:
            aws.call("PutRolePermissionsBoundary", RoleName=name, PermissionsBoundary=boundary)
        else:
            aws.call("DeleteRolePermissionsBoundary", RoleName=name)
    if change.has("managedPolicyArns"):
        _attach_only(aws, name, set(old.get("managedPolicyArns", [])), set(new.get("managedPolicyArns", [])))
    if change.has("inlinePolicies"):
        _inline_only(aws, name, _inline(old.get("inlinePolicies")), _inline(new.get("inlinePolicies")))


def _attach_only(aws: Aws, name: str, old: set[str], new: set[str]) -> None:
    for arn in sorted(old - new):
        aws.call("DetachRolePolicy", RoleName=name, PolicyArn=arn)
    for arn in sorted(new - old):
        aws.call("AttachRolePolicy", RoleName=name, PolicyArn=arn)


def _inline_only(aws: Aws, name: str, old: dict[str, str], new: dict[str, str]) -> None:
    for policy in sorted(set(old) - set(new)):
        aws.call("DeleteRolePolicy", RoleName=name, PolicyName=policy)
    for policy, document in new.items():
        if not policy_json.same_policy(old.get(policy), document):
            aws.call("PutRolePolicy", RoleName=name, PolicyName=policy, PolicyDocument=document)


def _delete(aws: Aws, name: str, known: Values) -> None:
    profiles = aws.pages("ListInstanceProfilesForRole", "InstanceProfiles", marker="Marker", RoleName=name)
    for profile in profiles:
        aws.call(
            "RemoveRoleFromInstanceProfile",
            InstanceProfileName=profile["InstanceProfileName"],
            RoleName=name,
        )
    force = known.get("forceDetachPolicies")
    if force or known.get("managedPolicyArns"):
        attached = aws.pages("ListAttachedRolePolicies", "AttachedPolicies", marker="Marker", RoleName=name)
        _attach_only(aws, name, {policy["PolicyArn"] for policy in attached}, set())
    if force or known.get("inlinePolicies"):
        listed = aws.pages("ListRolePolicies", "PolicyNames", marker="Marker", RoleName=name)
        _inline_only(aws, name, dict.fromkeys(listed, ""), {})
    aws.call("DeleteRole", RoleName=name)


def _retag(aws: Aws, name: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagRole", RoleName=name, TagKeys=removed)
    if added:
        aws.call("TagRole", RoleName=name, Tags=pairs(added))


def _same_inline(old: Any, new: Any) -> bool:
    before, after = _inline(old), _inline(new)
    return set(before) == set(after) and all(policy_json.same_policy(before[name], after[name]) for name in before)


ROLE = ResourceType(
    name="aws:iam/role:Role",
    service="iam",
    regional=False,
    properties={
        "arn": output(),
        "assumeRolePolicy": text(
            required=True,
            accepts_object=True,
            checks=(validators.iam_policy,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
        "createDate": output(),
        "description": text(
            checks=(
                validators.length(0, 1000),
                validators.unlike("[“”‘’]", "must not hold curly quotes"),  # noqa: RUF001
            )
        ),
        "forceDetachPolicies": flag(default=False, local=True),
        "inlinePolicies": records(
            {"name": text(checks=(validators.length(1, 128), _name_form)), "policy": text()},
            computed=True,
            same=_same_inline,
        ),
        "managedPolicyArns": texts(computed=True, checks=(validators.each(validators.arn),)),
        "maxSessionDuration": whole(default=3600, checks=(validators.between(3600, 43200),)),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(longest=64),
            conflicts=("namePrefix",),
            checks=(validators.length(1, 64), _name_form),
        ),
        "namePrefix": text(
            replaces=True,
            computed=True,
            conflicts=("name",),
            checks=(validators.length(1, 38), _name_form),
        ),
        "path": text(default="/", replaces=True, checks=(validators.length(0, 512),)),
        "permissionsBoundary": text(checks=(validators.arn,)),
        "uniqueId": output(),
    },
    calls={
        "create": ("CreateRole", "AttachRolePolicy", "PutRolePolicy"),
        "read": ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "GetRolePolicy"),
        "update": (
            *("UpdateAssumeRolePolicy", "UpdateRoleDescription", "UpdateRole"),
            *("PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"),
            *("AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy"),
            *("TagRole", "UntagRole"),
        ),
        "delete": (
            *("ListInstanceProfilesForRole", "RemoveRoleFromInstanceProfile", "DetachRolePolicy"),
            *("DeleteRolePolicy", "DeleteRole"),
        ),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"NoSuchEntity"}),
)

RESOURCES = (ROLE,)
