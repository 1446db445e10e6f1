"""The store for documents of any type; `tests/components/session_manager` has what is the same for all of them.

A version goes live only once Systems Manager has processed it; the status is made up in front of the local AWS.
"""

import json
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from common.aws.answers import Answer
from common.aws.failures import FailureCause, ResourceError
from components.adoption.document_ownership import OnDestroy, Ownership
from components.adoption.document_store import DocumentIdentity, DocumentStore
from components.session_manager.document import DOCUMENT_NAME, document, reset_preferences
from components.session_manager.document_provider import RUN_SHELL_DOCUMENT

OWNER = "organization/shell-access/prod"
NAME = "AllowStartSsmSession"
TYPES = ["Automation", "Automation.ChangeTemplate"]


def content(kind: str, minutes: int = 10) -> dict[str, Any]:
    if kind == "Automation":
        return {
            "schemaVersion": "0.3",
            "mainSteps": [{"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": f"PT{minutes}M"}}],
        }
    approvers = {"Approvers": [{"approver": "Approver", "type": "IamRole"}]}
    return {
        "schemaVersion": "0.3",
        "templateInformation": f"{minutes} minutes",
        "executableRunBooks": [{"name": NAME}],
        "mainSteps": [{"name": "Approve", "action": "aws:approve", "inputs": {"EnhancedApprovals": approvers}}],
    }


@pytest.fixture
def ssm(client: Callable[..., Any]) -> Any:
    return client("ssm")


def store(ssm: Any, kind: str) -> DocumentStore:
    return DocumentStore(ssm, "eu-west-1", DocumentIdentity(name=NAME, type=kind, section="approval"))


def publish(ssm: Any, kind: str, minutes: int = 10, *, known_as: frozenset[str] = frozenset()) -> Any:
    return store(ssm, kind).publish(content(kind, minutes), Ownership(owner=OWNER, known_as=known_as))


@pytest.mark.parametrize("kind", TYPES)
def test_document_is_published_changed_and_removed(ssm: Any, kind: str) -> None:
    publish(ssm, kind)
    live = publish(ssm, kind, 20)
    assert (live.default_version, live.latest_version, live.type) == ("2", "2", kind)
    assert json.loads(live.text) == content(kind, 20)
    store(ssm, kind).release(OnDestroy.RESTORE, Ownership(owner=OWNER))
    assert store(ssm, kind).read() is None


@pytest.mark.parametrize("kind", TYPES)
def test_document_of_another_type_that_took_our_name_is_replaced(ssm: Any, kind: str) -> None:
    publish(ssm, kind)
    ssm.delete_document(Name=NAME)
    foreign = json.dumps({"schemaVersion": "2.2", "mainSteps": []})
    ssm.create_document(Name=NAME, DocumentType="Command", Content=foreign)
    assert publish(ssm, kind, known_as=frozenset({OWNER})).type == kind


