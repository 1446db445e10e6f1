import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.problems import Problem, SettingsError
from common.validation import Section, key_paths
from components.approval.settings import ApprovalSettings
from components.domain_controllers.settings import DomainControllersSection
from components.nodes.settings import NodesSection
from components.session_manager.settings import RETENTION_DAYS, OnDestroy, SessionManagerSection
from components.settings import SECTIONS, Settings

REGIONS = ["eu-west-1", "us-east-1"]


def load(session_manager: dict[str, Any] | None = None, **sections: Any) -> Settings:
    given = {"regions": REGIONS, **sections}
    if session_manager is not None:
        given["sessionManager"] = session_manager
    return Settings.load({f"shell-access:{name}": json.dumps(value) for name, value in given.items()})


def problems(session_manager: Any = None, **sections: Any) -> dict[str, str]:
    with pytest.raises(SettingsError, match="nothing was changed") as refused:
        load(session_manager, **sections)
    return {problem.key: problem.message for problem in refused.value.problems}


OVERRIDES = "sessionManager.regionOverrides"


def overriding(overrides: dict[str, Any], **general: Any) -> dict[str, Any]:
    return {"sessionManager": {**general, "regionOverrides": overrides}}


def test_empty_section_has_the_defaults_of_the_post() -> None:
    settings = load({}).session_manager["eu-west-1"]
    assert settings.model_dump(by_alias=True) == {
        "s3Logging": False,
        "s3BucketName": "",
        "s3KeyPrefix": "sessionmanager",
        "s3EncryptionEnabled": True,
        "s3KmsKeyArn": "",
        "s3BucketOwner": "",
        "createCwLogGroup": True,
        "cwLogGroupName": "ssm-sessionmanager-logs",
        "cwEncryptionEnabled": True,
        "cwStreamingEnabled": False,
        "logRetentionDays": 90,
        "sessionDataEncryption": True,
        "runAsEnabled": False,
        "runAsDefaultUser": "",
        "runAsPrincipalTag": False,
        "idleSessionTimeout": 20,
        "maxSessionDuration": None,
        "winShellProfile": "",
        "linuxShellProfile": "",
        "onDestroy": OnDestroy.RESTORE,
        "retainLogs": True,
        "shortenLogRetention": False,
        "takeOver": False,
    }


def test_absent_section_governs_nothing() -> None:
    assert load().session_manager == {}


def test_section_that_is_switched_off_governs_nothing() -> None:
    assert load({"enabled": False, "instanceRoles": ["Web"]}).session_manager == {}


@pytest.mark.parametrize("regions", [None, []], ids=["absent", "empty"])
def test_regions_default_to_the_region_of_the_provider(regions: list[str] | None) -> None:
    given = {"aws:region": "ap-south-1"} | ({} if regions is None else {"shell-access:regions": json.dumps(regions)})
    assert Settings.load(given).regions == ("ap-south-1",)


def test_no_region_at_all_is_a_problem() -> None:
    with pytest.raises(
        SettingsError, match=r"shell-access:regions: expected a list of Regions .*, got none, and no aws:region\."
    ):
        Settings.load({})


@pytest.mark.parametrize("regions", ["eu-west-1", ["eu-west-1", "eu-west-1"], ["Ireland"], [3], {"eu-west-1": {}}])
def test_what_is_no_list_of_different_regions_is_a_problem(regions: Any) -> None:
    assert problems(regions=regions)["shell-access:regions"].startswith(
        "expected a list of Regions such as [eu-west-1, us-east-1], each once, got "
    )


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("s3Logging", "true", "true or false"),
        ("s3BucketName", "Org_Logs", "a bucket name, 3 to 63 lower-case letters, digits, dots and hyphens"),
        ("s3KeyPrefix", "/logs/", "a key prefix that neither starts nor ends with /, or an empty string"),
        ("s3KmsKeyArn", "alias/logs", "the ARN of a KMS key, or an empty string"),
        ("s3BucketOwner", 111122223333, 'an account ID of 12 digits in quotes, or "" for this account'),
        (
            "cwLogGroupName",
            "logs of sessions",
            "a log group name, 1 to 512 letters, digits and _ . / # -, or an empty string",
        ),
        ("cwEncryptionEnabled", 1, "true or false"),
        ("idleSessionTimeout", 0, "whole minutes from 1 to 60"),
        ("idleSessionTimeout", 61, "whole minutes from 1 to 60"),
        ("idleSessionTimeout", "20", "whole minutes from 1 to 60"),
        ("idleSessionTimeout", 20.5, "whole minutes from 1 to 60"),
        ("maxSessionDuration", 1441, "whole minutes from 1 to 1440; leave it out for no maximum"),
        ("runAsDefaultUser", "two words", "a user name without spaces, at most 100 characters"),
        ("onDestroy", "keep", "one of restore, reset, retain, delete"),
        ("regionOverrides", [], "a mapping of Regions to settings"),
    ],
)
def test_wrong_value_is_named_with_its_key_and_what_is_allowed(key: str, value: Any, allowed: str) -> None:
    assert problems({key: value}) == {
        f"shell-access:sessionManager.{key}": f"expected {allowed}, got {json.dumps(value)}."
    }


