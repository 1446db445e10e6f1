"""Subnets get the network ACL back that they had before the stack."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from common.aws.failures import ResourceError
from common.aws.session import AwsClients
from components.adoption.document_ownership import OWNER_TAG
from components.domain_controllers.prior_network_acl import PriorNetworkAclProvider
from tests.components.providers import with_clients


@dataclass
class Site:
    """A VPC with one subnet."""

    ec2: Any
    vpc: str
    subnet: str

    @property
    def props(self) -> dict[str, Any]:
        return {"region": "eu-west-1", "subnetId": self.subnet}

    @property
    def live(self) -> dict[str, Any]:
        of_subnet = [{"Name": "association.subnet-id", "Values": [self.subnet]}]
        (acl,) = self.ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"]
        return acl

    def use(self, acl: str) -> str:
        (own,) = (each for each in self.live["Associations"] if each["SubnetId"] == self.subnet)
        self.ec2.replace_network_acl_association(AssociationId=own["NetworkAclAssociationId"], NetworkAclId=acl)
        return acl

    def new_acl(self, **tags: str) -> str:
        acl = self.ec2.create_network_acl(VpcId=self.vpc)["NetworkAcl"]["NetworkAclId"]
        if tags:
            self.ec2.create_tags(Resources=[acl], Tags=[{"Key": key, "Value": tags[key]} for key in tags])
        return acl


@pytest.fixture
def provider(clients: AwsClients) -> PriorNetworkAclProvider:
    return with_clients(PriorNetworkAclProvider(), clients)


@pytest.fixture
def site(client: Callable[..., Any]) -> Site:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return Site(ec2, vpc, ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"])


def test_prior_acl_is_restored(
    provider: PriorNetworkAclProvider, site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    default = site.live["NetworkAclId"]
    prior = site.use(site.new_acl())
    provider.check({}, site.props)
    assert f"has the network ACL {prior}. It is replaced, and restored by destroy." in capfd.readouterr().err
    made = provider.create(site.props)
    site.use(site.new_acl())
    site.use(default)  # as the AWS provider does
    provider.delete(made.id, made.outs or {})
    assert site.live["NetworkAclId"] == prior


@pytest.mark.parametrize("tags", [None, {OWNER_TAG: "organization/shell-access/prod"}])
def test_default_acl_and_that_of_a_stack_are_no_prior_ones(
    provider: PriorNetworkAclProvider, site: Site, tags: dict[str, str] | None, capfd: pytest.CaptureFixture[str]
) -> None:
    default = site.live["NetworkAclId"]
    if tags:
        site.use(site.new_acl(**tags))
    provider.check({}, site.props)
    made = provider.create(site.props)
    site.use(default)
    provider.delete(made.id, made.outs or {})
    assert site.live["NetworkAclId"] == default
    assert capfd.readouterr().err == ""


def test_acl_of_another_principal_is_kept(
    provider: PriorNetworkAclProvider, site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    site.use(site.new_acl())
    made = provider.create(site.props)
    theirs = site.use(site.new_acl())
    provider.delete(made.id, made.outs or {})
    assert site.live["NetworkAclId"] == theirs
    assert f"has the network ACL {theirs}, which is not changed." in capfd.readouterr().err


def test_deleted_acl_is_reported(
    provider: PriorNetworkAclProvider, site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    default = site.live["NetworkAclId"]
    prior = site.use(site.new_acl())
    made = provider.create(site.props)
    site.use(default)
    site.ec2.delete_network_acl(NetworkAclId=prior)
    provider.delete(made.id, made.outs or {})
    assert site.live["NetworkAclId"] == default
    assert f"{prior}, its previous one, no longer exists." in capfd.readouterr().err


def test_subnet_without_an_answer_is_an_error(provider: PriorNetworkAclProvider, site: Site) -> None:
    with pytest.raises(ResourceError, match="subnet-0123456789abcdef0"):
        provider.create({**site.props, "subnetId": "subnet-0123456789abcdef0"})


def test_only_another_subnet_replaces_the_record(provider: PriorNetworkAclProvider, site: Site) -> None:
    old = {**site.props, "prior": "acl-1"}
    assert not provider.diff("", old, site.props).changes
    assert provider.diff("", old, {**site.props, "subnetId": "subnet-2"}).replaces == ["subnetId"]
