"""`python -m operations ports`, from a stack's configuration to what it prints."""

import csv
import io
import json
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from operations.cli import app
from operations.command_line import CommandContext
from operations.stack import StackConfiguration

FIRST_SUBNETS = {"eu-west-1": "10.30.0.0/24", "us-east-1": "10.31.0.0/24"}
CLIENT_11 = "clients.NAME: [10.11.3.4/32]"
ON_PREMISES_11 = "onPremisesDomainControllers: [10.11.3.4/32], if it is a domain controller"
BASTION = "managementAccess: bastion, with a security group of this host in bastionSecurityGroupIds"
BASTIONS = {"managementAccess": "bastion", "bastionNetworks": ["10.30.0.0/24"]}
SITE = {"vpc": "directory", "subnets": ["directory-a", "directory-b"]}
SECTION: dict[str, Any] = {
    "clients": {"offices": ["10.10.0.0/16"], "aws": ["10.20.0.0/16"]},
    "onPremisesDomainControllers": ["10.1.0.10/32"],
    "sites": {"eu-west-1": SITE},
}


def run(*arguments: str, section: Any = SECTION, secret: bool = False, outputs: dict[str, Any] | None = None) -> Result:
    values = {"aws:region": "eu-west-1", "shell-access:regions": '["eu-west-1", "us-east-1"]'}
    if section is not None:
        values["shell-access:domainControllers"] = json.dumps(section)
    secrets = frozenset(["shell-access:domainControllers"] if secret else [])
    stack = StackConfiguration(name="dev", values=values, secret_keys=secrets)
    known: dict[str, Any] = outputs or {}
    context = CommandContext(read_stack=lambda *_: stack, read_outputs=lambda *_: known)
    return CliRunner().invoke(app, ["ports", *arguments], obj=context, env={"COLUMNS": "120", "TERM": "dumb"})


def rows(*arguments: str, section: Any = SECTION) -> list[dict[str, str]]:
    result = run("--csv", *arguments, section=section)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_ports_lists_every_line_of_post_per_source() -> None:
    found = rows()
    counts = {name: sum(row["Peer"] == name for row in found) for name in {row["Peer"] for row in found}}
    assert counts == {"controllers": 22, "on premises": 22, "offices": 18, "aws": 18, "endpoints": 1}
    assert {row["Direction"] for row in found if row["Peer"] in ("controllers", "on premises")} == {"both"}
    assert {row["Direction"] for row in found if row["Peer"] in ("offices", "aws")} == {"in"}


def test_ports_row_has_use_source_and_reason() -> None:
    line = next(row for row in rows() if (row["Peer"], row["Port"]) == ("offices", "636"))
    assert line == {
        "Region": "eu-west-1",
        "Direction": "in",
        "Peer": "offices",
        "Networks": "10.10.0.0/16",
        "Controllers": "subnet directory-a subnet directory-b",
        "Protocol": "TCP",
        "Port": "636",
        "Use": "LDAP SSL",
        "Traffic": "Directory, replication, user and computer authentication, Group Policy, trust",
        "Source": "post",
        "Row": "client_to_controller: TCP 636",
        "Condition": "profile: post, ldaps: true",
        "Microsoft": "only where clients use LDAP over SSL; the post's table has no such condition",
    }


def test_ports_lists_additional_peers_with_their_reason() -> None:
    peer = {"reason": "Windows updates", "networks": ["10.1.0.21/32"], "ports": ["tcp/8531"]}
    monitoring = {"reason": "Monitoring", "networks": ["10.1.0.40/32"], "ports": ["esp"]}
    section = SECTION | {
        "ipsec": True,
        "additionalDestinations": {"wsus": peer},
        "additionalSources": {"m": monitoring},
    }
    found = {each["Peer"]: each for each in rows(section=section) if each["Source"] == "settings"}
    shown = ("Direction", "Networks", "Protocol", "Port", "Use", "Condition")
    assert [found["wsus"][each] for each in shown] == [
        *("out", "10.1.0.21/32", "TCP", "8531", "Windows updates", "additionalDestinations.wsus")
    ]
    assert [found["m"][each] for each in shown[:4]] == ["in", "10.1.0.40/32", "ESP (50)", "none"]
    for client, code in (("10.1.0.10", 0), ("10.1.0.40", 0), ("10.10.0.1", 1)):
        assert run("--explain", client, "esp", section=section).exit_code == code


