"""Lookup of an instance in the stack's Regions."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from common.aws.failures import MalformedAnswerError
from common.service_settings import customized_value
from components.nodes.names import HOST_MANAGEMENT_SETTING
from operations.errors import CommandError
from operations.inventory.network import FILTER_VALUES, filters, tag
from operations.inventory.reader import Reader, ReadError, ReadFailure, returns_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from common.aws.session import Clients
    from operations.inventory.reader import Answer, Identity

IPV4_VERSION = 4
_ID = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
NO_INSTANCE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
GONE = ("shutting-down", "terminated")
_RUNNING = "running"
_ONLINE = "Online"


class NoConnectionError(CommandError):
    """No instance to connect to; the text is for the operator and contains the remedy."""


class UnreadInstanceError(NoConnectionError):
    """Instance that cannot be read with the current credentials."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """EC2 instance.

    Attributes:
        id: ID of the instance (`i-...`).
        name: Name tag. Empty: none.
        state: State, such as `running` or `stopped`.
        address: Private IP address. Empty: none.
    """

    id: str
    name: str
    region: str
    state: str
    address: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.id}, {self.region})" if self.name else f"{self.id} ({self.region})"


def why_undetermined(named: str, found: Iterable[str], unread: Iterable[tuple[str, ReadFailure]]) -> str:
    """Return why a name cannot select one node; empty: all Regions were read.

    `found` are descriptions of the nodes that it matches in other Regions.
    """
    lines = [
        f"Cannot determine whether {named} is in {region}: {why.explanation}; {why.remedy}" for region, why in unread
    ]
    if lines:
        lines += [f"It matches {each}. To select this one, specify its ID" for each in found]
    return "\n".join(lines)


class Finder:
    """Lookup in several Regions at the same time."""

    def __init__(self, clients: Clients, regions: Sequence[str], identity: Identity) -> None:
        """Initialize the finder."""
        self._account_id = identity.account_id
        self._readers = {region: Reader(clients, region, identity.arn) for region in regions}

    def online(self) -> list[Instance]:
        """Return the running instances whose agents respond, sorted by name.

        Raises:
            NoConnectionError: There are none, or a Region cannot be read.
        """
        with ThreadPoolExecutor() as pool:
            answers = dict(zip(self._readers, pool.map(_online, self._readers.values()), strict=True))
        for region, each in answers.items():
            if isinstance(each, ReadFailure):
                raise UnreadInstanceError(
                    f"The instances in {region} cannot be listed: {each.explanation}; {each.remedy}"
                )
        found = [each for answer in answers.values() if not isinstance(answer, ReadFailure) for each in answer]
        if not found:
            where = f"account {self._account_id} in {' or '.join(self._readers)}"
            raise NoConnectionError(f"There is no instance whose agent responds in {where}.")
        return sorted(found, key=lambda each: (each.name, each.id))

    def find(self, name_or_id: str) -> Instance:
        """Return the only instance with this ID, Name tag, private IP address or DNS name that is not terminated.

        Args:
            name_or_id: ID of the instance (`i-...`), its Name tag, such as `DC1`, an address or a DNS name.

        Raises:
            UnreadInstanceError: The instance cannot be read.
            NoConnectionError: No instance or several instances match.
        """
        with ThreadPoolExecutor() as pool:
            looking = {region: pool.submit(_look, reader, name_or_id) for region, reader in self._readers.items()}
        answers = {region: each.result() for region, each in looking.items()}
        found = [each for answer in answers.values() if not isinstance(answer, ReadFailure) for each in answer]
        there = [each for each in found if each.state not in GONE]
        unread = {region: each for region, each in answers.items() if isinstance(each, ReadFailure)}
        is_id = bool(_ID.fullmatch(name_or_id))
        if len(there) == 1 and (is_id or not unread):
            return there[0]
        if len(there) > 1:
            raise NoConnectionError(f"{name_or_id} matches {len(there)} instances: {_listed(there)}. Specify an ID.")
        if unread:
            raise UnreadInstanceError(why_undetermined(name_or_id, map(str, there), unread.items()))
        where = f"account {self._account_id} in {' or '.join(self._readers)}"
        if found:
            raise NoConnectionError(f"{found[0]} is {found[0].state}, and there is no other {name_or_id} in {where}.")
        raise NoConnectionError(f"There is no instance {name_or_id} in {where}.")

    def problem(self, instance: Instance) -> str:
        """Return the reason why no session can start on an instance, with the remedy. Empty: no obstacle is known."""
        if instance.state != _RUNNING:
            start = f"aws ec2 start-instances --instance-ids {instance.id} --region {instance.region}"
            return f"{instance} is {instance.state}. {f'Start it: {start}' if instance.state == 'stopped' else 'Wait for it'}"
        node = read_node(self._readers[instance.region], instance.id)
        if isinstance(node, ReadFailure):
            return ""
        if node is None:
            return (
                f"{instance} is not managed by Systems Manager. It needs SSM Agent, an instance profile that lets "
                "the agent in, and a way to the endpoints ssm, ssmmessages and ec2messages"
            )
        if node["PingStatus"] != _ONLINE:
            return (
                f"{instance} is managed by Systems Manager, but the agent does not respond ({node['PingStatus']}, last "
                f"ping {node.get('LastPingDateTime', 'never')}). Check SSM Agent and its network path to the endpoints"
            )
        return ""


@returns_failure
def _look(reader: Reader, name_or_id: str) -> list[Instance]:
    found: dict[str, Instance] = {}
    for chosen in _selections(name_or_id):
        answer = reader.find("ec2", "describe_instances", absent=NO_INSTANCE, **chosen) or {}
        for reservation in answer.get("Reservations", ()):
            found |= {each["InstanceId"]: _instance(each, reader.region) for each in reservation["Instances"]}
    return list(found.values())


def _selections(name_or_id: str) -> list[dict[str, Any]]:
    """Return the parameters of each search that a text may match."""
    if _ID.fullmatch(name_or_id):
        return [{"InstanceIds": [name_or_id]}]
    names = ["tag:Name"]
    try:
        version = ip_address(name_or_id).version
        names.append(
            "private-ip-address" if version == IPV4_VERSION else "network-interface.ipv6-addresses.ipv6-address"
        )
    except ValueError:
        names += ["private-dns-name", "dns-name"] if "." in name_or_id else []
    return [{"Filters": [{"Name": name, "Values": [name_or_id]}]} for name in names]


@returns_failure
def _online(reader: Reader) -> list[Instance]:
    running = [{"Name": "instance-state-name", "Values": [_RUNNING]}]
    reservations = reader.items("ec2", "describe_instances", "Reservations", Filters=running)
    nodes = reader.items("ssm", "describe_instance_information", "InstanceInformationList")
    ids = {each["InstanceId"] for each in nodes if each["PingStatus"] == _ONLINE}
    instances = [_instance(each, reader.region) for reservation in reservations for each in reservation["Instances"]]
    return [each for each in instances if each.id in ids]


def _instance(found: Answer, region: str) -> Instance:
    return Instance(
        id=found["InstanceId"],
        name=tag(found, "Name"),
        region=region,
        state=found["State"]["Name"],
        address=found.get("PrivateIpAddress", ""),
    )


@returns_failure
def read_node(reader: Reader, node_id: str) -> Answer | None:
    """Read a node in the format of Systems Manager; None: it is not managed."""
    by_id = [{"Key": "InstanceIds", "Values": [node_id]}]
    listed = reader.items("ssm", "describe_instance_information", "InstanceInformationList", Filters=by_id)
    return next(iter(listed), None)


@returns_failure
def read_host_role(reader: Reader) -> str | None:
    """Read the role of Default Host Management Configuration, with its path; None: none is set."""
    absent = ("ServiceSettingNotFound",)
    answer = reader.find("ssm", "get_service_setting", absent, SettingId=HOST_MANAGEMENT_SETTING)
    try:
        return customized_value(answer["ServiceSetting"]) if answer else None
    except MalformedAnswerError as failed:
        raise ReadError(reader.unread("ssm:GetServiceSetting", failed)) from None


def read_names(reader: Reader, ids: Sequence[str]) -> tuple[dict[str, str], ReadFailure | None]:
    """Return the Name tags of EC2 instances by ID, and why they cannot all be read; None: they can."""
    names: dict[str, str] = {}
    for start in range(0, len(ids), FILTER_VALUES):
        # A filter, as an ID that does not exist any more would be an error.
        chosen = filters(instance_id=ids[start : start + FILTER_VALUES])
        answer = reader.read("ec2", "describe_instances", Filters=chosen) or {}
        if isinstance(answer, ReadFailure):
            return names, answer
        for each in (instance for found in answer.get("Reservations", ()) for instance in found["Instances"]):
            names |= {each["InstanceId"]: tag(each, "Name")} if tag(each, "Name") else {}
    return names, None


def _listed(instances: Sequence[Instance]) -> str:
    return ", ".join(map(str, instances))
