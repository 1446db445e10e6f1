"""Parts of botocore that this process computes once: the methods of its client classes, and its User-Agent header.

The methods take most of a client's creation time, the header a tenth of a call.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.client
import botocore.useragent


@cache
def share_client_methods() -> None:
    """Share the methods of a service among all clients that this process creates from now on."""
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
    useragent: Any = botocore.useragent
    useragent.sanitize_user_agent_string_component = cache(useragent.sanitize_user_agent_string_component)
