"""Roles that are taken on: by whom, over which others, and with which tags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.audit.accounts import ARN, WHO, assessed, baseline, document, entries, role, trusting, user

START = {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}


def allow(*actions: str, on: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


def deny(*actions: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": "*"}


def test_role_chain_counts_for_who_begins_it() -> None:
    details = baseline()
    last = f"{ARN}:role/last"
    details["RoleDetailList"] += [
        role("middle", allow("sts:AssumeRole", on=last)),
        role("last", START, trust=trusting(AWS=f"{ARN}:role/middle")),
    ]
    details["UserDetailList"].append(user("somebody", allow("sts:AssumeRole", on=f"{ARN}:role/middle")))
    (audited,) = (each for each in assessed(details).audited if each.arn == WHO)
    (finding,) = audited.findings
    assert (finding.rule, finding.severity.word, finding.path) == (
        "iam-assume-role",
        "high",
        (f"{ARN}:role/middle", last),
    )
    assert finding.matched_statements[0].statement["Resource"] == f"{ARN}:role/middle"


def test_longer_chain_of_roles_that_leave_it_to_the_account() -> None:
    details = baseline()
    details["RoleDetailList"] += [
        role("first", allow("sts:AssumeRole", on=f"{ARN}:role/second")),
        role("second", allow("sts:AssumeRole", on=f"{ARN}:role/third*")),
        role("third", START),
        role("harmless", allow("s3:*")),
    ]
    details["UserDetailList"] += [
        user("somebody", allow("sts:AssumeRole", on=f"{ARN}:role/first")),
        user("other", allow("sts:AssumeRole", on=f"{ARN}:role/harmless")),
    ]
    assessment = assessed(details)
    (audited,) = (each for each in assessment.audited if each.arn == WHO)
    assert [each.path for each in audited.findings] == [
        (f"{ARN}:role/first", f"{ARN}:role/second", f"{ARN}:role/third")
    ]
    assert entries(assessment, f"{ARN}:user/other") == {}


def test_many_roles_that_one_statement_reaches_are_one_finding() -> None:
    details = baseline()
    details["RoleDetailList"] += [role(f"strong{number}", START, path="app/") for number in range(8)]
    details["UserDetailList"].append(user("somebody", allow("sts:AssumeRole", on=f"{ARN}:role/app/*")))
    (audited,) = (each for each in assessed(details).audited if each.arn == WHO)
    (finding,) = audited.findings
    assert finding.note == (
        "strong0 can bypass the approval (critical); also strong1, strong2, strong3, strong4, strong5 and 2 more"
    )


@pytest.mark.parametrize(
    ("trust", "severity"),
    [
        (trusting(AWS=f"{ARN}:root"), None),
        (trusting(AWS=WHO), "critical"),
        (trusting(AWS="*"), "critical"),
        (trusting(AWS=f"{ARN}:user/alice"), None),
        (trusting(Service="ssm.amazonaws.com"), None),
        (
            document({**trusting(AWS=WHO)["Statement"][0], "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}),
            "critical",
        ),
        (
            document(
                {**trusting(AWS=WHO)["Statement"][0], "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
            ),
            "high",
        ),
        (document([*trusting(AWS=WHO)["Statement"], {**trusting(AWS=WHO)["Statement"][0], "Effect": "Deny"}]), None),
    ],
    ids=["account", "by name", "everybody", "another", "service", "external id", "mfa", "denied"],
)
def test_trust_alone_lets_in_whom_it_names(trust: Any, severity: str | None) -> None:
    details = baseline()
    details["RoleDetailList"][2]["AssumeRolePolicyDocument"] = trust
    details["UserDetailList"].append(user("somebody", allow("s3:ListBucket")))
    assert entries(assessed(details)).get("iam-assume-role") == severity


def test_denied_or_bounded_caller_is_not_let_in() -> None:
    details = baseline()
    details["RoleDetailList"][2]["AssumeRolePolicyDocument"] = trusting(AWS=WHO)
    details["UserDetailList"].append(user("somebody", deny("sts:AssumeRole")))
    assert entries(assessed(details)) == {}


def test_another_account_that_is_let_in_is_reported() -> None:
    details = baseline()
    details["RoleDetailList"][1]["AssumeRolePolicyDocument"] = trusting(AWS="arn:aws:iam::999999999999:root")
    assert entries(assessed(details), "arn:aws:iam::999999999999:root")["iam-assume-role"] == "critical"


def test_session_tags_on_an_operators_role() -> None:
    details = baseline()
    trust = {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:root"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = document(trust)
    operators = f"{ARN}:role/operators/Operator"
    details["UserDetailList"] += [
        user("somebody", allow("sts:AssumeRole", "sts:TagSession", on=operators)),
        user("other", allow("sts:AssumeRole", on=operators)),
    ]
    found = assessed(details)
    assert entries(found)["session-tag-approval"] == "critical"
    assert entries(found, f"{ARN}:user/other") == {"iam-assume-role": "high", "indirect-grant": "high"}


def test_operators_role_of_one_person_is_by_design() -> None:
    details = baseline()
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = trusting(AWS=WHO)
    details["UserDetailList"].append(user("somebody"))
    found = assessed(details)
    assert entries(found) == {}
    assert found.by_design == ("Operator is an operator's role that one principal can assume: user somebody",)


def test_approvers_role_of_declared_approvers_is_by_design() -> None:
    details = baseline()
    details["RoleDetailList"][1]["AssumeRolePolicyDocument"] = trusting(AWS=[f"{ARN}:user/a", f"{ARN}:user/b"])
    details["UserDetailList"] += [user("a"), user("b")]
    declared = tuple(f"{ARN}:{each}" for each in ("role/SessionApprover", "user/a", "user/b"))
    found = assessed(details, approvers=declared)
    assert found.audited == ()
    assert found.by_design == ("SessionApprover approves, and declared approvers can assume it: user a; also user b",)
    undeclared = assessed(details)
    assert entries(undeclared, f"{ARN}:user/a")["iam-assume-role"] == "critical"
