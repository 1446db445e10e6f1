"""Runs the local AWS: `python -m local.emulator --port 0 --port-file local-aws.json`."""

import argparse
import gc
import io
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
    # Before the port is announced, because a reader may end the process at once.
    stopping = _stopped_by_signals()
    if arguments.port_file is not None:
        write_port_file(arguments.port_file, server.port, instance_id)
    _serve_until(server, stopping)
    return 0


def build(port: int, instance_id: str, wrap: Callable[[Any], Any]) -> BaseWSGIServer:
    """Return the server, bound to 127.0.0.1 and not yet serving. Port 0 uses a free port."""
    set_defaults_of_moto()
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415

    from local.emulator.application import Application  # noqa: PLC0415

    class RequestHandler(MotoRequestHandler):
        """Request handler of moto that keeps connections open, and sends a response in one piece.

        The one of werkzeug closes each connection: a connection, a thread and a selector per call take as long as the call.
        """

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Log nothing."""

        def handle_expect_100(self) -> bool:
            """Ask for the body, at once."""
            expected = super().handle_expect_100()
            self.wfile.flush()
            return expected

        def run_wsgi(self) -> None:
            """Handle one request; the next one begins after its body, so it is read here."""
            environ = self.make_environ()
            length = environ.get("CONTENT_LENGTH")
            if length:
                environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(length)))
            # Only the application knows where such a body ends.
            self.close_connection |= "wsgi.input_terminated" in environ
            status, headers, content = _run(self.server.app, environ)
            self.send_response(int(status.split(" ", 1)[0]), status.partition(" ")[2])
            for name, value in headers:
                self.send_header(name, value)
            if not any(name.lower() == "content-length" for name, _ in headers):
                self.send_header("Content-Length", str(len(content)))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    application = wrap(Application(instance_id))
    return make_server(ADDRESS, port, application, threaded=True, request_handler=RequestHandler)


def set_defaults_of_moto() -> None:
    """Set the variables that moto reads when it loads, and with the first use of a service."""
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    # About a hundred unused images, created after each reset, would take longer than most tests.
    os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


def _run(application: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return the status, headers and body of an application's response; 500 if it fails."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _failure: object = None) -> None:
        started.append((status, headers))

    try:
        content = b"".join(application(environ, start_response))
    except Exception:
        logging.getLogger(__name__).exception("the emulator failed")
        return "500 INTERNAL SERVER ERROR", [("Content-Type", "text/plain")], b"Internal Server Error"
    return *started[-1], content


def write_port_file(path: Path, port: int, instance_id: str) -> None:
    """Write the address of the server atomically, so that a reader never sees half a file."""
    content = json.dumps({"port": port, "pid": os.getpid(), "instanceId": instance_id}) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


def _stopped_by_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set from now on."""
    stopping = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopping


def _serve_until(server: BaseWSGIServer, stopping: threading.Event) -> None:
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
