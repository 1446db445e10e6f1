"""Local AWS that has the fixtures, counts calls and records authorization requests, and its client.

It also serves the key that encrypts the secrets of test stacks, which has to survive resets of the local AWS.
"""

import base64
import gc
import json
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlencode

from local.aws import request
from local.emulator.__main__ import main
from local.emulator.application import ONE_AT_A_TIME
from tests.support.api_calls import UNKNOWN, ApiCall
from tests.support.emulator import prepare
from tests.support.middleware import Middleware, call_of

CALLS_ROUTE: Final = "/local-aws/calls"
AUTHORIZATION_ROUTE: Final = "/local-aws/authorization-requests"
MOST_YOUNG_OBJECTS: Final = 1_000_000
"""Objects after which this process looks for garbage; they are some 150 MB."""

SECRETS_KEY_ROUTE: Final = "/local-aws/secrets-key/"
"""Endpoint of a KMS with one key, which has encrypted one data key; the slash is what the AWS SDK requests."""

_SECRETS_KEY: Final = {
    "KeyId": "stacks",
    "CiphertextBlob": base64.b64encode(b"encrypted data key").decode(),
    "Plaintext": base64.b64encode(b"data key of the stacks of a test").decode(),
}
"""Answer to Encrypt and Decrypt (https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html)."""


class Recorder(Middleware):
    """Middleware that counts calls and, while recording, stores each distinct authorization request.

    On both routes GET returns the recording and POST clears it; the one of authorization requests records after the
    first POST until a DELETE. The route of the secrets key always has the same answer.
    """

    routes = (CALLS_ROUTE, AUTHORIZATION_ROUTE, SECRETS_KEY_ROUTE)

    def __init__(self, application: Any) -> None:
        super().__init__(application)
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._requests: dict[str, None] | None = None

    def handle(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Record before the call changes any state, because IAM also evaluates before it."""
        call = call_of(environ)
        found = [] if self._requests is None else _authorization_requests(call)
        with self._lock:
            self._calls[str(call)] += 1
            if self._requests is not None:
                self._requests.update(dict.fromkeys(json.dumps(each, sort_keys=True) for each in found))
        return self._application(environ, start_response)

    def respond(self, path: str, method: str) -> Any:
        if path == SECRETS_KEY_ROUTE:
            return _SECRETS_KEY
        with self._lock:
            if path == CALLS_ROUTE:
                if method == "POST":
                    self._calls.clear()
                return dict(self._calls)
            if method in ("POST", "DELETE"):
                self._requests = {} if method == "POST" else None
            return [json.loads(each) for each in self._requests or {}]


def _authorization_requests(call: ApiCall) -> list[dict[str, Any]]:
    # Without a recording, moto's services need not be loaded.
    from tests.support.authorization.requests import authorization_requests  # noqa: PLC0415
    from tests.support.authorization.resources import caller  # noqa: PLC0415

    if not call.service:
        return []
    try:
        with ONE_AT_A_TIME:
            account, name = caller(call.access_key)
            return [{"caller": name, **asdict(each)} for each in authorization_requests(call, account)]
    except Exception as failed:  # noqa: BLE001 -- a call that cannot be recorded is in the recording, and continues
        return [{"caller": "", "action": UNKNOWN, "resource": repr(failed), "keys": {}}]


def begin(endpoint_url: str) -> None:
    """Clear the recording of authorization requests and start it."""
    request(f"{endpoint_url}{AUTHORIZATION_ROUTE}", b"")


def end(endpoint_url: str) -> None:
    """Stop the recording of authorization requests."""
    request(f"{endpoint_url}{AUTHORIZATION_ROUTE}", method="DELETE")


def recorded(endpoint_url: str) -> list[dict[str, Any]]:
    """Return each distinct authorization request: `caller`, `action`, `resource`, `keys`."""
    return request(f"{endpoint_url}{AUTHORIZATION_ROUTE}")


def calls(endpoint_url: str) -> dict[str, int]:
    """Return the number of calls since the start or the last reset, by `service:Operation`."""
    return request(f"{endpoint_url}{CALLS_ROUTE}")


def reset_calls(endpoint_url: str) -> None:
    """Reset the number of calls."""
    request(f"{endpoint_url}{CALLS_ROUTE}", b"")


def secrets_provider(endpoint_url: str) -> str:
    """Return the secrets provider of test stacks, a key in AWS KMS.

    Pulumi derives a key from a passphrase in 1,000,000 steps, which is half of the processor time of a small run.
    """
    return f"awskms:///stacks?{urlencode({'region': 'eu-west-1', 'endpoint': endpoint_url + SECRETS_KEY_ROUTE})}"


if __name__ == "__main__":
    prepare()
    # A test makes less garbage than this; looking for it takes a tenth of the time.
    gc.set_threshold(MOST_YOUNG_OBJECTS)
    raise SystemExit(main(wrap=Recorder))
