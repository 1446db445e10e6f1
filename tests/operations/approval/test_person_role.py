"""Commands of people who sign in through IAM Identity Center, and assume their operator's role by themselves."""

import json
from typing import Any

from components.approval import identity_center
from components.approval.names import OPERATOR_POLICY_NAME, OPERATORS_PATH, RESERVED_PATH
from components.approval.settings import ApprovalSettings
from tests.components.approval.workflow import ACCOUNT, PLACE
from tests.operations.approval.conftest import ANTON, People
from tests.support.identity_center import IdentityCenter

USER = "olivia@example.org"
MAY_ASSUME = {"Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role{OPERATORS_PATH}*"}
SETTINGS = ApprovalSettings.model_validate({"identityCenter": {"permissionSet": "ShellUser"}})


class Person:
    """Olivia, who is signed in with the permission set `ShellUser`, and has a role of her own.

    Args:
        people: The workflow.
        allowed: Statement of the permission set.
    """

    def __init__(self, people: People, **allowed: Any) -> None:
        center = IdentityCenter(people.client)
        user = center.user(USER)
        reserved = center.assign("ShellUser", user, "USER", **allowed)
        self.path = f"{RESERVED_PATH}eu-west-1/{reserved}".lstrip("/")
        person = identity_center.OperatorPerson(user_id=user, user_name=USER)
        operators = identity_center.IdentityCenterOperators(reserved_path=f"{RESERVED_PATH}eu-west-1/")
        people.iam.create_role(
            RoleName=person.role_name,
            Path=OPERATORS_PATH,
            AssumeRolePolicyDocument=json.dumps(identity_center.operator_trust(SETTINGS, operators, person, PLACE)),
        )
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{OPERATOR_POLICY_NAME}"
        people.iam.attach_role_policy(RoleName=person.role_name, PolicyArn=arn)
        self.role, self.arn = person.role_name, f"arn:aws:iam::{ACCOUNT}:role{OPERATORS_PATH}{person.role_name}"
        self.caller = (self.path, USER)


def ask(people: People, caller: tuple[str, str], *more: str) -> Any:
    return people.command("request", people.node, "--reason", "Disk is full", "--json", *more, by=caller)


def test_request_assumes_the_role_of_the_person(people: People) -> None:
    person = Person(people, **MAY_ASSUME)
    people.outputs["approval"]["operatorRoleArns"] = {USER: person.arn}
    result = ask(people, person.caller)
    assert result.exit_code == 0, result.output
    run = people.run(json.loads(result.stdout)["run"])
    assert run["ExecutedBy"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{person.role}/{USER}"
    assert run["Parameters"]["PrincipalName"] == [person.role]


def test_request_without_a_stack_looks_the_role_up(people: People) -> None:
    person = Person(people, **MAY_ASSUME)
    result = ask(people, person.caller, "--mode", "automation", "--region", "eu-west-1")
    assert result.exit_code == 0, result.output
    assert people.run(json.loads(result.stdout)["run"])["Parameters"]["PrincipalName"] == [person.role]


def test_request_says_what_the_permission_set_lacks(people: People) -> None:
    person = Person(people)
    people.outputs["approval"]["operatorRoleArns"] = {USER: person.arn}
    result = ask(people, person.caller)
    assert result.exit_code != 0
    text = " ".join(result.output.split())
    assert f"cannot assume {person.arn}" in text
    assert f"that permission set must allow sts:AssumeRole on {MAY_ASSUME['Resource']}" in text


def test_request_of_a_person_without_a_role_names_the_setting(people: People) -> None:
    person = Person(people, **MAY_ASSUME)
    result = ask(people, (person.path, "oscar@example.org"))
    assert result.exit_code != 0
    text = " ".join(result.output.split())
    assert (
        f"oscar@example.org, who is signed in through IAM Identity Center, has no operator's role in account {ACCOUNT}"
        in text
    )


def test_request_in_another_session_of_a_person_is_refused(people: People) -> None:
    person = Person(people, **MAY_ASSUME)
    people.outputs["approval"]["operatorRoleArns"] = {"oscar@example.org": person.arn}
    result = ask(people, (person.path, "oscar@example.org"))
    assert "cannot assume" in result.output


def connect(people: People, caller: tuple[str, str] | str, *more: str) -> Any:
    section = {
        "approvers": [{"type": "IamRole", "name": "Approver"}],
        "operators": [{"identityCenterUser": USER}],
        "identityCenter": {"permissionSet": "ShellUser"},
    }
    people.configure({"aws:region": "eu-west-1", "shell-access:approval": json.dumps(section)})
    return people.command("connect", people.node, *more, by=caller)


def test_connect_starts_the_session_in_the_role_of_the_person(people: People, aws_cli: dict[str, str]) -> None:
    person = Person(people, **MAY_ASSUME)
    people.outputs["approval"]["operatorRoleArns"] = {USER: person.arn}
    result = connect(people, person.caller)
    assert result.exit_code == 0, result.output
    arn = people.client("sts", account=aws_cli["AWS_ACCESS_KEY_ID"]).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{person.role}/{USER}"
    assert aws_cli["AWS_SECRET_ACCESS_KEY"] not in result.output


def test_connect_prints_a_profile_and_no_credentials(people: People, aws_cli: dict[str, str]) -> None:
    person = Person(people, **MAY_ASSUME)
    result = connect(people, person.caller, "--print")
    assert (result.exit_code, aws_cli) == (0, {})
    assert f"role_arn = {person.arn}" in result.stderr
    assert f"role_session_name = {USER}" in result.stderr


def test_connect_of_a_person_without_a_role_names_the_setting(people: People, aws_cli: dict[str, str]) -> None:
    person = Person(people, **MAY_ASSUME)
    result = connect(people, (person.path, "oscar@example.org"))
    assert aws_cli == {}
    assert "shell-access:approval.operators" in " ".join(result.output.split())


# The same with account access manager, in whose sessions the person chooses the name


class Entitled:
    """Olivia, who is entitled to her role, in a session that she has named after Oscar.

    Args:
        people: The workflow.
        session: Name of her session.
    """

    def __init__(self, people: People, session: str = "oscar@example.org") -> None:
        center = IdentityCenter(people.client)
        organizations = people.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        organizations.enable_aws_service_access(ServicePrincipal="account-access.amazonaws.com")
        application, user = center.application(), center.user(USER)
        self.role = identity_center.OperatorPerson(user_id=user, user_name=USER).role_name
        self.arn = f"arn:aws:iam::{ACCOUNT}:role{OPERATORS_PATH}{self.role}"
        people.iam.create_role(
            RoleName=self.role,
            Path=OPERATORS_PATH,
            AssumeRolePolicyDocument=json.dumps(identity_center.account_access_trust(application)),
        )
        policy = f"arn:aws:iam::{ACCOUNT}:policy/{OPERATOR_POLICY_NAME}"
        people.iam.attach_role_policy(RoleName=self.role, PolicyArn=policy)
        center.entitle(application, self.arn, userId=user)
        self.key = center.sign_in(application, user, self.arn, session)["AccessKeyId"]
        self.session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.role}/{session}"
        people.outputs["approval"]["operatorRoleArns"] = {USER: self.arn}
        # Who may approve: the session of a permission set has the user's name.
        reserved = center.assign("Approve", user, "USER", Action="ssm:SendAutomationSignal", Resource="*")
        self.approver = (f"{RESERVED_PATH}eu-west-1/{reserved}".lstrip("/"), USER)