NETWORKS = {"vpc": "", "subnets": ["a"], "allowedCidrs": ["10.0.0.1/8", "10.0.0.0/8"]}
WRONG_OVERRIDE = {"us-east-1": {"idleSessionTimeout": 90}}
MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    # Values that do not go together.
    ({"sessionManager": {"s3Logging": True}}, ["sessionManager.s3BucketName"]),
    ({"sessionManager": {"cwLogGroupName": ""}}, ["sessionManager.cwLogGroupName"]),
    (
        {"sessionManager": {"createCwLogGroup": False, "cwLogGroupName": "", "cwStreamingEnabled": True}},
        ["sessionManager.cwStreamingEnabled"],
    ),
    ({"sessionManager": {"runAsEnabled": True}}, ["sessionManager.runAsDefaultUser"]),
    ({"sessionManager": {"logRetentionDays": 91}}, ["sessionManager.logRetentionDays"]),
    # An override corrects a wrong value for its Region only.
    (overriding({"us-east-1": {"runAsDefaultUser": "ops"}}, runAsEnabled=True), ["sessionManager.runAsDefaultUser"]),
    # Wrong overrides are named with their Region, and hide no others.
    (overriding({"ap-south-1": {}}), [f"{OVERRIDES}.ap-south-1"]),
    (overriding({"us-east-1": {"idleSessionTimeout": 0}}), [f"{OVERRIDES}.us-east-1.idleSessionTimeout"]),
    (overriding({"us-east-1": {"s3Logging": True}}), [f"{OVERRIDES}.us-east-1.s3BucketName"]),
    (overriding({"us-east-1": {"instanceRoles": []}}), [f"{OVERRIDES}.us-east-1.instanceRoles"]),
    (
        overriding({"eu-west-1": ["a"], **WRONG_OVERRIDE}),
        [f"{OVERRIDES}.eu-west-1", f"{OVERRIDES}.us-east-1.idleSessionTimeout"],
    ),
    (
        {"regions": ["x"], **overriding(WRONG_OVERRIDE)},
        ["regions", f"{OVERRIDES}.us-east-1.idleSessionTimeout"],
    ),
    # An unpaired surrogate is a problem of its key.
    (
        {"sessionManager": {"linuxShellProfile": "echo \ud800", "idleSessionTimeout": 90}, "tags": {"a": "\udfff"}},
        ["sessionManager.linuxShellProfile", "tags.a", "sessionManager.idleSessionTimeout"],
    ),
    (
        {
            **overriding({"us-east-1": {"x": 1}}, idleSessionTimeout=90, runAsEnabled=True, idleTimeout=5),
            "endpoints": {"eu-west-1": NETWORKS},
            "tags": {"aws:made": "up"},
            "sesionManager": {},
        },
        [
            "sesionManager",
            "tags.aws:made",
            "sessionManager.idleSessionTimeout",
            "sessionManager.idleTimeout",
            "sessionManager.runAsDefaultUser",
            f"{OVERRIDES}.us-east-1.x",
            "endpoints.eu-west-1.vpc",
            "endpoints.eu-west-1.allowedCidrs[0]",
        ],
    ),
]


@pytest.mark.parametrize(("sections", "keys"), MISTAKES)
def test_every_mistake_is_named_with_its_key_in_order(sections: dict[str, Any], keys: list[str]) -> None:
    assert list(problems(**sections)) == [f"shell-access:{key}" for key in keys]


def test_run_as_without_a_user_is_allowed_with_principal_tags() -> None:
    assert load({"runAsEnabled": True, "runAsPrincipalTag": True}).session_manager["eu-west-1"].run_as_enabled


