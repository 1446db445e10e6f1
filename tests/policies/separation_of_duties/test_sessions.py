import json
from typing import Any

import pytest

from policies.separation_of_duties.sessions import SESSION_DOCUMENTS_GOVERNED as DOCUMENTS_RULE
from policies.separation_of_duties.sessions import SESSION_RESUME_OWN as RESUME_RULE
from policies.separation_of_duties.sessions import SESSION_START_NEEDS_APPROVAL as START_RULE
from tests.policies.judging import SILENT, UNKNOWN, Form, judge, undecided, violations
from tests.policies.separation_of_duties.forms import (
    ACCOUNT,
    POLICY,
    ROLE_ATTACHMENT,
    ROLE_POLICY,
    SHELL,
    TAGGED,
    allow,
    as_policy,
    deny,
    document,
    shown,
)

START = "ssm:StartSession"
INSTANCES = f"arn:aws:ec2:*:{ACCOUNT}:instance/*"
ONE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0123456789abcdef0"
APPROVAL = "aws:PrincipalTag/SecurityAllowSessionInstance"

BEYOND = {
    "everything": {"Effect": "Allow", "Action": "*", "Resource": "*"},
    "all of the service": allow("ssm:*"),
    "a part of the name": allow("ssm:St*"),
    "one character left open": allow("ssm:StartSessio?"),
    "small letters": allow("SSM:startsession"),
    "single values": {"Effect": "Allow", "Action": START, "Resource": "*"},
    "every instance": allow(START, on=INSTANCES),
    "one instance": allow(START, on=ONE),
    "hybrid nodes": allow(START, on=f"arn:aws:ssm:*:{ACCOUNT}:managed-instance/*"),
    "tasks": allow(START, on=f"arn:aws:ecs:*:{ACCOUNT}:task/*"),
    "all but other actions": {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"},
    "all but one resource": {"Effect": "Allow", "Action": START, "NotResource": ONE},
    "by a tag of the node": allow(START, on=INSTANCES, Condition={"StringEquals": {"ssm:resourceTag/Env": "dev"}}),
    "with MFA": allow(START, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    "from an address": allow(START, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
    "for one principal": allow(START, Condition={"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/A"}}),
    "until a day": allow(START, Condition={"DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}),
    "an unknown operator": allow(START, Condition={"StringSounds": {"aws:username": "x"}}),
    "the tag and more": allow(START, on=f"{TAGGED}*"),
    "the tag with a default": allow(START, on=TAGGED.replace("Instance}", "Instance, 'i-0123456789abcdef0'}")),
    "the tag, and another instance": allow(START, on=[TAGGED, ONE]),
    "any tag": allow(START, Condition={"Null": {APPROVAL: "false"}}),
    "one tag": allow(START, Condition={"StringEquals": {APPROVAL: "i-0123456789abcdef0"}}),
    "a pattern of tags": allow(START, Condition={"StringLike": {APPROVAL: "i-*"}}),
}

WITHIN = {
    "the approved instance": allow(START, on=TAGGED),
    "in any account": allow(START, on=TAGGED.replace(ACCOUNT, "*")),
    "with the documents": allow(START, on=[TAGGED, SHELL]),
    "the approved hybrid node": allow(START, on=TAGGED.replace("ec2", "ssm").replace("instance/", "managed-instance/")),
    "tag present": allow(START, on=TAGGED, Condition={"Null": {APPROVAL: "false"}}),
    "tag of a kind": allow(START, on=TAGGED, Condition={"StringLike": {APPROVAL: "i-?*"}}),
    "documents alone": allow(START, on="arn:aws:ssm:*:*:document/*"),
    "other actions": allow("ssm:Describe*", "ssm:Get*", "ec2:*", "ssmmessages:*"),
    "other resources": allow("*", on="arn:aws:s3:::*"),
    "all but this": {"Effect": "Allow", "NotAction": "ssm:*", "Resource": "*"},
    "denial alone": deny("*"),
    "NotAction denied": {"Effect": "Deny", "NotAction": "iam:ChangePassword", "Resource": "*"},
    "a condition that nothing meets": allow(START, Condition={"StringEquals": {"aws:PrincipalArn": []}}),
}


def text(path: str, type_: str, found: str) -> str:
    expected = "no node but the approved one"
    return f'{type_} "subject": {path}: found {found}, expected {expected}. {START_RULE.remedy}.'


@pytest.mark.parametrize("statement", BEYOND.values(), ids=BEYOND.keys())
def test_statement_beyond_the_approval_is_refused(statement: dict[str, Any]) -> None:
    assert violations(START_RULE, POLICY, as_policy(statement)) == [
        text("policy", POLICY, f"statement 1 (ssm:StartSession: {shown(statement)})")
    ]


@pytest.mark.parametrize("statement", WITHIN.values(), ids=WITHIN.keys())
def test_statement_within_the_approval_is_fine(statement: dict[str, Any]) -> None:
    assert judge(START_RULE, POLICY, as_policy(statement)) == SILENT


@pytest.mark.parametrize("name", WITHIN)
def test_just_in_time_access_has_no_approved_node(name: str) -> None:
    found = judge(START_RULE, POLICY, as_policy(WITHIN[name]), justInTimeAccess=True)
    assert (found == SILENT) == (
        TAGGED.split(":")[-1] not in json.dumps(WITHIN[name]).replace("managed-instance", "instance")
    )
    assert all("expected no node, as AWS starts the sessions of access requests" in each for each in found.violations)


def test_start_is_judged_in_every_form(form: Form) -> None:
    statement = allow(START, sid="Everywhere")
    for policy in (json.dumps(document(statement)), document(statement), document(deny("s3:*"), statement)):
        assert violations(START_RULE, form.type, form.carry(policy)) == [
            text(form.path, form.type, f"statement Everywhere (ssm:StartSession: {shown(statement)})")
        ]
    assert judge(START_RULE, form.type, form.carry(json.dumps(document(allow(START, on=TAGGED))))) == SILENT


def test_statements_are_reported_in_one_violation() -> None:
    first, second, fine = allow(START), allow("ssm:*", on=ONE), allow(START, on=TAGGED)
    assert violations(START_RULE, POLICY, as_policy(first, fine, second)) == [
        text(
            "policy",
            POLICY,
            f"statement 1 (ssm:StartSession: {shown(first)}) and statement 3 (ssm:StartSession: {shown(second)})",
        )
    ]


@pytest.mark.parametrize(
    "denial",
    [
        pytest.param(deny(START), id="all"),
        pytest.param(deny("ssm:*Session"), id="by pattern"),
        pytest.param({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}, id="all but others"),
        pytest.param({"Effect": "Deny", "Action": START, "NotResource": TAGGED}, id="all but the approved"),
        pytest.param(deny(START, on="arn:aws:*:*:*:*/*"), id="in the partition"),
    ],
)
def test_what_the_same_policy_denies_is_not_allowed(denial: dict[str, Any]) -> None:
    assert judge(START_RULE, POLICY, as_policy(allow("ssm:*"), denial)) == SILENT


@pytest.mark.parametrize(
    "denial",
    [
        pytest.param(deny("ssm:SendCommand"), id="another action"),
        pytest.param(deny(START, on=ONE), id="one instance"),
        pytest.param(deny(START, on=[INSTANCES, "arn:aws:ssm:*", "arn:aws:ecs:*"]), id="one account"),
        pytest.param(deny(START, on=["arn:aws-cn:ec2:*", "arn:aws-cn:ssm:*", "arn:aws-cn:ecs:*"]), id="elsewhere"),
        pytest.param(
            deny(START, Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}), id="without MFA"
        ),
        pytest.param(deny(START, Condition={"StringEquals": {"aws:RequestedRegion": "us-east-1"}}), id="one Region"),
    ],
)
def test_denial_that_can_be_avoided_does_not_help(denial: dict[str, Any]) -> None:
    assert len(violations(START_RULE, POLICY, as_policy(allow("ssm:*"), denial))) == 1


def test_variable_without_a_version_is_text_and_matches_nothing() -> None:
    old = document(allow(START, on=TAGGED), version="2008-10-17")
    assert judge(START_RULE, POLICY, {"policy": json.dumps(old)}) == SILENT


@pytest.mark.parametrize("name", ["AdministratorAccess", "PowerUserAccess", "AmazonSSMFullAccess"])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_aws_policy_that_allows_sessions_is_refused(attachment: Form, name: str, partition: str) -> None:
    arn = f"arn:{partition}:iam::aws:policy/{name}"
    assert violations(START_RULE, attachment.type, attachment.carry(arn)) == [
        text(attachment.path, attachment.type, f"{name}, which AWS manages")
    ]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess",
        UNKNOWN,
    ],
)
def test_other_policies_may_be_attached(attachment: Form, arn: str) -> None:
    assert judge(START_RULE, attachment.type, attachment.carry(arn)) == SILENT


def test_policy_of_aws_with_a_path_counts_too() -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AmazonSSMAutomationRole"
    assert len(violations(START_RULE, ROLE_ATTACHMENT, {"role": "Some", "policyArn": arn})) == 1


ADMINISTRATORS = ["role/Admin*", "permission-set/*/ps-1"]


@pytest.mark.parametrize(
    ("holder", "allowed"),
    [("Admin", True), ("admin-2", True), ("arn:aws:iam::1:role/x/Admin", True), ("Some", False), ("NoAdmin", False)],
)
def test_administrators_may(holder: str, *, allowed: bool) -> None:
    inline = {"role": holder, "policy": json.dumps(document(allow("*")))}
    attached = {"role": holder, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    for type_, properties in ((ROLE_POLICY, inline), (ROLE_ATTACHMENT, attached)):
        found = violations(START_RULE, type_, properties, allowedPrincipals=ADMINISTRATORS)
        assert (found == []) is allowed


def test_administrators_may_by_permission_set_or_condition() -> None:
    of_set = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
    inline = {
        "permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1",
        "inlinePolicy": json.dumps(document(allow("*"))),
    }
    assert violations(START_RULE, of_set, inline, allowedPrincipals=ADMINISTRATORS) == []
    for name, count in (("Administrator", 0), ("path/Administrator", 0), ("Some", 1)):
        arn = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        statement = allow(START, Condition={"ArnLike": {"aws:PrincipalArn": arn}})
        found = violations(START_RULE, POLICY, as_policy(statement), allowedPrincipals=ADMINISTRATORS)
        assert len(found) == count


def test_one_of_several_holders_is_no_administrator() -> None:
    attached = {"roles": ["Admin"], "users": ["bob"], "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    type_ = "aws:iam/policyAttachment:PolicyAttachment"
    assert len(violations(START_RULE, type_, attached, allowedPrincipals=ADMINISTRATORS)) == 1


def test_named_policy_may() -> None:
    assert violations(START_RULE, POLICY, as_policy(allow("*")), allowedPolicies=["so*"]) == []
    assert len(violations(START_RULE, POLICY, as_policy(allow("*")), allowedPolicies=["other"])) == 1


def test_policy_that_is_not_known_yet_is_reported_as_advice(form: Form) -> None:
    assert judge(START_RULE, form.type, form.carry(UNKNOWN)) == undecided(form.type, form.path)


def test_object_is_judged_as_far_as_it_is_known() -> None:
    unseen = [f'{POLICY} "subject": policy is not known yet; the rule is applied in the update.']
    late = allow("s3:GetObject", on=UNKNOWN)
    result = judge(START_RULE, POLICY, {"policy": document(late, allow(START))})
    assert len(result.violations) == 1
    assert result.unseen == unseen
    may_be_denied = judge(START_RULE, POLICY, {"policy": document(allow(START), deny(UNKNOWN))})
    assert (may_be_denied.violations, may_be_denied.unseen) == ([], unseen)


def test_unknown_holder_may_be_an_administrator() -> None:
    late = {"role": UNKNOWN, "policy": json.dumps(document(allow("*")))}
    assert len(violations(START_RULE, ROLE_POLICY, late)) == 1
    result = judge(START_RULE, ROLE_POLICY, late, allowedPrincipals=ADMINISTRATORS)
    assert (len(result.violations), len(result.unseen)) == (0, 1)


def test_what_cannot_be_read_is_left_to_another_rule() -> None:
    assert judge(START_RULE, POLICY, {"policy": "{"}) == SILENT


@pytest.mark.parametrize(
    "name",
    [
        "${aws:PrincipalTag/SecurityAllowSessionInstance}*",
        "*${aws:PrincipalTag/SecurityAllowSessionInstance}",
        "${aws:PrincipalTag/SecurityAllowSessionInstance, '*'}",
        "${aws:PrincipalTag/SecurityAllowSessionInstance, 'i-0123456789abcdef0'}",
        "${aws:PrincipalTag/Team}",
        "i-${aws:PrincipalTag/Team}",
        "${aws:PrincipalTag/Team}${aws:PrincipalTag/SecurityAllowSessionInstance}",
        "${aws:userid}",
        "${aws:username}*",
        "${aws:SourceIdentity}",
        "${aws:RequestTag/Instance}",
    ],
)
def test_another_variable_is_no_approved_instance(name: str) -> None:
    statement = allow("ssm:StartSession", on=[f"arn:aws:ec2:*:{ACCOUNT}:instance/{name}"])
    assert len(violations(START_RULE, POLICY, as_policy(statement))) == 1


@pytest.mark.parametrize(
    "key", ["aws:PrincipalTag/SecurityAllowSessionInstance", "aws:principaltag/securityallowsessioninstance"]
)
def test_approved_instance_is_fine_in_any_case_of_the_key(key: str) -> None:
    statement = allow("ssm:StartSession", on=[f"arn:aws:ec2:*:{ACCOUNT}:instance/${{{key}}}"])
    assert judge(START_RULE, POLICY, as_policy(statement)) == SILENT


def test_variable_that_a_denial_names_as_well_is_tried() -> None:
    node = f"arn:aws:ec2:*:{ACCOUNT}:instance/${{aws:PrincipalTag/Team}}"
    denial = {"Effect": "Deny", "Action": "ssm:StartSession", "Resource": node}
    assert judge(START_RULE, POLICY, as_policy(allow("ssm:StartSession", on=node), denial)) == SILENT


FORWARDING = "arn:aws:ssm:*::document/AWS-StartPortForwardingSession"

DOCUMENTS_OTHERS = {
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


@pytest.mark.parametrize("name", DOCUMENTS_OTHERS)
def test_another_document_is_refused(name: str) -> None:
    statement = DOCUMENTS_OTHERS[name]
    properties = as_policy(statement, deny(START, on="arn:*:ssm:*:*:managed-instance/*"))
    assert violations(DOCUMENTS_RULE, POLICY, properties) == [
        (
            f'{POLICY} "subject": policy: found statement 1 (ssm:StartSession: {shown(statement)}), expected no document but '
            f"SSM-SessionManagerRunShell. {DOCUMENTS_RULE.remedy}."
        )
    ]


@pytest.mark.parametrize("statement", GOVERNED.values(), ids=GOVERNED.keys())
def test_governed_document_is_fine(statement: dict[str, Any]) -> None:
    assert judge(DOCUMENTS_RULE, POLICY, as_policy(statement)) == SILENT


def test_documents_are_judged_in_every_form(form: Form) -> None:
    assert (
        len(violations(DOCUMENTS_RULE, form.type, form.carry(json.dumps(document(allow(START, on=FORWARDING)))))) == 1
    )


def test_document_of_any_session_is_not_reported_twice() -> None:
    everywhere = as_policy(allow(START))
    assert judge(DOCUMENTS_RULE, POLICY, everywhere) == SILENT
    assert len(violations(START_RULE, POLICY, everywhere)) == 1


def test_governed_documents_are_configurable() -> None:
    forwarding = as_policy(allow(START, on=FORWARDING))
    names = ["SSM-SessionManagerRunShell", "AWS-StartPortForwardingSession"]
    assert violations(DOCUMENTS_RULE, POLICY, forwarding, sessionDocuments=names) == []
    assert len(violations(DOCUMENTS_RULE, POLICY, as_policy(allow(START, on=SHELL)), sessionDocuments=["Other"])) == 1


def test_policy_of_aws_counts() -> None:
    arn = "arn:aws:iam::aws:policy/AWSSystemsManagerJustInTimeAccessTokenSessionPolicy"
    assert len(violations(DOCUMENTS_RULE, ROLE_ATTACHMENT, {"role": "Some", "policyArn": arn})) == 1


RESUME, END = "ssm:ResumeSession", "ssm:TerminateSession"
SESSIONS = f"arn:aws:ssm:*:{ACCOUNT}:session/*"
OWNER = "ssm:resourceTag/aws:ssmmessages:session-id"

RESUME_OTHERS = {
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


@pytest.mark.parametrize(("statement", "actions"), RESUME_OTHERS.values(), ids=RESUME_OTHERS.keys())
def test_sessions_of_others_are_out_of_reach(statement: dict[str, Any], actions: tuple[str, ...]) -> None:
    assert violations(RESUME_RULE, POLICY, as_policy(statement)) == [
        (
            f'{POLICY} "subject": policy: found statement 1 ({", ".join(actions)}: {shown(statement)}), expected one\'s own '
            f"sessions only. {RESUME_RULE.remedy}."
        )
    ]


@pytest.mark.parametrize("statement", OWN.values(), ids=OWN.keys())
def test_ones_own_sessions_are_within_reach(statement: dict[str, Any]) -> None:
    assert judge(RESUME_RULE, POLICY, as_policy(statement)) == SILENT


def test_resume_is_judged_in_every_form(form: Form) -> None:
    assert len(violations(RESUME_RULE, form.type, form.carry(json.dumps(document(allow(END)))))) == 1
    assert judge(RESUME_RULE, form.type, form.carry(json.dumps(document(OWN["by user id"])))) == SILENT


def test_resuming_of_any_session_is_not_reported_twice() -> None:
    everything = as_policy(allow("ssm:*"))
    assert judge(RESUME_RULE, POLICY, everything) == SILENT
    assert len(violations(START_RULE, POLICY, everything)) == 1
    kept_from_starting = as_policy(allow("ssm:*"), deny("ssm:StartSession"))
    assert len(violations(RESUME_RULE, POLICY, kept_from_starting)) == 1
    attached = {"role": "Some", "policyArn": "arn:aws:iam::aws:policy/AmazonSSMFullAccess"}
    assert judge(RESUME_RULE, ROLE_ATTACHMENT, attached) == SILENT


def test_administrators_and_named_policies_may() -> None:
    inline = {"role": "Admin", "policy": json.dumps(document(allow(END)))}
    assert violations(RESUME_RULE, "aws:iam/rolePolicy:RolePolicy", inline, allowedPrincipals=["role/Admin"]) == []
    assert violations(RESUME_RULE, POLICY, as_policy(allow(END)), allowedPolicies=["some"]) == []
