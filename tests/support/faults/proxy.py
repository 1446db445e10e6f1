"""microburst before a local AWS, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from microburst.app import make_app
from microburst.core.pipeline import Microburst

if TYPE_CHECKING:
    from collections.abc import Generator

START_SECONDS = 30
STOP_SECONDS = 10

Rule = dict[str, Any]
"""Rule of microburst: `service`, `operation`, `times`, and the effect."""


class FaultProxy:
    """A proxy that applies its rules, and forwards everything else."""

    def __init__(self, upstream: str) -> None:
        self._burst: Any = Microburst(upstream, resign=False)
        self._loop = asyncio.new_event_loop()
        self._ready, self._ended = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self.endpoint_url = ""

    def start(self) -> None:
        """Start the server on a free port of 127.0.0.1, which `endpoint_url` has afterwards.

        Raises:
            RuntimeError: The server did not start.
        """
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError("the fault proxy did not come up")

    def stop(self) -> None:
        """Stop the server."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(STOP_SECONDS)

    def inject(self, *rules: Rule) -> None:
        """Replace the rules; without rules, everything is forwarded."""
        self._burst.engine.set_rules(list(rules))

    def fired(self) -> int:
        """Return the number of faults injected so far."""
        return sum(self._burst.fault_counts.values())

    async def _serve(self) -> None:
        runner = web.AppRunner(make_app(self._burst), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.endpoint_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._ended.wait()
        await runner.cleanup()
        held = asyncio.all_tasks() - {asyncio.current_task()}
        for call in held:
            call.cancel()
        await asyncio.gather(*held, return_exceptions=True)


@contextmanager
def running_proxy(upstream: str) -> Generator[FaultProxy]:
    """Yield a proxy before a local AWS, and stop it afterwards.

    Args:
        upstream: URL of the local AWS.
    """
    proxy = FaultProxy(upstream)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
