"""The modules of the page on evaluation: what they give, and that they do not claim what is not so."""

from __future__ import annotations

import pytest
import torch

from chapters_lib.evaluation.kid import KernelDistance
from chapters_lib.evaluation.precision_recall import PrecisionRecall
from chapters_lib.findings import board
from chapters_lib.pages import evaluation, evaluation_board
from chapters_lib.recording import runs

FORMATS = (board.FLOAT32, board.LOW)


def seen(fid: float, precision: float, recall: float) -> dict[str, object]:
    pr = PrecisionRecall(precision, recall)
    return {"fid": fid, "kid": KernelDistance(-0.001, 0.002), "pr": pr, "chance": 0.4}


SEEN = {
    "other real digits": seen(0.2, 0.9, 0.9),
    "only 0 to 4": seen(12.0, 0.9, 0.5),
    "sixty, repeated": seen(2.0, 0.9, 0.05),
    "half on their side": seen(9.0, 0.45, 0.8),
    "nothing but noise": seen(40.0, 0.5, 0.1),
}


def test_few_images_read_too_far(kept):
    evaluation.numbers()
    assert kept["same_few"] > kept["same_many"] > 0
    assert kept["same_slope"].startswith("−")


def test_the_state_counts_the_rows_that_have_the_distance(kept):
    evaluation_board.numbers()
    entries = board.entries()
    measured = sum(entry.has(board.shown()) for entry in entries)
    few = sum(entry.has(board.EQUAL) for entry in entries)
    assert f"; {measured} of all {len(entries)} rows have it." in kept["board_state"]
    assert f" A further {few} have one of as many" in kept["board_state"]


def test_the_format_may_turn_the_order_of_rows_that_lie_near(monkeypatch):
    rows = ((1.0, 1.05), (2.0, 2.4), (3.0,))  # in float32, and then in bfloat16
    found = tuple(
        board.Entry(runs.Run("gan", {}, dict(zip(FORMATS, row, strict=False)), {}, None), "")
        for row in rows
    )
    few = {FORMATS[0]: 1.0, FORMATS[1]: 9.0, board.EQUAL: 1.0}  # of as few samples as test images
    found += (board.Entry(runs.Run("gan-few", {}, few, {}, None), ""),)
    monkeypatch.setattr(board, "entries", lambda: found)
    monkeypatch.setattr(board, "shown", lambda: FORMATS[1])
    said = board.number_format()
    assert "Of two generators both are recorded" in said
    assert "between 5 and 20 % more" in said
    assert "less than 14 % apart may have the other order in float32" in said
    monkeypatch.setattr(board, "shown", lambda: FORMATS[0])
    said = board.number_format()
    assert said.startswith(
        "The scoreboard below is in float32 (where test images are few: bfloat16)"
    )
    assert "between 5 and 20 % more" in said and said.endswith("the other order in bfloat16.")


def test_a_board_has_real_images_first_and_then_the_nearest():
    header, real, *rows = evaluation_board.table_board("mnist").data.split("\n* - ")[1:]
    assert header.startswith("Samples of") and real.startswith("*real images*")
    distances = [float(row.split("\n  - ")[3].split(" ± ")[0]) for row in rows]
    assert distances == sorted(distances) and len(distances) > 3
    printed = {board.family(e) for e in board.drawn_from("mnist")}
    assert len(rows) == len(printed)  # the best of each kind; the site has all below
    site = evaluation_board.every_generator().data
    assert site.startswith("````{only} builder_html")
    assert site.count("\n* - ") == len(board.entries()) + 2 * site.count("```{list-table}")


def test_the_yardstick_is_of_as_many_images_where_it_was_measured():
    entry, said = board.yardstick("mnist")
    assert entry.has("precision_judge") and "training images" in said
    assert "all test images" in board.yardstick("kmnist")[1]


def test_a_caption_says_of_how_many_real_images_inception_was_asked():
    said = board.of_real_images("mnist")
    assert ("beside as many test images" in said) == (board.real_images("mnist") is not None)
    assert board.of_real_images("kmnist") == " Inception was not asked about real images."


def test_the_other_tables_have_their_rows():
    assert evaluation_board.table_weights().data.count("\n* - ") == 5
    assert evaluation.table_sets(SEEN, 359).data.count("\n* - ") == 6


def test_a_rank_correlation_of_few_shows_something_only_where_it_is_large(kept):
    assert board.least_rank(7) == pytest.approx(0.7857, abs=1e-4)
    evaluation_board.numbers()
    assert kept["not_shown"].startswith("agreement is not shown") == ("(0." in kept["not_shown"])


def test_figures_name_their_axes():
    for axes in evaluation.sizes().axes:
        assert axes.get_xlabel() == "images on each side"
    assert evaluation_board.agreement().axes[0].get_ylabel() == "distance, Inception"
    gauss = evaluation.gauss([10, 20], {2: [0.4, 0.2]}, {2: [0.3, 0.2]})
    assert gauss.axes[0].get_xlabel() == "draws on each side"
    ways = evaluation.transport(torch.zeros(80, 2), torch.ones(80, 2)).axes[0]
    assert [text.get_text() for text in ways.get_legend().get_texts()] == ["from", "to"]


def test_a_set_that_keeps_its_recall_is_marked(kept, claimed):
    evaluation.faults(SEEN, 0.0)
    assert kept["sets_real_kid"] == "−0.001 ± 0.002" and all(
        verdict.holds for verdict in claimed.values()
    )
    evaluation.faults(SEEN | {"sixty, repeated": seen(2.0, 0.9, 0.5)}, 0.4)
    assert {key: verdict.holds for key, verdict in claimed.items()} == {
        "faults_noticed": True,
        "repetition_costs_recall": False,
        "copies_cost_recall": False,
        "sideways_costs_precision": True,
    }


def test_the_places_of_the_named_points_differ(kept):
    evaluation_board.numbers()
    named = [dataset for dataset in board.distances() if board.odd_one(dataset)]
    places = kept["places"].split(", ")
    assert len(places) == len(named)
    for told in places:
        here, _, there, *_ = told.split()
        assert int(here) != int(there)


def test_inception_sides_with_the_nearer_of_its_own_samples(kept):
    key = board.shown()
    one, two = (board.Entry(board.run(evaluation_board.WEIGHTS[w]), "").first(key) for w in (1, 2))
    side = "judge" if two < one else "bound"
    evaluation_board.four_weights()
    assert kept["inception_two"] == f"sides with the {side} (one training each)"


def test_an_order_that_turned_round_is_noticed(kept, monkeypatch):
    reversed_weights = dict(
        zip(evaluation_board.WEIGHTS, reversed(evaluation_board.WEIGHTS.values()), strict=True)
    )
    monkeypatch.setattr(evaluation_board, "WEIGHTS", reversed_weights)
    with pytest.raises(AssertionError, match="it is the one said"):
        evaluation_board.four_weights()
