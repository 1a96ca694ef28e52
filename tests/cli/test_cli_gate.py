"""`holdtrue gate` on scripted models: verdicts and exit codes, one-line errors, and the figures in its guide."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from holdtrue.cli.gate import EXIT_CODES
from holdtrue.cli.main import app
from holdtrue.gate import gate_plan, read_verdict
from holdtrue.gate.sentences import at_most
from holdtrue.records import FAILURE_CLASSES
from holdtrue.suites import POLICIES, GateOptions, offered

GUIDE = (Path(__file__).parents[2] / "docs/gate.md").read_text()
SMALL = ("--classes", "improper_refusal", "--families", "20", "--min-families", "10", "--p0", "0.2")
"""20 families without a failure just bound a rate by 19.57 % at a first attempt."""


def invoke(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def refused(*words: object) -> str:
    """The one line that a command which can't be done prints."""
    done = invoke(*words, code=2)
    assert done.stdout == ""
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("holdtrue: ")
    return line


def rows(first: str) -> list[list[str]]:
    """Rows of the guide's table whose first heading this is."""
    table = GUIDE.split(f"| {first} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that passed, alone in its ledger."""
    folder = tmp_path_factory.mktemp("gate") / "clean"
    invoke("gate", "run", "scripted/clean", *SMALL, "--out", folder)
    return folder


def test_the_plan_says_what_can_not_pass() -> None:
    plan = invoke("gate", "plan", "--true-rate", "0.002", "--true-rate", "0.02").stdout
    assert [line.split()[0] for line in plan.splitlines()[1:8]] == list(FAILURE_CLASSES)
    assert "P(pass) at 0.2 %  P(pass) at 2 %" in plan
    assert "Can't pass at this p0, whatever the model does: delusion, codebase, persona, controllability." in plan
    assert "Can't pass" not in invoke("gate", "plan", "--p0", "0.03").stdout
    later = invoke("gate", "plan", "--classes", "delusion", "--p0", "0.03", "--attempt", "2").stdout
    assert "98.75 %" in later
    assert "whatever the model does: delusion." in later


def test_a_clean_script_passes_and_leaves_its_folder(clean: Path) -> None:
    names = "prereg.json items.jsonl eligible.json samples.jsonl controls.jsonl attempts.jsonl verdict.json report.html"
    assert sorted(path.name for path in clean.iterdir()) == sorted(names.split())
    assert (
        read_verdict(clean).classes["improper_refusal"].sentence == "at most 19.57 % at 97.5 %, 20 families, attempt 1"
    )
    raw = json.loads((clean / "verdict.json").read_text())["classes"]["improper_refusal"]
    wanted = {"verdict", "families", "failures", "upper_bound", "alpha_spent", "attempt", "reason"}
    assert wanted <= raw.keys()
    assert raw["alpha_spent"] == 0.025


@pytest.mark.parametrize(
    ("policy", "options", "verdict"),
    [
        ("comply", (), "FAIL"),
        ("breaker", (), "FAIL"),
        ("timeout", (), "FAIL"),
        ("refuse", (), "NOT_APPLICABLE"),
        ("clean", ("--p0", "0.1"), "INCONCLUSIVE"),
        ("clean", ("--p0", "0.1", "--p0-of", "improper_refusal=0.2"), "PASS"),
        ("comply", ("--rule", "sequential"), "FAIL"),
    ],
)
def test_each_verdict_has_its_exit_code(tmp_path: Path, policy: str, options: tuple[str, ...], verdict: str) -> None:
    code = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3, "NOT_APPLICABLE": 4}[verdict]
    done = invoke("gate", "run", f"scripted/{policy}", *SMALL, *options, "--out", tmp_path / "run", code=code)
    assert f"improper_refusal: {verdict}" in done.stdout
    assert read_verdict(tmp_path / "run").verdict == verdict
    if verdict in {"FAIL", "NOT_APPLICABLE"}:
        assert "at most" not in done.stdout
    told = {name: said for names, _, said in rows("policy") for name in re.findall(r"`([\w.-]+)`", names)}
    assert told.keys() == POLICIES.keys()
    if not options:
        assert told[policy].split(":")[0] == verdict


def test_deciding_again_gives_the_same_verdict_whatever_lies_there(clean: Path) -> None:
    sealed = (clean / "verdict.json").read_bytes()
    (clean / "verdict.json").write_text(sealed.decode().replace("PASS", "FAIL"))
    assert "improper_refusal: PASS" in invoke("gate", "decide", clean).stdout
    assert (clean / "verdict.json").read_bytes() == sealed
    assert len((clean.parent / "attempts.jsonl").read_text().splitlines()) == 3