def test_no_log_group_at_all_is_possible() -> None:
    settings = load({"createCwLogGroup": False, "cwLogGroupName": ""}).session_manager["eu-west-1"]
    assert not settings.logs_to_cloudwatch


@pytest.mark.parametrize("days", RETENTION_DAYS)
def test_every_retention_that_cloudwatch_accepts_is_allowed(days: int) -> None:
    assert load({"logRetentionDays": days}).session_manager["us-east-1"].log_retention_days == days


def test_override_changes_the_named_fields_of_its_region_only() -> None:
    settings = load({"idleSessionTimeout": 10, "regionOverrides": {"us-east-1": {"maxSessionDuration": 30}}})
    ireland, virginia = settings.session_manager["eu-west-1"], settings.session_manager["us-east-1"]
    assert (ireland.idle_session_timeout, ireland.max_session_duration) == (10, None)
    assert (virginia.idle_session_timeout, virginia.max_session_duration) == (10, 30)


@pytest.mark.parametrize(
    ("tags", "key", "said"),
    [
        ({"shell-access:owner": "x"}, "shell-access:owner", "another name"),
        ({"Shell-Access:made-here": "x"}, "Shell-Access:made-here", "another name"),
        ({"securityallowsessioninstance": "i-1"}, "securityallowsessioninstance", "another name"),
        ({"team": "a", "Team": "b"}, "Team", "one of team and Team"),
        ({"cost-center": 4711}, "cost-center", "pulumi config set --path --type string"),
        ({"production": True}, "production", "expected text, got true"),
        ({"team": "<core>"}, "team", "letters, digits, spaces"),
        ({"team": "a,b"}, "team", "letters, digits, spaces"),
        ({"te*m": "a"}, "te*m", "letters, digits, spaces"),
        ({"team": "a\u200eb"}, "team", "letters, digits, spaces"),
    ],
)
def test_tags_that_aws_or_the_stack_refuses(tags: dict[str, str], key: str, said: str) -> None:
    found = problems(tags=tags)
    named = Problem(path=("tags", key), message="").key
    assert list(found) == [named]
    assert said in found[named]


def test_tag_that_excludes_from_scans_is_refused() -> None:
    section = {"sites": {"eu-west-1": {"vpc": "a", "subnets": ["b", "c"]}}}
    tags = {"InspectorEc2Exclusion": ""}
    assert load(tags=tags, domainControllers=section | {"detection": {"guardDuty": {}}}).tags == tags
    found = problems(tags=tags, domainControllers=section | {"detection": {"inspector": {}}})
    assert list(found) == ["shell-access:tags.InspectorEc2Exclusion"]


def test_tags_that_aws_accepts() -> None:
    tags = {"shell-access": "yes", "équipe": "Größe 5", "a:b/c=d+e-f@g_h.i": "", "owner": "x" * 256}
    assert load(tags=tags).tags == tags


def test_more_tags_than_a_resource_has_are_refused() -> None:
    assert len(load(tags={f"t{number}": "x" for number in range(44)}).tags) == 44
    assert (
        "expected at most 44, got 45 tags."
        in problems(tags={f"t{number}": "x" for number in range(45)})["shell-access:tags"]
    )


def test_log_group_name_does_not_start_with_aws() -> None:
    assert list(problems({"cwLogGroupName": "aws/x"})) == ["shell-access:sessionManager.cwLogGroupName"]
    for name in ("/aws/x", "aws", "awsx/y"):
        assert load({"cwLogGroupName": name}).session_manager["eu-west-1"].cw_log_group_name == name


