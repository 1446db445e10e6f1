"""`python -m operations audit` against an account on the local AWS."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from common.aws import session as aws_session
from operations.audit import run
from operations.audit.protected import DeclaredPrincipals, protected
from operations.audit.run import why_incomplete
from operations.errors import UnusableError
from operations.inventory import reader
from operations.inventory.reader import Identity
from operations.stack import StackConfiguration
from tests.operations.arrangement import Account, Command, configuration, refusal
from tests.operations.audit.accounts import allow, document, trusting

ACCOUNT = "123456789012"
ARN = f"arn:aws:iam::{ACCOUNT}"
VARIABLE = "${aws:PrincipalTag/SecurityAllowSessionInstance}"
OPERATOR = {
    "Effect": "Allow",
    "Action": "ssm:StartSession",
    "Resource": [
        f"arn:aws:ec2:*:{ACCOUNT}:instance/{VARIABLE}",
        f"arn:aws:ssm:*:{ACCOUNT}:document/SSM-SessionManagerRunShell",
    ],
}

CLEAN = """\
Stack dev, account 123456789012
2 principals: no findings
"""


WHOLE = """\
Stack dev, account 123456789012
┏━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃ Severity   ┃ Finding                                                                   ┃
┡━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│ critical   │ user/alice                                                                │
│   critical │ Starts a session on every node [session-any-node]                         │
│   high     │ Starts sessions with other documents [session-other-documents]            │
├────────────┼───────────────────────────────────────────────────────────────────────────┤
│ low        │ user/bob                                                                  │
│   low      │ Resumes another principal's session (cannot tell) [session-resume-others] │
└────────────┴───────────────────────────────────────────────────────────────────────────┘
arn:aws:iam::123456789012:user/alice
  inline policy own, statement 0 (Shell): session-any-node
    {"Sid": "Shell", "Effect": "Allow", "Action": ["ssm:StartSession"], "Resource": "*"}
    remedy:      Limit the resource to the instance in the principal's tag SecurityAllowSessionInstance, as in the operators' policy.
  inline policy own, statement 0 (Shell): session-other-documents
    {"Sid": "Shell", "Effect": "Allow", "Action": ["ssm:StartSession"], "Resource": "*"}
  inline policy own, statement 1: session-other-documents
    {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": ["arn:aws:ec2:*:123456789012:instance/${aws:PrincipalTag/SecurityAllowSessionInstance}", "arn:aws:ssm:*:123456789012:document/SSM-SessionManagerRunShell"]}
    remedy:      Allow ssm:StartSession only with document/SSM-SessionManagerRunShell of this account.

arn:aws:iam::123456789012:user/bob
  inline policy own, statement 0: session-resume-others
    {"Effect": "Allow", "Action": ["ssm:ResumeSession"], "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}
    cannot tell: IpAddress aws:SourceIp "203.0.113.0/24"
    remedy:      Remove ssm:ResumeSession, or limit it to session/${aws:userid}-*.

declared administrator: arn:aws:iam::123456789012:user/root-like
5 principals: 1 critical, 1 high, 1 low
"""


@pytest.fixture
def stack() -> StackConfiguration:
    approval = {"operatorRoles": ["Operator"], "approvers": [{"type": "IamRole", "name": "Approver"}]}
    made = configuration()
    values = {**made.values, "shell-access:approval": json.dumps(approval)}
    return type(made)(name="dev", values=values)


@pytest.fixture
def product(account: Account) -> Account:
    """An operators' role and an approvers' role, both assumed by people of the company's directory."""
    iam = account.client("iam")
    trust = json.dumps(trusting(Federated=f"{ARN}:saml-provider/company"))
    for name, statement in (("Operator", OPERATOR), ("Approver", allow("ssm:SendAutomationSignal"))):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document(statement)))
    return account


def give(account: Account, name: str, *statements: Any) -> None:
    iam = account.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(document(list(statements))))


@pytest.mark.usefixtures("product")
def test_clean_account(command: Command, stack: StackConfiguration) -> None:
    result = command("audit", stack=stack)
    assert (result.exit_code, result.stdout, result.stderr) == (0, CLEAN, "")


