"""VPC endpoints as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/.
"""

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidParameter
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses.vpcs import VPCs
from moto.ec2.utils import random_private_ip

from local.emulator.extension.reported_states import as_reported

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
