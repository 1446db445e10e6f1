"""The process as the engine starts it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.aws_provider import registry
from local.workspace import install_stand_in, plugin_version

pytestmark = pytest.mark.local_aws

repository = Path(__file__).parents[3]


@pytest.fixture
def launcher(tmp_path: Path) -> Any:
    return install_stand_in(tmp_path, Path(sys.executable), repository)


@pytest.fixture
def plugin(launcher: Path, tmp_path: Path) -> Any:
    """The running plugin; its port is the first line that it prints."""
    running = subprocess.Popen(
        [launcher, "127.0.0.1:1"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield running
    if running.poll() is None:
        running.kill()
    running.communicate()


def stub(running: Any) -> Any:
    port = int(running.stdout.readline())
    return provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}"))


def test_launcher_is_in_the_plugin_folder(tmp_path: Path, launcher: Path) -> None:
    assert launcher == tmp_path / "plugins" / f"resource-aws-v{plugin_version()}" / "pulumi-resource-aws"
    assert os.access(launcher, os.X_OK)


def test_installing_again_changes_nothing(tmp_path: Path, launcher: Path) -> None:
    before = launcher.stat().st_mtime_ns
    assert install_stand_in(tmp_path, Path(sys.executable), repository) == launcher
    assert launcher.stat().st_mtime_ns == before


def test_moved_repository_is_written_anew(tmp_path: Path, launcher: Path) -> None:
    install_stand_in(tmp_path, Path(sys.executable), tmp_path / "else where")
    assert f"'{tmp_path}/else where'" in launcher.read_text()


def test_plugin_serves_from_any_folder_with_its_version(plugin: Any) -> None:
    assert stub(plugin).GetPluginInfo(empty_pb2.Empty()).version == plugin_version()


def test_it_takes_secrets_and_automatic_names(plugin: Any) -> None:
    answer = stub(plugin).Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="x"))
    assert answer.accept_secrets
    assert answer.supports_autonaming_configuration


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_quietly(plugin: Any, number: signal.Signals) -> None:
    stub(plugin).GetPluginInfo(empty_pb2.Empty())
    plugin.send_signal(number)
    assert plugin.wait(timeout=15) == 0
    assert plugin.stderr.read() == ""


def test_cancel_ends_it(plugin: Any) -> None:
    client = stub(plugin)
    client.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError):
        client.Check(provider_pb2.CheckRequest(urn="urn:pulumi:d::p::aws:kms/key:Key::k"))
    assert plugin.wait(timeout=15) == 0


def test_it_ends_with_its_parent(launcher: Path) -> None:
    parent = subprocess.Popen(
        ["sh", "-c", f"{launcher} </dev/null & echo $!; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert int(parent.stdout.readline()), "its port: it has started"
    parent.kill()
    parent.wait()
    while _runs(child):
        time.sleep(0.05)
    parent.stdout.close()


def test_unconfigured_provider_is_an_error(plugin: Any) -> None:
    with pytest.raises(grpc.RpcError, match="the provider was not configured"):
        stub(plugin).Check(provider_pb2.CheckRequest(urn="urn:pulumi:d::p::aws:kms/key:Key::k"))


def test_plugin_starts_without_botocore_and_the_sdk() -> None:
    code = (
        "import sys; from local import protocol; protocol.import_protocol_only();"
        "from local.aws_provider import servicer, registry; registry.all_resources();"
        "print([name for name in ('botocore', 'boto3', 'pulumi.output', 'pulumi_aws') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_table_is_printed_on_request() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "local.aws_provider", "--table"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == registry.render_table()


def _runs(process: int) -> bool:
    """Return whether a process runs; an ended one is listed until its parent reads the exit code."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
