"""The evaluator against a second one that knows nothing of patterns: it counts requests out."""

from fnmatch import fnmatchcase
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from common.iam.context import ABSENT, UNKNOWN, RequestContext, Value, known
from common.iam.documents import Policy, parse
from common.iam.evaluation import Permissions, Situation, Target, decide, grants
from common.iam.truth import Truth

ACTIONS = ("s:GetA", "s:GetB", "s:PutA")
RESOURCES = ["".join(each) for length in range(1, 4) for each in product("ab", repeat=length)]
TEAMS: tuple[str | None, ...] = (None, "red", "blue")

action_patterns = st.sampled_from(["*", "s:*", "s:get*", "S:Get?", "s:PutA", "t:*"])
resource_patterns = st.sampled_from(["*", "a*", "*b", "a?", "ab", "${aws:PrincipalTag/team}", "b*a"])
operators = st.sampled_from(["StringEquals", "StringNotEquals", "StringEqualsIfExists", "StringLike"])
conditions = st.none() | st.tuples(operators, st.sampled_from(["red", "blue", "r*"]))


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    statement[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(
        st.lists(action_patterns, min_size=1, max_size=2)
    )
    statement[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(
        st.lists(resource_patterns, min_size=1, max_size=2)
    )
    condition = draw(conditions)
    if condition:
        statement["Condition"] = {condition[0]: {"aws:PrincipalTag/team": condition[1]}}
    return statement


documents = st.lists(statements(), min_size=1, max_size=3)
accounts = st.fixed_dictionaries(
    {
        "identity": st.lists(documents, min_size=1, max_size=2),
        "boundary": st.none() | documents,
        "scps": st.lists(documents, max_size=2),
    }
)


def applies(statement: dict[str, Any], action: str, resource: str, team: str | None) -> bool:
    """Return whether a statement applies to a request, case by case."""

    def one_of(values: list[str], text: str) -> bool:
        filled = [value.replace("${aws:principaltag/team}", team or "\0") for value in values]
        return any(fnmatchcase(text, value) for value in filled)

    def named(element: str, text: str) -> bool:
        if f"Not{element}" in statement:
            return not one_of([each.lower() for each in statement[f"Not{element}"]], text)
        return one_of([each.lower() for each in statement[element]], text)

    # Only the actions have capital letters here, so that small ones serve for both elements.
    return named("Action", action.lower()) and named("Resource", resource) and conditions_hold(statement, team)


def conditions_hold(statement: dict[str, Any], team: str | None) -> bool:
    outcomes: list[bool] = []
    for operator, keys in statement.get("Condition", {}).items():
        (wanted,) = keys.values()
        if team is None:
            outcomes.append(operator in ("StringNotEquals", "StringEqualsIfExists"))
        elif operator == "StringLike":
            outcomes.append(fnmatchcase(team, wanted))
        else:
            outcomes.append((team == wanted) != (operator == "StringNotEquals"))
    return all(outcomes)


def oracle(account: dict[str, Any], action: str, resource: str, team: str | None) -> bool:
    identity = [each for document in account["identity"] for each in document]
    layers = [identity, *([account["boundary"]] if account["boundary"] else []), *account["scps"]]
    bearing = [[each for each in layer if applies(each, action, resource, team)] for layer in layers]
    if any(each["Effect"] == "Deny" for layer in bearing for each in layer):
        return False
    return all(any(each["Effect"] == "Allow" for each in layer) for layer in bearing)


def policy(content: list[dict[str, Any]]) -> Policy:
    return parse({"Version": "2012-10-17", "Statement": content}, name="p")


def permissions(account: dict[str, Any]) -> Permissions:
    return Permissions(
        identity=tuple(policy(each) for each in account["identity"]),
        boundary=policy(account["boundary"]) if account["boundary"] else None,
        ceilings=tuple((policy(each),) for each in account["scps"]),
    )


def context(team: str | None) -> RequestContext:
    value: Value = ABSENT if team is None else known(team)
    return RequestContext({"aws:principaltag/team": value})


@settings(max_examples=150, deadline=None)
@given(accounts)
def test_decisions_are_those_of_the_oracle(account: dict[str, Any]) -> None:
    held = permissions(account)
    for action, resource, team in product(ACTIONS, RESOURCES[:6], TEAMS):
        allowed = decide(held, action, resource, context(team)).allowed
        assert allowed is (Truth.YES if oracle(account, action, resource, team) else Truth.NO), (action, resource, team)


@settings(max_examples=150, deadline=None)
@given(accounts, st.sampled_from(["*", "a*", "?", "*b*"]))
def test_grants_exist_if_and_only_if_a_request_is_allowed(account: dict[str, Any], pattern: str) -> None:
    held = permissions(account)
    for action in ACTIONS:
        found = grants(held, action, Target((pattern,)), [Situation(context(team)) for team in TEAMS])
        assert all(each.certain for each in found)
        allowed = [
            (resource, team)
            for resource, team in product(RESOURCES, TEAMS)
            if fnmatchcase(resource, pattern) and oracle(account, action, resource, team)
        ]
        assert bool(found) >= bool(allowed)
        for each in found:
            value = each.context.value("aws:PrincipalTag/team")
            team = None if value == ABSENT else value.values[0]  # type: ignore[union-attr]
            assert oracle(account, action, each.example, team)
            assert fnmatchcase(each.example, pattern)


@settings(max_examples=150, deadline=None)
@given(accounts)
def test_unknown_key_is_certain_only_where_every_value_agrees(account: dict[str, Any]) -> None:
    held = permissions(account)
    unknown = RequestContext({"aws:principaltag/team": UNKNOWN})
    for action, resource in product(ACTIONS, RESOURCES[:6]):
        allowed = decide(held, action, resource, unknown).allowed
        outcomes = {oracle(account, action, resource, team) for team in (*TEAMS, "ab", "rose")}
        if allowed is not Truth.UNKNOWN:
            assert outcomes == {allowed is Truth.YES}


@settings(max_examples=100, deadline=None)
@given(accounts, documents)
def test_deny_never_allows_more(account: dict[str, Any], more: list[dict[str, Any]]) -> None:
    denying = [{**each, "Effect": "Deny"} for each in more]
    less = permissions({**account, "identity": [*account["identity"], denying]})
    for action, resource, team in product(ACTIONS, RESOURCES[:4], TEAMS):
        after = decide(less, action, resource, context(team)).allowed
        assert after <= decide(permissions(account), action, resource, context(team)).allowed


def test_doubtful_deny_is_printed() -> None:
    held = permissions(
        {
            "identity": [
                [
                    {"Effect": "Allow", "Action": "*", "Resource": "*"},
                    {
                        "Effect": "Deny",
                        "Action": "*",
                        "Resource": "a*",
                        "Condition": {"StringEquals": {"aws:SourceVpc": "v"}},
                    },
                ]
            ],
            "boundary": None,
            "scps": [],
        }
    )
    (maybe,) = decide(held, "s:GetA", "ab", RequestContext()).grants
    assert maybe.doubts == ('Deny StringEquals aws:SourceVpc "v"',)
    assert decide(held, "s:GetA", "b", RequestContext()).allowed is Truth.YES
