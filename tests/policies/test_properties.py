"""Rules that evaluate one property: the values without a finding, those with one, and unknown values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from policies.domain_controllers.controller_machines import CONTROLLER_IMDSV2, CONTROLLER_TERMINATION_PROTECTION
from policies.domain_controllers.controller_placement import CONTROLLER_NO_PUBLIC_ADDRESS
from policies.foundations import detection
from policies.foundations.kms_keys import KMS_KEY_DELETION_WINDOW, KMS_KEY_NO_LOCKOUT_BYPASS, KMS_KEY_POLICY_CLOSED
from policies.foundations.systems_manager import (
    ASSOCIATION_RATE_LIMITED,
    SSM_DOCUMENT_NOT_SHARED,
    SSM_PUBLIC_SHARING_BLOCKED,
)
from policies.foundations.topics import TOPIC_ENCRYPTED
from policies.foundations.trails import TRAIL_ENCRYPTED, TRAIL_MULTI_REGION, TRAIL_VALIDATED
from policies.rule import Rule
from tests.policies.domain_controllers.stacks import INSTANCE, LAUNCH_TEMPLATE, MARKED, SPOT_INSTANCE
from tests.policies.judging import SILENT, UNKNOWN, judge, violations


@dataclass(frozen=True)
class Judged:
    """A property, with `given` beside it. The absent property counts as None.

    Attributes:
        found: path in the findings, if not the name; and in case of `{}` the name of the member.
        expected: end of the finding.
    """

    rule: Rule
    types: Sequence[str]
    name: str
    fine: Sequence[Any]
    wrong: Sequence[Any]
    found: str = ""
    expected: str = ""
    unseen: Sequence[Any] = (UNKNOWN,)
    given: Mapping[str, Any] = field(default_factory=dict)


CIS_SCANS = (detection.CIS_SCAN, "pulumi-python:dynamic/shellaccess:CisScanConfiguration")
WEEKLY = {"weekly": {"days": ["SAT"], "startTime": {"timeOfDay": "02:00", "timezone": "UTC"}}}
TAGGED = {"accountIds": ["SELF"], "targetResourceTags": {"Role": ["DomainController"]}}
DETECTOR = ("aws:guardduty/detector:Detector",)
CONTROLS = detection.SECURITY_CONTROLS_ENABLED
KEY_ARN = "arn:aws:kms:eu-west-1:123456789012:key/1"
AWS_KEY = "arn:aws:kms:eu-west-1:123456789012:alias/aws/sns"
GRANT = ("aws:kms/grant:Grant",)
GRANTEE = "arn:aws:iam::123456789012:role/Operator"
SETTING = ("aws:ssm/serviceSetting:ServiceSetting",)
SHARING = "/ssm/documents/console/public-sharing-permission"
DOCUMENT = ("aws:ssm/document:Document",)
TRAIL = ("aws:cloudtrail/trail:Trail",)
EVERYWHERE = {"isMultiRegionTrail": True}
ASSOCIATION = ("aws:ssm/association:Association",)
LIMITED = {"targets": [{"key": "InstanceIds", "values": ["*"]}], "maxConcurrency": "10%", "maxErrors": "1"}
MACHINES = (INSTANCE, SPOT_INSTANCE, LAUNCH_TEMPLATE)
REQUIRED = {"httpTokens": "required", "httpPutResponseHopLimit": 1}


def selectors(category: str, *more: str) -> list[dict[str, Any]]:
    fields = [{"field": "eventCategory", "equals": [category]}, *({"field": each} for each in more)]
    return [{"fieldSelectors": fields}]


TABLE = [
    Judged(detection.DETECTOR_ENABLED, DETECTOR, "enable", (None, True), (False, "true", 0)),
    Judged(
        detection.CIS_SCAN_RECURRING,
        CIS_SCANS,
        "schedule",
        (WEEKLY, {"Daily": {"StartTime": {}}}, {"monthly": {"day": "SUN"}}),
        (None, {}, {"oneTime": {}}, {"OneTime": {}}, "weekly"),
        unseen=(UNKNOWN, {"weekly": UNKNOWN}),
        given={"targets": TAGGED},
    ),
    Judged(
        detection.CIS_SCAN_RECURRING,
        CIS_SCANS,
        "targets",
        (TAGGED,),
        (None, {}, {"accountIds": ["SELF"]}, {"targetResourceTags": {}}),
        given={"schedule": WEEKLY},
    ),
    Judged(CONTROLS, (detection.HUB,), "autoEnableControls", (None, True), (False, "true")),
    Judged(CONTROLS, (detection.CONTROL,), "controlStatus", ("ENABLED",), (None, "DISABLED")),
    Judged(CONTROLS, (detection.ASSOCIATION,), "associationStatus", ("ENABLED",), (None, "DISABLED")),
    Judged(
        CONTROLS,
        (detection.STANDARD,),
        "disabledStandardsControls",
        (None, []),
        ([{"StandardsControlArn": "arn"}], UNKNOWN[:4]),
    ),
    Judged(
        KMS_KEY_DELETION_WINDOW,
        sorted(KMS_KEY_DELETION_WINDOW.types),
        "deletionWindowInDays",
        (None, 30),
        (7,),
        expected="7, expected at least 30 days.",
    ),
    Judged(
        KMS_KEY_NO_LOCKOUT_BYPASS,
        sorted(KMS_KEY_NO_LOCKOUT_BYPASS.types),
        "bypassPolicyLockoutSafetyCheck",
        (None, False),
        (True,),
        expected="true, expected false.",
    ),
    *(
        Judged(
            KMS_KEY_POLICY_CLOSED,
            GRANT,
            name,
            (GRANTEE,),
            ("*", "arn:aws:iam::123456789012:role/*"),
            expected="expected the ARN of one principal.",
            given={"granteePrincipal": GRANTEE},
        )
        for name in ("granteePrincipal", "retiringPrincipal")
    ),
    *(
        Judged(
            SSM_PUBLIC_SHARING_BLOCKED,
            SETTING,
            "settingValue",
            ("Disable",),
            ("Enable",),
            expected='"Enable", expected "Disable".',
            given={"settingId": setting},
        )
        for setting in (SHARING, f"arn:aws:ssm:eu-west-1:123456789012:servicesetting{SHARING}")
    ),
    *(
        Judged(
            SSM_DOCUMENT_NOT_SHARED,
            DOCUMENT,
            "permissions",
            (None, *({"type": "Share", key: each} for each in ("123456789012", "123456789012, 210987654321"))),
            [{"type": "Share", key: each} for each in ("all", "All", "ALL", "123456789012,all", "*")],
            found=f"permissions.{key}",
            unseen=(UNKNOWN, {key: UNKNOWN}),
        )
        for key in ("accountIds", "account_ids")
    ),
    *(
        Judged(
            ASSOCIATION_RATE_LIMITED,
            ASSOCIATION,
            name,
            ("10%", "1", "0"),
            (None, "", "100%"),
            expected="expected a number, or less than 100%",
            given=LIMITED,
        )
        for name in ("maxConcurrency", "maxErrors")
    ),
    Judged(
        TOPIC_ENCRYPTED,
        ("aws:sns/topic:Topic",),
        "kmsMasterKeyId",
        (KEY_ARN, "alias/alerts", UNKNOWN),
        (None, "", "alias/aws/sns", AWS_KEY),
        unseen=(),
    ),
    Judged(TRAIL_VALIDATED, TRAIL, "enableLogFileValidation", (True,), (None, False)),
    Judged(TRAIL_ENCRYPTED, TRAIL, "kmsKeyId", (KEY_ARN, UNKNOWN), (None, ""), unseen=()),
    Judged(TRAIL_MULTI_REGION, TRAIL, "isMultiRegionTrail", (True,), (False, None)),
    Judged(TRAIL_MULTI_REGION, TRAIL, "enableLogging", (None, True), (False,), given=EVERYWHERE),
    Judged(TRAIL_MULTI_REGION, TRAIL, "includeGlobalServiceEvents", (None, True), (False,), given=EVERYWHERE),
    Judged(
        TRAIL_MULTI_REGION,
        TRAIL,
        "eventSelectors",
        (None, [{"readWriteType": "All", "includeManagementEvents": True}], [{"readWriteType": "WriteOnly"}, {}]),
        ([{"readWriteType": "WriteOnly"}], [{"includeManagementEvents": False}]),
        given=EVERYWHERE,
    ),
    Judged(
        TRAIL_MULTI_REGION,
        TRAIL,
        "advancedEventSelectors",
        (None, selectors("Management")),
        (selectors("Data"), selectors("Management", "readOnly")),
        given=EVERYWHERE,
    ),
    Judged(
        CONTROLLER_TERMINATION_PROTECTION,
        MACHINES,
        "disableApiTermination",
        (True,),
        (None, False, "true"),
        given={"tags": MARKED},
    ),
    Judged(
        CONTROLLER_NO_PUBLIC_ADDRESS,
        (INSTANCE, SPOT_INSTANCE),
        "associatePublicIpAddress",
        (False, None),
        (True, "true"),
        given={"tags": MARKED},
    ),
    Judged(
        CONTROLLER_IMDSV2,
        MACHINES,
        "metadataOptions",
        (REQUIRED, {"httpTokens": "required"}, {"httpEndpoint": "disabled", "httpTokens": "optional"}),
        (None, {}, {"httpTokens": "optional"}, {"httpEndpoint": "enabled"}),
        found="metadataOptions.httpTokens",
        expected='expected "required". Set metadataOptions.httpTokens',
        unseen=(UNKNOWN, {"httpTokens": UNKNOWN}),
        given={"tags": MARKED},
    ),
]


def properties(case: Judged, values: Sequence[Any]) -> list[dict[str, Any]]:
    given = {key: value for key, value in case.given.items() if key != case.name}
    return [{**given, case.name: each} for each in values] + ([given] if None in values else [])


@pytest.mark.parametrize(
    ("case", "type_"),
    [pytest.param(each, type_, id=f"{each.rule.id} {each.name} {type_}") for each in TABLE for type_ in each.types],
)
def test_property_is_judged_by_its_value(case: Judged, type_: str) -> None:
    for given in properties(case, case.fine):
        assert judge(case.rule, type_, given) == SILENT, given
    for given in properties(case, case.wrong):
        (said,) = violations(case.rule, type_, given)
        assert said.startswith(f'{type_} "subject": {case.found or case.name}: found ')
        assert case.expected in said
    for given in properties(case, case.unseen):
        result = judge(case.rule, type_, given)
        assert (result.violations, len(result.unseen)) == ([], 1), given
