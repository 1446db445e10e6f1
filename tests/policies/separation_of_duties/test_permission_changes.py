import json
from typing import Any

import pytest

from common.aws.arns import Scope
from components.approval.guard_rails import operator_deny_policy
from components.nodes.role_compliance import remediation_role_policy, remediation_trust
from policies import findings
from policies.rule import Rule
from policies.separation_of_duties.permission_changes import OPERATORS_CANNOT_CHANGE_APPROVAL as OPERATORS
from policies.separation_of_duties.permission_changes import SERVICE_ROLE_PERMISSIONS_LIMITED as SERVICES
from tests.policies.judging import UNKNOWN, Judgment, Made, judge_stack, undecided
from tests.policies.separation_of_duties.documents import PLACE, settings
from tests.policies.separation_of_duties.forms import (
    ATTACHMENTS,
    FORMS,
    OPERATOR,
    POLICY,
    ROLE,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    allow,
    attached,
    deny,
    document,
    managed,
    policy,
    shown,
)

WIDENS = allow("iam:AttachRolePolicy")


def operators_text(type_: str, name: str, place: str, found: str, operator: str = "role/Operator") -> str:
    expected = f"nothing of the kind for {operator}, who is an operator"
    return f'{type_} "{name}": {place}: found {found}, expected {expected}. {OPERATORS.remedy}.'


def operators_inline(*statements: dict[str, Any], role: str = "Operator", name: str = "inline") -> Made:
    return Made(ROLE_POLICY, name, {"role": role, "policy": json.dumps(document(*statements))})


@pytest.mark.parametrize(
    ("statement", "actions"),
    [
        pytest.param(WIDENS, "iam:AttachRolePolicy", id="permissions"),
        pytest.param(allow("iam:Put*Policy"), "iam:PutGroupPolicy, iam:PutRolePolicy, iam:PutUserPolicy", id="inline"),
        pytest.param(allow("iam:UpdateAssumeRolePolicy"), "iam:UpdateAssumeRolePolicy", id="trust"),
        pytest.param(
            allow("iam:CreateAccessKey", on="arn:aws:iam::*:user/*"), "iam:CreateAccessKey", id="others' credentials"
        ),
        pytest.param(allow("ssm:UpdateDocument"), "ssm:UpdateDocument", id="documents"),
        pytest.param(
            allow("ssm:CreateDocument", on="arn:aws:ssm:*:*:document/mine-*"), "ssm:CreateDocument", id="a document"
        ),
        pytest.param(allow("ssm:SendAutomationSignal"), "ssm:SendAutomationSignal", id="decisions"),
        pytest.param(allow("sso:CreateAccountAssignment"), "sso:CreateAccountAssignment", id="assignments"),
        pytest.param(
            allow("identitystore:U*", on="arn:aws:identitystore:::user/*"), "identitystore:UpdateUser", id="user names"
        ),
    ],
)
def test_operator_who_changes_something_is_refused(statement: dict[str, Any], actions: str) -> None:
    assert judge_stack(OPERATORS, *OPERATOR, operators_inline(statement)).violations == [
        operators_text(ROLE_POLICY, "inline", "policy", f"statement 1 ({actions}: {shown(statement)})")
    ]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(allow("iam:Get*", "iam:List*", "ssm:Get*", "ssm:Describe*"), id="reading"),
        pytest.param(allow("iam:CreateAccessKey", on="arn:aws:iam::*:user/${aws:username}"), id="one's own key"),
        pytest.param(allow("ssm:*", on="arn:aws:ssm:*:*:parameter/*"), id="other resources"),
        pytest.param(deny("iam:*"), id="denial"),
    ],
)
def test_operator_who_changes_nothing_is_fine(statement: dict[str, Any]) -> None:
    assert judge_stack(OPERATORS, *OPERATOR, operators_inline(statement)) == Judgment()


def test_attached_policy_of_an_operator_is_reported_once() -> None:
    wide = managed("wide", WIDENS)
    found = judge_stack(
        OPERATORS,
        *OPERATOR,
        wide,
        attached("wide", "Operator"),
        attached("by-approval", "Second"),
        attached("wide", "Second"),
    )
    assert found.violations == [
        operators_text(POLICY, "wide", "policy", f"statement 1 (iam:AttachRolePolicy: {shown(WIDENS)})")
    ]


def test_attachments_are_followed_by_arn_too() -> None:
    wide = Made(POLICY, "wide", {"arn": "arn:wide", "policy": json.dumps(document(WIDENS))})
    several = Made(ROLE, "operator", {"name": "Operator", "managedPolicyArns": ["arn:other", "arn:wide"]})
    assert len(judge_stack(OPERATORS, *OPERATOR, wide, several).violations) == 1


def test_policy_of_aws_of_an_operator_counts() -> None:
    power = Made(ROLE_ATTACHMENT, "power", {"role": "Operator", "policyArn": "arn:aws:iam::aws:policy/IAMFullAccess"})
    assert judge_stack(OPERATORS, *OPERATOR, power).violations == [
        operators_text(ROLE_ATTACHMENT, "power", "policyArn", "IAMFullAccess, which AWS manages")
    ]


