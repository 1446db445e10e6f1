"""Recording preferences and Quick Setup in the local AWS, as far as AWS documents them (`extension/rest_services.py`)."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.emulator import Emulator, reset

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
GIVEN = {
    "KMSKeyArn": KEY,
    "RecordingDestinations": {"S3Buckets": [{"BucketName": "recordings", "BucketOwner": "123456789012"}]},
}


@pytest.fixture
def client(emulator: Emulator) -> Callable[..., Any]:
    reset(emulator.endpoint_url)
    session: Any = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local")

    def make(service: Any, region: str = "eu-west-1") -> Any:
        return session.client(service, region_name=region, endpoint_url=emulator.endpoint_url)

    return make


def code(refused: Any) -> str:
    return refused.value.response["Error"]["Code"]


def missing(recording: Any, operation: str) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(recording, operation)()
    assert code(refused) == "ResourceNotFoundException"


def test_recording_preferences_are_kept_per_region(client: Callable[..., Any], emulator: Emulator) -> None:
    recording = client("ssm-guiconnect")
    missing(recording, "get_connection_recording_preferences")
    missing(recording, "delete_connection_recording_preferences")
    recording.update_connection_recording_preferences(ConnectionRecordingPreferences=GIVEN)
    assert recording.get_connection_recording_preferences()["ConnectionRecordingPreferences"] == GIVEN
    missing(client("ssm-guiconnect", "us-east-1"), "get_connection_recording_preferences")
    recording.delete_connection_recording_preferences()
    missing(recording, "get_connection_recording_preferences")
    recording.update_connection_recording_preferences(ConnectionRecordingPreferences=GIVEN)
    reset(emulator.endpoint_url)
    missing(recording, "get_connection_recording_preferences")


def test_configuration_managers_are_listed_as_deployed(client: Callable[..., Any]) -> None:
    quick_setup = client("ssm-quicksetup")
    assert quick_setup.list_configuration_managers()["ConfigurationManagersList"] == []
    definition: dict[str, Any] = {"Type": "AWSQuickSetupType-JITNA", "Parameters": {}}
    arn = quick_setup.create_configuration_manager(ConfigurationDefinitions=[definition])["ManagerArn"]
    (listed,) = quick_setup.list_configuration_managers()["ConfigurationManagersList"]
    assert (listed["ManagerArn"], listed["ConfigurationDefinitionSummaries"][0]["Type"]) == (arn, definition["Type"])
    assert listed["StatusSummaries"][0]["Status"] == "SUCCEEDED"


def test_other_operations_are_refused(client: Callable[..., Any]) -> None:
    with pytest.raises(ClientError) as refused:
        client("ssm-quicksetup").get_service_settings()
    assert code(refused) == "UnknownOperationException"
