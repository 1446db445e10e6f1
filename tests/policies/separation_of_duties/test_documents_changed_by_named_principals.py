from policies.separation_of_duties.documents_changed_by_named_principals import RULE
from tests.policies.judging import violations
from tests.policies.separation_of_duties.forms import ACCOUNT, POLICY, allow, as_policy, deny
from tests.policies.separation_of_duties.identity_rules import IdentityRuleTests


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


class TestDocumentsChanged(IdentityRuleTests):
    rule, reported, excluded = RULE, REPORTED, SPARED
    attached = "arn:aws:iam::aws:policy/AmazonSSMFullAccess"


def test_documents_of_other_names_are_governed_by_configuration() -> None:
    given = as_policy(allow("ssm:UpdateDocument", on=own("web-restart")))
    assert len(violations(RULE, POLICY, given, governedDocuments=["web-restart"])) == 1
