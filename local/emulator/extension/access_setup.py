"""Services that set up just-in-time node access and that moto lacks: RDP recording, and Quick Setup's configurations.

Sources: https://docs.aws.amazon.com/ssm-guiconnect/latest/APIReference/ (Get, Update and Delete of
ConnectionRecordingPreferences) and https://docs.aws.amazon.com/quick-setup/latest/APIReference/ (ListConfigurationManagers).
The answer to a Get without preferences is not documented: it is ResourceNotFoundException, which the model declares. Of
Quick Setup, the local AWS has the list and the creation, which deploys nothing and succeeds at once.
"""

from http import HTTPStatus
from typing import Any, Final

from local.emulator.extension.rest_services import STORES, RestServiceError

_PREFERENCES: Final = "ConnectionRecordingPreferences"


class RecordingService:
    """Systems Manager GUI Connect of an account in a Region."""

    def __init__(self, account: str, region: str) -> None:
        self._place, self._all = (account, region), STORES["recordings"]

    def get_connection_recording_preferences(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {_PREFERENCES: self._existing()}

    def update_connection_recording_preferences(self, given: dict[str, Any]) -> dict[str, Any]:
        self._all[self._place] = given[_PREFERENCES]
        return {_PREFERENCES: given[_PREFERENCES]}

    def delete_connection_recording_preferences(self, _given: dict[str, Any]) -> dict[str, Any]:
        self._existing()
        del self._all[self._place]
        return {}

    def _existing(self) -> Any:
        if self._place not in self._all:
            message = "There are no connection recording preferences."
            raise RestServiceError("ResourceNotFoundException", message, HTTPStatus.NOT_FOUND)
        return self._all[self._place]


class QuickSetup:
    """Quick Setup of an account in a Region."""

    def __init__(self, account: str, region: str) -> None:
        self._managers: list[dict[str, Any]] = STORES["configuration managers"].setdefault((account, region), [])
        self._stem = f"arn:aws:ssm-quicksetup:{region}:{account}:configuration-manager/"

    def list_configuration_managers(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {"ConfigurationManagersList": self._managers}

    def create_configuration_manager(self, given: dict[str, Any]) -> dict[str, Any]:
        arn = f"{self._stem}{len(self._managers)}"
        kinds = [each["Type"] for each in given["ConfigurationDefinitions"]]
        definitions = [{"Id": f"{arn}-{number}", "Type": kind} for number, kind in enumerate(kinds)]
        status = {"StatusType": "Deployment", "Status": "SUCCEEDED", "LastUpdatedAt": "2026-01-01T00:00:00Z"}
        self._managers.append(
            {"ManagerArn": arn, "ConfigurationDefinitionSummaries": definitions, "StatusSummaries": [status]}
        )
        return {"ManagerArn": arn}
