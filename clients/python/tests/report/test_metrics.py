"""Numbers of curves and scores, against SciPy and scikit-learn (test/fixtures/report_numbers.py) and by counting."""

import json
import math
from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from topreward.evaluate.control import explained_by_time, held_from
from topreward.evaluate.estimates import Bootstrap, auc_of, mean_of
from topreward.evaluate.metrics import auc, average_ranks, best_fit, fits, kendall, newcombe, pearson, voc
from topreward.evaluate.success import roc_corners

FIXTURES = Path(__file__).parents[4] / "test/fixtures"
NUMBERS: dict[str, Any] = json.loads((FIXTURES / "report_numbers.json").read_text(encoding="utf-8"))
CALIBRATIONS: list[dict[str, Any]] = json.loads((FIXTURES / "reference_numbers.json").read_text(encoding="utf-8"))[
    "calibrations"
]
MANY = Bootstrap(20_000, 0)


@pytest.mark.parametrize("known", NUMBERS["correlations"])
def test_correlations_are_those_of_scipy(known: dict[str, Any]) -> None:
    for compute, name in ((voc, "voc"), (pearson, "pearson"), (kendall, "kendall")):
        assert compute(known["values"]) == pytest.approx(known[name], abs=1e-12), name


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0], [-3.25] * 15])
def test_a_correlation_without_two_different_values_is_undefined(values: list[float]) -> None:
    assert voc(values) is None
    assert pearson(values) is None
    assert kendall(values) == (0.0 if len(values) > 1 else None)


def test_a_correlation_is_at_most_1() -> None:
    """Without a limit, rounding makes both of these 1.0000000000000002."""
    assert voc(range(28)) == 1
    assert pearson([-2.748303166753565, -2.748303166753565 + 0.7965279460170069]) == 1


def test_kendall_counts_pairs() -> None:
    values = np.random.default_rng(1).integers(0, 4, 12).tolist()
    pairs = list(combinations(values, 2))
    counted = sum(b > a for a, b in pairs) - sum(b < a for a, b in pairs)
    assert kendall(values) == counted / len(pairs)


def test_equal_values_share_their_mean_rank() -> None:
    assert average_ranks([3.0, 1.0, 3.0, 2.0, 3.0]).tolist() == [4.0, 1.0, 4.0, 2.0, 4.0]


@pytest.mark.parametrize("known", NUMBERS["discriminations"])
def test_auc_and_roc_are_those_of_scikit_learn(known: dict[str, Any]) -> None:
    good, bad = known["successes"], known["failures"]
    assert auc(good, bad) == pytest.approx(known["auc"], abs=1e-12)
    found = fits(good + bad, [True] * len(good) + [False] * len(bad))
    points = [[0.0, 0.0], *([1 - fit["specificity"], fit["sensitivity"]] for fit in found)]
    assert np.allclose(points, known["roc"], atol=1e-12)


@pytest.mark.parametrize("known", NUMBERS["discriminations"])
def test_corners_have_the_same_area_as_the_curve(known: dict[str, Any]) -> None:
    corners = roc_corners([(x, y) for x, y in known["roc"][1:]])
    assert len(corners) <= len(known["roc"])
    x, y = zip(*corners, strict=True)
    assert np.trapezoid(y, x) == pytest.approx(known["auc"], abs=1e-12)


@pytest.mark.parametrize("known", NUMBERS["discriminations"])
def test_interval_of_an_auc_is_that_of_scipy(known: dict[str, Any]) -> None:
    found = auc_of(known["successes"], known["failures"], MANY)
    assert found["value"] == pytest.approx(known["auc"], abs=1e-12)
    assert found["low"] == pytest.approx(known["interval"][0], abs=0.025)
    assert found["high"] == pytest.approx(known["interval"][1], abs=0.025)


@pytest.mark.parametrize("known", NUMBERS["means"])
def test_interval_of_a_mean_is_that_of_scipy(known: dict[str, Any]) -> None:
    found = mean_of(known["values"], MANY)
    assert found["value"] == pytest.approx(known["mean"], abs=1e-12)
    assert found["low"] == pytest.approx(known["interval"][0], abs=0.005)
    assert found["high"] == pytest.approx(known["interval"][1], abs=0.005)


@pytest.mark.parametrize("known", NUMBERS["explained"])
def test_what_time_explains_is_the_r2_of_a_regression(known: dict[str, Any]) -> None:
    curves = [(np.array(shares), np.array(values)) for shares, values in known["curves"]]
    assert explained_by_time(curves) == pytest.approx(known["explained"], abs=1e-12)


def test_time_explains_all_or_nothing_at_the_ends() -> None:
    shares = np.linspace(0, 1, 15)
    assert explained_by_time([(shares, shares), (shares, shares)]) == pytest.approx(1)
    assert explained_by_time([(shares, shares), (shares, shares[::-1].copy())]) == pytest.approx(0)
    assert explained_by_time([(shares, np.full(15, -2.0))]) is None
    assert explained_by_time([]) is None


