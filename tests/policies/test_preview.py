"""The pack under the real engine: mandatory rules stop a bad stack in preview, a good one passes."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from policies import foundations, session_manager
from tests.support.stack import Run, Stack

pytestmark = pytest.mark.engine

DOCUMENT = "aws:ssm/document:Document"
OWN = "pulumi-python:dynamic/ssm:SessionPreferences"

VIOLATIONS = [
    ("kms-key-rotation", "still-key", "aws:kms/key:Key", "enableKeyRotation: found false, expected true."),
    ("log-group-encrypted", "open-group", "aws:cloudwatch/logGroup:LogGroup", "kmsKeyId: found no value"),
    ("log-group-retention", "open-group", "aws:cloudwatch/logGroup:LogGroup", "retentionInDays: found 0"),
    ("session-document-readable", "broken", DOCUMENT, "content: found text that cannot be read"),
    ("session-preferences-encrypt-data", "own-without-anything", OWN, 'kmsKeyId: found ""'),
    ("session-preferences-encrypt-data", "json-without-anything", DOCUMENT, 'content.inputs.kmsKeyId: found ""'),
    ("session-preferences-encrypt-data", "yaml-without-anything", DOCUMENT, "content.inputs.kmsKeyId: found no value"),
    ("session-preferences-encrypt-logs", "own-with-open-logs", OWN, "s3EncryptionEnabled: found false"),
    ("session-preferences-encrypt-logs", "own-with-open-logs", OWN, "cloudWatchEncryptionEnabled: found false"),
    ("session-preferences-encrypt-logs", "json-with-open-logs", DOCUMENT, "content.inputs.s3EncryptionEnabled: found"),
    (
        "session-preferences-log",
        "own-without-anything",
        OWN,
        's3BucketName and cloudWatchLogGroupName: found "" and ""',
    ),
    ("session-preferences-log", "json-without-anything", DOCUMENT, "content.inputs.s3BucketName and"),
    ("session-preferences-log", "yaml-without-anything", DOCUMENT, "content.inputs.s3BucketName and"),
    ("session-preferences-time-out", "own-without-anything", OWN, "idleSessionTimeout: found no value"),
    ("session-preferences-time-out", "json-without-anything", DOCUMENT, 'content.inputs.idleSessionTimeout: found ""'),
    ("session-preferences-time-out", "yaml-without-anything", DOCUMENT, "content.inputs.idleSessionTimeout: found no"),
]

REMEDIES = {rule.id: rule.remedy for rule in (*foundations.RULES, *session_manager.RULES)}


@pytest.fixture(scope="module")
def refused(preview: Callable[..., Run]) -> Run:
    """The preview of the bad program, for all the tests that look at it."""
    return preview("bad").failed()


@dataclass(frozen=True)
class Report:
    """Output of the engine about a resource."""

    level: str
    rule: str
    name: str
    text: str


HEADING = re.compile(r"\[(mandatory|advisory)\]\s+\[severity: \w+\]\s+([a-z0-9-]+)\s+\(\S+: ([a-z0-9-]+)\)\n")


def reports(run: Run) -> list[Report]:
    """Return the part "Policies" of the engine's output."""
    _, *parts = HEADING.split(run.text)
    return [Report(*parts[at : at + 4]) for at in range(0, len(parts), 4)]


def headings(run: Run, level: str) -> set[tuple[str, str]]:
    """Rules and the resources that they spoke about, at that level."""
    return {(report.rule, report.name) for report in reports(run) if report.level == level}


@pytest.mark.parametrize(
    ("rule", "name", "type_", "text"), VIOLATIONS, ids=[f"{rule}: {name}" for rule, name, _, _ in VIOLATIONS]
)
def test_invalid_resource_stops_the_preview(refused: Run, rule: str, name: str, type_: str, text: str) -> None:
    about = [
        report.text
        for report in reports(refused)
        if (report.level, report.rule, report.name) == ("mandatory", rule, name)
    ]
    start = f'{type_} "{name}": {text}'
    lines = [line.strip() for report in about for line in report.splitlines()]
    assert any(line.startswith(start) and line.endswith(f". {REMEDIES[rule]}.") for line in lines), about


def test_every_rule_stops_a_preview() -> None:
    here = {"kms-key-rotation", "log-group-encrypted", "log-group-retention"}
    assert {rule for rule, *_ in VIOLATIONS} == here | {rule.id for rule in session_manager.RULES}


def test_valid_resource_is_not_reported(refused: Run) -> None:
    assert "good-key" not in {report.name for report in reports(refused)}


def test_key_of_the_same_stack_counts_before_creation(refused: Run) -> None:
    about = [report for report in reports(refused) if report.name == "own-with-open-logs"]
    assert {report.rule for report in about} == {"session-preferences-encrypt-logs", "session-preferences-time-out"}


def test_value_unknown_in_preview_is_advisory(refused: Run) -> None:
    about = [report for report in reports(refused) if report.name == "late"]
    assert {report.rule for report in about} == {rule.id for rule in session_manager.RULES if DOCUMENT in rule.types}
    assert {report.level for report in about} == {"advisory"}
    wanted = f'{DOCUMENT} "late": content is not known yet; the rule is applied in the update.'
    assert all(wanted in report.text for report in about)


def test_components_pass_the_policy_pack(preview: Callable[..., Run]) -> None:
    run = preview("good").succeeded()
    assert reports(run) == []
    assert "shell-access@v" in run.text
    assert "SessionPreferences" in run.text


EXEMPTION = {"resource": "*-logs", "reason": "its logs are gone in May", "who": "platform team", "until": "2999-05-31"}


def test_configuration_sets_levels_parameters_exemptions(preview: Callable[..., Run]) -> None:
    run = preview(
        "good",
        {
            "log-group-retention": {"minimumDays": 365, "enforcementLevel": "advisory"},
            "session-preferences-time-out": {"maximumDurationMinutes": 60},
            "kms-key-rotation": {"exemptions": [EXEMPTION]},
        },
    ).failed()
    assert headings(run, "advisory") == {("log-group-retention", "preferences-logs")}
    assert headings(run, "mandatory") == {("session-preferences-time-out", "preferences")}
    assert (
        'aws:kms/key:Key "preferences-logs" is exempted from kms-key-rotation: '
        "its logs are gone in May (platform team, until 2999-05-31)" in run.text
    )


def test_invalid_parameter_stops_the_preview(preview: Callable[..., Run]) -> None:
    run = preview("good", {"log-group-retention": {"minimumDays": "long"}}).failed()
    assert "log-group-retention: minimumDays: Invalid type. Expected: integer, given: string" in run.text


@pytest.mark.exhaustive
def test_value_unknown_in_preview_is_refused_in_update(late_stack: Stack) -> None:
    pack = ("--policy-pack", "policies")
    assert headings(late_stack.preview(*pack).succeeded(), "mandatory") == set()
    run = late_stack.up(*pack).failed()
    assert headings(run, "mandatory") == {("session-preferences-encrypt-data", "late")}
    assert not any(resource["type"] == DOCUMENT for resource in late_stack.state())
