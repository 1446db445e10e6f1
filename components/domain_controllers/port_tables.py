"""Port tables of the AWS post "Securely extend and access on-premises Active Directory domain controllers in AWS".

The tables are data (`tables/*.toml`), so that network engineers review them without Python. They are read here and
reduced to the ports that a profile and its options select.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from common.problems import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

DIRECTORY = Path(__file__).parent / "tables"

HIGHEST_PORT = 65535
ANY_PORT = -1
"""Port of protocols without ports, as EC2 returns it."""
_ECHO, _NO_PORTS = "echo request", "none"
ECHO_REQUEST = 8
"""ICMP type (RFC 792); ICMPv6 has 128 (RFC 4443)."""


class Profile(StrEnum):
    """Selection of rows."""

    POST = "post"
    """The rows of the post, unchanged."""
    MODERN = "modern"
    """Supported versions of Windows Server, according to Microsoft's reference."""
    NETBIOS = "netbios"
    """Supported versions, and trusts that require NetBIOS."""
    WINDOWS_SERVER_2025 = "windows-server-2025"
    """Forests whose controllers all run Windows Server 2025, administered over encrypted protocols."""


class Protocol(StrEnum):
    """Protocols, as EC2 names them."""

    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"
    ICMPV6 = "icmpv6"
    ESP = "50"
    """Encapsulating Security Payload of IPsec, which EC2 names by its number; it has no ports."""

    @property
    def display_name(self) -> str:
        """Return the name for people."""
        return "ESP (50)" if self is Protocol.ESP else self.upper()


class InvalidTableError(ValueError):
    """A port table is invalid; the message names the file and every invalid row."""


RowProtocol = Literal["TCP", "UDP", "TCP and UDP", "ICMP", "ESP"]
_STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a table, as in the source; the tables' files explain each key."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    protocol: RowProtocol
    port: str
    direction: Literal["Bi-directional", "Uni-directional"]
    use: str
    traffic: str
    profiles: tuple[Profile, ...]
    when: Literal["always", "dns", "ldaps", "icmpEcho", "ipsec", "wins"] = "always"
    rpc: Literal["no", "replaced", "replaced, files too", "dropped"] = "no"
    replies: Literal["ephemeral port", "same port"] = "ephemeral port"
    origin: Literal["post", "Microsoft", "settings"] = "post"
    microsoft: str = ""
    to: Literal["controllers", "endpoints", "resolvers", "timeSources"] = "controllers"

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Return one protocol per firewall rule of this row."""
        return tuple(Protocol[name] for name in self.protocol.split(" and "))

    @property
    def ports(self) -> tuple[int, int]:
        """Return the first and last port; for ICMP the type, twice."""
        if self.protocol == "ICMP":
            return ECHO_REQUEST, ECHO_REQUEST
        if self.port == _NO_PORTS:
            return ANY_PORT, ANY_PORT
        first, _, last = self.port.partition("-")
        return int(first), int(last or first)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A port table.

    Attributes:
        title: Title in the post.
        source: Side that connects.
        destination: Side that is connected to.
        sources: URLs of the pages that the rows come from.
        row: Rows in the order of the source.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    title: str
    source: str
    destination: str
    sources: tuple[str, ...]
    row: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """All tables."""

    controllers: Table
    clients: Table
    bastions: Table
    services: Table


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that select rows and ports.

    Attributes:
        profile: Selection of rows.
        ldaps: Whether LDAP over SSL is configured.
        dns: Whether controllers are DNS servers.
        icmp_echo: Whether controllers reply to pings.
        ipsec: Whether controllers protect the traffic among each other with IPsec.
        wins: Whether controllers are WINS servers.
        rpc_ports: Fixed ports, of replication and of Netlogon, instead of the dynamic RPC range; empty: the range.
        files_port: Additional fixed port of DFS Replication, which only controllers use; None: none.
    """

    profile: Profile = Profile.POST
    ldaps: bool = True
    dns: bool = True
    icmp_echo: bool = False
    ipsec: bool = False
    wins: bool = False
    rpc_ports: tuple[int, ...] = ()
    files_port: int | None = None


