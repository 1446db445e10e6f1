"""Contract of the stand-in: `make contract` compares it with the official AWS plugin, on the same emulator.

Three parts: the facts (tests of the stand-in, run against the plugin; a refusal is a fact, its wording is not), the
stack `dev`, and the tests on the engine. The plugin's answers, by resource type and inputs, are stored in
`tests/local/aws_provider/measured/<version>.json`, against which the stand-in is then tested without the plugin.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local import workspace
from local.cache import say
from local.dev import Dev
from local.workspace import plugin_version
from tests.support import recorder
from tests.support.api_calls import UNKNOWN
from tests.support.emulator import INSTRUMENTED

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

PLUGIN: Final = "SHELL_ACCESS_CONTRACT_PLUGIN"
"""Environment variable of tests: the plugin that replaces the stand-in."""
ANSWERS: Final = "SHELL_ACCESS_CONTRACT_ANSWERS"
"""Environment variable of tests: the folder for the plugin's recorded answers."""
MEASURED: Final = workspace.REPOSITORY / "tests" / "local" / "aws_provider" / "measured"
RECORDED_ACTIONS: Final = workspace.REPOSITORY / "tests" / "engine" / "recorded_actions.json"
NO_PLUGIN: Final = (
    f"{workspace.PLUGIN_VARIABLE} is not set: expected the path of the official plugin. Get it with `pulumi plugin install resource aws "
    f"v{plugin_version()}`, then set {workspace.PLUGIN_VARIABLE} to "
    f"~/.pulumi/plugins/resource-aws-v{plugin_version()}/pulumi-resource-aws."
)
REFUSED: Final = "refused"
_COMMANDS: Final = frozenset({"up", "preview", "destroy"})
_SECONDS_TO_STOP: Final = 20

Answer = dict[str, Any]


class Part(StrEnum):
    """Parts that can be compared separately."""

    FACTS = "facts"
    DEV = "dev"
    ENGINE = "engine"


@dataclass(frozen=True)
class RunningPlugin:
    """Process of a plugin.

    Attributes:
        stub: gRPC stub of its service.
    """

    stub: Any
    version: str


@contextmanager
def running_plugin(executable: Path, environment: Mapping[str, str]) -> Generator[RunningPlugin]:
    """Run a plugin, as the engine starts one.

    Raises:
        PluginError: The plugin ended before it printed its port.
    """
    import grpc  # noqa: PLC0415 -- what only this command needs
    from google.protobuf import empty_pb2  # noqa: PLC0415
    from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc  # noqa: PLC0415

    from local.aws_provider.server import message_bytes  # noqa: PLC0415

    class Engine(engine_pb2_grpc.EngineServicer):
        """Engine that discards the plugin's log."""

        def Log(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002, N802 -- the protocol's names
            return empty_pb2.Empty()

    engine = grpc.server(ThreadPoolExecutor(max_workers=4))
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(), engine)
    address = f"127.0.0.1:{engine.add_insecure_port('127.0.0.1:0')}"
    engine.start()
    with subprocess.Popen(
        [str(executable), address],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
        text=True,
    ) as process:
        try:
            port = (process.stdout.readline() if process.stdout else "").strip()
            if not port.isdigit():
                raise workspace.PluginError(
                    f"{executable}: expected a Pulumi plugin that prints its port, got {port!r}."
                )
            options = [("grpc.max_receive_message_length", message_bytes)]
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
                stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
                version = stub.GetPluginInfo(empty_pb2.Empty()).version.removeprefix("v")
                yield RunningPlugin(stub=stub, version=version)
        finally:
            _end(process)
            engine.stop(None)


def run_contract(parts: Sequence[Part], select: str = "") -> bool:
    """Compare the parts, and print the differences.

    Args:
        parts: Parts to compare; all if empty.
        select: Expression of pytest (`-k`) for the facts and the tests on the engine; empty for all of them.

    Returns:
        Whether nothing differs.

    Raises:
        PluginError: No plugin is named, or it is not a plugin, or its version is not the program's.
    """
    executable = workspace.named_plugin()
    if executable is None:
        raise workspace.PluginError(NO_PLUGIN)
    with running_plugin(executable, {}) as plugin:
        version = plugin.version
    if version != plugin_version():
        raise workspace.PluginError(
            f"{executable}: expected version {plugin_version()}, which the program uses, got {version}. {NO_PLUGIN}"
        )
    say(f"== comparing with {executable}, version {version}")
    selection = ["-k", select] if select else []
    same = True
    for part in parts or tuple(Part):
        if part is Part.FACTS:
            same &= compare_facts(executable, version, selection, kept_in(version, select))
        elif part is Part.DEV:
            same &= compare_dev()
        else:
            same &= _pytest(["-m", "engine and not exhaustive", "tests/engine", *selection], {PLUGIN: str(executable)})
    say("No differences." if same else "Differences are listed above.")
    return same


def kept_in(version: str, select: str) -> Path | None:
    """Return the file for answers: None for a selection, or if the stand-in is compared with itself."""
    return None if select or workspace.plugin_in_use() == workspace.STAND_IN else MEASURED / f"{version}.json"


