"""The instance that a person means, in whichever of the stack's Regions it is."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.reading import Reader, Unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from operations.reading import Clients, Identity

_ID = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_NO_SUCH_ID = ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed")
_GONE = ("shutting-down", "terminated")
_RUNNING = "running"
_ONLINE = "Online"


class NoConnectionError(Exception):
    """There is no instance to connect to; the text is for the person at the terminal, with what to do about it."""


class UnreadInstanceError(NoConnectionError):
    """Whether there is such an instance cannot be read with the credentials at hand."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """An instance.

    Attributes:
        id: `i-...`.
        name: its Name tag; "": none.
        region: where it is.
        state: `running`, `stopped`, ...
    """

    id: str
    name: str
    region: str
    state: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id}, {self.region})" if self.name else f"{self.id} ({self.region})"


class Finder:
    """Looks in several Regions at once."""

    def __init__(self, clients: Clients, regions: Sequence[str], identity: Identity) -> None:
        """Makes a finder.

        Args:
            clients: to look with.
            regions: to look in.
            identity: whose account it is.
        """
        self._account_id = identity.account_id
        self._readers = {region: Reader(clients, region, identity.arn) for region in regions}

    def find(self, wanted: str) -> Instance:
        """The one instance with this id or Name tag that is not gone.

        Args:
            wanted: `i-...` or a name such as `DC1`.

        Raises:
            UnreadInstanceError: it cannot be read.
            NoConnectionError: there is none, or there are several.
        """
        with ThreadPoolExecutor() as pool:
            looking = {region: pool.submit(_look, reader, wanted) for region, reader in self._readers.items()}
        answers = {region: each.result() for region, each in looking.items()}
        found = [each for answer in answers.values() if not isinstance(answer, Unread) for each in answer]
        there = [each for each in found if each.state not in _GONE]
        if len(there) == 1:
            return there[0]
        if there:
            raise NoConnectionError(f"{wanted} is the name of {len(there)}: {_listed(there)}. Give an id.")
        unread = {region: each for region, each in answers.items() if isinstance(each, Unread)}
        if unread:
            raise UnreadInstanceError(
                "\n".join(
                    f"Whether {wanted} is in {region} cannot be told: {each.action}: {each.cause}; {each.remedy}"
                    for region, each in unread.items()
                )
            )
        where = f"account {self._account_id} in {' or '.join(self._readers)}"
        if found:
            raise NoConnectionError(f"{found[0]} is {found[0].state}, and there is no other {wanted} in {where}.")
        raise NoConnectionError(f"There is no instance {wanted} in {where}.")

    def problem(self, instance: Instance) -> str:
        """Why no session can be started on an instance, with what to do; "": nothing is known to be in the way."""
        if instance.state != _RUNNING:
            start = f"aws ec2 start-instances --instance-ids {instance.id} --region {instance.region}"
            return f"{instance} is {instance.state}. {f'Start it: {start}' if instance.state == 'stopped' else 'Wait for it'}"
        node = _node(self._readers[instance.region], instance.id)
        if isinstance(node, Unread):
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


def _look(reader: Reader, wanted: str) -> list[Instance] | Unread:
    if _ID.fullmatch(wanted):
        answer = reader.read("ec2", "describe_instances", absent=_NO_SUCH_ID, InstanceIds=[wanted])
    else:
        answer = reader.read("ec2", "describe_instances", Filters=[{"Name": "tag:Name", "Values": [wanted]}])
    if answer is None or isinstance(answer, Unread):
        return [] if answer is None else answer
    return [
        _instance(each, reader.region)
        for reservation in answer.get("Reservations", ())
        for each in reservation["Instances"]
    ]


def _instance(found: Mapping[str, Any], region: str) -> Instance:
    name = next((tag["Value"] for tag in found.get("Tags", ()) if tag["Key"] == "Name"), "")
    return Instance(id=found["InstanceId"], name=name, region=region, state=found["State"]["Name"])


def _node(reader: Reader, instance_id: str) -> Mapping[str, Any] | Unread | None:
    by_id = [{"Key": "InstanceIds", "Values": [instance_id]}]
    answer = reader.read("ssm", "describe_instance_information", Filters=by_id)
    if answer is None or isinstance(answer, Unread):
        return answer
    return next(iter(answer.get("InstanceInformationList", ())), None)


def _listed(instances: Sequence[Instance]) -> str:
    return ", ".join(map(str, instances))
