"""The rules about domain controllers and foundations under the real engine, each broken by a resource of its own.

The local AWS plugin knows no launch templates, spot instances, default groups, `ec2.SecurityGroupRule`, subnets, routes,
Elastic IP addresses, grants, policies of keys apart, resource policies of logs, or service settings: those forms are
tested with the rules alone.
"""

from collections.abc import Callable

import pytest

from local.emulator.seed import seed
from policies import domain_controllers, foundations
from policies.catalog import RULES
from tests.policies.test_preview import headings, reports
from tests.support.stack import Run, Stack

pytestmark = pytest.mark.engine

CONTROLLERS = {
    ("controller-alarms-on-silence", "alarm-that-ignores-silence"),
    ("controller-events-alarmed", "filter-without-an-alarm"),
    ("controller-patched-singly", "task-for-half-of-them"),
    ("controller-imdsv2", "instance-without-tokens"),
    ("controller-inbound-ports", "rule-for-all-protocols"),
    ("controller-inbound-ports", "rule-for-another-port"),
    ("controller-inbound-sources", "group-open-to-all"),
    ("controller-inbound-sources", "group-of-a-controller-open-to-all"),
    ("controller-inbound-sources", "rule-for-a-list-with-all"),
    ("controller-inbound-sources", "rule-open-to-all"),
    ("controller-inbound-sources", "rule-open-to-all-v6"),
    ("controller-inbound-sources", "rule-for-half-of-all"),
    ("controller-tagged", "instance-without-a-tag"),
    ("controller-tagged", "volume-without-a-tag"),
    ("controller-name-resolution", "endpoint-in-one-subnet"),
    ("controller-name-resolution", "rule-to-the-internet"),
    ("controller-network-acl", "acl-open-to-all"),
    ("controller-no-public-address", "instance-with-an-address"),
    ("controller-no-secrets", "association-with-a-password"),
    ("controller-outbound", "group-open-to-all"),
    ("controller-outbound", "rule-to-all"),
    ("controller-own-group", "instance-without-a-group"),
    ("controller-remote-administration", "rule-for-all-protocols"),
    ("controller-remote-administration", "rule-for-desktops"),
    ("controller-remote-administration", "rule-for-desktops-of-web"),
    ("controller-scanned", "instance-out-of-scans"),
    ("controller-termination-protection", "instance-without-protection"),
    ("controller-tier-zero", "policy-for-snapshots"),
    ("controller-two-zones", "good-instance"),
    ("controller-volumes-encrypted", "instance-with-plain-volumes"),
    ("controller-volumes-encrypted", "volume-without-a-key"),
    ("controller-monitored", "good-instance"),
}

FOUNDATIONS = {
    ("association-rate-limited", "association-without-limits"),
    ("kms-key-deletion-window", "key-gone-in-a-week"),
    ("kms-key-no-lockout-bypass", "key-without-the-check"),
    ("kms-key-policy-closed", "key-open-to-all"),
    ("log-bucket-encrypted", "bucket-of-a-trail"),
    ("log-bucket-encrypted", "bucket-with-the-default-key"),
    ("log-bucket-private", "bucket-half-closed"),
    ("log-bucket-private", "bucket-of-a-trail"),
    ("log-bucket-tls-only", "bucket-of-a-trail"),
    ("log-bucket-tls-only", "bucket-without-tls"),
    ("resources-readable", "script-of-the-program"),
    ("role-trust-closed", "role-open-to-all"),
    ("ssm-document-not-shared", "document-open-to-all"),
    ("topic-encrypted", "topic-of-the-default-key"),
    ("topic-policy-closed", "topic-for-any-event"),
    ("topic-policy-closed", "topic-open-to-all"),
    ("trail-encrypted", "trail-of-one-region"),
    ("trail-multi-region", "trail-of-one-region"),
    ("trail-validated", "trail-of-one-region"),
}

NOT_IN_THE_PLUGIN = {
    "cis-scan-recurring",
    "controller-private-network",
    "detector-enabled",
    "log-resource-policy-closed",
    "scans-enabled",
    "security-controls-enabled",
    "ssm-public-sharing-blocked",
}
ELSEWHERE = {"kms-key-rotation", "log-group-encrypted", "log-group-retention"}

IDS = {rule.id for rule in (*domain_controllers.RULES, *foundations.RULES)}


ADVISORY: dict[str, object] = {"all": "advisory"}
"""A preview that a rule stops does not come to what depends on the refused resource, nor to rules about the stack."""


@pytest.mark.parametrize(("program", "expected"), [("bad_controllers", CONTROLLERS), ("bad_foundations", FOUNDATIONS)])
def test_preview_reports_only_invalid_resources(
    preview: Callable[..., Run], program: str, expected: set[tuple[str, str]]
) -> None:
    ours = [each for each in reports(preview(program, ADVISORY).succeeded()) if each.rule in IDS]
    assert {(each.rule, each.name) for each in ours} == expected
    said = [line.strip() for each in ours for line in each.text.splitlines() if f' "{each.name}": ' in line]
    assert len(said) == len(set(said)) == len(ours)
    remedies = tuple(f". {rule.remedy}." for rule in (*domain_controllers.RULES, *foundations.RULES))
    assert all(line.endswith(remedies) for line in said)


@pytest.mark.parametrize(("program", "expected"), [("bad_controllers", CONTROLLERS), ("bad_foundations", FOUNDATIONS)])
def test_rules_stop_the_preview(preview: Callable[..., Run], program: str, expected: set[tuple[str, str]]) -> None:
    stopping = {each for each in headings(preview(program).failed(), "mandatory") if each[0] in IDS}
    assert stopping
    assert stopping <= expected


def test_rules_about_the_stack_stop_the_preview(preview: Callable[..., Run]) -> None:
    about_resources = {rule.id: "advisory" for rule in RULES if not rule.is_about_stacks}
    stopping = headings(preview("bad_controllers", about_resources).failed(), "mandatory")
    about_stacks = {rule.id for rule in domain_controllers.RULES if rule.is_about_stacks}
    assert stopping == {each for each in CONTROLLERS if each[0] in about_stacks}


def test_every_rule_stops_a_preview() -> None:
    assert {rule for rule, _ in CONTROLLERS | FOUNDATIONS} == IDS - NOT_IN_THE_PLUGIN - ELSEWHERE


@pytest.fixture
def late_controllers(new_stack: Callable[[str, str], Stack], empty_aws: str) -> Stack:
    seed(empty_aws)
    return new_stack("late_controllers", empty_aws)


def test_value_unknown_in_preview_is_refused_in_update(late_controllers: Stack) -> None:
    pack = ("--policy-pack", "policies")
    preview = late_controllers.preview(*pack).succeeded()
    assert headings(preview, "mandatory") == set()
    assert '"late": cidrIpv4 is not known yet; the rule is applied in the update.' in preview.text
    update = late_controllers.up(*pack).failed()
    assert headings(update, "mandatory") == {("controller-inbound-sources", "late")}