def test_ports_table_ends_with_quotas() -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout.split("\n")[0].rstrip() == "Ports of domain controllers in eu-west-1"
    lines = [" ".join(line.replace("│", " ").split()) for line in result.stdout.splitlines()]
    assert lines.index("other-controllers-ipv4-3 1 of 3 entries") == lines.index("clients-ipv4-3 2 of 3 entries") + 1
    assert "Further networks that replace no rule: clientNetworks 0" in result.stdout


def test_ports_markdown_has_tables_of_ports_and_quotas() -> None:
    lines = run("--markdown").stdout.splitlines()
    assert lines[0] == "## Ports of domain controllers in eu-west-1"
    assert lines[2].startswith("| Direction | Peer | Networks | Controllers | Protocol | Port |")
    assert "| controllers | 20 of 60 | 21 of 60 |" in lines
    assert len({line.count("|") for line in lines[2:] if line.startswith("| in")}) == 1


def test_ports_counts_network_acl_with_default_denial() -> None:
    (cells,) = [
        line.replace("│", " ").split() for line in run().stdout.splitlines() if line.startswith("│ network ACL")
    ]
    assert cells == ["network", "ACL", "20", "of", "20", "20", "of", "20"]
    raised = SECTION | {"quotas": {"rulesPerNetworkAcl": 40}}
    assert "| network ACL | 40 of 40 | 40 of 40 |" in run("--markdown", section=raised).stdout.splitlines()
    assert json.loads(run("--json", section=raised).stdout)["sites"]["eu-west-1"]["networkAcl"] == {
        "ingress": 40,
        "egress": 40,
        "quota": 40,
    }
    without = run("--json", section=SECTION | {"networkAcl": False}).stdout
    assert json.loads(without)["sites"]["eu-west-1"]["networkAcl"] is None


def test_ports_uses_placeholders_for_unknown_subnets() -> None:
    said = "The network ACL is counted with placeholders for directory-a (eu-west-1), directory-b (eu-west-1), whose networks only AWS knows."
    assert said in run().stdout.replace("\n", " ")
    given = ("--subnet", "directory-a=10.30.0.0/24", "--subnet", "directory-b=10.30.1.0/24")
    assert "placeholders" not in run(*given).stdout


def test_ports_reports_acl_above_quota_beside_groups() -> None:
    far = SECTION | {"clients": {"far": [f"{first}.0.0.0/16" for first in range(11, 130, 12)]}}
    said = "The network ACL cannot be counted without directory-a (eu-west-1), directory-b (eu-west-1), whose networks only AWS knows."
    assert said in run(section=far).stdout
    given = ("--subnet", "directory-a=10.30.0.0/24", "--subnet", "directory-b=10.30.1.0/24")
    result = run(*given, section=far)
    assert result.exit_code == 1
    assert "Exceeds the quotas: shell-access:domainControllers.quotas: the network ACL cannot hold" in result.stdout
    assert "clients-ipv4" in result.stdout


def test_ports_json_is_one_document() -> None:
    site = json.loads(run("--json").stdout)["sites"]["eu-west-1"]
    assert site["ruleCounts"]["controllers"] == {"ingress": 20, "egress": 21}
    assert site["quotaHeadroom"] == {
        "rulesInFullestGroup": 0,
        "securityGroups": 2,
        "clientNetworks": 0,
        "clients-ipv4-3": 0,
        "controllerNetworks": 1,
        "other-controllers-ipv4-3": 1,
    }
    assert len(site["lines"]) == 81
    assert site["refusal"] is None


TWO_SITES = {**SECTION, "sites": {"eu-west-1": SITE, "us-east-1": {"vpc": "d", "subnets": ["us-a"]}}}


def test_ports_lists_other_sites_with_unknown_networks() -> None:
    unknown = [row for row in rows("--region", "eu-west-1", section=TWO_SITES) if row["Peer"] == "site us-east-1"]
    assert len(unknown) == 22
    assert {row["Networks"] for row in unknown} == {"subnet us-a"}
    known = rows("--region", "eu-west-1", "--subnet", "us-a=172.16.1.0/24", section=TWO_SITES)
    assert {row["Networks"] for row in known if row["Peer"] == "site us-east-1"} == {"172.16.1.0/24"}
    assert "Networks that only AWS knows, counted as one each: us-a (us-east-1)" in run(section=TWO_SITES).stdout


