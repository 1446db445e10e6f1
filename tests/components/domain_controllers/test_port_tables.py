"""The tables are the post's, and what is wrong with one is said clearly."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from components.domain_controllers.port_tables import (
    DIRECTORY,
    InvalidTableError,
    Options,
    Port,
    Profile,
    Table,
    load_tables,
    ports,
    read_table,
)

if TYPE_CHECKING:
    from pathlib import Path

TABLES = load_tables()
ROW = {
    "protocol": "TCP",
    "port": "389",
    "direction": "Uni-directional",
    "use": "LDAP",
    "traffic": "Directory",
    "profiles": ["post"],
}


def lines(table: Table, **options: Any) -> set[str]:
    found: list[Port] = list(ports("t", table, Options(**options)))
    return {f"{each.protocol} {each.first}" + (f"-{each.last}" if each.last != each.first else "") for each in found}


def test_rows_of_the_post_stand_in_its_order_and_words() -> None:
    said = [
        (row.protocol, row.port, row.direction, row.use, row.traffic)
        for row in TABLES.bastions.row
        if row.origin == "post"
    ]
    assert said == [
        ("TCP", "443", "Uni-directional", "TPKT Remote Protocol", "Gateway access"),
        ("UDP", "3389", "Uni-directional", "TPKT", "Remote Desktop Protocol"),
        ("TCP", "3389", "Uni-directional", "WS-Man", "Remote Desktop Protocol"),
        ("TCP", "5985", "Bi-directional", "HTTPS", "Windows Remote Management (WinRM)"),
        ("TCP", "5985", "Bi-directional", "WS-Man", "Windows Remote Management (WinRM)"),
    ]


@pytest.mark.parametrize(
    ("table", "rows"),
    [(TABLES.controllers, 17), (TABLES.clients, 18), (TABLES.bastions, 5)],
    ids=lambda each: str(each)[:20],
)
def test_as_many_rows_as_the_post_has(table: Table, rows: int) -> None:
    assert len([row for row in table.row if row.origin == "post"]) == rows
    assert all(Profile.POST in row.profiles for row in table.row if row.origin == "post")


@pytest.mark.parametrize("table", [TABLES.controllers, TABLES.clients])
def test_where_the_post_and_microsoft_differ_the_row_says_why(table: Table) -> None:
    differing = [row for row in table.row if len(row.profiles) < 3 or row.when != "always"]
    assert [row.port for row in differing if not row.microsoft] == []


def test_modern_omits_ports_of_old_servers_and_netbios() -> None:
    assert lines(TABLES.controllers) - lines(TABLES.controllers, profile=Profile.MODERN) == {
        *("tcp 139", "tcp 5722", "udp 137", "udp 138", "udp 445", "udp 49152-65535"),
    }
    assert lines(TABLES.controllers, profile=Profile.MODERN) < lines(TABLES.controllers)


def test_windows_server_2025_has_no_netbios_and_no_http() -> None:
    for table in (TABLES.controllers, TABLES.clients):
        assert lines(table, profile=Profile.WINDOWS_SERVER_2025) == lines(table, profile=Profile.MODERN)
    gone = lines(TABLES.bastions, profile=Profile.MODERN) - lines(TABLES.bastions, profile=Profile.WINDOWS_SERVER_2025)
    assert gone == {"tcp 5985"}
    assert not lines(TABLES.clients, profile=Profile.WINDOWS_SERVER_2025, wins=True) & {"udp 137", "tcp 42"}


@pytest.mark.parametrize("profile", [each for each in Profile if each is not Profile.WINDOWS_SERVER_2025])
def test_wins_and_ipsec_add_their_rows(profile: Profile) -> None:
    between = lines(TABLES.controllers, profile=profile)
    assert lines(TABLES.controllers, profile=profile, ipsec=True) - between == {"udp 500", "udp 4500", "50 -1"}
    assert lines(TABLES.clients, profile=profile, ipsec=True) == lines(TABLES.clients, profile=profile)
    wins = lines(TABLES.controllers, profile=profile, wins=True)
    assert wins - between - {"udp 137"} == {"tcp 42", "udp 42"}
    assert "udp 137" in wins & lines(TABLES.clients, profile=profile, wins=True)


def test_bastion_rows_with_a_wrong_label_say_so() -> None:
    labels = {(row.port, row.use) for row in TABLES.bastions.row if row.origin == "post" and row.microsoft}
    assert len(labels) == 5


def test_netbios_is_modern_with_three_ports() -> None:
    for table in (TABLES.controllers, TABLES.clients):
        more = lines(table, profile=Profile.NETBIOS) - lines(table, profile=Profile.MODERN)
        assert more == {"udp 137", "udp 138", "tcp 139"}


@pytest.mark.parametrize("table", [TABLES.controllers, TABLES.clients])
@pytest.mark.parametrize("profile", Profile)
def test_options_take_away_and_add_their_rows_only(table: Table, profile: Profile) -> None:
    every = lines(table, profile=profile)
    assert every - lines(table, profile=profile, ldaps=False) == {"tcp 636", "tcp 3269"}
    assert every - lines(table, profile=profile, dns=False) == {"tcp 53", "udp 53"}
    assert lines(table, profile=profile, icmp_echo=True) - every == {"icmp 8"}


@pytest.mark.parametrize("profile", Profile)
def test_fixed_ports_take_the_place_of_the_dynamic_range(profile: Profile) -> None:
    found = lines(TABLES.controllers, profile=profile, rpc_ports=(50000, 50001))
    assert not {each for each in found if "49152" in each}
    assert {"tcp 50000", "tcp 50001"} <= found
    assert lines(TABLES.clients, profile=profile, rpc_ports=(50000,)) >= {"tcp 50000"}


def test_files_are_replicated_on_one_port_between_controllers() -> None:
    fixed = {"rpc_ports": (50000,), "files_port": 50002}
    assert lines(TABLES.controllers, **fixed) - lines(TABLES.controllers, rpc_ports=(50000,)) == {"tcp 50002"}
    assert "tcp 50002" not in lines(TABLES.clients, **fixed)
    assert "tcp 50002" not in lines(TABLES.controllers, files_port=50002)


def test_every_file_is_used() -> None:
    assert {path.stem for path in DIRECTORY.glob("*.toml")} == {
        *("bastion_to_controller", "client_to_controller", "controller_to_controller", "controller_to_services"),
    }
    for path in DIRECTORY.glob("*.toml"):
        assert tomllib.loads(path.read_text())["sources"], path.name


def written(path: Path, *rows: dict[str, Any], **head: Any) -> Path:
    """A table in a file."""
    heading = {"title": "T", "source": "a", "destination": "b", "sources": ["https://example.com"], **head}
    text = "".join(f"{key} = {value!r}\n" for key, value in heading.items())
    for row in rows:
        text += "[[row]]\n" + "".join(f"{key} = {value!r}\n" for key, value in row.items())
    file = path / "t.toml"
    file.write_text(text)
    return file


PORT = "row 2: port: expected a port from 0 to 65535, a range such as 49152-65535, echo request, or none, got"
PROFILES = "row 2: profiles: expected a list of post, modern, netbios, windows-server-2025, got"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"port": "70000"}, f'{PORT} "70000"'),
        ({"port": "90-80"}, f'{PORT} "90-80"'),
        ({"port": "ldap"}, f'{PORT} "ldap"'),
        ({"protocol": "tcp"}, 'row 2: protocol: expected TCP, UDP, TCP and UDP, ICMP or ESP, got "tcp"'),
        ({"profiles": ["modren"]}, f'{PROFILES} "modren"'),
        ({"profiles": []}, f"{PROFILES} []"),
        ({"prot": "x"}, "row 2: prot: unknown key"),
        ({"use": ""}, 'row 2: use: expected text, got ""'),
        (
            {"when": "never"},
            'row 2: when: expected dns, ldaps, icmpEcho, ipsec or wins; leave it out for always, got "never"',
        ),
        ({"protocol": "ICMP"}, "row 2: expected echo request for ICMP, and for nothing else, got ICMP with port 389"),
        ({"protocol": "ESP"}, "row 2: expected none for ESP, and for nothing else, got ESP with port 389"),
        ({"origin": "settings"}, "row 2: expected the origin post or Microsoft, got settings"),
        ({"protocol": "UDP", "rpc": "replaced"}, "row 2: UDP cannot be replaced by a fixed RPC port"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_row_is_named_with_what_is_allowed(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidTableError) as refused:
        read_table(written(tmp_path, ROW, {**ROW, **change}))
    assert f"t.toml: {said}" in str(refused.value)


def test_a_missing_key_a_missing_file_and_no_toml_are_said(tmp_path: Path) -> None:
    row = {key: value for key, value in ROW.items() if key != "use"}
    with pytest.raises(InvalidTableError, match=r"t\.toml: row 1: use: expected text, got none"):
        read_table(written(tmp_path, row))
    with pytest.raises(InvalidTableError, match=r"none\.toml: cannot be read"):
        read_table(tmp_path / "none.toml")
    (tmp_path / "t.toml").write_text("[[row")
    with pytest.raises(InvalidTableError, match=r"t\.toml: is not valid TOML"):
        read_table(tmp_path / "t.toml")