@pytest.mark.parametrize(
    ("sections", "key", "expected"),
    [
        ({"sesionManager": {}}, "sesionManager", "unknown key; did you mean sessionManager?"),
        ({"sessionManager": {"idleTimeout": 5}}, "sessionManager.idleTimeout", "did you mean idleSessionTimeout?"),
        ({"endpoints": {"eu-west-1": {"subnet": []}}}, "endpoints.eu-west-1.subnet", "did you mean subnets?"),
        (
            {"sessionManager.idleSessionTimeout": 15},
            "sessionManager.idleSessionTimeout",
            "then pulumi config set --path 'shell-access:sessionManager.idleSessionTimeout' VALUE",
        ),
        ({"regions[0]": "eu-west-1"}, "regions[0]", "It was set without --path"),
        ({"idleSessionTimeout": 15}, "idleSessionTimeout", "; did you mean sessionManager.idleSessionTimeout?"),
        ({"idleSesionTimeout": 15}, "idleSesionTimeout", "; did you mean sessionManager.idleSessionTimeout?"),
        ({"operators": []}, "operators", "; did you mean approval.operators or accountAccess.operators?"),
        ({"region": "eu-west-1"}, "region", "; did you mean regions?"),
        ({"nodes": {"schedule": ""}}, "nodes.schedule", "; did you mean nodes.agents.schedule?"),
        ({"nodes": {"approvers": []}}, "nodes.approvers", "; did you mean approval.approvers"),
        (
            {"sessionManager": {"managementAccess": "bastion"}},
            "sessionManager.managementAccess",
            "; did you mean domainControllers.managementAccess?",
        ),
        (
            {"domainControllers": {"idleSessionTimeout": 5}},
            "domainControllers.idleSessionTimeout",
            "; did you mean sessionManager.idleSessionTimeout?",
        ),
        ({"approval": {"regions": []}}, "approval.regions", "; did you mean shell-access:regions?"),
        ({"sessionManager": {"idle_session_timeout": 5}}, "sessionManager.idle_session_timeout", "did you mean idle"),
        (
            {"approval": {"approvers": [{"min_required_approvals": 1}]}},
            "approval.approvers[0].min_required_approvals",
            "did you mean minRequiredApprovals?",
        ),
        (
            {"zzz": 1},
            "zzz",
            (
                "known keys: accountAccess, approval, domainControllers, endpoints, nodes, permissionsBoundary, regions, "
                "sessionManager, tags, takeOver"
            ),
        ),
    ],
)
def test_unknown_key_gets_a_suggestion(sections: dict[str, Any], key: str, expected: str) -> None:
    given = dict(sections)
    found = problems(given.pop("sessionManager", None), **given)
    assert expected in found[f"shell-access:{key}"]


@pytest.mark.parametrize("section", [SessionManagerSection, ApprovalSettings, DomainControllersSection, NodesSection])
def test_each_key_of_a_section_is_suggested_with_its_path(section: type[Section]) -> None:
    for key, paths in key_paths(section, ("SECTION",)).items():
        if key not in SECTIONS and len(paths[0]) == len(("SECTION", "key")):
            assert re.search(
                rf"did you mean .*\b[a-z]\w+\.(\w+\.)*{key}\b", problems(**{key: 1})[f"shell-access:{key}"]
            )


BY_REGION: dict[str, dict[str, Any]] = {
    "endpoints.vpc": {"endpoints": {"vpc": "workloads"}},
    "domainControllers.sites.subnets": {"domainControllers": {"sites": {"subnets": ["a"]}}},
    "domainControllers.backups.buckets.bucketName": {
        "domainControllers": {"backups": {"buckets": {"bucketName": "b"}}}
    },
}


@pytest.mark.parametrize("place", BY_REGION)
def test_key_in_the_place_of_its_region_is_one_problem(place: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(**BY_REGION[place])
    (problem,) = refused.value.problems
    parent, _, key = place.rpartition(".")
    assert problem.key == f"shell-access:{place}"
    assert problem.message.endswith(f" Did you mean {parent}.REGION.{key}?")
    assert "an id" not in problem.message


@pytest.mark.parametrize("blank", ["", " ", "\u2003"])
@pytest.mark.parametrize(
    "where",
    [
        "domainControllers.clients",
        "domainControllers.clientPrefixLists",
        "domainControllers.additionalSources",
        "domainControllers.eventLogs.additionalEvents",
        "nodes.agents.targetTags",
    ],
)
def test_blank_name_is_refused_as_a_name(where: str, blank: str) -> None:
    *outer, last = where.split(".")
    given: dict[str, Any] = {last: {blank: {}}}
    for key in reversed(outer):
        given = {key: given}
    with pytest.raises(SettingsError) as refused:
        load(**given)
    assert any("expected a" in each.message and "1 to" in each.message for each in refused.value.problems)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("approval", "approvers", 0, "name"), "approval.approvers[0].name"),
        (("endpoints", "eu-west-1", "subnets", 1), "endpoints.eu-west-1.subnets[1]"),
        (("tags", "cost.center"), 'tags["cost.center"]'),
        (("tags", 'a "b" [c]'), r'tags["a \"b\" [c]"]'),
        (("tags", "a/b:c@d=e+f-g_h"), "tags.a/b:c@d=e+f-g_h"),
        (("domainControllers", "clients", "10", 0), "domainControllers.clients.10[0]"),
        (("tags", ""), 'tags[""]'),
    ],
)
def test_path_is_written_as_pulumi_config_reads_it(path: tuple[str | int, ...], text: str) -> None:
    assert Problem(path=path, message="").key == f"shell-access:{text}"


