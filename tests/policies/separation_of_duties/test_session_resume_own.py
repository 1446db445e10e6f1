import json
from typing import Any

import pytest

from policies.separation_of_duties.session_resume_own import RULE
from policies.separation_of_duties.session_start_needs_approval import RULE as START_RULE
from tests.policies.judging import SILENT, Form, judge, violations
from tests.policies.separation_of_duties.forms import (
    ACCOUNT,
    POLICY,
    ROLE_ATTACHMENT,
    allow,
    as_policy,
    deny,
    document,
    shown,
)

RESUME, END = "ssm:ResumeSession", "ssm:TerminateSession"
SESSIONS = f"arn:aws:ssm:*:{ACCOUNT}:session/*"
OWNER = "ssm:resourceTag/aws:ssmmessages:session-id"

OTHERS = {
    "both everywhere": (allow(RESUME, END), (RESUME, END)),
    "ending everywhere": (allow(END, on=SESSIONS), (END,)),
    "resuming by pattern": (allow("ssm:Resume*"), (RESUME,)),
    "all but starting": ({"Effect": "Allow", "NotAction": "ssm:StartSession", "Resource": "*"}, (RESUME, END)),
    "another user's": (allow(END, on=f"arn:aws:ssm:*:{ACCOUNT}:session/alice-*"), (END,)),
    "all but one": ({"Effect": "Allow", "Action": END, "NotResource": SESSIONS.replace("*", "x")}, (END,)),
    "one's own and more": (allow(END, on=f"arn:aws:ssm:*:{ACCOUNT}:session/${{aws:userid}}*"), (END,)),
    "one user, all sessions": (allow(END, Condition={"StringEquals": {"aws:userid": "AIDAX"}}), (END,)),
    "by another user's tag": (allow(END, Condition={"StringLike": {OWNER: ["AIDAX*"]}}), (END,)),
}

OWN = {
    "by user id": allow(RESUME, END, on="arn:aws:ssm:*:*:session/${aws:userid}-*"),
    "by user name": allow(RESUME, END, on="arn:aws:ssm:*:*:session/${aws:username}-*"),
    "by the session's tag": allow(END, Condition={"StringLike": {OWNER: ["${aws:userid}"]}}),
    "other actions": allow("ssm:Get*", "ssm:DescribeSessions"),
    "denial": deny(RESUME),
}


@pytest.mark.parametrize(("statement", "actions"), OTHERS.values(), ids=OTHERS.keys())
def test_sessions_of_others_are_out_of_reach(statement: dict[str, Any], actions: tuple[str, ...]) -> None:
    assert violations(RULE, POLICY, as_policy(statement)) == [
        (
            f'{POLICY} "subject": policy: found statement 1 ({", ".join(actions)}: {shown(statement)}), expected one\'s own '
            "sessions only. Limit ssm:ResumeSession and ssm:TerminateSession to session/${aws:userid}-*, or remove them."
        )
    ]


@pytest.mark.parametrize("statement", OWN.values(), ids=OWN.keys())
def test_ones_own_sessions_are_within_reach(statement: dict[str, Any]) -> None:
    assert judge(RULE, POLICY, as_policy(statement)) == SILENT


def test_every_form_is_judged(form: Form) -> None:
    assert len(violations(RULE, form.type, form.carry(json.dumps(document(allow(END)))))) == 1
    assert judge(RULE, form.type, form.carry(json.dumps(document(OWN["by user id"])))) == SILENT


def test_what_starts_sessions_everywhere_is_not_reported_twice() -> None:
    everything = as_policy(allow("ssm:*"))
    assert judge(RULE, POLICY, everything) == SILENT
    assert len(violations(START_RULE, POLICY, everything)) == 1
    kept_from_starting = as_policy(allow("ssm:*"), deny("ssm:StartSession"))
    assert len(violations(RULE, POLICY, kept_from_starting)) == 1
    attached = {"role": "Some", "policyArn": "arn:aws:iam::aws:policy/AmazonSSMFullAccess"}
    assert judge(RULE, ROLE_ATTACHMENT, attached) == SILENT


def test_administrators_and_named_policies_may() -> None:
    inline = {"role": "Admin", "policy": json.dumps(document(allow(END)))}
    assert violations(RULE, "aws:iam/rolePolicy:RolePolicy", inline, allowedPrincipals=["role/Admin"]) == []
    assert violations(RULE, POLICY, as_policy(allow(END)), allowedPolicies=["some"]) == []
