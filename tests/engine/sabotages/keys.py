"""Changes of KMS keys and aliases."""

from tests.engine.sabotages.resource import Live, Resource, Undo, policy_text
from tests.engine.sabotages.sabotage import REFRESH, Sabotage, deleted


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
)


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage(
        "Alias",
        "itself",
        deleted("kms", "delete_alias", "AliasName", "name"),
        applies="approval-topic-key",
        also=("approval-topic",),
    ),
)
