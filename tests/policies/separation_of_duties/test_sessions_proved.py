"""The evaluator and a solver agree on who may start, resume and end a session: for random policies, whatever the request.

The solver looks for a request that a policy allows and an approval does not cover. It knows neither this project's
patterns nor its search.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import z3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.iam.documents import parse
from policies.separation_of_duties.sessions import starts_beyond_approval, touches_others_sessions
from tests.components.approval.proving import Request

VARIABLE = "aws:PrincipalTag/SecurityAllowSessionInstance"
APPROVED = "i-0feedfacecafebeef"
SESSIONS = "arn:aws:ssm:*:*:session/"

ACTIONS = [
    *("*", "ssm:*", "ssm:Start*", "SSM:startsession", "ssm:StartSession", "ssm:St?rtSession", "ssm:*Session"),
    *("ssm:ResumeSession", "ssm:TerminateSession", "ssm:Re*", "ssm:Describe*", "iam:*", "ec2:*"),
]
NODE = "arn:aws:ec2:*:*:instance/"
RESOURCES = [
    *("*", f"{NODE}${{{VARIABLE}}}", f"{NODE}${{{VARIABLE}}}*", "arn:aws:ec2:*", "arn:aws:s3:::*", f"{NODE}i-?"),
    *(f"{NODE}*", f"{NODE}i-0123456789abcdef0", f"{NODE}i-0f*", "arn:aws:ssm:*:*:managed-instance/*"),
    *("arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell", f"arn:aws:ssm:*:*:managed-instance/${{{VARIABLE}}}"),
    *(f"{SESSIONS}*", f"{SESSIONS}${{aws:userid}}-*", f"{SESSIONS}${{aws:userid}}*", f"{SESSIONS}alice-?"),
]
REGIONS = st.lists(st.sampled_from(["eu-west-1", "us-east-1"]), min_size=1, max_size=2, unique=True)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    def several(pool: Sequence[str]) -> list[str]:
        return draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2, unique=True))

    condition: dict[str, Any] = {}
    if draw(st.integers(0, 2)) == 0:
        operator = draw(st.sampled_from(["StringEquals", "StringNotEquals"]))
        condition = {"Condition": {operator: {"aws:RequestedRegion": draw(REGIONS)}}}
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): several(ACTIONS),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): several(RESOURCES),
        **condition,
    }


policies = st.lists(statements(), min_size=1, max_size=3).map(
    lambda several: {"Version": "2012-10-17", "Statement": several}
)
quickly = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# One of every kind that the patterns above distinguish: with the resource known, the solver is quick.
HERE = "eu-west-1:111122223333"
INSTANCES = [f"arn:aws:ec2:{HERE}:instance/{name}" for name in ("i-0123456789abcdef0", "i-0f1", "i-x", "i-other")]
HYBRID = [f"arn:aws:ssm:{HERE}:managed-instance/mi-other", f"arn:aws:ecs:{HERE}:task/cluster/other"]
OF_OTHERS = [f"arn:aws:ssm:{HERE}:session/{name}" for name in ("alice-1", "alice-12", "bob-1", "AIDACALLERS-1")]


def starts_of(policy: dict[str, Any]) -> Iterator[tuple[Request, list[str]]]:
    """Requests without the tag and with it, and what must not be reached then."""
    known = {"aws:userid": "AIDACALLER"}
    approved = f"arn:aws:ec2:{HERE}:instance/{APPROVED}"
    yield Request(without(policy, VARIABLE), known), [*INSTANCES, *HYBRID, approved]
    yield Request(policy, known | {VARIABLE: APPROVED}), [*INSTANCES, *HYBRID, f"{approved}0"]


def reaches(request: Request, action: str, resources: list[str]) -> bool:
    allowed = request.allows(action)
    known = (z3.substitute(allowed, (request.resource, z3.StringVal(each))) for each in resources)
    return request.example(z3.simplify(z3.Or(*known))) is not None


def started_beyond(policy: dict[str, Any]) -> bool:
    """Return whether the solver finds a start on a node that the tag, absent or of a value, does not name."""
    return any(reaches(request, "ssm:StartSession", nodes) for request, nodes in starts_of(policy))


def touched(policy: dict[str, Any]) -> bool:
    request = Request(policy, {"aws:userid": "AIDACALLER"})
    return any(reaches(request, action, OF_OTHERS) for action in ("ssm:ResumeSession", "ssm:TerminateSession"))


@quickly
@given(policies)
def test_who_may_start_a_session_beyond_the_approval(policy: dict[str, Any]) -> None:
    assert bool(starts_beyond_approval([parse(policy)])) == started_beyond(policy)


@quickly
@given(policies)
def test_who_may_resume_or_end_sessions_of_others(policy: dict[str, Any]) -> None:
    # The solver takes a statement with a variable that has no value for one that never matches.
    assert bool(touches_others_sessions([parse(policy)])) == touched(without(policy, VARIABLE))


def without(policy: dict[str, Any], variable: str) -> dict[str, Any]:
    """A variable without a value matches nothing: as a resource it goes, all but it is unchanged."""
    kept: list[dict[str, Any]] = []
    for statement in policy["Statement"]:
        name = "Resource" if "Resource" in statement else "NotResource"
        resources = [each for each in statement[name] if variable not in each]
        if resources or name == "NotResource":
            kept.append({**statement, name: resources or ["nothing"]})
    return {**policy, "Statement": kept}


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_two_agree_on_each_resource_by_itself(resource: str, effect: str) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": ["*"]}
    one = {"Effect": effect, "Action": "ssm:*", "Resource": [resource]}
    policy = {"Version": "2012-10-17", "Statement": [one] if effect == "Allow" else [everything, one]}
    assert bool(starts_beyond_approval([parse(policy)])) == started_beyond(policy)
