"""Prefix lists (Terraform AWS provider: internal/service/ec2/vpc_managed_prefix_list.go)."""

from typing import Any

import pytest

from tests.local.aws_provider.conftest import refusals

token = "aws:ec2/managedPrefixList:ManagedPrefixList"
one, two = {"cidr": "10.0.0.0/16", "description": "one"}, {"cidr": "10.1.0.0/16", "description": "two"}


def given(*entries: dict[str, str], **change: Any) -> dict[str, Any]:
    return {"name": "clients", "addressFamily": "IPv4", "maxEntries": 5, "entries": list(entries), **change}


def entries(aws: Any, made: Any) -> dict[str, str]:
    found = aws("ec2").get_managed_prefix_list_entries(PrefixListId=made.id)["Entries"]
    return {item["Cidr"]: item.get("Description", "") for item in found}


test_list_refuses = refusals(
    token,
    given(one),
    ({"addressFamily": "ipv4"}, "IPv4"),
    ({"maxEntries": 0}, "range"),
    ({"entries": [{"cidr": "10.0.0.0"}]}, "not a valid CIDR block"),
    ({"entries": [{"cidr": "10.0.0.0/16", "description": "d" * 256}]}, "length"),
    ({"maxEntries": None}, "maxEntries: missing"),
)


def test_outputs_of_a_list(provider: Any) -> None:
    made = provider.up(token, "l", given(one, two, tags={"a": "b"}))
    assert made.id.startswith("pl-")
    assert made["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:prefix-list/{made.id}"
    assert (made["ownerId"], made["version"]) == ("123456789012", 1)
    assert provider.unchanged(token, "l", given(two, one, tags={"a": "b"}))


def test_name_is_made_of_the_logical_name(provider: Any) -> None:
    made = provider.up(token, "clients", {"addressFamily": "IPv4", "maxEntries": 1})
    assert made["name"].startswith("clients-")


def test_entries_and_the_name_change_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(token, "l", given(one))
    assert list(provider.diff(token, "l", given(two, name="other")).replaces) == []
    changed = provider.up(token, "l", given(two, name="other"))
    assert (changed.id, changed["version"], changed["name"]) == (made.id, 2, "other")
    assert entries(aws, made) == {"10.1.0.0/16": "two"}


def test_another_description_takes_two_versions(provider: Any, aws: Any) -> None:
    made = provider.up(token, "l", given(one, two))
    changed = provider.up(token, "l", given({**one, "description": "new"}, two))
    assert changed["version"] == 3
    assert entries(aws, made) == {"10.0.0.0/16": "new", "10.1.0.0/16": "two"}


def test_version_is_unknown_while_entries_change(provider: Any) -> None:
    provider.up(token, "l", given(one))
    assert repr(provider.preview(token, "l", given(two))["version"]) == "UNKNOWN"
    assert provider.preview(token, "l", given(one, name="other"))["version"] == 1


def test_prefix_list_grows_before_and_shrinks_after_entries(provider: Any, aws: Any) -> None:
    made = provider.up(token, "l", given(one, maxEntries=1))
    provider.up(token, "l", given(one, two, maxEntries=2))
    assert len(entries(aws, made)) == 2
    provider.up(token, "l", given(two, maxEntries=1))
    assert entries(aws, made) == {"10.1.0.0/16": "two"}
    assert provider.unchanged(token, "l", given(two, maxEntries=1))


def test_size_that_a_group_has_no_room_for_is_an_error(provider: Any, aws: Any) -> None:
    made = provider.up(token, "l", given(one))
    group = aws("ec2").create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": made.id}]}
    aws("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    with pytest.raises(Exception, match="ModifyManagedPrefixList failed with modify-failed"):
        provider.up(token, "l", given(one, maxEntries=61))


def test_address_family_alone_replaces(provider: Any) -> None:
    provider.up(token, "l", given(one))
    answer = provider.diff(token, "l", given({"cidr": "fd00::/8"}, addressFamily="IPv6"))
    assert list(answer.replaces) == ["addressFamily"]
    assert answer.deleteBeforeReplace


def test_prefix_list_leaves_unset_entries_alone(provider: Any, aws: Any) -> None:
    bare = {"name": "clients", "addressFamily": "IPv4", "maxEntries": 5}
    made = provider.up(token, "l", bare)
    aws("ec2").modify_managed_prefix_list(PrefixListId=made.id, CurrentVersion=1, AddEntries=[{"Cidr": "10.9.0.0/16"}])
    assert provider.unchanged(token, "l", bare)


def test_list_in_use_is_not_deleted(provider: Any, aws: Any) -> None:
    made = provider.up(token, "l", given(one))
    group = aws("ec2").create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": made.id}]}
    aws("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    old = provider.state[token, "l"]
    with pytest.raises(Exception, match="DependencyViolation"):
        provider.destroy(token, "l")
    aws("ec2").delete_security_group(GroupId=group)
    provider.state[token, "l"] = old
    provider.destroy(token, "l")
    assert provider.take_over(token, "m", made.id) is None


def test_prefix_list_deletion_is_read(provider: Any, aws: Any) -> None:
    made = provider.up(token, "l", given(one))
    aws("ec2").delete_managed_prefix_list(PrefixListId=made.id)
    assert provider.refresh(token, "l") is None
    provider.destroy(token, "l")


def test_list_is_imported_by_id(provider: Any) -> None:
    made = provider.up(token, "l", given(one, two))
    assert provider.take_over(token, "m", made.id).inputs["maxEntries"] == 5
    assert not provider.diff(token, "m", given(one, two)).diffs
