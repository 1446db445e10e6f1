"""States in the setting `reportedStates`, which AWS would report: nothing fails by itself in the local AWS."""

import copy
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from local.emulator.settings import SETTINGS

ModelT = TypeVar("ModelT")


def reported(id_: str) -> dict[str, Any]:
    """Return the attributes of a resource in the setting, by their names in the API."""
    return SETTINGS.current().reported_states.get(id_, {})


def as_reported(models: Iterable[ModelT], id_of: str = "id") -> list[ModelT]:
    """Return moto's models; for those in the setting, copies with its attributes."""
    return [_changed(each, reported(str(getattr(each, id_of)))) for each in models]


def _changed(model: ModelT, attributes: dict[str, Any]) -> ModelT:
    if not attributes:
        return model
    shown = copy.copy(model)
    for name, value in attributes.items():
        setattr(shown, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), value)
    return shown
