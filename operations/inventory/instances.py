"""Lookup of an instance in the stack's Regions."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.inventory.reader import Reader, ReadFailure, returns_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from operations.inventory.reader import Answer, Clients, Identity


_ID = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
NO_INSTANCE = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
GONE = ("shutting-down", "terminated")
_RUNNING = "running"
_ONLINE = "Online"


class NoConnectionError(Exception):
    """No instance to connect to; the text is for the operator and contains the remedy."""


class UnreadInstanceError(NoConnectionError):
    """Instance that cannot be read with the current credentials."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """EC2 instance.

    Attributes:
        id: ID of the instance (`i-...`).
        name: Name tag. Empty: none.
        region: Region of the instance.
        state: State, such as `running` or `stopped`.
    """

    id: str
    name: str
    region: str
    state: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id}, {self.region})" if self.name else f"{self.id} ({self.region})"


class Finder:
    """Lookup in several Regions at the same time."""

    def __init__(self, clients: Clients, regions: Sequence[str], identity: Identity) -> None:
        """Initialize the finder.

        Args:
            clients: Clients for the calls.
            regions: Regions to search.
            identity: Caller, and its account.
        """
        self._account_id = identity.account_id
        self._readers = {region: Reader(clients, region, identity.arn) for region in regions}

    def find(self, name_or_id: str) -> Instance:
        """Return the only instance with this ID or Name tag that is not terminated.

        Args:
            name_or_id: ID of the instance (`i-...`) or its Name tag, such as `DC1`.

        Raises:
            UnreadInstanceError: The instance cannot be read.
            NoConnectionError: No instance or several instances match.
        """
        with ThreadPoolExecutor() as pool:
            looking = {region: pool.submit(_look, reader, name_or_id) for region, reader in self._readers.items()}
        answers = {region: each.result() for region, each in looking.items()}
        found = [each for answer in answers.values() if not isinstance(answer, ReadFailure) for each in answer]
        there = [each for each in found if each.state not in GONE]
        if len(there) == 1:
            return there[0]
        if there:
            raise NoConnectionError(f"{name_or_id} is the name of {len(there)}: {_listed(there)}. Give an id.")
        unread = {region: each for region, each in answers.items() if isinstance(each, ReadFailure)}
        if unread:
            raise UnreadInstanceError(
                "\n".join(
                    f"Cannot determine whether {name_or_id} is in {region}: {each.action}: {each.cause}; {each.remedy}"
                    for region, each in unread.items()
                )
            )
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
                f"{instance} is not managed by Systems Manager. It needs the SSM Agent, an instance profile that lets "
                "the agent in, and a way to the endpoints ssm, ssmmessages and ec2messages"
            )
        if node["PingStatus"] != _ONLINE:
            return (
                f"{instance} is managed by Systems Manager, yet its agent does not answer ({node['PingStatus']}, last "
                f"heard of {node.get('LastPingDateTime', 'never')}). See to the SSM Agent and its way to the endpoints"
            )
        return ""


@returns_failure
def _look(reader: Reader, name_or_id: str) -> list[Instance]:
    by_name: dict[str, Any] = {"Filters": [{"Name": "tag:Name", "Values": [name_or_id]}]}
    chosen = {"InstanceIds": [name_or_id]} if _ID.fullmatch(name_or_id) else by_name
    answer = reader.find("ec2", "describe_instances", absent=NO_INSTANCE, **chosen) or {}
    return [
        _instance(each, reader.region)
        for reservation in answer.get("Reservations", ())
        for each in reservation["Instances"]
    ]


def _instance(found: Answer, region: str) -> Instance:
    name = next((tag["Value"] for tag in found.get("Tags", ()) if tag["Key"] == "Name"), "")
    return Instance(id=found["InstanceId"], name=name, region=region, state=found["State"]["Name"])


@returns_failure
def read_node(reader: Reader, node_id: str) -> Answer | None:
    """Read a node in the format of Systems Manager; None: it is not managed.

    Args:
        reader: Reader of the Region.
        node_id: ID of the node (`i-...` or `mi-...`).
    """
    by_id = [{"Key": "InstanceIds", "Values": [node_id]}]
    listed = reader.items("ssm", "describe_instance_information", "InstanceInformationList", Filters=by_id)
    return next(iter(listed), None)


def _listed(instances: Sequence[Instance]) -> str:
    return ", ".join(map(str, instances))
