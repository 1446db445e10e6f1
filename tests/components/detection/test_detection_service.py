"""A detection service is turned on, adopted where it exists, and restored, against the local AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from common.aws.answers import Answer
from common.aws.failures import MissingMemberError, ResourceError
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.names import AGENTS, DETECTOR, EC2, RUNTIME, SecurityService
from components.detection.resource import DetectionServiceProvider
from components.detection.services import OURS_TAG, SERVICES
from tests.components.providers import with_clients
from tests.support.emulator import change_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from common.aws.session import AwsClients

OWNER = "organization/shell-access/dev"
OTHER = "organization/shell-access/other"
ALL = (AGENTS, DETECTOR, RUNTIME)
MALWARE = "EBS_MALWARE_PROTECTION"
ADMINISTRATOR = "999988887777"


@pytest.fixture
def guardduty(client: Callable[..., Any]) -> Any:
    return client("guardduty")


@pytest.fixture
def provider(clients: AwsClients) -> DetectionServiceProvider:
    return with_clients(DetectionServiceProvider(), clients)


def inputs(*switches: str, **more: Any) -> dict[str, Any]:
    given = {"service": "guardDuty", "region": "eu-west-1", "switches": sorted(switches), "owner": OWNER}
    return {**given, "takeOver": False, "tags": {"team": "security"}, **more}


def detector(guardduty: Any) -> dict[str, Any] | None:
    ids = guardduty.list_detectors()["DetectorIds"]
    return guardduty.get_detector(DetectorId=ids[0]) if ids else None


def on(guardduty: Any) -> set[str]:
    live = detector(guardduty) or {"Features": []}
    return {each["Name"] for each in live["Features"] if each["Status"] == "ENABLED"} - {
        *("CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS")
    }


def existing(guardduty: Any, *, enabled: bool = True, **tags: str) -> str:
    made = guardduty.create_detector(Enable=enabled, Tags=tags)["DetectorId"]
    off = ("S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "LAMBDA_NETWORK_LOGS")
    guardduty.update_detector(DetectorId=made, Features=[{"Name": each, "Status": "DISABLED"} for each in off])
    return made


def described(guardduty: Any) -> str:
    live = detector(guardduty) or {}
    return json.dumps([live.get(each) for each in ("Status", "Features", "Tags")], default=str)


def test_service_without_detector_gets_only_its_switches(guardduty: Any, provider: DetectionServiceProvider) -> None:
    made = provider.create(inputs(DETECTOR))
    live = detector(guardduty) or {}
    assert live["Status"] == "ENABLED"
    # A new detector has all optional features, which cost.
    assert on(guardduty) == set()
    assert live["Tags"] == {"team": "security", OWNER_TAG: OWNER, MADE_HERE_TAG: OWNER}
    assert (made.outs or {})["arn"].startswith("arn:aws:guardduty:eu-west-1:")
    provider.delete(made.id, made.outs or {})
    assert detector(guardduty) is None


def test_existing_detector_is_adopted_and_restored(guardduty: Any, provider: DetectionServiceProvider) -> None:
    existing(guardduty, team="soc")
    before = described(guardduty)
    made = provider.create(inputs(*ALL))
    assert on(guardduty) == {RUNTIME, "RDS_LOGIN_EVENTS"}
    assert (detector(guardduty) or {})["Tags"]["team"] == "soc"
    provider.delete(made.id, made.outs or {})
    assert described(guardduty) == before


def test_suspended_detector_is_suspended_again(guardduty: Any, provider: DetectionServiceProvider) -> None:
    existing(guardduty, enabled=False)
    before = described(guardduty)
    made = provider.create(inputs(*ALL))
    assert (detector(guardduty) or {})["Status"] == "ENABLED"
    provider.delete(made.id, made.outs or {})
    assert described(guardduty) == before


def test_switch_that_was_on_before_stays_on(guardduty: Any, provider: DetectionServiceProvider) -> None:
    id_ = existing(guardduty)
    guardduty.update_detector(DetectorId=id_, Features=[{"Name": MALWARE, "Status": "ENABLED"}])
    before = described(guardduty)
    made = provider.create(inputs(DETECTOR, MALWARE))
    assert (made.outs or {})["ours"] == []
    provider.delete(made.id, made.outs or {})
    assert described(guardduty) == before


@pytest.mark.parametrize("is_created", [True, False])
def test_lost_state_loses_no_record(guardduty: Any, provider: DetectionServiceProvider, *, is_created: bool) -> None:
    if not is_created:
        existing(guardduty, team="soc")
    before = described(guardduty)
    provider.create(inputs(*ALL))
    again = provider.create(inputs(*ALL))
    assert sorted((again.outs or {})["ours"]) == (sorted(ALL) if is_created else sorted({RUNTIME, AGENTS}))
    provider.delete(again.id, again.outs or {})
    assert described(guardduty) == before


def test_run_killed_before_change_is_finished(guardduty: Any, provider: DetectionServiceProvider) -> None:
    id_ = existing(guardduty)
    before = described(guardduty)
    arn = f"arn:aws:guardduty:eu-west-1:123456789012:detector/{id_}"
    guardduty.tag_resource(ResourceArn=arn, Tags={OWNER_TAG: OWNER, OURS_TAG: f"{RUNTIME} {AGENTS}"})
    made = provider.create(inputs(*ALL))
    assert RUNTIME in on(guardduty)
    provider.delete(made.id, made.outs or {})
    assert described(guardduty) == before


def test_detector_without_features_is_no_answer() -> None:
    """The stack would turn on what is on, and a destroy would turn it off."""
    answers: dict[str, dict[str, Any]] = {
        "list_detectors": {"DetectorIds": ["1"]},
        "get_detector": Answer({"Status": "ENABLED", "ServiceRole": "arn:aws:iam::123456789012:role/x"}, "GetDetector"),
        "get_administrator_account": {},
    }
    with pytest.raises(MissingMemberError, match="no Features"):
        SERVICES[SecurityService.GUARD_DUTY].find(lambda operation, *_, **__: answers[operation], "eu-west-1")


def test_dropped_switch_is_turned_off_and_others_stay(guardduty: Any, provider: DetectionServiceProvider) -> None:
    existing(guardduty)
    made = provider.create(inputs(*ALL))
    updated = provider.update(made.id, made.outs or {}, inputs(DETECTOR, MALWARE))
    assert on(guardduty) == {MALWARE, "RDS_LOGIN_EVENTS"}
    assert (updated.outs or {})["ours"] == [MALWARE]
    assert (detector(guardduty) or {})["Tags"][OURS_TAG] == MALWARE


def test_created_detector_that_others_use_stays(
    guardduty: Any, provider: DetectionServiceProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    made = provider.create(inputs(*ALL))
    id_ = guardduty.list_detectors()["DetectorIds"][0]
    guardduty.update_detector(DetectorId=id_, Features=[{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}])
    provider.delete(made.id, made.outs or {})
    assert (detector(guardduty) or {})["Status"] == "ENABLED"
    assert on(guardduty) == {"S3_DATA_EVENTS"}
    assert (detector(guardduty) or {})["Tags"] == {"team": "security"}
    assert "GuardDuty in eu-west-1 stays enabled for S3_DATA_EVENTS" in capsys.readouterr().err


def test_refresh_shows_what_was_turned_off(guardduty: Any, provider: DetectionServiceProvider) -> None:
    made = provider.create(inputs(*ALL))
    id_ = guardduty.list_detectors()["DetectorIds"][0]
    guardduty.update_detector(DetectorId=id_, Features=[{"Name": RUNTIME, "Status": "DISABLED"}])
    seen = provider.read(made.id, made.outs or {})
    assert (seen.outs or {})["switches"] == [DETECTOR]
    assert provider.diff(made.id, seen.outs or {}, inputs(*ALL)).changes
    provider.update(made.id, seen.outs or {}, inputs(*ALL))
    assert on(guardduty) == {RUNTIME}
    guardduty.delete_detector(DetectorId=id_)
    assert provider.read(made.id, made.outs or {}).id == ""
    provider.delete(made.id, made.outs or {})


def test_lost_tags_are_drift_and_come_back(guardduty: Any, provider: DetectionServiceProvider) -> None:
    existing(guardduty)
    before = described(guardduty)
    made = provider.create(inputs(*ALL))
    arn = (made.outs or {})["arn"]
    guardduty.untag_resource(ResourceArn=arn, TagKeys=[OWNER_TAG, OURS_TAG])
    seen = provider.read(made.id, made.outs or {})
    assert provider.diff(made.id, seen.outs or {}, inputs(*ALL)).changes
    updated = provider.update(made.id, seen.outs or {}, inputs(*ALL))
    assert (detector(guardduty) or {})["Tags"] == {OWNER_TAG: OWNER, OURS_TAG: f"{RUNTIME} {AGENTS}"}
    provider.delete(made.id, updated.outs or {})
    assert described(guardduty) == before


def test_managed_service_is_left_and_reported(
    endpoint: str, guardduty: Any, provider: DetectionServiceProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    id_ = existing(guardduty)
    before = described(guardduty)
    change_settings(endpoint, {"reportedStates": {id_: {"Administrator": ADMINISTRATOR}}})
    given = inputs(*ALL)
    assert provider.check({}, given).failures == []
    assert f"GuardDuty in eu-west-1 is managed by the account {ADMINISTRATOR}" in capsys.readouterr().err
    made = provider.create(given)
    assert (made.outs or {})["administrator"] == ADMINISTRATOR
    assert described(guardduty) == before
    seen = provider.read(made.id, made.outs or {})
    assert not provider.diff(made.id, seen.outs or {}, given).changes
    # What the administrator turns on afterwards is not this stack's.
    change_settings(endpoint, {"reportedStates": {}})
    guardduty.update_detector(DetectorId=id_, Features=[{"Name": RUNTIME, "Status": "ENABLED"}])
    after = described(guardduty)
    provider.delete(made.id, made.outs or {})
    assert described(guardduty) == after


def test_service_of_another_stack_is_refused(guardduty: Any, provider: DetectionServiceProvider) -> None:
    first = provider.create(inputs(*ALL, owner=OTHER))
    before = described(guardduty)
    failure = provider.check({}, inputs(*ALL)).failures[0]
    assert failure.reason.startswith(
        f"GuardDuty in eu-west-1 is owned by the stack {OTHER}. One stack governs an account"
    )
    with pytest.raises(ResourceError, match="takeOver"):
        provider.create(inputs(*ALL))
    assert described(guardduty) == before
    taken = provider.create(inputs(*ALL, takeOver=True))
    assert (detector(guardduty) or {})["Tags"][OWNER_TAG] == OWNER
    # The former owner leaves what it has no more.
    provider.delete(first.id, first.outs or {})
    assert RUNTIME in on(guardduty)
    provider.delete(taken.id, taken.outs or {})
    assert detector(guardduty) is None


def test_feature_that_excludes_a_switch_is_refused(guardduty: Any, provider: DetectionServiceProvider) -> None:
    id_ = existing(guardduty)
    guardduty.update_detector(DetectorId=id_, Features=[{"Name": "EKS_RUNTIME_MONITORING", "Status": "ENABLED"}])
    before = described(guardduty)
    assert "EKS_RUNTIME_MONITORING is on, which excludes" in provider.check({}, inputs(*ALL)).failures[0].reason
    with pytest.raises(ResourceError, match="set runtimeMonitoring to false"):
        provider.create(inputs(*ALL))
    assert described(guardduty) == before
    assert provider.check({}, inputs(DETECTOR)).failures == []


def test_tags_follow_the_settings_of_a_created_detector(guardduty: Any, provider: DetectionServiceProvider) -> None:
    made = provider.create(inputs(DETECTOR))
    guardduty.untag_resource(ResourceArn=(made.outs or {})["arn"], TagKeys=["team"])
    seen = provider.read(made.id, made.outs or {})
    assert provider.diff(made.id, seen.outs or {}, inputs(DETECTOR)).changes
    back = provider.update(made.id, seen.outs or {}, inputs(DETECTOR))
    assert (detector(guardduty) or {})["Tags"]["team"] == "security"
    provider.update(made.id, back.outs or {}, inputs(DETECTOR, tags={"cost": "7"}))
    assert (detector(guardduty) or {})["Tags"] == {
        "cost": "7",
        OWNER_TAG: OWNER,
        MADE_HERE_TAG: OWNER,
        OURS_TAG: DETECTOR,
    }


@pytest.fixture
def inspector(client: Callable[..., Any]) -> Any:
    return client("inspector2")


def scan_inputs(**more: Any) -> dict[str, Any]:
    return inputs(EC2, service="inspector", **more)


def scans(inspector: Any) -> set[str]:
    (account,) = inspector.batch_get_account_status()["accounts"]
    return {name for name, each in account["resourceState"].items() if each["status"] == "ENABLED"}


@pytest.mark.parametrize("others", [[], ["ECR", "LAMBDA"]])
def test_scans_of_instances_are_turned_on_and_off(
    inspector: Any, provider: DetectionServiceProvider, others: list[str]
) -> None:
    if others:
        inspector.enable(resourceTypes=others)
    before = scans(inspector)
    made = provider.create(scan_inputs())
    assert scans(inspector) == before | {"ec2"}
    outs = made.outs or {}
    assert (outs["ours"], outs["arn"], outs["administrator"]) == ([EC2], "", "")
    seen = provider.read(made.id, outs)
    assert not provider.diff(made.id, seen.outs or {}, scan_inputs()).changes
    provider.delete(made.id, outs)
    # Others' scans, which cost, stay as they were.
    assert scans(inspector) == before


@pytest.mark.parametrize("is_state_lost", [True, False])
def test_scans_that_were_on_stay_on(inspector: Any, provider: DetectionServiceProvider, *, is_state_lost: bool) -> None:
    if is_state_lost:
        provider.create(scan_inputs())
    else:
        inspector.enable(resourceTypes=["EC2"])
    made = provider.create(scan_inputs())
    assert (made.outs or {})["ours"] == []
    provider.delete(made.id, made.outs or {})
    assert scans(inspector) == {"ec2"}


def test_scans_that_were_turned_off_come_back(inspector: Any, provider: DetectionServiceProvider) -> None:
    made = provider.create(scan_inputs())
    inspector.disable(resourceTypes=["EC2"])
    seen = provider.read(made.id, made.outs or {})
    assert (seen.outs or {})["switches"] == []
    assert provider.diff(made.id, seen.outs or {}, scan_inputs()).changes
    updated = provider.update(made.id, seen.outs or {}, scan_inputs())
    assert scans(inspector) == {"ec2"}
    provider.delete(made.id, updated.outs or {})
    assert scans(inspector) == set()


@pytest.mark.parametrize("kept", [[], ["EC2"]])
def test_scans_of_administrator_are_left_and_reported(
    endpoint: str,
    inspector: Any,
    provider: DetectionServiceProvider,
    capsys: pytest.CaptureFixture[str],
    kept: list[str],
) -> None:
    if kept:
        inspector.enable(resourceTypes=kept)
    change_settings(endpoint, {"reportedStates": {"inspector2": {"Administrator": ADMINISTRATOR}}})
    assert provider.check({}, scan_inputs()).failures == []
    reported = f"Inspector in eu-west-1 is managed by the account {ADMINISTRATOR} and is not changed"
    assert (reported in capsys.readouterr().err) is not bool(kept)
    made = provider.create(scan_inputs())
    assert (made.outs or {})["administrator"] == ADMINISTRATOR
    assert scans(inspector) == {each.lower() for each in kept}
    provider.delete(made.id, (made.outs or {}) | {"ours": [EC2]})
    assert scans(inspector) == {each.lower() for each in kept}


def test_delegated_administrator_has_its_own_scans(
    endpoint: str, inspector: Any, provider: DetectionServiceProvider
) -> None:
    change_settings(endpoint, {"reportedStates": {"inspector2": {"Administrator": "123456789012"}}})
    made = provider.create(scan_inputs())
    assert ((made.outs or {})["administrator"], scans(inspector)) == ("", {"ec2"})


def failing(*codes: str) -> Iterator[dict[str, Any]]:
    """Responses of Inspector that refuse a change with these codes, and then accept it."""
    for code in codes:
        failed = {"accountId": "123456789012", "errorCode": code, "errorMessage": "try later"}
        yield {"accounts": [], "failedAccounts": [failed]}
    yield {"accounts": [], "failedAccounts": []}


def test_refused_scan_is_an_error_with_its_code(
    monkeypatch: pytest.MonkeyPatch, provider: DetectionServiceProvider, inspector: Any
) -> None:
    made = provider.create(scan_inputs())
    inspector.disable(resourceTypes=["EC2"])
    answers = {"enable": failing("ACCESS_DENIED")}
    monkeypatch.setattr(provider, "clients", lambda: _Answering(inspector, answers))
    with pytest.raises(ResourceError, match=r"Inspector does not change the scans of EC2: .*ACCESS_DENIED"):
        provider.update(made.id, made.outs or {}, scan_inputs())
    answers["batch_get_account_status"] = failing("ACCESS_DENIED")
    with pytest.raises(ResourceError, match="does not return the status of the account: 123456789012: ACCESS_DENIED"):
        provider.read(made.id, made.outs or {})


@pytest.mark.parametrize(
    ("refused", "pauses"),
    [
        ("enable DISABLE_IN_PROGRESS", 1),
        ("enable SSM_THROTTLED", 1),
        ("enable ENABLE_IN_PROGRESS", 0),
        ("disable ENABLE_IN_PROGRESS", 1),
        ("disable DISABLE_IN_PROGRESS", 0),
    ],
)
def test_change_of_scans_waits_for_the_one_in_progress(
    monkeypatch: pytest.MonkeyPatch,
    provider: DetectionServiceProvider,
    inspector: Any,
    refused: str,
    pauses: int,
) -> None:
    operation, code = refused.split()
    made = provider.create(scan_inputs())
    slept = list[float]()
    monkeypatch.setattr("time.sleep", slept.append)
    if operation == "enable":
        inspector.disable(resourceTypes=["EC2"])
    answers = {operation: failing(code)}
    monkeypatch.setattr(provider, "clients", lambda: _Answering(inspector, answers))
    if operation == "enable":
        provider.update(made.id, made.outs or {}, scan_inputs())
    else:
        provider.delete(made.id, made.outs or {})
    assert len(slept) == pauses


class _Answering:
    """Clients of which some operations have given responses."""

    def __init__(self, client: Any, answers: dict[str, Iterator[Any]]) -> None:
        self._client, self._answers = client, answers

    def client(self, _service: str, _region: str) -> Any:
        return self

    def caller_arn(self, _region: str) -> str:
        return "arn:caller"

    def __getattr__(self, operation: str) -> Any:
        if operation in self._answers:

            def answer(**_arguments: Any) -> Any:
                return next(self._answers[operation])

            return answer
        return getattr(self._client, operation)
