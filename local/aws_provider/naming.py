"""Automatic names, and the Region in an import ID.

Sources: Pulumi's Terraform bridge (automatic names) and the Terraform AWS provider (`@region`).
"""

import hashlib
import os
import re
from typing import Final

from common.aws.arns import split_arn
from local.aws_provider.failure import InvalidInputError
from local.aws_provider.model import Naming

random_characters: Final = 7
_import_region = re.compile(r"(.+)@([a-z]{2}(?:-[a-z]+)+-\d{1,2})")


def automatic_name(logical_name: str, naming: Naming, seed: bytes) -> str:
    """Return `<logical name>-<7 hex digits>`, with digits derived from the seed of the check.

    Raises:
        InvalidInputError: The name would be too long. It is never shortened.
    """
    name = _decorated(logical_name, naming)
    if len(name) + 1 + random_characters > naming.longest:
        raise InvalidInputError(
            f"name '{name}-' plus {random_characters} random chars is longer than maximum length {naming.longest}"
        )
    digest = hashlib.sha512((seed or os.urandom(32)) + name.encode()).hexdigest()
    return f"{name}-{digest[:random_characters]}"


def proposed_name(proposed: str, naming: Naming) -> str:
    """Return the name that the stack's `pulumi:autonaming` proposes.

    Raises:
        InvalidInputError: The name is too long.
    """
    name = _decorated(proposed, naming)
    if len(name) > naming.longest:
        raise InvalidInputError(f"proposed name '{name}' is longer than maximum length {naming.longest}")
    return name


def _decorated(name: str, naming: Naming) -> str:
    if not name.startswith(naming.prefix):
        name = naming.prefix + name
    return name.lower() if naming.lower else name


def split_region(import_id: str) -> tuple[str, str | None]:
    """Split an ID given to `pulumi import` into the ID and the Region after its last `@`, if any."""
    found = _import_region.fullmatch(import_id)
    return (found.group(1), found.group(2)) if found else (import_id, None)


def region_of_arn(text: str) -> str | None:
    """Return the Region of an ARN; None for other text and for an ARN without a Region."""
    found = split_arn(text)
    return (found.region or None) if found.prefix == "arn" and found.resource else None
