"""A version goes live only once Systems Manager has processed it; the status is made up in front of the local AWS."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from common.aws.failures import FailureCause, ResourceError
from components.adoption.document_ownership import Ownership
from components.adoption.document_store import DocumentStore
from components.session_manager.document import DOCUMENT_NAME, document, reset_preferences
from components.session_manager.document_provider import RUN_SHELL_DOCUMENT

OWNER = "organization/shell-access/prod"


class Processing:
    """An SSM client whose versions have other statuses than the local AWS would give them."""

    def __init__(self, ssm: Any, statuses: dict[str, Iterable[str]]) -> None:
        self._ssm = ssm
        self._statuses = {version: iter(each) for version, each in statuses.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ssm, name)

    def describe_document(self, **arguments: Any) -> Any:
        answer = self._ssm.describe_document(**arguments)
        found = answer["Document"]
        status = next(self._statuses.get(found["DocumentVersion"], iter(())), None)
        if status:
            found |= {"Status": status, "StatusInformation": "out of luck"}
        return answer


@pytest.fixture
def ssm(client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    return client("ssm")


def publish(ssm: Any, minutes: int, **statuses: Iterable[str]) -> Any:
    versions = {name.removeprefix("v"): each for name, each in statuses.items()}
    store = DocumentStore(Processing(ssm, versions), "eu-west-1", RUN_SHELL_DOCUMENT)  # pyright: ignore[reportArgumentType]
    content = document(reset_preferences() | {"idleSessionTimeout": minutes})
    return store.publish(content, Ownership(owner=OWNER))


def in_force(ssm: Any) -> tuple[str, str]:
    """The default version and its minutes."""
    found = ssm.get_document(Name=DOCUMENT_NAME)
    return found["DocumentVersion"], json.loads(found["Content"])["inputs"]["idleSessionTimeout"]


def test_version_is_awaited_before_it_goes_live(ssm: Any) -> None:
    publish(ssm, 10, v1=["Creating", "Creating", "Active"])
    publish(ssm, 11, v2=["Updating", "Updating", "Active"])
    assert in_force(ssm) == ("2", "11")


def test_version_that_is_not_processed_in_time_does_not_go_live(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.adoption.document_store._ACTIVE_WITHIN_SECONDS", 0)
    publish(ssm, 10)
    with pytest.raises(ResourceError, match=r"it is still Updating after .* seconds; run the same command again"):
        publish(ssm, 11, v2=["Updating"] * 50)
    assert in_force(ssm) == ("1", "10")
    publish(ssm, 11)
    assert in_force(ssm) == ("2", "11")


def test_failed_version_never_goes_live_and_is_replaced(ssm: Any) -> None:
    publish(ssm, 10)
    with pytest.raises(
        ResourceError, match=r"version 2 is Failed \(out of luck\), so the version in force stays"
    ) as said:
        publish(ssm, 11, v2=["Failed"] * 9)
    assert said.value.cause is FailureCause.SERVICE
    assert in_force(ssm) == ("1", "10")
    publish(ssm, 11, v2=["Failed"] * 9)
    assert in_force(ssm) == ("3", "11")


def test_document_whose_first_version_failed_gets_another(ssm: Any) -> None:
    with pytest.raises(ResourceError, match="version 1 is Failed"):
        publish(ssm, 10, v1=["Failed"] * 9)
    publish(ssm, 10, v1=["Failed"] * 9)
    assert in_force(ssm) == ("2", "10")
