"""A second stack over the account of another one, on the real engine: it is refused, and changes nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from components.adoption.document_ownership import OWNER_TAG
from components.adoption.governance import POLICY_NAME
from components.session_manager.document import DOCUMENT_NAME
from components.session_manager.names import INSTANCE_POLICY_NAME
from tests.support.stack import Run, Stack

pytestmark = pytest.mark.engine

ALPHA, BETA = "organization/shell-access/alpha", "organization/shell-access/beta"
SESSION_MANAGER: dict[str, Any] = {"instanceRoles": ["WorkloadInstance"], "retainLogs": False}
PLAIN: dict[str, Any] = {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False}
"""Needs no policy, key, log group or parameter."""
REGIONS = ("eu-west-1", "us-east-1")


class Account:
    """Return the resources of an account of all types that stacks register."""

    def __init__(self, aws: Callable[..., Any]) -> None:
        self._aws = aws

    def everything(self) -> dict[str, Any]:
        found: dict[str, Any] = {"iam": self._iam()}
        for region in REGIONS:
            found[region] = {**self._keys(region), **self._systems_manager(region), **self._logs(region)}
        return found

    def owner(self) -> str | None:
        """Owner that the record of the governing stack names."""
        return next((tags.get(OWNER_TAG) for arn, tags, *_ in self._policies() if arn.endswith(POLICY_NAME)), None)

    def _policies(self) -> list[tuple[str, dict[str, str], str, list[str]]]:
        iam = self._aws("iam")
        found: list[tuple[str, dict[str, str], str, list[str]]] = []
        for each in iam.list_policies(Scope="Local")["Policies"]:
            policy = iam.get_policy(PolicyArn=each["Arn"])["Policy"]
            attached = iam.list_entities_for_policy(PolicyArn=each["Arn"])
            names = sorted(
                [
                    *(role["RoleName"] for role in attached["PolicyRoles"]),
                    *(user["UserName"] for user in attached["PolicyUsers"]),
                ]
            )
            found.append((each["Arn"], _tags(policy.get("Tags", [])), policy["DefaultVersionId"], names))
        return sorted(found)

    def _iam(self) -> dict[str, Any]:
        iam = self._aws("iam")
        roles = {
            role["RoleName"]: _tags(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])
            for role in iam.list_roles()["Roles"]
        }
        return {"policies": self._policies(), "roles": roles}

    def _keys(self, region: str) -> dict[str, Any]:
        kms = self._aws("kms", region)
        keys = {
            each["KeyId"]: (
                kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]["KeyState"],
                _tags(kms.list_resource_tags(KeyId=each["KeyId"])["Tags"]),
            )
            for each in kms.list_keys()["Keys"]
        }
        aliases = {each["AliasName"]: each.get("TargetKeyId") for each in kms.list_aliases()["Aliases"]}
        return {"keys": keys, "aliases": aliases}

    def _systems_manager(self, region: str) -> dict[str, Any]:
        ssm = self._aws("ssm", region)
        own = ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"]
        documents = {
            each["Name"]: (
                ssm.get_document(Name=each["Name"])["Content"],
                ssm.describe_document(Name=each["Name"])["Document"]["LatestVersion"],
                _tags(each.get("Tags", [])),
            )
            for each in own
        }
        parameters = {each["Name"]: each["Version"] for each in ssm.describe_parameters()["Parameters"]}
        return {"documents": documents, "parameters": parameters}

    def _logs(self, region: str) -> dict[str, Any]:
        logs, sns = self._aws("logs", region), self._aws("sns", region)
        groups = {
            each["logGroupName"]: (
                each.get("kmsKeyId"),
                each.get("retentionInDays"),
                logs.list_tags_for_resource(resourceArn=each["arn"].removesuffix(":*"))["tags"],
            )
            for each in logs.describe_log_groups()["logGroups"]
        }
        topics = {
            each["TopicArn"]: sns.get_topic_attributes(TopicArn=each["TopicArn"])["Attributes"]
            for each in sns.list_topics()["Topics"]
        }
        return {"groups": groups, "topics": topics}


def _tags(listed: list[dict[str, str]]) -> dict[str, str]:
    return {each.get("Key", each.get("TagKey", "")): each.get("Value", each.get("TagValue", "")) for each in listed}


def refused(run: Run, account: Account, before: dict[str, Any]) -> str:
    text = run.failed().text
    assert account.everything() == before
    assert ALPHA in text
    assert "shell-access:takeOver to true here" in text
    assert r"\n" not in text
    return text


def test_second_stack_is_refused_and_changes_nothing(new_stack: Callable[..., Stack], aws: Callable[..., Any]) -> None:
    account, alpha, beta = Account(aws), new_stack("alpha"), new_stack("beta")
    alpha.configure({"sessionManager": SESSION_MANAGER})
    alpha.up().succeeded()
    before = account.everything()

    beta.configure({"sessionManager": SESSION_MANAGER | {"idleSessionTimeout": 5}})
    text = refused(beta.up(), account, before)
    assert f"account 123456789012 is governed by the stack {ALPHA}, and one stack governs an account" in text
    for kept in (
        f"the document {DOCUMENT_NAME} in eu-west-1",
        "the key alias/session-manager/data in eu-west-1",
        "the key alias/session-manager/logs in eu-west-1",
        "the log group ssm-sessionmanager-logs in eu-west-1",
        "the parameter /session-manager/session-data-key in eu-west-1",
        f"the policy {INSTANCE_POLICY_NAME}",
    ):
        assert kept in text
    refused(beta.preview(), account, before)
    for configuration in (
        {"regions": ["us-east-1"], "sessionManager": SESSION_MANAGER},
        {
            "regions": ["us-east-1"],
            "sessionManager": {"createCwLogGroup": False, "cwLogGroupName": "", "sessionDataEncryption": False},
        },
        {"nodes": {"defaultHostManagement": {}}},
        {"domainControllers": {"managementAccess": "session-manager"}},
    ):
        beta.configure(configuration)
        refused(beta.up(), account, before)
    beta.destroy().succeeded()
    assert account.everything() == before


def test_first_runs_at_the_same_time_leave_one_whole_stack(
    new_stack: Callable[..., Stack], aws: Callable[..., Any]
) -> None:
    account, empty = Account(aws), Account(aws).everything()
    stacks = {ALPHA: new_stack("alpha"), BETA: new_stack("beta")}
    for each in stacks.values():
        each.configure({"sessionManager": SESSION_MANAGER})
    with ThreadPoolExecutor() as runs:
        ended = dict(zip(stacks, runs.map(lambda each: each.up(), stacks.values()), strict=True))
    (winner,) = (name for name, run in ended.items() if not run.code)
    (loser,) = ended.keys() - {winner}
    assert f"governed by the stack {winner}" in ended[loser].failed().text
    stacks[winner].preview("--refresh", "--expect-no-changes").succeeded()
    before = account.everything()
    stacks[loser].destroy().succeeded()
    assert account.everything() == before
    assert account.owner() == winner

    stacks[loser].configure({"sessionManager": SESSION_MANAGER, "takeOver": True})
    stacks[loser].up().succeeded()
    stacks[loser].preview("--refresh", "--expect-no-changes").succeeded()
    taken = account.everything()
    assert account.owner() == loser
    for run in (stacks[winner].up().failed(), stacks[winner].destroy().failed()):
        assert loser in run.text
        assert account.everything() == taken
    stacks[loser].destroy().succeeded()
    left = account.everything()
    assert account.owner() is None
    # What was there before the first stack comes back of the document, and what the first stack had of everything else.
    assert left["eu-west-1"]["documents"] == {}
    assert (
        left["eu-west-1"]["aliases"].items()
        >= {name: key for name, key in before["eu-west-1"]["aliases"].items() if "session-manager" in name}.items()
    )
    assert [name for name, (_, _, tags) in left["eu-west-1"]["groups"].items() if OWNER_TAG in tags] == []
    assert left["us-east-1"] == empty["us-east-1"]
