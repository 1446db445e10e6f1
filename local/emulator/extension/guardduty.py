"""Amazon GuardDuty as documented by AWS: one detector per Region, its features and its tags. Nothing is found.

API_… pages: https://docs.aws.amazon.com/guardduty/latest/APIReference/.
"""

import json
from typing import Any, Final

from moto.core.exceptions import JsonRESTError
from moto.guardduty.models import Detector
from moto.guardduty.responses import GuardDutyResponse

from local.emulator.extension.reported_states import reported

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


FURTHER_PATHS = ("{0}/tags/(?P<arn>.+)$",)


class LocalGuardDuty(GuardDutyResponse):
    """moto's GuardDuty with features, tags and an administrator account."""

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
        return str(reported(self._detector().id).get("Administrator", ""))


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
