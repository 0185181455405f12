"""The page: nothing in it is markup of somebody else, it loads nothing, and it stays small."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from topreward.evaluate.html import html_of
from topreward.evaluate.page.charts import mean_curve, ticks
from topreward.evaluate.page.numbers import number, probability, span, whole
from topreward.evaluate.report import report_of

from .evaluations import episode, evaluation, random_evaluation, reward_result

VOID = {"meta", "br", "link", "img", "input", "hr"}
HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "</style></svg></title><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "&lt;b&gt; &amp; <!-- --> ]]>",
    "\u202egnorw\u202d \u2067 اسحب الدرج",
    "🤖👩‍🔬 抽屉を開ける",
    "a\x00b\x07c\x1b[31m\ud800",
    "x" * 4000,
    "\n\n\t ",
]


class Reader(HTMLParser):
    """Checks that elements end in order, and collects tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


def hostile_page(text: str) -> str:
    result = reward_result([-3.0, -2.0, -1.0], {"static": [-3.0, -3.0, -2.9]}, tokens={text: -0.5}, warnings=[text])
    episodes = [episode(f"{text}{number}", result, number % 2 == 0, f"{text}{number % 2}") for number in range(8)]
    known: dict[str, Any] = {"dataset": text, "left_out": {"gvl": text}}
    return html_of(report_of(evaluation(episodes, **known), -2.0, 50, 0))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_text(text: str) -> None:
    page = hostile_page(text)
    harmless = Reader(hostile_page("harmless"))
    reader = Reader(page)
    assert reader.open == []
    assert reader.tags == harmless.tags
    assert sorted({name for name, _ in reader.attributes}) == sorted({name for name, _ in harmless.attributes})
    shown = re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff]", "�", text)[:150].strip()
    assert shown in " ".join(reader.text["bdi"])
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", page)
    assert page.encode("utf-8").decode("utf-8") == page


def test_untrusted_texts_are_isolated_and_shortened() -> None:
    reader = Reader(hostile_page("y" * 4000))
    assert "y" * 201 not in "".join(text for texts in reader.text.values() for text in texts)


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = html_of(report_of(random_evaluation(1, 40, 4), -2.0, 50, 0))
    reader = Reader(page)
    assert "script" not in reader.tags
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in reader.attributes
    assert not [value for name, value in reader.attributes if name in ("src", "style") or name.startswith("on")]
    assert all((value or "").startswith("#") for name, value in reader.attributes if name == "href")
    assert "url(" not in page
    assert "@import" not in page
    assert "http" not in re.sub(r'http-equiv="', "", page)


def test_links_tables_and_drawings_have_what_readers_need() -> None:
    page = html_of(report_of(random_evaluation(1, 40, 4), -2.0, 50, 0))
    reader = Reader(page)
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {(value or "")[1:] for name, value in reader.attributes if name == "href"} <= set(ids)
    assert reader.tags.count("table") == reader.tags.count("caption")
    assert page.count("<th") - page.count("<thead") == page.count('scope="col"') + page.count('scope="row"')
    drawn = page.count("<svg") - page.count('aria-hidden="true"')
    assert drawn == page.count("<svg") - 3  # the samples of the legend
    assert len(re.findall(r"<svg[^>]*role=\"img\"[^>]*><title>[^<]+</title>", page)) == drawn


def test_many_episodes_are_drawn_and_listed_in_part() -> None:
    few = html_of(report_of(random_evaluation(1, 200, 8), None, 20, 0))
    many = html_of(report_of(random_evaluation(1, 1000, 8), None, 20, 0))
    assert len(many) < 1.5 * len(few)
    assert "at most 25 thin lines for each task" in many
    assert "These are the first 200; 800 more are in report.json." in many
    assert "thin lines for each task" not in few


def test_many_tasks_are_drawn_and_listed_in_part() -> None:
    page = html_of(report_of(random_evaluation(1, 600, 150), None, 20, 0))
    assert "Plots of the 24 tasks with the most episodes; there are 1" in page
    assert "more tasks are in report.json." in page
    assert len(page) < 500_000


def test_sections_without_content_are_not_there() -> None:
    page = html_of(report_of(evaluation([]), None, 0, 0))
    assert 'href="#answers"' not in page
    assert 'href="#paper"' not in page


def test_the_paper_has_a_section_if_it_names_the_set() -> None:
    episodes = [episode("0", reward_result([-3.0, -1.0]), True)]
    page = html_of(report_of(evaluation(episodes, published_name="jaco_play"), None, 0, 0))
    assert 'href="#paper"' in page
    assert "0.907" in page


def test_numbers_are_written_for_people() -> None:
    assert [number(value) for value in (-0.001, -1.5, None, 0.0)] == ["0.00", "−1.50", "–", "0.00"]
    assert (whole(1234567), span(-1.0, 0.5), span(None, 0.5)) == ("1\u202f234\u202f567", "−1.00 to 0.50", "–")
    assert [probability(value) for value in (0.25, 1.5e-7, -2.04e-10, 0.0, None)] == [
        "0.250",
        "1.5·10⁻⁷",
        "−2.0·10⁻¹⁰",
        "0.000",
        "–",
    ]


@pytest.mark.parametrize(("low", "high"), [(-4.2, 0.1), (-0.1, 0.1), (-0.02, 0.001), (-900.0, 3.0), (0.0, 1.0)])
def test_ticks_are_round_and_few(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)


def test_a_mean_curve_begins_where_all_curves_have_begun() -> None:
    places, values = mean_curve([([0.0, 1.0], [0.0, 1.0]), ([0.5, 1.0], [3.0, 5.0])])
    assert (places[0], places[-1], len(places)) == (0.5, 1.0, 15)
    assert (values[0], values[-1]) == (1.75, 3.0)
