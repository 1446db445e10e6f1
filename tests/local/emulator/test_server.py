import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator.application import Application
from local.workspace import REPOSITORY
from tests.support.emulator import (
    Emulator,
    EmulatorError,
    change_settings,
    instance_id,
    reset,
    running_emulator,
)


def test_running_emulator_stops_on_exit() -> None:
    with running_emulator() as mine:
        assert mine.endpoint_url.startswith("http://127.0.0.1:")
        assert instance_id(mine.endpoint_url) == mine.instance_id
    with pytest.raises(EmulatorError, match=r"refused"):
        instance_id(mine.endpoint_url)


def test_health_distinguishes_emulators(emulator: Any) -> None:
    with running_emulator() as other:
        assert instance_id(other.endpoint_url) != instance_id(emulator.endpoint_url)


def test_health_stays_the_same_across_a_reset(emulator: Any) -> None:
    before = instance_id(emulator.endpoint_url)
    reset(emulator.endpoint_url)
    assert instance_id(emulator.endpoint_url) == before


def test_it_listens_on_the_loopback_address_only(emulator: Any) -> None:
    port = int(emulator.endpoint_url.rsplit(":", 1)[1])
    listening = Path("/proc/net/tcp").read_text().splitlines() if Path("/proc/net/tcp").exists() else []
    addresses = [line.split()[1] for line in listening if line.split()[3] == "0A"]
    if not addresses:
        pytest.skip("/proc/net/tcp is not readable here")
    assert [address.split(":")[0] for address in addresses if address.endswith(f":{port:04X}")] == ["0100007F"]


def test_port_in_use_is_named_in_the_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "local.emulator", "--port", str(port)]
        ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_ends_it_quietly(number: Any, tmp_path: Any) -> None:
    port_file = tmp_path / "port.json"
    command = [sys.executable, "-m", "local.emulator", "--port", "0", "--port-file", str(port_file)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        _until(port_file.exists)
        assert json.loads(port_file.read_text())["pid"] == process.pid
        os.kill(process.pid, number)
        printed, _ = process.communicate(timeout=10)
    assert (process.returncode, printed) == (0, b"")


def test_start_failure_reports_output_of_the_emulator(monkeypatch: Any) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(EmulatorError, match=r"ended with 1: (?s:.*)[Ee]ncodings"), running_emulator():
        pass


def test_start_times_out() -> None:
    with pytest.raises(EmulatorError, match="not up after 0 seconds"), running_emulator(seconds=0):
        pass


def test_reset_empties_every_region_and_the_settings(emulator: Any, connect: Any) -> None:
    connect("ssm").put_parameter(Name="/a", Value="1", Type="String")
    connect("ssm", "us-east-1").put_parameter(Name="/a", Value="1", Type="String")
    change_settings(emulator.endpoint_url, {"duplicateDocumentContent": "latest"})
    reset(emulator.endpoint_url)
    assert connect("ssm").describe_parameters()["Parameters"] == []
    assert connect("ssm", "us-east-1").describe_parameters()["Parameters"] == []
    assert change_settings(emulator.endpoint_url, {})["duplicateDocumentContent"] == "any"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"duplicates": "any"}, "unknown: duplicates"),
        ({"duplicateDocumentContent": "none"}, "not one of"),
        ({"documentVersionLimit": 0}, "above 0"),
        ({"documentVersionLimit": True}, "above 0"),
    ],
)
def test_wrong_settings_are_refused(emulator: Any, settings: Any, message: Any) -> None:
    with pytest.raises(EmulatorError, match=rf"HTTP 400: .*{message}"):
        change_settings(emulator.endpoint_url, settings)


