"""EventBridge rules as documented by AWS, where moto accepts more.

Quotas: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
"""

import json
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events.responses import EventsHandler

MAX_PATTERN = 2_048
MAX_TARGETS = 5


class LocalEvents(EventsHandler):
    """moto's EventBridge with the quotas of rules."""

    def put_rule(self) -> tuple[str, dict[str, Any]]:
        """API_PutRule: LimitExceededException if the pattern is too long."""
        if len(self._get_param("EventPattern") or "") > MAX_PATTERN:
            raise _too_much()
        return super().put_rule()

    def put_targets(self) -> tuple[str, dict[str, Any]]:
        """API_PutTargets: LimitExceededException if the rule exceeds the quota of targets."""
        text, _ = self.list_targets_by_rule()
        ids = {target["Id"] for target in [*json.loads(text)["Targets"], *self._get_param("Targets")]}
        if len(ids) > MAX_TARGETS:
            raise _too_much()
        return super().put_targets()


def _too_much() -> JsonRESTError:
    return JsonRESTError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
