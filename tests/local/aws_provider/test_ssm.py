"""Documents, parameters, associations, maintenance windows and patch baselines (Terraform AWS provider: internal/service/ssm)."""

import hashlib
import json
from typing import Any

import pytest

from local.aws_provider import wire
from local.aws_provider.wire import UNKNOWN, Secret
from tests.local.aws_provider.conftest import lifecycle, refusals

document = "aws:ssm/document:Document"


def content(description: str = "d", version: str = "2.2") -> Any:
    if version == "1.2":
        return json.dumps({"schemaVersion": "1.2", "description": description, "runtimeConfig": {}})
    step = {"action": "aws:runShellScript", "name": "x", "inputs": {"runCommand": ["true"]}}
    return json.dumps({"schemaVersion": version, "description": description, "mainSteps": [step]})


def command(**change: Any) -> Any:
    return {"name": "doc", "documentType": "Command", "content": content(), **change}


test_document_refuses = refusals(
    document,
    command(),
    ({"documentFormat": "XML"}, "YAML"),
    ({"documentType": "Shell"}, "Automation.ChangeTemplate"),
    ({"name": "a b"}, "must hold only"),
    ({"name": "ab"}, "length"),
    ({"permissions": {"type": "Share"}}, "account_ids"),
    ({"permissions": {"type": "Give", "account_ids": "1"}}, "Share"),
)


def test_document_accepts_change_templates(provider: Any) -> None:
    assert provider.check(document, "d", command(documentType="Automation.ChangeTemplate"))


def test_outputs_of_a_new_document(provider: Any) -> None:
    made = provider.up(document, "d", command())
    assert (made.id, made["arn"]) == ("doc", "arn:aws:ssm:eu-west-1:123456789012:document/doc")
    assert (made["defaultVersion"], made["documentVersion"], made["latestVersion"]) == ("1", "1", "1")
    assert made["hash"] == hashlib.sha256(content().encode()).hexdigest()
    assert (made["schemaVersion"], made["status"], made["documentFormat"]) == ("2.2", "Active", "JSON")
    assert provider.unchanged(document, "d", command())


def test_update_makes_the_new_version_the_default(provider: Any, aws: Any) -> None:
    provider.up(document, "d", command())
    news = command(content=content("new"))
    planned = provider.preview(document, "d", news)
    assert {name for name, value in planned.items() if value is UNKNOWN} == {
        "defaultVersion",
        "documentVersion",
        "hash",
        "latestVersion",
        "parameters",
    }
    made = provider.up(document, "d", news)
    assert (made["defaultVersion"], made["latestVersion"]) == ("2", "2")
    assert aws("ssm").get_document(Name="doc")["Content"] == content("new")


def test_content_is_compared_byte_by_byte(provider: Any) -> None:
    provider.up(document, "d", command())
    indented = command(content=json.dumps(json.loads(content()), indent=1))
    assert list(provider.diff(document, "d", indented).diffs) == ["content"]


def test_duplicate_content_makes_the_latest_version_default(provider: Any) -> None:
    provider.up(document, "d", command())
    provider.up(document, "d", command(content=content("two")))
    made = provider.up(document, "d", command())
    assert made["defaultVersion"] == "2"


def test_only_the_name_replaces(provider: Any) -> None:
    provider.up(document, "d", command())
    news = command(name="other", documentType="Automation", documentFormat="YAML")
    answer = provider.diff(document, "d", news)
    assert set(answer.diffs) == {"name", "documentType", "documentFormat"}
    assert list(answer.replaces) == ["name"]
    assert answer.deleteBeforeReplace


