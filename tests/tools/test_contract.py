"""`make contract` with the stand-in as the plugin: the official one is not available everywhere."""

import json
import sys
from pathlib import Path

import pytest

from local.workspace import PLUGIN_VARIABLE, REPOSITORY, PluginError, install_stand_in, plugin_version
from tools import contract


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    return install_stand_in(tmp_path, Path(sys.executable), REPOSITORY)


def test_contract_without_plugin_reports_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PLUGIN_VARIABLE, raising=False)
    with pytest.raises(PluginError, match=f"`pulumi plugin install resource aws v{plugin_version()}`"):
        contract.run_contract([])


def test_contract_refuses_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLUGIN_VARIABLE, "/bin/true")
    with pytest.raises(PluginError, match="expected a Pulumi plugin that prints its port, got ''"):
        contract.run_contract([])


def test_contract_refuses_another_version(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLUGIN_VARIABLE, str(stand_in))
    monkeypatch.setattr(contract, "plugin_version", lambda: "9.9.9")
    with pytest.raises(PluginError, match=r"expected version 9\.9\.9, .* got " + plugin_version()):
        contract.run_contract([])


def test_stand_in_is_never_kept_as_measured(stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    official = tmp_path / "official"
    official.write_bytes(b"\x7fELF")
    official.chmod(0o755)
    monkeypatch.setenv(PLUGIN_VARIABLE, str(official))
    assert contract.kept_in("7.51.1", "") == contract.MEASURED / "7.51.1.json"
    assert contract.kept_in("7.51.1", "test_kms") is None
    monkeypatch.setenv(PLUGIN_VARIABLE, str(stand_in))
    assert contract.kept_in("7.51.1", "") is None


@pytest.mark.local_aws
def test_contract_keeps_answers_that_can_be_replayed(stand_in: Path, tmp_path: Path) -> None:
    measured = tmp_path / "measured.json"
    chosen = ["-k", "(everything_but_tags or flow_log_refuses) and (change1 or change0)"]
    assert contract.compare_facts(stand_in, plugin_version(), chosen, measured)
    kept = json.loads(measured.read_text())
    assert (kept["version"], kept["different"]) == (plugin_version(), [])
    (answers,) = kept["answers"].values()
    outcomes = {(each["step"], each["outcome"]) for each in answers}
    assert outcomes >= {("check", "refused"), ("check", "accepted"), ("diff", "create-replace")}
    other = {"create-replace": "update", "refused": "accepted", "accepted": "refused"}
    with contract.running_plugin(stand_in, {"AWS_REGION": "eu-west-1"}) as running:
        assert contract.differences(running.stub, answers) == []
        altered = [{**each, "outcome": other.get(each["outcome"], "create-replace")} for each in answers]
        found = contract.differences(running.stub, altered)
    assert len(found) == len(answers)
    assert any("iamRoleArn, tags, tagsAll changed: expected update, got create-replace" in each for each in found)


@pytest.mark.local_aws
def test_contract_names_a_fact_that_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A plugin with another default for a flow log's interval."""
    other = tmp_path / "other-plugin"
    program = """import sys
from local.aws_provider.server import serve
from local.aws_provider.types.ec2 import FLOW_LOG
vars(FLOW_LOG.properties["maxAggregationInterval"])["default"] = 60
sys.exit(serve())"""
    other.write_text(f"#!/bin/sh\nPYTHONPATH='{REPOSITORY}' exec '{sys.executable}' -P -c '{program}'\n")
    other.chmod(0o755)
    measured = tmp_path / "measured.json"
    assert not contract.compare_facts(other, plugin_version(), ["-k", "test_outputs_of_a_flow_log"], measured)
    assert "differs: tests/local/aws_provider/test_ec2.py::" in capsys.readouterr().err
    assert len(json.loads(measured.read_text())["different"]) == 1
