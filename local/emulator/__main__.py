"""Runs the local AWS: `python -m local.emulator --port 0 --port-file local-aws.json`."""

import argparse
import gc
import json
import logging
import os
import signal
import sys
import threading
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server

ADDRESS = "127.0.0.1"


def main(argv: list[str] | None = None, wrap: Callable[[Any], Any] = lambda application: application) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        argv: Command line; that of the process by default.
        wrap: Function that returns the application with a middleware around it.
    """
    arguments = _arguments(argv)
    logging.basicConfig(level=logging.WARNING, format="local AWS: %(levelname)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # moto warns of every error code that botocore does not know
    warnings.filterwarnings("ignore", module="moto")
    instance_id = str(uuid.uuid4())
    try:
        server = build(arguments.port, instance_id, wrap)
    except (OSError, SystemExit) as problem:
        # werkzeug prints the reason and raises SystemExit if the port is in use
        sys.stderr.write(f"local AWS: cannot listen on {ADDRESS}:{arguments.port}: {problem}\n")
        return 1
    # Imported modules stay in memory, so garbage collection need not scan them again.
    gc.collect()
    gc.freeze()
    if arguments.port_file is not None:
        write_port_file(arguments.port_file, server.port, instance_id)
    _serve_until_told(server)
    return 0


def build(port: int, instance_id: str, wrap: Callable[[Any], Any]) -> BaseWSGIServer:
    """Return the server, bound to 127.0.0.1 and not yet serving. Port 0 uses a free port."""
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    # About a hundred unused images, created after each reset, would take longer than most tests.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415

    from local.emulator.application import Application  # noqa: PLC0415

    class QuietRequestHandler(MotoRequestHandler):
        """Request handler of moto, without a log line per call."""

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Log nothing."""

    application = wrap(Application(instance_id))
    return make_server(ADDRESS, port, application, threaded=True, request_handler=QuietRequestHandler)


def write_port_file(path: Path, port: int, instance_id: str) -> None:
    """Write the address of the server atomically, so that a reader never sees half a file."""
    content = json.dumps({"port": port, "pid": os.getpid(), "instanceId": instance_id}) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


def _serve_until_told(server: BaseWSGIServer) -> None:
    stopping = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    stopping.wait()
    server.shutdown()
    serving.join()
    server.server_close()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.emulator", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="where to write the port, the process and the instance")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