def test_new_document_may_be_shown_later(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems Manager may not describe what it has just created."""
    described, hidden, pauses = DocumentStore._describe, iter([False, True, True]), list[float]()
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr(DocumentStore, "_describe", lambda *given: None if next(hidden, False) else described(*given))
    assert publish(ssm, "Automation").default_version == "1"
    assert pauses == [0, 1, 2]


def test_document_that_is_not_described_is_left_alone(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content is the desired one already, but it is not this stack's, and a destroy must not delete it."""
    ssm.create_document(Name=NAME, DocumentType="Automation", Content=json.dumps(content("Automation")))
    described, hidden = DocumentStore._describe, iter([True] * 5)

    def describe(self: DocumentStore, version: str = "$DEFAULT") -> Any:
        return None if next(hidden, False) else described(self, version)

    monkeypatch.setattr(DocumentStore, "_describe", describe)
    publish(ssm, "Automation")
    assert ssm.describe_document(Name=NAME)["Document"]["Tags"]


@pytest.mark.parametrize(
    ("operation", "answer", "missing"),
    [
        ("get_document", Answer({"Name": NAME}, "GetDocument"), "GetDocument: .* no Content"),
        ("get_paginator", SimpleNamespace(paginate=lambda **_: [{"DocumentVersions": []}]), "no version of "),
    ],
)
def test_prior_version_that_is_not_returned_is_an_error(
    ssm: Any, monkeypatch: pytest.MonkeyPatch, operation: str, answer: Any, missing: str
) -> None:
    """A destroy would restore an empty document, or delete one that another principal created."""
    ssm.create_document(Name=NAME, DocumentType="Automation", Content=json.dumps(content("Automation")))
    monkeypatch.setattr(ssm, operation, lambda *_, **__: answer)
    with pytest.raises(ResourceError, match=missing):
        publish(ssm, "Automation", 20)
    assert ssm.describe_document(Name=NAME)["Document"]["LatestVersion"] == "1"


def test_existing_document_of_another_type_is_left_alone(ssm: Any) -> None:
    foreign = json.dumps({"schemaVersion": "2.2", "mainSteps": []})
    ssm.create_document(Name=NAME, DocumentType="Command", Content=foreign)
    with pytest.raises(ResourceError, match="is a document of type Command, not Automation, and was there before"):
        publish(ssm, "Automation")
    assert ssm.get_document(Name=NAME)["Content"] == foreign


def test_advice_names_the_section_that_the_document_belongs_to(ssm: Any) -> None:
    publish(ssm, "Automation")
    with pytest.raises(ResourceError, match=r"set shell-access:approval\.takeOver to true here"):
        store(ssm, "Automation").publish(content("Automation"), Ownership(owner="o/p/s"))


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
def status_ssm(client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
    return client("ssm")


def status_publish(ssm: Any, minutes: int, **statuses: Iterable[str]) -> Any:
    versions = {name.removeprefix("v"): each for name, each in statuses.items()}
    store = DocumentStore(Processing(ssm, versions), "eu-west-1", RUN_SHELL_DOCUMENT)  # pyright: ignore[reportArgumentType]
    content = document(reset_preferences() | {"idleSessionTimeout": minutes})
    return store.publish(content, Ownership(owner=OWNER))


def in_force(ssm: Any) -> tuple[str, str]:
    """The default version and its minutes."""
    found = ssm.get_document(Name=DOCUMENT_NAME)
    return found["DocumentVersion"], json.loads(found["Content"])["inputs"]["idleSessionTimeout"]


def test_version_is_awaited_before_it_goes_live(ssm: Any) -> None:
    status_publish(ssm, 10, v1=["Creating", "Creating", "Active"])
    status_publish(ssm, 11, v2=["Updating", "Updating", "Active"])
    assert in_force(ssm) == ("2", "11")


def test_version_that_is_not_processed_in_time_does_not_go_live(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.adoption.document_store._ACTIVE_WITHIN_SECONDS", 0)
    status_publish(ssm, 10)
    with pytest.raises(ResourceError, match=r"it is still Updating after .* seconds; run the same command again"):
        status_publish(ssm, 11, v2=["Updating"] * 50)
    assert in_force(ssm) == ("1", "10")
    status_publish(ssm, 11)
    assert in_force(ssm) == ("2", "11")


def test_failed_version_never_goes_live_and_is_replaced(ssm: Any) -> None:
    status_publish(ssm, 10)
    with pytest.raises(
        ResourceError, match=r"version 2 is Failed \(out of luck\), so the version in force stays"
    ) as said:
        status_publish(ssm, 11, v2=["Failed"] * 9)
    assert said.value.cause is FailureCause.SERVICE
    assert in_force(ssm) == ("1", "10")
    status_publish(ssm, 11, v2=["Failed"] * 9)
    assert in_force(ssm) == ("3", "11")


def test_document_whose_first_version_failed_gets_another(ssm: Any) -> None:
    with pytest.raises(ResourceError, match="version 1 is Failed"):
        status_publish(ssm, 10, v1=["Failed"] * 9)
    status_publish(ssm, 10, v1=["Failed"] * 9)
    assert in_force(ssm) == ("2", "10")
