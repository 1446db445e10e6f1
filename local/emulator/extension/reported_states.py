"""States that AWS would report, as the setting `reportedStates` gives them: nothing here fails by itself."""

import copy
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from local.emulator.settings import SETTINGS

ModelT = TypeVar("ModelT")


def reported(id_: str) -> dict[str, Any]:
    """Return the attributes of a resource that the setting gives, by their names in the API."""
    return SETTINGS.current().reported_states.get(id_, {})


def as_reported(models: Iterable[ModelT], id_of: str = "id") -> list[ModelT]:
    """Return moto's models, those that the setting names as copies with its attributes.

    Args:
        models: models to show.
        id_of: attribute that has the ID of a model.
    """
    return [_changed(each, reported(str(getattr(each, id_of)))) for each in models]


def _changed(model: ModelT, attributes: dict[str, Any]) -> ModelT:
    if not attributes:
        return model
    shown = copy.copy(model)
    for name, value in attributes.items():
        setattr(shown, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(), value)
    return shown