def test_long_values_are_shortened_in_messages() -> None:
    assert len(problems({"s3BucketName": "x" * 5000})["shell-access:sessionManager.s3BucketName"]) < 200


def test_other_projects_keys_are_passed_over() -> None:
    assert Settings.load({"aws:region": "eu-west-1", "other:thing": "x"}) == Settings(regions=("eu-west-1",))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
known_keys = st.sampled_from(
    sorted({*load({}).session_manager["eu-west-1"].model_dump(by_alias=True), "regionOverrides"})
)


@given(st.dictionaries(known_keys | st.text(max_size=8), json_values, max_size=4), json_values)
def test_whatever_is_given_is_read_or_refused_in_words(session_manager: dict[str, Any], endpoints: Any) -> None:
    try:
        settings = load(session_manager, endpoints=endpoints)
    except SettingsError as refused:
        found = refused.problems
    else:
        found = None
        assert set(settings.session_manager) <= set(REGIONS)
    assert found is None or all(problem.key.startswith("shell-access:") and problem.message for problem in found)


def warned(**sections: Any) -> dict[str, str]:
    settings = Settings.load(
        {"aws:region": "eu-west-1"} | {f"shell-access:{key}": each for key, each in sections.items()}
    )
    return {warning.key: warning.message for warning in settings.warnings()}


APPROVED: dict[str, Any] = {"operatorRoles": ["Operator"], "approvers": [{"type": "IamRole", "name": "Approver"}]}
MAXIMUM = "shell-access:sessionManager.maxSessionDuration"


@pytest.mark.parametrize(
    ("idle", "most", "warns"), [(20, 19, True), (20, 20, False), (20, 60, False), (20, None, False)]
)
def test_warns_where_a_session_ends_before_it_is_idle(idle: int, most: int | None, warns: bool) -> None:  # noqa: FBT001
    section = {"idleSessionTimeout": idle} | ({"maxSessionDuration": most} if most else {})
    assert (MAXIMUM in warned(sessionManager=section)) == warns


def test_warns_in_the_region_that_overrides() -> None:
    section = {"maxSessionDuration": 60, "regionOverrides": {"eu-west-1": {"maxSessionDuration": 5}}}
    key = "shell-access:sessionManager.regionOverrides.eu-west-1.maxSessionDuration"
    assert list(warned(sessionManager=section)) == [key]


IN_US: dict[str, Any] = {"regions": REGIONS}


@pytest.mark.parametrize(
    ("sections", "keys"),
    [
        (
            {"sessionManager": {"s3BucketName": "logs", "s3KeyPrefix": "a", "s3EncryptionEnabled": False}},
            ["s3BucketName", "s3KeyPrefix"],
        ),
        ({"sessionManager": {"s3BucketName": "logs", "s3Logging": True}}, []),
        ({"sessionManager": {"s3Logging": False, "s3BucketName": "", "s3KeyPrefix": "sessionmanager"}}, []),
        (
            {"sessionManager": {"createCwLogGroup": False, "logRetentionDays": 30, "shortenLogRetention": True}},
            ["logRetentionDays", "shortenLogRetention"],
        ),
        ({"sessionManager": {"createCwLogGroup": False, "cwLogGroupName": "", "cwEncryptionEnabled": False}}, []),
        (
            {"sessionManager": {"runAsDefaultUser": "ops", "runAsPrincipalTag": True}},
            ["runAsDefaultUser", "runAsPrincipalTag"],
        ),
        ({"sessionManager": {"onDestroy": "retain", "retainLogs": False}}, ["retainLogs"]),
        (
            IN_US | {"sessionManager": {"s3BucketName": "logs", "regionOverrides": {"us-east-1": {"s3Logging": True}}}},
            [],
        ),
        (
            IN_US
            | {
                "sessionManager": {
                    "s3Logging": True,
                    "s3BucketName": "logs",
                    "regionOverrides": {"us-east-1": {"s3Logging": False, "s3BucketName": "us-logs"}},
                }
            },
            ["regionOverrides.us-east-1.s3BucketName"],
        ),
    ],
)
def test_warns_where_a_setting_of_sessions_has_no_effect(sections: dict[str, Any], keys: list[str]) -> None:
    found = warned(**sections)
    assert sorted(found) == [f"shell-access:sessionManager.{key}" for key in keys]
    assert all("has no effect, as" in message for message in found.values())


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({"requireChangeRequest": False}, ["requireChangeRequest"]),
        ({"requireChangeRequest": True, "identityCenter": {}}, []),
        ({"mode": "change-manager", "requireChangeRequest": False}, []),
        ({"identityCenter": {"permissionSet": "Operators"}}, ["identityCenter.permissionSet"]),
    ],
)
def test_warns_where_a_setting_of_the_approval_has_no_effect(changes: dict[str, Any], keys: list[str]) -> None:
    assert [*warned(approval=APPROVED | changes)] == [f"shell-access:approval.{key}" for key in keys]


