"""Actions of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/, named in each test."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def made(ec2: Any) -> Any:
    request = {"PrefixListName": "clients", "AddressFamily": "IPv4", "MaxEntries": 2}
    return ec2.create_managed_prefix_list(**request, Entries=[{"Cidr": "10.0.0.0/16"}])["PrefixList"]["PrefixListId"]


def described(ec2: Any, list_id: str) -> Any:
    return ec2.describe_managed_prefix_lists(PrefixListIds=[list_id])["PrefixLists"][0]


def test_entries_make_a_new_version_and_a_name_does_not(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList."""
    ec2.modify_managed_prefix_list(PrefixListId=made, PrefixListName="others")
    assert (described(ec2, made)["PrefixListName"], described(ec2, made)["Version"]) == ("others", 1)
    ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, AddEntries=[{"Cidr": "10.1.0.0/16"}])
    assert (described(ec2, made)["PrefixListName"], described(ec2, made)["Version"]) == ("others", 2)
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=made)["Entries"]
    assert [item["Cidr"] for item in entries] == ["10.0.0.0/16", "10.1.0.0/16"]


def test_another_version_than_the_current_one_is_refused(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList: "the request fails"."""
    with pytest.raises(ClientError, match="PrefixListVersionMismatch"):
        ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=2, AddEntries=[{"Cidr": "10.1.0.0/16"}])


def test_entries_and_size_are_not_changed_at_once(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList, MaxEntries."""
    with pytest.raises(ClientError, match="at the same time"):
        ec2.modify_managed_prefix_list(
            PrefixListId=made, CurrentVersion=1, MaxEntries=3, AddEntries=[{"Cidr": "10.1.0.0/16"}]
        )
    ec2.modify_managed_prefix_list(PrefixListId=made, MaxEntries=3)
    assert (described(ec2, made)["MaxEntries"], described(ec2, made)["Version"]) == (3, 1)


def test_address_is_not_added_and_removed_at_once(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList, as the Terraform provider quotes the answer."""
    entry = {"Cidr": "10.0.0.0/16"}
    with pytest.raises(ClientError, match="in both AddPrefixListEntries and RemovePrefixListEntries"):
        ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, AddEntries=[entry], RemoveEntries=[entry])


def test_there_are_not_more_entries_than_the_size(ec2: Any, made: str) -> None:
    """API_CreateManagedPrefixList and API_ModifyManagedPrefixList, MaxEntries."""
    more = [{"Cidr": f"10.{number}.0.0/16"} for number in (1, 2)]
    with pytest.raises(ClientError, match="PrefixListMaxEntriesExceeded"):
        ec2.modify_managed_prefix_list(PrefixListId=made, CurrentVersion=1, AddEntries=more)
    with pytest.raises(ClientError, match="PrefixListMaxEntriesExceeded"):
        ec2.create_managed_prefix_list(PrefixListName="l", AddressFamily="IPv4", MaxEntries=1, Entries=more)


def test_size_that_a_group_has_no_room_for_fails_in_the_state(ec2: Any, made: str) -> None:
    """API_ModifyManagedPrefixList, MaxEntries: "the modify operation fails", see the state message."""
    group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "PrefixListIds": [{"PrefixListId": made}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    ec2.modify_managed_prefix_list(PrefixListId=made, MaxEntries=61)
    found = described(ec2, made)
    assert (found["State"], found["MaxEntries"]) == ("modify-failed", 2)
    assert found["StateMessage"]
    ec2.modify_managed_prefix_list(PrefixListId=made, MaxEntries=60)
    assert (described(ec2, made)["State"], described(ec2, made)["MaxEntries"]) == ("modify-complete", 60)


def test_list_that_is_referred_to_is_not_deleted(ec2: Any, made: str) -> None:
    """API_DeleteManagedPrefixList: references go first (the code is inferred)."""
    group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
    rule = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": made}]}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_managed_prefix_list(PrefixListId=made)
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[rule])
    ec2.delete_managed_prefix_list(PrefixListId=made)
    for call in (ec2.delete_managed_prefix_list, ec2.get_managed_prefix_list_entries):
        with pytest.raises(ClientError, match=r"InvalidPrefixListID\.NotFound"):
            call(PrefixListId=made)
    with pytest.raises(ClientError, match=r"InvalidPrefixListID\.NotFound"):
        described(ec2, made)


def test_lists_of_aws_belong_to_aws(ec2: Any) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html"""
    by_name = [{"Name": "prefix-list-name", "Values": ["com.amazonaws.eu-west-1.s3"]}]
    (found,) = ec2.describe_managed_prefix_lists(Filters=by_name)["PrefixLists"]
    assert found["OwnerId"] == "AWS"
    for call in (ec2.modify_managed_prefix_list, ec2.delete_managed_prefix_list):
        with pytest.raises(ClientError, match="OperationNotPermitted"):
            call(PrefixListId=found["PrefixListId"])
    with pytest.raises(ClientError, match=r"com\.amazonaws"):
        ec2.create_managed_prefix_list(PrefixListName="com.amazonaws.own", AddressFamily="IPv4", MaxEntries=1)
