"""Batches and windows cover every token once, within the budget."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certainty.batching import batches, cut_windows, pad


@given(st.lists(st.integers(2, 300), max_size=200), st.integers(1, 4), st.integers(1, 2000))
def test_batches_cover_all_rows_within_the_budget(lengths: list[int], workers: int, budget: int) -> None:
    made = batches(lengths, budget, workers)
    assert sorted(i for batch in made for i in batch) == list(range(len(lengths)))
    for batch in made:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


def test_few_rows_are_shared_out_among_the_workers() -> None:
    assert len(batches([10] * 8, 512, workers=2)) == 2
    assert len(batches([10] * 8, 512)) == 1


@given(st.lists(st.integers(0, 500), max_size=8), st.integers(4, 64))
def test_windows_cover_every_token(sizes: list[int], max_length: int) -> None:
    sentences = [list(range(10, 10 + size)) for size in sizes]
    covered: list[set[int]] = [set() for _ in sentences]
    for window in cut_windows(sentences, (0, 2), max_length):
        assert len(window.ids) <= max_length
        assert (window.ids[0], window.ids[-1]) == (0, 2)
        body = window.ids[1:-1]
        assert body == sentences[window.sentence][window.start : window.start + len(body)]
        covered[window.sentence].update(body)
    assert covered == [set(sentence) for sentence in sentences]


def test_padding() -> None:
    ids, mask = pad([[0, 7, 2], [0, 2]], pad_token_id=1)
    assert ids.tolist() == [[0, 7, 2], [0, 2, 1]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]
