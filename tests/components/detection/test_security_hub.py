"""Security Hub is enabled without default standards, adopted where it is on, and restored, against the local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from common.aws.failures import ResourceError
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.resource_kinds import MADE_HERE_TAG
from components.detection.names import HUB, SecurityStandard
from components.detection.resource import DetectionServiceProvider
from components.detection.services import OURS_TAG
from tests.components.providers import with_clients
from tests.support.emulator import change_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from common.aws.session import AwsClients

OWNER = "organization/shell-access/dev"
OTHER = "organization/shell-access/other"
ADMINISTRATOR = "999988887777"
FOUNDATIONAL, NIST = str(SecurityStandard.FOUNDATIONAL), str(SecurityStandard.NIST_53)
ARN = "arn:aws:securityhub:eu-west-1:123456789012:hub/default"


@pytest.fixture
def hub(client: Callable[..., Any]) -> Any:
    return client("securityhub")


@pytest.fixture
def provider(clients: AwsClients) -> DetectionServiceProvider:
    return with_clients(DetectionServiceProvider(), clients)


def inputs(*standards: str, owner: str = OWNER, take_over: bool = False) -> dict[str, Any]:
    switches = sorted({HUB, *(standards or (FOUNDATIONAL,))})
    given = {"service": "securityHub", "region": "eu-west-1", "switches": switches, "owner": owner}
    return {**given, "takeOver": take_over, "tags": {"team": "security"}}


def standards(hub: Any) -> set[str]:
    found = hub.get_enabled_standards()["StandardsSubscriptions"]
    return {each["StandardsArn"].rsplit(":", 1)[1].partition("/")[2] for each in found}


def tags(hub: Any) -> dict[str, str]:
    return hub.list_tags_for_resource(ResourceArn=ARN)["Tags"]


def is_enabled(hub: Any) -> bool:
    try:
        hub.describe_hub()
    except hub.exceptions.InvalidAccessException:
        return False
    return True


def enable(hub: Any, *names: str, **given: str) -> None:
    hub.enable_security_hub(EnableDefaultStandards=False, Tags=given)
    arns = [f"arn:aws:securityhub:eu-west-1::standards/{each}" for each in names]
    if arns:
        hub.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": each} for each in arns])


def test_absent_hub_gets_only_its_standards(hub: Any, provider: DetectionServiceProvider) -> None:
    made = provider.create(inputs())
    assert standards(hub) == {FOUNDATIONAL}
    assert tags(hub) == {"team": "security", OWNER_TAG: OWNER, MADE_HERE_TAG: OWNER}
    assert (made.outs or {})["arn"] == ARN
    seen = provider.read(made.id, made.outs or {})
    assert not provider.diff(made.id, seen.outs or {}, inputs()).changes
    provider.delete(made.id, made.outs or {})
    assert not is_enabled(hub)
    provider.delete(made.id, made.outs or {})


@pytest.mark.parametrize("is_state_lost", [True, False])
def test_adopted_hub_is_restored_and_not_tagged(
    hub: Any, provider: DetectionServiceProvider, *, is_state_lost: bool
) -> None:
    enable(hub, NIST, team="soc")
    made = provider.create(inputs())
    if is_state_lost:
        made = provider.create(inputs())
    assert (standards(hub), tags(hub)) == ({FOUNDATIONAL, NIST}, {"team": "soc"})
    seen = provider.read(made.id, made.outs or {})
    assert not provider.diff(made.id, seen.outs or {}, inputs()).changes
    provider.delete(made.id, made.outs or {})
    # What was turned on is in the state alone, and stays on without it.
    assert standards(hub) == ({FOUNDATIONAL, NIST} if is_state_lost else {NIST})
    assert tags(hub) == {"team": "soc"}


def test_lost_state_of_own_hub_loses_no_record(hub: Any, provider: DetectionServiceProvider) -> None:
    provider.create(inputs())
    again = provider.create(inputs())
    assert (again.outs or {})["ours"] == sorted({HUB, FOUNDATIONAL})
    provider.delete(again.id, again.outs or {})
    assert not is_enabled(hub)


def test_run_killed_before_standards_is_finished(hub: Any, provider: DetectionServiceProvider) -> None:
    hub.enable_security_hub(EnableDefaultStandards=False, Tags={OWNER_TAG: OWNER, MADE_HERE_TAG: OWNER})
    made = provider.create(inputs())
    assert standards(hub) == {FOUNDATIONAL}
    provider.delete(made.id, made.outs or {})
    assert not is_enabled(hub)


def test_dropped_standard_is_disabled(hub: Any, provider: DetectionServiceProvider) -> None:
    enable(hub, NIST)
    made = provider.create(inputs())
    updated = provider.update(made.id, made.outs or {}, inputs(str(SecurityStandard.PCI_DSS)))
    assert standards(hub) == {NIST, SecurityStandard.PCI_DSS}
    assert (updated.outs or {})["ours"] == [SecurityStandard.PCI_DSS]
    assert tags(hub) == {}


def test_own_hub_that_others_use_stays(
    hub: Any, provider: DetectionServiceProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    made = provider.create(inputs())
    arn = f"arn:aws:securityhub:eu-west-1::standards/{NIST}"
    hub.batch_enable_standards(StandardsSubscriptionRequests=[{"StandardsArn": arn}])
    provider.delete(made.id, made.outs or {})
    assert (standards(hub), tags(hub)) == ({NIST}, {"team": "security"})
    assert f"Security Hub in eu-west-1 stays enabled for {NIST}" in capsys.readouterr().err


def test_hub_without_its_tags_is_never_disabled(hub: Any, provider: DetectionServiceProvider) -> None:
    made = provider.create(inputs())
    hub.untag_resource(ResourceArn=ARN, TagKeys=[OWNER_TAG, MADE_HERE_TAG, OURS_TAG])
    provider.delete(made.id, made.outs or {})
    assert (is_enabled(hub), standards(hub)) == (True, set())


def test_disabled_standard_is_drift_and_comes_back(hub: Any, provider: DetectionServiceProvider) -> None:
    made = provider.create(inputs())
    (found,) = hub.get_enabled_standards()["StandardsSubscriptions"]
    hub.batch_disable_standards(StandardsSubscriptionArns=[found["StandardsSubscriptionArn"]])
    hub.untag_resource(ResourceArn=ARN, TagKeys=[OWNER_TAG])
    seen = provider.read(made.id, made.outs or {})
    assert ((seen.outs or {})["switches"], (seen.outs or {})["owner"]) == ([HUB], "")
    provider.update(made.id, seen.outs or {}, inputs())
    assert (standards(hub), tags(hub)[OWNER_TAG]) == ({FOUNDATIONAL}, OWNER)
    hub.disable_security_hub()
    assert provider.read(made.id, made.outs or {}).id == ""


@pytest.mark.parametrize("status", ["PENDING", "READY", "INCOMPLETE", "FAILED", "DELETING"])
def test_standard_is_on_unless_it_is_being_deleted(
    endpoint: str, hub: Any, provider: DetectionServiceProvider, status: str
) -> None:
    enable(hub, FOUNDATIONAL)
    change_settings(endpoint, {"reportedStates": {"securityhub": {"StandardsStatus": status}}})
    made = provider.create(inputs())
    assert (made.outs or {})["ours"] == ([FOUNDATIONAL] if status == "DELETING" else [])


def test_managed_hub_is_left_and_reported(
    endpoint: str, hub: Any, provider: DetectionServiceProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    enable(hub, NIST)
    change_settings(endpoint, {"reportedStates": {"securityhub": {"Administrator": ADMINISTRATOR}}})
    assert provider.check({}, inputs()).failures == []
    assert f"Security Hub in eu-west-1 is managed by the account {ADMINISTRATOR}" in capsys.readouterr().err
    made = provider.create(inputs())
    assert (made.outs or {})["administrator"] == ADMINISTRATOR
    provider.delete(made.id, (made.outs or {}) | {"ours": [FOUNDATIONAL]})
    assert (standards(hub), tags(hub)) == ({NIST}, {})


def test_delegated_administrator_keeps_its_own_hub(endpoint: str, hub: Any, provider: DetectionServiceProvider) -> None:
    enable(hub)
    change_settings(endpoint, {"reportedStates": {"securityhub": {"Administrator": "123456789012"}}})
    made = provider.create(inputs())
    assert ((made.outs or {})["administrator"], standards(hub)) == ("", {FOUNDATIONAL})


def test_hub_that_the_organization_keeps_off_is_refused(
    endpoint: str, hub: Any, provider: DetectionServiceProvider
) -> None:
    change_settings(endpoint, {"reportedStates": {"securityhub": {"Administrator": ADMINISTRATOR}}})
    with pytest.raises(ResourceError, match="administrator account manages Security Hub"):
        provider.create(inputs())
    assert not is_enabled(hub)


def test_hub_of_another_stack_is_refused(hub: Any, provider: DetectionServiceProvider) -> None:
    provider.create(inputs(owner=OTHER))
    assert f"is owned by the stack {OTHER}" in provider.check({}, inputs()).failures[0].reason
    with pytest.raises(ResourceError, match="takeOver"):
        provider.create(inputs(NIST))
    assert (standards(hub), tags(hub)[OWNER_TAG]) == ({FOUNDATIONAL}, OTHER)
    provider.create(inputs(take_over=True))
    assert tags(hub)[OWNER_TAG] == OWNER
