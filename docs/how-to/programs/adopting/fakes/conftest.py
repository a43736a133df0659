import pytest
from mysite.fakes import fake_client
from mysite.lifespan import http_client

from django_lifespan_typed.testing import OverrideState


@pytest.fixture
def fakes(override_state: OverrideState) -> None:
    override_state(http_client, fake_client())