@pytest.mark.parametrize("name", [name for name in FORMS if name != "managed"])
def test_configured_operators_count_in_every_form(name: str) -> None:
    form = FORMS[name]
    made = Made(form.type, properties=form.carry(json.dumps(document(WIDENS))))
    operators = ["role/some", "user/some", "group/some", "permission-set/*/ps-1"]
    assert len(judge_stack(OPERATORS, made, operators=operators).violations) == 1
    assert judge_stack(OPERATORS, made) == Judgment()


@pytest.mark.parametrize("name", ATTACHMENTS)
def test_configured_operators_count_in_every_attachment(name: str) -> None:
    form = ATTACHMENTS[name]
    made = Made(form.type, properties=form.carry("arn:aws:iam::aws:policy/IAMFullAccess"))
    operators = ["role/*", "user/*", "group/*", "permission-set/*"]
    assert len(judge_stack(OPERATORS, made, operators=operators).violations) == 1


def test_policy_that_is_not_known_yet_is_reported_as_advice() -> None:
    late = Made(ROLE_POLICY, "late", {"role": "Operator", "policy": UNKNOWN})
    assert judge_stack(OPERATORS, *OPERATOR, late) == undecided(ROLE_POLICY, "policy", name="late")


OWN = "arn:aws:iam::111122223333:policy/sessions"
ATTACHES = allow("iam:AttachRolePolicy")


def roles_text(type_: str, name: str, place: str, found: str, role: str = "node") -> str:
    expected = f"no way for {role}, a role of ec2.amazonaws.com, to widen permissions"
    return f'{type_} "{name}": {place}: found {found}, expected {expected}. {SERVICES.remedy}.'


