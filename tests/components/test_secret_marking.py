"""Outputs of components with secret settings are secret."""

import asyncio
from typing import Any

import pulumi
import pytest

from components import secret_marking
from components.secret_texts import SecretTexts


@pytest.mark.parametrize("sections", [frozenset({"domainControllers"}), frozenset[str]()])
def test_component_outputs_with_a_secret_are_marked(monkeypatch: pytest.MonkeyPatch, sections: frozenset[str]) -> None:
    registered: list[dict[str, Any]] = []
    secrets = SecretTexts(sections=sections, texts=("10.99.0.0/16",) if sections else ())
    monkeypatch.setattr(secret_marking, "program_secrets", lambda: secrets)
    monkeypatch.setattr(pulumi.runtime, "register_stack_transformation", lambda _: None)
    monkeypatch.setattr(pulumi.ComponentResource, "register_outputs", lambda _self, outputs: registered.append(outputs))
    secret_marking.keep_secrets()

    async def is_secret(value: Any) -> bool:
        return await pulumi.Output.from_input(value).is_secret()

    async def secret_outputs() -> list[bool]:
        component: Any = object()
        pulumi.ComponentResource.register_outputs(
            component, {"wider": ["tcp/80 from 10.99.0.0/16"], "region": "eu-west-1"}
        )
        (outputs,) = registered
        return [await is_secret(outputs["wider"][0]), await is_secret(outputs["region"])]

    # asyncio.run would leave the thread without an event loop, which Pulumi's mocks need.
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(secret_outputs()) == [bool(sections), False]
    loop.close()
