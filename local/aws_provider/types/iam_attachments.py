"""Inline policies of roles, and policies attached to users. Source: Terraform AWS provider, `internal/service/iam`."""

from typing import Any

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, ResourceType, text
from local.aws_provider.naming import from_prefix
from local.aws_provider.wire import Values

_name_form = validators.matches(r"[\w+=,.@-]*", "must hold only alphanumeric characters and +=,.@_-")


def _role_name(value: Any) -> str | None:
    if value.startswith("arn:"):
        return f"must be the role's name not its ARN, got {value}"
    return validators.length(1, 128)(value)


def _put(aws: Aws, role: str, name: str, policy: str) -> None:
    aws.call("PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=policy)


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    _put(aws, wanted["role"], name, wanted["policy"])
    return f"{wanted['role']}:{name}"


def _read(aws: Aws, object_id: str, known: Values) -> Values | None:
    role, _, name = object_id.partition(":")
    document = aws.call("GetRolePolicy", RoleName=role, PolicyName=name)["PolicyDocument"]
    return {
        "name": name,
        "namePrefix": known.get("namePrefix"),
        # botocore decodes the document in the response.
        "policy": document if isinstance(document, str) else policy_json.compact(document),
        "role": role,
    }


def _update(aws: Aws, change: Change) -> None:
    role, _, name = change.object_id.partition(":")
    _put(aws, role, name, change.new["policy"])


def _delete(aws: Aws, object_id: str, _known: Values) -> None:
    role, _, name = object_id.partition(":")
    aws.call("DeleteRolePolicy", RoleName=role, PolicyName=name)


ROLE_POLICY = ResourceType(
    name="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    regional=False,
    properties={
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(),
            conflicts=("namePrefix",),
            checks=(validators.length(1, 128), _name_form),
        ),
        "namePrefix": text(
            replaces=True, computed=True, conflicts=("name",), checks=(validators.length(1, 102), _name_form)
        ),
        "policy": text(
            required=True,
            accepts_object=True,
            checks=(validators.iam_policy,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
        "role": text(required=True, replaces=True, checks=(_role_name,)),
    },
    calls={
        "create": ("PutRolePolicy",),
        "read": ("GetRolePolicy",),
        "update": ("PutRolePolicy",),
        "delete": ("DeleteRolePolicy",),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    gone=frozenset({"NoSuchEntity"}),
)


def _attach(aws: Aws, wanted: Values) -> str:
    aws.call("AttachUserPolicy", UserName=wanted["user"], PolicyArn=wanted["policyArn"])
    return f"{wanted['user']}/{wanted['policyArn']}"


def _read_attachment(aws: Aws, object_id: str, known: Values) -> Values | None:
    # The state of earlier releases has other IDs, so known properties have precedence.
    user, _, policy = object_id.partition("/")
    user, policy = known.get("user") or user, known.get("policyArn") or policy
    attached = aws.pages("ListAttachedUserPolicies", "AttachedPolicies", marker="Marker", UserName=user)
    if any(item["PolicyArn"] == policy for item in attached):
        return {"user": user, "policyArn": policy}
    return None


def _detach(aws: Aws, _object_id: str, known: Values) -> None:
    aws.call("DetachUserPolicy", UserName=known["user"], PolicyArn=known["policyArn"])


USER_POLICY_ATTACHMENT = ResourceType(
    name="aws:iam/userPolicyAttachment:UserPolicyAttachment",
    service="iam",
    regional=False,
    properties={
        "policyArn": text(required=True, replaces=True, checks=(validators.arn,)),
        "user": text(required=True, replaces=True),
    },
    calls={
        "create": ("AttachUserPolicy",),
        "read": ("ListAttachedUserPolicies",),
        "delete": ("DetachUserPolicy",),
    },
    create=_attach,
    read=_read_attachment,
    delete=_detach,
    gone=frozenset({"NoSuchEntity"}),
    delete_first=True,
)

RESOURCES = (ROLE_POLICY, USER_POLICY_ATTACHMENT)
