"""Network ACLs as documented by AWS.

API_… pages: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/; error codes:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidNetworkAclIdError, InvalidParameterValue
from moto.ec2.models.network_acls import NetworkAcl
from moto.ec2.responses.network_acls import NetworkACLs

from local.emulator.extension.service_quotas import applied_quota

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
