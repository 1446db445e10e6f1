"""Role chaining: callers, roles in between, and session tags."""

from typing import Any

import pytest

from tests.operations.audit.accounts import (
    ARN,
    OPERATOR,
    START,
    WHO,
    allow,
    assessed,
    baseline,
    deny,
    document,
    entries,
    role,
    trusting,
    user,
)


def test_role_chain_counts_for_who_begins_it() -> None:
    details = baseline()
    last = f"{ARN}:role/last"
    details["RoleDetailList"] += [
        role("middle", allow("sts:AssumeRole", on=last)),
        role("last", START, trust=trusting(AWS=f"{ARN}:role/middle")),
    ]
    details["UserDetailList"].append(user("caller", allow("sts:AssumeRole", on=f"{ARN}:role/middle")))
    (audited,) = (each for each in assessed(details).audited if each.arn == WHO)
    (finding,) = audited.findings
    assert (finding.rule, finding.severity.word, finding.path) == (
        "iam-assume-role",
        "high",
        (f"{ARN}:role/middle", last),
    )
    assert finding.matched_statements[0].statement["Resource"] == f"{ARN}:role/middle"


def test_longer_chain_of_roles_that_leave_it_to_the_account() -> None:
    details = baseline(
        roles=[
            role("first", allow("sts:AssumeRole", on=f"{ARN}:role/second")),
            role("second", allow("sts:AssumeRole", on=f"{ARN}:role/third*")),
            role("third", START),
            role("harmless", allow("s3:*")),
        ],
        users=[
            user("caller", allow("sts:AssumeRole", on=f"{ARN}:role/first")),
            user("other", allow("sts:AssumeRole", on=f"{ARN}:role/harmless")),
        ],
    )
    assessment = assessed(details)
    (audited,) = (each for each in assessment.audited if each.arn == WHO)
    assert [each.path for each in audited.findings] == [
        (f"{ARN}:role/first", f"{ARN}:role/second", f"{ARN}:role/third")
    ]
    assert entries(assessment, f"{ARN}:user/other") == {}


def test_many_roles_that_one_statement_reaches_are_one_finding() -> None:
    details = baseline()
    details["RoleDetailList"] += [role(f"strong{number}", START, path="app/") for number in range(8)]
    details["UserDetailList"].append(user("caller", allow("sts:AssumeRole", on=f"{ARN}:role/app/*")))
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
    ids=["account", "by name", "every principal", "another", "service", "external id", "mfa", "denied"],
)
def test_trust_alone_lets_in_whom_it_names(trust: Any, severity: str | None) -> None:
    details = baseline()
    details["RoleDetailList"][2]["AssumeRolePolicyDocument"] = trust
    details["UserDetailList"].append(user("caller", allow("s3:ListBucket")))
    assert entries(assessed(details)).get("iam-assume-role") == severity


def test_denied_or_bounded_caller_is_not_let_in() -> None:
    details = baseline()
    details["RoleDetailList"][2]["AssumeRolePolicyDocument"] = trusting(AWS=WHO)
    details["UserDetailList"].append(user("caller", deny("sts:AssumeRole")))
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
        user("caller", allow("sts:AssumeRole", "sts:TagSession", on=operators)),
        user("other", allow("sts:AssumeRole", on=operators)),
    ]
    found = assessed(details)
    assert entries(found)["session-tag-approval"] == "critical"
    assert entries(found, f"{ARN}:user/other") == {"iam-assume-role": "high", "indirect-grant": "high"}


def test_operators_role_of_one_person_is_by_design() -> None:
    details = baseline()
    details["RoleDetailList"][0]["AssumeRolePolicyDocument"] = trusting(AWS=WHO)
    details["UserDetailList"].append(user("caller"))
    found = assessed(details)
    assert entries(found) == {}
    assert found.by_design == ("Operator is an operator's role that one principal can assume: user caller",)


def test_approvers_role_of_declared_approvers_is_by_design() -> None:
    details = baseline()
    details["RoleDetailList"][1]["AssumeRolePolicyDocument"] = trusting(AWS=[f"{ARN}:user/a", f"{ARN}:user/b"])
    details["UserDetailList"] += [user("a"), user("b")]
    declared = tuple(f"{ARN}:{each}" for each in ("role/SessionApprover", "user/a", "user/b"))
    found = assessed(details, approvers=declared)
    assert found.audited == ()
    assert found.by_design == (
        "SessionApprover is an approver's role that declared approvers can assume: user a; also user b",
    )
    undeclared = assessed(details)
    assert entries(undeclared, f"{ARN}:user/a")["iam-assume-role"] == "critical"


SHELL = "aws-reserved/sso.amazonaws.com/eu-west-1/"
ASSUMING = allow("sts:AssumeRole", on=f"{ARN}:role/shell-access/operators/*")


def person_trust(*users: str, permission_set: str = "ShellUser", **without: str) -> dict[str, Any]:
    """Trust policies of roles of people of IAM Identity Center, in one."""
    conditions = [
        {
            "ArnLike": {"aws:PrincipalArn": f"{ARN}:role/{SHELL}AWSReservedSSO_{permission_set}_????????????????"},
            "StringLike": {"aws:userid": f"AROA*:{each}"},
            "StringEquals": {"sts:RoleSessionName": each},
        }
        for each in users
    ]
    for each in conditions:
        for operator in without.values():
            del each[operator]
    one = {"Effect": "Allow", "Principal": {"AWS": f"{ARN}:root"}, "Action": "sts:AssumeRole"}
    return document([{**one, "Condition": each} for each in conditions])


