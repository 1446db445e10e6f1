"""Setup of the process that runs the program once and exits."""

from __future__ import annotations

import atexit
import gc
import os
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

import pulumi

DEBUG_MESSAGES: Final = "SHELL_ACCESS_DEBUG_MESSAGES"
"""Environment variable that keeps the SDK's debug messages, which `pulumi --debug` shows."""

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def prepare_process() -> None:
    """Disable what a run of seconds does not need; the program registers the same resources without it.

    Called before the program's imports, which create as many objects as its resources do.

    - Garbage collection: nearly all objects of the SDK live until the end, and searching them for garbage, also before
      the interpreter exits, takes half of the program's processor time.
    - The SDK's debug messages: four calls of the engine per resource, shown with `--debug` only.
    - Imports: a package of pulumi_aws imports all of its resources and data sources when one is used.
    """
    gc.disable()
    atexit.register(gc.freeze)
    import pulumi_aws  # noqa: PLC0415 -- as all other imports, when garbage collection is off

    if not os.environ.get(DEBUG_MESSAGES):
        pulumi.log.debug = _no_message
    for name, module in list(vars(pulumi_aws).items()):
        # A package that pulumi_aws imports as a whole on first use.
        if isinstance(module, ModuleType) and type(module) is not ModuleType:
            package = AwsPackage(module)
            sys.modules[module.__name__] = package
            setattr(pulumi_aws, name, package)


def _no_message(*_arguments: object, **_options: object) -> None:
    pass


class AwsPackage(ModuleType):
    """A package of pulumi_aws that, on first use of a name, imports only the module that defines it.

    pulumi_aws defines a resource or data source in a module of its name, and types in `_inputs`. If a name is not found
    in this way, the whole package is loaded.
    """

    def __init__(self, unloaded: ModuleType) -> None:
        """Replace a package, of which no attribute but the import system's has been read."""
        super().__init__(unloaded.__name__)
        self.__spec__ = unloaded.__spec__
        self.__path__ = list(unloaded.__path__)
        self.__package__ = unloaded.__name__

    def __getattr__(self, name: str) -> Any:
        """Return the package's object of a name."""
        if name.startswith("__"):
            raise AttributeError(name)
        for module in _modules_for(name):
            full_name = f"{self.__name__}.{module}"
            if find_spec(full_name) is None:
                continue
            found = import_module(full_name)
            if module == name and not hasattr(found, name):
                return found
            if hasattr(found, name):
                setattr(self, name, getattr(found, name))
                return getattr(found, name)
        return self._load_all(name)

    def _load_all(self, name: str) -> Any:
        """Import the whole package, and return its object of a name."""
        whole = vars(self)
        if self.__spec__ is None or self.__spec__.loader is None or "_is_whole" in whole:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        whole["_is_whole"] = True
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _modules_for(name: str) -> list[str]:
    """Return the modules that may define a name, the most likely one first."""
    snake = _WORD.sub("_", name).lower()
    if name.endswith("Args"):
        return ["_inputs", snake.removesuffix("_args")]
    return [snake]
