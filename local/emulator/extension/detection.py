"""Detection services as documented by AWS: GuardDuty, Inspector and Security Hub CSPM of the account in a Region. Nothing is found.

API_… pages: https://docs.aws.amazon.com/guardduty/latest/APIReference/, https://docs.aws.amazon.com/inspector/v2/APIReference/,
https://docs.aws.amazon.com/securityhub/1.0/APIReference/.
"""

import json
import uuid
from typing import Any, Final
from urllib.parse import unquote

from moto.core.exceptions import JsonRESTError
from moto.guardduty.models import Detector
from moto.guardduty.responses import GuardDutyResponse
from moto.inspector2.responses import Inspector2Response
from moto.securityhub.responses import SecurityHubResponse

from local.emulator.settings import reported


def _administrator_of(id_: str) -> str:
    """Return the account that `reportedStates` names as `Administrator`; "": none."""
    return str(reported(id_).get("Administrator", ""))


# Amazon GuardDuty.

_OPTIONS: Final = ("EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT")
_FEATURES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS"), ()),
    **dict.fromkeys(("S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION"), ()),
    **dict.fromkeys(("RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS"), ()),
    "EKS_RUNTIME_MONITORING": _OPTIONS[:1],
    "RUNTIME_MONITORING": _OPTIONS,
}
"""Features with their options (API_DetectorFeatureConfigurationResult)."""
_EXCLUSIVE: Final = ("EKS_RUNTIME_MONITORING", "RUNTIME_MONITORING")
_ALWAYS_ON: Final = 3


class LocalGuardDuty(GuardDutyResponse):
    """moto's GuardDuty with features, tags and an administrator account."""

    further_paths = ("{0}/tags/(?P<arn>.+)$",)

    def create_detector(self) -> Any:
        """API_CreateDetector: one per Region; features that are not given are on, except those of Runtime Monitoring."""
        if self.guardduty_backend.detectors:
            raise _rejected("a detector already exists for the current account.")
        given: list[dict[str, Any]] = self._get_param("features") or []
        _check(given, {})
        created = json.loads(super().create_detector())
        detector = self.guardduty_backend.detectors[created["detectorId"]]
        detector.features = _features(_merged({name: name not in _EXCLUSIVE for name in _FEATURES}, given))
        return json.dumps(created)

    def get_detector(self) -> Any:
        self._detector()
        return super().get_detector()

    def update_detector(self) -> Any:
        """API_UpdateDetector: features that are not given stay as they are."""
        detector = self._detector()
        if self._administrator():
            raise _rejected("the current account is a member, whose administrator account configures GuardDuty.")
        given: list[dict[str, Any]] = self._get_param("features") or []
        before = {key: on for each in detector.features for key, on in _flat(each).items()}
        _check(given, before)
        enable = self._get_param("enable")
        detector.enabled = detector.enabled if enable is None else bool(enable)
        detector.features = _features(_merged(before, given))
        return "{}"

    def delete_detector(self) -> Any:
        """API_DeleteDetector; that of a member is not deleted."""
        if self._administrator():
            raise _rejected("the current account is a member of an administrator account.")
        return super().delete_detector()

    def get_administrator_account(self) -> Any:
        """API_GetAdministratorAccount: the account that `reportedStates` names as `Administrator` of the detector."""
        account = self._administrator()
        shown = {"accountId": account, "relationshipStatus": "Enabled"}
        return json.dumps({"administrator": shown} if account else {})

    def tag_resource(self) -> Any:
        return self._tagged(self._get_param("tags") or {}, [])

    def untag_resource(self) -> Any:
        keys: list[str] = self.querystring.get("tagKeys", [])
        return self._tagged({}, keys)

    def list_tags_for_resource(self) -> Any:
        return json.dumps({"tags": self._detector().tags})

    def _tagged(self, added: dict[str, str], removed: list[str]) -> Any:
        detector = self._detector()
        kept = {**detector.tags, **added}
        detector.tags = {key: value for key, value in kept.items() if key not in removed}
        return 204, {}, "{}"

    def _detector(self) -> Detector:
        """Return the detector whose ID or ARN is in the path."""
        parts = set(self.path.replace("%2F", "/").split("/"))
        for id_, each in self.guardduty_backend.detectors.items():
            if id_ in parts:
                return each
        raise _rejected("the input detectorId is not owned by the current account.")

    def _administrator(self) -> str:
        return _administrator_of(self._detector().id)


