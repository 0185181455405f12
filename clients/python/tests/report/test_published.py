"""The paper's tables: their checksums, and the names of datasets."""

import numpy as np
import pytest

from topreward.evaluate.comparison import figures_of
from topreward.evaluate.published import FAILED_SET, STATIC_SWEEP, TABLE_1, TABLE_2, TABLE_5, TABLE_6, published_name_of


def test_table_6_has_the_means_of_table_1() -> None:
    columns = np.array(list(TABLE_6.values()))
    assert columns.shape == (39, 6)
    assert columns.mean(axis=0) == pytest.approx([0.1943, 0.8569, 0.5410, 0.4328, -0.0165, 0.4170], abs=5.1e-5)
    assert columns.std(axis=0, ddof=1) == pytest.approx([0.184, 0.153, 0.265, 0.274, 0.098, 0.407], abs=3e-3)
    assert np.median(columns, axis=0) == pytest.approx([0.199, 0.907, 0.542, 0.501, 0.000, 0.472], abs=1e-9)
    assert columns.mean(axis=0) == pytest.approx(list(TABLE_1), abs=6e-4)


def test_table_2_has_the_papers_headline() -> None:
    means = np.array(list(TABLE_2.values())).mean(axis=0)
    assert means == pytest.approx([-0.003, 0.616, 0.321, 0.947, 0.658, 0.515], abs=6e-4)


def test_table_5_has_its_means_and_nearly_the_columns_of_table_2() -> None:
    means = np.array(list(TABLE_5.values())).mean(axis=0)
    assert means == pytest.approx([0.945, 0.500, 0.652, 0.523], abs=6e-4)
    for name, row in TABLE_5.items():
        assert row.qwen_open == pytest.approx(TABLE_2[name].qwen_topreward, abs=0.0011)


def test_the_sweep_has_the_same_models_for_each_set() -> None:
    assert STATIC_SWEEP.keys() == TABLE_2.keys()
    assert len({tuple(models) for models in STATIC_SWEEP.values()}) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lerobot/jaco_play", "jaco_play"),
        ("/data/sets/Jaco-Play/", "jaco_play"),
        ("C:\\sets\\taco_play", "taco_play"),
        ("ajyanggg/manirewardbench_lerobot_failed", FAILED_SET),
        ("manirewardbench_franka", "manirewardbench_franka"),
        ("jaco_play_2", None),
        ("", None),
        ("/", None),
    ],
)
def test_names(text: str, name: str | None) -> None:
    assert published_name_of(text) == name


def test_every_named_dataset_has_figures() -> None:
    for name in [*TABLE_6, *TABLE_2, FAILED_SET]:
        assert figures_of(name), name
        assert published_name_of(name) == name
    assert figures_of("another") == []
