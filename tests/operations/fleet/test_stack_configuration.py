"""Merging settings: the laws, against a second and simpler model."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operations.fleet.stack_configuration import Layer, ReplacedValue, Setting, explain, merge

names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(
    st.integers(0, 3), st.sampled_from(["x", "y"]), st.booleans(), st.lists(st.integers(0, 2), max_size=2)
)
values = st.recursive(
    st.one_of(scalars, st.none()), lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=6
)
layers = st.lists(st.dictionaries(names, values, max_size=3), max_size=4).map(
    lambda several: [Layer(origin=str(number), values=each) for number, each in enumerate(several)]
)


def simply(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = simply(merged[key] if isinstance(merged.get(key), dict) else {}, value)
        else:
            merged[key] = value
    return merged


def put_together(settings: list[Setting]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for setting in settings:
        place = whole
        for key in setting.path[:-1]:
            place = place.setdefault(key, {})
        place[setting.path[-1]] = setting.value
    return whole


@given(layers)
def test_merge_equals_pairwise_merges(several: list[Layer]) -> None:
    folded: dict[str, Any] = {}
    for each in several:
        folded = simply(folded, dict(each.values))
    assert merge(several) == folded


@given(layers)
def test_explain_agrees_with_merge(several: list[Layer]) -> None:
    assert put_together(explain(several)) == merge(several)


@given(layers)
def test_explain_names_source_of_every_value(several: list[Layer]) -> None:
    for setting in explain(several):
        if setting.value != {}:
            found: Any = several[int(setting.origin)].values
            for key in setting.path:
                found = found[key]
            assert found == setting.value


@given(layers)
def test_merge_with_empty_layer_changes_nothing(several: list[Layer]) -> None:
    assert merge([*several, Layer(origin="empty", values={})]) == merge(several)


def test_merge_replaces_lists_and_null_removes() -> None:
    general = Layer(origin="defaults", values={"regions": ["a", "b"], "section": {"x": 1, "y": 2}, "tags": {"t": "1"}})
    particular = Layer(origin="payments", values={"regions": ["c"], "section": {"x": 3}, "tags": None})
    assert merge([general, particular]) == {"regions": ["c"], "section": {"x": 3, "y": 2}}
    assert explain([general, particular])[1] == Setting(
        path=("section", "x"), value=3, origin="payments", replaced=(ReplacedValue(value=1, origin="defaults"),)
    )


def test_explain_lists_empty_section() -> None:
    (setting,) = explain([Layer(origin="defaults", values={"shell-access:sessionManager": {}})])
    assert (setting.path, setting.value, setting.origin) == (("shell-access:sessionManager",), {}, "defaults")
