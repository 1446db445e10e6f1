"""Secret properties of the evaluated resources, which messages do not quote.

The policy SDK decrypts secrets before a rule sees them; the engine's request marks them.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from google.protobuf.message import Message

SHOWN: Final = "[secret]"
"""Replacement of secret values, as the engine shows them."""

_TEMPLATE: Final = frozenset({"templateBody"})
_GOING_INTO_TEMPLATE: Final = frozenset({"parameters", "tags"})
"""Properties of a CloudFormation stack whose values appear in its template."""

_NAME: Final = re.compile(r"[^.\[,: ]*")
_SECRETS: ContextVar[Mapping[str, frozenset[str]]] = ContextVar("secrets", default={})  # noqa: B039 -- never changed


@contextmanager
def secrets_of(request: Message, resources: Iterable[Any]) -> Generator[None]:
    """Remember which properties hold secrets while a request is answered."""
    found: dict[str, frozenset[str]] = {}
    if SPECIAL_SECRET_SIG.encode() in request.SerializeToString():  # most requests have no secrets
        for each in resources:
            properties: dict[str, Any] = json_format.MessageToDict(each.properties)
            if names := frozenset(name for name, value in properties.items() if _has_secret(value)):
                found[each.urn] = names | (_TEMPLATE if names & _GOING_INTO_TEMPLATE else frozenset())
    token = _SECRETS.set(found)
    try:
        yield
    finally:
        _SECRETS.reset(token)


def secret_property(urn: str, path: str) -> str:
    """Return the property that a path leads into where it holds a secret; empty: it holds none.

    What is inside another resource has the URN of that, a slash, and a name.
    """
    secrets = _SECRETS.get()
    name = _NAME.match(path)
    top = name[0] if name else ""
    if top in secrets.get(urn, ()):
        return top
    inside = any(urn.startswith(f"{container}/") for container in secrets)
    return top if inside else ""


def _has_secret(value: Any) -> bool:
    if isinstance(value, dict):
        marked = value.get(SPECIAL_SIG_KEY) == SPECIAL_SECRET_SIG  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return bool(marked) or any(map(_has_secret, value.values()))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return isinstance(value, list) and any(map(_has_secret, value))  # pyright: ignore[reportUnknownArgumentType]
