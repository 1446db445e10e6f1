"""Just-in-time node access on the real engine: a move to it, prerequisites, adoption, drift, restoration.

During the move, who can start sessions is evaluated after each write: one approved way is open, and no other.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.problems import NAMESPACE
from components.approval.names import CHANGE_TEMPLATE_NAME, OPERATOR_POLICY_NAME, RUNBOOK_NAME
from components.approval.plan import GUARD_RAILS
from components.approval.settings import Mode
from components.just_in_time import names
from components.just_in_time.documents import policy_documents
from components.just_in_time.settings import JustInTimeSettings
from components.session_manager.names import DATA_KEY_ALIAS
from operations.audit.organization import Organization
from operations.audit.protected import DeclaredPrincipals
from operations.audit.run import AuditOptions, audit_context
from operations.inventory.reader import Identity
from operations.migration.access_paths import AccessPaths, access_paths
from operations.stack import StackConfiguration
from tests.components.just_in_time.examples import approval, auto, level, manual
from tests.engine.deployer_policies import create_roles_boundary
from tests.operations.migration.test_access_paths import REQUEST
from tests.support.api_calls import is_write
from tests.support.identity_center import IdentityCenter
from tests.support.middleware import Middleware, Upstream, call_of, serving
from tests.support.stack import Stack

pytestmark = pytest.mark.engine

OF_ORGANIZATION = {"schemaVersion": "0.3", "description": "of the organization"}
SESSIONS = {"sessionDataEncryption": True, "maxSessionDuration": 60}
REQUESTS = {"Action": ["ssm:StartAccessRequest", "ssm:GetAccessToken"], "Resource": "*"}
WORKFLOW: dict[str, Any] = {
    "mode": "change-manager",
    # A request that no template has made is then refused by nothing but the policies of operators.
    "requireChangeRequest": False,
    "approvers": [{"type": "IamRole", "name": "Approver"}],
    "operatorRoles": ["Operator"],
    "guardRails": True,
}
IDENTITY = Identity(account_id="123456789012", partition="aws", arn="arn:aws:iam::123456789012:user/watcher")
TOKEN_TRUST = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"Service": names.TOKEN_SERVICE}, "Action": "sts:AssumeRole"},
}


class Watcher(Middleware):
    """Middleware that evaluates who can start sessions after each write to IAM and Systems Manager."""

    def __init__(self, application: Any, aws: Callable[..., Any]) -> None:
        super().__init__(application)
        self._iam, self._ssm = aws("iam"), aws("ssm")
        self.endpoint_url = ""
        self._lock = threading.Lock()
        self.is_watching = False
        self.needs_way = True
        self.wrong: list[str] = []
        self.seen: set[tuple[bool, bool]] = set()

    def handle(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        call = call_of(environ)
        answer = self._application(environ, start_response)
        if self.is_watching and call.service in {"iam", "ssm"} and is_write(call.operation):
            with self._lock:
                self._judge(call.operation)
        return answer

    def _judge(self, operation: str) -> None:
        details = self._iam.get_paginator("get_account_authorization_details").paginate().build_full_result()
        runbook, policy = self._content(RUNBOOK_NAME), self._content("Databases")
        gated = runbook is not None and is_gated(runbook["mainSteps"])
        ways = [paths_of(details, mode) for mode in (Mode.AUTOMATION, Mode.CHANGE_MANAGER)]
        by_runbook = ways[0].is_workflow_open and runbook is not None
        by_template = ways[1].is_workflow_open and self._content(CHANGE_TEMPLATE_NAME) is not None
        just_in_time = ways[0].is_just_in_time_open and policy is not None
        self.seen.add((by_runbook or by_template, just_in_time))
        if self.needs_way and not (by_runbook or by_template or just_in_time):
            self.wrong.append(f"after {operation} no operator can get a session: {ways[0]}")
        if ways[0].standing or (by_runbook and not gated):
            self.wrong.append(f"after {operation} a session needs no approval: {ways[0]}")
        (operator,) = (each for each in details["RoleDetailList"] if each["RoleName"] == "Operator")
        attached = {each["PolicyName"] for each in operator["AttachedManagedPolicies"]}
        if OPERATOR_POLICY_NAME in attached and not attached.issuperset(GUARD_RAILS.values()):
            self.wrong.append(f"after {operation} an operator has no guard rails: {attached}")

    def _content(self, name: str) -> Any:
        try:
            return json.loads(self._ssm.get_document(Name=name)["Content"])
        except self._ssm.exceptions.InvalidDocument:
            return None


def is_gated(steps: list[Any]) -> bool:
    """Return whether a runbook that an operator starts grants no session: it asks approvers, or requires a change request."""
    (checks,) = (each["inputs"]["InputPayload"] for each in steps if each["name"] == "CheckRequest")
    requires = checks["Mode"] == "change-manager" and checks["RequireChangeRequest"]
    return requires or any(each["action"] == "aws:approve" for each in steps)


def paths_of(details: Any, mode: Mode) -> AccessPaths:
    values = {"aws:region": "eu-west-1", f"{NAMESPACE}:approval": json.dumps({**WORKFLOW, "mode": mode})}
    options = AuditOptions(declared=DeclaredPrincipals())
    configuration = StackConfiguration(name="test", values=values)
    audit = audit_context(configuration, options, IDENTITY, details, Organization(id=None))
    return access_paths(audit, mode, ["Databases"])


@pytest.fixture
def watcher(aws: Callable[..., Any], aws_endpoint: str) -> Iterator[Watcher]:
    watching = Watcher(Upstream(aws_endpoint), aws)
    with serving(watching) as watching.endpoint_url:
        yield watching


def content_of(section: Any) -> dict[str, str]:
    settings = JustInTimeSettings.model_validate(section["justInTime"])
    return {each.name: json.dumps(each.content) for each in policy_documents(settings)}


BY_HAND = {"access-delegated-administrator": "note", "access-rdp-recording": "warning"}
"""Checks of what is set up by hand, or in another account."""
THEIRS = content_of(approval(auto_approvals=[auto("theirs")]))
"""Policies of another principal."""


def live(ssm: Any, name: str) -> Any:
    return json.loads(ssm.get_document(Name=name)["Content"])


def node(aws: Callable[..., Any], name: str) -> str:
    filters = [{"Name": "tag:Name", "Values": [name]}]
    return aws("ec2").describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]["InstanceId"]


def unequal(stack: Stack) -> dict[str, str]:
    """Return the status of each check that is not OK."""
    regions = json.loads(stack.operate("verify", "--json").stdout)["regions"]
    return {each["check"]: each["status"] for several in regions.values() for each in several if each["status"] != "ok"}


class People:
    """A requester and an approver of IAM Identity Center, by the access keys of their sessions."""

    def __init__(self, aws: Callable[..., Any]) -> None:
        center = IdentityCenter(aws)
        self.approvers = center.group("approvers")
        for name, group in (("anton", self.approvers), ("olivia", "")):
            center.user(name, group)
        role = aws("iam").get_role(RoleName=center.assign("Nodes", self.approvers, **REQUESTS))["Role"]["Arn"]
        self.anton, self.olivia = (
            str(aws("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]["AccessKeyId"])
            for name in ("anton", "olivia")
        )


def get_access(stack: Stack, people: People) -> None:
    """Request, approve and prove access to app-1, as the people of the stack do."""
    made = stack.operate("request", "app-1", "--reason", "Ticket 4711", "--json", caller=people.olivia)
    assert made.returncode == 0, made.stderr
    request = json.loads(made.stdout)["run"]
    own = stack.operate("approve", request, "--yes", caller=people.olivia)
    assert (own.returncode, "requesters cannot approve their own requests" in own.stderr) == (1, True)
    approved = stack.operate("approve", request, "--yes", "--json", caller=people.anton)
    found = json.loads(approved.stdout)
    assert (found["state"], found["policy"], found["grantRun"] is None) == ("granted", "Web", False), approved.stderr
    shown = stack.operate("connect", "app-1", "--print", caller=people.olivia)
    assert f"aws ssm get-access-token --region eu-west-1 --access-request-id {request}" in shown.stderr


def migrate(stack: Stack, *arguments: str, to: str = "just-in-time") -> tuple[int, str, Any]:
    """Return the exit code, the output, and the stack's section `approval` afterwards."""
    done = stack.operate("migrate", "approval", "--to", to, "--yes", *arguments, caller="migrate")
    assert "Traceback" not in done.stderr, done.stderr
    file = yaml.safe_load((stack.folder / f"Pulumi.{stack.name}.yaml").read_text())
    return done.returncode, done.stdout, file["config"][f"{NAMESPACE}:approval"]


