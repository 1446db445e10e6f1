"""Instance profiles. Source: Terraform AWS provider, `internal/service/iam/instance_profile.go`."""

from local.aws_provider import validators
from local.aws_provider.aws import Aws
from local.aws_provider.failure import AwsError
from local.aws_provider.model import Change, Naming, ResourceType, output, text
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

_missing = "NoSuchEntity"
_name_form = validators.matches(r"[\w+=,.@-]*", "must hold only alphanumeric characters and +=,.@_-")


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    aws.call(
        "CreateInstanceProfile",
        InstanceProfileName=name,
        Path=wanted["path"],
        Tags=pairs(wanted["tagsAll"]) or None,
    )
    return name


def _settle(aws: Aws, name: str, wanted: Values) -> None:
    if wanted.get("role"):
        aws.call("AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=wanted["role"])


def _read(aws: Aws, name: str, known: Values) -> Values | None:
    profile = aws.call("GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    role = profile["Roles"][0]["RoleName"] if profile["Roles"] else None
    if role is not None and not _exists(aws, role):
        aws.call("RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
        role = None
    return {
        "arn": profile["Arn"],
        "createDate": profile["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "name": name,
        "namePrefix": known.get("namePrefix"),
        "path": profile["Path"],
        "role": role,
        "tags": from_pairs(profile.get("Tags")),
        "uniqueId": profile["InstanceProfileId"],
    }


def _exists(aws: Aws, role: str) -> bool:
    try:
        aws.call("GetRole", RoleName=role)
    except AwsError as failure:
        if failure.code != _missing:
            raise
        return False
    return True


def _update(aws: Aws, change: Change) -> None:
    name, old, new = change.object_id, change.old.get("role"), change.new.get("role")
    if old:
        _remove_role(aws, name, old)
    if new:
        aws.call("AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=new)


def _remove_role(aws: Aws, name: str, role: str) -> None:
    try:
        aws.call("RemoveRoleFromInstanceProfile", InstanceProfileName=name, RoleName=role)
    except AwsError as failure:
        if failure.code != _missing:
            raise


def _delete(aws: Aws, name: str, known: Values) -> None:
    if known.get("role"):
        _remove_role(aws, name, known["role"])
    aws.call("DeleteInstanceProfile", InstanceProfileName=name)


def _retag(aws: Aws, name: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagInstanceProfile", InstanceProfileName=name, TagKeys=removed)
    if added:
        aws.call("TagInstanceProfile", InstanceProfileName=name, Tags=pairs(added))


INSTANCE_PROFILE = ResourceType(
    name="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    regional=False,
    properties={
        "arn": output(),
        "createDate": output(),
        "name": text(
            replaces=True,
            computed=True,
            naming=Naming(),
            conflicts=("namePrefix",),
            checks=(validators.length(1, 128), _name_form),
        ),
        "namePrefix": text(
            replaces=True,
            computed=True,
            conflicts=("name",),
            checks=(validators.length(1, 102), _name_form),
        ),
        "path": text(default="/", replaces=True),
        "role": text(),
        "uniqueId": output(),
    },
    calls={
        "create": ("CreateInstanceProfile", "AddRoleToInstanceProfile"),
        "read": ("GetInstanceProfile", "GetRole", "RemoveRoleFromInstanceProfile"),
        "update": (
            *("RemoveRoleFromInstanceProfile", "AddRoleToInstanceProfile"),
            *("TagInstanceProfile", "UntagInstanceProfile"),
        ),
        "delete": ("RemoveRoleFromInstanceProfile", "DeleteInstanceProfile"),
    },
    create=_create,
    settle=_settle,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({_missing}),
)

RESOURCES = (INSTANCE_PROFILE,)
