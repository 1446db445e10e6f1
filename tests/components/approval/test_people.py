"""Two people are two people: who is behind a requester, an approver and a grant, as the runbook judges it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.approval.names import (
    CHANGE_TEMPLATE_NAME,
    EVENT_FORWARDING_ROLE_NAME,
    REAPER_SCHEDULE_ROLE_NAME,
    ROLE_NAME,
    RUNBOOK_NAME,
)
from components.approval.scripts import trust as trust_policies
from tests.components.approval.scripted_account import (
    ANTON,
    LATER,
    OLIVIA,
    OWN,
    ROOT,
    USER,
    approval,
    change_request,
    parameters,
    refusal,
    run,
)
from tests.components.approval.workflow import ACCOUNT, trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.components.approval.scripted_account import Account

    Made = Callable[..., Account]

OLIVIA_ID, ANTON_ID = "AIDAQ3EGRA7JWEXAMPLE1", "AIDAQ3EGRA7JWEXAMPLE2"
CHAT = {"Service": "chatbot.amazonaws.com"}


def user(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:user/{name}"


def session(role: str, name: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"


def by_id(unique: str) -> str:
    return trust(ROOT, StringEquals={"aws:userid": unique})


def forced(value: str = "${aws:username}", operator: str = "StringEquals", principal: Any = ROOT) -> str:
    return trust(principal, **{operator: {"sts:RoleSessionName": value}})


RESERVED = "AWSReservedSSO_Team_0123456789abcdef"
BY_SAML = trust({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"})
SAME, UNPROVED = "requesters cannot approve their own request", "does not prove which person that is"
BOTH = {"AWS": [USER, user("anton")]}
ANTON_BY_CHAT = trust({**CHAT, "AWS": user("anton")})


def statements_of(*policies: str) -> str:
    return json.dumps({"Statement": [json.loads(each)["Statement"][0] for each in policies]})


ANTON_OR_CHAT = statements_of(trust(CHAT), trust({"AWS": user("anton")}))
REQUESTS: list[tuple[str, str, dict[str, str], str]] = [
    # A user ID in a trust policy is resolved to its user, under any session name.
    (session("Operator", "x"), user("olivia"), {"Operator": by_id(OLIVIA_ID)}, SAME),
    ("carol", user("olivia"), {"Operator": by_id(OLIVIA_ID)}, "which the same person may use"),
    (user("olivia"), session("Approver", "x"), {"Approver": by_id(OLIVIA_ID)}, SAME),
    (user("olivia"), session("Approver", "x"), {"Approver": by_id(ANTON_ID)}, ""),
    (OLIVIA, ANTON, {"Operator": by_id("AIDAQ3EGRA7JWEXAMPLE9")}, "an ID that no user of this account has"),
    # The name of the session says nothing: the trust policy of the role says that it is one person.
    (OLIVIA, session("Approver", "anton"), {"Approver": trust({"AWS": USER})}, SAME),
    (session("AntonsOther", "zoe"), ANTON, {"AntonsOther": trust({"AWS": user("anton")})}, SAME),
    # Others whom the role admits may approve if the name of the session says who asked.
    (session("Team", "olivia"), user("anton"), {"Team": forced(principal=BOTH)}, ""),
    (session("Team", "anton"), user("anton"), {"Team": forced(principal=BOTH)}, SAME),
    (session("Team", "olivia"), user("anton"), {"Team": trust(BOTH)}, SAME),
    (session("Team", "olivia"), session("Team", "anton"), {"Team": forced()}, ""),
    (session("Team", "olivia"), session("Team", "olivia"), {"Team": forced()}, SAME),
    (OLIVIA, session("Approver", "olivia"), {"Approver": forced()}, SAME),
    (
        OLIVIA,
        session("Approver", "anton"),
        {"Approver": statements_of(forced(), trust({"AWS": user("bea")}))},
        UNPROVED,
    ),
    # People of IAM Identity Center count by name; an address and a name may be one person.
    (session(RESERVED, "olivia@x.org"), session(RESERVED, "anton@x.org"), {}, ""),
    (session(RESERVED, "Anton@x.org"), session(RESERVED, "anton@x.org"), {}, SAME),
    (user("anton"), session(RESERVED, "anton@x.org"), {}, SAME),
    (session(RESERVED, "Anton@x.org"), user("anton"), {}, SAME),
    (session("Operator", "anton@x.org"), user("team/anton"), {}, SAME),
    (user("olivia"), session(RESERVED, "anton@x.org"), {}, ""),
    (session(RESERVED, "anton@y.org"), session(RESERVED, "anton@x.org"), {}, ""),
    (user("anton"), session(RESERVED, "antonia@x.org"), {}, ""),
    (
        OLIVIA,
        session("AWSReservedSSO_X_0123456789abcdef", "a"),
        {"AWSReservedSSO_X_0123456789abcdef": trust(ROOT)},
        UNPROVED,
    ),
    # A chat role that is listed is the person that it names.
    (OLIVIA, session("Chat", "chatbot-session"), {"Chat": ANTON_BY_CHAT}, ""),
    (user("anton"), session("Chat", "chatbot-session"), {"Chat": ANTON_BY_CHAT}, SAME),
    (OLIVIA, session("Chat", "chatbot-session"), {"Chat": ANTON_OR_CHAT}, ""),
    (user("anton"), session("Chat", "chatbot-session"), {"Chat": ANTON_OR_CHAT}, SAME),
    (OLIVIA, session("Chat", "chatbot-session"), {"Chat": trust(CHAT)}, "does not prove which person"),
]


@pytest.mark.parametrize(("asked_by", "approved_by", "trusts", "said"), REQUESTS)
def test_requester_and_approver_are_two_people(
    account: Made, asked_by: str, approved_by: str, trusts: dict[str, str], said: str
) -> None:
    runs = run(OWN, approval(approved_by), ExecutedBy=asked_by)
    account(runs, trusts={RESERVED: BY_SAML, **trusts}, reserved=(RESERVED,))
    assert said in refusal(ChatApproverRoles=["Chat"])
    assert bool(said) == bool(refusal(ChatApproverRoles=["Chat"]))


@pytest.mark.parametrize(
    "who", [f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:sts::{ACCOUNT}:federated-user/anton", session("Gone", "anton")]
)
def test_approver_who_is_no_certain_person_is_refused(account: Made, who: str) -> None:
    account(run(OWN, approval(who)))
    assert refusal(SharedApproverRoles=["Gone"])


PERSONAL: list[tuple[str, str]] = [
    (trust({"AWS": user("anton")}), "olivi4"),
    (by_id(ANTON_ID), "anything"),
    (trust(ROOT, StringEquals={"aws:username": "anton"}), "anything"),
    (trust(ROOT, StringEquals={"aws:PrincipalArn": user("anton")}), "anything"),
    (trust(ROOT, ArnLike={"aws:PrincipalArn": user("anton")}), "anything"),
    (trust(ROOT, StringLike={"aws:userid": ANTON_ID}), "anything"),
    (trust(ROOT, stringEquals={"aws:PrincipalArn": user("anton")}), "anything"),
    (forced(), "anton"),
    (forced("${AWS:UserName}"), "anton"),
    (forced(operator="StringLike"), "anton"),
    (forced(principal={"AWS": [user("anton"), user("bea")]}), "anton"),
]
SHARED: list[tuple[str, str]] = [
    (trust(ROOT), "anton"),
    (trust(ROOT), "0livia"),
    (trust(ROOT, ArnLike={"aws:PrincipalArn": user("ant*")}), "anton"),
    (trust(ROOT, StringLike={"aws:userid": f"{ANTON_ID}*"}), "anton"),
    (trust(ROOT, StringNotLike={"aws:userid": ANTON_ID}), "anton"),
    (trust(ROOT, ArnLikeIfExists={"aws:PrincipalArn": user("anton")}), "anton"),
    (trust({"AWS": "*"}), "anton"),
    (trust({"AWS": [user("anton"), user("bea")]}), "anton"),
    (trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/Team"}), "anton"),
    (trust({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"}), "anton"),
    (trust({"Service": "ec2.amazonaws.com"}), "i-0123456789abcdef0"),
    (forced("anton"), "anton"),
    (forced("*"), "anton"),
    (forced("${aws:username}-*", "StringLike"), "anton-1"),
    (forced("${aws:PrincipalTag/name}"), "anton"),
    (forced(operator="StringEqualsIfExists"), "anton"),
    (forced(operator="StringNotEquals"), "anton"),
    (forced(principal={"AWS": "*"}), "anton"),
    (forced(principal={"AWS": [ROOT["AWS"], "arn:aws:iam::999999999999:root"]}), "anton"),
    (trust(ROOT, StringEquals={"sts:RoleSessionName": ["${aws:username}", "olivia"]}), "anton"),
    # CloudTrail shows it; the record of the approval does not.
    (trust(ROOT, StringEquals={"sts:SourceIdentity": "${aws:username}"}), "anton"),
    (trust(ROOT, StringEquals={"sts:SourceIdentity": "anton"}), "anton"),
]


@pytest.mark.parametrize(("policy", "name"), PERSONAL)
def test_approver_role_that_proves_its_person_counts(account: Made, policy: str, name: str) -> None:
    account(run(OWN, approval(session("Approver", name))), trusts={"Approver": policy})
    assert refusal() == ""


@pytest.mark.parametrize(("policy", "name"), SHARED)
def test_approver_role_that_identifies_no_person_is_refused(account: Made, policy: str, name: str) -> None:
    account(run(OWN, approval(session("Approver", name))), trusts={"Approver": policy})
    assert "does not prove which person that is" in refusal()
    assert refusal(SharedApproverRoles=["Approver"]) == ""


def role_arn(name: str) -> dict[str, str]:
    return {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{name}"}


@pytest.mark.parametrize(
    "trusts",
    [
        {"Approver": trust(role_arn("Operator"))},
        {"Approver": trust({**role_arn("Operator"), "Service": "ec2.amazonaws.com"})},
        {"Approver": trust(role_arn("Hub")), "Hub": trust(role_arn("Operator"))},
        {"Approver": trust(role_arn("Hub")), "Hub": trust({"AWS": [USER, user("anton")]})},
        {"Approver": trust(ROOT, ArnEquals={"aws:PrincipalArn": role_arn("Operator")["AWS"]})},
        {"Approver": trust(role_arn("Approver")), "Operator": trust(role_arn("Approver"))},
    ],
    ids=str,
)
def test_shared_role_reached_through_a_role_of_the_requester(account: Made, trusts: dict[str, str]) -> None:
    account(run(OWN, approval(session("Approver", "anton"))), trusts=trusts)
    assert refusal(SharedApproverRoles=["Approver"], SharedOperatorRoles=["Operator"])


@pytest.mark.parametrize(
    "trusts",
    [
        {"Approver": trust(role_arn("Hub")), "Hub": trust({"AWS": user("anton")})},
        {"Approver": trust(role_arn("Hub")), "Hub": trust({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"})},
        {"Approver": trust(role_arn("Gone"))},
        {"Approver": trust({"AWS": "arn:aws:iam::999999999999:role/Operator"})},
        {"Approver": trust(role_arn("Hub")), "Hub": trust(role_arn("Hub"))},
    ],
    ids=str,
)
def test_shared_role_reached_through_another_role(account: Made, trusts: dict[str, str]) -> None:
    account(run(OWN, approval(session("Approver", "anton"))), trusts=trusts)
    assert refusal(SharedApproverRoles=["Approver"]) == ""


HUB = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/team/Hub"}
BY_SOURCE_IDENTITY = forced("${aws:SourceIdentity}", principal=HUB)
SAML = trust({"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/x"})


@pytest.mark.parametrize(
    ("policy", "hub", "proves"),
    [
        (BY_SOURCE_IDENTITY, trust(ROOT, StringEquals={"sts:SourceIdentity": "${aws:username}"}), True),
        (BY_SOURCE_IDENTITY, trust(ROOT, StringLike={"sts:SourceIdentity": "${aws:username}"}), True),
        (BY_SOURCE_IDENTITY, SAML, True),
        (BY_SOURCE_IDENTITY, trust(ROOT), False),
        (BY_SOURCE_IDENTITY, trust(ROOT, StringLike={"sts:SourceIdentity": "*"}), False),
        (BY_SOURCE_IDENTITY, trust({"AWS": "*"}, StringEquals={"sts:SourceIdentity": "${aws:username}"}), False),
        (BY_SOURCE_IDENTITY, trust({"AWS": user("anton"), "Federated": "x"}), False),
        (forced("${aws:SourceIdentity}"), trust(ROOT), False),
    ],
)
def test_source_identity_proves_what_has_set_it(account: Made, policy: str, hub: str, *, proves: bool) -> None:
    account(run(OWN, approval(session("Approver", "anton"))), trusts={"Approver": policy, "Hub": hub})
    assert ("does not prove which person that is" in refusal()) is not proves
    account(run(OWN, approval(session("Approver", "olivia"))), trusts={"Approver": policy, "Hub": hub})
    assert refusal()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"AlarmConfiguration": {"Alarms": [{"Name": "mine"}]}}, "has an alarm that stops it"),
        ({"AlarmConfiguration": {"Alarms": []}}, ""),
        ({"AlarmConfiguration": None}, ""),
    ],
)
def test_run_that_an_alarm_stops_is_refused(account: Made, given: dict[str, Any], said: str) -> None:
    account(run(OWN, **given))
    assert said in refusal()
    assert bool(said) == bool(refusal())


def levels(*deciders: str | list[str]) -> list[Any]:
    return [approval(*([each] if isinstance(each, str) else each)) for each in deciders]


BEA = session("Second", "bea")
TWO = {"Second": trust({"AWS": user("bea")}), "AntonToo": trust({"AWS": user("anton")})}
ONE_PERSON: dict[str, tuple[Any, Any]] = {
    "one principal": (ANTON, ANTON),
    "one role, two sessions": (ANTON, session("Approver", "other")),
    "one session name, two roles": (ANTON, session("Second", "Anton")),
    "one person, two roles": (ANTON, session("AntonToo", "zoe")),
    "a role and its user": (ANTON, user("anton")),
    "a user and its name": (user("anton"), "anton"),
}


@pytest.mark.parametrize("same", ONE_PERSON)
def test_one_person_does_not_approve_two_levels(account: Made, same: str) -> None:
    account(run(OWN, *levels(*ONE_PERSON[same])), trusts=TWO)
    assert "may be one person" in refusal(Levels=[1, 1])


@pytest.mark.parametrize("same", ONE_PERSON)
def test_one_person_is_not_two_of_a_level(account: Made, same: str) -> None:
    account(run(OWN, *levels(list(ONE_PERSON[same]))), trusts=TWO)
    assert "takes 2 people, and 1 approved" in refusal(Levels=[2])


def test_two_people_are_two(account: Made) -> None:
    account(run(OWN, *levels(ANTON, BEA)), trusts=TWO)
    assert refusal(Levels=[1, 1]) == ""
    account(run(OWN, *levels([ANTON, BEA])), trusts=TWO)
    assert refusal(Levels=[2]) == ""


def test_level_without_an_approval_is_refused(account: Made) -> None:
    account(run(OWN, *levels(ANTON)), trusts=TWO)
    assert "no approval is recorded for every level" in refusal(Levels=[1, 1])


def test_shared_role_counts_as_one_person(account: Made) -> None:
    trusts = {"Approver": trust(ROOT)}
    account(run(OWN, *levels([session("Approver", "anton"), session("Approver", "bea")])), trusts=trusts)
    assert "takes 2 people, and 1 approved" in refusal(Levels=[2], SharedApproverRoles=["Approver"])


@pytest.mark.parametrize("decision", ["Reject", "Rejected", "Revoke", "Unknown"])
@pytest.mark.parametrize("mode", ["automation", "change-manager"])
def test_other_decision_on_record_is_no_approval(account: Made, mode: str, decision: str) -> None:
    rejected = json.dumps({"Approver": "bea", "Decision": decision})
    step = approval(ANTON)
    step["Outputs"]["ApproverDecisions"].append(rejected)
    parent = {"ParentAutomationExecutionId": LATER} if mode == "change-manager" else {}
    account(run(OWN, step, **parent), change_request(step))
    assert f"bea is on record with the decision {decision}" in refusal(Mode=mode)


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (trust(CHAT), "anton"),
        (trust({**CHAT, "AWS": user("anton")}), "anton"),
        (trust({"Service": ["ec2.amazonaws.com", "chatbot.amazonaws.com"]}), "anton"),
        (trust({"AWS": user("anton")}), "chatbot-session"),
        (trust({"AWS": user("anton")}), "Chatbot-anton"),
        (forced(), "chatbot"),
    ],
)
def test_decider_who_comes_through_a_chat_is_refused(account: Made, policy: str, name: str) -> None:
    account(run(OWN, approval(session("Approver", name))), trusts={"Approver": policy})
    assert "through a chat" in refusal()
    assert "through a chat" in refusal(SharedApproverRoles=["Approver"])


NOT_ALONE: list[tuple[dict[str, Any], str]] = [
    ({"ParentAutomationExecutionId": LATER}, "started by another run"),
    ({"Targets": [{"Key": "ParameterValues", "Values": ["i-1", "i-2"]}]}, "has targets"),
    ({"TargetMaps": [{"InstanceId": ["i-1"]}]}, "has targets"),
    ({"TargetLocations": [{"Accounts": ["111122223333"], "Regions": ["us-east-1"]}]}, "has targets"),
    ({"TargetLocationsURL": "https://example.org/targets.json"}, "has targets"),
    ({"TargetParameterName": "InstanceId"}, "has targets"),
    ({"Target": "i-0123456789abcdef0"}, "has targets"),
    ({"ResolvedTargets": {"ParameterValues": ["i-1"], "Truncated": False}}, "has targets"),
    ({"AssociationId": "12345678-1234-1234-1234-123456789012"}, "by an association"),
    ({"AutomationSubtype": "ChangeRequest"}, "by an association or a change request"),
    ({"ExecutedBy": session(ROLE_NAME, "Automation-1")}, "no person"),
    ({"ExecutedBy": session(ROLE_NAME.lower(), "olivia")}, "no person"),
    ({"ExecutedBy": session(REAPER_SCHEDULE_ROLE_NAME, "x")}, "no person"),
    ({"ExecutedBy": session(EVENT_FORWARDING_ROLE_NAME, "x")}, "no person"),
    ({"ExecutedBy": session("AWSServiceRoleForConfigRemediation", "x")}, "no person"),
    ({"ExecutedBy": f"arn:aws:iam::{ACCOUNT}:root"}, "the person cannot be determined"),
    ({"ExecutedBy": f"arn:aws:sts::{ACCOUNT}:federated-user/olivia"}, "the person cannot be determined"),
]
SERVICES = (ROLE_NAME, REAPER_SCHEDULE_ROLE_NAME, EVENT_FORWARDING_ROLE_NAME, "AWSServiceRoleForConfigRemediation")


@pytest.mark.parametrize(("found", "said"), NOT_ALONE)
def test_run_that_no_person_started_for_one_instance_is_refused(
    account: Made, found: dict[str, Any], said: str
) -> None:
    trusts = {role: trust({"Service": "ssm.amazonaws.com"}) for role in SERVICES}
    account(run(OWN, **found), change_request(), trusts=trusts)
    assert said in refusal()


def test_run_that_shows_empty_targets_is_granted(account: Made) -> None:
    """As Systems Manager shows a run of one target."""
    account(run(OWN, Targets=[], TargetMaps=[], ResolvedTargets={"ParameterValues": [], "Truncated": False}))
    assert refusal() == ""


def requested(**changes: Any) -> list[dict[str, Any]]:
    return [{"DocumentName": RUNBOOK_NAME, "Parameters": parameters(), **changes}]


OTHERWISE: dict[str, dict[str, Any]] = {
    "another instance": {"Runbooks": requested(Parameters=parameters(instance="i-12345678"))},
    "another principal": {"Runbooks": requested(Parameters=parameters(name="Second"))},
    "another kind": {"Runbooks": requested(Parameters=parameters(kind="user"))},
    "two instances": {"Runbooks": requested(Parameters={**parameters(), "InstanceId": ["i-1", "i-2"]})},
    "no instance": {"Runbooks": requested(Parameters={})},
    "another reason": {"Runbooks": requested(Parameters={**parameters(), "Reason": ["Disk is full"]})},
    "another runbook": {"Runbooks": requested(DocumentName="AWS-RestartEC2Instance")},
    "two runbooks": {"Runbooks": [*requested(), *requested()]},
    "no runbook": {"Runbooks": []},
    "targets of the runbook": {"Runbooks": requested(TargetParameterName="InstanceId", Targets=[{"Key": "x"}])},
    "maps of the runbook": {"Runbooks": requested(TargetMaps=[{"InstanceId": ["i-1"]}])},
    "targets": {"Targets": [{"Key": "ParameterValues", "Values": ["i-1"]}]},
    "another template": {"DocumentName": "AWS-HelloWorld"},
    "rejected": {"AutomationExecutionStatus": "Rejected"},
}


@pytest.mark.parametrize("otherwise", OTHERWISE)
def test_run_other_than_the_change_request_is_refused(account: Made, otherwise: str) -> None:
    account(run(OWN, ParentAutomationExecutionId=LATER), change_request(approval(ANTON), **OTHERWISE[otherwise]))
    assert refusal(Mode="change-manager")


def test_run_as_the_change_request_is_granted(account: Made) -> None:
    account(run(OWN, ParentAutomationExecutionId=LATER), change_request(approval(ANTON)))
    assert refusal(Mode="change-manager") == ""
    reason = {**parameters(), "Reason": ["Disk is full"]}
    account(
        run(OWN, ParentAutomationExecutionId=LATER, Parameters=reason),
        change_request(approval(ANTON), Runbooks=requested(Parameters=reason)),
    )
    assert refusal(Mode="change-manager") == ""


def test_change_request_of_another_template_counts_for_nothing(account: Made) -> None:
    account(run(OWN, ParentAutomationExecutionId=LATER), change_request(DocumentName="Other"))
    assert CHANGE_TEMPLATE_NAME in refusal(Mode="change-manager")


principals = st.sampled_from([{"AWS": user("anton")}, {"AWS": user("bea")}, ROOT, {"AWS": "*"}, CHAT, "*"])
conditions = st.sampled_from(
    [
        {},
        {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}},
        {"StringLike": {"sts:RoleSessionName": "*"}},
        {"StringEquals": {"aws:username": "anton"}},
        {"StringEquals": {"aws:username": ["anton", "bea"]}},
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    ]
)
statements = st.builds(
    lambda principal, condition: {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": principal,
        "Condition": condition,
    },
    principals,
    conditions,
)


def callers(statement: dict[str, Any]) -> set[str]:
    """Principals of a small account that can have a session named `anton`, evaluated independently."""
    principal, condition = statement["Principal"], statement["Condition"]
    every_principal = {"user/anton", "user/bea", "role/Team"}
    if principal == CHAT:
        found = {"chat"}
    elif principal in (ROOT, {"AWS": "*"}, "*"):
        found = every_principal | ({"elsewhere/anton"} if principal != ROOT else set())
    else:
        found = {principal["AWS"].split(":")[-1]}
    names = condition.get("StringEquals", {})
    if "sts:RoleSessionName" in names:
        found = {each for each in found if each.endswith("/anton")}
    if "aws:username" in names:
        allowed = names["aws:username"] if isinstance(names["aws:username"], list) else [names["aws:username"]]
        found = {each for each in found if not each.startswith("role") and each.rsplit("/", 1)[-1] in allowed}
    return found


@given(st.lists(statements, min_size=1, max_size=4))
def test_session_is_never_taken_for_a_person_who_others_may_be(given_statements: list[dict[str, Any]]) -> None:
    person = trust_policies.session_person({"Statement": given_statements}, "anton")
    if person:
        may_be = {each for statement in given_statements for each in callers(statement)}
        assert may_be <= {f"user/{person.rsplit('/', 1)[-1]}"}
