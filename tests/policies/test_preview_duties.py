"""The rules about the separation of duties under the real engine.

The local AWS plugin knows neither policies of users and groups nor permission sets: those forms are tested with the rules
alone.
"""

import json
from collections.abc import Callable

import pytest

from local.workspace import REPOSITORY
from policies import separation_of_duties
from tests.policies.test_preview import headings, reports
from tests.support.stack import Run, Stack

pytestmark = pytest.mark.engine

START = "session-start-needs-approval"
COMMANDS = "node-commands-need-approval"
LOGINS = "node-logins-need-approval"
INSTANCES = "instances-changed-by-named-principals"
DOCUMENTS = "documents-changed-by-named-principals"
RESOURCES = [
    (START, "policy-for-all-nodes", "statement 1 (ssm:StartSession: "),
    (START, "policy-of-a-role", "statement 1 (ssm:StartSession: "),
    (START, "policy-of-all-but", "statement 1 (ssm:StartSession: "),
    (START, "role-with-a-policy", "statement 1 (ssm:StartSession: "),
    (START, "role-with-all", "AmazonSSMFullAccess, which AWS manages"),
    (START, "user-with-all", "AmazonSSMFullAccess, which AWS manages"),
    ("session-resume-own", "policy-for-any-session", "statement 1 (ssm:ResumeSession, ssm:TerminateSession: "),
    ("session-documents-governed", "policy-for-any-document", "statement 1 (ssm:StartSession: "),
    ("approval-tag-set-by-runbook", "policy-for-tags", "statement 1 (iam:TagRole, iam:TagUser: "),
    ("approval-tag-set-by-runbook", "policy-of-a-role", "statement 1 (iam:TagRole, "),
    ("approval-tag-not-in-program", "role-with-the-tag", "a tag"),
    ("runbook-role-trusts-automation-only", "role-that-poses-as-the-runbooks", "other principals"),
    ("runbook-grant-limited", "runbook-that-waits-for-hours", "waits of 120 minutes"),
    (COMMANDS, "policy-for-commands", "statement 1 (ssm:SendCommand: "),
    (LOGINS, "policy-for-logins", "statement 1 (ec2-instance-connect:SendSSHPublicKey: "),
    (INSTANCES, "policy-for-user-data", "statement 1 (ec2:ModifyInstanceAttribute: "),
    (DOCUMENTS, "policy-of-an-operator", "statement 1 (ssm:UpdateDocument: "),
    *((rule, "policy-for-all-nodes", "statement 1 (ssm:Start") for rule in (COMMANDS, LOGINS)),
    *(
        (rule, name, "statement 1 (")
        for rule in (COMMANDS, LOGINS, INSTANCES, DOCUMENTS)
        for name in ("policy-of-a-role", "policy-of-all-but")
    ),
    *(
        (rule, name, "AmazonSSMFullAccess, which AWS manages")
        for rule in (COMMANDS, LOGINS, DOCUMENTS)
        for name in ("role-with-all", "user-with-all")
    ),
    ("identity-policy-readable", "policy-in-pieces", "text that cannot be read"),
    ("runbook-removes-tag", "runbook-that-keeps-the-tag", "Abort"),
    ("approvals-required", "runbook-that-asks-anyone", '"{{ Who }}"'),
]
STACK = [
    ("operator-sessions-not-tagged", "role-with-tagged-sessions", "statement 1 (sts:TagSession: "),
    ("operators-cannot-change-approval", "policy-of-an-operator", "statement 1 (ssm:UpdateDocument: "),
    ("service-role-permissions-limited", "policy-of-a-node", "statement 1 (iam:AttachRolePolicy: "),
    ("runbook-requires-approval", "runbook-that-asks-no-one", "a path to it without an approval"),
    ("approvers-not-operators", "runbook-that-asks-operators", "role/Operator"),
    ("break-glass-limited", "role-without-an-alarm", "no alarm on its use"),
    ("evidence-records-locked", "bucket-without-retention", "no retention of new objects"),
    ("operator-roles-of-one-person", "role-of-several-people", "others than one person"),
    ("operator-roles-of-one-person", "entitlement-of-a-group", '{"groupId": "0a1b2c3d-7777-2222-3333-444455556666"}'),
]
TEMPLATE = """
Resources:
  Shell:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {AWS: "123456789012"}, Action: sts:AssumeRole}]}
      Policies:
        - {PolicyName: shell, PolicyDocument: {Statement: [{Effect: Allow, Action: ssm:StartSession, Resource: "*"}]}}
  Grant:
    Type: AWS::SSM::Document
    Properties:
      DocumentType: Automation
      Content:
        schemaVersion: "0.3"
        mainSteps:
          - name: Tag
            action: aws:executeAwsApi
            inputs: {Service: iam, Api: TagRole, RoleName: x, Tags: [{Key: SecurityAllowSessionInstance, Value: i-1}]}
"""
RULES = {rule.id: rule for rule in separation_of_duties.RULES}
OTHERS_OFF = {"all": "disabled"}
ABOUT_RESOURCES = {rule.id: "mandatory" for rule in separation_of_duties.RULES if not rule.is_about_stacks}
ABOUT_STACKS = {rule.id: "mandatory" for rule in separation_of_duties.RULES if rule.is_about_stacks}


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [pytest.param(ABOUT_RESOURCES, RESOURCES, id="resources"), pytest.param(ABOUT_STACKS, STACK, id="stacks")],
)
def test_preview_reports_each_violation_once(
    preview: Callable[..., Run], configuration: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    # Whether a preview that a resource stops comes to the rules about the whole stack is a matter of timing.
    run = preview("bad_duties", OTHERS_OFF | configuration).failed()
    found = [each for each in reports(run) if each.level == "mandatory"]
    assert sorted((each.rule, each.name) for each in found) == sorted((rule, name) for rule, name, _ in expected)
    texts = {(each.rule, each.name): each.text for each in found}
    for rule, name, said in expected:
        lines = [line.strip() for line in texts[rule, name].splitlines() if f' "{name}": ' in line]
        assert len(lines) == 1
        assert f"found {said}" in lines[0]
        assert lines[0].endswith(f". {RULES[rule].remedy}.")


def test_every_rule_stops_a_preview() -> None:
    assert {rule for rule, *_ in (*RESOURCES, *STACK)} == set(RULES)


@pytest.fixture
def late_duties(new_stack: Callable[[str, str], Stack], empty_aws: str) -> Stack:
    return new_stack("late_duties", empty_aws)


@pytest.mark.exhaustive
def test_value_unknown_in_preview_is_refused_in_update(late_duties: Stack) -> None:
    pack = ("--policy-pack", "policies")
    preview = late_duties.preview(*pack).succeeded()
    assert headings(preview, "mandatory") == set()
    assert '"late": policy is not known yet; the rule is applied in the update.' in preview.text
    update = late_duties.up(*pack).failed()
    refused = (START, "approval-tag-set-by-runbook", COMMANDS, LOGINS, INSTANCES, DOCUMENTS)
    assert headings(update, "mandatory") == {(rule, "late") for rule in refused}


def test_unknown_rule_in_configuration_stops_the_preview(preview: Callable[..., Run]) -> None:
    run = preview("good", {"log-group-retentio": "advisory", "kms-key-rotation": {"longest": 1}}).failed()
    assert "log-group-retentio: there is no such rule; did you mean log-group-retention?" in run.text
    assert "kms-key-rotation.longest: there is no such parameter; there are:" in run.text


@pytest.fixture
def made(new_stack: Callable[[str, str], Stack], empty_aws: str) -> Stack:
    """The program `late`, brought up without the pack."""
    stack = new_stack("late", empty_aws)
    stack.up().succeeded()
    return stack


def test_existing_state_is_evaluated_without_program(made: Stack) -> None:
    file = made.folder / "export.json"
    file.write_text(made.run("stack", "export", "--stack", made.name).succeeded().text)
    pack = ("--policy-pack", str(REPOSITORY / "policies"))
    refused = made.run("policy", "analyze", "--file", str(file), *pack)
    assert refused.code
    assert "session-preferences-encrypt-data" in refused.text
    lenient = made.folder / "lenient.json"
    lenient.write_text(json.dumps({"all": "advisory"}))
    analyzed = made.run(
        "policy", "analyze", "--file", str(file), *pack, "--policy-pack-config", str(lenient)
    ).succeeded()
    assert "[advisory]" in analyzed.text


def test_template_in_state_is_evaluated(made: Stack) -> None:
    exported = json.loads(made.run("stack", "export", "--stack", made.name).succeeded().text)
    resources = exported["deployment"]["resources"]
    known = next(each for each in resources if each["type"].startswith("aws:"))
    type_ = "aws:cloudformation/stack:Stack"
    given = {"templateBody": TEMPLATE, "name": "hidden"}
    urn = f"{known['urn'].rpartition('::')[0].rpartition('::')[0]}::{type_}::hidden"
    resources.append({**known, "urn": urn, "type": type_, "id": "x", "inputs": given, "outputs": given})
    file = made.folder / "export.json"
    file.write_text(json.dumps(exported))
    pack = ("--policy-pack", str(REPOSITORY / "policies"))
    run = made.run("policy", "analyze", "--file", str(file), *pack)
    assert run.code
    assert "templateBody.Resources.Shell.inlinePolicies[0].policy: found statement 1 (ssm:StartSession" in run.text
    place = '"hidden/Grant": templateBody.Resources.Grant.content.mainSteps.Tag'
    assert f"aws:ssm/document:Document {place}: found a path to it without an approval" in run.text
    assert "Traceback" not in run.text


@pytest.fixture
def mendable(new_stack: Callable[[str, str], Stack], empty_aws: str) -> Stack:
    return new_stack("mendable", empty_aws)


def test_remediation_corrects_the_program(mendable: Stack) -> None:
    file = mendable.folder / "remediate.json"
    file.write_text(
        json.dumps({"all": "disabled", "kms-key-rotation": "remediate", "log-group-retention": "remediate"})
    )
    pack = ("--policy-pack", str(REPOSITORY / "policies"), "--policy-pack-config", str(file))
    preview = mendable.preview(*pack).succeeded()
    assert preview.text.count("[remediate]") == 2
    mendable.up(*pack).succeeded()
    inputs = {each["type"].rpartition(":")[2]: each["inputs"] for each in mendable.state() if "inputs" in each}
    assert inputs["Key"]["enableKeyRotation"] is True
    assert inputs["LogGroup"]["retentionInDays"] == 90
