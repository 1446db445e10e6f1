"""Tags of operators as a resource; `tests/engine/test_approval.py` removes them with the engine."""

import pytest

from common.aws.failures import ResourceError
from common.aws.session import AwsClients
from components.approval.operator_grants import OperatorGrantsProvider
from tests.components.adoption.test_inventory import answering
from tests.components.providers import with_clients


def test_refused_call_names_the_permission(clients: AwsClients) -> None:
    provider = with_clients(OperatorGrantsProvider(), clients)
    denial = {"Error": {"Code": "AccessDenied", "Message": "no"}}
    with (
        answering(clients.client("iam", "eu-west-1"), "ListRoleTags", denial),
        pytest.raises(ResourceError, match=r"^tags of operators: permission: .* allow iam:ListRoleTags to "),
    ):
        provider.create({"region": "eu-west-1", "roles": ["Operator"]})
