"""Promotion of controllers: settings, rights of the role, documents, and secrets that are looked up first."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from common.aws.arns import Scope
from common.problems import SettingsError
from components.domain_controllers.iam_policies import SECRET_ACTIONS, access_restriction_policy
from components.domain_controllers.operations.plan import endpoint_services, plan_operations, role_statements
from components.domain_controllers.operations.promotion import secret_differences, secret_readers
from components.preflight.named_resources import named_resources
from components.settings import Settings
from tests.components.domain_controllers.test_scripts import parser
from tests.operations.verify.test_controller_operations import PROMOTION, SECRET, SECRETS
from tests.operations.verify.test_domain_controllers import REGION, SECTION

if TYPE_CHECKING:
    from components.domain_controllers.settings import DomainControllersSection

ACCOUNT = "123456789012"
SCOPE = Scope(partition="aws", account_id=ACCOUNT, region=REGION)
ARNS = [SECRETS["administratorArn"], SECRETS["restoreModeArn"]]
FOREST = {"instanceId": "i-0123456789abcdef0", "controller": "DC1", "netbiosName": "CORP"}


def site(*devices: str) -> dict[str, Any]:
    found = SECTION["sites"][REGION]
    volumes = [{"deviceName": each, "size": 20} for each in devices]
    return {REGION: found | {"controllers": [each | {"volumes": volumes} for each in found["controllers"]]}}


DEVICES = ("xvdb", "xvdc", "xvdd")


def loaded(promotion: dict[str, Any] | None = None, **change: Any) -> Settings:
    given = SECTION | {"sites": site(*DEVICES), "promotion": PROMOTION | (promotion or {})} | change
    return Settings.load({"shell-access:domainControllers": json.dumps(given), "aws:region": REGION})


def section(promotion: dict[str, Any] | None = None, **change: Any) -> DomainControllersSection:
    found = loaded(promotion, **change).domain_controllers
    assert found
    return found


def script_of(name: str, promotion: dict[str, Any] | None = None, **change: Any) -> str:
    plan = plan_operations(section(promotion, **change), REGION)
    (document,) = [each for each in plan.documents if each.key == f"promotion-{name.lower()}"]
    return "\n".join(document.content["mainSteps"][0]["inputs"]["runCommand"])


def test_each_controller_is_promoted_by_its_own_document() -> None:
    plan = plan_operations(section(), REGION)
    found = {key: (each.controller, each.targets, each.max_errors) for key, each in plan.associations.items()}
    assert found == {"promotion-dc1": ("DC1", {}, "0"), "promotion-dc2": ("DC2", {}, "0")}
    assert endpoint_services(section(), REGION) == {"ec2", "secretsmanager"}
    assert not plan_operations(section({"enabled": False}), REGION).associations


def test_role_reads_its_secrets_by_their_key_alone() -> None:
    statements = {each["Sid"]: each for each in role_statements(section(), [SCOPE])}
    assert statements["ReadPromotionSecrets"]["Resource"] == sorted(ARNS)
    assert statements["ReadPromotionSecrets"]["Action"] == "secretsmanager:GetSecretValue"
    decrypt = statements["DecryptPromotionSecrets"]
    assert decrypt["Resource"] == [SECRETS["kmsKeyArn"]]
    assert decrypt["Condition"]["StringEquals"] == {
        "kms:ViaService": [f"secretsmanager.{REGION}.amazonaws.com"],
        "kms:EncryptionContext:SecretARN": sorted(ARNS),
    }
    assert role_statements(section({"enabled": False}), [SCOPE]) == []


def test_restriction_keeps_secrets_to_team_and_controllers() -> None:
    readers = secret_readers(section(), SCOPE)
    assert readers == [f"arn:aws:iam::{ACCOUNT}:role/ShellAccessDomainController"]
    policy = access_restriction_policy(SCOPE, team_roles=["Directory"], secret_readers=readers)
    (denied,) = [each for each in policy["Statement"] if each["Sid"] == "SecretsAreTheTeams"]
    assert denied["Action"] == sorted(SECRET_ACTIONS)
    assert denied["Condition"]["StringEquals"] == {"aws:ResourceTag/Role": "DomainController"}
    assert set(readers) < set(denied["Condition"]["ArnNotLike"]["aws:PrincipalArn"])
    assert secret_readers(section({"enabled": False}), SCOPE) == []


def test_script_names_what_the_settings_say() -> None:
    text = script_of("DC2", {"siteName": "Dublin"}, profile="modern", replicationPort=50000, netlogonPort=50001)
    for each in (
        *ARNS,
        "corp.example.com",
        "'Dublin'",
        "'10.1.0.10'",
        "Replication = 50000; Netlogon = 50001; Files = 0",
    ):
        assert each in text
    assert not re.search(r"%[A-Z_]+%", text)


def test_forest_is_created_by_one_instance_only() -> None:
    assert f"$forestInstance = '{FOREST['instanceId']}'" in script_of("DC1", {"newForest": FOREST})
    assert "$forestInstance = ''" in script_of("DC2", {"newForest": FOREST})
    assert "$forestInstance = ''" in script_of("DC1")


def members(script: str, name: str) -> list[str]:
    """The expressions that hold a property or an element of this name."""
    found: list[str] = []

    def look(node: Any) -> None:
        if node.type in ("member_access", "element_access") and name in (node.text or b"").decode().lower():
            found.append((node.parent.parent.text or b"").decode() if node.parent else "")
        for each in node.children:
            look(each)

    look(parser().parse(script.encode()).root_node)
    return found


def test_secret_text_is_no_argument_of_a_command() -> None:
    text = script_of("DC1", {"newForest": FOREST})
    lines = [each.strip() for each in text.splitlines()]
    uses = [each for each in lines if "$text" in each and "SecretString" not in each]
    assert uses == ["$fields = [System.Web.Script.Serialization.JavaScriptSerializer]::new().DeserializeObject($text)"]
    values = [each for each in lines if "$fields[" in each and not each.startswith("if (")]
    assert values == [
        "$login = [System.Net.NetworkCredential]::new([string] $fields['username'], [string] $fields['password'])"
    ]
    # What leaves the function is a secure string; nothing takes the text out of it again.
    assert not re.search(
        r"GetNetworkCredential|SecureStringToBSTR|ConvertFrom-SecureString|-AsPlainText|Start-Transcript", text
    )
    assert members(text, "secretstring")


@pytest.mark.parametrize("function", ["Write-Output", "throw", "Write-Host", "Write-Verbose"])
def test_messages_quote_no_credential(function: str) -> None:
    said = [each for each in script_of("DC1").splitlines() if each.strip().startswith(function)]
    assert all(not re.search(r"\$(text|fields|login|administrator|restoreMode|options)\b", each) for each in said)


def test_checks_precede_what_changes_the_server() -> None:
    text = script_of("DC1", {"newForest": FOREST})
    main = text[text.index("$state = Get-ServerState") :]
    steps = (
        *("nothing was changed.", "Get-AddressProblem", "Get-PartnerProblem", "Rename-Computer", "Get-DataDrive"),
        *("Install-WindowsFeature", "Get-SecretCredential", "Test-ADDSForestInstallation", "Install-ADDSForest"),
        *("Test-ADDSDomainControllerInstallation", "Install-ADDSDomainController", "Set-FixedPort -Replication"),
    )
    positions = [main.rindex(each) if each.startswith("Set-Fixed") else main.index(each) for each in steps]
    assert positions == sorted(positions)
    assert text.rstrip().splitlines()[-1].startswith("Restart-Server ")


@pytest.mark.parametrize(
    ("promotion", "change", "key", "says"),
    [
        ({"secrets": {}}, {}, "promotion.secrets", "a mapping of Regions"),
        ({"secrets": {"us-east-1": SECRETS}}, {}, "promotion.secrets.us-east-1", "expected a site that creates"),
        ({"secrets": {"us-east-1": SECRETS}}, {}, f"promotion.secrets.{REGION}", f"got none for {REGION}"),
        ({"secrets": {REGION: SECRETS | {"kmsKeyArn": "alias/x"}}}, {}, "kmsKeyArn", "the ARN of a KMS key"),
        (
            {"secrets": {REGION: SECRETS | {"kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"}}},
            *({}, "kmsKeyArn", f"expected an ARN in {REGION}"),
        ),
        (
            {"secrets": {REGION: SECRETS | {"restoreModeArn": ARNS[0]}}},
            *({}, "restoreModeArn", "expected another secret than administratorArn"),
        ),
        ({"secrets": {REGION: SECRETS | {"administratorArn": ARNS[0][:-7]}}}, {}, "administratorArn", "complete ARN"),
        ({"partners": []}, {}, "partners", "one to four private IPv4 addresses"),
        ({"partners": ["8.8.8.8"]}, {}, "partners", "one to four private IPv4 addresses"),
        ({"domain": "CORP"}, {}, "promotion.domain", "a name such as corp.example.com"),
        ({"siteName": "a'; b"}, {}, "siteName", "1 to 63 letters"),
        ({"readOnly": True}, {}, "readOnly", "readOnly"),
        ({"logDevice": "xvdb"}, {}, "logDevice", "expected another device than databaseDevice, got xvdb"),
        (
            {},
            {"sites": site("xvdb", "xvdc")},
            "controllers[0].volumes",
            "expected a volume xvdd (promotion.sysvolDevice)",
        ),
        ({}, {"dns": False}, "promotion", "expected dns: true"),
        ({"newForest": FOREST | {"controller": "DC9"}}, {}, "newForest.controller", "which 0 have"),
        ({"newForest": FOREST | {"instanceId": "DC1"}}, {}, "newForest.instanceId", "the ID of an instance"),
    ],
)
def test_wrong_promotion_names_key_and_what_is_expected(
    promotion: dict[str, Any], change: dict[str, Any], key: str, says: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(promotion, **change)
    assert key in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("change", "exists"),
    [
        ({}, True),
        ({"KmsKeyId": "1234abcd"}, True),
        ({"KmsKeyId": "alias/other"}, False),
        ({"KmsKeyId": None}, False),
        ({"Tags": [{"Key": "Role", "Value": "Web"}]}, False),
        ({"DeletedDate": "2026-11-01"}, False),
    ],
)
def test_secret_is_looked_up_before_anything_is_made(change: dict[str, Any], *, exists: bool) -> None:
    named = [each for each in named_resources(loaded(), None) if each.service == "secretsmanager"]  # pyright: ignore[reportArgumentType]
    assert [each.path[-1] for each in named] == ["administratorArn", "restoreModeArn"]
    assert [each.name for each in named] == ARNS
    secrets = SimpleNamespace(describe_secret=lambda **_: SECRET | change)
    assert all(each.exists(secrets) is exists for each in named)
    assert bool(secret_differences(SECRET | change, SECRETS["kmsKeyArn"])) is not exists
