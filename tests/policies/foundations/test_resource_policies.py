"""Properties of every rule about principals that the policy of a resource admits."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from policies.foundations.kms_keys import KMS_KEY_POLICY_CLOSED
from policies.foundations.log_groups import LOG_RESOURCE_POLICY_CLOSED
from policies.foundations.resource_policies import ROLE_TRUST_CLOSED
from policies.foundations.topics import TOPIC_POLICY_CLOSED
from policies.rule import Rule
from tests.policies.foundations.policies_in_json import CLOSED, EVERY_PRINCIPAL, OPEN, statement, text
from tests.policies.judging import SILENT, UNKNOWN, judge, violations


@dataclass(frozen=True)
class Carrier:
    """A resource with a policy, and the rule about it."""

    rule: Rule
    type: str
    property: str = "policy"


CARRIERS = [
    *(
        Carrier(KMS_KEY_POLICY_CLOSED, f"aws:kms/{kind[0].lower()}{kind[1:]}:{kind}")
        for kind in ("Key", "ExternalKey", "ReplicaKey", "ReplicaExternalKey", "KeyPolicy")
    ),
    Carrier(TOPIC_POLICY_CLOSED, "aws:sns/topic:Topic"),
    Carrier(TOPIC_POLICY_CLOSED, "aws:sns/topicPolicy:TopicPolicy"),
    Carrier(LOG_RESOURCE_POLICY_CLOSED, "aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument"),
    Carrier(ROLE_TRUST_CLOSED, "aws:iam/role:Role", "assumeRolePolicy"),
]


@pytest.fixture(params=CARRIERS, ids=[each.type for each in CARRIERS])
def carrier(request: pytest.FixtureRequest) -> Carrier:
    return request.param


def test_named_principals_are_fine(carrier: Carrier) -> None:
    assert judge(carrier.rule, carrier.type, {carrier.property: text(statement())}) == SILENT


@pytest.mark.parametrize("absent", [None, ""])
def test_no_policy_is_fine(carrier: Carrier, absent: str | None) -> None:
    assert judge(carrier.rule, carrier.type, {carrier.property: absent}) == SILENT


@pytest.mark.parametrize("principal", EVERY_PRINCIPAL, ids=map(json.dumps, EVERY_PRINCIPAL))
def test_every_principal_is_refused_in_any_form(carrier: Carrier, principal: dict[str, Any]) -> None:
    said = violations(carrier.rule, carrier.type, {carrier.property: text(statement(), statement(**principal))})
    start = (
        f'{carrier.type} "subject": {carrier.property}.Statement[1].Principal: found every principal, expected named'
    )
    assert sum(each.startswith(start) for each in said) == 1


@pytest.mark.parametrize("condition", CLOSED, ids=map(json.dumps, CLOSED))
def test_condition_on_a_principal_closes_the_policy(carrier: Carrier, condition: dict[str, Any]) -> None:
    closed = text(statement(Principal="*", Condition=condition))
    assert judge(carrier.rule, carrier.type, {carrier.property: closed}) == SILENT


@pytest.mark.parametrize("condition", OPEN, ids=map(json.dumps, OPEN))
def test_another_condition_does_not(carrier: Carrier, condition: dict[str, Any]) -> None:
    still_open = text(statement(Principal="*", Condition=condition))
    (said,) = violations(carrier.rule, carrier.type, {carrier.property: still_open})
    assert "Principal: found every principal under {" in said


def test_denial_of_every_principal_is_fine(carrier: Carrier) -> None:
    denial = text(statement(), statement(Effect="Deny", Principal="*"))
    assert judge(carrier.rule, carrier.type, {carrier.property: denial}) == SILENT


def test_single_statement_and_an_object_are_read_too(carrier: Carrier) -> None:
    document = {"Statement": {"Effect": "Allow", **statement(Principal="*")}}
    for value in (document, json.dumps(document)):
        assert len(violations(carrier.rule, carrier.type, {carrier.property: value})) == 1


@pytest.mark.parametrize("unreadable", ["{", "[]", "text", '{"Statement": [{"Effect": "allow"}]}'])
def test_policy_that_cannot_be_read_is_refused(carrier: Carrier, unreadable: str) -> None:
    (said,) = violations(carrier.rule, carrier.type, {carrier.property: unreadable})
    assert f"{carrier.property}: found text that cannot be read, expected a policy document." in said


def test_policy_that_is_not_known_yet_is_said(carrier: Carrier) -> None:
    for value in (UNKNOWN, {"Statement": [{"Effect": "Allow", "Principal": UNKNOWN}]}):
        result = judge(carrier.rule, carrier.type, {carrier.property: value})
        wanted = f'{carrier.type} "subject": {carrier.property} is not known yet; the rule is applied in the update.'
        assert (result.violations, result.unseen) == ([], [wanted])


ROLE = "aws:iam/role:Role"


def test_service_may_assume_a_role_and_every_principal_may_not() -> None:
    assert (
        judge(
            ROLE_TRUST_CLOSED, ROLE, {"assumeRolePolicy": text(statement(Principal={"Service": "ec2.amazonaws.com"}))}
        )
        == SILENT
    )
    open_to_all = statement(Principal={"AWS": "*"}, Condition={"StringEquals": {"sts:ExternalId": "secret"}})
    (said,) = violations(ROLE_TRUST_CLOSED, ROLE, {"assumeRolePolicy": text(open_to_all)})
    assert said.startswith(f'{ROLE} "subject": assumeRolePolicy.Statement[0].Principal: found every principal under ')