@pytest.mark.parametrize(
    ("client", "port", "code", "said"),
    [
        ("10.10.3.4", "tcp/389", 0, "permitted"),
        ("10.10.3.4", "389", 0, "permitted"),
        ("10.10.3.4", "tcp/3389", 1, "denied"),
        ("10.11.3.4", "tcp/389", 1, "denied"),
        ("sg-0123abcd", "tcp/389", 1, "denied"),
        ("10.10.3.4", "icmp", 1, "denied"),
        ("2001:db8::1", "icmp", 1, "denied"),
    ],
)
def test_explain_evaluates_packet(client: str, port: str, code: int, said: str) -> None:
    result = run("--explain", client, port)
    assert result.exit_code == code
    assert said in result.stdout


def test_explain_names_rule_use_client_and_row() -> None:
    assert run("--explain", "10.10.3.4", "tcp/3269").stdout.splitlines() == [
        "eu-west-1: TCP 3269 from 10.10.3.4: permitted",
        "  rule:    ingress-tcp-3268-3269-clients-ipv4-3 of group clients-ipv4-3-684025-1",
        (
            "  use:     clients: LDAP GC (Directory, replication, user and computer authentication, Group Policy, trust); "
            "LDAP GC SSL (Directory, replication, user and computer authentication, Group Policy, trust)"
        ),
        "  client:  offices (10.10.0.0/16)",
        "  row:     client_to_controller: TCP 3268",
        "  row:     client_to_controller: TCP 3269",
    ]


def test_ports_csv_has_networks_of_both_ends_in_each_row() -> None:
    deployed = {region: {"subnets": {"directory-a": [cidr]}} for region, cidr in FIRST_SUBNETS.items()}
    section = {**SECTION, "sites": {each: {"vpc": "directory", "subnets": ["directory-a"]} for each in FIRST_SUBNETS}}
    found = run("--csv", section=section, outputs={"domainControllers": deployed})
    for row in csv.DictReader(io.StringIO(found.stdout)):
        assert row["Controllers"] == FIRST_SUBNETS[row["Region"]]
        assert "subnet" not in row["Networks"]
    given = run("--csv", "--subnet", "us-east-1/directory-a=172.16.9.0/24", section=section, outputs={})
    ends = {(row["Region"], row["Controllers"]) for row in csv.DictReader(io.StringIO(given.stdout))}
    assert ends == {("eu-west-1", "subnet directory-a"), ("us-east-1", "172.16.9.0/24")}


def test_ports_lists_rules_of_acl_that_are_wider() -> None:
    assert "of the network ACL permit more than the security groups, which still deny it:" in run().stdout
    assert json.loads(run("--json").stdout)["sites"]["eu-west-1"]["networkAclWider"]


@pytest.mark.parametrize(
    ("packet", "section", "settings"),
    [
        (("10.11.3.4", "tcp/389"), {}, [[CLIENT_11], [ON_PREMISES_11]]),
        (("10.10.3.4", "tcp/636"), {"ldaps": False}, [["ldaps: true"]]),
        (("10.10.3.4", "icmp"), {}, [["icmpEcho: true"]]),
        (("10.11.3.4", "tcp/636"), {"ldaps": False}, [[CLIENT_11, "ldaps: true"], [ON_PREMISES_11, "ldaps: true"]]),
        (("10.10.3.4", "tcp/3390"), {}, []),
        (("sg-0123abcd", "tcp/3389"), {}, [["managementAccess: bastion, with sg-0123abcd in bastionSecurityGroupIds"]]),
        (("10.10.3.4", "tcp/3389"), {}, [[BASTION]]),
        (("10.10.3.4", "tcp/3389"), {**BASTIONS, "bastionSecurityGroupIds": ["sg-0123abcd"]}, [[BASTION]]),
    ],
    ids=[
        "client",
        "switch",
        "ping",
        "client and switch",
        "no setting",
        "group",
        "bastion host",
        "another bastion host",
    ],
)
def test_explain_names_settings_that_would_permit_packet(
    packet: tuple[str, str], section: dict[str, Any], settings: list[list[str]]
) -> None:
    (answer,) = json.loads(run("--json", "--explain", *packet, section=SECTION | section).stdout)
    assert answer["settings"][: len(settings)] == settings
    assert bool(answer["settings"]) == bool(settings)
    text = run("--explain", *packet, section=SECTION | section).stdout
    expected = f"permitted by: domainControllers.{settings[0][0]}" if settings else "no setting permits it"
    assert expected in text


