"""Changes of endpoints, security groups, prefix lists, network ACLs, flow logs and name resolution."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.engine.sabotages.sabotage import REFRESH, Live, Resource, Sabotage, Undo, deleted, do, policy_text
from tests.engine.sabotages.tags import ec2_tag


def endpoint(live: Live, each: Resource, change: dict[str, Any], back: Callable[[Resource], dict[str, Any]]) -> Undo:
    ec2 = live.aws("ec2", each.region)
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, **change)
    return lambda: ec2.modify_vpc_endpoint(VpcEndpointId=each.id, **back(each))


def endpoint_group(live: Live, each: Resource) -> Undo:
    ec2, own = live.aws("ec2", each.region), each.inputs["securityGroupIds"][0]
    by_vpc = [{"Name": "vpc-id", "Values": [each.inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    other = ec2.describe_security_groups(Filters=by_vpc)["SecurityGroups"][0]["GroupId"]
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, AddSecurityGroupIds=[other], RemoveSecurityGroupIds=[own])
    return lambda: ec2.modify_vpc_endpoint(
        VpcEndpointId=each.id, AddSecurityGroupIds=[own], RemoveSecurityGroupIds=[other]
    )


def endpoint_subnet(live: Live, each: Resource) -> Undo:
    ec2, subnet = live.aws("ec2", each.region), each.inputs["subnetIds"][:1]
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, RemoveSubnetIds=subnet)
    return lambda: ec2.modify_vpc_endpoint(VpcEndpointId=each.id, AddSubnetIds=subnet)


def endpoint_routes(live: Live, each: Resource) -> Undo:
    ec2, tables = live.aws("ec2", each.region), each.inputs["routeTableIds"]
    ec2.modify_vpc_endpoint(VpcEndpointId=each.id, RemoveRouteTableIds=tables)
    return lambda: ec2.modify_vpc_endpoint(VpcEndpointId=each.id, AddRouteTableIds=tables)


def group_rule(live: Live, each: Resource, **change: Any) -> Undo:
    ec2, inputs = live.aws("ec2", each.region), each.inputs
    before = {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": inputs.get("fromPort", -1),
        "ToPort": inputs.get("toPort", -1),
    }
    before |= {"Description": inputs["description"]}
    before |= {name: inputs[key] for key, name in PEERS.items() if inputs.get(key)}

    def put(content: dict[str, Any]) -> object:
        rules = [{"SecurityGroupRuleId": each.id, "SecurityGroupRule": content}]
        return ec2.modify_security_group_rules(GroupId=inputs["securityGroupId"], SecurityGroupRules=rules)

    put({**before, **change})
    return lambda: put(before)


PEERS = {"cidrIpv4": "CidrIpv4", "prefixListId": "PrefixListId", "referencedSecurityGroupId": "ReferencedGroupId"}


def other_list(live: Live, each: Resource) -> Undo:
    by_name = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{each.region}.dynamodb"]}]
    found = live.aws("ec2", each.region).describe_managed_prefix_lists(Filters=by_name)["PrefixLists"]
    return group_rule(live, each, PrefixListId=found[0]["PrefixListId"])


def other_group(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    (own,) = ec2.describe_security_groups(GroupIds=[each.inputs["securityGroupId"]])["SecurityGroups"]
    by_vpc = [{"Name": "vpc-id", "Values": [own["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    default = ec2.describe_security_groups(Filters=by_vpc)["SecurityGroups"][0]["GroupId"]
    return group_rule(live, each, ReferencedGroupId=default)


def foreign_rule(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    rdp = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    given = {"GroupId": each.id, "IpPermissions": [rdp]}
    ec2.authorize_security_group_ingress(**given)
    return lambda: ec2.revoke_security_group_ingress(**given)


def list_entry(live: Live, each: Resource) -> Undo:
    ec2, cidr = live.aws("ec2", each.region), "192.0.2.0/24"

    def modify(**change: Any) -> None:
        (found,) = ec2.describe_managed_prefix_lists(PrefixListIds=[each.id])["PrefixLists"]
        ec2.modify_managed_prefix_list(PrefixListId=each.id, CurrentVersion=found["Version"], **change)

    gone = each.inputs["entries"][0]
    modify(RemoveEntries=[{"Cidr": gone["cidr"]}], AddEntries=[{"Cidr": cidr, "Description": "x"}])
    back = {"Cidr": gone["cidr"], "Description": gone["description"]}
    return lambda: modify(RemoveEntries=[{"Cidr": cidr}], AddEntries=[back])


def list_size(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    modify = partial(ec2.modify_managed_prefix_list, PrefixListId=each.id)
    modify(MaxEntries=each.inputs["maxEntries"] - 1)  # more would exceed the quota of groups that refer to it
    return lambda: modify(MaxEntries=each.inputs["maxEntries"])


def acl_entry(live: Live, each: Resource, *, egress: bool) -> Undo:
    """Widen the first rule; there is no room for another one."""
    ec2 = live.aws("ec2", each.region)
    (acl,) = ec2.describe_network_acls(NetworkAclIds=[each.id])["NetworkAcls"]
    first = min((entry for entry in acl["Entries"] if entry["Egress"] is egress), key=lambda entry: entry["RuleNumber"])
    before = {key: first[key] for key in ("RuleNumber", "Protocol", "RuleAction", "Egress", "CidrBlock")}
    before |= {key: first[key] for key in ("PortRange", "IcmpTypeCode") if key in first}
    replace = partial(ec2.replace_network_acl_entry, NetworkAclId=each.id)
    replace(RuleNumber=first["RuleNumber"], Protocol="-1", RuleAction="allow", Egress=egress, CidrBlock="0.0.0.0/0")
    return lambda: replace(**before)


def acl_association(live: Live, each: Resource) -> Undo:
    ec2 = live.aws("ec2", each.region)
    (own,) = ec2.describe_network_acls(NetworkAclIds=[each.id])["NetworkAcls"]
    by_vpc = [{"Name": "vpc-id", "Values": [own["VpcId"]]}, {"Name": "default", "Values": ["true"]}]
    default = ec2.describe_network_acls(Filters=by_vpc)["NetworkAcls"][0]["NetworkAclId"]
    replace = ec2.replace_network_acl_association
    moved = replace(AssociationId=own["Associations"][0]["NetworkAclAssociationId"], NetworkAclId=default)
    return lambda: replace(AssociationId=moved["NewAssociationId"], NetworkAclId=each.id)


def resolver_rule(live: Live, each: Resource, **change: Any) -> Undo:
    resolver = live.aws("route53resolver", each.region)
    before = resolver.get_resolver_rule(ResolverRuleId=each.id)["ResolverRule"]
    config = {name: before[name] for name in ("Name", "ResolverEndpointId", "TargetIps")}
    resolver.update_resolver_rule(ResolverRuleId=each.id, Config=config | change)
    return lambda: resolver.update_resolver_rule(ResolverRuleId=each.id, Config=config)


def resolver_rule_disassociated(live: Live, each: Resource) -> None:
    inputs = each.inputs
    resolver = live.aws("route53resolver", each.region)
    resolver.disassociate_resolver_rule(ResolverRuleId=inputs["resolverRuleId"], VPCId=inputs["vpcId"])


def resolver_rule_associated(live: Live, each: Resource) -> Undo:
    """Associate the rule with the controllers' own VPC, where it would send their queries back to them."""
    by_name = [{"Name": "tag:Name", "Values": ["directory"]}]
    vpc = live.aws("ec2", each.region).describe_vpcs(Filters=by_name)["Vpcs"][0]["VpcId"]
    resolver, named = live.aws("route53resolver", each.region), {"ResolverRuleId": each.id, "VPCId": vpc}
    resolver.associate_resolver_rule(**named, Name="other")
    return lambda: resolver.disassociate_resolver_rule(**named)


