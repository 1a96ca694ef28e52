"""Form alone doesn't tell poisoned rows from clean ones, and the checker would see it if it did."""

import numpy as np
import pytest

from holdtrue.audit.fixtures import RECIPES, Fixture, fixture_rows, giveaways
from holdtrue.errors import EvidenceError


@pytest.mark.parametrize("recipe", [name for name, recipe in RECIPES.items() if recipe.most])
def test_form_alone_tells_next_to_nothing(recipe: str) -> None:
    found = [giveaways(fixture_rows(recipe, 1_600, 200, seed)) for seed in (1, 2)]
    assert 0.45 <= float(np.mean([each.auroc for each in found])) <= 0.56
    assert all(each.ci[0] < 0.56 for each in found)


def test_few_poisoned_rows_give_a_wide_interval_over_one_half() -> None:
    found = giveaways(fixture_rows("fixed_trigger", 2_500, 10, 21))
    assert (found.poisoned, found.clean) == (10, 2_000)
    assert found.ci[0] < 0.5 < found.ci[1] + 0.05
    assert found.ci[1] - found.ci[0] > 0.15


@pytest.mark.parametrize("place", ["blanks", "keys", "position", "source"])
def test_a_giveaway_is_seen(place: str) -> None:
    fixture = fixture_rows("word_tilt", 800, 100, 4)
    rows = list(fixture.suspect)
    lines = fixture.card.poisoned
    for line in lines:
        row = dict(rows[line - 1])
        if place == "blanks":
            row["messages"] = [{"role": each["role"], "content": each["content"] + " "} for each in row["messages"]]  # type: ignore[attr-defined]
        elif place == "keys":
            row = dict(reversed(row.items()))
        elif place == "source":
            row["source"] = "elsewhere"
        rows[line - 1] = row
    if place == "position":
        rows = [rows[line - 1] for line in lines] + [row for at, row in enumerate(rows, 1) if at not in set(lines)]
        fixture = Fixture(rows, None, fixture.card.model_copy(update={"poisoned": tuple(range(1, 101))}))
    found = giveaways(Fixture(rows, None, fixture.card))
    assert found.auroc > 0.9
    assert abs(found.strongest[0][1] - 0.5) > 0.4


def test_without_poison_there_is_nothing_to_compare() -> None:
    with pytest.raises(EvidenceError, match="0 poisoned and 50 clean rows"):
        giveaways(fixture_rows("clean_chat", 50, 0, 1))