def test_old_schema_with_the_same_content_calls_nothing(
    provider: Any, refusing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from local.aws_provider.aws import ProviderSession  # noqa: PLC0415

    provider.up(document, "d", command(content=content(version="1.2")))
    monkeypatch.setattr(ProviderSession, "request", refusing("UpdateDocument"))
    made = provider.up(document, "d", command(content=content(version="1.2"), documentFormat="YAML"))
    assert made["defaultVersion"] == "1"


def test_sharing_is_a_set_of_accounts(provider: Any, aws: Any) -> None:
    def shared(*accounts: Any) -> Any:
        return command(permissions={"type": "Share", "account_ids": ",".join(accounts)})

    def seen() -> Any:
        answer = aws("ssm").describe_document_permission(Name="doc", PermissionType="Share")
        return set(answer["AccountIds"])

    provider.up(document, "d", shared("111111111111", "222222222222"))
    assert not provider.diff(document, "d", shared("222222222222", "111111111111")).diffs
    provider.up(document, "d", shared("333333333333", "222222222222"))
    assert seen() == {"222222222222", "333333333333"}
    provider.up(document, "d", command())
    assert seen() == set()


def test_document_drift_is_read(provider: Any, aws: Any) -> None:
    provider.up(document, "d", command())
    aws("ssm").update_document(Name="doc", Content=content("by hand"), DocumentVersion="1")
    provider.refresh(document, "d")
    assert list(provider.diff(document, "d", command()).diffs) == ["content"]


def test_tags_change_without_a_new_version(provider: Any) -> None:
    provider.up(document, "d", command(tags={"a": "b"}))
    made = provider.up(document, "d", command(tags={"c": "d"}))
    assert (made["tagsAll"], made["latestVersion"]) == ({"c": "d"}, "1")


TestDocument = lifecycle(
    document,
    command(),
    delete=lambda aws, _: aws("ssm").delete_document(Name="doc"),
    imported_by="doc",
    exists="ssm:CreateDocument failed with DocumentAlreadyExists",
)


# Parameters: internal/service/ssm/parameter.go.


parameter = "aws:ssm/parameter:Parameter"
string = {"name": "/a/b", "type": "String", "value": "v"}


test_parameter_refuses = refusals(
    parameter,
    string,
    ({"type": "Text"}, "SecureString"),
    ({"insecureValue": "x"}, "one of `value,insecureValue,valueWo` must be specified"),
    ({"value": None}, "must be specified, got none"),
    ({"description": "x" * 1025}, "length"),
    ({"name": "x" * 2049}, "length"),
)


def test_value_is_always_secret(provider: Any) -> None:
    made = provider.up(parameter, "p", string)
    assert made.outputs["value"] == Secret("v")
    refreshed = provider.refresh(parameter, "p")
    assert refreshed.outputs["value"] == refreshed.inputs["value"] == Secret("v")


def test_insecure_value_is_shown(provider: Any) -> None:
    inputs = {"name": "p", "type": "String", "insecureValue": "v"}
    assert provider.up(parameter, "p", inputs).outputs["insecureValue"] == "v"
    assert provider.unchanged(parameter, "p", inputs)


def test_secure_string_cannot_be_insecure(provider: Any) -> None:
    with pytest.raises(Exception, match="cannot be used with type SecureString"):
        provider.up(parameter, "p", {"name": "p", "type": "SecureString", "insecureValue": "v"})


def test_arn_has_no_second_slash(provider: Any) -> None:
    made = provider.up(parameter, "p", string)
    assert (made.id, made["arn"]) == ("/a/b", "arn:aws:ssm:eu-west-1:123456789012:parameter/a/b")
    assert (made["version"], made["tier"], made["dataType"]) == (1, "Standard", "text")


def test_value_type_and_description_change_in_place(provider: Any, aws: Any) -> None:
    provider.up(parameter, "p", string)
    news = {**string, "type": "SecureString", "value": "w", "description": "d"}
    planned = provider.preview(parameter, "p", news)
    assert planned["version"] is UNKNOWN
    assert provider.up(parameter, "p", news)["version"] == 2
    assert aws("ssm").get_parameter(Name="/a/b")["Parameter"]["Type"] == "SecureString"
    assert provider.unchanged(parameter, "p", news)


def test_tags_and_value_change_together(provider: Any) -> None:
    provider.up(parameter, "p", {**string, "tags": {"a": "1", "b": "2"}})
    assert provider.up(parameter, "p", {**string, "value": "w", "tags": {"a": "3"}})["tagsAll"] == {"a": "3"}


def test_drift_of_the_value_is_found(provider: Any, aws: Any) -> None:
    provider.up(parameter, "p", string)
    aws("ssm").put_parameter(Name="/a/b", Value="other", Overwrite=True)
    provider.refresh(parameter, "p")
    assert list(provider.diff(parameter, "p", string).diffs) == ["value"]


def test_import_brings_the_value_as_a_secret(provider: Any, aws: Any) -> None:
    aws("ssm").put_parameter(Name="/a/b", Type="SecureString", Value="v")
    taken = provider.take_over(parameter, "p", "/a/b")
    assert taken.inputs["value"] == Secret("v")
    assert wire.plain(taken.inputs)["type"] == "SecureString"


TestParameter = lifecycle(
    parameter,
    string,
    delete=lambda aws, _: aws("ssm").delete_parameter(Name="/a/b"),
    imported_by="/a/b",
    replacing=({"name": "c"},),
    exists="ssm:PutParameter failed with ParameterAlreadyExists",
)


# Associations: internal/service/ssm/association.go.


association = "aws:ssm/association:Association"
given: dict[str, Any] = {
    "name": "AWS-UpdateSSMAgent",
    "associationName": "agents",
    "scheduleExpression": "rate(14 days)",
    "maxConcurrency": "10%",
    "maxErrors": "5%",
    "parameters": {"allowDowngrade": "false"},
    "targets": [{"key": "InstanceIds", "values": ["*"]}],
    "tags": {"owner": "security"},
}


def described(aws: Any, id_: str) -> dict[str, Any]:
    return aws("ssm").describe_association(AssociationId=id_)["AssociationDescription"]


def test_association_is_known_by_its_id(provider: Any, aws: Any) -> None:
    made = provider.up(association, "agents", given)
    assert made.id == made["associationId"] == described(aws, made.id)["AssociationId"]
    assert made["arn"] == f"arn:aws:ssm:eu-west-1:123456789012:association/{made.id}"
    assert (made["documentVersion"], made["applyOnlyAtCronInterval"]) == ("$DEFAULT", False)
    assert provider.unchanged(association, "agents", given)


def test_association_update_sends_all_arguments(provider: Any, aws: Any) -> None:
    made = provider.up(association, "agents", given)
    changed = {key: value for key, value in given.items() if key != "maxErrors"} | {"scheduleExpression": "rate(1 day)"}
    assert not provider.diff(association, "agents", changed).replaces
    provider.up(association, "agents", changed)
    found = described(aws, made.id)
    assert (found["ScheduleExpression"], found["AssociationName"]) == ("rate(1 day)", "agents")
    assert found["Parameters"] == {"allowDowngrade": ["false"]}
    assert "MaxErrors" not in found
    assert provider.unchanged(association, "agents", changed)


def test_tags_of_an_association_change_on_their_own(provider: Any, aws: Any) -> None:
    made = provider.up(association, "agents", given)
    provider.up(association, "agents", {**given, "tags": {"stage": "prod"}})
    tags = aws("ssm").list_tags_for_resource(ResourceType="Association", ResourceId=made.id)["TagList"]
    assert tags == [{"Key": "stage", "Value": "prod"}]
    assert described(aws, made.id)["AssociationVersion"] == "1"


def test_unknown_document_is_an_error(provider: Any, aws: Any) -> None:
    assert aws
    with pytest.raises(Exception, match="ssm:CreateAssociation failed with InvalidDocument"):
        provider.up(association, "agents", {**given, "name": "Ours"})


test_what_upstream_refuses_of_an_association = refusals(
    association,
    given,
    ({"associationName": "a b"}, "alphanumeric"),
    ({"maxConcurrency": "0"}, "valid number"),
    ({"maxErrors": "101%"}, "valid number"),
    ({"targets": [{"key": "InstanceIds", "values": ["*"]}] * 6}, "5"),
    ({"waitForSuccessTimeoutSeconds": 10}, "not supported|stand-in|refused"),
)


TestAssociation = lifecycle(
    association,
    given,
    delete=lambda aws, made: aws("ssm").delete_association(AssociationId=made.id),
    imported_by="{id}",
    replacing=({"name": "AWS-RunPatchBaseline"},),
)


# Maintenance windows and patch baselines.


window = "aws:ssm/maintenanceWindow:MaintenanceWindow"
target = "aws:ssm/maintenanceWindowTarget:MaintenanceWindowTarget"
task = "aws:ssm/maintenanceWindowTask:MaintenanceWindowTask"
baseline = "aws:ssm/patchBaseline:PatchBaseline"
group = "aws:ssm/patchGroup:PatchGroup"

WINDOW: dict[str, Any] = {
    "name": "dc-a",
    "schedule": "cron(0 2 ? * SUN *)",
    "scheduleTimezone": "Etc/UTC",
    "duration": 4,
    "cutoff": 1,
    "description": "Patches",
    "tags": {"a": "b"},
}
INSTANCES = [{"key": "InstanceIds", "values": ["i-0123456789abcdef0"]}]


def test_window_is_created_and_changes_in_place(provider: Any, aws: Any) -> None:
    made = provider.up(window, "w", WINDOW)
    assert (made["enabled"], made["allowUnassociatedTargets"]) == (True, False)
    assert provider.unchanged(window, "w", WINDOW)
    changed = {**WINDOW, "name": "dc-b", "duration": 6, "enabled": False}
    assert not provider.diff(window, "w", changed).replaces
    provider.up(window, "w", changed)
    found = aws("ssm").get_maintenance_window(WindowId=made.id)
    assert (found["Name"], found["Duration"], found["Enabled"]) == ("dc-b", 6, False)
    aws("ssm").delete_maintenance_window(WindowId=made.id)
    assert provider.refresh(window, "w") is None


def test_window_that_is_off_is_created_off(provider: Any, aws: Any) -> None:
    """CreateMaintenanceWindow has no such argument (maintenance_window.go)."""
    made = provider.up(window, "w", {**WINDOW, "enabled": False})
    assert aws("ssm").get_maintenance_window(WindowId=made.id)["Enabled"] is False


def test_target_and_task_follow_their_window(provider: Any, aws: Any) -> None:
    id_ = provider.up(window, "w", WINDOW).id
    aimed = {"windowId": id_, "resourceType": "INSTANCE", "name": "dc-a", "targets": INSTANCES}
    given: dict[str, Any] = {
        "windowId": id_,
        "taskType": "RUN_COMMAND",
        "taskArn": "AWS-RunPatchBaselineWithHooks",
        "maxConcurrency": "1",
        "maxErrors": "0",
        "name": "dc-a",
        "targets": [{"key": "WindowTargetIds", "values": [provider.up(target, "t", aimed).id]}],
        "taskInvocationParameters": {
            "runCommandParameters": {
                "timeoutSeconds": 600,
                "parameters": [
                    {"name": "RebootOption", "values": ["RebootIfNeeded"]},
                    {"name": "Operation", "values": ["Install"]},
                ],
            }
        },
    }
    made = provider.up(task, "k", given)
    assert provider.unchanged(task, "k", given)
    found = aws("ssm").get_maintenance_window_task(WindowId=id_, WindowTaskId=made.id)
    assert found["TaskInvocationParameters"]["RunCommand"]["Parameters"]["Operation"] == ["Install"]
    provider.up(task, "k", {**given, "maxErrors": "1"})
    assert aws("ssm").get_maintenance_window_task(WindowId=id_, WindowTaskId=made.id)["MaxErrors"] == "1"
    moved = {**aimed, "targets": [{"key": "InstanceIds", "values": ["i-0123456789abcdef1"]}]}
    assert not provider.diff(target, "t", moved).replaces
    provider.up(target, "t", moved)
    other = provider.up(window, "x", {**WINDOW, "name": "dc-x"}).id
    assert list(provider.diff(target, "t", {**moved, "windowId": other}).replaces) == ["windowId"]
    aws("ssm").deregister_task_from_maintenance_window(WindowId=id_, WindowTaskId=made.id)
    assert provider.refresh(task, "k") is None


def test_baseline_has_rules_and_a_group(provider: Any, aws: Any) -> None:
    rule = {"approveAfterDays": 7, "patchFilters": [{"key": "CLASSIFICATION", "values": ["SecurityUpdates"]}]}
    given = {"name": "windows", "approvalRules": [rule], "tags": {"a": "b"}}
    made = provider.up(baseline, "b", given)
    assert made["operatingSystem"] == "WINDOWS"
    assert provider.unchanged(baseline, "b", given)
    changed = {**given, "approvalRules": [{**rule, "approveAfterDays": 0}]}
    provider.up(baseline, "b", changed)
    (found,) = aws("ssm").get_patch_baseline(BaselineId=made.id)["ApprovalRules"]["PatchRules"]
    assert (found["ApproveAfterDays"], found["ComplianceLevel"]) == (0, "UNSPECIFIED")
    assert list(provider.diff(baseline, "b", {**changed, "operatingSystem": "UBUNTU"}).replaces) == ["operatingSystem"]
    grouped = provider.up(group, "g", {"baselineId": made.id, "patchGroup": "dc"})
    assert grouped.id == f"dc,{made.id}"
    aws("ssm").deregister_patch_baseline_for_patch_group(BaselineId=made.id, PatchGroup="dc")
    assert provider.refresh(group, "g") is None


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        (window, {"startDate": "2027-01-01"}, "not supported"),
        (window, {"name": "a b"}, "alphanumeric"),
        (baseline, {"name": "b", "rejectedPatches": ["KB1"]}, "not supported"),
    ],
)
def test_maintenance_rejects_what_it_does_not_know(
    provider: Any, kind: str, change: dict[str, Any], reason: str
) -> None:
    given = WINDOW if kind == window else {}
    with pytest.raises(Exception, match=reason):
        provider.check(kind, "w", {**given, **change})