def test_request_of_an_entitled_person_is_for_their_role(people: People) -> None:
    person = Entitled(people)
    run = people.run(people.requested(people.node, by=person.key))
    assert (run["ExecutedBy"], run["Parameters"]["PrincipalName"]) == (person.session, [person.role])


def test_approve_shows_the_person_and_not_the_session_name(people: People) -> None:
    person = Entitled(people)
    run = people.requested(people.node, by=person.key)
    (listed,) = people.status()["requests"]
    assert (listed["askedByUser"], listed["principalUser"]) == (USER, USER)
    table = people.command("approve", by=ANTON).output
    assert USER in table
    assert "oscar" not in table
    shown = people.command("status", run, by=ANTON).output
    assert f"requester:   {USER}, {person.session}" in shown
    assert f"session for: role {person.role} ({USER})" in shown


def test_approve_refuses_an_entitled_person_own_request(people: People) -> None:
    person = Entitled(people, session="any-name")
    run = people.requested(people.node, by=person.key)
    result = people.command("approve", run, "--yes", by=person.approver)
    assert result.exit_code == 1
    assert f"cannot approve the request of {USER}" in " ".join(result.output.split())
    assert people.run(run)["AutomationExecutionStatus"] == "Waiting"


def test_approve_refuses_a_grant_to_the_entitled_approver(people: People) -> None:
    person = Entitled(people)
    run = people.requested(people.node, "--as-role", person.role, by=("Operator", "oscar"))
    result = people.command("approve", run, "--yes", by=person.approver)
    assert result.exit_code == 1
    assert f"cannot approve a grant to role {person.role} ({USER})" in " ".join(result.output.split())


def test_connect_uses_the_session_of_an_entitled_person(people: People, aws_cli: dict[str, str]) -> None:
    person = Entitled(people)
    result = connect(people, person.key)
    assert (result.exit_code, aws_cli.keys()) == (0, {"command"}), result.output


def test_request_by_permission_set_names_the_sign_in_of_roles(people: People) -> None:
    person = Entitled(people)
    result = ask(people, person.approver)
    assert result.exit_code != 0
    text = " ".join(result.output.split())
    assert f"cannot assume {person.arn}" in text
    assert "sign in with `aws login` and choose the role" in text