def enable_just_in_time(iam: Any) -> None:
    """Make what Quick Setup makes, and give the operator the permissions of requesters."""
    iam.create_role(RoleName=names.TOKEN_ROLE, AssumeRolePolicyDocument=json.dumps(TOKEN_TRUST))
    iam.attach_role_policy(RoleName=names.TOKEN_ROLE, PolicyArn=f"arn:aws:iam::aws:policy/{names.TOKEN_POLICY}")
    for name in (names.SERVICE_ROLE, names.NOTIFICATIONS_ROLE):
        iam.create_role(RoleName=name, Path="/aws-service-role/ssm/", AssumeRolePolicyDocument=json.dumps(TOKEN_TRUST))
    document = {"Version": "2012-10-17", "Statement": REQUEST}
    iam.put_role_policy(RoleName="Operator", PolicyName="Requests", PolicyDocument=json.dumps(document))


def move(stack: Stack, watcher: Watcher, aws: Callable[..., Any], access: dict[str, Any], policies: Path) -> None:
    """Move from change-manager to automation, and to just-in-time, with a request that is open meanwhile."""
    ssm = aws("ssm")
    stack.configure({"sessionManager": SESSIONS, "approval": WORKFLOW})
    create_roles_boundary(aws("iam"), stack)
    stack.up().succeeded()
    watcher.is_watching = True
    assert migrate(stack, to="automation")[::2] == (0, {**WORKFLOW, "mode": "automation"})
    assert watcher.wrong == []
    stack.configure({"sessionManager": SESSIONS, "approval": WORKFLOW})
    assert "requireChangeRequest: expected true as long as the policy" in stack.preview().failed().text
    stack.configure({"sessionManager": SESSIONS, "approval": {**WORKFLOW, "mode": "automation"}})

    code, text, section = migrate(stack, "--policies", str(policies))
    assert (code, section["mode"], "justInTime" in section) == (1, "automation", False)
    assert f"expected the role {names.TOKEN_ROLE} to exist" in text
    assert "targets.Tier: expected each tag in one policy, got Tier=database, which the policy Theirs" in text
    enable_just_in_time(aws("iam"))
    ssm.delete_document(Name="Theirs")
    run = ssm.start_automation_execution(
        DocumentName=RUNBOOK_NAME,
        Parameters={"InstanceId": [node(aws, "app-1")], "PrincipalType": ["role"], "PrincipalName": ["Operator"]},
    )["AutomationExecutionId"]
    code, text, section = migrate(stack, "--policies", str(policies))
    assert (code, section["justInTimeMigration"]) == (1, "parallel")
    assert f"Set {names.IDENTITY_PROVIDER_SETTING} to SSO" in text
    assert f"{names.DENY_ACCESS_NAME} is in force in eu-west-1 and stays as it is" in text
    assert "nodes-noPolicy: 3 nodes without a policy" in text
    ssm.update_service_setting(SettingId=names.IDENTITY_PROVIDER_SETTING, SettingValue="SSO")

    code, text, section = migrate(stack, "--accept-unreachable", "*")
    assert (code, section["justInTimeMigration"]) == (1, "draining")
    assert f"1 open request or grant, which this step would end: {run}" in text
    stack.configure({"sessionManager": SESSIONS, "approval": access})
    assert f"got 1 of {RUNBOOK_NAME} in eu-west-1: {run}" in stack.preview().failed().text
    stack.configure({"sessionManager": SESSIONS, "approval": section})
    ssm.stop_automation_execution(AutomationExecutionId=run, Type="Cancel")
    assert migrate(stack, "--accept-unreachable", "*")[::2] == (0, access)
    watcher.is_watching = False
    assert (watcher.wrong, watcher.seen) == ([], {(True, False), (True, True), (False, True)})


