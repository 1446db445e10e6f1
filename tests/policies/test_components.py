"""The pack and the components agree: no rule fires on what the components register with their defaults."""

import json
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from components.account import Account
from components.session_manager.component import RegionalPreferences, RegionalPreferencesArgs
from components.session_manager.document import document
from components.session_manager.instance_policy import instance_policies
from components.session_manager.settings import SessionManagerSettings, preferences
from policies import session_manager
from policies.catalog import RULES
from tests.policies.judging import judge
from tests.policies.session_manager.forms import DOCUMENT

POLICY = "aws:iam/policy:Policy"


class Recorder(mocks.Mocks):
    def __init__(self) -> None:
        self.registered: list[mocks.MockResourceArgs] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.registered.append(args)
        return f"{args.name}-id", {**args.inputs, "keyId": f"{args.name}-id", "arn": f"arn:{args.name}"}

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        pytest.fail(f"{args.token} was called")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[mocks.MockResourceArgs]:
    # Nothing exists yet, and no call is made.
    for module in ("lookup", "adopted_resource"):
        monkeypatch.setattr(f"components.adoption.{module}.find_existing", lambda *_name: None)
    monkeypatch.setattr("components.adoption.adopted_resource.state_outputs", dict)
    recorder = Recorder()
    mocks.set_mocks(recorder)

    @pulumi.runtime.test
    def program() -> pulumi.Output[Any]:
        args = RegionalPreferencesArgs(
            region="eu-west-1", settings=SessionManagerSettings(), account=Account(id="123456789012", partition="aws")
        )
        return pulumi.Output.from_input(RegionalPreferences("preferences", args).outputs)

    program()
    return recorder.registered


def test_no_rule_fires_on_what_the_components_register(registered: list[mocks.MockResourceArgs]) -> None:
    judged: set[str] = set()
    for args in registered:
        for rule in RULES:
            if args.typ in rule.types:
                inputs = {name: value for name, value in args.inputs.items() if not name.startswith("__")}
                result = judge(rule, args.typ, inputs)
                assert not result.violations, rule.id
                assert not result.unseen, rule.id
                judged.add(rule.id)
    wanted = {rule.id for rule in session_manager.RULES} | {"kms-key-rotation", "log-group-encrypted"}
    assert judged >= wanted - {"session-document-readable"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_no_rule_fires_on_the_published_document(rule: Any) -> None:
    values = preferences(SessionManagerSettings(), account_id="123456789012", region="eu-west-1", kms_key_id="key")
    properties = {"documentType": "Session", "documentFormat": "JSON", "content": json.dumps(document(values))}
    result = judge(rule, DOCUMENT, properties)
    assert (result.violations, result.unseen) == ([], [])


@pytest.mark.parametrize("prefix", ["logs", "p" * 512], ids=["compact", "several"])
def test_no_rule_fires_on_instance_policies_of_many_regions(prefix: str) -> None:
    settings = {
        f"eu-west-{number}": SessionManagerSettings(s3_logging=True, s3_bucket_name="logs", s3_key_prefix=prefix)
        for number in range(1, 41)
    }
    policies = instance_policies(settings, partition="aws", account_id="123456789012")
    judged = 0
    for name, content in policies.items():
        properties = {"name": name, "policy": json.dumps(content)}
        for rule in RULES:
            if POLICY in rule.types:
                result = judge(rule, POLICY, properties)
                assert (result.violations, result.unseen) == ([], []), rule.id
                judged += 1
    assert judged
