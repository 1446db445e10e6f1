"""AWS managed policies, loaded on first use.

moto loads all of them, which takes about half a second, when any service first uses an account, and after every reset.
"""

import json
from functools import cache
from typing import Any, cast

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

KEPT = "policies_by_arn"


def load_on_first_use() -> None:
    """Defer loading to the first action that needs a managed policy."""
    backend: Any = IAMBackend
    backend._init_aws_policies = _nothing_yet  # noqa: SLF001
    backend._init_managed_policies = _nothing_yet  # noqa: SLF001
    backend.aws_managed_policies = property(of_aws, _ignore)
    backend.managed_policies = property(of_account, _ignore)


def of_account(backend: Any) -> dict[str, Any]:
    """Return all managed policies by ARN: AWS managed policies, and those created since."""
    state = cast("dict[str, Any]", vars(backend))
    if KEPT not in state:
        mine = [_belonging_to(policy, backend.account_id) for policy in _templates(backend.region_name)]
        state[KEPT] = {policy.arn: policy for policy in mine}
    return state[KEPT]


def of_aws(backend: Any) -> list[Any]:
    """Return the AWS managed policies."""
    return [policy for policy in of_account(backend).values() if isinstance(policy, AWSManagedPolicy)]


@cache
def _templates(region: str) -> list[Any]:
    """Return AWS managed policies as moto creates them, without an account."""
    make: Any = AWSManagedPolicy.from_data
    parsed = json.loads(aws_managed_policies_data)
    return [make(name, "", region, data) for name, data in parsed.items()]


def _belonging_to(template: Any, account_id: str) -> Any:
    """Return a copy for one account: attachments are counted per account."""
    return _copy(template, account_id=account_id, versions=[_copy(version) for version in template.versions])


def _copy(template: Any, **changes: object) -> Any:
    """Return a shallow copy; `copy.copy` takes twice as long, for a thousand policies per account."""
    made = object.__new__(cast("type[object]", type(template)))
    vars(made).update(cast("dict[str, object]", vars(template)), **changes)
    return made


def _nothing_yet(_backend: object) -> list[Any]:
    return []


def _ignore(_backend: object, _policies: object) -> None:
    """Ignore moto's own assignment of an empty collection."""
