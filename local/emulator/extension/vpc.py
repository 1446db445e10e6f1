"""VPC endpoints, network ACLs, managed prefix lists and flow logs as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/; error codes:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html; quotas of prefix lists:
https://docs.aws.amazon.com/vpc/latest/userguide/working-with-managed-prefix-lists.html. The codes of errors of prefix lists that
AWS does not list (reserved name, too many entries) are inferred.
"""

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import (
    DependencyViolationError,
    EC2ClientError,
    FlowLogAlreadyExists,
    InvalidNetworkAclIdError,
    InvalidParameter,
    InvalidParameterValue,
)
from moto.ec2.models.managed_prefixes import ManagedPrefixList
from moto.ec2.models.network_acls import NetworkAcl
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses.flow_logs import FlowLogs
from moto.ec2.responses.network_acls import NetworkACLs
from moto.ec2.responses.vpcs import VPCs
from moto.ec2.utils import random_private_ip

from local.emulator.extension.security_groups import check_quota
from local.emulator.extension.service_quotas import applied_quota
from local.emulator.settings import as_reported

INTERFACE = "Interface"
GATEWAY = "Gateway"


OFFERED = (
    "ec2",
    "ec2messages",
    "inspector2",
    "kms",
    "logs",
    "monitoring",
    "s3",
    "secretsmanager",
    "ssm",
    "ssmmessages",
    "sts",
)
"""Services with an interface endpoint, or a gateway endpoint for S3; AWS has many more."""

CHINA_PREFIXED = frozenset({"ec2", "monitoring", "sts"})
"""Services of these with names that begin with `cn.` in China: DescribeVpcEndpointServices there, aws/aws-cdk#25329."""


