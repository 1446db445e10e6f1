import json
from dataclasses import replace
from typing import Any

import pytest

from common.aws.failures import MalformedAnswerError
from components.just_in_time import decisions
from components.just_in_time.documents import policy_documents
from components.just_in_time.settings import JustInTimeSettings
from operations.inventory.just_in_time import read_nodes, read_policies
from operations.inventory.reader import ReadFailure
from tests.components.just_in_time.examples import ACTION, APPROVERS, ONCALL, approval, cedar, manual
from tests.operations.arrangement import FakeReader

POLICIES = decisions.planned_policies(policy_documents(JustInTimeSettings.model_validate(approval()["justInTime"])))
ATTRIBUTE = f'permit(principal, {ACTION}, resource) when {{ principal has division && resource.hasTag("Tier") }};'


def node(**tags: str) -> decisions.ManagedNode:
    return decisions.ManagedNode(id="i-0123456789abcdef0", region="eu-west-1", tags=tags)


def policies(*several: Any, auto_approvals: Any = ()) -> Any:
    section = approval(list(several), list(auto_approvals))["justInTime"]
    return decisions.planned_policies(policy_documents(JustInTimeSettings.model_validate(section)))


def test_manual_policy_of_the_tag_decides() -> None:
    found = decisions.decide(node(Tier="database", Environment="test"), POLICIES)
    assert (found.outcome, [each.name for each in found.policies]) == (decisions.Outcome.MANUAL, ["Databases"])
    assert found.policies[0].levels[0].approvers == (f"SSOGroup {APPROVERS}",)
    assert found.approved == (f"group {ONCALL}",)
    assert found.is_sound


def test_node_without_a_policy_is_reported() -> None:
    found = decisions.decide(node(Tier="Database"), POLICIES)
    assert (found.outcome, found.approved, found.is_sound) == (decisions.Outcome.NO_POLICY, (), False)
    automatic = decisions.decide(node(Environment="dev"), POLICIES)
    assert (automatic.outcome, automatic.is_sound) == (decisions.Outcome.NO_POLICY, True)


def test_node_of_two_policies_is_a_conflict() -> None:
    both = policies(manual(), manual("Team", targets={"Team": ["a"]}))
    found = decisions.decide(node(Tier="database", Team="a"), both)
    assert (found.outcome, [each.name for each in found.policies]) == (
        decisions.Outcome.CONFLICT,
        ["Databases", "Team"],
    )
    assert not found.is_sound
    assert decisions.decide(node(Tier="database", Team="b"), both).is_sound


def test_compared_attributes_always_have_an_actor() -> None:
    found = decisions.decide(node(Tier="database"), policies(manual(), auto_approvals=[cedar(ATTRIBUTE)]))
    assert (found.approved, found.depends_on) == ((), ("division",))


def test_policy_of_another_form_is_not_known() -> None:
    unknown = replace(POLICIES, unknown=("Theirs: its targets are not all tags",))
    found = decisions.decide(node(Tier="database"), unknown)
    assert (found.outcome, found.is_sound) == (decisions.Outcome.UNKNOWN, False)
    wrong = replace(POLICIES, cedar="permit(principal, action, resource)")
    assert decisions.decide(node(Tier="database"), wrong).outcome is decisions.Outcome.UNKNOWN


@pytest.mark.parametrize("ping", ["Online", "ConnectionLost"])
def test_node_that_ec2_does_not_return_is_no_answer(ping: str) -> None:
    answers = {
        "InstanceInformationList": [{"InstanceId": "i-0123456789abcdef0", "PingStatus": ping}],
        "Reservations": [],
    }

    def read(_service: str, _operation: str, key: str, **_: Any) -> list[Any]:
        return answers[key]

    if ping == "ConnectionLost":
        assert decisions.managed_nodes("eu-west-1", read) == ()
        return
    with pytest.raises(MalformedAnswerError, match="no i-0123456789abcdef0, whose agent responds"):
        decisions.managed_nodes("eu-west-1", read)
    found = read_nodes(FakeReader({"describe_instance_information": answers, "describe_instances": answers}))
    assert isinstance(found, ReadFailure)
    assert found.action == "ec2:DescribeInstances"


def test_listed_policy_without_content_is_not_known() -> None:
    listed = {"DocumentIdentifiers": [{"Name": "Theirs"}]}
    found = read_policies(FakeReader({"list_documents": listed, "get_document": None, "describe_document": None}))
    assert isinstance(found, decisions.Policies)
    assert found.unknown == ("Theirs: it is listed, and its content is not found",)


