"""Amazon EC2 as documented by AWS: groups, endpoints, prefix lists, ACLs, flow logs, instances and volumes."""

from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.responses import EC2Response
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from local.emulator.extension.images import add_images
from local.emulator.extension.instances import LocalInstances, LocalVolumes, apply_to_models
from local.emulator.extension.security_groups import LocalSecurityGroups, replace_in_moto
from local.emulator.extension.vpc import LocalFlowLogs, LocalNetworkAcls, LocalPrefixLists, LocalVpcEndpoints

_FORGOTTEN: Final = ("acl", "fl", "pl", "sg", "sgr", "vol")
"""Prefixes of the IDs of deleted resources whose tags moto keeps."""


def apply() -> None:
    """Correct models, and add images."""
    TaggedEC2Resource.get_tags = _tags_of
    replace_in_moto()
    apply_to_models()
    add_images()


def _tags_of(self: Any) -> list[dict[str, str]]:
    """Return the tags of one resource; moto searches those of all resources, for each resource of a list."""
    tags: dict[str, str] = self.ec2_backend.tags.get(self.id, {}) if self.id else {}
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "") if tags else ""
    return [{"resource_id": self.id, "key": key, "value": value, "resource_type": kind} for key, value in tags.items()]


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

    def describe_tags(self) -> ActionResult:
        """API_DescribeTags: no tags of a deleted resource.

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html: tags are deleted with their resource.
        """
        result = super().describe_tags()
        content: Any = result.result
        existing = self._existing()
        content["Tags"] = [
            each
            for each in content["Tags"]
            if each["resource_id"].partition("-")[0] not in _FORGOTTEN or each["resource_id"] in existing
        ]
        return result

    def _existing(self) -> set[str]:
        """Return the IDs of all resources of the types in `_FORGOTTEN`."""
        backend: Any = self.ec2_backend
        groups = [group for several in backend.groups.values() for group in several.values()]
        rules = [rule for group in groups for rule in (*group.ingress_rules, *group.egress_rules)]
        lists = (backend.network_acls, backend.flow_logs, backend.managed_prefix_lists, backend.volumes)
        return {each.id for each in (*groups, *rules)}.union(*lists)
