import pytest

from tests.policies.domain_controllers.stacks import FORMS, Form


@pytest.fixture(params=FORMS.values(), ids=FORMS.keys())
def form(request: pytest.FixtureRequest) -> Form:
    """Each form of a rule, in turn."""
    return request.param
