from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from policies.separation_of_duties.documents_changed_by_named_principals import RULE
from tests.policies.judging import SILENT, judge, violations
from tests.policies.separation_of_duties.forms import ACCOUNT, POLICY, ROLE_POLICY, allow, as_policy, deny, document

if TYPE_CHECKING:
    from tests.policies.separation_of_duties.forms import AttachmentForm, Form


def own(name: str) -> str:
    return f"arn:aws:ssm:*:{ACCOUNT}:document/{name}"


REPORTED = {
    "on everything": [allow("ssm:UpdateDocument")],
    "every document": [allow("ssm:UpdateDocumentDefaultVersion", on=own("*"))],
    "the preferences": [allow("ssm:UpdateDocument", on=own("SSM-SessionManagerRunShell"))],
    "documents of a kind": [allow("ssm:*Document*", on=own("SSM-*"))],
    "the runbook": [allow("ssm:UpdateDocument", on=own("AllowStartSsmSession"))],
    "shared": [allow("ssm:ModifyDocumentPermission")],
    "deleted": [allow("ssm:DeleteDocument", on=own("Allow*"))],
    "documents of a type that runs": [
        allow("ssm:UpdateDocument", Condition={"StringEquals": {"ssm:DocumentType": ["Command", "Automation"]}})
    ],
}

REPORTED |= {
    "the setting that makes instances nodes": [
        allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/managed-instance/*")
    ],
    "the setting of just-in-time access": [
        allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/just-in-time-access/*")
    ],
    "any setting": [allow("ssm:ResetServiceSetting")],
}

SPARED = {
    "another setting": [
        allow("ssm:UpdateServiceSetting", on=f"arn:aws:ssm:*:{ACCOUNT}:servicesetting/ssm/parameter-store/*")
    ],
    "one of the holder's": [allow("ssm:UpdateDocument", "ssm:DeleteDocument", on=own("web-restart"))],
    "the holder's": [allow("ssm:UpdateDocument", on=own("web-*"))],
    "a new one": [allow("ssm:CreateDocument")],
    "documents that do not run": [
        allow("ssm:UpdateDocument", Condition={"StringEquals": {"ssm:DocumentType": "ApplicationConfiguration"}})
    ],
    "reading": [allow("ssm:GetDocument", "ssm:DescribeDocument", "ssm:ListDocuments")],
    "denied": [allow("ssm:UpdateDocument"), deny("ssm:UpdateDocument", on="arn:aws:ssm:*:*:document/*")],
}


@pytest.mark.parametrize("statements", REPORTED.values(), ids=REPORTED.keys())
def test_change_is_reported(statements: list[dict[str, Any]]) -> None:
    assert len(violations(RULE, POLICY, as_policy(*statements))) == 1


@pytest.mark.parametrize("statements", SPARED.values(), ids=SPARED.keys())
def test_change_twin_is_not_reported(statements: list[dict[str, Any]]) -> None:
    assert judge(RULE, POLICY, as_policy(*statements)) == SILENT


def test_every_form_is_judged(form: Form) -> None:
    text = json.dumps(document(*REPORTED["on everything"]))
    assert len(violations(RULE, form.type, form.carry(text))) == 1


def test_a_named_principal_is_admitted() -> None:
    text = json.dumps(document(*REPORTED["on everything"]))
    given = {"role": "Deployer", "policy": text}
    assert len(violations(RULE, ROLE_POLICY, given)) == 1
    assert not violations(RULE, ROLE_POLICY, given, allowedPrincipals=["role/Deployer"])


def test_an_attached_policy_of_aws_is_reported(attachment: AttachmentForm) -> None:
    arn = "arn:aws:iam::aws:policy/AmazonSSMFullAccess"
    assert len(violations(RULE, attachment.type, attachment.carry(arn))) == 1


def test_documents_of_other_names_are_governed_by_configuration() -> None:
    given = as_policy(allow("ssm:UpdateDocument", on=own("web-restart")))
    assert len(violations(RULE, POLICY, given, governedDocuments=["web-restart"])) == 1