@dataclass(frozen=True, kw_only=True)
class Port:
    """Ports of a row for one protocol.

    Attributes:
        table: Name of the file without extension, `client_to_controller`.
        protocol: Protocol, as EC2 names it.
        first: First port; for ICMP the type.
        last: Last port.
        row: Row with the ports.
    """

    table: str
    protocol: Protocol
    first: int
    last: int
    row: Row

    @property
    def description(self) -> str:
        """Return the use, in the table's words."""
        return f"{self.row.use} ({self.row.traffic})" if self.row.use != self.row.traffic else self.row.use

    @property
    def origin(self) -> str:
        """Return the table and its row, `client_to_controller: TCP 636`."""
        return f"{self.table}: {self.row.protocol} {self.row.port}"


@cache
def load_tables() -> Tables:
    """Read the tables.

    Raises:
        InvalidTableError: A file is missing or invalid.
    """
    return Tables(
        controllers=read_table(DIRECTORY / "controller_to_controller.toml"),
        clients=read_table(DIRECTORY / "client_to_controller.toml"),
        bastions=read_table(DIRECTORY / "bastion_to_controller.toml"),
        services=read_table(DIRECTORY / "controller_to_services.toml"),
    )


def read_table(path: Path) -> Table:
    """Read one table.

    Raises:
        InvalidTableError: The file is missing or invalid.
    """
    # Imported with the first table: the policy pack starts without it, and most stacks have no domain controllers.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as missing:
        raise InvalidTableError(f"{path.name}: cannot be read: {missing.strerror}") from None
    except tomllib.TOMLDecodeError as wrong:
        raise InvalidTableError(f"{path.name}: is not valid TOML: {wrong}") from None
    try:
        # As JSON, in which strict types accept lists for tuples and texts for members.
        table = TypeAdapter(Table).validate_json(json.dumps(given, default=str))
    except ValidationError as invalid:
        lines = [_finding(error["loc"], error["type"], error["input"], error["msg"]) for error in invalid.errors()]
        raise InvalidTableError("\n".join(f"{path.name}: {line}" for line in lines)) from None
    empty = [f"{key}: expected at least one" for key in ("sources", "row") if not getattr(table, key)]
    wrong = [f"row {number}: {problem}" for number, row in enumerate(table.row, 1) if (problem := _odd(row))]
    if empty or wrong:
        raise InvalidTableError("\n".join(f"{path.name}: {line}" for line in (*empty, *wrong)))
    return table


_ALLOWED = {
    "protocol": "TCP, UDP, TCP and UDP, ICMP or ESP",
    "port": "a port from 0 to 65535, a range such as 49152-65535, echo request, or none",
    "direction": "Bi-directional or Uni-directional",
    "profiles": f"a list of {', '.join(Profile)}",
    "when": "dns, ldaps, icmpEcho, ipsec or wins; leave it out for always",
    "rpc": "replaced, or replaced, files too, or dropped",
    "replies": "same port",
    "origin": "post or Microsoft",
    "to": "endpoints, resolvers or timeSources",
}


def _finding(location: tuple[int | str, ...], kind: str, given: object, message: str) -> str:
    """Return the message for one error of pydantic; rows count from 1."""
    index = next((part for part in location if isinstance(part, int)), None)
    names = [part for part in location if isinstance(part, str) and part != "row"]
    key = names[0] if names else "row"
    where = key if index is None or location[0] != "row" else f"row {index + 1}: {key}"
    if kind == "unexpected_keyword_argument":
        return f"{where}: unknown key"
    allowed = _ALLOWED.get(key, "text" if "string" in kind or kind == "missing" else message)
    return (
        f"{where}: expected {allowed}, got none"
        if kind == "missing"
        else f"{where}: expected {allowed}, got {shown(given)}"
    )