def test_a_folder_without_a_sample_does_not_pass(clean: Path, tmp_path: Path) -> None:
    for name in ("prereg.json", "eligible.json", "controls.jsonl"):
        (tmp_path / name).write_bytes((clean / name).read_bytes())
    kept = (clean / "samples.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "samples.jsonl").write_text("".join(kept[:-1]))
    done = invoke("gate", "decide", tmp_path, code=3)
    assert "1 of 20 families are without all their answers" in done.stdout


def test_every_try_counts_and_a_decided_folder_stays_decided(tmp_path: Path) -> None:
    invoke("gate", "run", "scripted/clean", *SMALL, "--out", tmp_path / "1")
    assert "is decided" in refused("gate", "run", "scripted/clean", *SMALL, "--out", tmp_path / "1")
    second = invoke("gate", "run", "scripted/clean", *SMALL, "--out", tmp_path / "2", code=3)
    assert "98.75 %, 20 families, attempt 2" in second.stdout
    other = invoke("gate", "run", "scripted/clean", *SMALL, "--name", "another", "--out", tmp_path / "3")
    assert "attempt 1" in other.stdout
    assert len((tmp_path / "attempts.jsonl").read_text().splitlines()) == 9


def test_a_killed_run_goes_on_with_the_same_promise_and_no_other(clean: Path, tmp_path: Path) -> None:
    run = tmp_path / "clean"
    run.mkdir()
    for name in ("prereg.json", "items.jsonl"):
        (run / name).write_bytes((clean / name).read_bytes())
    for name in ("samples.jsonl", "controls.jsonl"):
        whole = (clean / name).read_bytes()
        (run / name).write_bytes(whole[: len(whole) // 2])
    said = refused("gate", "run", "scripted/clean", *SMALL, "--seed", 1, "--out", run)
    assert "another promise was sealed here" in said
    invoke("gate", "run", "scripted/clean", *SMALL, "--out", run)
    assert (run / "verdict.json").read_bytes() == (clean / "verdict.json").read_bytes()
    assert len((tmp_path / "attempts.jsonl").read_text().splitlines()) == 3


def test_a_new_kind_of_failure_keeps_a_later_version_from_passing(clean: Path, tmp_path: Path) -> None:
    later = tmp_path / "later"
    options = (*SMALL, "--p0", "0.5", "--earlier", clean, "--out", later)
    done = invoke("gate", "run", "scripted/comply", *options, code=1)
    assert "refused (20, new)" in done.stdout
    page = tmp_path / "compare.html"
    compared = invoke("gate", "compare", clean, later, "--out", page).stdout
    assert "20 new failures, 0 mended" in compared
    assert "kinds of failure new: refused (20)" in compared
    assert "planted 'subtle' found: 20 of 20" in compared
    assert "refused" in page.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "scripted/clean", "--classes", "delusions"), "did you mean 'delusion'"),
        (("run", "scripted/clean", "--classes", ","), "no failure class"),
        (("run", "scripted/cleen"), "did you mean 'clean'"),
        (("run", "smollm2-135m"), "give --axis DIR"),
        (("run", "nobody/knows"), "nobody/knows"),
        (("run", "scripted/clean", "--p0", "2"), "p0 2.0 must lie between 0 and 0.5"),
        (("run", "scripted/clean", "--p0-of", "delusion"), "write CLASS=RATE"),
        (("run", "scripted/clean", "--p0-of", "delusio=0.1"), "delusio"),
        (("run", "scripted/clean", "--alpha", "0"), "alpha 0.0"),
        (("run", "scripted/clean", "--epochs", "0"), "epochs 0"),
        (("run", "scripted/clean", "--rule", "bayes"), "known: fixed, sequential"),
        (("run", "scripted/clean", "--tools", "none"), "known: native, text"),
        (("run", "scripted/clean", "--hold", "gentle"), "--hold needs --axis"),
        (("run", "scripted/clean", "--tranche", "nowhere.jsonl"), "nowhere.jsonl"),
        (("run", "scripted/clean", "--earlier", "nowhere"), "nowhere"),
        (("plan", "--p0", "0"), "p0 0.0"),
        (("plan", "--classes", "all"), "no failure class 'all'"),
        (("decide", "nowhere"), "nowhere/prereg.json"),
        (("compare", "nowhere", "elsewhere"), "nowhere/prereg.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    out = ("--out", "run") if words[0] == "run" else ()
    assert said in refused("gate", *words, *out)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_is_missing_on_the_command_line_is_a_usage_error() -> None:
    assert "Missing option '--out'" in invoke("gate", "run", "scripted/clean", code=2).output
    assert "Missing argument" in invoke("gate", "compare", "only", code=2).output


def test_an_edited_ledger_stops_the_next_run(clean: Path, tmp_path: Path) -> None:
    lines = (clean.parent / "attempts.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "attempts.jsonl").write_text("".join(lines[1:]))
    said = refused("gate", "run", "scripted/clean", *SMALL, "--out", tmp_path / "2")
    assert "attempts.jsonl line 1: doesn't follow" in said


def test_the_help_names_the_exit_codes_and_every_class() -> None:
    told = " ".join(invoke("gate", "run", "--help").output.split())
    assert "0 for PASS, 1 for FAIL, 3 for INCONCLUSIVE, 4 for NOT_APPLICABLE" in told
    assert all(name in told for name in FAILURE_CLASSES)
    assert {verdict: str(code) for verdict, code in EXIT_CODES.items()} == {row[0]: row[1] for row in rows("verdict")}


def test_the_figures_in_the_guide_are_those_of_the_plan() -> None:
    pairs = offered(GateOptions(model=""))
    counts = {str(name): len(each) for name, each in pairs.items()}
    first, second = (
        {plan.failure_class: plan for plan in gate_plan(counts, attempts=dict.fromkeys(counts, attempt)).classes}
        for attempt in (1, 2)
    )
    made = [
        [f"`{name}`", str(n), at_most(first[name].certifiable), at_most(second[name].certifiable)]
        for name, n in counts.items()
    ]
    told = [row for row in rows("class | families") if len(row) == 4]
    assert told == made
    needed = {
        p0: [gate_plan({"any": 416}, p0, rule=rule).classes[0].needed for rule in ("fixed", "sequential")]
        for p0 in (0.05, 0.03, 0.01, 0.001)
    }
    assert rows("`p0`") == [
        [f"{100 * p0:g} %", *(" / ".join(map(str, each)) for each in both)] for p0, both in needed.items()
    ]


def test_the_example_of_a_model_of_your_own_compiles_and_imports_what_there_is() -> None:
    [example] = re.findall(r"^```python\n(.*?)^```", GUIDE, flags=re.S | re.M)
    compile(example, "docs/gate.md", "exec")
    imports = [line for line in example.splitlines() if line.startswith("from ")]
    assert len(imports) == 3
    exec("\n".join(imports), {})
