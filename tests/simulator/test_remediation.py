"""The remediation's runbook run by AWS' own simulator against the local AWS.

Every call that a step makes is judged by the policy of the runbook's role before it is made, and those of its scripts
are compared with it afterwards, by what the local AWS was asked.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from common.aws.arns import Scope
from common.iam.context import ABSENT, RequestContext, known
from common.iam.documents import parse
from common.iam.evaluation import Permissions, decide
from common.iam.truth import Truth
from components.nodes.role_compliance import remediation_role_policy, runbook
from tests.simulator.simulator import RefusedError, Simulator, StepFailedError, translated
from tests.support.recorder import calls, reset_calls

Json = dict[str, Any]
PLACE = Scope(partition="aws", account_id="123456789012")
POLICY = PLACE.iam("policy/ShellAccessSessionManagerNode")
EXCLUDED = ["Breakglass"]
SOMETHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}]}
ATTACHED = ["CheckRole", "Decide", "AttachPolicy", "VerifyAttached"]


class World:
    """Roles of the local AWS, and a run of the runbook among them."""

    def __init__(self, client: Callable[..., Any], endpoint: str, simulator: Simulator) -> None:
        self.client, self.endpoint, self.simulator = client, endpoint, simulator
        self.iam = client("iam")
        self.iam.create_policy(PolicyName="ShellAccessSessionManagerNode", PolicyDocument=json.dumps(SOMETHING))
        policy = remediation_role_policy(PLACE, [POLICY], EXCLUDED)
        self.may = Permissions(identity=(parse(policy, name="remediation"),))
        self.steps: list[str] = []
        self.outputs: dict[str, str] = {}

    def role(self, name: str = "Web", service: str = "ec2.amazonaws.com", *, profile: bool = True) -> str:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["RoleId"]
        if profile:
            self.iam.create_instance_profile(InstanceProfileName=name)
            self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return made

    def play(self, role_id: str, document: Json | None = None) -> Json:
        given = {"RoleId": role_id, "AutomationAssumeRole": PLACE.iam("role/ShellAccessNodeRemediation")}
        return self.simulator.run(translated(document or runbook(PLACE, [POLICY], EXCLUDED)), given, self)

    def attached(self, name: str) -> list[str]:
        policies = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return [policy["PolicyArn"] for policy in policies]

    def begin(self, step: str) -> None:
        self.steps.append(step)

    def done(self, outputs: Json) -> None:
        self.outputs |= outputs

    def sleep(self, seconds: float) -> None: ...

    def call(self, service: str, api: str, parameters: Json) -> Json:
        resource = PLACE.iam(f"role/{parameters['RoleName']}")
        keys = {"iam:policyarn": known(parameters["PolicyArn"])}
        judged = decide(self.may, f"{service}:{api}", resource, RequestContext(keys, otherwise=ABSENT)).allowed
        if judged is not Truth.YES:
            raise StepFailedError("AccessDenied")
        assert (service, api) == ("iam", "AttachRolePolicy")
        self.iam.attach_role_policy(**parameters)
        return {}


@pytest.fixture
def world(client: Callable[..., Any], endpoint: str, simulator: Simulator) -> World:
    return World(client, endpoint, simulator)


def test_simulator_understands_every_word_of_the_runbook(simulator: Simulator) -> None:
    document = translated(runbook(PLACE, [POLICY], EXCLUDED))
    assert simulator.printed(document) == document


def test_role_that_lacks_the_policy_gets_it_and_nothing_else(world: World) -> None:
    assert world.play(world.role())["code"] == "SUCCESS"
    assert world.steps == ATTACHED
    assert world.attached("Web") == [POLICY]
    assert world.outputs["VerifyAttached.Outcome"] == f"the role Web has {POLICY}"


def test_role_that_has_the_policy_is_left_alone(world: World) -> None:
    role = world.role()
    world.iam.attach_role_policy(RoleName="Web", PolicyArn=POLICY)
    assert world.play(role)["code"] == "SUCCESS"
    assert "AttachPolicy" not in world.steps
    assert world.outputs["CheckRole.Verdict"] == "attached"


def test_scripts_need_only_the_permissions_of_the_role(world: World) -> None:
    role = world.role()
    reset_calls(world.endpoint)
    world.play(role)
    asked = {call for call in calls(world.endpoint) if not call.startswith("sts:")}
    policy: Any = remediation_role_policy(PLACE, [POLICY], EXCLUDED)
    actions = [statement["Action"] for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    assert asked == {action for each in actions for action in ([each] if isinstance(each, str) else each)}


@pytest.mark.parametrize(
    ("role", "why"),
    [
        ({"name": "Breakglass"}, "the role Breakglass is excluded"),
        ({"name": "BREAKGLASS"}, "the role BREAKGLASS is excluded"),
        ({"service": "lambda.amazonaws.com"}, "EC2 may not assume the role Web"),
        ({"profile": False}, "the role Web is in no instance profile"),
    ],
    ids=str,
)
def test_role_that_is_not_ours_to_change_stays_as_it_is(world: World, role: Json, why: str) -> None:
    played = world.play(world.role(**role))
    assert played["code"] == "FAILED"
    assert why in played["why"]
    assert world.steps == ["CheckRole"]
    assert world.attached(role.get("name", "Web")) == []


def test_deleted_role_is_reported(world: World) -> None:
    played = world.play("AROAEXAMPLEEXAMPLE12")
    assert played["code"] == "FAILED"
    assert "AWS Config knows no role AROAEXAMPLEEXAMPLE12" in played["why"]


@pytest.mark.parametrize("given", ["Web", "arn:aws:iam::123456789012:role/Web", "AIDAEXAMPLEEXAMPLE12", ""])
def test_invalid_role_id_is_refused(world: World, given: str) -> None:
    world.role()
    with pytest.raises(RefusedError, match="RoleId"):
        world.play(given)
    assert world.attached("Web") == []


def test_runbook_runs_with_no_other_role(simulator: Simulator, world: World) -> None:
    given = {"RoleId": world.role(), "AutomationAssumeRole": PLACE.iam("role/Admin")}
    with pytest.raises(RefusedError, match="AutomationAssumeRole"):
        simulator.run(translated(runbook(PLACE, [POLICY], EXCLUDED)), given, world)


def test_a_changed_runbook_could_attach_nothing_else_either(world: World) -> None:
    """The policy of the role, not the text of the runbook, is what holds."""
    document = runbook(PLACE, ["arn:aws:iam::aws:policy/AdministratorAccess"], [])
    assert world.play(world.role(), document)["code"] == "FAILED"
    assert world.steps[-1] == "AttachPolicy"
    assert world.attached("Web") == []


def test_changed_runbook_cannot_change_excluded_roles(world: World) -> None:
    document = runbook(PLACE, [POLICY], [])
    assert world.play(world.role("Breakglass"), document)["code"] == "FAILED"
    assert world.attached("Breakglass") == []


def test_step_that_did_not_help_fails_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "call", lambda *_given: {})
    played = world.play(world.role())
    assert played["code"] == "FAILED"
    assert "does not have" in played["why"]
