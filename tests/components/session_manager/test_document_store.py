import json
from collections.abc import Callable
from typing import Any

import pytest

from common.aws.failures import ResourceError
from components.adoption.document_ownership import Ownership
from components.adoption.document_store import DocumentStore
from components.session_manager.document import DOCUMENT_NAME, document, reset_preferences
from components.session_manager.document_provider import RUN_SHELL_DOCUMENT
from components.session_manager.settings import OnDestroy
from tests.support.emulator import change_settings

OWNER = "organization/shell-access/prod"
RESET = document(reset_preferences())


def content(**changes: Any) -> dict[str, Any]:
    return document(reset_preferences() | {"cloudWatchLogGroupName": "sessions"} | changes)


CONSOLE = {
    "schemaVersion": "1.0",
    "description": "made in the console",
    "sessionType": "Standard_Stream",
    "inputs": content(idleSessionTimeout=45)["inputs"],
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
    published = live.publish(content())
    assert (published.default_version, published.latest_version) == ("1", "1")
    assert_live(live, content())


def test_nothing_to_read_where_there_is_no_document(live: Document) -> None:
    assert live.store.read() is None


def test_hash_is_the_one_that_systems_manager_reports(live: Document) -> None:
    published = live.publish(content())
    described = live.ssm.describe_document(Name=DOCUMENT_NAME)["Document"]
    assert (described["HashType"], described["Hash"]) == ("Sha256", published.sha256)


def test_document_of_the_console_is_adopted_with_its_version(live: Document) -> None:
    before = live.make(CONSOLE)
    assert live.publish(content()).default_version == "2"
    assert_live(live, content())
    assert live.text("1") == before


def test_publishing_the_same_again_makes_no_version(live: Document) -> None:
    live.publish(content())
    assert live.publish(content()).latest_version == "1"


def test_same_content_in_another_spelling_makes_no_version(live: Document) -> None:
    live.make(content())
    assert live.publish(content()).latest_version == "1"


def test_latest_that_is_right_becomes_the_default(live: Document) -> None:
    live.make(CONSOLE)
    live.add_version(content())
    assert live.publish(content()).default_version == "2"
    assert_live(live, content())


def test_later_version_that_is_not_the_default_is_overcome(live: Document) -> None:
    live.publish(content())
    live.add_version(CONSOLE)
    live.publish(content(idleSessionTimeout=5))
    assert_live(live, content(idleSessionTimeout=5))


@pytest.mark.usefixtures("duplicates")
def test_earlier_content_is_accepted_with_either_duplicate_check(live: Document) -> None:
    for minutes in (5, 6, 5, 6, 5, 6, 5):
        live.publish(content(idleSessionTimeout=minutes))
        assert_live(live, content(idleSessionTimeout=minutes))


@pytest.mark.usefixtures("duplicates")
@pytest.mark.parametrize("versions_of_ours", [1, 3])
def test_restore_brings_back_what_was_there(live: Document, versions_of_ours: int) -> None:
    live.make(CONSOLE)
    for minutes in range(1, versions_of_ours + 1):
        live.publish(content(idleSessionTimeout=minutes))
    live.release(OnDestroy.RESTORE)
    assert_live(live, CONSOLE)
    assert live.store.marks() == {}


def test_restore_brings_back_the_default_version_not_the_latest(live: Document) -> None:
    live.make(CONSOLE)
    live.add_version(content(idleSessionTimeout=59))
    live.publish(content())
    live.release(OnDestroy.RESTORE)
    assert_live(live, CONSOLE)


def test_restore_removes_a_document_that_was_not_there(live: Document) -> None:
    live.publish(content())
    live.release(OnDestroy.RESTORE)
    assert not live.exists()


def test_restore_after_a_lost_state_still_knows_what_was_there(live: Document) -> None:
    live.make(CONSOLE)
    live.publish(content())
    live.publish(content(idleSessionTimeout=5))
    live.release(OnDestroy.RESTORE)
    assert_live(live, CONSOLE)


def test_restore_of_a_deleted_version_is_refused_in_words(live: Document) -> None:
    live.make(CONSOLE)
    live.publish(content())
    live.ssm.delete_document(Name=DOCUMENT_NAME, DocumentVersion="1")
    with pytest.raises(ResourceError, match=r"version 1, which existed before this stack, has been deleted"):
        live.release(OnDestroy.RESTORE)
    assert_live(live, content())


def test_reset_leaves_the_reset_content_of_the_post(live: Document) -> None:
    live.make(CONSOLE)
    live.publish(content())
    live.release(OnDestroy.RESET)
    assert_live(live, RESET)
    assert live.store.marks() == {}


def test_retain_leaves_ours_without_marks(live: Document) -> None:
    live.publish(content())
    live.release(OnDestroy.RETAIN)
    assert_live(live, content())
    assert live.store.marks() == {}


def test_delete_removes_the_document(live: Document) -> None:
    live.make(CONSOLE)
    live.publish(content())
    live.release(OnDestroy.DELETE)
    assert not live.exists()


@pytest.mark.parametrize("on_destroy", OnDestroy)
def test_giving_back_what_is_gone_is_no_failure(live: Document, on_destroy: OnDestroy) -> None:
    live.release(on_destroy)
    assert not live.exists()


@pytest.mark.parametrize("on_destroy", OnDestroy)
def test_document_that_another_stack_has_taken_is_left_alone(live: Document, on_destroy: OnDestroy) -> None:
    live.publish(content(), owner="organization/shell-access/other")
    live.release(on_destroy)
    assert_live(live, content())


def test_document_of_another_stack_is_refused_by_its_name(live: Document) -> None:
    live.publish(content(), owner="organization/shell-access/other")
    with pytest.raises(ResourceError, match=r"is owned by the stack organization/shell-access/other"):
        live.publish(content(idleSessionTimeout=5))
    assert_live(live, content())


def test_explicit_take_over_keeps_the_first_prior_version(live: Document) -> None:
    live.make(CONSOLE)
    live.publish(content(), owner="organization/shell-access/other")
    live.publish(content(idleSessionTimeout=5), take_over=True)
    assert_live(live, content(idleSessionTimeout=5))
    live.release(OnDestroy.RESTORE)
    assert_live(live, CONSOLE)


def test_renamed_stack_keeps_its_document(live: Document) -> None:
    live.publish(content(), owner="organization/shell-access/old")
    renamed = Ownership(owner=OWNER, known_as=frozenset({"organization/shell-access/old"}))
    live.store.publish(content(), renamed)
    assert live.store.marks()["shell-access:owner"] == OWNER


def test_refused_content_leaves_the_live_document_untouched(live: Document) -> None:
    live.publish(content())
    with pytest.raises(ResourceError, match="service: InvalidDocumentContent"):
        live.publish(content(idleSessionTimeout=61))
    assert_live(live, content())


def test_version_limit_deletes_the_oldest_but_never_the_prior(live: Document, endpoint: str) -> None:
    change_settings(endpoint, {"documentVersionLimit": 5})
    live.make(CONSOLE)
    live.publish(content())
    for minute in range(3):
        live.add_version(content(cloudWatchLogGroupName=f"sessions-{minute}"))
    live.publish(content(idleSessionTimeout=7))
    assert_live(live, content(idleSessionTimeout=7))
    assert json.loads(live.text("1")) == CONSOLE
    with pytest.raises(live.ssm.exceptions.InvalidDocumentVersion):
        live.text("3")
    assert live.text("5")