def test_whole_output(product: Account, command: Command, stack: StackConfiguration) -> None:
    give(product, "alice", {"Sid": "Shell", **allow("ssm:StartSession")}, OPERATOR)
    give(product, "bob", allow("ssm:ResumeSession", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    give(product, "root-like", allow("*"))
    result = command("audit", "--declare-admin", f"{ARN}:user/root-*", stack=stack)
    assert (result.exit_code, result.stderr) == (1, "")
    assert [line.rstrip() for line in result.stdout.splitlines()] == WHOLE.splitlines()


def test_one_row_for_a_statement_that_lets_everything(
    product: Account, command: Command, stack: StackConfiguration
) -> None:
    give(product, "root-like", allow("*"))
    result = command("audit", stack=stack)
    assert result.exit_code == 1
    rows = [line for line in result.stdout.splitlines() if " findings of one statement " in line]
    assert len(rows) == 1
    assert "session-any-node" in rows[0]
    assert "Replace the statement with the permissions that the principal requires, or declare" in result.stdout


def test_json(product: Account, command: Command, stack: StackConfiguration) -> None:
    give(product, "alice", {"Sid": "Shell", **allow("ssm:StartSession")})
    result = command("audit", "--json", stack=stack)
    printed = json.loads(result.stdout)
    assert (result.exit_code, printed["accountId"], printed["principals"]) == (1, ACCOUNT, 3)
    (principal,) = printed["findings"]
    assert (principal["principal"], principal["severity"]) == (f"{ARN}:user/alice", "critical")
    (first, *_) = principal["findings"]
    assert (first["rule"], first["certain"], first["cannotTell"]) == ("session-any-node", True, [])
    assert first["statements"] == [
        {
            "policy": "own",
            "kind": "inline",
            "group": None,
            "index": 0,
            "sid": "Shell",
            "actions": ["ssm:StartSession"],
            "statement": {"Sid": "Shell", **allow("ssm:StartSession")},
        }
    ]
    assert all(each["remedy"] and each["source"] for each in principal["findings"])
    assert printed["counts"]["critical"] == 1


def test_severity_is_a_threshold(product: Account, command: Command, stack: StackConfiguration) -> None:
    give(product, "bob", allow("ssm:ResumeSession"))
    assert command("audit", "--severity", "medium", stack=stack).exit_code == 1
    result = command("audit", "--severity", "high", stack=stack)
    assert (result.exit_code, result.stdout) == (0, "Stack dev, account 123456789012\n3 principals: no findings\n")


@pytest.mark.usefixtures("product")
def test_unknown_severity_is_unusable(command: Command, stack: StackConfiguration) -> None:
    result = command("audit", "--severity", "awful", stack=stack)
    assert result.exit_code == 2
    assert result.stderr == "--severity: expected one of low, medium, high, critical, got 'awful'.\n"


def test_unusable_configuration(command: Command) -> None:
    result = command("audit", stack=UnusableError("No stack is selected."))
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "No stack is selected.\n")


def test_no_answer_is_an_incomplete_audit(command: Command, stack: StackConfiguration) -> None:
    result = command("audit", stack=stack)
    assert result.exit_code == 1
    assert result.stdout.startswith("cannot tell: sts:GetCallerIdentity: no answer: ")


@pytest.mark.usefixtures("product")
def test_refused(command: Command, stack: StackConfiguration, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "iam")
    result = command("audit", stack=stack)
    assert result.exit_code == 1
    assert result.stdout == (
        "cannot tell: iam:GetAccountAuthorizationDetails: refused: not authorized\n"
        f"  remedy:    allow iam:GetAccountAuthorizationDetails to arn:aws:sts::{ACCOUNT}:user/moto, then try again\n"
    )


COMPLETE: dict[str, Any] = {
    "UserDetailList": [{"UserName": "alice", "Arn": f"{ARN}:user/alice", "GroupList": ["team"]}],
    "GroupDetailList": [{"GroupName": "team", "Arn": f"{ARN}:group/team"}],
    "RoleDetailList": [
        {
            "RoleName": "Operator",
            "Arn": f"{ARN}:role/Operator",
            "AssumeRolePolicyDocument": document([]),
            "AttachedManagedPolicies": [{"PolicyArn": f"{ARN}:policy/Session"}],
            "PermissionsBoundary": {"PermissionsBoundaryArn": f"{ARN}:policy/Limit"},
        }
    ],
    "Policies": [
        {"Arn": f"{ARN}:policy/{name}", "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document([])}]}
        for name in ("Session", "Limit")
    ],
}


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, ""),
        ({"UserDetailList": [], "RoleDetailList": []}, "no user and no role"),
        ({"GroupDetailList": []}, f"no group team, of which {ARN}:user/alice is a member"),
        (
            {"Policies": COMPLETE["Policies"][:1]},
            f"no default version of {ARN}:policy/Limit, which {ARN}:role/Operator has",
        ),
        (
            {"Policies": [COMPLETE["Policies"][1], {"Arn": f"{ARN}:policy/Session", "PolicyVersionList": []}]},
            f"no default version of {ARN}:policy/Session, which {ARN}:role/Operator has",
        ),
        (
            {"RoleDetailList": [{"RoleName": "Operator", "Arn": f"{ARN}:role/Operator"}]},
            f"no trust policy of {ARN}:role/Operator",
        ),
        (
            {"UserDetailList": [{"UserName": "bob", "Arn": "arn:aws:iam::999988887777:user/bob"}]},
            "arn:aws:iam::999988887777:user/bob of another account",
        ),
    ],
)
def test_answer_without_a_part_is_incomplete(changed: dict[str, Any], missing: str) -> None:
    identity = Identity(account_id=ACCOUNT, partition="aws", arn=f"{ARN}:user/auditor")
    found = why_incomplete(COMPLETE | changed, "eu-west-1", identity)
    assert (found.cause if found else "").endswith(missing)
    assert bool(found) == bool(missing)


