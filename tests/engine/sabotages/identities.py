"""Changes of KMS keys and IAM, and of the tags that record grants and the owner of the account."""

import json
from functools import partial
from typing import Any

from components.approval.names import TAG_KEY
from tests.engine.sabotages.sabotage import ANYTHING, REFRESH, Live, Resource, Sabotage, Undo, deleted, do, policy_text


def policy_content(live: Live, each: Resource) -> Undo:
    iam = live.aws("iam")
    before = iam.get_policy(PolicyArn=each.id)["Policy"]["DefaultVersionId"]
    made = iam.create_policy_version(PolicyArn=each.id, PolicyDocument=ANYTHING, SetAsDefault=True)["PolicyVersion"]

    def undo() -> None:
        iam.set_default_policy_version(PolicyArn=each.id, VersionId=before)
        iam.delete_policy_version(PolicyArn=each.id, VersionId=made["VersionId"])

    return undo


def owner_tag(live: Live, each: Resource) -> Undo:
    iam, key = live.aws("iam"), "shell-access:owner"
    iam.untag_policy(PolicyArn=each.id, TagKeys=[key])
    return lambda: iam.tag_policy(PolicyArn=each.id, Tags=[{"Key": key, "Value": each.inputs["tags"][key]}])


def governing_stack(live: Live, each: Resource) -> Undo:
    """Give the record of the account to another stack."""
    set_owner = partial(live.aws("iam").tag_policy, PolicyArn=each.inputs["arn"])
    key = "shell-access:owner"
    set_owner(Tags=[{"Key": key, "Value": "organization/shell-access/other"}])
    return lambda: set_owner(Tags=[{"Key": key, "Value": each.inputs["owner"]}])


def trust(live: Live, each: Resource) -> Undo:
    iam = live.aws("iam")
    change = partial(iam.update_assume_role_policy, RoleName=each.id)
    wide = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    change(PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [wide]}))
    return lambda: change(PolicyDocument=each.inputs["assumeRolePolicy"])


def boundary(live: Live, each: Resource) -> Undo:
    iam = live.aws("iam")
    iam.delete_role_permissions_boundary(RoleName=each.id)
    arn = each.inputs["permissionsBoundary"]
    return lambda: iam.put_role_permissions_boundary(RoleName=each.id, PermissionsBoundary=arn)


def role_field(live: Live, each: Resource, **change: Any) -> Undo:
    iam = live.aws("iam")
    iam.update_role(RoleName=each.id, **change)
    return lambda: iam.update_role(
        RoleName=each.id, Description=each.inputs["description"], MaxSessionDuration=each.inputs["maxSessionDuration"]
    )


def inline_policy(live: Live, each: Resource) -> Undo:
    iam, inputs = live.aws("iam"), each.inputs
    if each.type == "Role":
        named = {"RoleName": each.id, "PolicyName": inputs["inlinePolicies"][0]["name"]}
        before = inputs["inlinePolicies"][0]["policy"]
    else:
        named, before = {"RoleName": inputs["role"], "PolicyName": inputs["name"]}, inputs["policy"]
    iam.put_role_policy(**named, PolicyDocument=ANYTHING)
    return lambda: iam.put_role_policy(**named, PolicyDocument=before)


def detached(live: Live, each: Resource) -> Undo:
    iam, given = live.aws("iam"), {"RoleName": each.inputs["role"], "PolicyArn": each.inputs["policyArn"]}
    iam.detach_role_policy(**given)
    return lambda: iam.attach_role_policy(**given)


def profile_emptied(live: Live, each: Resource) -> Undo:
    iam, given = live.aws("iam"), {"InstanceProfileName": each.id, "RoleName": each.inputs["role"]}
    iam.remove_role_from_instance_profile(**given)
    return lambda: iam.add_role_to_instance_profile(**given)


def grant_tag(live: Live, each: Resource) -> Undo:
    iam, (role, *_) = live.aws("iam"), each.inputs["roles"]
    iam.tag_role(RoleName=role, Tags=[{"Key": TAG_KEY, "Value": "i-0123456789abcdef0"}])
    return lambda: iam.untag_role(RoleName=role, TagKeys=[TAG_KEY])


def inline_policy_deleted(live: Live, each: Resource) -> None:
    live.aws("iam").delete_role_policy(RoleName=each.inputs["role"], PolicyName=each.inputs["name"])


def key_policy(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    before = kms.get_key_policy(KeyId=each.id, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=each.id, PolicyName="default", Policy=policy_text())
    return lambda: kms.put_key_policy(KeyId=each.id, PolicyName="default", Policy=before)


def key_rotation(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.disable_key_rotation(KeyId=each.id)
    return lambda: kms.enable_key_rotation(KeyId=each.id)


def key_disabled(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.disable_key(KeyId=each.id)
    return lambda: kms.enable_key(KeyId=each.id)


def key_pending_deletion(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.schedule_key_deletion(KeyId=each.id, PendingWindowInDays=7)
    return lambda: (
        kms.cancel_key_deletion(KeyId=each.id),
        kms.enable_key(KeyId=each.id),
        kms.enable_key_rotation(KeyId=each.id),
    )


def key_description(live: Live, each: Resource) -> Undo:
    kms = live.aws("kms", each.region)
    kms.update_key_description(KeyId=each.id, Description="changed")
    return lambda: kms.update_key_description(KeyId=each.id, Description=each.inputs["description"])


def alias_moved(live: Live, each: Resource) -> Undo:
    kms, alias = live.aws("kms", each.region), each.inputs["name"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    return lambda: kms.update_alias(AliasName=alias, TargetKeyId=each.inputs["targetKeyId"])


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("Key", "policy", key_policy, "{}-policy"),
    Sabotage("Key", "enableKeyRotation", key_rotation, "{}-rotation"),
    Sabotage("Key", "isEnabled", key_disabled),
    Sabotage("Key", "state", key_pending_deletion),
    Sabotage("Key", "description", key_description, REFRESH),
    Sabotage("Alias", "targetKeyId", alias_moved, REFRESH),
    Sabotage("Policy", "policy", policy_content),
    Sabotage("Policy", "owner", owner_tag, "instance-policy-owner", "session-manager-node"),
    Sabotage("Role", "assumeRolePolicy", trust),
    Sabotage("Role", "permissionsBoundary", boundary),
    Sabotage("Role", "description", do(role_field, Description="changed"), REFRESH),
    Sabotage("Role", "maxSessionDuration", do(role_field, MaxSessionDuration=7200)),
    Sabotage("Role", "inlinePolicies", inline_policy, applies="-flow-logs"),
    Sabotage("RolePolicy", "policy", inline_policy),
    Sabotage("RolePolicyAttachment", "policyArn", detached),
    Sabotage("InstanceProfile", "role", profile_emptied),
    Sabotage("OperatorGrants", "roles", grant_tag),
    Sabotage("GoverningStack", "owner", governing_stack),
)


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage(
        "Alias",
        "itself",
        deleted("kms", "delete_alias", "AliasName", "name"),
        applies="approval-topic-key",
        also=("approval-topic",),
    ),
    Sabotage("RolePolicy", "itself", inline_policy_deleted),
)
