import pytest

from tests.policies.session_manager.forms import FORMS, Form


@pytest.fixture(params=FORMS.values(), ids=FORMS.keys())
def form(request: pytest.FixtureRequest) -> Form:
    """Each form that carries preferences, in turn."""
    return request.param
