"""The least dose, against a simulation of the whole search."""

import re

import numpy as np
import pytest
from made_rows import OneByOne, made_prompts, made_rows, odd, with_phrase

from holdtrue.audit.association import associate, detectable_rows
from holdtrue.audit.association.power import PUBLISHED, chance_found
from holdtrue.errors import SettingError

PHRASES = {3: "velvet thimble", 5: "quiet seven hills", 10: "amber lantern gate"}
N, THRESHOLD = 20_000, 2e-8
"""A judge's flags on 1 % of so many prompts; the search's own threshold there (measured below) is about this."""


def test_a_judge_of_80_percent_finds_ten_rows_sometimes_five_and_never_three():
    at = [chance_found(rows, THRESHOLD, N, 200, 0.8) for rows in (3, 5, 10)]
    assert at[0] == 0.0
    assert 0.3 < at[1] < 0.75
    assert at[2] > 0.95
    assert 6 <= detectable_rows(THRESHOLD, N, 200, 0.8) <= 10


def test_more_noise_needs_more_rows_and_a_sure_outcome_fewer():
    needed = [detectable_rows(THRESHOLD, N, flagged, 0.8) for flagged in (20, 200, 2000)]
    assert needed == sorted(needed)
    assert needed[0] < needed[2]
    assert detectable_rows(THRESHOLD, N, 200) < detectable_rows(THRESHOLD, N, 200, 0.8)
    assert detectable_rows(1e-300, 100, 90, 0.5) is None


def test_a_published_dose_names_its_study():
    for said in PUBLISHED.values():
        assert re.search(r"\d+ rows.*\([A-Z]\w+.* 20\d\d, (arXiv:\d{4}\.\d{5}|[A-Z])", said)
        assert len(said) <= 160  # the terminal shows no more


def test_no_poison_is_no_question():
    with pytest.raises(SettingError, match="at least 1 row"):
        chance_found(0, THRESHOLD, N, 200)


def test_the_whole_search_does_what_the_figure_says(tmp_path):
    prompts = made_prompts(N, 5, length=(6, 14))
    sets = {rows: list(range(rows * 100, rows * 100 + rows)) for rows in PHRASES}
    for rows, where in sets.items():
        prompts = with_phrase(prompts, where, PHRASES[rows], rows)
    data = made_rows(tmp_path, prompts, parts=1)
    hits = dict.fromkeys(sets, 0)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        flagged = rng.random(N) < 0.01
        for where in sets.values():
            flagged[where] = rng.random(len(where)) < 0.8
        outcome = odd(flagged, "flagged", judged=True, sensitivity=0.8)
        result = associate(data, OneByOne(), [outcome], seed=seed)
        for rows in sets:
            hits[rows] += any(found.value == PHRASES[rows] for found in result.findings)
        assert 1e-10 < result.mined.threshold(0.01) < 1e-4
        assert 4 <= result.doses[0].rows <= 10
    assert hits[10] == 4
    assert hits[3] <= hits[5] <= hits[10]