def trust(*services: str) -> str:
    return json.dumps(document({"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}))


def role(called: str = "node", taken_on_by: str = "ec2.amazonaws.com", **more: Any) -> Made:
    properties = {"name": called.title(), "assumeRolePolicy": trust(taken_on_by), **more}
    return Made(ROLE, called, properties)


def roles_inline(*statements: dict[str, Any], of: Any = "Node", name: str = "inline", **more: Any) -> Made:
    properties = {"role": of, "policy": json.dumps(document(*statements))}
    return Made(ROLE_POLICY, name, properties, **more)


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
    assert judge_stack(SERVICES, role(), roles_inline(statement)).violations == [
        roles_text(ROLE_POLICY, "inline", "policy", found)
    ]


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
    assert judge_stack(SERVICES, role(), roles_inline(statement)) == Judgment()


@pytest.mark.parametrize("policies", [[OWN], [OWN, f"{OWN}-2"]], ids=["one", "two"])
def test_our_remediation_attaches_named_policies(policies: list[str]) -> None:
    place = Scope(partition="aws", account_id="111122223333")
    ours = role("remediation", assumeRolePolicy=json.dumps(remediation_trust(place)))
    rights = remediation_role_policy(place, policies, ["Excluded"])
    held = Made(ROLE_POLICY, "rights", {"role": "Remediation", "policy": json.dumps(rights)})
    assert judge_stack(SERVICES, ours, held) == Judgment()
    for statement in rights["Statement"]:
        statement.pop("Condition", None)
    held = Made(ROLE_POLICY, "rights", {"role": "Remediation", "policy": json.dumps(rights)})
    assert len(judge_stack(SERVICES, ours, held).violations) == 1


def test_policy_of_several_roles_is_reported_once() -> None:
    wide = managed("wide", ATTACHES)
    found = judge_stack(SERVICES, role(), role("other"), wide, attached("wide", "Node"), attached("wide", "Other"))
    said = f"statement 1 (iam:AttachRolePolicy: {shown(ATTACHES)})"
    assert found.violations == [roles_text(POLICY, "wide", "policy", said)]


def test_role_whose_name_is_not_known_yet_is_followed() -> None:
    late = role("late", name=UNKNOWN)
    found = judge_stack(SERVICES, late, roles_inline(ATTACHES, of=UNKNOWN, sources={"role": ["late"]}))
    said = f"statement 1 (iam:AttachRolePolicy: {shown(ATTACHES)})"
    assert found.violations == [roles_text(ROLE_POLICY, "inline", "policy", said, role="late")]
    another = roles_inline(ATTACHES, of=UNKNOWN, sources={"role": ["another"]})
    assert judge_stack(SERVICES, late, role("another", taken_on_by="lambda.amazonaws.com"), another) == Judgment()


def test_policy_of_aws_of_a_role_counts() -> None:
    def of_aws(name: str) -> Made:
        arn = f"arn:aws:iam::aws:policy/{name}"
        return Made(ROLE_ATTACHMENT, "theirs", {"role": "Node", "policyArn": arn})

    assert judge_stack(SERVICES, role(), of_aws("AdministratorAccess")).violations == [
        roles_text(ROLE_ATTACHMENT, "theirs", "policyArn", "AdministratorAccess, which AWS manages")
    ]
    assert judge_stack(SERVICES, role(), of_aws("AmazonSSMManagedInstanceCore")) == Judgment()


def test_what_is_not_known_yet_is_reported_as_advice() -> None:
    late = Made(ROLE_POLICY, "late", {"role": "Node", "policy": UNKNOWN})
    assert judge_stack(SERVICES, role(), late).unseen == [
        f'{ROLE_POLICY} "late": policy is not known yet; the rule is applied in the update.'
    ]
    assert judge_stack(SERVICES, role(assumeRolePolicy=UNKNOWN), roles_inline(ATTACHES)).unseen == [
        f'{ROLE} "node": assumeRolePolicy is not known yet; the rule is applied in the update.'
    ]


RAILS = (policy("rails", operator_deny_policy(settings(), PLACE)), attached("rails", "Operator"))
WIDE_AND_HELD = (managed("wide", WIDENS), attached("wide", "Operator"))
PEOPLE = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:AssumeRole"}
NO_EC2 = {"Effect": "Deny", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
LAMBDA = role(taken_on_by="lambda.amazonaws.com")
ANY_CHANGE, ATTACHING = operators_inline(allow("iam:*")), roles_inline(ATTACHES)
STACKS: list[tuple[Rule, tuple[Made, ...], dict[str, Any], int]] = [
    # Other principals may change what they like.
    (OPERATORS, (*OPERATOR, operators_inline(allow("iam:*"), role="Deployer")), {}, 0),
    (OPERATORS, (ANY_CHANGE,), {}, 0),
    (OPERATORS, (*OPERATOR, managed("wide", WIDENS), attached("wide", "Deployer")), {}, 0),
    (OPERATORS, (*OPERATOR, *WIDE_AND_HELD), {"allowedPolicies": ["wide"]}, 0),
    # What another policy of the same principal denies is not allowed.
    (OPERATORS, (*OPERATOR, ANY_CHANGE, operators_inline(deny("iam:*"), name="denial")), {}, 0),
    (OPERATORS, (*OPERATOR, ANY_CHANGE, operators_inline(deny("iam:*"), role="Other", name="denial")), {}, 1),
    (OPERATORS, (*OPERATOR, *RAILS, operators_inline(allow("ssm:SendAutomationSignal"))), {}, 0),
    (OPERATORS, (*OPERATOR, *RAILS, operators_inline(allow("ssm:CreateDocument"))), {}, 1),
    (SERVICES, (role(), ATTACHING, roles_inline(deny("iam:AttachRolePolicy"), name="denial")), {}, 0),
    (SERVICES, (role(), ATTACHING, roles_inline(deny("iam:AttachRolePolicy"), name="denial", of="Other")), {}, 1),
    # Roles of other services, and of people.
    (SERVICES, (role(taken_on_by="cloudformation.amazonaws.com"), ATTACHING), {}, 0),
    (SERVICES, (role(assumeRolePolicy=json.dumps(document(PEOPLE))), ATTACHING), {}, 0),
    (SERVICES, (role(assumeRolePolicy=json.dumps(document(NO_EC2))), ATTACHING), {}, 0),
    (SERVICES, (role(), roles_inline(ATTACHES, of="Deployer")), {}, 0),
    (SERVICES, (LAMBDA, ATTACHING), {}, 0),
    (SERVICES, (LAMBDA, ATTACHING), {"services": ["lambda.amazonaws.com"]}, 1),
    (SERVICES, (role(), managed("wide", ATTACHES), attached("wide", "Node")), {"allowedPolicies": ["wide"]}, 0),
    # Policies within the role.
    (SERVICES, (role(inlinePolicies=[{"name": "wide", "policy": json.dumps(document(ATTACHES))}]),), {}, 1),
    (SERVICES, (role(managedPolicyArns=["arn:aws:iam::aws:policy/IAMFullAccess"]),), {}, 1),
]


@pytest.mark.parametrize(("rule", "stack", "config", "count"), STACKS)
def test_stack_is_judged_by_who_may_change_what(
    rule: Rule, stack: tuple[Made, ...], config: dict[str, Any], count: int
) -> None:
    result = judge_stack(rule, *stack, **config)
    assert (len(result.violations), result.unseen) == (count, [])


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
        stack += [role(name), roles_inline(ATTACHES, of=name.title(), name=f"inline-{name}")]
        stack += [managed(f"managed-{name}", ATTACHES), attached(f"managed-{name}", name.title())]
    with monkeypatch.context() as patched:
        patched.setattr(findings, "_read", counting)
        found = judge_stack(SERVICES, *stack)
    assert len(found.violations) == 2 * count
    return read


def test_rule_reads_each_policy_as_often_in_a_large_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reads_of(40, monkeypatch) <= 2 * reads_of(20, monkeypatch)
