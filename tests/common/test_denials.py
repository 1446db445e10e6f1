"""Types of policies in AWS' access denied messages, and what to change for each."""

import pytest

from common.aws.denials import Denial, PolicyKind, denial_in

CALLER = "arn:aws:iam::111122223333:role/Deployer"
START = f"User: {CALLER} is not authorized to perform: kms:DescribeKey on resource: arn:aws:kms:eu-west-1:111122223333:key/1 "
EXPLICIT = {
    PolicyKind.IDENTITY: "with an explicit deny in an identity-based policy",
    PolicyKind.RESOURCE: "with an explicit deny in a resource-based policy",
    PolicyKind.BOUNDARY: "with an explicit deny in a permissions boundary",
    PolicyKind.SERVICE_CONTROL: "with an explicit deny in a service control policy",
    PolicyKind.RESOURCE_CONTROL: "with an explicit deny in a resource control policy",
    PolicyKind.SESSION: "with an explicit deny in a session policy",
    PolicyKind.VPC_ENDPOINT: "with an explicit deny in a VPC endpoint policy",
}
IMPLICIT = {
    PolicyKind.IDENTITY: "because no identity-based policy allows the kms:DescribeKey action",
    PolicyKind.RESOURCE: "because no resource-based policy allows the kms:DescribeKey action",
    PolicyKind.BOUNDARY: "because no permissions boundary allows the kms:DescribeKey action",
    PolicyKind.SERVICE_CONTROL: "because no service control policy allows the kms:DescribeKey action",
    PolicyKind.SESSION: "because no session policy allows the kms:DescribeKey action",
    PolicyKind.VPC_ENDPOINT: "because no VPC endpoint policy allows the kms:DescribeKey action",
    PolicyKind.ROLE_TRUST: "because no role trust policy allows the kms:DescribeKey action",
}


@pytest.mark.parametrize(("kind", "phrase"), EXPLICIT.items(), ids=str)
def test_denial_explicit_names_kind(kind: PolicyKind, phrase: str) -> None:
    found = denial_in(START + phrase)
    assert found == Denial(kind=kind, explicit=True)
    assert found.reason("kms:DescribeKey") == phrase
    assert f"remove the Deny of kms:DescribeKey from the {kind}" in found.remedy("kms:DescribeKey", CALLER)


@pytest.mark.parametrize(("kind", "phrase"), IMPLICIT.items(), ids=str)
def test_denial_implicit_names_kind(kind: PolicyKind, phrase: str) -> None:
    found = denial_in(START + phrase)
    assert found == Denial(kind=kind, explicit=False)
    assert found.reason("kms:DescribeKey") == phrase
    remedy = found.remedy("kms:DescribeKey", CALLER)
    assert remedy.startswith(f"allow kms:DescribeKey to {CALLER}")
    assert (str(kind) in remedy) is (kind is not PolicyKind.IDENTITY)


def test_denial_keeps_the_policy_that_the_message_names() -> None:
    arn = "arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1"
    found = denial_in(f"{START}with an explicit deny in a service control policy: {arn}.")
    assert found == Denial(kind=PolicyKind.SERVICE_CONTROL, explicit=True, policy=arn)
    assert arn in found.remedy("kms:DescribeKey", CALLER)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Access Denied", None),
        (f"{START}", None),
        ("no service control policy is attached", None),
        (f"{START}with an explicit deny", Denial(kind=None, explicit=True)),
    ],
)
def test_denial_without_a_kind_claims_none(message: str, found: Denial | None) -> None:
    assert denial_in(message) == found
    if found:
        assert "does not name its type" in found.remedy("kms:DescribeKey", CALLER)


def test_denial_by_key_policy_names_the_resource() -> None:
    phrase = (
        "because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based "
        "policy explicitly denies access"
    )
    found = denial_in(START + phrase)
    assert found == Denial(kind=PolicyKind.RESOURCE, explicit=False)
    assert "resource-based policy" in found.remedy("kms:DescribeKey", CALLER)
