"""The stand-in held against what was measured with the official plugin (`make contract`), without that plugin."""

import json

from tests.local.aws_provider.conftest import Driver
from tools.contract import MEASURED, differences


def test_stand_in_answers_as_measured(fresh: Driver) -> None:
    """One file for each version that was measured; there is none before the first comparison."""
    found: dict[str, list[str]] = {}
    for measured in sorted(MEASURED.glob("*.json")):
        answers = json.loads(measured.read_text())["answers"].values()
        found[measured.stem] = differences(fresh.stub, [each for several in answers for each in several])
    assert [each for several in found.values() for each in several] == []