def test_incomplete_answer_is_an_incomplete_audit(
    product: Account, command: Command, stack: StackConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    iam = product.client("iam")
    iam.create_user(UserName="alice")
    iam.attach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    monkeypatch.setattr(run, "_LISTS", ("UserDetailList", "GroupDetailList", "RoleDetailList"))
    result = command("audit", stack=stack)
    assert result.exit_code == 1
    assert "cannot tell: iam:GetAccountAuthorizationDetails: malformed answer: " in result.stdout
    assert "no default version of arn:aws:iam::aws:policy/AdministratorAccess" in result.stdout


def test_without_organizations_it_says_so_and_goes_on(
    product: Account, command: Command, stack: StackConfiguration, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "organizations")
    give(product, "alice", allow("ssm:StartSession"))
    result = command("audit", stack=stack)
    assert result.exit_code == 1
    limit = "limit: service control policies are not taken into account (organizations:DescribeOrganization: refused: "
    assert limit in result.stdout


def test_approver_and_operator_by_option(product: Account, command: Command, stack: StackConfiguration) -> None:
    give(product, "carol", allow("ssm:SendAutomationSignal"))
    assert command("audit", stack=stack).exit_code == 1
    assert command("audit", "--approver", f"{ARN}:user/carol", stack=stack).exit_code == 0
    give(product, "dave", allow("iam:TagUser", on=f"{ARN}:user/ops/*"))
    again = ("--approver", f"{ARN}:user/carol")
    assert command("audit", *again, stack=stack).exit_code == 0
    assert command("audit", *again, "--operator", f"{ARN}:user/ops/*", stack=stack).exit_code == 1


def refuse(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    class Refused:
        def __getattr__(self, name: str) -> Any:
            raise refusal("AccessDenied")

    class Refusing(aws_session.AwsClients):
        def client(self, service_name: str, region: str) -> Any:
            return Refused() if service_name == service else super().client(service_name, region)

    monkeypatch.setattr(reader, "AwsClients", Refusing)


def test_approver_below_a_path_is_known_by_name(stack: StackConfiguration) -> None:
    approval = {"operatorRoles": ["Operator"], "approvers": [{"type": "IamRole", "name": "team/Approver"}]}
    given = type(stack)(name="dev", values={**stack.values, "shell-access:approval": json.dumps(approval)})
    found = protected(given, DeclaredPrincipals(), account_id="111122223333", partition="aws")
    assert found.approver_names == (("IamRole", "Approver"),)


EXCEPTION = """\
exceptions:
  - principal: arn:aws:iam::123456789012:user/alice
    rule: session-resume-others
    reason: on call
    owner: platform-security
    until: {until}
"""


def test_accepted_exception_is_no_finding(
    product: Account, command: Command, stack: StackConfiguration, tmp_path: Path
) -> None:
    give(product, "alice", allow("ssm:ResumeSession"))
    file = tmp_path / "exceptions.yaml"
    file.write_text(EXCEPTION.format(until="2999-12-31"))
    result = command("audit", "--exceptions", str(file), stack=stack)
    accepted = "accepted: arn:aws:iam::123456789012:user/alice: session-resume-others until 2999-12-31 (platform-security): on call"
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["Stack dev, account 123456789012", accepted, "3 principals: no findings"],
    )
    file.write_text(EXCEPTION.format(until="2020-12-31"))
    expired = json.loads(command("audit", "--json", "--exceptions", str(file), stack=stack).stdout)
    assert [each["rule"] for one in expired["findings"] for each in one["findings"]] == [
        "session-resume-others",
        "exception-expired",
    ]


def test_json_says_what_it_is(product: Account, command: Command, stack: StackConfiguration) -> None:
    del product
    printed = json.loads(command("audit", "--json", stack=stack).stdout)
    assert (printed["schemaVersion"], printed["accountId"]) == (1, ACCOUNT)
    assert printed["caller"].startswith("arn:aws:")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", printed["time"])
    assert (printed["acceptedExceptions"], printed["unusedExceptions"], printed["byDesign"]) == ([], [], [])


def test_declared_principals_must_exist(product: Account, command: Command, stack: StackConfiguration) -> None:
    del product
    result = command("audit", "--declare-admin", "*:user/absent", "--approver", f"{ARN}:role/Approver", stack=stack)
    assert result.exit_code == 2
    assert "--declare-admin: expected the ARN of a user or role of account 123456789012" in result.stderr
    assert "'*:user/absent'" in result.stderr
    assert "--approver" not in result.stderr