def _odd(row: Row) -> str:
    """Return the error of a row with keys of the right types; empty: none."""
    for key, is_valid in (("port", _is_port(row.port)), ("profiles", bool(row.profiles))):
        if not is_valid:
            return f"{key}: expected {_ALLOWED[key]}, got {shown(getattr(row, key))}"
    for key in ("use", "traffic"):
        if not getattr(row, key):
            return f'{key}: expected text, got ""'
    for protocol, port in (("ICMP", _ECHO), ("ESP", _NO_PORTS)):
        if (row.protocol == protocol) != (row.port == port):
            return f"expected {port} for {protocol}, and for nothing else, got {row.protocol} with port {row.port}"
    if row.origin == "settings":
        return "expected the origin post or Microsoft, got settings"
    if row.rpc.startswith("replaced") and row.protocol != "TCP":
        return f"{row.protocol} cannot be replaced by a fixed RPC port, which is a TCP port"
    return ""


def _is_port(text: str) -> bool:
    if text in (_ECHO, _NO_PORTS):
        return True
    first, _, last = text.partition("-")
    if not (first.isdecimal() and (last or first).isdecimal()):
        return False
    low, high = int(first), int(last or first)
    return 0 <= low <= high <= HIGHEST_PORT and text in (f"{low}", f"{low}-{high}")


def ports(name: str, table: Table, options: Options, *, to: str = "controllers") -> tuple[Port, ...]:
    """Return the selected ports in the table's order, one per protocol; equal lines of the source stay separate.

    Args:
        name: Name of the table, for messages.
        table: Table with the rows.
        options: Profile and switches.
        to: Destination of the rows, for the table of services.
    """
    return tuple(
        Port(table=name, protocol=protocol, first=first, last=last, row=row)
        for row in table.row
        if row.to == to and _counts(row, options)
        for protocol in row.protocols
        for first, last in _ranges(row, options)
    )


def _counts(row: Row, options: Options) -> bool:
    switched = {
        "always": True,
        "dns": options.dns,
        "ldaps": options.ldaps,
        "icmpEcho": options.icmp_echo,
        "ipsec": options.ipsec,
        "wins": options.wins,
    }
    dropped = row.rpc == "dropped" and options.rpc_ports
    return options.profile in row.profiles and switched[row.when] and not dropped


def _ranges(row: Row, options: Options) -> tuple[tuple[int, int], ...]:
    if row.rpc.startswith("replaced") and options.rpc_ports:
        files = options.files_port if row.rpc.endswith("files too") else None
        return tuple((port, port) for port in (*options.rpc_ports, *([files] if files else ())))
    return (row.ports,)


DYNAMIC_RANGE = "49152-65535"
RPC = "rpc"
"""Name of a server's RPC in the settings: the endpoint mapper, and the dynamic range."""


def additional_ports(key: str, reason: str, texts: Sequence[str]) -> tuple[Port, ...]:
    """Return ports that the settings add to the tables.

    Args:
        key: Setting, which takes the place of the table's name: `additionalDestinations.siem`.
        reason: Reason, which takes the place of the use.
        texts: `tcp/443`, `udp/500-510`, `icmp` (echo requests), `esp` or `rpc`.
    """
    named = {RPC: (("TCP", "135"), ("TCP", DYNAMIC_RANGE)), "icmp": (("ICMP", _ECHO),), "esp": (("ESP", _NO_PORTS),)}
    rows = [
        Row(
            protocol=cast("RowProtocol", protocol.upper()),
            port=port,
            direction="Uni-directional",
            use=reason,
            traffic=reason,
            profiles=tuple(Profile),
            origin="settings",
        )
        for text in dict.fromkeys(texts)
        for protocol, port in named.get(text) or [tuple(text.split("/"))]
    ]
    return tuple(
        Port(table=key, protocol=row.protocols[0], first=row.ports[0], last=row.ports[1], row=row) for row in rows
    )
