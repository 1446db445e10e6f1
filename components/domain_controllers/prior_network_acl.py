"""Record of the network ACL that a subnet had before the stack, which it gets back when it leaves the stack.

The AWS provider associates the subnets of a deleted network ACL with the default one of the VPC, which usually permits all
traffic. The record is registered before the stack's network ACL, so that the engine deletes it afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.dynamic_provider import AwsResourceProvider, log
from components.adoption.inventory import only_one, tags_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import pulumi

Properties = dict[str, Any]

_FIXED: Final = ("region", "subnetId")
_DEFAULT: Final = ""
"""Record of a subnet with the default network ACL of its VPC, or with that of a stack of this program."""
_NOT_FOUND: Final = "InvalidNetworkAclID.NotFound"
"""Error code of Amazon EC2 for a network ACL that does not exist (Amazon EC2 API reference, Error codes)."""


class PriorNetworkAclProvider(AwsResourceProvider):
    """Records the network ACL of a subnet, and associates the subnet with it again."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        """Report the network ACL that will be replaced."""
        if not _olds.get("subnetId"):
            prior = self._prior(news)
            if prior != _DEFAULT:
                log(f"The {_shown(news)} has the network ACL {prior}. It is replaced, and restored by destroy.")
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Compare the subnet: that of another one is recorded anew; a record is never updated."""
        moved = [name for name in _FIXED if _olds.get(name) != _news.get(name)]
        return DiffResult(changes=bool(moved), replaces=moved)

    def create(self, props: Properties) -> CreateResult:
        """Record the network ACL."""
        return CreateResult(f"{props['region']}/{props['subnetId']}", {**props, "prior": self._prior(props)})

    def delete(self, _id: str, _props: Properties) -> None:
        """Associate the subnet with the recorded network ACL, unless another principal has associated it with one."""
        prior = _props.get("prior") or _DEFAULT
        if prior == _DEFAULT:
            return
        with self._calling(_props) as ec2:
            now = _acl_of(ec2, _props["subnetId"])
            if not now["IsDefault"]:
                log(f"The {_shown(_props)} has the network ACL {now['NetworkAclId']}, which is not changed.")
                return
            (own,) = (each for each in now["Associations"] if each["SubnetId"] == _props["subnetId"])
            try:
                ec2.replace_network_acl_association(AssociationId=own["NetworkAclAssociationId"], NetworkAclId=prior)
            except ec2.exceptions.ClientError as failed:
                if failed.response["Error"]["Code"] != _NOT_FOUND:
                    raise
                log(f"The {_shown(_props)} keeps the default network ACL: {prior}, its previous one, no longer exists.")

    def _prior(self, props: Properties) -> str:
        with self._calling(props) as ec2:
            found = _acl_of(ec2, props["subnetId"])
        is_ours = OWNER_TAG in tags_of(found.get("Tags", []))
        return _DEFAULT if is_ours or found["IsDefault"] else str(found["NetworkAclId"])

    def _calling(self, props: Properties) -> AbstractContextManager[Any]:
        return self.calling(f"the network ACL of {_shown(props)}", "ec2", props["region"])


def _acl_of(ec2: Any, subnet: str) -> Mapping[str, Any]:
    of_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
    return only_one(ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"], "DescribeNetworkAcls")


def _shown(props: Properties) -> str:
    return f"subnet {props['subnetId']} in {props['region']}"


class PriorNetworkAcl(Resource, module="ec2", name="PriorNetworkAcl"):
    """Network ACL that a subnet had before the stack."""

    def __init__(self, name: str, *, region: str, subnet_id: str, opts: pulumi.ResourceOptions) -> None:
        """Register the record."""
        properties = {"region": region, "subnetId": subnet_id, "prior": None}
        super().__init__(PriorNetworkAclProvider(), name, properties, opts)
