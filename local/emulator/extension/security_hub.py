"""AWS Security Hub CSPM as documented by AWS: the hub of the account in a Region, its tags, its standards, its administrator.

API_… pages: https://docs.aws.amazon.com/securityhub/1.0/APIReference/.
"""

import json
from typing import Any, Final
from urllib.parse import unquote

from moto.core.exceptions import JsonRESTError
from moto.securityhub.responses import SecurityHubResponse

from local.emulator.extension.reported_states import reported

_DEFAULT: Final = (
    "standards/aws-foundational-security-best-practices/v/1.0.0",
    "ruleset/cis-aws-foundations-benchmark/v/1.2.0",
)
"""Standards that are enabled by default (API_EnableSecurityHub)."""
_KNOWN: Final = (
    *_DEFAULT,
    "standards/cis-aws-foundations-benchmark/v/1.4.0",
    "standards/cis-aws-foundations-benchmark/v/3.0.0",
    "standards/nist-800-53/v/5.0.0",
    "standards/nist-800-171/v/2.0.0",
    "standards/pci-dss/v/4.0.1",
)


FURTHER_PATHS = (
    *(f"{{0}}/standards/{each}$" for each in ("get", "register", "deregister")),
    "{0}/tags/(?P<arn>.+)$",
)


class LocalSecurityHub(SecurityHubResponse):
    """moto's Security Hub with standards, tags and an administrator account. Nothing is evaluated."""

    def enable_security_hub(self) -> str:
        self._refuse_member()
        if self.securityhub_backend.enabled:
            raise JsonRESTError("ResourceConflictException", "Account is already subscribed to Security Hub.")
        self.securityhub_backend.enable_security_hub(tags=self._get_param("Tags") or {})
        is_default = self._get_param("EnableDefaultStandards", True)
        vars(self.securityhub_backend)["local_standards"] = {self._arn(each) for each in _DEFAULT if is_default}
        return "{}"

    def disable_security_hub(self) -> str:
        """API_DisableSecurityHub, with all standards."""
        self._refuse_member()
        self.securityhub_backend.disable_security_hub()
        self._standards().clear()
        return "{}"

    def describe_hub(self) -> str:
        return json.dumps(self.securityhub_backend.describe_hub())

    def get_administrator_account(self) -> str:
        """API_GetAdministratorAccount: the account that `reportedStates` names as `Administrator` of `securityhub`."""
        self._hub()
        account = self._administrator()
        shown = {"AccountId": account, "MemberStatus": "Enabled"}
        return json.dumps({"Administrator": shown}) if account else super().get_administrator_account()

    def get_enabled_standards(self) -> str:
        """API_GetEnabledStandards; all are `READY` unless `reportedStates` has a `StandardsStatus` of `securityhub`."""
        self._hub()
        return json.dumps({"StandardsSubscriptions": [self._subscription(each) for each in sorted(self._standards())]})

    def batch_enable_standards(self) -> str:
        self._refuse_member()
        self._hub()
        given: list[dict[str, Any]] = self._get_param("StandardsSubscriptionRequests")
        arns = [each["StandardsArn"] for each in given]
        if {*arns} - {*map(self._arn, _KNOWN)}:
            raise JsonRESTError("InvalidInputException", "Invalid parameter StandardsArn.")
        self._standards().update(arns)
        return json.dumps({"StandardsSubscriptions": [self._subscription(each) for each in arns]})

    def batch_disable_standards(self) -> str:
        self._refuse_member()
        self._hub()
        given: list[str] = self._get_param("StandardsSubscriptionArns")
        found = [each for each in sorted(self._standards()) if self._subscription_arn(each) in given]
        if len(found) != len(given):
            raise JsonRESTError("InvalidInputException", "Invalid parameter StandardsSubscriptionArns.")
        shown = [{**self._subscription(each), "StandardsStatus": "DELETING"} for each in found]
        self._standards().difference_update(found)
        return json.dumps({"StandardsSubscriptions": shown})

    def tag_resource(self) -> Any:
        """API_TagResource, of the hub."""
        self._tags().update(self._get_param("Tags") or {})
        return 200, {}, "{}"

    def untag_resource(self) -> Any:
        """API_UntagResource, of the hub."""
        for key in self.querystring.get("tagKeys", []):
            self._tags().pop(key, None)
        return 200, {}, "{}"

    def list_tags_for_resource(self) -> str:
        """API_ListTagsForResource, of the hub."""
        return json.dumps({"Tags": self._tags()})

    def _hub(self) -> str:
        arn: str = self.securityhub_backend.describe_hub()["HubArn"]
        return arn

    def _tags(self) -> dict[str, str]:
        if self._hub() not in unquote(self.path):
            raise JsonRESTError("ResourceNotFoundException", "The resource was not found.")
        return self.securityhub_backend.tags

    def _refuse_member(self) -> None:
        if self._administrator() not in ("", self.current_account):
            raise JsonRESTError("AccessDeniedException", "The administrator account manages Security Hub.")

    def _administrator(self) -> str:
        return str(reported("securityhub").get("Administrator", ""))

    def _standards(self) -> set[str]:
        standards: set[str] = vars(self.securityhub_backend).setdefault("local_standards", set())
        return standards

    def _arn(self, name: str) -> str:
        region = "" if name.startswith("ruleset/") else self.region
        return f"arn:aws:securityhub:{region}::{name}"

    def _subscription_arn(self, standard: str) -> str:
        name = standard.rsplit(":", 1)[1].partition("/")[2]
        return f"arn:aws:securityhub:{self.region}:{self.current_account}:subscription/{name}"

    def _subscription(self, standard: str) -> dict[str, Any]:
        status = str(reported("securityhub").get("StandardsStatus", "READY"))
        reason = {"StandardsStatusReason": {"StatusReasonCode": "NO_AVAILABLE_CONFIGURATION_RECORDER"}}
        return {
            "StandardsSubscriptionArn": self._subscription_arn(standard),
            "StandardsArn": standard,
            "StandardsInput": {},
            "StandardsStatus": status,
            **(reason if status in {"FAILED", "INCOMPLETE"} else {}),
        }
