"""Python language host for the Pulumi engine, for machines without the official Pulumi CLI.

The engine starts it as `pulumi-language-python`, reads its port from the first line of its output and calls it over
gRPC to run the program and the policy packs. It does what the official host does for an installed virtual
environment; it installs no dependencies, because `make` has installed them, and generates no code.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2, json_format

# Started as a file, so that nothing in this repository is on the path of the programs that it starts.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from local.protocol import EndOfService, import_protocol_only  # noqa: E402

import_protocol_only()
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402 -- by itself

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXIT_AFTER_MESSAGE = 32
"""Exit code of `pulumi-language-python-exec` if it has already reported the error to the user."""

_EXEC = Path(__file__).parent / "pulumi-language-python-exec"


def interpreter(root: Path, options: Mapping[str, Any]) -> str:
    """Return the Python of the project's virtual environment, or this one if the project names none.

    `SHELL_ACCESS_PYTHON` overrides it, as in tests.
    """
    if instead := os.environ.get("SHELL_ACCESS_PYTHON"):
        return instead
    virtualenv = options.get("virtualenv")
    candidate = root / str(virtualenv) / "bin" / "python" if virtualenv else Path(sys.executable)
    return str(candidate if candidate.exists() else sys.executable)


def _options(info: language_pb2.ProgramInfo) -> dict[str, Any]:
    return json_format.MessageToDict(info.options)


def _arguments(request: language_pb2.RunRequest, engine: str, python: str) -> list[str]:
    program = str(Path(request.info.program_directory) / request.info.entry_point)
    return [
        *(python, "-u", os.environ.get("SHELL_ACCESS_LANGUAGE_EXEC", str(_EXEC))),
        *("--monitor", request.monitor_address, "--engine", engine),
        *("--project", request.project, "--stack", request.stack),
        *("--root_directory", request.info.root_directory, "--pwd", request.pwd),
        *("--dry_run", "true" if request.dryRun else "false"),
        *("--parallel", str(request.parallel), "--organization", request.organization),
        program,
        *request.args,
    ]


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Language host that runs Python programs and policy packs for the engine at the given address."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._children: set[subprocess.Popen[bytes]] = set()

    def Handshake(self, request: language_pb2.LanguageHandshakeRequest, context: object) -> Any:
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: object, context: object) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPackages(self, request: object, context: object) -> Any:
        """Return nothing in advance: the engine loads a provider when the program first uses it."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: object, context: object) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(self, request: object, context: object) -> Any:
        installed = [
            language_pb2.DependencyInfo(name=found.name, version=found.version) for found in metadata.distributions()
        ]
        return language_pb2.GetProgramDependenciesResponse(dependencies=installed)

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Report that `make` has installed the dependencies, so that `pulumi install` succeeds as in a deployment."""
        virtualenv = _options(request.info).get("virtualenv")
        folder = Path(request.info.root_directory) / str(virtualenv or "")
        if virtualenv and not (folder / "bin" / "python").exists():
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"There is no Python in {folder}. Run: make up")
        yield language_pb2.InstallDependenciesResponse(stdout=b"The dependencies are installed: make has done so.\n")

    def About(self, request: language_pb2.AboutRequest, context: object) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def Cancel(self, request: object, context: object) -> empty_pb2.Empty:
        self.end_programs()
        return empty_pb2.Empty()

    def end_programs(self) -> None:
        """Terminate running programs and policy packs."""
        for child in list(self._children):
            child.terminate()

    def Run(self, request: language_pb2.RunRequest, context: object) -> language_pb2.RunResponse:
        """Run the program once; its output goes to this process' output, which the engine shows."""
        python = interpreter(Path(request.info.root_directory), _options(request.info))
        environment = os.environ | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        try:
            child = subprocess.Popen(
                _arguments(request, self._engine, python), cwd=request.pwd or None, env=environment
            )
        except OSError as failed:
            return language_pb2.RunResponse(error=f"the program cannot be started: {failed}")
        self._children.add(child)
        code = child.wait()
        self._children.discard(child)
        if code == EXIT_AFTER_MESSAGE:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error="" if code == 0 else f"the program ended with exit code {code}")

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack until the engine disconnects, and stream its output."""
        directory = request.info.program_directory
        python = interpreter(Path(directory), _options(request.info))
        if request.kind == "analyzer":
            command = [python, "-u", "-m", "pulumi.policy", *request.args[:1], directory]
        else:
            command = [python, "-u", directory, *request.args]
        environment = os.environ | {name: value for name, _, value in (pair.partition("=") for pair in request.env)}
        child = subprocess.Popen(
            command, cwd=request.pwd or None, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._children.add(child)
        context.add_callback(child.terminate)
        try:
            yield from _stream(child)
            yield language_pb2.RunPluginResponse(exitcode=child.wait())
        finally:
            child.terminate()
            self._children.discard(child)


def _stream(child: subprocess.Popen[bytes]) -> Iterator[language_pb2.RunPluginResponse]:
    printed: queue.Queue[language_pb2.RunPluginResponse | None] = queue.Queue()

    def pump(pipe: IO[bytes] | None, *, error: bool) -> None:
        while pipe and (chunk := os.read(pipe.fileno(), 65536)):
            response = language_pb2.RunPluginResponse
            printed.put(response(stderr=chunk) if error else response(stdout=chunk))
        printed.put(None)

    for pipe, error in ((child.stdout, False), (child.stderr, True)):
        threading.Thread(target=pump, args=(pipe,), kwargs={"error": error}, daemon=True).start()
    open_pipes = 2
    while open_pipes:
        response = printed.get()
        if response is None:
            open_pipes -= 1
        else:
            yield response


def serve(engine: str) -> None:
    """Serve on a free port of 127.0.0.1 until the engine ends, and print the port first as the engine expects."""
    end = EndOfService()
    host = LanguageHost(engine)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    end.wait()
    host.end_programs()
    server.stop(grace=None)


if __name__ == "__main__":
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    serve(addresses[0] if addresses else "")
