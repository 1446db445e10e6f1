import json
from typing import Any

import pytest

from policies.separation_of_duties.session_documents_governed import RULE
from policies.separation_of_duties.session_start_needs_approval import RULE as START_RULE
from tests.policies.judging import SILENT, Form, judge, violations
from tests.policies.separation_of_duties.forms import (
    ACCOUNT,
    POLICY,
    ROLE_ATTACHMENT,
    SHELL,
    TAGGED,
    allow,
    as_policy,
    deny,
    document,
    shown,
)

START = "ssm:StartSession"
FORWARDING = "arn:aws:ssm:*::document/AWS-StartPortForwardingSession"

OTHERS = {
    "every document": allow(START, on=[TAGGED, "arn:aws:ssm:*:*:document/*"]),
    "a document of AWS": allow(START, on=FORWARDING),
    "another of the account": allow(START, on=f"arn:aws:ssm:*:{ACCOUNT}:document/Other"),
    "a pattern": allow(START, on=f"{SHELL}*"),
    "by pattern of actions": allow("ssm:Start*", on=f"arn:aws:ssm:*:{ACCOUNT}:document/*"),
    "all but one": {"Effect": "Allow", "Action": START, "NotResource": ["arn:*:ec2:*", "arn:*:ecs:*", FORWARDING]},
}

GOVERNED = {
    "the preferences": allow(START, on=[TAGGED, SHELL]),
    "in any account": allow(START, on=SHELL.replace(ACCOUNT, "*")),
    "no document": allow(START, on=TAGGED),
    "what one may do with documents": allow("ssm:GetDocument", on="*"),
    "denial": deny(START, on=FORWARDING),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_document_is_refused(name: str) -> None:
    statement = OTHERS[name]
    properties = as_policy(statement, deny(START, on="arn:*:ssm:*:*:managed-instance/*"))
    assert violations(RULE, POLICY, properties) == [
        (
            f'{POLICY} "subject": policy: found statement 1 (ssm:StartSession: {shown(statement)}), expected no document but '
            "SSM-SessionManagerRunShell. Name the governed documents in the statement that allows ssm:StartSession, and no "
            "pattern."
        )
    ]


@pytest.mark.parametrize("statement", GOVERNED.values(), ids=GOVERNED.keys())
def test_governed_document_is_fine(statement: dict[str, Any]) -> None:
    assert judge(RULE, POLICY, as_policy(statement)) == SILENT


def test_every_form_is_judged(form: Form) -> None:
    assert len(violations(RULE, form.type, form.carry(json.dumps(document(allow(START, on=FORWARDING)))))) == 1


def test_what_starts_sessions_everywhere_is_not_reported_twice() -> None:
    everywhere = as_policy(allow(START))
    assert judge(RULE, POLICY, everywhere) == SILENT
    assert len(violations(START_RULE, POLICY, everywhere)) == 1


def test_governed_documents_are_configurable() -> None:
    forwarding = as_policy(allow(START, on=FORWARDING))
    names = ["SSM-SessionManagerRunShell", "AWS-StartPortForwardingSession"]
    assert violations(RULE, POLICY, forwarding, sessionDocuments=names) == []
    assert len(violations(RULE, POLICY, as_policy(allow(START, on=SHELL)), sessionDocuments=["Other"])) == 1


def test_policy_of_aws_counts() -> None:
    arn = "arn:aws:iam::aws:policy/AWSSystemsManagerJustInTimeAccessTokenSessionPolicy"
    assert len(violations(RULE, ROLE_ATTACHMENT, {"role": "Some", "policyArn": arn})) == 1