@pytest.mark.parametrize(
    ("service", "call", "arguments", "code"),
    [
        ("ssm", "describe_inventory_deletions", {}, "UnknownOperationException"),
        (
            "ssm",
            "start_associations_once",
            {"AssociationIds": ["12345678-1234-1234-1234-123456789012"]},
            "UnknownOperation",
        ),
        ("logs", "list_anomalies", {}, "UnknownOperationException"),
        ("kms", "describe_custom_key_stores", {}, "UnknownOperationException"),
        ("ec2", "describe_locked_snapshots", {}, "InvalidAction"),
        ("iam", "list_server_certificate_tags", {"ServerCertificateName": "abc"}, "InvalidAction"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_action_that_is_not_there_is_an_error_at_once(
    connect: Any, service: Any, call: Any, arguments: Any, code: Any
) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html (HTTP 400, InvalidAction)."""
    with pytest.raises(ClientError, match=code) as refused:
        getattr(connect(service), call)(**arguments)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def _until(condition: Any, seconds: Any = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


def test_fault_of_the_emulator_is_an_error_of_its_own_at_once(connect: Any) -> None:
    """moto fails on a grant for a key that is not there; AWS has no code of this name."""
    missing = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(ClientError, match=r"LocalAwsFault.*KeyError") as refused:
        connect("kms").create_grant(KeyId=missing, GranteePrincipal="x", Operations=["Decrypt"])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_requests_at_the_same_time_are_all_answered(connect: Any) -> None:
    ssm = connect("ssm")

    def names() -> list[str]:
        pages = ssm.get_paginator("describe_parameters").paginate()
        return sorted(found["Name"] for page in pages for found in page["Parameters"])

    def put(number: int) -> list[str]:
        ssm.put_parameter(Name=f"/p/{number:02}", Value="x", Type="String")
        return names()

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(put, range(30)))
    assert all(f"/p/{number:02}" in found for number, found in enumerate(seen))
    assert names() == [f"/p/{number:02}" for number in range(30)]


def test_application_handles_one_request_at_a_time() -> None:
    both = threading.Barrier(2)

    def handle(_environ: object, _start: object) -> list[bytes]:
        try:
            both.wait(0.2)
        except threading.BrokenBarrierError:
            return [b"alone"]
        return [b"together"]

    application: Any = Application.__new__(Application)
    application._moto = handle
    with ThreadPoolExecutor(2) as threads:
        handled = list(threads.map(lambda _: application({"PATH_INFO": "/"}, None), range(2)))
    assert handled == [[b"alone"], [b"alone"]]


# States that AWS would report: shown where the setting names a resource, and gone with the setting.


ROLE = "arn:aws:iam::123456789012:role/FlowLogs"


def report(emulator: Emulator, **states: dict[str, Any]) -> None:
    change_settings(emulator.endpoint_url, {"reportedStates": states})


def test_flow_log_reports_its_delivery(emulator: Emulator, connect: Any) -> None:
    """API_FlowLog, deliverLogsStatus, deliverLogsErrorMessage."""
    connect("logs").create_log_group(logGroupName="events")
    ec2 = connect("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    group = {"LogGroupName": "events", "DeliverLogsPermissionArn": ROLE}
    made = ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", **group)
    (id_,) = made["FlowLogIds"]
    report(emulator, **{id_: {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}})
    (found,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (found["DeliverLogsStatus"], found["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")
    report(emulator)
    assert ec2.describe_flow_logs()["FlowLogs"][0]["DeliverLogsStatus"] == "SUCCESS"


def test_trail_reports_the_error_of_its_delivery(emulator: Emulator, connect: Any) -> None:
    """API_GetTrailStatus, LatestDeliveryError."""
    connect("s3", "us-east-1").create_bucket(Bucket="trails")
    trails = connect("cloudtrail")
    arn = trails.create_trail(Name="all", S3BucketName="trails")["TrailARN"]
    report(emulator, all={"LatestDeliveryError": "AccessDenied"})
    assert trails.get_trail_status(Name=arn)["LatestDeliveryError"] == "AccessDenied"
    report(emulator)
    assert "LatestDeliveryError" not in trails.get_trail_status(Name=arn)


def test_subscription_waits_for_confirmation(emulator: Emulator, connect: Any) -> None:
    """API_ListSubscriptionsByTopic; Amazon SNS Developer Guide, "Confirming a subscription"."""
    sns = connect("sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.com", ReturnSubscriptionArn=True)
    report(emulator, **{arn["SubscriptionArn"]: {"SubscriptionArn": "PendingConfirmation"}})
    (found,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (found["SubscriptionArn"], found["Endpoint"]) == ("PendingConfirmation", "a@example.com")


@pytest.mark.parametrize("states", [[], {"fl-1": "FAILED"}])
def test_states_have_to_be_attributes_by_resource(emulator: Emulator, states: object) -> None:
    with pytest.raises(EmulatorError, match="not attributes by resource"):
        change_settings(emulator.endpoint_url, {"reportedStates": states})
