"""Imports the engine's protocol without the rest of Pulumi's SDK, which takes longer than all else that a plugin needs."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path


def import_protocol_only() -> None:
    """Makes `pulumi.runtime.proto` importable by itself: its modules need nothing of `pulumi` but to lie in it."""
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