class LocalVpcEndpoints(VPCs):
    """moto's VPC endpoints with corrected creation checks, changes and deletion."""

    def create_vpc_endpoint(self) -> ActionResult:
        """API_CreateVpcEndpoint: type defaults to gateway; interface endpoints get private DNS and the default group.

        Private DNS requires both DNS attributes of the VPC, and only one endpoint per service and VPC can have it:
        https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
        """
        is_interface = self._get_param("VpcEndpointType", GATEWAY) == INTERFACE
        private_dns = is_interface and bool(self._get_bool_param("PrivateDnsEnabled", if_none=True))
        groups = self._get_param("SecurityGroupIds", [])
        self._check_groups(groups)
        if private_dns:
            self._check_private_dns(self._get_param("VpcId"), self._get_param("ServiceName"))
        result = super().create_vpc_endpoint()
        content: Any = result.result
        endpoint: VPCEndPoint = content["VpcEndpoint"]
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or GATEWAY
        endpoint.private_dns_enabled = private_dns
        default = self.ec2_backend.get_default_security_group(endpoint.vpc_id)
        if is_interface and not groups and default is not None:
            endpoint.security_group_ids = [default.id]
        return result

    def describe_vpc_endpoint_services(self) -> ActionResult:
        """API_DescribeVpcEndpointServices: the services above, by their names in the Region, in one page.

        Supports only the filters service-name and service-type.
        """
        details = [_service(self.region, name) for name in OFFERED]
        named = self._get_param("ServiceNames", [])
        known = {each["ServiceName"] for each in details}
        if set(named) - known:
            unknown = ", ".join(sorted(set(named) - known))
            raise EC2ClientError("InvalidServiceName", f"The Vpc Endpoint Service '{unknown}' does not exist")
        filters = {each["Name"]: each["Values"] for each in self._get_param("Filters", [])}
        found = [
            each
            for each in details
            if each["ServiceName"] in (named or known)
            and each["ServiceName"] in filters.get("service-name", known)
            and each["ServiceType"][0]["ServiceType"] in filters.get("service-type", (INTERFACE, GATEWAY))
        ]
        return ActionResult({"ServiceNames": [each["ServiceName"] for each in found], "ServiceDetails": found})

    def describe_vpc_endpoints(self) -> ActionResult:
        """API_DescribeVpcEndpoints, with the reported states."""
        content: Any = super().describe_vpc_endpoints().result
        return ActionResult({"VpcEndpoints": as_reported(content["VpcEndpoints"])})

    def modify_vpc_endpoint(self) -> ActionResult:
        """API_ModifyVpcEndpoint: changes private DNS, resets the policy, and updates interfaces and routes."""
        endpoint = self.ec2_backend.get_vpc_end_point(self._get_param("VpcEndpointId"))
        self._check_groups(self._get_param("AddSecurityGroupIds", []))
        private_dns = self._get_bool_param("PrivateDnsEnabled")
        if private_dns and not endpoint.private_dns_enabled:
            self._check_private_dns(endpoint.vpc_id, endpoint.service_name)
        self._move_interfaces(endpoint)
        self._move_routes(endpoint)
        result = super().modify_vpc_endpoint()
        if private_dns is not None:
            endpoint.private_dns_enabled = private_dns
        if self._get_bool_param("ResetPolicy"):
            endpoint.policy_document = json.dumps(VPCEndPoint.DEFAULT_POLICY)
        return result

    def delete_vpc_endpoints(self) -> ActionResult:
        """API_DeleteVpcEndpoints: returns the endpoints that could not be deleted; deletes the others at once."""
        unsuccessful: list[dict[str, Any]] = []
        for endpoint_id in self._get_param("VpcEndpointIds", []):
            try:
                self.ec2_backend.get_vpc_end_point(endpoint_id)
            except EC2ClientError as missing:
                error = {"Code": missing.code, "Message": missing.message}
                unsuccessful.append({"ResourceId": endpoint_id, "Error": error})
                continue
            self.ec2_backend.delete_vpc_endpoints(vpce_ids=[endpoint_id])
            del self.ec2_backend.vpc_end_points[endpoint_id]
        return ActionResult({"Unsuccessful": unsuccessful})

    def _move_interfaces(self, endpoint: VPCEndPoint) -> None:
        """Create a network interface in every added subnet, and delete those in removed subnets."""
        removed = self._get_param("RemoveSubnetIds", [])
        interfaces = {id_: self.ec2_backend.enis[id_] for id_ in endpoint.network_interface_ids}
        for id_, interface in interfaces.items():
            if interface.subnet.id in removed:
                del self.ec2_backend.enis[id_]
                endpoint.network_interface_ids.remove(id_)
        for subnet_id in self._get_param("AddSubnetIds", []):
            if subnet_id not in (endpoint.subnet_ids or []):
                self.ec2_backend.get_subnet(subnet_id)
                made = self.ec2_backend.create_network_interface(subnet_id, random_private_ip())
                endpoint.network_interface_ids.append(made.id)

    def _move_routes(self, endpoint: VPCEndPoint) -> None:
        """Create a route to the gateway in added route tables, and delete it in removed ones."""
        prefix_list = endpoint.destination_prefix_list_id
        if prefix_list is None:
            return
        for table in self._get_param("AddRouteTableIds", []):
            if table not in endpoint.route_table_ids:
                self.ec2_backend.create_route(
                    table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix_list
                )
        for table in self._get_param("RemoveRouteTableIds", []):
            if table in endpoint.route_table_ids:
                self.ec2_backend.delete_route(table, prefix_list)

    def _check_groups(self, group_ids: list[str]) -> None:
        for group_id in group_ids:
            if self.ec2_backend.get_security_group_from_id(group_id) is None:
                raise EC2ClientError(
                    "InvalidSecurityGroupID.NotFound", f"The security group '{group_id}' does not exist"
                )

    def _check_private_dns(self, vpc_id: str, service_name: str) -> None:
        vpc: Any = self.ec2_backend.get_vpc(vpc_id)
        if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
            raise InvalidParameter(
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes "
                f"set to true for {vpc_id}"
            )
        for other in self.ec2_backend.vpc_end_points.values():
            if other.vpc_id == vpc_id and other.service_name == service_name and other.private_dns_enabled:
                raise InvalidParameter(
                    "private-dns-enabled cannot be set because there is already a conflicting DNS domain "
                    f"for {service_name} in the VPC {vpc_id}"
                )


def _service(region: str, name: str) -> dict[str, Any]:
    prefix = "cn.com.amazonaws" if region.startswith("cn-") and name in CHINA_PREFIXED else "com.amazonaws"
    kind = GATEWAY if name == "s3" else INTERFACE
    return {
        "ServiceName": f"{prefix}.{region}.{name}",
        "ServiceType": [{"ServiceType": kind}],
        "Owner": "amazon",
        "AcceptanceRequired": False,
        "VpcEndpointPolicySupported": True,
    }


