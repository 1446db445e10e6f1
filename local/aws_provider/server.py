"""The process: a gRPC server on 127.0.0.1 that says its port, and ends with the engine."""

import importlib.util
import os
import signal
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import grpc

workers: Final = 64
"""Calls served at once. The engine runs as many resources in parallel, and most of them only wait for AWS."""
message_bytes: Final = 400 * 1024 * 1024
"""Largest message, as in Pulumi's own gRPC settings."""
parent_poll_seconds: Final = 1.0
stop_seconds: Final = 10.0
"""What calls under way get to finish after a request to stop, so that nothing is made and then forgotten."""


def _light_import() -> None:
    """Makes `pulumi.runtime.proto` importable without the rest of the SDK, which takes twice as long as all else here.

    The protocol modules need nothing of `pulumi` but to lie in it.
    """
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        return
    root = Path(next(iter(spec.submodule_search_locations)))
    for name, folder in (
        ("pulumi", root),
        ("pulumi.runtime", root / "runtime"),
        ("pulumi.runtime.proto", root / "runtime" / "proto"),
    ):
        module = types.ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module


def serve() -> int:
    """Runs until the engine goes away, asks to stop, or a signal arrives; returns the exit code."""
    _light_import()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    parent = os.getppid()
    server, port = start(stopping)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # The protocol is spoken over the port; nothing else may reach the engine's end of this pipe.
    from local.aws_provider import aws  # noqa: PLC0415 - after the port is known

    threading.Thread(target=aws.warm_up, daemon=True).start()
    while not stopping.wait(parent_poll_seconds):
        if os.getppid() != parent:
            break
    server.stop(stop_seconds).wait()
    return 0


def start(stopping: threading.Event) -> tuple[Any, int]:
    """Starts the server on a free port of the loopback interface; returns it with the port."""
    from pulumi.runtime.proto import provider_pb2_grpc  # noqa: PLC0415 - after the light import

    from local.aws_provider.servicer import AwsProvider  # noqa: PLC0415 - after the light import

    server = grpc.server(
        ThreadPoolExecutor(max_workers=workers),
        options=[
            ("grpc.max_receive_message_length", message_bytes),
            ("grpc.max_send_message_length", message_bytes),
            ("grpc.so_reuseport", 0),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AwsProvider(stopping.set), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port
