import pytest

from tests.policies.judging import Form
from tests.policies.separation_of_duties.forms import ATTACHMENTS, FORMS


@pytest.fixture(params=FORMS.values(), ids=FORMS.keys())
def form(request: pytest.FixtureRequest) -> Form:
    """Each form that carries a policy, in turn."""
    return request.param


@pytest.fixture(params=ATTACHMENTS.values(), ids=ATTACHMENTS.keys())
def attachment(request: pytest.FixtureRequest) -> Form:
    """Each form that attaches a policy by its ARN, in turn."""
    return request.param
