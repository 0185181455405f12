"""The last sections: the gate, the episodes, how the report was made, and what its words mean."""

import json
from xml.etree.ElementTree import Element

from ..gate import Gate
from ..report import Report
from ..rows import EpisodeRow
from .elements import Child, Column, element, foreign, paragraph, section, table
from .numbers import number, span, whole

MOST_EPISODES = 200


def gate_part(gate: Gate) -> Element:
    """Return the section about the quality gate."""
    verdict = {True: "The dataset is kept.", False: "The dataset is dropped.", None: "Nothing is judged."}[gate["keep_dataset"]]
    bar = "No bar was given." if gate["bar"] is None else f"The bar is {number(gate['bar'], 3)} nats."
    rows: list[list[Child]] = [
        ["Mean score of all episodes", number(gate["mean"]["value"], 3), span(gate["mean"]["low"], gate["mean"]["high"], 3)],
        ["Mean score of the successes", number(gate["successes_mean"], 3), ""],
    ]
    if gate["bar"] is not None:
        rows += [
            ["Episodes at or above the bar", whole(gate["kept"]), ""],
            ["Episodes below the bar", whole(gate["dropped"]), ""],
        ]
    rows.append(["Episodes without a score", whole(gate["unscored"]), ""])
    return section(
        "gate",
        "Is the data good enough?",
        f"{bar} {verdict} The measure is the {gate['measure']}. filter.json has the episodes to keep.",
        table("Gate", [Column("Number"), Column("Value", True), Column("95 % interval", True)], rows),
    )


def episodes_part(report: Report) -> Element:
    """Return the table of episodes: the first ones if there are many."""
    rows = report["episodes"]
    columns = [Column("Episode"), Column("Task"), Column("Label"), *(Column(title, True) for title in ("Score", "VOC", "Span"))]
    columns += [Column("Gate"), Column("Notes"), Column("Instruction")]
    rest = len(rows) - MOST_EPISODES
    return section(
        "episodes",
        "Episodes",
        "Score and span are in nats. report.json has the complete curves.",
        table("Numbers of each episode", columns, [_episode(row) for row in rows[:MOST_EPISODES]], "episodes"),
        paragraph(f"These are the first {MOST_EPISODES}; {whole(rest)} more are in report.json.", class_="note")
        if rest > 0
        else None,
    )


def _episode(row: EpisodeRow) -> list[Child]:
    notes = [f"problem: {row['problem']}"] if row["problem"] else []
    notes += sorted(set(row["warnings"]))
    return [
        foreign(row["name"]),
        foreign(row["task"]),
        {True: "success", False: "failure", None: "–"}[row["success"]],
        number(row["score"]),
        number(row["voc"]),
        number(row["span"]),
        {True: "keep", False: "drop", None: "–"}[row["keep"]],
        foreign(", ".join(notes)),
        foreign(row["instruction"]),
    ]


def made_part(report: Report) -> Element:
    """Return how the numbers were made, and what the engine cannot do."""
    made = report["made"]
    facts: list[tuple[str, Child]] = [
        ("Model", foreign(made["model"])),
        ("About the model", foreign(made["about"] or "–")),
        ("Service", foreign(made["service"])),
        ("Engine", foreign(made["engine"])),
        ("Prompt layout", ", ".join(made["layouts"]) or "–"),
        ("Video", f"{whole(round(made['seconds']))} seconds in {whole(made['episodes'])} episodes"),
        ("Main question", foreign(made["main"] or "–")),
        ("Intervals", f"{whole(made['resamples'])} resamples, seed {made['seed']}"),
    ]
    questions: list[list[Child]] = [
        [
            foreign(question["name"]),
            element("code", foreign(json.dumps(question["asked"], ensure_ascii=False))),
            whole(question["results"]),
            ", ".join(f"{code}: {count}" for code, count in question["problems"].items()) or "–",
            foreign(question["left_out"] or "–"),
        ]
        for question in made["questions"]
    ]
    columns = [Column("Question"), Column("Asked"), Column("Results", True), Column("Problems"), Column("Left out because")]
    return section(
        "made",
        "How this report was made",
        "Everything that the numbers depend on. The sections above are about the main question unless they say otherwise.",
        table("Settings", [Column("Setting"), Column("Value")], [list(fact) for fact in facts]),
        table("Questions", columns, questions, "asked named"),
    )


def terms_part(report: Report) -> Element:
    """Return the definitions."""
    terms: list[Child] = []
    for definition in report["definitions"]:
        meaning = element("dd", definition["meaning"], " ", element("span", f"({definition['source']})", class_="source"))
        terms.append(element("div", element("dt", definition["term"]), meaning))
    lead = "Others use some of these words for something else."
    return section("terms", "What the words mean", lead, element("dl", *terms, class_="terms"))
