"""IAM roles, policies, their attachments, instance profiles and entitlements, and functions about the caller.

Source: Terraform AWS provider, `internal/service/{iam,accountaccess,meta,sts}`.
"""

from typing import Any, Final

from local.aws_provider import policy_json, validators
from local.aws_provider.aws import Aws
from local.aws_provider.model import (
    Code,
    Function,
    Item,
    Operation,
    Property,
    ResourceType,
    Retry,
    Tagging,
    fixed,
    flag,
    name,
    record,
    records,
    text,
)
from local.aws_provider.wire import Values, items_of

version_limit: Final = 5
"""Maximum number of versions of a policy."""
_gone: Final = frozenset({"NoSuchEntity"})
_name_form: Final = validators.matches(r"[\w+=,.@-]*", "must hold only alphanumeric characters and +=,.@_-")
_path: Final = fixed("/", replaces=True)


def _iam_policy(aws: str) -> Any:
    return policy_json.policy(policy_json.iam_policy, required=True, accepts_object=True, aws=aws)


# Policies.


def _read_default_version(aws: Aws, policy: Item) -> Values:
    version: str = policy.found["DefaultVersionId"]
    answer = aws.call("GetPolicyVersion", PolicyArn=policy.id, VersionId=version)
    return {"PolicyDocument": answer["PolicyVersion"]["Document"]}


def _versions(aws: Aws, policy: Item) -> list[Values]:
    return aws.pages("ListPolicyVersions", "Versions", PolicyArn=policy.id)


def _delete_oldest_version(aws: Aws, policy: Item) -> None:
    """Make room for one more version."""
    versions = _versions(aws, policy)
    spare = [version for version in versions if not version["IsDefaultVersion"]]
    if len(versions) >= version_limit and spare:
        oldest = min(spare, key=lambda version: version["CreateDate"])
        aws.call("DeletePolicyVersion", PolicyArn=policy.id, VersionId=oldest["VersionId"])


def _delete_versions(aws: Aws, policy: Item) -> None:
    for version in _versions(aws, policy):
        if not version["IsDefaultVersion"]:
            aws.call("DeletePolicyVersion", PolicyArn=policy.id, VersionId=version["VersionId"])


POLICY = ResourceType(
    name="aws:iam/policy:Policy",
    service="iam",
    regional=False,
    properties={
        "description": text(replaces=True),
        "name": name(validators.length(1, 128), _name_form, aws="PolicyName"),
        "path": _path,
        "policy": _iam_policy("PolicyDocument"),
    },
    outputs="arn attachmentCount policyId",
    refused="delayAfterPolicyCreationInMs namePrefix",
    create=(Operation("CreatePolicy", result="Policy.Arn"),),
    read=(
        Operation("GetPolicy", {"PolicyArn": "id"}, result="Policy"),
        Code(_read_default_version, "GetPolicyVersion"),
    ),
    update=(
        Code(_delete_oldest_version, "ListPolicyVersions DeletePolicyVersion", on="policy"),
        Operation("CreatePolicyVersion", {"PolicyArn": "id", "SetAsDefault": True}),
    ),
    delete=(
        Code(_delete_versions, "ListPolicyVersions DeletePolicyVersion"),
        Operation("DeletePolicy", {"PolicyArn": "id"}),
    ),
    tagging=Tagging("TagPolicy", "UntagPolicy", listing=""),
    gone=_gone,
)


def _role_name(value: Any) -> str | None:
    if value.startswith("arn:"):
        return f"must be the role's name not its ARN, got {value}"
    return validators.length(1, 128)(value)


ROLE_POLICY = ResourceType(
    name="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    regional=False,
    properties={
        "name": name(validators.length(1, 128), _name_form, aws="PolicyName"),
        "policy": _iam_policy("PolicyDocument"),
        "role": text(_role_name, required=True, replaces=True, aws="RoleName"),
    },
    refused="namePrefix",
    id="{role}:{name}",
    create=(Operation("PutRolePolicy"),),
    read=(Operation("GetRolePolicy"),),
    update=(Operation("PutRolePolicy"),),
    delete=(Operation("DeleteRolePolicy"),),
    gone=_gone,
)


def _attachment(principal: str) -> ResourceType:
    """Build the type of a managed policy that is attached to a role or a user."""
    kind = principal.capitalize()

    return ResourceType(
        name=f"aws:iam/{principal}PolicyAttachment:{kind}PolicyAttachment",
        service="iam",
        regional=False,
        properties={
            "policyArn": text(validators.arn, required=True, replaces=True),
            principal: text(required=True, replaces=True, aws=f"{kind}Name"),
        },
        id=f"{{{principal}}}/{{policyArn}}",
        create=(Operation(f"Attach{kind}Policy"),),
        read=(Operation(f"ListAttached{kind}Policies", result="AttachedPolicies", match={"PolicyArn": "policyArn"}),),
        delete=(Operation(f"Detach{kind}Policy"),),
        gone=_gone,
        delete_first=True,
    )


ROLE_ATTACHMENT, USER_ATTACHMENT = _attachment("role"), _attachment("user")


