"""Lookup functions of security groups and prefix lists.

Source: Terraform AWS provider, `vpc_security_group_data_source.go` and `vpc_managed_prefix_list_data_source.go`.
"""

from local.aws_provider.aws import Aws
from local.aws_provider.model import Function, text
from local.aws_provider.tags import from_pairs
from local.aws_provider.types import ec2_common
from local.aws_provider.types.managed_prefix_lists import entries_of
from local.aws_provider.types.network_lookups import single
from local.aws_provider.wire import Values


def _get_security_group(aws: Aws, given: Values) -> Values:
    wanted = ec2_common.filters(given, group_name=given.get("name"), vpc_id=given.get("vpcId"))
    ids = [given["id"]] if given.get("id") else None
    found = aws.pages("DescribeSecurityGroups", "SecurityGroups", GroupIds=ids, Filters=wanted)
    group = single(found, "Security Group", "Security Groups")
    group_id = group["GroupId"]
    return {
        "arn": ec2_common.arn(aws, f"security-group/{group_id}", group.get("OwnerId")),
        "description": group.get("Description", ""),
        "filters": given.get("filters"),
        "id": group_id,
        "name": group["GroupName"],
        "tags": from_pairs(group.get("Tags")),
        "vpcId": group.get("VpcId", ""),
    }


def _get_managed_prefix_list(aws: Aws, given: Values) -> Values:
    wanted = ec2_common.filters(given, prefix_list_name=given.get("name"))
    ids = [given["id"]] if given.get("id") else None
    found = aws.pages("DescribeManagedPrefixLists", "PrefixLists", PrefixListIds=ids, Filters=wanted)
    listed = single(found, "Managed Prefix List", "Managed Prefix Lists")
    list_id = listed["PrefixListId"]
    return {
        "addressFamily": listed.get("AddressFamily", ""),
        "arn": listed["PrefixListArn"],
        "entries": entries_of(aws, list_id),
        "filters": given.get("filters"),
        "id": list_id,
        "maxEntries": listed.get("MaxEntries", 0),
        "name": listed["PrefixListName"],
        "ownerId": listed["OwnerId"],
        "tags": from_pairs(listed.get("Tags")),
        "version": listed.get("Version", 0),
    }


FUNCTIONS = (
    Function(
        name="aws:ec2/getSecurityGroup:getSecurityGroup",
        service="ec2",
        inputs={**ec2_common.filter_inputs, **{name: text() for name in ("id", "name", "vpcId")}},
        calls=("DescribeSecurityGroups",),
        run=_get_security_group,
    ),
    Function(
        name="aws:ec2/getManagedPrefixList:getManagedPrefixList",
        service="ec2",
        inputs={**ec2_common.filter_inputs, "id": text(), "name": text()},
        calls=("DescribeManagedPrefixLists", "GetManagedPrefixListEntries"),
        run=_get_managed_prefix_list,
    ),
)
