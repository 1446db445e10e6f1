"""The process: a gRPC server on 127.0.0.1 that says its port, and ends with the engine."""

import atexit
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc

from local.protocol import EndOfService, import_protocol_only

workers: Final = 64
"""Calls served at once. The engine runs as many resources in parallel, and most of them only wait for AWS."""
message_bytes: Final = 400 * 1024 * 1024
"""Largest message, as in Pulumi's own gRPC settings."""
stop_seconds: Final = 10.0
"""What calls under way get to finish after a request to stop, so that nothing is made and then forgotten."""


def serve() -> int:
    """Runs until the engine goes away, asks to stop, or a signal arrives; returns the exit code."""
    # The process ends with the engine, before its garbage matters.
    gc.disable()
    atexit.register(gc.freeze)
    import_protocol_only()
    end = EndOfService()
    server, port = start(end.requested)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # The protocol is spoken over the port; nothing else may reach the engine's end of this pipe.
    from local.aws_provider import aws  # noqa: PLC0415 - after the port is known

    threading.Thread(target=aws.warm_up, daemon=True).start()
    end.wait()
    server.stop(stop_seconds).wait()
    return 0


def start(stopping: threading.Event) -> tuple[Any, int]:
    """Starts the server on a free port of the loopback interface; returns it with the port."""
    from pulumi.runtime.proto import provider_pb2_grpc  # noqa: PLC0415 - after the protocol is there

    from local.aws_provider.servicer import AwsProvider  # noqa: PLC0415 - after the protocol is there

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
