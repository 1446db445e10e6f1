"""Parts of botocore that this process computes once, although botocore does for each client, session or call.

They are most of the processor time of a new client, and a fifth of that of a call. Clients differ in none of them.
"""

from functools import cache
from typing import Any

import botocore.client
import botocore.hooks
import botocore.regions
import botocore.useragent


@cache
def share_client_parts() -> None:
    """Share these parts among all clients that this process creates from now on."""
    _share_service_models()
    _share_methods()
    _share_endpoint_rules()
    _share_event_names()
    useragent: Any = botocore.useragent
    useragent.sanitize_user_agent_string_component = cache(useragent.sanitize_user_agent_string_component)


def _share_service_models() -> None:
    """Share the description of a service, which keeps the shapes that were looked up in it."""
    creator: Any = botocore.client.ClientCreator
    load = creator._load_service_model  # noqa: SLF001 -- botocore has no other place for it
    loaded: dict[tuple[str, str | None], Any] = {}

    def model(self: object, service_name: str, api_version: str | None = None) -> Any:
        key = (service_name, api_version)
        if key not in loaded:
            loaded[key] = load(self, service_name, api_version)
        return loaded[key]

    creator._load_service_model = model  # noqa: SLF001 -- as above


def _share_methods() -> None:
    creator: Any = botocore.client.ClientCreator
    make = creator._create_methods  # noqa: SLF001 -- as above
    made: dict[tuple[str, str], dict[str, Any]] = {}

    def methods(self: object, service_model: Any) -> dict[str, Any]:
        key = (service_model.service_name, service_model.api_version)
        if key not in made:
            made[key] = make(self, service_model)
        # Handlers of a session add to the dictionary.
        return dict(made[key])

    creator._create_methods = methods  # noqa: SLF001 -- as above


def _share_endpoint_rules() -> None:
    """Share the rules that find a service's endpoint; those of some services are trees of hundreds of rules."""
    regions: Any = botocore.regions
    provider = regions.EndpointProvider
    made: dict[int, tuple[Any, Any]] = {}

    def rules(*, ruleset_data: Any, **others: Any) -> Any:
        key = id(ruleset_data)
        if key not in made:
            # The data stay, so that no other ones get this ID.
            made[key] = (ruleset_data, provider(ruleset_data=ruleset_data, **others))
        return made[key][1]

    regions.EndpointProvider = rules


def _share_event_names() -> None:
    """Share the present names of events, which a client looks up by their former ones for each handler and call."""
    aliaser: Any = botocore.hooks.EventAliaser
    start = aliaser.__init__
    names: dict[str, str] = {}

    def initialize(self: Any, event_emitter: Any, event_aliases: Any = None) -> None:
        start(self, event_emitter, event_aliases)
        if event_aliases in (None, botocore.hooks.EVENT_ALIASES):
            self._alias_name_cache = names

    aliaser.__init__ = initialize
