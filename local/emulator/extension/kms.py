"""AWS KMS keys as documented by AWS: key states, name of the default policy, rotation period.

API_… pages: https://docs.aws.amazon.com/kms/latest/APIReference/; key states: table of
https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html.
"""

import json
import re
from datetime import timedelta
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time, utcnow
from moto.kms import models
from moto.kms.exceptions import NotFoundException, ValidationException
from moto.kms.models import Key
from moto.kms.responses import KmsResponse
from moto.kms.utils import AbstractPrivateKey, KeySpec, generate_private_key

from local.emulator.extension import LocalError, refuse

DISABLED = "Disabled"
PENDING_DELETION = "PendingDeletion"
DEFAULT_POLICY = "default"
DEFAULT_ROTATION_DAYS = 365
ROTATION_DAYS = range(90, 2561)
DELETION_DAYS = range(7, 31)
MAX_POLICY_BYTES = 32 * 1024
"""https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html"""

USES_KEY = frozenset(
    {
        "CreateGrant",
        "Decrypt",
        "DisableKeyRotation",
        "EnableKeyRotation",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "GetPublicKey",
        "ReEncrypt",
        "Sign",
        "Verify",
    }
)
"""Actions that fail for a disabled key (DisabledException), and for one pending deletion."""

CHANGES_KEY = frozenset(
    {
        "CreateAlias",
        "DisableKey",
        "EnableKey",
        "ScheduleKeyDeletion",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateKeyDescription",
    }
)
"""Actions that fail for a key pending deletion (KMSInvalidStateException)."""

ARN = re.compile(r"arn:[^:]+:kms:(?P<region>[^:]+):(?P<account>\d{12}):(key|alias)/.+")
KEY_PARAMETERS = ("KeyId", "TargetKeyId", "DestinationKeyId")
KEY_ID_LENGTH = 36


def apply() -> None:
    """Make no key material for symmetric keys."""
    models.generate_private_key = _private_key  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]


def _private_key(key_spec: str) -> AbstractPrivateKey | None:
    """Return None for symmetric keys; moto creates an RSA key for each, which takes longer than the rest of a call."""
    return None if key_spec == KeySpec.SYMMETRIC_DEFAULT else generate_private_key(key_spec)