# network acls.


RULES_PER_DIRECTION = 20
"""https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls: per address family,
including the default deny rule.
"""
LAST_RULE = 32766
"""API_CreateNetworkAclEntry, RuleNumber; higher numbers are reserved by AWS."""
DENY_RULE = 32767
WITH_PORTS = ("6", "17")


class LocalNetworkAcls(NetworkACLs):
    """moto's network ACLs with corrected default rule, quota and errors."""

    def create_network_acl(self) -> ActionResult:
        """API_CreateNetworkAcl: denies all traffic until rules are added.

        https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html
        """
        result = super().create_network_acl()
        content: Any = result.result
        for egress in (True, False):
            self.ec2_backend.create_network_acl_entry(
                network_acl_id=content["NetworkAcl"].id,
                rule_number=DENY_RULE,
                protocol="-1",
                rule_action="deny",
                egress=egress,
                cidr_block="0.0.0.0/0",
                icmp_code=None,
                icmp_type=None,
                port_range_from=None,
                port_range_to=None,
                ipv6_cidr_block=None,
            )
        return result

    def create_network_acl_entry(self) -> ActionResult:
        """API_CreateNetworkAclEntry: 20 rules by default per direction and address family; ports and ICMP types by protocol."""
        acl = self._acl()
        number, egress = self._get_param("RuleNumber"), self._get_param("Egress")
        if not 1 <= number <= LAST_RULE:
            raise InvalidParameterValue(f"Value ({number}) for parameter ruleNumber is invalid.")
        own = [entry for entry in acl.entries if entry.egress == egress and entry.rule_number <= LAST_RULE]
        alike = [entry for entry in own if bool(entry.ipv6_cidr_block) == bool(self._get_param("Ipv6CidrBlock"))]
        if number not in {entry.rule_number for entry in own} and len(alike) + 1 >= self._quota():
            raise EC2ClientError(
                "NetworkAclEntryLimitExceeded",
                f"{acl.id} has {len(alike) + 1} rules in this direction, which is the quota.",
            )
        result = super().create_network_acl_entry()
        entry: Any = next(item for item in acl.entries if item.egress == egress and item.rule_number == number)
        if entry.protocol not in WITH_PORTS:
            entry.port_range_from = entry.port_range_to = None
        icmp = self._get_param("IcmpTypeCode", {})
        entry.icmp_type, entry.icmp_code = icmp.get("Type"), icmp.get("Code")
        return result

    def _quota(self) -> float:
        return applied_quota(self.current_account, self.region, "L-2AEEBF1A", RULES_PER_DIRECTION)

    def delete_network_acl_entry(self) -> ActionResult:
        """API_DeleteNetworkAclEntry; error codes, InvalidNetworkAclEntry.NotFound."""
        number, egress = self._get_param("RuleNumber"), self._get_param("Egress")
        if not any((entry.rule_number, entry.egress) == (number, egress) for entry in self._acl().entries):
            raise EC2ClientError(
                "InvalidNetworkAclEntry.NotFound", f"The network acl entry identified by {number} does not exist"
            )
        return super().delete_network_acl_entry()

    def describe_network_acls(self) -> ActionResult:
        """API_DescribeNetworkAcls; error codes, InvalidNetworkAclID.NotFound."""
        for id_ in self._get_param("NetworkAclIds", []):
            self.ec2_backend.get_network_acl(id_)
        return super().describe_network_acls()

    def delete_network_acl(self) -> ActionResult:
        """API_DeleteNetworkAcl: refuses the default network ACL."""
        acl = self._acl()
        if acl.default:
            raise InvalidParameterValue(f"cannot delete default network ACL {acl.id}")
        return super().delete_network_acl()

    def replace_network_acl_association(self) -> ActionResult:
        """API_ReplaceNetworkAclAssociation; error codes, InvalidAssociationID.NotFound."""
        id_ = self._get_param("AssociationId")
        known = {item.id for acl in self.ec2_backend.network_acls.values() for item in acl.associations}
        if id_ not in known:
            raise EC2ClientError("InvalidAssociationID.NotFound", f"The association ID '{id_}' does not exist")
        self._acl()
        return super().replace_network_acl_association()

    def _acl(self) -> NetworkAcl:
        id_ = self._get_param("NetworkAclId")
        found = self.ec2_backend.network_acls.get(id_)
        if found is None:
            raise InvalidNetworkAclIdError(id_)
        return found


