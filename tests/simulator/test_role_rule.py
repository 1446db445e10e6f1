"""The rule about instance roles, evaluated by AWS' own program for Guard on items as AWS Config has them.

AWS Config evaluates with Guard 2, this is Guard 3, which reads everything that Guard 2 does. What Guard 2 fails on and
Guard 3 does not, an escaped quotation mark in a regular expression, was found by hand and is kept out by a test.
"""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from components.nodes.role_compliance import RULE, role_rule
from tools.guard import guard

POLICY = "arn:aws:iam::111122223333:policy/ShellAccessSessionManagerNode"
OTHER = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
EC2 = "ec2.amazonaws.com"

COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE = "compliant", "not_compliant", "not_applicable"


def trust(*services: str, effect: str = "Allow", **principal: str) -> dict[str, Any]:
    service = services[0] if len(services) == 1 else list(services)
    named = {**({"Service": service} if services else {}), **principal}
    statement = {"Effect": effect, "Principal": named, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def item(
    *policies: str, name: str = "Web", trusted: dict[str, Any] | None = None, profiles: int = 1, **changes: Any
) -> dict[str, Any]:
    """A configuration item; AWS Config keeps the trust policy as IAM gives it, percent-encoded."""
    return {
        "version": "1.3",
        "resourceType": "AWS::IAM::Role",
        "resourceId": "AROAEXAMPLEEXAMPLE12",
        "resourceName": name,
        "awsRegion": "global",
        "configurationItemStatus": "OK",
        "configuration": {
            "path": "/",
            "roleName": name,
            "roleId": "AROAEXAMPLEEXAMPLE12",
            "assumeRolePolicyDocument": quote(json.dumps(trusted or trust(EC2)), safe=""),
            "instanceProfileList": [{"instanceProfileName": f"{name}{number}"} for number in range(profiles)],
            "rolePolicyList": [],
            "attachedManagedPolicies": [{"policyName": arn.rsplit("/")[-1], "policyArn": arn} for arn in policies],
            "permissionsBoundary": None,
            "tags": [],
        },
        **changes,
    }


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "has it": (item(POLICY), COMPLIANT),
    "has it among others": (item(OTHER, POLICY), COMPLIANT),
    "has none": (item(), NON_COMPLIANT),
    "has others": (item(OTHER), NON_COMPLIANT),
    "has one of the same name in another account": (
        item(POLICY.replace("111122223333", "999988887777")),
        NON_COMPLIANT,
    ),
    "has one whose name goes on": (item(f"{POLICY}2"), NON_COMPLIANT),
    "is in two profiles": (item(profiles=2), NON_COMPLIANT),
    "is for EC2 among others": (item(trusted=trust("ssm.amazonaws.com", EC2)), NON_COMPLIANT),
    "is for EC2 in China": (item(trusted=trust(f"{EC2}.cn")), NON_COMPLIANT),
    "is in no profile": (item(profiles=0), NOT_APPLICABLE),
    "is for a function": (item(trusted=trust("lambda.amazonaws.com")), NOT_APPLICABLE),
    "is for a service whose name ends so": (item(trusted=trust(f"x{EC2}")), NOT_APPLICABLE),
    "is for a service whose name begins so": (item(trusted=trust(f"{EC2}.example.com")), NOT_APPLICABLE),
    "is for an account": (item(trusted=trust(AWS="arn:aws:iam::111122223333:root")), NOT_APPLICABLE),
    "is excluded": (item(name="Breakglass"), NOT_APPLICABLE),
    "is excluded by a name with signs": (item(name="a+b=c,d.e@f-g"), NOT_APPLICABLE),
    "is named like an excluded one": (item(name="Breakglass2"), NON_COMPLIANT),
    "is deleted": (item(configuration=None, configurationItemStatus="ResourceDeleted"), NOT_APPLICABLE),
    "is no role": (item(resourceType="AWS::IAM::User", configuration={"userName": "Web"}), NOT_APPLICABLE),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The rule's verdict on every case, in one run of the program."""
    folder = tmp_path_factory.mktemp("guard")
    rules = folder / "role.guard"
    rules.write_text(role_rule([POLICY], ["Breakglass", "a+b=c,d.e@f-g"]))
    files = {name: folder / f"{number}.json" for number, name in enumerate(CASES)}
    for name, file in files.items():
        file.write_text(json.dumps(CASES[name][0]))
    results = evaluated(rules, list(files.values()))
    return {name: results[str(file)] for name, file in files.items()}


def evaluated(rules: Path, files: list[Path]) -> dict[str, str]:
    data = [argument for file in files for argument in ("-d", str(file))]
    options = ["--structured", "--output-format", "json", "--show-summary", "none"]
    command = [str(guard()), "validate", "-r", str(rules), *data, *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return {each["name"]: _verdict(each) for each in json.loads(done.stdout)}


def _verdict(report: dict[str, Any]) -> str:
    if report["not_compliant"]:
        assert [each["Rule"]["name"] for each in report["not_compliant"]] == [RULE]
        return NON_COMPLIANT
    (verdict,) = [kind for kind in (COMPLIANT, NOT_APPLICABLE) if report[kind] == [RULE]]
    return verdict


@pytest.mark.parametrize("case", CASES)
def test_a_role_that(verdicts: dict[str, str], case: str) -> None:
    assert verdicts[case] == CASES[case][1]
