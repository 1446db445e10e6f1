import json
from typing import Any

import pytest

from components.nodes.names import NodesAccount
from components.nodes.role_compliance import remediation_role_policy, remediation_trust
from policies import findings
from policies.separation_of_duties.service_role_permissions_limited import SERVICE_ROLE_PERMISSIONS_LIMITED as RULE
from tests.policies.judging import UNKNOWN, Judgment, Made, judge_stack
from tests.policies.separation_of_duties.forms import (
    POLICY,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    allow,
    deny,
    document,
    shown,
)
from tests.policies.separation_of_duties.stacks import attached, managed

OWN = "arn:aws:iam::111122223333:policy/sessions"
ATTACHES = allow("iam:AttachRolePolicy")


def text(type_: str, name: str, place: str, found: str, role: str = "node") -> str:
    return (
        f'{type_} "{name}": {place}: found {found}, expected no way for {role}, a role of ec2.amazonaws.com, to widen '
        "permissions. Remove these actions, or name in a condition on iam:PolicyARN the policies that may be attached."
    )


def trust(*services: str) -> str:
    return json.dumps(document({"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}))


def role(called: str = "node", taken_on_by: str = "ec2.amazonaws.com", **more: Any) -> Made:
    properties = {"name": called.title(), "assumeRolePolicy": trust(taken_on_by), **more}
    return Made(type=ROLE, name=called, properties=properties)


def inline(*statements: dict[str, Any], of: Any = "Node", name: str = "inline", **more: Any) -> Made:
    properties = {"role": of, "policy": json.dumps(document(*statements))}
    return Made(type=ROLE_POLICY, name=name, properties=properties, **more)


def only(key: str, *values: str, operator: str = "ArnLike") -> dict[str, Any]:
    return {"Condition": {operator: {key: list(values)}}}


@pytest.mark.parametrize(
    ("statement", "actions"),
    [
        pytest.param(ATTACHES, "iam:AttachRolePolicy", id="attachment"),
        pytest.param(allow("iam:AttachRolePolicy", on="arn:aws:iam::*:role/app-*"), "iam:AttachRolePolicy", id="roles"),
        pytest.param(allow("iam:Put*Policy"), "iam:PutGroupPolicy, iam:PutRolePolicy, iam:PutUserPolicy", id="inline"),
        pytest.param(allow("iam:CreatePolicyVersion"), "iam:CreatePolicyVersion", id="version"),
        pytest.param(allow("iam:UpdateAssumeRolePolicy"), "iam:UpdateAssumeRolePolicy", id="trust"),
        pytest.param(allow("iam:CreateAccessKey"), "iam:CreateAccessKey", id="credentials"),
        pytest.param(
            allow("iam:AttachRolePolicy", **only("iam:PolicyARN", "arn:aws:iam::aws:policy/*")),
            "iam:AttachRolePolicy",
            id="all policies of AWS",
        ),
        pytest.param(
            allow("iam:AttachRolePolicy", **only("iam:PolicyARN", "arn:aws-us-gov:iam::aws:policy/*")),
            "iam:AttachRolePolicy",
            id="all policies of AWS in another partition",
        ),
        pytest.param(
            allow("iam:AttachRolePolicy", **only("iam:PolicyARN", "arn:aws:iam::111122223333:policy/*")),
            "iam:AttachRolePolicy",
            id="all policies of the account",
        ),
    ],
)
def test_role_of_nodes_that_widens_permissions_is_refused(statement: dict[str, Any], actions: str) -> None:
    found = f"statement 1 ({actions}: {shown(statement)})"
    assert judge_stack(RULE, role(), inline(statement)).violations == [text(ROLE_POLICY, "inline", "policy", found)]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(allow("iam:AttachRolePolicy", **only("iam:PolicyARN", OWN)), id="a policy"),
        pytest.param(
            allow("iam:AttachRolePolicy", **only("iam:PolicyARN", OWN, operator="StringEquals")), id="a policy as text"
        ),
        pytest.param(allow("iam:AttachRolePolicy", **only("iam:PolicyARN", f"{OWN}-*")), id="policies by prefix"),
        pytest.param(
            allow("iam:PutRolePolicy", **only("iam:PermissionsBoundary", OWN, operator="StringEquals")), id="boundary"
        ),
        pytest.param(allow("iam:Get*", "iam:List*", "ssm:*", "sts:AssumeRole"), id="no change of identities"),
        pytest.param(deny("iam:*"), id="denial"),
    ],
)
def test_role_of_nodes_that_is_kept_within_bounds_is_fine(statement: dict[str, Any]) -> None:
    assert judge_stack(RULE, role(), inline(statement)) == Judgment()


@pytest.mark.parametrize("policies", [[OWN], [OWN, f"{OWN}-2"]], ids=["one", "two"])
def test_our_remediation_attaches_named_policies(policies: list[str]) -> None:
    place = NodesAccount(partition="aws", account_id="111122223333")
    ours = role("remediation", assumeRolePolicy=json.dumps(remediation_trust(place)))
    rights = remediation_role_policy(place, policies, ["Excluded"])
    held = Made(type=ROLE_POLICY, name="rights", properties={"role": "Remediation", "policy": json.dumps(rights)})
    assert judge_stack(RULE, ours, held) == Judgment()
    for statement in rights["Statement"]:
        statement.pop("Condition", None)
    held = Made(type=ROLE_POLICY, name="rights", properties={"role": "Remediation", "policy": json.dumps(rights)})
    assert len(judge_stack(RULE, ours, held).violations) == 1


def test_roles_of_other_services_and_of_people_are_left_alone() -> None:
    people = json.dumps(
        document(
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
        )
    )
    assert judge_stack(RULE, role(taken_on_by="cloudformation.amazonaws.com"), inline(ATTACHES)) == Judgment()
    assert judge_stack(RULE, role(assumeRolePolicy=people), inline(ATTACHES)) == Judgment()
    assert judge_stack(RULE, role(), inline(ATTACHES, of="Deployer")) == Judgment()


def test_configuration_names_other_services() -> None:
    functions = role(taken_on_by="lambda.amazonaws.com")
    assert judge_stack(RULE, functions, inline(ATTACHES)) == Judgment()
    assert len(judge_stack(RULE, functions, inline(ATTACHES), services=["lambda.amazonaws.com"]).violations) == 1


def test_service_that_is_denied_does_not_take_the_role_on() -> None:
    statement = {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert judge_stack(RULE, role(assumeRolePolicy=json.dumps(document(statement))), inline(ATTACHES)) == Judgment()


def test_what_another_policy_of_the_role_denies_is_not_allowed() -> None:
    denial = inline(deny("iam:AttachRolePolicy"), name="denial")
    assert judge_stack(RULE, role(), inline(ATTACHES), denial) == Judgment()
    someone_elses = inline(deny("iam:AttachRolePolicy"), name="denial", of="Other")
    assert len(judge_stack(RULE, role(), inline(ATTACHES), someone_elses).violations) == 1


def test_policy_of_several_roles_is_reported_once() -> None:
    wide = managed("wide", ATTACHES)
    found = judge_stack(RULE, role(), role("other"), wide, attached("wide", "Node"), attached("wide", "Other"))
    said = f"statement 1 (iam:AttachRolePolicy: {shown(ATTACHES)})"
    assert found.violations == [text(POLICY, "wide", "policy", said)]


def test_role_whose_name_is_not_known_yet_is_followed() -> None:
    late = role("late", name=UNKNOWN)
    found = judge_stack(RULE, late, inline(ATTACHES, of=UNKNOWN, sources={"role": ["late"]}))
    said = f"statement 1 (iam:AttachRolePolicy: {shown(ATTACHES)})"
    assert found.violations == [text(ROLE_POLICY, "inline", "policy", said, role="late")]
    another = inline(ATTACHES, of=UNKNOWN, sources={"role": ["another"]})
    assert judge_stack(RULE, late, role("another", taken_on_by="lambda.amazonaws.com"), another) == Judgment()


def test_what_a_role_holds_within_itself_counts() -> None:
    within = [{"name": "wide", "policy": json.dumps(document(ATTACHES))}]
    assert len(judge_stack(RULE, role(inlinePolicies=within)).violations) == 1
    assert len(judge_stack(RULE, role(managedPolicyArns=["arn:aws:iam::aws:policy/IAMFullAccess"])).violations) == 1


def test_policy_of_aws_counts() -> None:
    def of_aws(name: str) -> Made:
        arn = f"arn:aws:iam::aws:policy/{name}"
        return Made(type=ROLE_ATTACHMENT, name="theirs", properties={"role": "Node", "policyArn": arn})

    assert judge_stack(RULE, role(), of_aws("AdministratorAccess")).violations == [
        text(ROLE_ATTACHMENT, "theirs", "policyArn", "AdministratorAccess, which AWS manages")
    ]
    assert judge_stack(RULE, role(), of_aws("AmazonSSMManagedInstanceCore")) == Judgment()


def test_named_policy_is_left_alone() -> None:
    stack = (role(), managed("wide", ATTACHES), attached("wide", "Node"))
    assert judge_stack(RULE, *stack, allowedPolicies=["wide"]) == Judgment()


def test_what_is_not_known_yet_is_reported_as_advice() -> None:
    late = Made(type=ROLE_POLICY, name="late", properties={"role": "Node", "policy": UNKNOWN})
    assert judge_stack(RULE, role(), late).unseen == [
        f'{ROLE_POLICY} "late": policy is not known yet; the rule is applied in the update.'
    ]
    assert judge_stack(RULE, role(assumeRolePolicy=UNKNOWN), inline(ATTACHES)).unseen == [
        f'{ROLE} "node": assumeRolePolicy is not known yet; the rule is applied in the update.'
    ]


def reads_of(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the number of properties read to evaluate so many roles, each with an inline and an attached policy."""
    read = 0
    original = findings._read

    def counting(container: Any, key: Any) -> Any:
        nonlocal read
        read += 1
        return original(container, key)

    stack: list[Made] = []
    for number in range(count):
        name = f"role{number}"
        stack += [role(name), inline(ATTACHES, of=name.title(), name=f"inline-{name}")]
        stack += [managed(f"managed-{name}", ATTACHES), attached(f"managed-{name}", name.title())]
    with monkeypatch.context() as patched:
        patched.setattr(findings, "_read", counting)
        found = judge_stack(RULE, *stack)
    assert len(found.violations) == 2 * count
    return read


def test_rule_reads_each_policy_as_often_in_a_large_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reads_of(40, monkeypatch) <= 2 * reads_of(20, monkeypatch)