@pytest.fixture
def nodes(account: Any) -> dict[str, str]:
    """Nodes by name, and the policies of `approval()`; `theirs` conflicts with `Databases`."""
    iam, ec2, ssm = account.client("iam"), account.client("ec2"), account.client("ssm")
    iam.create_instance_profile(InstanceProfileName="Node")
    ids: dict[str, str] = {}
    tags = {
        "db": {"Tier": "database"},
        "both": {"Tier": "database", "Team": "a"},
        "dev": {"Environment": "dev"},
        "none": {},
    }
    for name, own in tags.items():
        pairs = [{"Key": key, "Value": value} for key, value in {"Name": name, **own}.items()]
        made = ec2.run_instances(
            ImageId="ami-12c6146b",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": "Node"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
        )
        ids[name] = made["Instances"][0]["InstanceId"]
    section = approval([manual(), manual("Theirs", targets={"Team": ["a"]})])["justInTime"]
    for each in policy_documents(JustInTimeSettings.model_validate(section)):
        ssm.create_document(Name=each.name, DocumentType=each.type, Content=json.dumps(each.content))
    return ids


def run(command: Any, *arguments: str, section: Any = None) -> Any:
    values = {"aws:region": "eu-west-1", "shell-access:approval": json.dumps(section or approval())}
    from operations.stack import StackConfiguration  # noqa: PLC0415

    return command("access", *arguments, stack=StackConfiguration(name="test", values=values))


def test_nodes_are_listed_with_their_decisions(command: Any, nodes: dict[str, str]) -> None:
    listed = run(command, "nodes", "--json")
    assert listed.exit_code == 1
    outcomes = {each["name"]: each["outcome"] for each in json.loads(listed.stdout)["nodes"]}
    assert outcomes == {"db": "manual", "both": "conflict", "dev": "noPolicy", "none": "noPolicy"}
    planned = json.loads(run(command, "nodes", "--planned", "--json").stdout)["nodes"]
    assert {each["name"]: each["outcome"] for each in planned} == {**outcomes, "both": "manual"}
    shown = run(command, "nodes").stdout
    assert "4 managed nodes, 2 without exactly one decision" in shown
    assert shown.count("automatic approval") == 1
    assert nodes


def test_who_can_names_approvers_and_groups(command: Any, nodes: dict[str, str]) -> None:
    shown = run(command, "who-can", "db")
    assert shown.exit_code == 0
    assert f"level 1: 1 of SSOGroup {APPROVERS}" in shown.stdout
    found = json.loads(run(command, "who-can", nodes["dev"], "--json").stdout)
    assert (found["approvedAutomatically"], found["manualPolicies"]) == ([f"group {ONCALL}"], [])
    conflict = run(command, "who-can", "both")
    assert (conflict.exit_code, "Databases, Theirs apply" in conflict.stdout) == (1, True)
    absent = run(command, "who-can", "nowhere").stderr
    assert "There is no managed node nowhere" in absent
    assert "doctor nowhere" in absent


def test_no_managed_nodes_names_the_command_for_others(command: Any, account: Any) -> None:
    listed = run(command, "nodes")
    assert (listed.exit_code, "no managed nodes" in listed.stdout) == (0, True)
    assert account


def test_other_mode_is_refused(command: Any, account: Any) -> None:
    section = {"approvers": [{"type": "IamRole", "name": "A"}], "operatorRoles": ["Operator"]}
    refused = run(command, "nodes", section=section)
    assert (refused.exit_code, "has no approval policies" in refused.stderr) == (2, True)
    assert account


def test_denied_call_is_not_an_empty_list(command: Any, nodes: dict[str, str], fail: Any) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    fail(
        "ssm",
        "ListDocuments",
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListDocuments"),
    )
    listed = run(command, "nodes")
    assert listed.exit_code == 1
    assert "ssm:ListDocuments" in listed.stdout
    assert run(command, "who-can", "db").exit_code == 1
    assert nodes


def test_commands_are_golden(command: Any, nodes: dict[str, str], account: Any, golden: Any) -> None:
    names = {"decided": "db", "no policy": "none", "several policies": "both"}
    who_can = {situation: run(command, "who-can", name, "--json") for situation, name in names.items()}
    who_can["no such node"] = run(command, "who-can", "nowhere", "--json")
    listed = {"a conflict": run(command, "nodes", "--json")}
    account.client("ec2").terminate_instances(InstanceIds=[nodes["both"], nodes["none"]])
    listed["one decision each"] = run(command, "nodes", "--json")
    other = {"approvers": [{"type": "IamRole", "name": "A"}], "operatorRoles": ["Operator"]}
    for name, results in {"who-can": who_can, "nodes": listed}.items():
        arguments = (name, "db") if name == "who-can" else (name,)
        results["another mode"] = run(command, *arguments, "--json", section=other)
        golden.command(f"access {name}", results)