# Roles.


def _inline(policies: Any) -> dict[str, str]:
    """Map names to documents, without the empty element, which means "none at all"."""
    return {item["name"]: item["policy"] for item in items_of(policies) if item.get("policy")}


def _same_inline(old: Any, new: Any) -> bool:
    before, after = _inline(old), _inline(new)
    return set(before) == set(after) and all(policy_json.same_policy(before[each], after[each]) for each in before)


def _read_inline_policies(aws: Aws, role: Item) -> Values:
    names = aws.pages("ListRolePolicies", "PolicyNames", RoleName=role.id)
    found = [aws.call("GetRolePolicy", RoleName=role.id, PolicyName=each) for each in names]
    attached = aws.pages("ListAttachedRolePolicies", "AttachedPolicies", RoleName=role.id)
    return {
        "inlinePolicies": [{"name": each["PolicyName"], "policy": each["PolicyDocument"]} for each in found],
        "managedPolicyArns": [each["PolicyArn"] for each in attached],
    }


def _put_inline_policies(aws: Aws, role: Item) -> None:
    """Put the policies that differ, and delete those that the program no longer has."""
    old, new = _inline(role.old.get("inlinePolicies")), _inline(role.values.get("inlinePolicies"))
    for policy in sorted(set(old) - set(new)):
        aws.call("DeleteRolePolicy", RoleName=role.id, PolicyName=policy)
    for policy, document in new.items():
        if not policy_json.same_policy(old.get(policy), document):
            aws.call("PutRolePolicy", RoleName=role.id, PolicyName=policy, PolicyDocument=document)


def _release_role(aws: Aws, role: Item) -> None:
    """Remove the role from profiles, and policies from the role: those that the state knows, or all of them."""
    profiles = aws.pages("ListInstanceProfilesForRole", "InstanceProfiles", RoleName=role.id)
    for each in profiles:
        profile: str = each["InstanceProfileName"]
        aws.call("RemoveRoleFromInstanceProfile", InstanceProfileName=profile, RoleName=role.id)
    every = role.values.get("forceDetachPolicies")
    if every or role.values.get("managedPolicyArns"):
        attached = aws.pages("ListAttachedRolePolicies", "AttachedPolicies", RoleName=role.id)
        for each in attached:
            aws.call("DetachRolePolicy", RoleName=role.id, PolicyArn=each["PolicyArn"])
    if every or role.values.get("inlinePolicies"):
        for policy in aws.pages("ListRolePolicies", "PolicyNames", RoleName=role.id):
            aws.call("DeleteRolePolicy", RoleName=role.id, PolicyName=policy)


ROLE = ResourceType(
    name="aws:iam/role:Role",
    service="iam",
    regional=False,
    properties={
        "assumeRolePolicy": _iam_policy("AssumeRolePolicyDocument"),
        "description": text(validators.length(0, 1000), validators.unlike("[“”‘’]", "must not hold curly quotes")),  # noqa: RUF001
        "forceDetachPolicies": flag(default=False, local=True),
        "inlinePolicies": records(
            {"name": text(validators.length(1, 128), _name_form), "policy": text()},
            computed=True,
            same=_same_inline,
        ),
        "maxSessionDuration": fixed(3600),
        "name": name(validators.length(1, 64), _name_form, longest=64, aws="RoleName"),
        "path": text(validators.length(1, 512), default="/", replaces=True),
        "permissionsBoundary": text(
            validators.arn, aws="PermissionsBoundary.PermissionsBoundaryArn PermissionsBoundary"
        ),
    },
    outputs="arn createDate managedPolicyArns uniqueId=RoleId",
    refused="managedPolicyArns namePrefix",
    id="{name}",
    create=(
        Operation(
            "CreateRole",
            retry=Retry(
                codes=frozenset({"MalformedPolicyDocument"}),
                seconds=10,
                only_if=policy_json.names_principal("assumeRolePolicy"),
            ),
        ),
        Code(_put_inline_policies, "PutRolePolicy"),
    ),
    read=(
        Operation("GetRole", result="Role"),
        Code(_read_inline_policies, "ListAttachedRolePolicies ListRolePolicies GetRolePolicy"),
    ),
    update=(
        Operation("UpdateAssumeRolePolicy", {"PolicyDocument": "assumeRolePolicy"}),
        Operation("UpdateRoleDescription"),
        # Some emulators delete the description if it is not sent.
        Operation("UpdateRole", when="maxSessionDuration"),
        Operation(
            "PutRolePermissionsBoundary",
            {"RoleName": "id"},
            when="permissionsBoundary",
            otherwise="DeleteRolePermissionsBoundary",
        ),
        Code(_put_inline_policies, "PutRolePolicy DeleteRolePolicy", on="inlinePolicies"),
    ),
    delete=(
        Code(
            _release_role, "ListInstanceProfilesForRole RemoveRoleFromInstanceProfile DetachRolePolicy DeleteRolePolicy"
        ),
        Operation("DeleteRole"),
    ),
    tagging=Tagging("TagRole", "UntagRole", listing=""),
    gone=_gone,
)


