"""The operators' policy and the runbook role's, proved for every request; every leak has a counter-example."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import z3

from components.approval.iam_policies import operator_policy, runbook_role_policy
from components.approval.names import TAG_KEY, WorkflowLocation
from components.approval.settings import ApprovalSettings
from tests.components.approval.proving import Request

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "111122223333"
PLACE = WorkflowLocation(partition="aws", account_id=ACCOUNT, region="eu-west-1")
INSTANCES = ["i-0123456789abcdef0", "i-12345678"]
USER = "AROAEXAMPLE:olivia"
DOCUMENT = f"arn:aws:ssm:*:{ACCOUNT}:document/SSM-SessionManagerRunShell"
SETTINGS = ApprovalSettings(operator_roles=["Operator", "Second"], operator_users=["alice"])
PRINCIPALS = {
    "Role": [f"arn:aws:iam::{ACCOUNT}:role/{path}{name}" for path in ("", "*/") for name in ("Operator", "Second")],
    "User": [f"arn:aws:iam::{ACCOUNT}:user/{path}alice" for path in ("", "*/")],
}

Policy = dict[str, Any]


def operators() -> Policy:
    return operator_policy(PLACE, session_data_encryption=True)


def runbook_role() -> Policy:
    return runbook_role_policy(SETTINGS, PLACE)


def instance(name: str) -> str:
    return f"arn:aws:ec2:*:{ACCOUNT}:instance/{name}"


def tagged(policy: Policy, value: str | None) -> Request:
    tag = {} if value is None else {f"aws:PrincipalTag/{TAG_KEY}": value}
    return Request(policy, {"aws:userid": USER, **tag})


def started_elsewhere(policy: Policy, value: str | None = INSTANCES[0]) -> str | None:
    """A start on anything but the tagged instance and the governed document."""
    request = tagged(policy, value)
    right = [DOCUMENT, *([instance(value)] if value else [])]
    return request.example(request.allows("ssm:StartSession"), z3.Not(request.on(*right)))


def not_started(policy: Policy, value: str = INSTANCES[0]) -> str | None:
    """A start on the tagged instance, or with the governed document, that is refused."""
    request = tagged(policy, value)
    refused = z3.Not(request.allows("ssm:StartSession"))
    return first_example(
        request,
        [refused, request.resource == z3.StringVal(instance(value).replace("*", "us-east-1"))],
        [refused, request.on(instance(value))],
        [refused, request.on(DOCUMENT)],
    )


def first_example(request: Request, *questions: list[Any]) -> str | None:
    """Narrow questions come first where a counter-example is quicker to be found by them than in general."""
    found = (request.example(*constraints) for constraints in questions)
    return next((each for each in found if each is not None), None)


def foreign_terminated(policy: Policy) -> str | None:
    request = tagged(policy, None)
    mine = request.key("ssm:resourceTag/aws:ssmmessages:session-id") == z3.StringVal(USER)
    return request.example(request.allows("ssm:TerminateSession"), z3.Not(mine))


def foreign_channel(policy: Policy) -> str | None:
    request = tagged(policy, None)
    mine = request.on(f"arn:aws:ssm:*:{ACCOUNT}:session/{USER}-*")
    return request.example(request.allows("ssmmessages:OpenDataChannel"), z3.Not(mine))


def resumed(policy: Policy) -> str | None:
    request = tagged(policy, INSTANCES[0])
    return request.example(request.allows("ssm:ResumeSession"))


def something_else(policy: Policy) -> str | None:
    request = tagged(policy, INSTANCES[0])
    known = ("ssm:StartSession", "ssm:TerminateSession", "ssmmessages:OpenDataChannel", "kms:GenerateDataKey")
    return request.example(request.allowed, z3.Not(request.does(*known)))


def foreign_key(policy: Policy) -> str | None:
    request = tagged(policy, None)
    ours = request.key("kms:ResourceAliases") == z3.StringVal("alias/session-manager/data")
    return request.example(request.allows("kms:GenerateDataKey"), z3.Not(ours))


def tagged_otherwise(policy: Policy) -> str | None:
    """Another tag, another principal, or a value that names no instance."""
    request = Request(policy)
    the_tag = request.key("aws:TagKeys") == z3.StringVal(TAG_KEY)
    names_instance = z3.PrefixOf("i-", request.key(f"aws:RequestTag/{TAG_KEY}"))
    wrong = [
        *((f"iam:{verb}{kind}", z3.Not(the_tag)) for verb in ("Tag", "Untag") for kind in PRINCIPALS),
        *((f"iam:Tag{kind}", z3.Not(names_instance)) for kind in PRINCIPALS),
        *(
            (f"iam:{verb}{kind}", z3.Not(request.on(*arns)))
            for verb in ("Tag", "Untag")
            for kind, arns in PRINCIPALS.items()
        ),
    ]
    return first_example(request, *([request.allows(action), constraint] for action, constraint in wrong))


def changed_otherwise(policy: Policy) -> str | None:
    """Anything in IAM beyond the tag and a look at the principal."""
    request = Request(policy)
    known = [f"iam:{verb}{kind}" for verb in ("Tag", "Untag", "Get") for kind in PRINCIPALS]
    known += ["iam:ListRoleTags", "iam:ListUserTags", "iam:ListUsers"]
    otherwise = [request.allowed, request.does("iam:*"), z3.Not(request.does(*known))]
    return first_example(request, [request.allows("iam:AttachRolePolicy")], otherwise)


@pytest.mark.parametrize("value", INSTANCES)
def test_session_starts_only_with_the_tag_and_the_document(
    value: str,
) -> None:
    assert started_elsewhere(operators(), value) is None
    assert not_started(operators(), value) is None


def test_without_a_tag_no_session_starts_on_any_instance() -> None:
    assert started_elsewhere(operators(), None) is None


@pytest.mark.parametrize(
    "question",
    [foreign_terminated, foreign_channel, resumed, something_else, foreign_key],
    ids=lambda each: each.__name__,
)
def test_operators_cannot(question: Callable[[Policy], str | None]) -> None:
    assert question(operators()) is None


@pytest.mark.parametrize("question", [tagged_otherwise, changed_otherwise], ids=lambda each: each.__name__)
def test_runbook_role_cannot(question: Callable[[Policy], str | None]) -> None:
    assert question(runbook_role()) is None


def changed(policy: Policy, sid: str, **changes: Any) -> Policy:
    leaky = copy.deepcopy(policy)
    (statement,) = (each for each in leaky["Statement"] if each["Sid"] == sid)
    statement.update(changes)
    return leaky


def with_statement(policy: Policy, **statement: Any) -> Policy:
    return {**policy, "Statement": [*policy["Statement"], {"Effect": "Allow", **statement}]}


LEAKS: dict[str, tuple[Callable[[Policy], str | None], Policy]] = {
    "any instance": (started_elsewhere, changed(operators(), "StartOnApprovedInstance", Resource=instance("*"))),
    "a longer instance ID": (
        started_elsewhere,
        changed(operators(), "StartOnApprovedInstance", Resource=f"{instance('')}${{aws:PrincipalTag/{TAG_KEY}}}*"),
    ),
    "any account": (
        started_elsewhere,
        changed(
            operators(),
            "StartOnApprovedInstance",
            Resource=f"arn:aws:ec2:*:*:instance/${{aws:PrincipalTag/{TAG_KEY}}}",
        ),
    ),
    "any instance without a tag": (
        lambda policy: started_elsewhere(policy, None),
        changed(
            operators(),
            "StartOnApprovedInstance",
            Resource=instance("*"),
            Condition={"Null": {f"aws:PrincipalTag/{TAG_KEY}": "true"}},
        ),
    ),
    "one Region only": (
        not_started,
        changed(
            operators(),
            "StartOnApprovedInstance",
            Resource=f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/${{aws:PrincipalTag/{TAG_KEY}}}",
        ),
    ),
    "any document": (
        started_elsewhere,
        changed(operators(), "StartWithGovernedDocument", Resource=f"arn:aws:ssm:*:{ACCOUNT}:document/*"),
    ),
    "a document of AWS": (
        started_elsewhere,
        changed(operators(), "StartWithGovernedDocument", Resource=[DOCUMENT, "arn:aws:ssm:*::document/AWS-*"]),
    ),
    "any session ended": (foreign_terminated, changed(operators(), "TerminateOwnSession", Condition={})),
    "any data channel": (
        foreign_channel,
        changed(operators(), "OpenOwnDataChannel", Resource=f"arn:aws:ssm:*:{ACCOUNT}:session/*"),
    ),
    "a session resumed": (resumed, changed(operators(), "NeverResume", Effect="Allow")),
    "commands too": (something_else, with_statement(operators(), Sid="X", Action="ssm:Send*", Resource="*")),
    "any key": (foreign_key, changed(operators(), "EncryptSessionData", Condition={})),
    "any tag set": (
        tagged_otherwise,
        changed(runbook_role(), "TagRole", Condition={"StringLike": {f"aws:RequestTag/{TAG_KEY}": "i-*"}}),
    ),
    "any value": (
        tagged_otherwise,
        changed(runbook_role(), "TagUser", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": [TAG_KEY]}}),
    ),
    "any tag removed": (tagged_otherwise, changed(runbook_role(), "UntagAndSeeRole", Condition={})),
    "any role tagged": (
        tagged_otherwise,
        changed(runbook_role(), "TagRole", Resource=f"arn:aws:iam::{ACCOUNT}:role/*"),
    ),
    "any account's user untagged": (
        tagged_otherwise,
        changed(runbook_role(), "UntagAndSeeUser", Resource="arn:aws:iam::*:user/alice"),
    ),
    "any action on roles": (changed_otherwise, changed(runbook_role(), "UntagAndSeeRole", Action="iam:*")),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_leak_has_a_counter_example(leak: str) -> None:
    question, policy = LEAKS[leak]
    assert question(policy) is not None


def test_statements_about_sessions_and_tags_have_a_leaky_variant() -> None:
    about_something_else = {
        "SeeInstances",
        "SeeRun",
        "FindRuns",
        "TellTopic",
        "EncryptNotifications",
        "SeeTrust",
        "FindUsers",
        "FindSessions",
        "EndSessions",
    }
    leaky = [each for _, policy in LEAKS.values() for each in policy["Statement"]]
    for statement in (*operators()["Statement"], *runbook_role()["Statement"]):
        variants = [each for each in leaky if each["Sid"] == statement["Sid"] and each != statement]
        assert bool(variants) == (statement["Sid"] not in about_something_else), statement["Sid"]