def test_move_keeps_one_way_open_and_policies_converge(
    new_stack: Callable[..., Stack], aws: Callable[..., Any], watcher: Watcher, tmp_path: Path
) -> None:
    ssm, kms = aws("ssm"), aws("kms")
    ssm.create_document(
        Name=names.AUTO_APPROVAL_NAME, DocumentType=names.AUTO_APPROVAL, Content=THEIRS[names.AUTO_APPROVAL_NAME]
    )
    ssm.create_document(
        Name=names.DENY_ACCESS_NAME, DocumentType=names.AUTO_APPROVAL, Content=json.dumps(OF_ORGANIZATION)
    )
    ssm.create_document(Name="Theirs", DocumentType=names.MANUAL_APPROVAL, Content=THEIRS["Databases"])
    policies = tmp_path / "policies.yaml"
    people = People(aws)
    access = approval([manual(), manual("Web", targets={"Tier": ["web"]}, levels=[level(people.approvers)])])
    policies.write_text(yaml.safe_dump(access["justInTime"]))
    stack = new_stack(endpoint=watcher.endpoint_url)
    move(stack, watcher, aws, access, policies)

    for name, text in content_of(access).items():
        assert live(ssm, name) == json.loads(text)
    key = kms.describe_key(KeyId=DATA_KEY_ALIAS)["KeyMetadata"]["KeyId"]
    tags = {each["TagKey"]: each["TagValue"] for each in kms.list_resource_tags(KeyId=key)["Tags"]}
    assert names.MANAGED_TAG.items() <= tags.items()
    assert stack.outputs()["approval"]["policies"] == ["Databases", "Web", names.AUTO_APPROVAL_NAME]
    assert stack.outputs()["approval"]["mode"] == "just-in-time"
    stack.preview("--refresh", "--expect-no-changes").succeeded()
    # No node of the local AWS has a tag of these policies.
    assert unequal(stack) == {"access-nodes": "warning", **BY_HAND}
    assert "no manual policy applies" in stack.operate("access", "who-can", "app-1").stdout

    kms.untag_resource(KeyId=key, TagKeys=list(names.MANAGED_TAG))
    aws("ec2").create_tags(Resources=[node(aws, "app-1")], Tags=[{"Key": "Tier", "Value": "web"}])
    ssm.update_document(Name="Web", DocumentVersion="$LATEST", Content=THEIRS["Databases"])
    ssm.update_document_default_version(Name="Web", DocumentVersion="2")
    ssm.delete_document(Name="Databases")
    assert set(unequal(stack)) == {
        "access-manual-Databases",
        "access-manual-Web-content",
        "access-nodes",
        "data-key-tags",
        *BY_HAND,
    }
    stack.up("--refresh").succeeded()
    assert json.loads(stack.operate("access", "who-can", "app-1", "--json").stdout)["outcome"] == "manual"
    for name, text in content_of(access).items():
        assert live(ssm, name) == json.loads(text)

    get_access(stack, people)
    stack.destroy().succeeded()
    assert live(ssm, names.AUTO_APPROVAL_NAME) == json.loads(THEIRS[names.AUTO_APPROVAL_NAME])
    assert live(ssm, names.DENY_ACCESS_NAME) == OF_ORGANIZATION
    filters = [{"Key": "DocumentType", "Values": [names.MANUAL_APPROVAL]}]
    assert ssm.list_documents(Filters=filters)["DocumentIdentifiers"] == []