class LocalKeys(KmsResponse):
    """moto's KMS keys with corrected states, policies, rotation periods and deletion."""

    def call_action(self) -> Any:
        """Call the action if the states of all keys in the request allow it."""
        action = str(self._get_action())
        for key in self._keys():
            refusal = refusal_of_state(action, key)
            if refusal is not None:
                return refuse(self, refusal)
        return super().call_action()

    def create_key(self) -> str:
        """API_CreateKey: validates the policy; KeyUsage defaults to ENCRYPT_DECRYPT."""
        check_policy(self._get_param("Policy"))
        created = json.loads(super().create_key())["KeyMetadata"]["KeyId"]
        key = self.kms_backend.keys[created]
        key.key_usage = key.key_usage or "ENCRYPT_DECRYPT"
        return json.dumps(key.to_dict())

    def describe_key(self) -> str:
        """API_DescribeKey: also a key of another account, named by its ARN or the ARN of its alias.

        An ARN of another Region is not found: KMS only knows keys of its own Region.
        """
        arn = ARN.fullmatch(str(self._get_param("KeyId")))
        if arn is None:
            return super().describe_key()
        if arn["region"] != self.region:
            raise NotFoundException(f"Invalid arn {arn['region']}")
        self.current_account = arn["account"]
        return super().describe_key()

    def put_key_policy(self) -> str:
        """API_PutKeyPolicy: validates the policy; the policy name is optional."""
        check_policy(self._get_param("Policy"))
        return super().put_key_policy()

    def enable_key_rotation(self) -> str:
        """API_EnableKeyRotation: accepts a period of 90 to 2560 days; symmetric keys only."""
        key = self._key()
        days = self._get_param("RotationPeriodInDays", DEFAULT_ROTATION_DAYS)
        if days not in ROTATION_DAYS:
            raise ValidationException(
                f"1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to satisfy "
                "constraint: Member must have value between 90 and 2560"
            )
        if key.key_spec != "SYMMETRIC_DEFAULT":
            raise JsonRESTError("UnsupportedOperationException", f"{key.arn} key spec is {key.key_spec}.")
        vars(key)["rotation_days"] = days
        vars(key)["rotation_since"] = utcnow()
        return super().enable_key_rotation()

    def get_key_rotation_status(self) -> str:
        """API_GetKeyRotationStatus: the period if rotation is enabled; disabled while the key is pending deletion."""
        key = self._key()
        status: dict[str, Any] = {"KeyId": key.arn, "KeyRotationEnabled": False}
        if key.key_rotation_status and key.key_state != PENDING_DELETION:
            days = vars(key).get("rotation_days", DEFAULT_ROTATION_DAYS)
            since = vars(key).get("rotation_since", utcnow())
            status["KeyRotationEnabled"] = True
            status["RotationPeriodInDays"] = days
            status["NextRotationDate"] = unix_time(since + timedelta(days=days))
        return json.dumps(status)

    def enable_key(self) -> str:
        """API_EnableKey: accepts an ARN or ID."""
        self.kms_backend.enable_key(self._key().id)
        return "{}"

    def disable_key(self) -> str:
        """API_DisableKey: accepts an ARN or ID."""
        self.kms_backend.disable_key(self._key().id)
        return "{}"

    def schedule_key_deletion(self) -> str:
        """API_ScheduleKeyDeletion: 7 to 30 days; returns the ARN and the state."""
        key = self._key()
        days = self._get_param("PendingWindowInDays", DELETION_DAYS[-1])
        if days not in DELETION_DAYS:
            raise ValidationException(
                f"1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy "
                "constraint: Member must have value between 7 and 30"
            )
        date = self.kms_backend.schedule_key_deletion(key.id, days)
        answer = {"KeyId": key.arn, "DeletionDate": date, "KeyState": key.key_state, "PendingWindowInDays": days}
        return json.dumps(answer)

    def cancel_key_deletion(self) -> str:
        """API_CancelKeyDeletion: returns the ARN; the key is then disabled."""
        key = self._key()
        self.kms_backend.cancel_key_deletion(key.id)
        return json.dumps({"KeyId": key.arn})

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        """Return a request parameter. API_GetKeyPolicy and API_PutKeyPolicy: PolicyName defaults to `default`."""
        default = DEFAULT_POLICY if param_name == "PolicyName" else if_none
        return super()._get_param(param_name, default)

    def _key(self) -> Key:
        """Return the key in the request.

        Raises:
            NotFoundException: The key does not exist.
        """
        key_id = self._get_param("KeyId")
        self._validate_cmk_id(key_id)
        return self.kms_backend.keys[self.kms_backend.get_key_id(key_id)]

    def _keys(self) -> list[Key]:
        """Return the existing keys that the request names or uses."""
        ids = [str(self._get_param(name)) for name in KEY_PARAMETERS if self._get_param(name)]
        blob = self._get_param("CiphertextBlob")
        if blob:
            # moto's ciphertext begins with the ID of its key
            ids.append(blob[:KEY_ID_LENGTH].decode(errors="replace"))
        found = [self._key_of(key_id) for key_id in ids]
        return [key for key in found if key is not None]

    def _key_of(self, key_id: str) -> Key | None:
        backend = self.kms_backend
        raw: str | None = backend.get_key_id(key_id)
        if ":alias/" in key_id or key_id.startswith("alias/"):
            raw = backend.get_key_id_from_alias(backend.get_alias_name(key_id))
        return backend.keys.get(raw or "")


def refusal_of_state(action: str, key: Key) -> LocalError | None:
    """Return the error for an action that the key's state does not allow, by the table of key states."""
    if action == "CancelKeyDeletion" and key.key_state != PENDING_DELETION:
        return LocalError("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    if key.key_state == PENDING_DELETION and action in USES_KEY | CHANGES_KEY:
        return LocalError("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    if key.key_state == DISABLED and action in USES_KEY:
        return LocalError("DisabledException", f"{key.arn} is disabled.")
    return None


def check_policy(policy: str | None) -> None:
    """Check that a key policy is a JSON object with statements, and its length; the statements are not validated.

    Raises:
        JsonRESTError: MalformedPolicyDocumentException, LimitExceededException (API_PutKeyPolicy).
    """
    if policy is None:
        return
    if len(policy.encode()) > MAX_POLICY_BYTES:
        raise JsonRESTError("LimitExceededException", f"A key policy has at most {MAX_POLICY_BYTES} bytes.")
    try:
        content: object = json.loads(policy)
    except ValueError:
        content = None
    if not isinstance(content, dict) or "Statement" not in content:
        raise JsonRESTError("MalformedPolicyDocumentException", "The specified policy is not a policy document.")
