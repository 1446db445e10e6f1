import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from components.approval.alarms import event_alarms
from components.approval.iam_policies import break_glass_policy, break_glass_trust
from components.approval.settings import ApprovalSettings
from policies.separation_of_duties.break_glass_limited import BREAK_GLASS_LIMITED as RULE
from policies.separation_of_duties.sessions import SESSION_START_NEEDS_APPROVAL as START_RULE
from tests.policies.judging import SILENT, UNKNOWN, Made, judge_stack, violations
from tests.policies.separation_of_duties.documents import PLACE
from tests.policies.separation_of_duties.forms import ROLE, ROLE_ATTACHMENT, ROLE_POLICY, allow, document

NAME = "ShellAccessBreakGlass"
USERS = ["emergency/erin"]
POLICY = break_glass_policy(PLACE, ("eu-west-1",), session_data_encryption=True)
ALARM = next(
    each
    for each in event_alarms(ApprovalSettings.model_validate({"breakGlass": {"users": USERS}}), PLACE, ("eu-west-1",))
    if each.name.endswith("break-glass-used")
)

World = dict[str, dict[str, Any]]
"""Properties by resource."""


def world() -> World:
    return {
        "role": {"name": NAME, "assumeRolePolicy": break_glass_trust(USERS, PLACE), "maxSessionDuration": 3600},
        "policy": {"role": NAME, "name": "shell-access", "policy": POLICY},
        "rule": {"name": ALARM.name, "eventPattern": ALARM.pattern, "state": ALARM.state},
        "target": {"rule": ALARM.name, "arn": "arn:aws:sns:eu-west-1:111122223333:alarms"},
    }


TYPES = {
    "role": ROLE,
    "policy": ROLE_POLICY,
    "rule": "aws:cloudwatch/eventRule:EventRule",
    "target": "aws:cloudwatch/eventTarget:EventTarget",
    "attachment": ROLE_ATTACHMENT,
}
DOCUMENTS = ("assumeRolePolicy", "policy", "eventPattern")


def made(given: World) -> list[Made]:
    return [
        Made(
            TYPES[name],
            name,
            {
                key: json.dumps(value) if key in DOCUMENTS and value is not UNKNOWN else value
                for key, value in properties.items()
            },
        )
        for name, properties in given.items()
    ]


def changed(*path: Any, to: Any = None) -> Callable[[World], None]:
    def change(given: World) -> None:
        *inner, last = path
        holder: Any = given
        for key in inner:
            holder = holder[key]
        if to is None:
            del holder[last]
        else:
            holder[last] = to

    return change


TRUST = ("role", "assumeRolePolicy", "Statement", 0)
FAULTS: dict[str, tuple[Callable[[World], None], str]] = {
    "any user": (changed(*TRUST, "Principal", to={"AWS": "arn:aws:iam::111122223333:root"}), "Principal"),
    "users by pattern": (changed(*TRUST, "Principal", to={"AWS": "arn:aws:iam::111122223333:user/*"}), "Principal"),
    "a role": (changed(*TRUST, "Principal", to={"AWS": "arn:aws:iam::111122223333:role/Some"}), "Principal"),
    "a service": (changed(*TRUST, "Principal", to={"Service": "ec2.amazonaws.com"}), "Principal"),
    "all but one": (
        lambda given: given["role"]["assumeRolePolicy"]["Statement"][0].update(
            NotPrincipal=given["role"]["assumeRolePolicy"]["Statement"][0].pop("Principal")
        ),
        "Principal",
    ),
    "no MFA": (changed(*TRUST, "Condition", "Bool"), "Condition"),
    "MFA if present": (
        changed(
            *TRUST,
            "Condition",
            to={
                "BoolIfExists": {"aws:MultiFactorAuthPresent": "true"},
                "StringEquals": {"sts:RoleSessionName": "${aws:username}"},
            },
        ),
        "Condition",
    ),
    "without MFA": (changed(*TRUST, "Condition", "Bool", to={"aws:MultiFactorAuthPresent": "false"}), "Condition"),
    "another name": (changed(*TRUST, "Condition", "StringEquals", to={"sts:RoleSessionName": "x"}), "Condition"),
    "longer": (changed("role", "maxSessionDuration", to=43200), "maxSessionDuration"),
    "more actions": (changed("policy", "policy", to=document(allow("ssm:*"))), "Action"),
    "all but some actions": (
        changed("policy", "policy", to=document({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"})),
        "Action",
    ),
    "administrator": (
        changed("attachment", to={"role": NAME, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
        "policyArn",
    ),
    "no alarm": (changed("rule"), "no alarm"),
    "alarm off": (changed("rule", "state", to="DISABLED"), "no alarm"),
    "alarm of another role": (
        changed("rule", "eventPattern", to=json.loads(json.dumps(ALARM.pattern).replace(NAME, f"{NAME}2"))),
        "no alarm",
    ),
    "alarm that no one receives": (changed("target"), "no alarm"),
    "pattern of another shape": (changed("rule", "eventPattern", to={"detail": [1], "source": None}), "no alarm"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_the_emergency_role_is_reported(fault: str) -> None:
    change, part = FAULTS[fault]
    given = copy.deepcopy(world())
    change(given)
    result = judge_stack(RULE, *made(given))
    assert result.unseen == []
    assert result.violations
    assert all(part in each for each in result.violations)


def test_emergency_role_of_the_stack_is_accepted() -> None:
    assert judge_stack(RULE, *made(world())) == SILENT


def test_role_of_another_name_is_not_judged() -> None:
    given = world()
    given["role"] |= {"name": f"{NAME}2", "maxSessionDuration": 43200}
    assert judge_stack(RULE, *made(given)) == SILENT


def test_trust_that_is_not_known_yet_is_unseen() -> None:
    given = world()
    given["role"]["assumeRolePolicy"] = UNKNOWN
    assert judge_stack(RULE, *made(given)).unseen


@pytest.mark.parametrize(
    ("holder", "accepted"),
    [(NAME, True), (NAME.lower(), True), (f"{NAME}2", False), (f"Other{NAME}", False), (f"{NAME[:-1]}*", False)],
)
def test_start_rule_accepts_exactly_one_role(holder: str, *, accepted: bool) -> None:
    found = violations(START_RULE, ROLE_POLICY, {"role": holder, "policy": json.dumps(POLICY)})
    assert (found == []) is accepted


def test_start_rule_does_not_accept_the_policy_of_a_user() -> None:
    type_ = "aws:iam/userPolicy:UserPolicy"
    assert violations(START_RULE, type_, {"user": NAME, "policy": json.dumps(POLICY)})
    shared = {"roles": [NAME, "Other"], "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert violations(START_RULE, "aws:iam/policyAttachment:PolicyAttachment", shared)
