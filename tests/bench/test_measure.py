"""Measurements of a command include all that it starts."""

import subprocess
import sys

from bench.measure import Watch

BUSY = """
import subprocess, sys
child = "held = bytearray(200_000_000); sum(range(3_000_000)); input()"
process = subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, text=True)
input()
process.communicate("end")
"""


def test_memory_and_processor_time_of_children_count() -> None:
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE, text=True)
    watch = Watch(process)
    while watch.peak_megabytes < 200:
        assert process.poll() is None
    process.communicate("end")
    usage = watch.end()
    assert usage.peak_megabytes >= 200
    assert usage.cpu_seconds > 0
