"""The stress summary: every arm and kind with its figures, in a hundred columns."""

from test_report_stress_run import ARMS, KINDS, made_design, made_run, made_trials

from holdtrue.report.plain import columns
from holdtrue.report.stress import stress_summary
from holdtrue.stress.results import results


def test_every_cell_is_there_with_its_interval() -> None:
    found, _ = made_run()
    lines = stress_summary(found).split("\n")
    for arm in ARMS:
        own = " ".join(line for line in lines if line.startswith(f"  {arm.name} "))
        for kind in (*KINDS, "all"):
            rate = found["arms"][arm.name][kind]
            low, high = rate["ci"]
            assert f"{rate['failures']}/{rate['families']} {100 * low:.0f}-{100 * high:.0f}" in own


def test_survivors_controls_costs_and_limits_are_named() -> None:
    found, _ = made_run()
    text = stress_summary(found)
    joined = " ".join(text.split())
    survivors = [
        row for row in found["contrasts"]
        if row["against"] == "free" and row["kind"] != "all"
        if row["p_holm"] < 0.05 and not row["ci"][0] <= 0 <= row["ci"][1]
    ]  # fmt: skip
    assert survivors
    section = text.split("that survive Holm\n")[1].split("\n\n")[0].split("\n")
    assert len(section) == len(survivors)
    assert all(line.split()[0] in {row["arm"] for row in survivors} for line in section)
    assert text.count("\n  ok ") == 3
    for line in found["not_shown"]:
        assert " ".join(line.split()) in joined
    assert "within 5 points" in text
    assert "×1.2" in text


def test_at_most_a_hundred_columns_of_plain_text() -> None:
    wide = tuple(
        arm.model_copy(update={"name": name})
        for arm, name in zip(ARMS, ("自由" * 20, "a" * 80, "\x1b[31mred"), strict=False)
    )
    names = {old.name: new.name for old, new in zip(ARMS, wide, strict=False)}
    trials = [trial.model_copy(update={"arm": names[trial.arm]}) for trial in made_trials(ARMS[:3], 6, KINDS[:7])]
    hostile = results(trials, [], made_design(trials, wide, model="漢" * 90))
    for text in (stress_summary(made_run()[0]), stress_summary(hostile)):
        assert max(columns(line) for line in text.split("\n")) <= 100
        assert not set(text) & {"\x1b", "\u00a0", "\t"}
