"""The rule's format for AWS Config; AWS' own program evaluates it (`tests/simulator/test_role_rule.py`)."""

from common.limits import excess_problems
from components.account import Account
from components.nodes.role_compliance import generated_texts, role_rule
from components.nodes.settings import MAX_EXCLUDED_ROLES, RoleComplianceSettings
from components.session_manager.instance_policy import MOST_POLICIES
from components.session_manager.names import numbered

POLICY = "arn:aws-us-gov:iam::111122223333:policy/ShellAccessSessionManagerNode"


def test_longest_exclusions_and_all_policies_fit() -> None:
    names = [f"{number:03}{'x' * 61}" for number in range(MAX_EXCLUDED_ROLES)]
    policies = list(numbered("ShellAccessSessionManagerNode", range(MOST_POLICIES)))
    account = Account(id="111122223333", partition="aws-us-gov")
    generated = list(generated_texts(RoleComplianceSettings(excluded_roles=names), account, policies))
    assert excess_problems(generated) == []
    assert {each.quota.holder for each in generated} == {
        "a custom policy rule of AWS Config",
        "a role",
        "a trust policy",
        "a Systems Manager document",
    }


def test_every_policy_has_to_be_attached() -> None:
    rule = role_rule([POLICY, f"{POLICY}-2"], [])
    assert [line.strip() for line in rule.splitlines()[-3:-1]] == [
        f'configuration.attachedManagedPolicies[ policyArn == "{POLICY}" ] !empty',
        f'configuration.attachedManagedPolicies[ policyArn == "{POLICY}-2" ] !empty',
    ]


def test_no_quotation_mark_is_escaped_as_guard_2_fails_on_that() -> None:
    assert '\\"' not in role_rule([POLICY], ["Breakglass", "a+b=c,d.e@f-g"])


def test_same_exclusions_make_the_same_rule() -> None:
    assert role_rule([POLICY], ["B", "A"]) == role_rule([POLICY], ["A", "B", "A"])
