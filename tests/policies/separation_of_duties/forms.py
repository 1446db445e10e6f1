"""Every form in which a program grants permissions, operators as parts of a stack, and tests of every rule about permissions."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from components.approval.iam_policies import operator_policy
from policies.rule import Rule
from tests.policies.judging import SILENT, UNKNOWN, Form, Made, judge, violations
from tests.policies.separation_of_duties.documents import PLACE

POLICY = "aws:iam/policy:Policy"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"

ACCOUNT = "111122223333"
TAGGED = f"arn:aws:ec2:*:{ACCOUNT}:instance/${{aws:PrincipalTag/SecurityAllowSessionInstance}}"
SHELL = f"arn:aws:ssm:*:{ACCOUNT}:document/SSM-SessionManagerRunShell"


def allow(*actions: str, on: str | list[str] = "*", sid: str = "", **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str, on: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": on, **more}


def document(*statements: dict[str, Any], version: str = "2012-10-17") -> dict[str, Any]:
    return {"Version": version, "Statement": list(statements)}


FORMS = {
    "managed": Form(POLICY, "policy", lambda text: {"name": "some", "policy": text}),
    "of a role": Form(ROLE_POLICY, "policy", lambda text: {"role": "Some", "policy": text}),
    "of a user": Form("aws:iam/userPolicy:UserPolicy", "policy", lambda text: {"user": "some", "policy": text}),
    "of a group": Form("aws:iam/groupPolicy:GroupPolicy", "policy", lambda text: {"group": "some", "policy": text}),
    "inside a role": Form(
        ROLE, "inlinePolicies[1].policy", lambda text: {"name": "Some", "inlinePolicies": [_harmless(), _named(text)]}
    ),
    "of a permission set": Form(
        "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
        "inlinePolicy",
        lambda text: {"permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1", "inlinePolicy": text},
    ),
}


def _arns(property_: str, /, **holder: Any) -> Callable[[Any], dict[str, Any]]:
    other = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    return lambda arn: {property_: [other, arn] if property_.endswith("s") else arn, **holder}


_SET = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"

ATTACHMENTS = {
    "to a role": Form(ROLE_ATTACHMENT, "policyArn", _arns("policyArn", role="Some")),
    "to a user": Form(
        "aws:iam/userPolicyAttachment:UserPolicyAttachment", "policyArn", _arns("policyArn", user="some")
    ),
    "to a group": Form(
        "aws:iam/groupPolicyAttachment:GroupPolicyAttachment", "policyArn", _arns("policyArn", group="some")
    ),
    "to several": Form(
        "aws:iam/policyAttachment:PolicyAttachment", "policyArn", _arns("policyArn", roles=["A"], users=["b"])
    ),
    "to a role, exclusively": Form(
        "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
        "policyArns[1]",
        _arns("policyArns", roleName="Some"),
    ),
    "to a user, exclusively": Form(
        "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive",
        "policyArns[1]",
        _arns("policyArns", userName="some"),
    ),
    "to a group, exclusively": Form(
        "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive",
        "policyArns[1]",
        _arns("policyArns", groupName="some"),
    ),
    "inside a role": Form(ROLE, "managedPolicyArns[1]", _arns("managedPolicyArns", name="Some")),
    "to a permission set": Form(
        "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment",
        "managedPolicyArn",
        _arns("managedPolicyArn", permissionSetArn=_SET),
    ),
    "to a permission set, exclusively": Form(
        "aws:ssoadmin/managedPolicyAttachmentsExclusive:ManagedPolicyAttachmentsExclusive",
        "managedPolicyArns[1]",
        _arns("managedPolicyArns", permissionSetArn=_SET),
    ),
}


def _named(text: Any) -> dict[str, Any]:
    return {"name": "inline", "policy": text}


def _harmless() -> dict[str, Any]:
    return {"name": "harmless", "policy": json.dumps(document(allow("s3:GetObject")))}


def as_policy(*statements: dict[str, Any]) -> dict[str, Any]:
    """The properties of a managed policy."""
    return {"name": "some", "policy": json.dumps(document(*statements))}


def shown(statement: dict[str, Any]) -> str:
    """A statement as messages show it."""
    order = ("Action", "NotAction", "Resource", "NotResource", "Condition")
    written = json.dumps({name: statement[name] for name in order if name in statement})
    return written if len(written) <= 80 else f"{written[:80]}..."


BY_APPROVAL = operator_policy(PLACE, session_data_encryption=True)


def managed(name: str, *statements: dict[str, Any]) -> Made:
    return policy(name, document(*statements))


def policy(name: str, written: Any) -> Made:
    properties = {"name": name, "arn": UNKNOWN, "policy": json.dumps(written)}
    return Made(POLICY, name, properties)


def attached(name: str, role: str) -> Made:
    """A policy of the stack is attached to a role, both yet to be made."""
    properties = {"policyArn": UNKNOWN, "role": role}
    return Made(ROLE_ATTACHMENT, f"{name}-{role}", properties, sources={"policyArn": [name]})


OPERATOR = (policy("by-approval", BY_APPROVAL), attached("by-approval", "Operator"))
"""A role that may start sessions once they are approved."""


class IdentityRuleTests:
    """Tests of one rule; a subclass gives it, with what it reports (also "on everything") and its innocent twins."""

    rule: ClassVar[Rule]
    reported: ClassVar[dict[str, list[dict[str, Any]]]]
    excluded: ClassVar[dict[str, list[dict[str, Any]]]]
    attached: ClassVar[str]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for name in {"reported_statements", "excluded_statements"} & set(metafunc.fixturenames):
            cases = getattr(self, name.removesuffix("_statements"))
            metafunc.parametrize(name, cases.values(), ids=cases.keys())

    def test_statement_is_reported(self, reported_statements: list[dict[str, Any]]) -> None:
        assert len(violations(self.rule, POLICY, as_policy(*reported_statements))) == 1

    def test_twin_is_not_reported(self, excluded_statements: list[dict[str, Any]]) -> None:
        assert judge(self.rule, POLICY, as_policy(*excluded_statements)) == SILENT

    def test_every_form_is_judged(self, form: Form) -> None:
        text = json.dumps(document(*self.reported["on everything"]))
        assert len(violations(self.rule, form.type, form.carry(text))) == 1

    def test_named_principal_is_admitted(self) -> None:
        given = {"role": "Deployer", "policy": json.dumps(document(*self.reported["on everything"]))}
        assert len(violations(self.rule, ROLE_POLICY, given)) == 1
        assert not violations(self.rule, ROLE_POLICY, given, allowedPrincipals=["role/Deployer"])

    def test_attached_policy_of_aws_is_reported(self, attachment: Form) -> None:
        assert len(violations(self.rule, attachment.type, attachment.carry(self.attached))) == 1
