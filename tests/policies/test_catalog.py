"""Properties of every rule, and of the pack as a folder."""

import re
import sys
from pathlib import Path

import jsonschema
import pytest
from pulumi_policy import EnforcementLevel

import policies
from common.validation import key_paths
from components.settings import SECTION_MODELS, SECTIONS
from policies.catalog import RULES
from policies.rule import Rule

PACK = Path(policies.__file__).parent
TESTS = Path(__file__).parent

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def module_of(rule: Rule) -> Path:
    """The module in which the rule is the constant of its ID."""
    constant = rule.id.replace("-", "_").upper()
    (found,) = (path for path in PACK.glob("*/*.py") if f"\n{constant} = Rule(\n" in path.read_text())
    return found


def test_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_every_rule_that_is_written_is_in_the_pack() -> None:
    written = [path.read_text().count(" = Rule(\n") for path in PACK.glob("*/*.py")]
    assert sum(written) == len(RULES)


@every_rule
def test_facts_are_complete_and_read_as_sentences(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)
    for fact in (rule.title, rule.risk, rule.remedy):
        assert len(fact.split()) >= 3
        assert not fact.endswith((".", " "))
        assert "\n" not in fact
    assert rule.title[0].isupper()
    assert rule.remedy[0].isupper()
    assert rule.risk[0].islower(), "it follows a colon"
    assert rule.source
    assert rule.url.startswith("https://docs.aws.amazon.com/")
    assert bool(rule.types) != rule.is_about_stacks


@every_rule
def test_settings_in_remedies_exist(rule: Rule) -> None:
    for name in re.findall(r"shell-access:([\w.<>]+)", rule.remedy):
        section, _, key = name.partition(".")
        assert section in SECTIONS
        assert not key or key_paths(SECTION_MODELS[section]).keys() & {key.rpartition(".")[2]}, name


@pytest.mark.parametrize(
    ("rule", "setting"),
    [
        ("log-group-retention", "sessionManager.logRetentionDays"),
        ("log-group-retention", "domainControllers.monitoring.flowLogRetentionDays"),
        ("log-group-retention", "domainControllers.eventLogs.retentionDays"),
        ("log-group-encrypted", "sessionManager.cwEncryptionEnabled"),
        ("association-rate-limited", "nodes.agents.maxConcurrency"),
        ("association-rate-limited", "nodes.agents.maxErrors"),
        ("runbook-grant-limited", "approval.approvalValidityMinutes"),
        ("controller-private-network", "domainControllers.sites.<Region>.subnets"),
    ],
)
def test_remedy_names_the_setting_that_the_rule_refuses(rule: str, setting: str) -> None:
    (remedy,) = (each.remedy for each in RULES if each.id == rule)
    assert f"shell-access:{setting}" in remedy
    assert "(here: " in remedy


@every_rule
def test_rules_are_mandatory_unless_configured(rule: Rule) -> None:
    assert rule.level is EnforcementLevel.MANDATORY
    assert rule.policy().enforcement_level is EnforcementLevel.MANDATORY


@every_rule
def test_every_parameter_has_a_schema_that_its_default_satisfies(rule: Rule) -> None:
    schema = rule.policy().config_schema
    assert schema is not None
    assert "exemptions" in schema.properties
    for each in schema.properties.values():
        jsonschema.Draft7Validator.check_schema(each)
        jsonschema.validate(each["default"], each)
        assert each["description"].endswith(".")


@every_rule
def test_rule_has_the_constant_of_its_id_and_a_test(rule: Rule) -> None:
    module = module_of(rule)
    files = (TESTS / module.parent.name / f"test_{module.name}", TESTS / "test_properties.py")
    tests = "".join(each.read_text() for each in files if each.exists())
    assert re.search(rf"^[^#]*\b{rule.id.replace('-', '_').upper()}\b", tests, re.MULTILINE)


@every_rule
def test_rule_states_its_facts_before_its_check(rule: Rule) -> None:
    text = module_of(rule).read_text()
    constant = rule.id.replace("-", "_").upper()
    assert text.startswith('"""')
    checks = re.findall(rf"^@(?:{constant}\.on|on_\w+\({constant}\b)", text, re.MULTILINE)
    assert checks
    assert text.index(f"\n{constant} = Rule(\n") < min(text.index(check) for check in checks)


def test_no_module_hides_one_of_the_standard_library() -> None:
    # The pack's folder itself is on the path while the engine runs it.
    assert not {path.stem for path in PACK.iterdir()} & sys.stdlib_module_names
