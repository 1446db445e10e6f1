"""CloudWatch Logs as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/.
"""

from typing import Any

from moto.kms.models import Key, kms_backends
from moto.logs import urls
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogGroup
from moto.logs.responses import LogsResponse

RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731} | {1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
"""Allowed values of `retentionInDays` (API_PutRetentionPolicy)."""


def apply() -> None:
    """Replace moto's CloudWatch Logs with the extended one."""
    urls.url_paths["{0}/$"] = LocalLogs.dispatch


class LocalLogs(LogsResponse):
    """moto's CloudWatch Logs with corrected retention, keys and tags."""

    def create_log_group(self) -> str:
        """API_CreateLogGroup: refuses a key that does not exist or is not enabled."""
        if self._get_param("kmsKeyId") is not None:
            self._check_key(self._get_param("kmsKeyId"))
        return super().create_log_group()

    def delete_log_group(self) -> str:
        """API_DeleteLogGroup: a later group with the same name does not have its tags."""
        group = self._group()
        self.logs_backend.tagger.delete_all_tags_for_resource(group.arn)
        return super().delete_log_group()

    def put_retention_policy(self) -> str:
        """API_PutRetentionPolicy: only the documented numbers of days."""
        days = self._get_param("retentionInDays")
        if days not in RETENTION_DAYS:
            allowed = ", ".join(str(number) for number in sorted(RETENTION_DAYS))
            raise InvalidParameterException(
                constraint=f"Member must satisfy enum value set: [{allowed}]",
                parameter="retentionInDays",
                value=days,
            )
        return super().put_retention_policy()

    def associate_kms_key(self) -> str:
        """API_AssociateKmsKey, which moto lacks: replaces the group's key."""
        group = self._group()
        self._check_key(self._get_param("kmsKeyId"))
        group.kms_key_id = self._get_param("kmsKeyId")
        return ""

    def disassociate_kms_key(self) -> str:
        """API_DisassociateKmsKey, which moto lacks."""
        self._group().kms_key_id = None
        return ""

    def list_tags_for_resource(self) -> str:
        """API_ListTagsForResource: a group that does not exist is an error."""
        self._check_tagged(self._get_param("resourceArn"))
        return super().list_tags_for_resource()

    def tag_resource(self) -> str:
        """API_TagResource: a group that does not exist is an error."""
        self._check_tagged(self._get_param("resourceArn"))
        return super().tag_resource()

    def untag_resource(self) -> str:
        """API_UntagResource: a group that does not exist is an error."""
        self._check_tagged(self._get_param("resourceArn"))
        return super().untag_resource()

    def _group(self) -> LogGroup:
        """Return the group in the request."""
        group = self.logs_backend.groups.get(self._get_param("logGroupName"))
        if group is None:
            raise ResourceNotFoundException
        return group

    def _check_tagged(self, arn: str) -> None:
        """Refuse the ARN of a group that does not exist; other ARNs are left to moto.

        The ARN of a group in tagging actions does not end in `:*` (API_TagResource).
        """
        if ":log-group:" in arn and all(group.arn != arn for group in self.logs_backend.groups.values()):
            raise ResourceNotFoundException("The specified resource does not exist.")

    def _check_key(self, key_arn: str) -> None:
        """API_AssociateKmsKey, API_CreateLogGroup: needs the ARN of an enabled key, else InvalidParameterException.

        AWS documents this for missing and disabled keys; that a key pending deletion is refused is inferred.
        """
        key = self._key(key_arn)
        if key is None:
            raise InvalidParameterException(f"The specified KMS Key Id could not be found: {key_arn}")
        if key.key_state != "Enabled":
            raise InvalidParameterException(f"The specified KMS Key Id is not enabled: {key_arn}")

    def _key(self, arn: str) -> Key | None:
        """Return the key with this ARN, which may be in another account but not in another Region."""
        backends: Any = kms_backends
        parts = arn.split(":", 5)
        if len(parts) < len(("arn", "partition", "kms", "region", "account", "key")) or parts[3] != self.region:
            return None
        return backends[parts[4]][self.region].keys.get(parts[5].removeprefix("key/"))