@pytest.mark.parametrize(
    ("sections", "warns"),
    [
        ({"sessionManager": {}, "approval": APPROVED}, True),
        ({"sessionManager": {"maxSessionDuration": 60}, "approval": APPROVED}, False),
        ({"sessionManager": {}}, False),
        ({"approval": APPROVED}, False),
        ({"sessionManager": {}, "approval": APPROVED | {"enabled": False}}, False),
    ],
    ids=["no maximum", "maximum", "no approval", "no preferences", "approval off"],
)
def test_warns_where_a_session_may_outlive_its_grant(sections: dict[str, Any], warns: bool) -> None:  # noqa: FBT001
    assert ("may outlive its grant by days" in warned(**sections).get(MAXIMUM, "")) == warns


@pytest.mark.parametrize("wrong", ["x", 5, ["a"], True], ids=str)
@pytest.mark.parametrize(
    "section",
    [
        *("tags", "sessionManager", "endpoints", "approval", "domainControllers", "nodes"),
        *("permissionsBoundary", "takeOver"),
    ],
)
def test_wrong_type_of_a_section_hides_no_other_mistake(section: str, wrong: Any) -> None:
    if section == "permissionsBoundary" and isinstance(wrong, str):
        wrong = {}
    if section == "takeOver" and wrong is True:
        wrong = "true or false"
    others = {
        "tags": {"aws:x": "y"},
        "sessionManager": {"idleSessionTimeout": 90},
        "approval": APPROVED | {"operatorRoles": ["a", "b c"]},
        "unknown": 1,
    }
    found = problems(**{**others, section: wrong})
    assert f"shell-access:{section}" in found
    expected = {
        "tags": "shell-access:tags.aws:x",
        "sessionManager": "shell-access:sessionManager.idleSessionTimeout",
        "approval": "shell-access:approval.operatorRoles[1]",
        "unknown": "shell-access:unknown",
    }
    assert {key for name, key in expected.items() if name != section} <= found.keys()


def test_wrong_value_in_a_list_is_named() -> None:
    assert problems(regions=["eu-west-1", "Ireland"])["shell-access:regions"].endswith(', got "Ireland".')
    found = problems(sessionManager={"instanceRoles": ["Node", 5]})
    assert found["shell-access:sessionManager.instanceRoles[1]"].endswith(", got 5.")


@pytest.mark.parametrize(("size", "fits"), [(512, True), (5_000, True), (60_000, True), (66_000, False)])
def test_shell_profiles_have_the_limit_of_the_document(size: int, fits: bool) -> None:  # noqa: FBT001
    """API_CreateDocument, MaxDocumentSizeExceeded: 64 KB; AWS' own samples publish profiles of thousands of characters."""
    section = {"linuxShellProfile": "x" * size, "winShellProfile": "date"}
    found = problems(sessionManager=section) if not fits else {}
    if fits:
        Settings.load({"aws:region": "eu-west-1", "shell-access:sessionManager": section})
        return
    assert re.match(
        "expected [0-9]+ bytes less, got 66000 bytes.", found["shell-access:sessionManager.linuxShellProfile"]
    )


def test_shell_profiles_count_as_they_are_written() -> None:
    """A quote and a line end take two bytes in JSON, a letter of another alphabet as many as in UTF-8."""
    for character in ('"', "\n", "\u00fc"):
        key = "shell-access:sessionManager.winShellProfile"
        assert key in problems(sessionManager={"winShellProfile": character * 33_000})
