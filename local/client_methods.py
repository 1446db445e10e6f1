"""Methods of botocore's client classes, made once per service: they take most of the time that making a client takes."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.client


@cache
def share_client_methods() -> None:
    """Let all clients that this process makes from now on share the methods of their service."""
    creator: Any = botocore.client.ClientCreator
    make = creator._create_methods  # noqa: SLF001 -- botocore has no other place for it
    made: dict[tuple[str, str], dict[str, Any]] = {}

    def methods(self: object, service_model: Any) -> dict[str, Any]:
        key = (service_model.service_name, service_model.api_version)
        if key not in made:
            made[key] = make(self, service_model)
        # Handlers of a session add to the dictionary.
        return dict(made[key])

    creator._create_methods = methods  # noqa: SLF001 -- as above