# Instance profiles.


def _read_role(aws: Aws, profile: Item) -> Values:
    """Return the role in a profile; one that does not exist any more is removed from it."""
    roles: list[Values] = profile.found["Roles"]
    if not roles:
        return {}
    role: str = roles[0]["RoleName"]
    if aws.attempt(_gone, "GetRole", RoleName=role) is None:
        aws.call("RemoveRoleFromInstanceProfile", InstanceProfileName=profile.id, RoleName=role)
        return {}
    return {"role": role}


def _change_role(aws: Aws, profile: Item) -> None:
    if profile.old.get("role"):
        _remove_role(aws, profile.id, profile.old["role"])
    if profile.values.get("role"):
        aws.call("AddRoleToInstanceProfile", InstanceProfileName=profile.id, RoleName=profile.values["role"])


def _remove_role(aws: Aws, profile: str, role: str) -> None:
    aws.attempt(_gone, "RemoveRoleFromInstanceProfile", InstanceProfileName=profile, RoleName=role)


def _release_profile(aws: Aws, profile: Item) -> None:
    if profile.values.get("role"):
        _remove_role(aws, profile.id, profile.values["role"])


INSTANCE_PROFILE = ResourceType(
    name="aws:iam/instanceProfile:InstanceProfile",
    service="iam",
    regional=False,
    properties={
        "name": name(validators.length(1, 128), _name_form, aws="InstanceProfileName"),
        "path": _path,
        "role": text(),
    },
    outputs="arn createDate uniqueId=InstanceProfileId",
    refused="namePrefix",
    id="{name}",
    create=(Operation("CreateInstanceProfile"), Code(_change_role, "AddRoleToInstanceProfile")),
    read=(
        Operation("GetInstanceProfile", result="InstanceProfile"),
        Code(_read_role, "GetRole RemoveRoleFromInstanceProfile"),
    ),
    update=(Code(_change_role, "RemoveRoleFromInstanceProfile AddRoleToInstanceProfile", on="role"),),
    delete=(Code(_release_profile, "RemoveRoleFromInstanceProfile"), Operation("DeleteInstanceProfile")),
    tagging=Tagging("TagInstanceProfile", "UntagInstanceProfile", listing=""),
    gone=_gone,
)


# Entitlements of account access manager. Source: `internal/service/accountaccess`.


propagation_seconds: Final = 120


def _create_entitlement(aws: Aws, entitlement: Item) -> str:
    """Create an entitlement; the role may be so new that the service does not see it yet."""
    given = entitlement.values
    role = given["entitlement"]["principalRole"]
    desired = {"principalRole": {"principal": role["principal"], "roleArn": role["roleArn"]}}
    answer = aws.retry(
        ("ValidationException",),
        lambda: aws.call("CreateEntitlement", applicationArn=given["applicationArn"], entitlement=desired),
        propagation_seconds,
        "verifying role",
    )
    return answer["entitlementId"]


ENTITLEMENT = ResourceType(
    name="aws:accountaccess/entitlement:Entitlement",
    service="account-access",
    properties={
        "applicationArn": text(validators.arn, required=True, replaces=True),
        "entitlement": record(
            {
                "principalRole": record(
                    {
                        "accountId": Property(output=True, aws="account"),
                        "accountName": Property(output=True),
                        "principal": record(
                            {"identityCenter": record({"groupId": text(), "userId": text()}, required=True)},
                            required=True,
                        ),
                        "roleArn": text(validators.arn, required=True),
                    },
                    required=True,
                )
            },
            required=True,
            replaces=True,
        ),
    },
    outputs="entitlementId",
    import_id="{applicationArn},{id}",
    framework=True,
    create=(Code(_create_entitlement, "CreateEntitlement"),),
    read=(Operation("GetEntitlement", {"entitlementId": "id"}),),
    delete=(Operation("DeleteEntitlement", {"entitlementId": "id"}),),
    gone=frozenset({"ResourceNotFoundException"}),
)


# Functions about the caller: account and partition. Source: `internal/service/{meta,sts}`.


_suffixes = {"aws-cn": "amazonaws.com.cn", "aws-iso": "c2s.ic.gov", "aws-iso-b": "sc2s.sgov.gov"}


def _caller_identity(aws: Aws) -> Values:
    identity = aws.call("GetCallerIdentity")
    account = identity["Account"]
    return {"accountId": account, "arn": identity["Arn"], "userId": identity["UserId"], "id": account}


def _partition(aws: Aws) -> Values:
    suffix = _suffixes.get(aws.partition, "amazonaws.com")
    return {
        "partition": aws.partition,
        "id": aws.partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


CALLER_IDENTITY = Function(
    name="aws:index/getCallerIdentity:getCallerIdentity",
    service="sts",
    inputs={"id": text()},
    calls=("GetCallerIdentity",),
    run=_caller_identity,
)

PARTITION = Function(
    name="aws:index/getPartition:getPartition", service="ec2", inputs={"id": text()}, calls=(), run=_partition
)