# prefix lists.


AWS_OWNER = "AWS"
MOST_CHANGES = 100
"""API_ModifyManagedPrefixList, AddEntries and RemoveEntries: at most 100 items."""


class LocalPrefixLists(VPCs):
    """moto's prefix lists with corrected sizes, versions, changes and deletion."""

    def create_managed_prefix_list(self) -> ActionResult:
        """API_CreateManagedPrefixList: limits entries to the maximum, and refuses reserved names."""
        _check_name(self._get_param("PrefixListName"))
        _check_size(self._get_param("Entries", []), int(self._get_param("MaxEntries")))
        return super().create_managed_prefix_list()

    def describe_managed_prefix_lists(self) -> ActionResult:
        """API_DescribeManagedPrefixLists: an ID that does not exist is an error."""
        for id_ in self._get_param("PrefixListIds", []):
            self._list(id_)
        return super().describe_managed_prefix_lists()

    def get_managed_prefix_list_entries(self) -> ActionResult:
        """API_GetManagedPrefixListEntries: the list must exist."""
        self._list(self._get_param("PrefixListId"))
        return super().get_managed_prefix_list_entries()

    def modify_managed_prefix_list(self) -> ActionResult:
        """API_ModifyManagedPrefixList: changes entries of the current version, or the size, and the name.

        Changed entries create a version; a changed name or size does not.
        """
        found = self._list(self._get_param("PrefixListId"))
        if found.owner_id == AWS_OWNER:
            raise EC2ClientError("OperationNotPermitted", f"{found.id} is managed by AWS and cannot be modified.")
        name, size = self._get_param("PrefixListName"), self._get_param("MaxEntries")
        added, removed = self._get_param("AddEntries", []), self._get_param("RemoveEntries", [])
        if name is not None:
            _check_name(name)
        if size is not None:
            if added or removed:
                raise InvalidParameterValue(
                    "You cannot modify the entries of a prefix list and modify the size of a prefix list at the same time."
                )
            self._resize(found, int(size))
        if added or removed:
            _change_entries(found, added, removed, self._get_param("CurrentVersion"))
            found.state = "modify-complete"
        found.prefix_list_name = name or found.prefix_list_name
        return ActionResult({"PrefixList": found})

    def delete_managed_prefix_list(self) -> ActionResult:
        """API_DeleteManagedPrefixList: requires that no references exist; deletes the list at once."""
        found = self._list(self._get_param("PrefixListId"))
        if found.owner_id == AWS_OWNER:
            raise EC2ClientError("OperationNotPermitted", f"{found.id} is managed by AWS and cannot be deleted.")
        if self._groups_with(found.id) or self._is_routed(found.id):
            raise DependencyViolationError(f"The prefix list '{found.id}' has dependencies and cannot be deleted.")
        self.ec2_backend.delete_managed_prefix_list(found.id)
        del self.ec2_backend.managed_prefix_lists[found.id]
        return ActionResult({"PrefixList": found})

    def _list(self, id_: str) -> ManagedPrefixList:
        found = self.ec2_backend.managed_prefix_lists.get(id_)
        if found is None:
            raise EC2ClientError("InvalidPrefixListID.NotFound", f"The prefix list ID '{id_}' does not exist")
        return found

    def _resize(self, found: ManagedPrefixList, size: int) -> None:
        """API_ModifyManagedPrefixList, MaxEntries: the list's state is failed if a referring group is over quota."""
        _check_size(_entries(found), size)
        before, found.max_entries = found.max_entries, str(size)
        found.state, message = "modify-complete", None
        try:
            for group in self._groups_with(found.id):
                for rules in (group.ingress_rules, group.egress_rules):
                    check_quota(rules, self.ec2_backend)
        except EC2ClientError as refused:
            found.max_entries, found.state, message = before, "modify-failed", refused.message
        described: Any = found
        described.state_message = message

    def _groups_with(self, id_: str) -> list[Any]:
        groups = [group for of_vpc in self.ec2_backend.groups.values() for group in of_vpc.values()]
        return [
            group
            for group in groups
            if any(rule.prefix_list_id == id_ for rule in [*group.ingress_rules, *group.egress_rules])
        ]

    def _is_routed(self, id_: str) -> bool:
        tables = self.ec2_backend.route_tables.values()
        return any(route.destination_prefix_list_id == id_ for table in tables for route in table.routes)


