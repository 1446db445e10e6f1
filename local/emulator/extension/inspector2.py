"""Amazon Inspector as documented by AWS: the scans of the account in a Region, and its administrator. Nothing is found.

API_… pages: https://docs.aws.amazon.com/inspector/v2/APIReference/.
"""

import json
import uuid
from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.inspector2.responses import Inspector2Response

from local.emulator.extension.reported_states import reported

_TYPES: Final = {
    "EC2": "ec2",
    "ECR": "ecr",
    "LAMBDA": "lambda",
    "LAMBDA_CODE": "lambdaCode",
    "CODE_REPOSITORY": "codeRepository",
}
"""Types of resources (API_Enable), with their names in API_ResourceState."""
_CIS: Final = ("scanName", "securityLevel", "schedule", "targets")
"""Members of API_CisScanConfiguration that a request gives."""


FURTHER_PATHS = (
    "{0}/delegatedadminaccounts/get$",
    *(f"{{0}}/cis/scan-configuration/{each}$" for each in ("create", "delete", "list", "update")),
)


class LocalInspector(Inspector2Response):
    """moto's Inspector for the account of the caller, whose scans a delegated administrator can manage."""

    def enable(self) -> str:
        """API_Enable; scans that are on already are reported as such."""
        types = self._types()
        if not types:
            raise _rejected("resourceTypes must have between 1 and 5 items.")
        if {*types} <= self._scans():
            return self._answer("ALREADY_ENABLED", "The scans are enabled.")
        return self._changed(self._scans() | {*types})

    def disable(self) -> str:
        """API_Disable; without types, every scan of the account."""
        return self._changed(self._scans() - {*(self._types() or _TYPES)})

    def batch_get_account_status(self) -> str:
        self._only_own_account()
        states = {name: _state(type_ in self._scans()) for type_, name in _TYPES.items()}
        shown = {"accountId": self.current_account, "state": _state(bool(self._scans())), "resourceState": states}
        return json.dumps({"accounts": [shown], "failedAccounts": []})

    def get_delegated_admin_account(self) -> str:
        """API_GetDelegatedAdminAccount: the account that `reportedStates` names as `Administrator` of `inspector2`."""
        account = self._administrator()
        if not account:
            raise JsonRESTError("ResourceNotFoundException", "The delegated administrator account was not found.")
        return json.dumps({"delegatedAdmin": {"accountId": account, "relationshipStatus": "ENABLED"}})

    def create_cis_scan_configuration(self) -> str:
        """API_CreateCisScanConfiguration; names are not unique. No scan is run."""
        given = {name: self._get_param(name) for name in _CIS}
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise _rejected(f"{', '.join(missing)} must not be null.")
        owner = f"owner/{self.current_account}/cis-configuration/{uuid.uuid4()}"
        arn = f"arn:aws:inspector2:{self.region}:{self.current_account}:{owner}"
        self._cis_scans()[arn] = {**given, "scanConfigurationArn": arn, "ownerId": self.current_account}
        self.inspector2_backend.tag_resource(arn, self._get_param("tags") or {})
        return json.dumps({"scanConfigurationArn": arn})

    def update_cis_scan_configuration(self) -> str:
        """API_UpdateCisScanConfiguration: what is not given stays."""
        found = self._cis_scan()
        found |= {name: self._get_param(name) for name in _CIS if self._get_param(name)}
        return json.dumps({"scanConfigurationArn": found["scanConfigurationArn"]})

    def delete_cis_scan_configuration(self) -> str:
        arn = self._cis_scan()["scanConfigurationArn"]
        del self._cis_scans()[arn]
        return json.dumps({"scanConfigurationArn": arn})

    def list_cis_scan_configurations(self) -> str:
        """API_ListCisScanConfigurations, with tags; filters are ignored."""
        tags_of = self.inspector2_backend.list_tags_for_resource
        found = [{**each, "tags": tags_of(arn)} for arn, each in self._cis_scans().items()]
        return json.dumps({"scanConfigurations": found})

    def _cis_scan(self) -> dict[str, Any]:
        arn: str = self._get_param("scanConfigurationArn")
        if arn not in self._cis_scans():
            raise JsonRESTError("ResourceNotFoundException", "The scan configuration was not found.")
        return self._cis_scans()[arn]

    def _cis_scans(self) -> dict[str, dict[str, Any]]:
        scans: dict[str, dict[str, Any]] = vars(self.inspector2_backend).setdefault("local_cis_scans", {})
        return scans

    def _changed(self, after: set[str]) -> str:
        if self._administrator() not in ("", self.current_account):
            return self._answer("ACCESS_DENIED", "The delegated administrator manages the scans of the account.")
        vars(self.inspector2_backend)["local_scans"] = after
        return self._answer()

    def _answer(self, code: str = "", why: str = "") -> str:
        statuses = {name: _state(type_ in self._scans())["status"] for type_, name in _TYPES.items()}
        shown = {"accountId": self.current_account, "resourceStatus": statuses}
        shown["status"] = _state(bool(self._scans()))["status"]
        failed = {**shown, "errorCode": code, "errorMessage": why}
        return json.dumps({"accounts": [] if code else [shown], "failedAccounts": [failed] if code else []})

    def _types(self) -> list[str]:
        self._only_own_account()
        types: list[str] = self._get_param("resourceTypes") or []
        if not {*types} <= _TYPES.keys():
            raise _rejected(f"resourceTypes must be among {', '.join(_TYPES)}.")
        return types

    def _only_own_account(self) -> None:
        """Reject other accounts, for which moto's Inspector has no members."""
        if {*(self._get_param("accountIds") or ())} - {self.current_account}:
            raise JsonRESTError("AccessDeniedException", "The account is not the delegated administrator.")

    def _scans(self) -> set[str]:
        scans: set[str] = vars(self.inspector2_backend).setdefault("local_scans", set())
        return scans

    def _administrator(self) -> str:
        return str(reported("inspector2").get("Administrator", ""))


def _state(is_on: bool) -> dict[str, str]:  # noqa: FBT001 -- the value is the point
    return {"status": "ENABLED" if is_on else "DISABLED", "errorCode": "ALREADY_ENABLED", "errorMessage": ""}


def _rejected(why: str) -> JsonRESTError:
    return JsonRESTError("ValidationException", why)