def _check(given: list[dict[str, Any]], before: dict[str, bool]) -> None:
    """Reject unknown features and options, and features that exclude each other."""
    names = {each["name"]: {more["name"] for more in each.get("additionalConfiguration") or ()} for each in given}
    if any(name not in _FEATURES or not more <= {*_FEATURES[name]} for name, more in names.items()):
        raise _rejected("the value of a feature name is not valid.")
    after = _merged(before, given)
    if all(after.get(name) for name in _EXCLUSIVE):
        raise _rejected(f"{' and '.join(_EXCLUSIVE)} cannot both be specified.")


def _rejected(why: str) -> JsonRESTError:
    return JsonRESTError("BadRequestException", f"The request is rejected because {why}")


def _flat(feature: dict[str, Any]) -> dict[str, bool]:
    name, more = feature["name"], feature.get("additionalConfiguration") or ()
    options = {f"{name}/{each['name']}": each["status"] == "ENABLED" for each in more}
    return {name: feature["status"] == "ENABLED", **options}


def _merged(before: dict[str, bool], given: list[dict[str, Any]]) -> dict[str, bool]:
    return {**before, **{key: on for each in given for key, on in _flat(each).items()}}


def _features(switches: dict[str, bool]) -> list[dict[str, Any]]:
    def status(key: str) -> str:
        return "ENABLED" if switches.get(key) or key in [*_FEATURES][:_ALWAYS_ON] else "DISABLED"

    return [
        {
            "name": name,
            "status": status(name),
            "additionalConfiguration": [{"name": each, "status": status(f"{name}/{each}")} for each in options],
        }
        for name, options in _FEATURES.items()
    ]


# Amazon Inspector.


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


class LocalInspector(Inspector2Response):
    """moto's Inspector for the account of the caller, whose scans a delegated administrator can manage."""

    further_paths = (
        "{0}/delegatedadminaccounts/get$",
        *(f"{{0}}/cis/scan-configuration/{each}$" for each in ("create", "delete", "list", "update")),
    )

    def enable(self) -> str:
        """API_Enable; scans that are on already are reported as such."""
        types = self._types()
        if not types:
            raise _invalid("resourceTypes must have between 1 and 5 items.")
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
        account = _administrator_of("inspector2")
        if not account:
            raise JsonRESTError("ResourceNotFoundException", "The delegated administrator account was not found.")
        return json.dumps({"delegatedAdmin": {"accountId": account, "relationshipStatus": "ENABLED"}})

    def create_cis_scan_configuration(self) -> str:
        """API_CreateCisScanConfiguration; names are not unique. No scan is run."""
        given = {name: self._get_param(name) for name in _CIS}
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise _invalid(f"{', '.join(missing)} must not be null.")
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
        if _administrator_of("inspector2") not in ("", self.current_account):
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
            raise _invalid(f"resourceTypes must be among {', '.join(_TYPES)}.")
        return types

    def _only_own_account(self) -> None:
        """Reject other accounts, for which moto's Inspector has no members."""
        if {*(self._get_param("accountIds") or ())} - {self.current_account}:
            raise JsonRESTError("AccessDeniedException", "The account is not the delegated administrator.")

    def _scans(self) -> set[str]:
        scans: set[str] = vars(self.inspector2_backend).setdefault("local_scans", set())
        return scans


def _state(is_on: bool) -> dict[str, str]:  # noqa: FBT001 -- the value is the point
    return {"status": "ENABLED" if is_on else "DISABLED", "errorCode": "ALREADY_ENABLED", "errorMessage": ""}


def _invalid(why: str) -> JsonRESTError:
    return JsonRESTError("ValidationException", why)


# AWS Security Hub.


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


class LocalSecurityHub(SecurityHubResponse):
    """moto's Security Hub with standards, tags and an administrator account. Nothing is evaluated."""

    further_paths = (
        *(f"{{0}}/standards/{each}$" for each in ("get", "register", "deregister")),
        "{0}/tags/(?P<arn>.+)$",
    )

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
        account = _administrator_of("securityhub")
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
        if _administrator_of("securityhub") not in ("", self.current_account):
            raise JsonRESTError("AccessDeniedException", "The administrator account manages Security Hub.")

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