def _entries(found: Any) -> list[dict[str, str]]:
    return list(found.entries.get(found.version) or [])


def _change_entries(
    found: Any, added: list[dict[str, str]], removed: list[dict[str, str]], version: int | str | None
) -> None:
    if version is None or int(version) != found.version:
        raise EC2ClientError(
            "PrefixListVersionMismatch", f"The prefix list has the version {found.version}, not the given {version}."
        )
    if max(len(added), len(removed)) > MOST_CHANGES:
        raise InvalidParameterValue(f"A request can add and remove {MOST_CHANGES} entries at most.")
    gone = {entry["Cidr"] for entry in removed}
    for entry in added:
        if entry["Cidr"] in gone:
            raise InvalidParameterValue(
                f"Request cannot contain Cidr {entry['Cidr']} in both AddPrefixListEntries and RemovePrefixListEntries"
            )
    new = {entry["Cidr"] for entry in added}
    kept = [entry for entry in _entries(found) if entry["Cidr"] not in gone | new]
    _check_size([*kept, *added], int(found.max_entries))
    found.version += 1
    found.entries[found.version] = [*kept, *added]


def _check_name(name: str) -> None:
    """API_CreateManagedPrefixList, PrefixListName: must not start with com.amazonaws."""
    if name.startswith("com.amazonaws"):
        raise InvalidParameterValue(f"The name of a prefix list must not begin with com.amazonaws: {name}")


def _check_size(entries: list[dict[str, str]], size: int) -> None:
    if len(entries) > size:
        raise EC2ClientError(
            "PrefixListMaxEntriesExceeded", f"The prefix list would have {len(entries)} entries, of {size} at most."
        )


# flow logs.


TO_LOGS = "cloud-watch-logs"
PLAIN = {"FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False}
"""Defaults of API_DestinationOptionsRequest."""


class LocalFlowLogs(FlowLogs):
    """moto's flow logs with destination options."""

    def create_flow_logs(self) -> ActionResult:
        """API_CreateFlowLogs: finds a log group by ARN too; files have a format."""
        self._refuse_duplicates()
        result = super().create_flow_logs()
        content: Any = result.result
        options = {**PLAIN, **self._get_param("DestinationOptions", {})}
        for id_ in content["FlowLogIds"]:
            made: Any = self.ec2_backend.flow_logs[id_]
            made.deliver_cross_account_role = self._get_param("DeliverCrossAccountRole")
            made.destination_options = options if made.log_destination_type == "s3" else None
            if made.log_destination_type == TO_LOGS:
                self._find_group(made)
        return result

    def describe_flow_logs(self) -> ActionResult:
        """API_DescribeFlowLogs, with the reported states."""
        content: Any = super().describe_flow_logs().result
        return ActionResult({"FlowLogs": as_reported(content["FlowLogs"])})

    def _refuse_duplicates(self) -> None:
        """API_CreateFlowLogs: moto compares a log group's name with an ARN, and so misses duplicates."""
        destination, resources = self._get_param("LogDestination"), self._get_param("ResourceIds", [])
        flow_logs: Any = self.ec2_backend.flow_logs
        if destination and any(
            each.resource_id in resources and each.log_destination == destination for each in flow_logs.values()
        ):
            raise FlowLogAlreadyExists

    def _find_group(self, made: Any) -> None:
        """API_FlowLog, deliverLogsStatus: depends on whether the group exists; moto finds it by name only."""
        from moto.logs.models import logs_backends  # noqa: PLC0415 (the service may never be called)

        name = made.log_group_name or str(made.log_destination).split(":log-group:")[-1]
        groups = logs_backends[self.current_account][self.region].groups
        made.log_group_name = name
        made.deliver_logs_status = "SUCCESS" if name in groups else "FAILED"
        made.deliver_logs_error_message = None if name in groups else "Access error"
