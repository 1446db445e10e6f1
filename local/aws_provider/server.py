"""The plugin's process: a gRPC server on 127.0.0.1 that prints its port, and ends with the engine."""

import atexit
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc

from local.protocol import EndOfService, import_protocol_only

workers: Final = 64
"""Concurrent calls. The engine processes as many resources in parallel, and most calls only wait for AWS."""
message_bytes: Final = 400 * 1024 * 1024
"""Maximum message size, as in Pulumi's own gRPC settings."""
stop_seconds: Final = 10.0
"""Time that calls in progress have after a request to stop, so that no resource is created but not recorded."""


def serve() -> int:
    """Serve until the engine ends, requests a stop, or a signal arrives; return the exit code."""
    # The process ends with the engine, before garbage collection pays off.
    gc.disable()
    atexit.register(gc.freeze)
    import_protocol_only()
    end = EndOfService()
    server, port = start(end.requested)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # The protocol uses the port; only the port number may be written to the engine's pipe.
    from local.aws_provider import aws  # noqa: PLC0415 - after the port is known

    threading.Thread(target=aws.warm_up, daemon=True).start()
    end.wait()
    server.stop(stop_seconds).wait()
    return 0


def start(stopping: threading.Event) -> tuple[Any, int]:
    """Start the server on a free port of the loopback interface; return it with the port."""
    from pulumi.runtime.proto import provider_pb2_grpc  # noqa: PLC0415 - after the protocol is imported

    from local.aws_provider.servicer import AwsProvider  # noqa: PLC0415 - after the protocol is imported

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
