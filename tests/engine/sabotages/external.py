"""Changes of what the stack uses and does not make: the bucket for backups, and the secrets of the promotion.

Each is tried with a resource of the stack that depends on it.
"""

import json
from functools import partial
from typing import Any

import boto3

from local.emulator.fixtures import KEY_OF_SECRETS, LOG_ARCHIVE_ACCOUNT, SECRETS
from tests.engine.sabotages.resource import ACCOUNT, OPEN, Live, Resource, Undo
from tests.engine.sabotages.sabotage import Sabotage, do


def backup_bucket(live: Live, each: Resource) -> Undo:
    """Remove the default retention, in the account that owns the bucket."""
    role = f"arn:aws:iam::{LOG_ARCHIVE_ACCOUNT}:role/LogArchive"
    given = live.aws("sts", each.region).assume_role(RoleArn=role, RoleSessionName="owner")["Credentials"]
    s3 = boto3.client(
        "s3",
        region_name=each.region,
        endpoint_url=live.endpoint,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    put = partial(s3.put_object_lock_configuration, Bucket="org-directory-backups")
    before = s3.get_object_lock_configuration(Bucket="org-directory-backups")["ObjectLockConfiguration"]
    put(ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    return lambda: put(ObjectLockConfiguration=before)


def secret(live: Live, each: Resource, name: str, change: str) -> Undo:
    secrets, key = live.aws("secretsmanager", each.region), f"arn:aws:kms:{each.region}:{ACCOUNT}:key/{KEY_OF_SECRETS}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**OPEN, "Action": "secretsmanager:GetSecretValue"}]})
    tag: Any = {"Key": "Role", "Value": "DomainController"}
    operations: dict[str, tuple[Any, dict[str, Any], Any, dict[str, Any]]] = {
        "key": (
            *(secrets.update_secret, {"KmsKeyId": "alias/aws/secretsmanager"}),
            *(secrets.update_secret, {"KmsKeyId": key}),
        ),
        "tag": (secrets.untag_resource, {"TagKeys": ["Role"]}, secrets.tag_resource, {"Tags": [tag]}),
        "policy": (secrets.put_resource_policy, {"ResourcePolicy": policy}, secrets.delete_resource_policy, {}),
        "deletion": (secrets.delete_secret, {"RecoveryWindowInDays": 7}, secrets.restore_secret, {}),
    }
    make, arguments, undo, back = operations[change]
    make(SecretId=name, **arguments)
    return lambda: undo(SecretId=name, **back)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("Association", "backup bucket", backup_bucket, "directory-backup-bucket", "-operations-backup"),
    *(
        Sabotage(
            *("Association", f"{change} of a secret", do(secret, name=name, change=change)),
            f"directory-promotion-secret-{name.split('/')[1][:-7]}",
            f"-operations-promotion-{controller}",
        )
        for name, controller in zip(SECRETS, ("dc1", "dc2"), strict=True)
        for change in ("key", "tag", "policy", "deletion")
    ),
)
