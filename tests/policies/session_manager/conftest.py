import pytest

from tests.policies.judging import Form
from tests.policies.session_manager.forms import FORMS


@pytest.fixture(params=FORMS.values(), ids=FORMS.keys())
def form(request: pytest.FixtureRequest) -> Form:
    """Each form that carries preferences, in turn."""
    return request.param
