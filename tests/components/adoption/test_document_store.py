"""The store for documents of any type; `tests/components/session_manager` has what is the same for all of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.adoption.document_ownership import OnDestroy, Ownership
from components.adoption.document_store import DocumentIdentity, DocumentStore, ResourceError

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
