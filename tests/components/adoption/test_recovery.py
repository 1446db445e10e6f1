"""Resources that the state lacks, or has under another fixed name, are imported if the stack made them before."""

from typing import Any

import pulumi
import pytest

from components.adoption import recovery
from components.adoption.inventory import Existing
from components.adoption.owned_resources import OwnedResources
from components.adoption.recovery import Recovery
from components.adoption.resource_kinds import Kind

OWNER = "organization/shell-access/prod"
URN = "urn:pulumi:prod::shell-access::aws:s3/bucket:Bucket::records"
BUCKET = "aws:s3/bucket:Bucket"


def imported(monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], existing: set[str], bucket: str) -> str | None:
    """Return the import ID of a bucket in eu-west-1."""

    def find(kind: Kind, region: str, name: str) -> Existing | None:
        found = Existing(kind=kind, region=region, name=name, id=name, owner=OWNER)
        return found if name in existing else None

    def no_client(service: str, region: str) -> Any:
        raise AssertionError(service, region)

    monkeypatch.setattr(recovery, "state_outputs", lambda: state)
    monkeypatch.setattr(pulumi.runtime, "register_stack_transformation", lambda _: None)  # type: ignore[reportUnknownLambdaType]
    owned = OwnedResources(
        client=no_client,
        existing=find,
        owner=OWNER,
        partition="aws",
        account_id="123456789012",
        provider_region="eu-west-1",
        may_write=False,
    )
    made = Recovery(owner=OWNER, region="eu-west-1", owned=owned)
    made.begin()
    registered: Any = object()
    options = pulumi.ResourceOptions()
    properties = {"bucket": bucket, "region": "eu-west-1", "tags": {}}
    args = pulumi.ResourceTransformationArgs(registered, BUCKET, "records", properties, options)
    transformed = made.transformed(args)
    assert transformed is not None
    return transformed.opts.import_


def in_state(bucket: str) -> dict[str, Any]:
    return {URN: {"bucket": bucket, "region": "eu-west-1"}}


def test_missing_resource_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert imported(monkeypatch, {}, {"records-1"}, "records-1") == "records-1@eu-west-1"


def test_resource_in_state_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert imported(monkeypatch, in_state("records-1"), {"records-1"}, "records-1") is None


def test_former_name_of_renamed_resource_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    existing = {"records-1", "records-2"}
    assert imported(monkeypatch, in_state("records-2"), existing, "records-1") == "records-1@eu-west-1"


def test_new_name_of_renamed_resource_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    assert imported(monkeypatch, in_state("records-1"), {"records-1"}, "records-2") is None


def test_name_of_another_resource_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    state = in_state("records-2") | {f"{URN}-of-others": {"bucket": "records-1", "region": "eu-west-1"}}
    assert imported(monkeypatch, state, {"records-1", "records-2"}, "records-1") is None