def assumed_by_permission_sets(trust: dict[str, Any], *permission_sets: str) -> list[str]:
    """Words of the findings that roles of permission sets get, which may assume a person's role."""
    details = baseline()
    person = role("ShellOperator-1", *OPERATOR, trust=trust, path="shell-access/operators/")
    names = [f"AWSReservedSSO_{each}_0123456789abcdef" for each in permission_sets]
    saml = trusting(Federated=f"{ARN}:saml-provider/AWSSSO_x_DO_NOT_DELETE")
    details["RoleDetailList"] += [person, *(role(each, ASSUMING, trust=saml, path=SHELL) for each in names)]
    found = assessed(details).audited
    return [
        f"{one.rule} {one.severity.word}" for each in found if "AWSReservedSSO" in each.arn for one in each.findings
    ]


def test_role_of_one_person_of_identity_center_is_by_design() -> None:
    assert assumed_by_permission_sets(person_trust("olivia"), "ShellUser", "Other") == []


@pytest.mark.parametrize(
    "trust",
    [
        person_trust("olivia", "oscar"),
        person_trust("olivia", person="StringLike"),
        trusting(AWS=f"{ARN}:root"),
    ],
    ids=["two people", "a whole permission set", "the account"],
)
def test_role_of_several_people_of_identity_center_is_shared(trust: dict[str, Any]) -> None:
    (found,) = assumed_by_permission_sets(trust, "ShellUser")
    assert found.startswith("iam-assume-role ")


def test_two_permission_sets_of_one_person_are_one_person() -> None:
    one, other = person_trust("olivia"), person_trust("olivia", permission_set="Other")
    both = document([*one["Statement"], *other["Statement"]])
    assert assumed_by_permission_sets(both, "ShellUser", "Other") == []


@pytest.mark.parametrize("pattern", ["*:olivia", "AROA*:olivia", "*olivia", "AROAOTHER:*", "AROAOTHER:oli?ia"])
def test_session_name_that_the_caller_chooses_restricts_nothing(pattern: str) -> None:
    details = baseline()
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"{ARN}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringLike": {"aws:userid": pattern}},
    }
    details["RoleDetailList"] += [
        role("target", START, trust=document(trust)),
        role("other", allow("sts:AssumeRole", on=f"{ARN}:role/target")),
    ]
    (audited,) = (each for each in assessed(details).audited if each.arn == f"{ARN}:role/other")
    assert [each.rule for each in audited.findings] == ["iam-assume-role"]


APPLICATION = "arn:aws:account-access:eu-west-1:111122223333:application/1234567890abcdef"


def entitled_trust(**changes: Any) -> dict[str, Any]:
    """Trust policy of a role that account access manager assumes for one application."""
    source = {"aws:SourceAccount": "111122223333", "aws:SourceArn": APPLICATION}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "account-access.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:SetContext"],
        "Condition": {"StringEquals": source},
    }
    return document([{**statement, **changes}])


def entitled(
    trust: dict[str, Any], name: str = "ShellOperator-1", path: str = "shell-access/operators/", **options: Any
) -> list[str]:
    """Findings about the service that entitles people to a role of an operator."""
    details = baseline(roles=[role(name, *OPERATOR, trust=trust, path=path)])
    found = (each for each in assessed(details, **options).audited if each.arn == "account-access.amazonaws.com")
    return [f"{one.rule} {one.severity.word}" for each in found for one in each.findings]


def test_role_of_an_entitled_person_is_by_design() -> None:
    assert entitled(entitled_trust()) == []


@pytest.mark.parametrize(
    ("trust", "severity"),
    [
        (entitled_trust(Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}), "high"),
        (entitled_trust(Condition={}), "high"),
        (document([*entitled_trust()["Statement"], *trusting(AWS=f"{ARN}:root")["Statement"]]), "high"),
    ],
    ids=["any application", "no condition", "an account as well"],
)
def test_role_of_any_application_is_reported(trust: dict[str, Any], severity: str) -> None:
    assert entitled(trust) == [f"iam-assume-role {severity}"]


def test_session_tags_of_account_access_are_reported() -> None:
    found = entitled(entitled_trust(Action=["sts:AssumeRole", "sts:SetContext", "sts:TagSession"]))
    assert "session-tag-approval high" in found


def test_entitled_role_outside_the_path_is_shared() -> None:
    """Nothing shows which people, or how many, are entitled to it."""
    assert entitled(entitled_trust(), "Operator2", "") == ["iam-assume-role medium"]


def test_entitled_role_of_another_application_is_reported() -> None:
    other = {"application": APPLICATION.replace("1234", "5678")}
    assert entitled(entitled_trust(), **other) == ["iam-assume-role medium"]
    assert entitled(entitled_trust(), application=APPLICATION) == []


def test_entitled_person_who_approves_is_on_both_sides() -> None:
    details = baseline()
    by_id = {"StringEquals": {"identitystore:UserId": "1"}}
    approving = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}
    details["RoleDetailList"] = [
        *(each for each in details["RoleDetailList"] if each["RoleName"] != "SessionApprover"),
        role("ShellOperator-1", *OPERATOR, trust=entitled_trust(), path="shell-access/operators/"),
        role("SessionApprover", trust=document({**approving, "Condition": by_id})),
    ]
    found = [one.rule for each in assessed(details).audited if each.arn == "1" for one in each.findings]
    assert found == ["same-person-both-sides"]
