"""The scan configuration of domain controllers: created once, adopted by its owner, changed in place, against the local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from common.aws.failures import ResourceError
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.cis_scans import SCAN_NAME, CisScanConfigurationProvider, scan_content
from components.detection.settings import CisScansSettings
from tests.components.providers import with_clients

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.aws.session import AwsClients


class _Clients:
    """Clients with this one of Inspector."""

    def __init__(self, inspector: Any) -> None:
        self._inspector = inspector

    def client(self, _service: str, _region: str) -> Any:
        return self._inspector

    def caller_arn(self, _region: str) -> str:
        return "arn:caller"


ACCOUNT = "123456789012"
OWNER = "organization/shell-access/dev"
OTHER = "organization/shell-access/other"
OWNED = {OWNER_TAG: OWNER, MADE_HERE_TAG: OWNER}


@pytest.fixture
def inspector(client: Callable[..., Any]) -> Any:
    return client("inspector2")


@pytest.fixture
def provider(clients: AwsClients) -> CisScanConfigurationProvider:
    return with_clients(CisScanConfigurationProvider(), clients)


def content(**settings: Any) -> dict[str, Any]:
    return scan_content(CisScansSettings.model_validate(settings), ACCOUNT, ("Role", "DomainController"))


def inputs(owner: str = OWNER, tags: dict[str, str] | None = None, **settings: Any) -> dict[str, Any]:
    given = {"region": "eu-west-1", "owner": owner, "takeOver": False, "tags": tags or {"team": "security"}}
    return given | content(**settings)


def listed(inspector: Any) -> list[dict[str, Any]]:
    return inspector.list_cis_scan_configurations()["scanConfigurations"]


def outputs(made: Any) -> dict[str, Any]:
    return made.outs or {}


def test_content_is_as_inspector_returns_it() -> None:
    assert content(level=2, day="MON", startHour=3) == {
        "scanName": SCAN_NAME,
        "securityLevel": "LEVEL_2",
        "schedule": {"weekly": {"startTime": {"timeOfDay": "03:00", "timezone": "UTC"}, "days": ["MON"]}},
        "targets": {"accountIds": [ACCOUNT], "targetResourceTags": {"Role": ["DomainController"]}},
    }


def test_scan_is_created_and_deleted(inspector: Any, provider: CisScanConfigurationProvider) -> None:
    made = provider.create(inputs())
    (found,) = listed(inspector)
    assert {name: found[name] for name in content()} == content()
    assert found["tags"] == {"team": "security", **OWNED}
    seen = provider.read(made.id, outputs(made))
    assert not provider.diff(made.id, seen.outs or {}, inputs()).changes
    provider.delete(made.id, outputs(made))
    assert listed(inspector) == []
    # A run that was killed after the deletion repeats it.
    provider.delete(made.id, outputs(made))
    assert provider.read(made.id, outputs(made)).id == ""


@pytest.mark.parametrize("settles", [True, False])
def test_scan_waits_until_inspector_has_turned_on_its_scans(
    inspector: Any, provider: CisScanConfigurationProvider, monkeypatch: pytest.MonkeyPatch, *, settles: bool
) -> None:
    states, now = iter(["ENABLING", "ENABLING", "ENABLED"]), [0.0]

    def status() -> dict[str, Any]:
        state = next(states) if settles else "ENABLING"
        return {"accounts": [{"resourceState": {"ec2": {"status": state}}}], "failedAccounts": []}

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(inspector, "batch_get_account_status", status)
    monkeypatch.setattr(provider, "clients", lambda: _Clients(inspector))
    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    if settles:
        provider.create(inputs())
        assert (now[0], len(listed(inspector))) == (20, 1)
        return
    with pytest.raises(ResourceError, match="still ENABLING after 300 seconds"):
        provider.create(inputs())
    assert listed(inspector) == []


def test_lost_state_makes_no_second_scan(inspector: Any, provider: CisScanConfigurationProvider) -> None:
    first = provider.create(inputs())
    again = provider.create(inputs(level=2, tags={"team": "soc"}))
    assert again.id == first.id
    (found,) = listed(inspector)
    assert (found["securityLevel"], found["tags"]) == ("LEVEL_2", {"team": "soc", **OWNED})


@pytest.mark.parametrize("tags", [{}, {"team": "soc"}, {OWNER_TAG: OTHER}])
def test_scan_of_others_is_left(inspector: Any, provider: CisScanConfigurationProvider, tags: dict[str, str]) -> None:
    inspector.create_cis_scan_configuration(**content(level=2), tags=tags)
    (before,) = listed(inspector)
    made = provider.create(inputs())
    assert made.id != before["scanConfigurationArn"]
    provider.delete(made.id, outputs(made))
    assert listed(inspector) == [before]


def test_scan_of_another_stack_is_taken_over(inspector: Any, provider: CisScanConfigurationProvider) -> None:
    first = provider.create(inputs(OTHER))
    taken = provider.create(inputs() | {"takeOver": True})
    assert taken.id == first.id
    # The former owner leaves what it has no more.
    provider.delete(first.id, outputs(first))
    (found,) = listed(inspector)
    assert found["tags"][OWNER_TAG] == OWNER


def test_changes_are_made_in_place(inspector: Any, provider: CisScanConfigurationProvider) -> None:
    made = provider.create(inputs())
    desired = inputs(tags={"cost": "7"}, day="FRI")
    assert provider.diff(made.id, outputs(made), desired).replaces == []
    assert provider.diff(made.id, outputs(made), desired | {"region": "eu-west-2"}).replaces == ["region"]
    updated = provider.update(made.id, outputs(made), desired)
    (found,) = listed(inspector)
    assert (found["schedule"]["weekly"]["days"], found["tags"]) == (["FRI"], {"cost": "7", **OWNED})
    assert not provider.diff(made.id, outputs(updated), desired).changes


def test_manual_change_is_drift_and_reverted(inspector: Any, provider: CisScanConfigurationProvider) -> None:
    made = provider.create(inputs())
    elsewhere = {"accountIds": [ACCOUNT], "targetResourceTags": {"Role": ["WebServer"]}}
    inspector.update_cis_scan_configuration(
        scanConfigurationArn=made.id, targets=elsewhere, schedule={"oneTime": {}}, securityLevel="LEVEL_2"
    )
    inspector.untag_resource(resourceArn=made.id, tagKeys=[OWNER_TAG])
    seen = provider.read(made.id, outputs(made))
    assert (seen.outs or {})["owner"] == ""
    assert provider.diff(made.id, seen.outs or {}, inputs()).changes
    provider.update(made.id, seen.outs or {}, inputs())
    (found,) = listed(inspector)
    assert {name: found[name] for name in content()} == content()
    assert found["tags"][OWNER_TAG] == OWNER


def test_deleted_scan_needs_a_refresh(inspector: Any, provider: CisScanConfigurationProvider) -> None:
    made = provider.create(inputs())
    inspector.delete_cis_scan_configuration(scanConfigurationArn=made.id)
    with pytest.raises(ResourceError, match="Run pulumi up --refresh"):
        provider.update(made.id, outputs(made), inputs(level=2))
    assert listed(inspector) == []
