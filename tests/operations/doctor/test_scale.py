"""Thousands of nodes: what they share is read once, whatever their number."""

from collections import Counter
from dataclasses import replace
from typing import Any

from components.session_manager.settings import SessionManagerSettings
from operations.audit.organization import Organization
from operations.deployment import Deployment
from operations.doctor.evaluation import evaluate
from operations.doctor.findings import Verdict
from operations.doctor.node_reader import RegionReader
from operations.doctor.reachability import to_public
from operations.inventory.network import VpcFacts
from operations.inventory.reader import Reader
from tests.operations.doctor.plain_facts import SETTINGS, acl_entry, facts, healthy, open_acl, rule
from tests.operations.doctor.plain_world import ACCOUNT, REGION

NUMBER = 3000
VPCS = 10


class Crowd(Reader):
    """Reader of nodes and roles: thousands of nodes that share networks, and nothing else."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def read(self, _service: str, operation: str, *_: Any, **_arguments: Any) -> dict[str, Any] | None:
        self.calls[operation] += 1
        if operation == "describe_instances":
            return {"Reservations": [{"Instances": [_instance(number) for number in range(NUMBER)]}]}
        if operation == "describe_instance_information":
            listed = [{"InstanceId": _id(number), "PingStatus": "Online"} for number in range(NUMBER)]
            return {"InstanceInformationList": listed}
        return None

    def organization(self) -> Organization:
        return Organization()

    def of_profile(self, _arn: str) -> None:
        return None


def _id(number: int) -> str:
    return f"i-{number:017x}"


def _instance(number: int) -> dict[str, Any]:
    return {
        "InstanceId": _id(number),
        "State": {"Name": "running"},
        "VpcId": f"vpc-{number % VPCS}",
        "SubnetId": f"subnet-{number % VPCS}",
        "PrivateIpAddress": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
    }


def test_calls_grow_with_networks_and_not_with_nodes() -> None:
    crowd: Any = Crowd()
    deployment = Deployment(
        stack="dev",
        account_id=ACCOUNT,
        region=REGION,
        session_manager=SessionManagerSettings.model_validate(SETTINGS),
    )
    reader = RegionReader(crowd, deployment, crowd)
    nodes = [reader.facts(*each) for each in reader.nodes()]
    assert len(nodes) == NUMBER
    assert {each.network.vpc_id for each in nodes if isinstance(each.network, VpcFacts)} == {
        f"vpc-{number}" for number in range(VPCS)
    }
    assert crowd.calls["describe_instances"] == crowd.calls["describe_instance_information"] == 1
    assert crowd.calls["describe_vpc_endpoints"] == VPCS
    assert sum(crowd.calls.values()) < 20 * VPCS
    assert evaluate(nodes[0]).verdict is Verdict.NOT_READY


def test_internet_reachability_is_cached_per_groups_and_subnet() -> None:
    plain = healthy()
    plain.endpoints, plain.default_route = [], "nat-1"
    plain.rules += [rule("sg-node", f"{number}.0.0.0/16", egress=True) for number in range(20, 60)]
    plain.acls["subnet-a"] = [
        *(
            acl_entry(number, f"{number}.0.0.0/16", egress=False, ports=(1024, 60000 + number))
            for number in range(20, 60)
        ),
        *open_acl(),
    ]
    node = facts(plain)
    to_public.cache_clear()
    for number in range(50):
        assert evaluate(replace(node, id=_id(number))).verdict is Verdict.READY
    assert to_public.cache_info().misses == 2, "of the node's subnet, and of the NAT gateway's"
