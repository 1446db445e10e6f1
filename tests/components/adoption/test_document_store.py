"""The store publishes, restores and releases documents of any type.

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
from tests.support.emulator import change_settings

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
def ssm(client: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)
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


def status_publish(ssm: Any, minutes: int, **statuses: Iterable[str]) -> Any:
    versions = {name.removeprefix("v"): each for name, each in statuses.items()}
    store = DocumentStore(Processing(ssm, versions), "eu-west-1", RUN_SHELL_DOCUMENT)  # pyright: ignore[reportArgumentType]
    return store.publish(preferences(idleSessionTimeout=minutes), Ownership(owner=OWNER))


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


RESET = document(reset_preferences())


def preferences(**changes: Any) -> dict[str, Any]:
    return document(reset_preferences() | {"cloudWatchLogGroupName": "sessions"} | changes)


CONSOLE = {
    "schemaVersion": "1.0",
    "description": "made in the console",
    "sessionType": "Standard_Stream",
    "inputs": preferences(idleSessionTimeout=45)["inputs"],
}


class Document:
    """The document as another principal sees it."""

    def __init__(self, ssm: Any) -> None:
        self.ssm = ssm
        self.store = DocumentStore(ssm, "eu-west-1", RUN_SHELL_DOCUMENT)

    def make(self, wanted: dict[str, Any]) -> str:
        text = json.dumps(wanted)
        self.ssm.create_document(Name=DOCUMENT_NAME, DocumentType="Session", DocumentFormat="JSON", Content=text)
        return text

    def add_version(self, wanted: dict[str, Any], *, default: bool = False) -> str:
        answer = self.ssm.update_document(
            Name=DOCUMENT_NAME, Content=json.dumps(wanted), DocumentVersion="$LATEST", DocumentFormat="JSON"
        )
        version = answer["DocumentDescription"]["DocumentVersion"]
        if default:
            self.ssm.update_document_default_version(Name=DOCUMENT_NAME, DocumentVersion=version)
        return version

    def text(self, version: str) -> str:
        return self.ssm.get_document(Name=DOCUMENT_NAME, DocumentVersion=version)["Content"]

    def publish(self, wanted: dict[str, Any], owner: str = OWNER, *, take_over: bool = False) -> Any:
        return self.store.publish(wanted, Ownership(owner=owner, take_over=take_over))

    def release(self, on_destroy: OnDestroy, owner: str = OWNER) -> None:
        self.store.release(on_destroy, Ownership(owner=owner), reset_content=RESET)

    def exists(self) -> bool:
        return self.store.read() is not None


@pytest.fixture
def live(client: Callable[..., Any]) -> Document:
    return Document(client("ssm"))


@pytest.fixture(params=["latest", "any"])
def duplicates(request: pytest.FixtureRequest, endpoint: str, live: Document) -> str:  # noqa: ARG001 -- reset first
    """AWS does not document what `DuplicateDocumentContent` compares, so both meanings are tried."""
    change_settings(endpoint, {"duplicateDocumentContent": request.param})
    return request.param


def assert_live(live: Document, wanted: dict[str, Any]) -> None:
    assert json.loads(live.text("$DEFAULT")) == wanted
    assert live.text("$LATEST") == live.text("$DEFAULT")


def test_absent_document_is_created(live: Document) -> None:
    published = live.publish(preferences())
    assert (published.default_version, published.latest_version) == ("1", "1")
    assert_live(live, preferences())


def test_hash_is_the_one_that_systems_manager_reports(live: Document) -> None:
    published = live.publish(preferences())
    described = live.ssm.describe_document(Name=DOCUMENT_NAME)["Document"]
    assert (described["HashType"], described["Hash"]) == ("Sha256", published.sha256)


def test_document_of_the_console_is_adopted_with_its_version(live: Document) -> None:
    before = live.make(CONSOLE)
    assert live.publish(preferences()).default_version == "2"
    assert_live(live, preferences())
    assert live.text("1") == before


def test_publishing_the_same_again_makes_no_version(live: Document) -> None:
    live.publish(preferences())
    assert live.publish(preferences()).latest_version == "1"


def test_same_content_in_another_spelling_makes_no_version(live: Document) -> None:
    live.make(preferences())
    assert live.publish(preferences()).latest_version == "1"


def test_latest_that_is_right_becomes_the_default(live: Document) -> None:
    live.make(CONSOLE)
    live.add_version(preferences())
    assert live.publish(preferences()).default_version == "2"
    assert_live(live, preferences())


def test_later_version_that_is_not_the_default_is_overcome(live: Document) -> None:
    live.publish(preferences())
    live.add_version(CONSOLE)
    live.publish(preferences(idleSessionTimeout=5))
    assert_live(live, preferences(idleSessionTimeout=5))


@pytest.mark.usefixtures("duplicates")
def test_earlier_content_is_accepted_with_either_duplicate_check(live: Document) -> None:
    for minutes in (5, 6, 5, 6, 5, 6, 5):
        live.publish(preferences(idleSessionTimeout=minutes))
        assert_live(live, preferences(idleSessionTimeout=minutes))


@pytest.mark.usefixtures("duplicates")
@pytest.mark.parametrize("versions_of_ours", [1, 3])
def test_restore_brings_back_what_was_there(live: Document, versions_of_ours: int) -> None:
    live.make(CONSOLE)
    for minutes in range(1, versions_of_ours + 1):
        live.publish(preferences(idleSessionTimeout=minutes))
    live.release(OnDestroy.RESTORE)
    assert_live(live, CONSOLE)
    assert live.store.marks() == {}


def test_restore_brings_back_the_default_version_not_the_latest(live: Document) -> None:
    live.make(CONSOLE)
    live.add_version(preferences(idleSessionTimeout=59))
    live.publish(preferences())
    live.release(OnDestroy.RESTORE)
    assert_live(live, CONSOLE)


@pytest.mark.parametrize(
    ("on_destroy", "left"),
    [(OnDestroy.RESET, RESET), (OnDestroy.RETAIN, preferences()), (OnDestroy.DELETE, None)],
)
def test_release_leaves_what_is_configured(live: Document, on_destroy: OnDestroy, left: dict[str, Any] | None) -> None:
    live.make(CONSOLE)
    live.publish(preferences())
    live.release(on_destroy)
    assert live.exists() is (left is not None)
    if left:
        assert_live(live, left)
        assert live.store.marks() == {}


def test_restore_removes_a_document_that_was_not_there(live: Document) -> None:
    live.publish(preferences())
    live.release(OnDestroy.RESTORE)
    assert not live.exists()


def test_restore_of_a_deleted_version_is_refused_in_words(live: Document) -> None:
    live.make(CONSOLE)
    live.publish(preferences())
    live.ssm.delete_document(Name=DOCUMENT_NAME, DocumentVersion="1")
    with pytest.raises(ResourceError, match=r"version 1, which existed before this stack, has been deleted"):
        live.release(OnDestroy.RESTORE)
    assert_live(live, preferences())


@pytest.mark.parametrize("on_destroy", OnDestroy)
def test_giving_back_what_is_gone_is_no_failure(live: Document, on_destroy: OnDestroy) -> None:
    live.release(on_destroy)
    assert not live.exists()


@pytest.mark.parametrize("on_destroy", OnDestroy)
def test_document_that_another_stack_has_taken_is_left_alone(live: Document, on_destroy: OnDestroy) -> None:
    live.publish(preferences(), owner="organization/shell-access/other")
    live.release(on_destroy)
    assert_live(live, preferences())


def test_document_of_another_stack_is_refused_by_its_name(live: Document) -> None:
    live.publish(preferences(), owner="organization/shell-access/other")
    with pytest.raises(ResourceError, match=r"is owned by the stack organization/shell-access/other"):
        live.publish(preferences(idleSessionTimeout=5))
    assert_live(live, preferences())


def test_explicit_take_over_keeps_the_first_prior_version(live: Document) -> None:
    live.make(CONSOLE)
    live.publish(preferences(), owner="organization/shell-access/other")
    live.publish(preferences(idleSessionTimeout=5), take_over=True)
    assert_live(live, preferences(idleSessionTimeout=5))
    live.release(OnDestroy.RESTORE)
    assert_live(live, CONSOLE)


def test_renamed_stack_keeps_its_document(live: Document) -> None:
    live.publish(preferences(), owner="organization/shell-access/old")
    renamed = Ownership(owner=OWNER, known_as=frozenset({"organization/shell-access/old"}))
    live.store.publish(preferences(), renamed)
    assert live.store.marks()["shell-access:owner"] == OWNER


def test_refused_content_leaves_the_live_document_untouched(live: Document) -> None:
    live.publish(preferences())
    with pytest.raises(ResourceError, match="service: InvalidDocumentContent"):
        live.publish(preferences(idleSessionTimeout=61))
    assert_live(live, preferences())


def test_version_limit_deletes_the_oldest_but_never_the_prior(live: Document, endpoint: str) -> None:
    change_settings(endpoint, {"documentVersionLimit": 5})
    live.make(CONSOLE)
    live.publish(preferences())
    for minute in range(3):
        live.add_version(preferences(cloudWatchLogGroupName=f"sessions-{minute}"))
    live.publish(preferences(idleSessionTimeout=7))
    assert_live(live, preferences(idleSessionTimeout=7))
    assert json.loads(live.text("1")) == CONSOLE
    with pytest.raises(live.ssm.exceptions.InvalidDocumentVersion):
        live.text("3")
    assert live.text("5")