def test_explain_json_is_one_document() -> None:
    answers = json.loads(run("--json", "--explain", "10.1.0.10", "5722").stdout)
    assert [(each["protocol"], each["letIn"]) for each in answers] == [("tcp", True), ("udp", False)]
    assert answers[0]["who"] == ["on premises (10.1.0.10/32)"]
    assert answers[0]["rows"] == ["controller_to_controller: TCP 5722"]


def test_explain_accepts_security_group_source() -> None:
    section = {
        **SECTION,
        "managementAccess": "bastion",
        "bastionSecurityGroupIds": ["sg-0123abcd"],
        "bastionNetworks": ["10.30.0.0/24"],
    }
    assert run("--explain", "sg-0123abcd", "tcp/3389", section=section).exit_code == 0
    assert run("--explain", "sg-0123abce", "tcp/3389", section=section).exit_code == 1


def test_ports_reports_rules_above_quota() -> None:
    section = {**SECTION, "clients": {"many": [f"10.{number}.0.0/16" for number in range(11, 80, 2)]}}
    result = run(section=section)
    assert result.exit_code == 1
    assert (
        "Exceeds the quotas: shell-access:domainControllers.clients: cannot fit: clients: 35 IPv4 networks"
        in result.stdout
    )
    asked = run("--explain", "10.11.0.1", "389", section=section)
    assert (asked.exit_code, asked.stdout) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("--csv", "--json"), {}, "--markdown, --csv and --json are alternatives: choose one."),
        (("--region", "us-east-1"), {}, "--region: expected a Region with a site (eu-west-1), got us-east-1."),
        (
            ("--subnet", "directory-a=10.0.0.1/24"),
            {},
            (
                "--subnet: expected REGION/NAME=CIDR without host bits, such as eu-west-1/directory-a=10.0.1.0/24, got "
                "directory-a=10.0.0.1/24."
            ),
        ),
        (
            ("--subnet", "eu-west-1/a=10.0.0.0/24"),
            {},
            "--subnet: expected a subnet of a site (eu-west-1/directory-a, eu-west-1/directory-b), got 'eu-west-1/a'.",
        ),
        (
            ("--subnet", "directory-a=10.0.0.0/24"),
            {"section": SECTION | {"sites": {"eu-west-1": SITE, "us-east-1": SITE}}},
            "--subnet: expected a subnet of a site (eu-west-1/directory-a, us-east-1/directory-a), got 'directory-a'.",
        ),
        (
            ("--explain", "laptop", "389"),
            {},
            "--explain: expected an IP address or the ID of a security group, such as sg-0123abcd, got 'laptop'.",
        ),
        (
            ("--explain", "10.10.0.1", "99999"),
            {},
            "--explain: expected a port (389, tcp/389, udp/389; 0 to 65535), icmp or esp, got '99999'.",
        ),
        ((), {"section": None}, "Stack dev has no shell-access:domainControllers."),
        ((), {"secret": True}, "contains a secret, which this command would print."),
        ((), {"section": {"profile": "old"}}, 'expected one of post, modern, netbios, windows-server-2025, got "old".'),
    ],
    ids=[
        "two formats",
        "no such site",
        "host bits",
        "no such subnet",
        "subnet of two sites",
        "no address",
        "no port",
        "no section",
        "secret",
        "wrong setting",
    ],
)
def test_ports_unusable_input_is_one_message(arguments: tuple[str, ...], options: dict[str, Any], said: str) -> None:
    result = run(*arguments, **options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_ports_without_sites_is_empty() -> None:
    assert (
        run(section={}).stdout
        == "The stack has no sites of domain controllers, so it opens no ports. To add one, see shell-access:domainControllers.sites.\n"
    )
