"""Tags that another tool removes, at every step of a document's life; the providers are called as the engine calls them."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.aws.session import AwsClients
from components.adoption.document_content import input_text
from components.adoption.document_ownership import (
    NO_PRIOR_VERSION,
    OWNER_TAG,
    PRIOR_VERSION_TAG,
    Ownership,
    PriorDocument,
    new_version_name,
    prior_version,
)
from components.adoption.document_resource import ConvergingDocumentProvider
from components.session_manager.document import DESCRIPTION, DOCUMENT_NAME, document, reset_preferences
from components.session_manager.document_provider import RunShellDocumentProvider
from tests.components.providers import with_clients

OWNER = "organization/shell-access/prod"
ACCOUNT = "123456789012"
TAGS = {"owner": "platform-security"}


def session_content(minutes: int, description: str = DESCRIPTION) -> dict[str, Any]:
    return document(reset_preferences() | {"idleSessionTimeout": minutes}) | {"description": description}


def runbook_content(minutes: int, description: str = "runbook") -> dict[str, Any]:
    step = {"name": "Wait", "action": "aws:sleep", "inputs": {"Duration": f"PT{minutes}M"}}
    return {"schemaVersion": "0.3", "description": description, "mainSteps": [step]}


def template_content(minutes: int, description: str = "template") -> dict[str, Any]:
    approvers = {"Approvers": [{"approver": "Approver", "type": "IamRole"}]}
    return {
        "schemaVersion": "0.3",
        "templateInformation": f"{description}, {minutes} minutes",
        "executableRunBooks": [{"name": "AllowStartSsmSession"}],
        "mainSteps": [{"name": "Approve", "action": "aws:approve", "inputs": {"EnhancedApprovals": approvers}}],
    }


CONTENTS = {
    "Session": session_content,
    "Automation": runbook_content,
    "Automation.ChangeTemplate": template_content,
}


class Governed:
    """One document of a stack, and the stack's state."""

    def __init__(self, clients: AwsClients, ssm: Any, kind: str) -> None:
        self.ssm, self.kind, self.content = ssm, kind, CONTENTS[kind]
        self.name = DOCUMENT_NAME if kind == "Session" else "AllowStartSsmSession"
        provider = RunShellDocumentProvider() if kind == "Session" else ConvergingDocumentProvider()
        self.provider = with_clients(provider, clients)
        self.state: dict[str, Any] | None = None

    def inputs(self, minutes: int, owner: str, tags: dict[str, str]) -> dict[str, Any]:
        common = {"region": "eu-west-1", "owner": owner, "takeOver": False, "tags": tags}
        if self.kind == "Session":
            wanted = reset_preferences() | {"idleSessionTimeout": minutes}
            return {
                **wanted,
                **common,
                "description": DESCRIPTION,
                "onDestroy": "restore",
                "accountId": ACCOUNT,
            }
        text = input_text(self.content(minutes))
        return {**common, "name": self.name, "documentType": self.kind, "content": text, "section": "approval"}

    def up(self, minutes: int, owner: str = OWNER, tags: dict[str, str] | None = None) -> bool:
        """Return whether the run changed something."""
        news = self.inputs(minutes, owner, TAGS if tags is None else tags)
        assert self.provider.check(self.state or {}, news).failures == []
        if self.state is None:
            self.state = self.provider.create(news).outs
            return True
        if not self.provider.diff("id", self.state, news).changes:
            return False
        self.state = self.provider.update("id", self.state, news).outs
        return True

    def refresh(self) -> None:
        read = self.provider.read("id", self.state or {})
        self.state = read.outs if read.id else None

    def destroy(self) -> None:
        self.provider.delete("id", self.state or {})
        self.state = None

    def make_theirs(self, minutes: int = 45) -> None:
        """Make the document that was there before, with a version that is not the default."""
        for number, (text, default) in enumerate([(minutes, True), (minutes + 1, False)], 1):
            content = json.dumps(self.content(text, "theirs"))
            if number == 1:
                self.ssm.create_document(Name=self.name, DocumentType=self.kind, Content=content)
            else:
                self.ssm.update_document(Name=self.name, DocumentVersion="$LATEST", Content=content)
            if default:
                self.ssm.update_document_default_version(Name=self.name, DocumentVersion=str(number))

    def edit(self, minutes: int) -> None:
        content = json.dumps(self.content(minutes, "edited"))
        made = self.ssm.update_document(Name=self.name, DocumentVersion="$LATEST", Content=content)
        version = made["DocumentDescription"]["DocumentVersion"]
        self.ssm.update_document_default_version(Name=self.name, DocumentVersion=version)

    def remove_tags(self, *keys: str) -> None:
        self.ssm.remove_tags_from_resource(ResourceType="Document", ResourceId=self.name, TagKeys=list(keys))

    def tags(self) -> dict[str, str]:
        listed = self.ssm.list_tags_for_resource(ResourceType="Document", ResourceId=self.name)["TagList"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    def live(self) -> Any:
        try:
            return json.loads(self.ssm.get_document(Name=self.name)["Content"])
        except self.ssm.exceptions.InvalidDocument:
            return None


@pytest.fixture(
    params=["Session", "Automation", pytest.param("Automation.ChangeTemplate", marks=pytest.mark.exhaustive)]
)
def governed(request: pytest.FixtureRequest, clients: AwsClients, client: Callable[..., Any]) -> Governed:
    return Governed(clients, client("ssm"), request.param)


SABOTAGES = [(OWNER_TAG,), (PRIOR_VERSION_TAG,), (OWNER_TAG, PRIOR_VERSION_TAG)]
STEPS = ["before up", "between two ups", "before refresh", "before destroy", "lost state"]


@pytest.mark.parametrize("there_before", [True, False], ids=["theirs", "nothing"])
@pytest.mark.parametrize("removed", SABOTAGES, ids=["owner", "prior", "both"])
@pytest.mark.parametrize("step", STEPS)
def test_removed_tags_lose_nothing_at_any_step(
    governed: Governed,
    removed: tuple[str, ...],
    step: str,
    there_before: bool,  # noqa: FBT001
) -> None:
    if there_before:
        governed.make_theirs()
    governed.up(10)
    governed.remove_tags(*removed)
    if step == "before refresh":
        governed.refresh()
        assert governed.up(10)
        assert not governed.up(10)
    elif step == "lost state":
        governed.state = None
        governed.up(20)
    elif step != "before destroy":
        governed.up(20)
    if step == "between two ups":
        governed.remove_tags(*removed)
        governed.up(30)
    if step != "before destroy":
        prior = "1" if there_before else NO_PRIOR_VERSION
        # Without a state and without the tag only the versions show the prior one: the last one before ours.
        guessed = "2" if there_before and step == "lost state" and PRIOR_VERSION_TAG in removed else prior
        assert governed.tags() == {OWNER_TAG: OWNER, PRIOR_VERSION_TAG: guessed, **TAGS}
    governed.destroy()
    minutes = 46 if there_before and step == "lost state" and PRIOR_VERSION_TAG in removed else 45
    assert governed.live() == (governed.content(minutes, "theirs") if there_before else None)


@pytest.mark.parametrize("removed", SABOTAGES, ids=["owner", "prior", "both"])
def test_refresh_reports_removed_tags_as_drift(governed: Governed, removed: tuple[str, ...]) -> None:
    governed.up(10)
    governed.refresh()
    before = governed.state
    assert not governed.up(10)
    governed.remove_tags(*removed)
    assert not governed.up(10)
    governed.refresh()
    assert governed.state != before
    assert governed.up(10)
    assert governed.tags().keys() >= {OWNER_TAG, PRIOR_VERSION_TAG}
    assert governed.state == before


def test_removed_settings_tag_is_drift_and_set_again(governed: Governed) -> None:
    governed.up(10)
    governed.remove_tags("owner")
    governed.refresh()
    assert governed.up(10)
    assert governed.tags()["owner"] == "platform-security"


def test_tags_of_the_settings_follow_and_their_values_return(governed: Governed) -> None:
    governed.make_theirs()
    theirs = {"owner": "another team", "team": "theirs"}
    governed.ssm.add_tags_to_resource(
        ResourceType="Document",
        ResourceId=governed.name,
        Tags=[{"Key": key, "Value": value} for key, value in theirs.items()],
    )
    governed.up(10, tags={"owner": "ours", "cost": "1"})
    assert governed.tags().items() >= {"owner": "ours", "cost": "1", "team": "theirs"}.items()
    governed.up(10, tags={"cost": "2"})
    assert governed.tags().items() >= {"owner": "another team", "cost": "2", "team": "theirs"}.items()
    governed.up(10, tags={"owner": "ours"})
    assert "cost" not in governed.tags()
    governed.destroy()
    assert governed.tags() == theirs


def test_own_version_is_never_the_prior_one(governed: Governed) -> None:
    governed.make_theirs()
    for minutes in (10, 20, 30):
        governed.up(minutes)
        governed.remove_tags(OWNER_TAG, PRIOR_VERSION_TAG)
        governed.state = None
    governed.up(40)
    assert governed.tags()[PRIOR_VERSION_TAG] == "2"


@pytest.mark.parametrize("lost", [(), (OWNER_TAG,), (PRIOR_VERSION_TAG,), (OWNER_TAG, PRIOR_VERSION_TAG)])
@pytest.mark.parametrize("has_state", [True, False])
def test_second_adoption_restores_what_was_there_then(
    governed: Governed, lost: tuple[str, ...], *, has_state: bool
) -> None:
    governed.make_theirs()
    governed.up(10)
    governed.destroy()
    governed.edit(50)
    governed.up(20)
    if lost:
        governed.remove_tags(*lost)
    if not has_state:
        governed.state = None
        governed.up(20)
    governed.up(30)
    governed.destroy()
    assert governed.live() == governed.content(50, "edited")


def test_prior_version_that_was_deleted_is_restored(governed: Governed) -> None:
    governed.make_theirs()
    governed.up(10)
    governed.ssm.delete_document(Name=governed.name, DocumentVersion="1")
    governed.remove_tags(OWNER_TAG, PRIOR_VERSION_TAG)
    governed.up(20)
    governed.destroy()
    assert governed.live() == governed.content(45, "theirs")


def test_another_principals_document_without_tags_stays(governed: Governed, capsys: pytest.CaptureFixture[str]) -> None:
    governed.make_theirs()
    governed.up(10)
    governed.edit(50)
    governed.remove_tags(OWNER_TAG, PRIOR_VERSION_TAG)
    governed.destroy()
    assert governed.live() == governed.content(50, "edited")
    assert "has no tag of this program any more" in capsys.readouterr().err


def test_edited_document_with_tags_is_restored(governed: Governed) -> None:
    governed.make_theirs()
    governed.up(10)
    governed.edit(50)
    governed.destroy()
    assert governed.live() == governed.content(45, "theirs")


def test_document_that_was_made_again_is_the_prior_one(governed: Governed) -> None:
    governed.make_theirs()
    governed.up(10)
    governed.ssm.delete_document(Name=governed.name)
    governed.make_theirs(50)
    governed.up(20)
    governed.destroy()
    assert governed.live() == governed.content(50, "theirs")


def test_content_that_was_right_before_stays(governed: Governed) -> None:
    content = json.dumps(governed.content(10))
    governed.ssm.create_document(Name=governed.name, DocumentType=governed.kind, Content=content)
    governed.up(10)
    governed.remove_tags(OWNER_TAG, PRIOR_VERSION_TAG)
    governed.up(20)
    governed.destroy()
    assert governed.live() == governed.content(10)


def test_prior_content_is_a_secret_of_the_state(governed: Governed) -> None:
    governed.make_theirs()
    governed.up(10)
    assert json.loads((governed.state or {})["priorContent"]) == governed.content(45, "theirs")


def test_version_names_fit_and_distinguish_stacks() -> None:
    name = new_version_name("o" * 200 + "/p/s")
    assert len(name) <= 128
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert Ownership(owner=OWNER).has_published(new_version_name(OWNER))
    assert not Ownership(owner=OWNER).has_published(new_version_name("organization/shell-access/other"))
    assert not Ownership(owner=OWNER).has_published("")
    renamed = Ownership(owner=OWNER, known_as=frozenset({"old"}))
    assert renamed.has_published(new_version_name("old"))


published = st.dictionaries(st.integers(1, 9), st.booleans(), min_size=1)
marks = st.none() | st.sampled_from([NO_PRIOR_VERSION, "x", *map(str, range(1, 10))])
states = st.none() | st.builds(
    PriorDocument,
    version=st.sampled_from([NO_PRIOR_VERSION, *map(str, range(1, 10))]),
    text=st.none() | st.just("{}"),
)


@given(published, marks, states, st.data())
def test_prior_version_is_never_an_own_one(
    versions: dict[int, bool], marked: str | None, known: PriorDocument | None, data: st.DataObject
) -> None:
    default = str(data.draw(st.sampled_from(sorted(versions))))
    found = prior_version(marked=marked, known=known, default=default, published=versions)
    # The state's is one of the document that it knew: its content is kept there.
    assert (
        found == NO_PRIOR_VERSION or not versions.get(int(found)) or (known and known.text and found == known.version)
    )


def test_prior_version_tag_and_state_naming_own_is_none() -> None:
    found = prior_version(marked="3", known=PriorDocument(version="3"), default="3", published={3: True})
    assert found == NO_PRIOR_VERSION


@given(st.integers(0, 4), st.integers(0, 4))
def test_prior_version_is_known_by_tag_or_state(theirs: int, ours: int) -> None:
    versions = dict(enumerate([False] * theirs + [True] * ours, 1))
    if not versions:
        return
    prior = str(theirs) if theirs else NO_PRIOR_VERSION
    known = PriorDocument(version=prior)
    for marked, state in itertools.product((prior, None), (known, None)):
        default = str(max(versions))
        found = prior_version(marked=marked, known=state, default=default, published=versions)
        assert found == prior
