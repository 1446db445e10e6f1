"""Amazon EC2 as documented by AWS: groups, endpoints, prefix lists, ACLs, flow logs, instances and volumes."""

from moto.ec2.responses import EC2Response

from local.emulator.extension.flow_logs import LocalFlowLogs
from local.emulator.extension.images import add_images
from local.emulator.extension.instances import LocalInstances, apply_to_models
from local.emulator.extension.network_acls import LocalNetworkAcls
from local.emulator.extension.prefix_lists import LocalPrefixLists
from local.emulator.extension.security_group_rules import replace_in_moto
from local.emulator.extension.security_groups import LocalSecurityGroups
from local.emulator.extension.volumes import LocalVolumes
from local.emulator.extension.vpc_endpoints import LocalVpcEndpoints


def apply() -> None:
    """Correct models, and add images."""
    replace_in_moto()
    apply_to_models()
    add_images()


class LocalCompute(
    LocalVolumes,
    LocalInstances,
    LocalNetworkAcls,
    LocalSecurityGroups,
    LocalFlowLogs,
    LocalVpcEndpoints,
    LocalPrefixLists,
    EC2Response,
):
    """moto's Amazon EC2 with the extended actions."""
