"""Documents (Terraform AWS provider: internal/service/ssm/document.go)."""

import hashlib
import json
from typing import Any

import pytest

from local.aws_provider.wire import UNKNOWN
from tests.local.aws_provider.conftest import refusals

document = "aws:ssm/document:Document"


def content(description: str = "d", version: str = "2.2") -> Any:
    if version == "1.2":
        return json.dumps({"schemaVersion": "1.2", "description": description, "runtimeConfig": {}})
    step = {"action": "aws:runShellScript", "name": "x", "inputs": {"runCommand": ["true"]}}
    return json.dumps({"schemaVersion": version, "description": description, "mainSteps": [step]})


def command(**change: Any) -> Any:
    return {"name": "doc", "documentType": "Command", "content": content(), **change}


test_document_refuses = refusals(
    document,
    command(),
    ({"documentFormat": "XML"}, "YAML"),
    ({"documentType": "Shell"}, "Automation.ChangeTemplate"),
    ({"name": "a b"}, "must hold only"),
    ({"name": "ab"}, "length"),
    ({"permissions": {"type": "Share"}}, "account_ids"),
    ({"permissions": {"type": "Give", "account_ids": "1"}}, "Share"),
)


def test_document_accepts_change_templates(provider: Any) -> None:
    assert provider.check(document, "d", command(documentType="Automation.ChangeTemplate"))


def test_outputs_of_a_new_document(provider: Any) -> None:
    made = provider.up(document, "d", command())
    assert (made.id, made["arn"]) == ("doc", "arn:aws:ssm:eu-west-1:123456789012:document/doc")
    assert (made["defaultVersion"], made["documentVersion"], made["latestVersion"]) == ("1", "1", "1")
    assert made["hash"] == hashlib.sha256(content().encode()).hexdigest()
    assert (made["schemaVersion"], made["status"], made["documentFormat"]) == ("2.2", "Active", "JSON")
    assert provider.unchanged(document, "d", command())


def test_update_makes_the_new_version_the_default(provider: Any, aws: Any) -> None:
    provider.up(document, "d", command())
    news = command(content=content("new"))
    planned = provider.preview(document, "d", news)
    assert {name for name, value in planned.items() if value is UNKNOWN} == {
        "defaultVersion",
        "documentVersion",
        "hash",
        "latestVersion",
        "parameters",
    }
    made = provider.up(document, "d", news)
    assert (made["defaultVersion"], made["latestVersion"]) == ("2", "2")
    assert aws("ssm").get_document(Name="doc")["Content"] == content("new")


def test_content_is_compared_byte_by_byte(provider: Any) -> None:
    provider.up(document, "d", command())
    indented = command(content=json.dumps(json.loads(content()), indent=1))
    assert list(provider.diff(document, "d", indented).diffs) == ["content"]


def test_duplicate_content_makes_the_latest_version_default(provider: Any) -> None:
    provider.up(document, "d", command())
    provider.up(document, "d", command(content=content("two")))
    made = provider.up(document, "d", command())
    assert made["defaultVersion"] == "2"


def test_only_the_name_replaces(provider: Any) -> None:
    provider.up(document, "d", command())
    news = command(name="other", documentType="Automation", documentFormat="YAML")
    answer = provider.diff(document, "d", news)
    assert set(answer.diffs) == {"name", "documentType", "documentFormat"}
    assert list(answer.replaces) == ["name"]
    assert answer.deleteBeforeReplace


def test_old_schema_with_the_same_content_calls_nothing(
    provider: Any, refusing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from local.aws_provider.aws import ProviderSession  # noqa: PLC0415

    provider.up(document, "d", command(content=content(version="1.2")))
    monkeypatch.setattr(ProviderSession, "request", refusing("UpdateDocument"))
    made = provider.up(document, "d", command(content=content(version="1.2"), documentFormat="YAML"))
    assert made["defaultVersion"] == "1"


def test_sharing_is_a_set_of_accounts(provider: Any, aws: Any) -> None:
    def shared(*accounts: Any) -> Any:
        return command(permissions={"type": "Share", "account_ids": ",".join(accounts)})

    def seen() -> Any:
        answer = aws("ssm").describe_document_permission(Name="doc", PermissionType="Share")
        return set(answer["AccountIds"])

    provider.up(document, "d", shared("111111111111", "222222222222"))
    assert not provider.diff(document, "d", shared("222222222222", "111111111111")).diffs
    provider.up(document, "d", shared("333333333333", "222222222222"))
    assert seen() == {"222222222222", "333333333333"}
    provider.up(document, "d", command())
    assert seen() == set()


def test_document_drift_is_read(provider: Any, aws: Any) -> None:
    provider.up(document, "d", command())
    aws("ssm").update_document(Name="doc", Content=content("by hand"), DocumentVersion="1")
    provider.refresh(document, "d")
    assert list(provider.diff(document, "d", command()).diffs) == ["content"]


def test_document_that_exists_is_an_error(provider: Any, aws: Any) -> None:
    aws("ssm").create_document(Name="doc", Content=content(), DocumentType="Command")
    with pytest.raises(Exception, match="ssm:CreateDocument failed with DocumentAlreadyExists"):
        provider.up(document, "d", command())


def test_document_deletion_is_read(provider: Any, aws: Any) -> None:
    provider.up(document, "d", command())
    aws("ssm").delete_document(Name="doc")
    assert provider.refresh(document, "d") is None
    provider.destroy(document, "d")


def test_tags_change_without_a_new_version(provider: Any) -> None:
    provider.up(document, "d", command(tags={"a": "b"}))
    made = provider.up(document, "d", command(tags={"c": "d"}))
    assert (made["tagsAll"], made["latestVersion"]) == ({"c": "d"}, "1")


def test_document_is_imported_by_name(provider: Any, aws: Any) -> None:
    aws("ssm").create_document(Name="doc", Content=content(), DocumentType="Command")
    taken = provider.take_over(document, "d", "doc")
    assert (taken.inputs["content"], taken.inputs["documentType"]) == (content(), "Command")
    assert not provider.diff(document, "d", command()).diffs
