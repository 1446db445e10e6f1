"""The Elastic Compute Cloud's networks as AWS documents them: security groups and VPC endpoints."""

from moto.ec2 import urls
from moto.ec2.responses import EC2Response

from local.emulator.extension.security_group_rules import replace_in_moto
from local.emulator.extension.security_groups import LocalSecurityGroups
from local.emulator.extension.vpc_endpoints import LocalVpcEndpoints


def apply() -> None:
    """Puts the extended Elastic Compute Cloud in place of moto's."""
    replace_in_moto()
    urls.url_paths["{0}/"] = LocalCompute.dispatch


class LocalCompute(LocalSecurityGroups, LocalVpcEndpoints, EC2Response):
    """moto's Elastic Compute Cloud with ours in front."""