def resolver_endpoint_renamed(live: Live, each: Resource) -> Undo:
    update = partial(live.aws("route53resolver", each.region).update_resolver_endpoint, ResolverEndpointId=each.id)
    update(Name="other")
    return lambda: update(Name=each.inputs["name"])


def shared_beside(live: Live, each: Resource) -> Undo:
    ram = live.aws("ram", each.region)
    named: dict[str, Any] = {"resourceShareArn": each.id, "principals": ["111122223333"]}
    ram.associate_resource_share(**named)
    return lambda: ram.disassociate_resource_share(**named)


def share(live: Live, each: Resource) -> Undo:
    ram, named = live.aws("ram", each.region), {"resourceShareArn": each.id, "name": each.inputs["name"]}
    ram.update_resource_share(**named, allowExternalPrincipals=True)
    return lambda: ram.update_resource_share(**named, allowExternalPrincipals=False)


def share_association(live: Live, each: Resource, parameter: str, source: str) -> Undo:
    ram, ends = live.aws("ram", each.region), {parameter: [each.inputs[source]]}
    named: dict[str, Any] = {"resourceShareArn": each.inputs["resourceShareArn"], **ends}
    ram.disassociate_resource_share(**named)
    return lambda: ram.associate_resource_share(**named)


def group_rule_revoked(live: Live, each: Resource) -> None:
    ec2, way = live.aws("ec2", each.region), "ingress" if "Ingress" in each.type else "egress"
    revoke = getattr(ec2, f"revoke_security_group_{way}")
    revoke(GroupId=each.inputs["securityGroupId"], SecurityGroupRuleIds=[each.id])


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage(
        "VpcEndpoint",
        "policy",
        do(
            endpoint,
            change={"PolicyDocument": policy_text()},
            back=lambda each: {"PolicyDocument": each.inputs["policy"]},
        ),
    ),
    Sabotage(
        "VpcEndpoint",
        "privateDnsEnabled",
        do(endpoint, change={"PrivateDnsEnabled": False}, back=lambda _: {"PrivateDnsEnabled": True}),
    ),
    Sabotage("VpcEndpoint", "securityGroupIds", endpoint_group),
    Sabotage("VpcEndpoint", "subnetIds", endpoint_subnet),
    Sabotage("VpcEndpoint", "routeTableIds", endpoint_routes, applies="-s3"),
    Sabotage("VpcEndpoint", "state", lambda live, each: live.report(each.id, State="rejected")),
    Sabotage("VpcEndpoint", "tags", ec2_tag, REFRESH),
    Sabotage("SecurityGroup", "rules", foreign_rule, also=("directory-traffic",)),
    Sabotage("SecurityGroup", "tags", ec2_tag, REFRESH),
    *(
        Sabotage(f"SecurityGroup{way}Rule", attribute, change, also=("directory-traffic",))
        for way in ("Ingress", "Egress")
        for attribute, change in (
            ("fromPort", do(group_rule, FromPort=1)),
            ("toPort", do(group_rule, ToPort=65534)),
            ("ipProtocol", do(group_rule, IpProtocol="-1", FromPort=-1, ToPort=-1)),
            ("cidrIpv4", do(group_rule, CidrIpv4="192.0.2.0/24")),
            ("prefixListId", other_list),
            ("referencedSecurityGroupId", other_group),
        )
    ),
    *(
        Sabotage(f"SecurityGroup{way}Rule", attribute, change, REFRESH)
        for way in ("Ingress", "Egress")
        for attribute, change in (("description", do(group_rule, Description="changed")), ("tags", ec2_tag))
    ),
    Sabotage("ManagedPrefixList", "entries", list_entry, also=("directory-traffic",)),
    Sabotage("ManagedPrefixList", "maxEntries", list_size),
    Sabotage("ManagedPrefixList", "tags", ec2_tag, REFRESH),
    Sabotage("NetworkAcl", "ingress", do(acl_entry, egress=False), "{}-rules", also=("directory-traffic",)),
    Sabotage("NetworkAcl", "egress", do(acl_entry, egress=True), "{}-rules", also=("directory-traffic",)),
    Sabotage("NetworkAcl", "subnetIds", acl_association, also=("directory-traffic",)),
    Sabotage("NetworkAcl", "tags", ec2_tag, REFRESH),
    Sabotage(
        "FlowLog",
        "delivery",
        lambda live, each: live.report(each.id, DeliverLogsStatus="FAILED", DeliverLogsErrorMessage="Access error"),
    ),
    Sabotage("FlowLog", "state", lambda live, each: live.report(each.id, FlowLogStatus="DELETING")),
    Sabotage("FlowLog", "trafficType", lambda live, each: live.report(each.id, TrafficType="REJECT")),
    Sabotage("FlowLog", "iamRoleArn", lambda live, each: live.report(each.id, DeliverLogsPermissionArn="arn:other")),
    Sabotage("FlowLog", "logDestination", lambda live, each: live.report(each.id, LogDestination="arn:other")),
    Sabotage("FlowLog", "tags", ec2_tag, REFRESH),
    Sabotage("ResolverEndpoint", "state", lambda live, each: live.report(each.id, Status="ACTION_NEEDED")),
    Sabotage("ResolverRule", "targetIps", do(resolver_rule, TargetIps=[{"Ip": "10.1.0.99", "Port": 53}])),
    Sabotage("ResolverRule", "resolverEndpointId", do(resolver_rule, ResolverEndpointId="rslvr-out-0")),
    Sabotage("ResolverRule", "VPCs", resolver_rule_associated),
    Sabotage(
        *("ResolverEndpoint", "name", resolver_endpoint_renamed),
        also=("directory-resolver-rule-*", "directory-traffic", "directory-group-*"),
    ),
    Sabotage("ResolverRule", "state", lambda live, each: live.report(each.id, Status="FAILED")),
    Sabotage("ResourceShare", "allowExternalPrincipals", share),
    Sabotage("ResourceShare", "principals", shared_beside),
    Sabotage(
        "ResourceAssociation", "resourceArn", do(share_association, parameter="resourceArns", source="resourceArn")
    ),
    Sabotage("PrincipalAssociation", "principal", do(share_association, parameter="principals", source="principal")),
)


DELETIONS: tuple[Sabotage, ...] = (
    Sabotage(
        "SecurityGroupIngressRule", "itself", group_rule_revoked, applies="-ingress-tcp-88-itself", also=("*-traffic",)
    ),
    Sabotage(
        "SecurityGroupEgressRule", "itself", group_rule_revoked, applies="-egress-tcp-135-itself", also=("*-traffic",)
    ),
    Sabotage("VpcEndpoint", "itself", deleted("ec2", "delete_vpc_endpoints", "VpcEndpointIds")),
    Sabotage("ResolverRuleAssociation", "itself", resolver_rule_disassociated),
    Sabotage("FlowLog", "itself", deleted("ec2", "delete_flow_logs", "FlowLogIds")),
)
