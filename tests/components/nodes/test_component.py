from collections.abc import Callable
from typing import Any

import pytest

from common.aws.failures import MalformedAnswerError
from common.aws.session import AwsClients
from common.config_recorders import why_not_recorded
from common.problems import SettingsError
from components.nodes.component import recording_region
from components.nodes.names import ROLE_TYPE

REGIONS = ["eu-west-1", "us-east-1"]
ROLE = "AWS::IAM::Role"
EVERYTHING = {"allSupported": True, "includeGlobalResourceTypes": True}
WITHOUT_GLOBAL = {"allSupported": True, "includeGlobalResourceTypes": False}
STOPPED = "has an AWS Config recorder that is stopped"
LEFT_OUT = "has an AWS Config recorder that leaves AWS::IAM::Role out"


def named(*types: str) -> dict[str, Any]:
    strategy = {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}
    return {"allSupported": False, "resourceTypes": list(types), "recordingStrategy": strategy}


def without(*types: str) -> dict[str, Any]:
    strategy = {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"}
    return {
        "allSupported": False,
        "exclusionByResourceTypes": {"resourceTypes": list(types)},
        "recordingStrategy": strategy,
    }


def judged(group: dict[str, Any] | None, *, recording: bool = True, **recorder: Any) -> str | None:
    made = {"name": "default", **({"recordingGroup": group} if group else {}), **recorder}
    return why_not_recorded([made], [{"name": "default", "recording": recording}], ROLE_TYPE)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (EVERYTHING, None),
        ({**EVERYTHING, "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"}}, None),
        (WITHOUT_GLOBAL, LEFT_OUT),
        (named(ROLE, "AWS::EC2::Instance"), None),
        (named("AWS::EC2::Instance"), LEFT_OUT),
        (without("AWS::EC2::Instance"), None),
        (without(ROLE), LEFT_OUT),
        ({}, LEFT_OUT),
        (None, LEFT_OUT),
    ],
)
def test_recorded_types_follow_the_recording_group(group: dict[str, Any] | None, expected: str | None) -> None:
    assert judged(group) == expected


def test_each_type_has_to_be_recorded() -> None:
    types = ("AWS::EC2::Instance", "AWS::SSM::PatchCompliance")

    def why(*groups: dict[str, Any]) -> str | None:
        recorders = [{"name": str(number), "recordingGroup": each} for number, each in enumerate(groups)]
        return why_not_recorded(recorders, [{"name": each["name"], "recording": True} for each in recorders], *types)

    assert why(WITHOUT_GLOBAL) is None
    assert why(named(*types)) is None
    left_out = "has an AWS Config recorder that leaves AWS::SSM::PatchCompliance out"
    assert why(named("AWS::EC2::Instance")) == left_out
    assert why({}, without("AWS::SSM::PatchCompliance")) == left_out


def test_recorder_that_is_stopped_records_nothing() -> None:
    assert judged(EVERYTHING, recording=False) == STOPPED


@pytest.mark.parametrize("foreign", [{"servicePrincipal": "securityhub.amazonaws.com"}, {"recordingScope": "INTERNAL"}])
def test_recorder_of_a_service_does_not_count(foreign: dict[str, str]) -> None:
    assert judged(EVERYTHING, **foreign) == "has no AWS Config recorder"


def test_one_recorder_of_several_is_enough() -> None:
    recorders = [{"name": "a", "recordingGroup": WITHOUT_GLOBAL}, {"name": "b", "recordingGroup": EVERYTHING}]
    assert why_not_recorded(recorders, [{"name": each, "recording": True} for each in "ab"], ROLE_TYPE) is None


@pytest.mark.parametrize("statuses", [[], [{"name": "default"}], [{"name": "other", "recording": True}]])
def test_recorder_without_status_is_unknown(statuses: list[dict[str, Any]]) -> None:
    with pytest.raises(MalformedAnswerError, match="no status of a recorder"):
        why_not_recorded([{"name": "default", "recordingGroup": EVERYTHING}], statuses, ROLE_TYPE)


def record(client: Callable[..., Any], region: str, group: dict[str, Any] = EVERYTHING, *, start: bool = True) -> None:
    config = client("config", region)
    recorder = {"name": "default", "roleARN": "arn:aws:iam::123456789012:role/config", "recordingGroup": group}
    config.put_configuration_recorder(ConfigurationRecorder=recorder)
    client("s3", "us-east-1").create_bucket(Bucket="history")
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": "history"})
    if start:
        config.start_configuration_recorder(ConfigurationRecorderName="default")


EXPECTED = "expected a Region whose AWS Config recorder is on and records IAM roles"


def refused(clients: AwsClients, chosen: str | None = None) -> str:
    with pytest.raises(SettingsError, match=r"nodes\.roleCompliance\.region: ") as error:
        recording_region(clients, REGIONS, chosen)
    return error.value.problems[0].message


def test_one_region_that_records_is_found(client: Callable[..., Any], clients: AwsClients) -> None:
    record(client, "eu-west-1", WITHOUT_GLOBAL)
    record(client, "us-east-1")
    assert recording_region(clients, REGIONS, None) == "us-east-1"


def test_region_outside_the_stack_may_be_chosen(client: Callable[..., Any], clients: AwsClients) -> None:
    record(client, "us-west-2")
    assert recording_region(clients, REGIONS, "us-west-2") == "us-west-2"
    assert refused(clients).startswith(f"{EXPECTED}, got none. eu-west-1 has no AWS Config recorder; us-east-1 has no")


def test_one_of_several_has_to_be_chosen(client: Callable[..., Any], clients: AwsClients) -> None:
    for region in REGIONS:
        record(client, region)
    assert refused(clients).endswith("got none. AWS Config records IAM roles in eu-west-1, us-east-1")
    assert recording_region(clients, REGIONS, "us-east-1") == "us-east-1"


def test_chosen_region_has_to_record(client: Callable[..., Any], clients: AwsClients) -> None:
    record(client, "eu-west-1", start=False)
    assert refused(clients, "eu-west-1").startswith(f'{EXPECTED}, got "eu-west-1". eu-west-1 {STOPPED}')


def test_missing_status_is_no_stopped_recorder(
    client: Callable[..., Any], clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(client, "eu-west-1")
    config = clients.client("config", "eu-west-1")
    monkeypatch.setattr(config, "describe_configuration_recorder_status", lambda: {"ConfigurationRecordersStatus": []})
    expected = (
        "cannot be checked: AWS Config in eu-west-1: service: malformed answer: DescribeConfigurationRecorderStatus"
    )
    assert refused(clients).startswith(expected)


def test_region_in_which_iam_cannot_be_recorded_is_not_asked(clients: AwsClients) -> None:
    assert "eu-south-2 is a Region in which AWS Config records no IAM resources" in refused(clients, "eu-south-2")