@pytest.mark.parametrize("known", CALIBRATIONS)
def test_threshold_and_interval_are_those_of_a_calibration(known: dict[str, Any]) -> None:
    scores, labels = known["scores"], known["labels"]
    good = [score for score, label in zip(scores, labels, strict=True) if label]
    bad = [score for score, label in zip(scores, labels, strict=True) if not label]
    value, low, high = known["auc"]
    assert auc(good, bad) == pytest.approx(value, abs=1e-12)
    assert newcombe(value, len(good), len(bad)) == pytest.approx((low, high), abs=1e-9)
    best = best_fit(fits(scores, labels))
    if known["best"] is None:
        assert best is None
        return
    assert best is not None
    assert best["threshold"] == pytest.approx(known["best"]["threshold"], abs=1e-12)
    counts = [best["true_positives"], best["false_positives"], best["true_negatives"], best["false_negatives"]]
    assert counts == known["best"]["confusion"]


def test_a_threshold_is_never_the_lower_score() -> None:
    lower, higher = -1.0, math.nextafter(-1.0, 0)
    assert best_fit(fits([higher, lower], [True, False])) == {
        "threshold": higher,
        "true_positives": 1,
        "false_positives": 0,
        "true_negatives": 1,
        "false_negatives": 0,
        "sensitivity": 1.0,
        "specificity": 1.0,
        "precision": 1.0,
        "youden": 1.0,
    }


def test_thresholds_are_between_the_scores_and_the_last_one_is_the_lowest_score() -> None:
    found = fits([-1.0, -2.0, -2.0, -4.0], [True, False, True, False])
    assert [fit["threshold"] for fit in found] == [-1.5, -3.0, -4.0]


def test_no_threshold_if_failures_score_higher() -> None:
    assert best_fit(fits([-2.0, -1.0], [True, False])) is None
    assert best_fit([]) is None


def _by_counting(good: Sequence[float], bad: Sequence[float]) -> float:
    return sum((a > b) + (a == b) / 2 for a, b in product(good, bad)) / (len(good) * len(bad))


def test_auc_counts_pairs_and_only_the_order_matters() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        good, bad = rng.integers(-6, 0, rng.integers(1, 9)).tolist(), rng.integers(-6, 0, rng.integers(1, 9)).tolist()
        value = auc(good, bad)
        assert value == pytest.approx(_by_counting(good, bad), abs=1e-12)
        assert value == auc(np.exp(good), np.exp(bad)) == auc(np.array(good) * 1e-3 - 7, np.array(bad) * 1e-3 - 7)
        assert auc(bad, good) == pytest.approx(1 - value, abs=1e-12)


def test_equal_values_and_seeds_have_the_same_interval() -> None:
    values = np.random.default_rng(0).normal(size=20).tolist()
    once = mean_of(values, Bootstrap(500, 7))
    assert once == mean_of(values, Bootstrap(500, 7))
    assert once["low"] != mean_of(values, Bootstrap(500, 8))["low"]
    assert once == mean_of(values[::-1], Bootstrap(500, 7))


def test_large_groups_are_drawn_in_parts() -> None:
    values = np.random.default_rng(0).normal(-1, 1, 60_000)
    found = mean_of(values.tolist(), Bootstrap(100, 0))
    assert found["low"] is not None
    assert found["high"] is not None
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 / math.sqrt(60_000), rel=0.3)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [None, 1.0, None, 2.0]])
def test_fewer_than_three_episodes_have_no_interval(values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    found = mean_of(values, MANY)
    assert found == {"value": sum(known) / len(known) if known else None, "low": None, "high": None, "n": len(known)}


def test_an_auc_needs_three_of_each_for_an_interval() -> None:
    assert auc_of([], [1.0], MANY)["value"] is None
    few = auc_of([-1.0, -1.0], [-2.0, -2.0, -2.0], MANY)
    assert (few["value"], few["low"], few["high"], few["newcombe"]) == (1.0, None, None, None)
    assert mean_of([1.0, 2.0, 3.0], Bootstrap(0, 0))["low"] is None


def test_newcombe_does_not_shrink_to_a_point() -> None:
    separated = auc_of([-1.0] * 6, [-2.0] * 6, MANY)
    assert (separated["low"], separated["high"]) == (1.0, 1.0)
    assert separated["newcombe"] == pytest.approx((0.6892, 1.0), abs=1e-4)  # docs/reference/calibration.md


def test_a_plateau_repeats_the_value_at_a_share_of_the_prefixes() -> None:
    line = np.arange(10.0)
    assert held_from(line, 0.8).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7]
    assert held_from(line, 0.3).tolist() == [0, 1, 2, 2, 2, 2, 2, 2, 2, 2]
    assert held_from(np.array([-1.0]), 0.3).tolist() == [-1.0]
    assert held_from(np.array([-2.0, -1.0]), 0.1).tolist() == [-2.0, -2.0]
    # n values of which the last m are equal: ρ² = 1 − (m³ − m)/(n³ − n), from the variance of average ranks
    assert voc(held_from(np.arange(15.0), 0.5)) == pytest.approx(math.sqrt(1 - (8**3 - 8) / (15**3 - 15)), abs=1e-12)
