"""Resources that the state lacks, or has under another fixed name, are imported if the stack made them before.

A network ACL gets its subnets again that a run which did not complete has moved to its successor.
"""

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pulumi
import pytest

from common.aws.arns import Scope
from components.adoption import recovery
from components.adoption.document_ownership import OWNER_TAG
from components.adoption.inventory import Existing
from components.adoption.owned_resources import OwnedResources
from components.adoption.recovery import Recovery
from components.adoption.resource_kinds import Kind

OWNER = "organization/shell-access/prod"
URN = "urn:pulumi:prod::shell-access::aws:s3/bucket:Bucket::records"
BUCKET = "aws:s3/bucket:Bucket"
ACL_URN = "urn:pulumi:prod::shell-access::aws:ec2/networkAcl:NetworkAcl::acl-"


def registered(  # noqa: PLR0913 -- a resource and what exists
    monkeypatch: pytest.MonkeyPatch,
    state: dict[str, Any],
    existing: set[str],
    token: str,
    name: str,
    *,
    client: Callable[[str, str], Any] | None = None,
    **properties: Any,
) -> pulumi.ResourceOptions:
    """Return the options of a resource in eu-west-1."""

    def find(kind: Kind, region: str, name: str) -> Existing | None:
        found = Existing(kind=kind, region=region, name=name, id=name, owner=OWNER)
        return found if name in existing else None

    def no_client(service: str, region: str) -> Any:
        raise AssertionError(service, region)

    monkeypatch.setattr(recovery, "state_outputs", lambda: state)
    monkeypatch.setattr(pulumi.runtime, "register_stack_transformation", lambda _: None)  # type: ignore[reportUnknownLambdaType]
    owned = OwnedResources(
        client=client or no_client,
        existing=find,
        owner=OWNER,
        scope=Scope(partition="aws", account_id="123456789012", region="eu-west-1"),
        may_write=True,
    )
    made = Recovery(owner=OWNER, region="eu-west-1", owned=owned)
    made.begin()
    made_up: Any = object()
    properties = {**properties, "region": "eu-west-1", "tags": {}}
    transformed = made.transformed(
        pulumi.ResourceTransformationArgs(made_up, token, name, properties, pulumi.ResourceOptions())
    )
    assert transformed is not None
    return transformed.opts


def imported(monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], existing: set[str], bucket: str) -> str | None:
    """Return the import ID of a bucket."""
    return registered(monkeypatch, state, existing, BUCKET, "records", bucket=bucket).import_


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


@pytest.mark.parametrize("owner", [OWNER, "organization/shell-access/other", None])
def test_acl_with_successor_gets_its_subnets(monkeypatch: pytest.MonkeyPatch, owner: str | None) -> None:
    """The state does not have the successor, if the run was killed."""

    def acl(name: str, *subnets: str) -> dict[str, Any]:
        return {f"{ACL_URN}{name}": {"arn": f"arn:aws:ec2:::network-acl/acl-{name}", "subnetIds": list(subnets)}}

    def live(name: str, owner: str | None, *subnets: str) -> dict[str, Any]:
        tags = [{"Key": OWNER_TAG, "Value": owner}] if owner else []
        return {"NetworkAclId": f"acl-{name}", "Tags": tags, "Associations": [association(each) for each in subnets]}

    ec2 = Mock()
    ec2.describe_network_acls.return_value = {
        "NetworkAcls": [live("first", OWNER, "subnet-b"), live("next", owner, "subnet-a", "subnet-other")]
    }
    state = acl("first", "subnet-a", "subnet-b") | acl("of-another-site", "subnet-z")
    registered(
        monkeypatch, state, set(), "aws:ec2/networkAcl:NetworkAcl", "acl-first", client=lambda _service, _region: ec2
    )
    returned = [each.kwargs for each in ec2.replace_network_acl_association.call_args_list]
    expected = [{"AssociationId": "association-of-subnet-a", "NetworkAclId": "acl-first"}]
    assert returned == (expected if owner == OWNER else [])


def association(subnet: str) -> dict[str, str]:
    return {"SubnetId": subnet, "NetworkAclAssociationId": f"association-of-{subnet}"}