def compare_facts(executable: Path, version: str, selection: Sequence[str], measured: Path | None) -> bool:
    """Run the stand-in's fact tests against a plugin, store its answers in a file, and return whether all facts hold."""
    with tempfile.TemporaryDirectory(prefix="contract-") as folder:
        environment = {PLUGIN: str(executable), ANSWERS: folder}
        holds = _pytest(["tests/local/aws_provider", *selection], environment)
        lines = [json.loads(line) for file in Path(folder).iterdir() for line in file.read_text().splitlines()]
    different = sorted(each["test"] for each in lines if each.get("outcome") == "failed")
    for each in different:
        say(f"differs: {each}")
    if measured:
        measured.parent.mkdir(parents=True, exist_ok=True)
        measured.write_text(json.dumps(_kept(version, lines, different), indent=1, sort_keys=True) + "\n")
        say(f"Kept in {measured}")
    return holds


def _kept(version: str, lines: Iterable[Answer], different: list[str]) -> dict[str, Any]:
    """Return the measured answers, without duplicates, by resource type."""
    answers: dict[str, dict[str, Answer]] = {}
    for each in lines:
        if "type" in each:
            answers.setdefault(each["type"], {})[json.dumps(each, sort_keys=True)] = each
    return {
        "version": version,
        "measured": datetime.now(UTC).date().isoformat(),
        "different": different,
        "answers": {kind: [several[key] for key in sorted(several)] for kind, several in sorted(answers.items())},
    }


def differences(stub: Any, answers: Iterable[Answer]) -> list[str]:
    """Return messages about recorded answers that a provider does not return. Makes no AWS call.

    Args:
        stub: gRPC stub of the provider.
        answers: Stored answers of one plugin.
    """
    import grpc  # noqa: PLC0415
    from google.protobuf.json_format import ParseDict  # noqa: PLC0415
    from pulumi.runtime.proto import provider_pb2 as protocol  # noqa: PLC0415

    requests = {"check": protocol.CheckRequest, "diff": protocol.DiffRequest}
    found: list[str] = []
    configured: str | None = None
    for each in sorted(answers, key=lambda answer: json.dumps(answer["config"], sort_keys=True)):
        config = json.dumps(each["config"], sort_keys=True)
        if config != configured:
            _configure(stub, each["config"])
            configured = config
        request = ParseDict(each["request"], requests[each["step"]]())
        try:
            outcome = outcome_of(each["step"], getattr(stub, each["step"].capitalize())(request))
        except grpc.RpcError:
            outcome = REFUSED
        if outcome != each["outcome"]:
            changed = ", ".join(each["changed"]) or "nothing"
            found.append(
                f"{each['type']}: {each['step']} with {changed} changed: expected {each['outcome']}, got {outcome}"
            )
    return found


def outcome_of(step: str, answer: Any) -> str:
    """Return an answer without its wording: refused or accepted; same, update, create-replace or delete-replace."""
    if step == "check":
        return REFUSED if answer.failures else "accepted"
    if answer.replaces:
        return "delete-replace" if answer.deleteBeforeReplace else "create-replace"
    return "update" if answer.changes == answer.DIFF_SOME else "same"


def _configure(stub: Any, config: Mapping[str, Any]) -> None:
    from pulumi.runtime.proto import provider_pb2 as protocol  # noqa: PLC0415

    from local.aws_provider import wire  # noqa: PLC0415

    offline = {"skipRequestingAccountId": "true", "skipCredentialsValidation": "true"}
    checked = stub.CheckConfig(protocol.CheckRequest(news=wire.write({**config, **offline})))
    stub.Configure(protocol.ConfigureRequest(args=checked.inputs, acceptSecrets=True))


def compare_dev() -> bool:
    """Deploy the stack `dev` with the plugin, preview it without changes, and destroy it.

    Returns:
        Whether the plugin needs no permissions that the stand-in does not need.
    """
    dev = Dev(workspace.Workspace(workspace.REPOSITORY / ".local" / "contract"), INSTRUMENTED)
    required: set[str] = set()
    try:
        dev.start()
        endpoint = dev.endpoint_url()
        recorder.begin(endpoint)
        dev.up()
        dev.unchanged()
        dev.unchanged("--refresh")
        dev.destroy()
        required = _actions(recorder.recorded(endpoint))
    finally:
        dev.down()
    known = {
        action
        for test in json.loads(RECORDED_ACTIONS.read_text()).values()
        for each in test.values()
        for action in each
    }
    for each in sorted(required - known):
        say(f"only this plugin requires {each}")
    return required <= known


def _actions(questions: Iterable[dict[str, Any]]) -> set[str]:
    """Return the actions that the engine needs, and operations whose actions are unknown."""
    return {
        f"{each['action']}: {each['resource']}" if each["action"] == UNKNOWN else each["action"]
        for each in questions
        if each["caller"] in _COMMANDS
    }


def _pytest(arguments: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Run tests: in parallel, except for a selection, which ends before additional processes would have started."""
    processes = ("-n", "0") if "-k" in arguments else ("-n", "auto", "--dist", "loadfile")
    command = [sys.executable, "-m", "pytest", "-q", *processes, *arguments]
    done = subprocess.run(
        command, check=False, cwd=workspace.REPOSITORY, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    return done.returncode == 0


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    killer = threading.Timer(_SECONDS_TO_STOP, process.kill)
    killer.start()
    process.wait()
    killer.cancel()
