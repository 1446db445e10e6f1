"""Customer managed IAM policies and their attachments to roles.

Source: Terraform AWS provider, `internal/service/iam`.
"""

from typing import Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import Change, Naming, ResourceType, output, text, whole
from local.aws_provider.naming import from_prefix
from local.aws_provider.tags import from_pairs, pairs
from local.aws_provider.wire import Values

version_limit: Final = 5
"""Maximum number of versions of a policy."""
_name_form = validators.matches(r"[\w+=,.@-]*", "must hold only alphanumeric characters and +=,.@_-")


def _create(aws: Aws, wanted: Values) -> str:
    name = wanted.get("name") or from_prefix(wanted.get("namePrefix", "pulumi-"))
    answer = aws.call(
        "CreatePolicy",
        PolicyName=name,
        Path=wanted["path"],
        PolicyDocument=wanted["policy"],
        Description=wanted.get("description"),
        Tags=pairs(wanted["tagsAll"]) or None,
    )
    return answer["Policy"]["Arn"]


def _read(aws: Aws, arn: str, known: Values) -> Values | None:
    policy = aws.call("GetPolicy", PolicyArn=arn)["Policy"]
    version = aws.call("GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    document = version["Document"]
    return {
        "arn": arn,
        "attachmentCount": policy.get("AttachmentCount", 0),
        "description": policy.get("Description"),
        "name": policy["PolicyName"],
        "namePrefix": known.get("namePrefix"),
        "path": policy["Path"],
        # botocore decodes the document in the response.
        "policy": document if isinstance(document, str) else policy_json.compact(document),
        "policyId": policy["PolicyId"],
        "tags": from_pairs(policy.get("Tags")),
    }


def _update(aws: Aws, change: Change) -> None:
    if not change.has("policy"):
        return
    arn = change.object_id
    versions = aws.pages("ListPolicyVersions", "Versions", marker="Marker", PolicyArn=arn)
    spare = [version for version in versions if not version["IsDefaultVersion"]]
    if len(versions) >= version_limit and spare:
        oldest = min(spare, key=lambda version: version["CreateDate"])
        aws.call("DeletePolicyVersion", PolicyArn=arn, VersionId=oldest["VersionId"])
    aws.call("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=change.new["policy"], SetAsDefault=True)


def _delete(aws: Aws, arn: str, _known: Values) -> None:
    for version in aws.pages("ListPolicyVersions", "Versions", marker="Marker", PolicyArn=arn):
        if not version["IsDefaultVersion"]:
            aws.call("DeletePolicyVersion", PolicyArn=arn, VersionId=version["VersionId"])
    aws.call("DeletePolicy", PolicyArn=arn)


def _retag(aws: Aws, arn: str, _known: Values, added: dict[str, str], removed: list[str]) -> None:
    if removed:
        aws.call("UntagPolicy", PolicyArn=arn, TagKeys=removed)
    if added:
        aws.call("TagPolicy", PolicyArn=arn, Tags=pairs(added))


POLICY = ResourceType(
    name="aws:iam/policy:Policy",
    service="iam",
    regional=False,
    properties={
        "arn": output(),
        "attachmentCount": output("integer"),
        "delayAfterPolicyCreationInMs": whole(local=True),
        "description": text(replaces=True),
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
        "policy": text(
            required=True,
            accepts_object=True,
            checks=(validators.iam_policy,),
            same=policy_json.same_policy,
            stored_as=policy_json.normal_form,
        ),
        "policyId": output(),
    },
    calls={
        "create": ("CreatePolicy",),
        "read": ("GetPolicy", "GetPolicyVersion"),
        "update": (
            *("ListPolicyVersions", "DeletePolicyVersion", "CreatePolicyVersion"),
            *("TagPolicy", "UntagPolicy"),
        ),
        "delete": ("ListPolicyVersions", "DeletePolicyVersion", "DeletePolicy"),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    retag=_retag,
    gone=frozenset({"NoSuchEntity"}),
)


def _attach(aws: Aws, wanted: Values) -> str:
    aws.call("AttachRolePolicy", RoleName=wanted["role"], PolicyArn=wanted["policyArn"])
    return f"{wanted['role']}/{wanted['policyArn']}"


def _read_attachment(aws: Aws, object_id: str, known: Values) -> Values | None:
    # The state of earlier releases has other IDs, so known properties have precedence.
    role, _, policy = object_id.partition("/")
    role, policy = known.get("role") or role, known.get("policyArn") or policy
    attached = aws.pages("ListAttachedRolePolicies", "AttachedPolicies", marker="Marker", RoleName=role)
    if any(item["PolicyArn"] == policy for item in attached):
        return {"role": role, "policyArn": policy}
    return None


def _detach(aws: Aws, _object_id: str, known: Values) -> None:
    aws.call("DetachRolePolicy", RoleName=known["role"], PolicyArn=known["policyArn"])


ROLE_POLICY_ATTACHMENT = ResourceType(
    name="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    regional=False,
    properties={
        "policyArn": text(required=True, replaces=True, checks=(validators.arn,)),
        # Programs often pass the role itself; the provider receives its name.
        "role": text(required=True, replaces=True),
    },
    calls={
        "create": ("AttachRolePolicy",),
        "read": ("ListAttachedRolePolicies",),
        "delete": ("DetachRolePolicy",),
    },
    create=_attach,
    read=_read_attachment,
    delete=_detach,
    gone=frozenset({"NoSuchEntity"}),
    delete_first=True,
)

RESOURCES = (POLICY, ROLE_POLICY_ATTACHMENT)
