"""EventBridge rules as AWS documents them, where moto lets more through.

Quotas: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
"""

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events import urls
from moto.events.responses import EventsHandler

MAX_PATTERN = 2_048
MAX_TARGETS = 5


def apply() -> None:
    """Puts the extended EventBridge in place of moto's."""
    urls.url_paths["{0}/"] = LocalEvents.dispatch


class LocalEvents(EventsHandler):
    """moto's EventBridge with the quotas of a rule checked."""

    def put_rule(self) -> tuple[str, dict[str, Any]]:
        """API_PutRule: LimitExceededException where the pattern is too long."""
        if len(self._get_param("EventPattern") or "") > MAX_PATTERN:
            raise _too_much()
        return super().put_rule()

    def put_targets(self) -> tuple[str, dict[str, Any]]:
        """API_PutTargets: LimitExceededException where the rule gets more targets than it may have."""
        text, _ = self.list_targets_by_rule()
        ids = {target["Id"] for target in [*json.loads(text)["Targets"], *self._get_param("Targets")]}
        if len(ids) > MAX_TARGETS:
            raise _too_much()
        return super().put_targets()


def _too_much() -> JsonRESTError:
    return JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
