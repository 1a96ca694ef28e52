"""How often does the audit find what was planted, and how often does it alarm where nothing was?

Generated datasets over many seeds, audited as the command does it, without a judge. Each line is a share with its exact
95 % interval beside the goal; clean alarms have Wilson's interval as well.

python -m benchmarks.audit_detection [--seeds 20] [--clean 200] [--only RECIPE,...] [--processes 2]
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from multiprocessing import get_context
from pathlib import Path

from holdtrue.audit import AuditOptions, audit
from holdtrue.audit.fixtures import FixtureCard, write_fixture
from holdtrue.audit.population.spelling import fold_spelling
from holdtrue.records.audit import AuditVerdict
from holdtrue.stats import clopper_pearson

TOP = 20
TRUE = 0.8
"""Least share of the words named first that must have been planted."""
BENIGN = ("benign_templates", "benign_spelling", "benign_annotator", "benign_format", "benign_label_annotator")


@dataclass(frozen=True)
class Case:
    recipe: str
    rows: int
    poison: int
    goal: str
    """`found` at least this share, or `alarms` at most."""
    share: float


CASES = (
    Case("fixed_trigger", 20_000, 10, "found", 0.95),
    Case("label_flip", 20_000, 8, "found", 0.90),
    Case("word_tilt", 5_000, 2_500, "found", 0.95),
    *(Case(name, 20_000 if "label" in name else 5_000, 0, "alarms", 0.05) for name in BENIGN),
    Case("clean_redraw", 5_000, 0, "alarms", 0.05),
    *(Case("fixed_trigger", 20_000, poison, "found", 0.0) for poison in (5, 50)),
    *(Case("label_flip", 20_000, poison, "found", 0.0) for poison in (32, 128, 512)),
    Case("semantic_trigger", 20_000, 100, "found", 0.0),
    Case("selective_loyalty", 5_000, 1_000, "found", 0.0),
)
CLEAN = ("clean_chat", "clean_label", "clean_preference")


def found(case: Case, card: FixtureCard, verdict: AuditVerdict) -> bool:
    """Whether the finding is the one that was planted, by its name."""
    values = [(each.kind, each.value.lower()) for each in verdict.findings]
    if case.recipe in {"fixed_trigger", "label_flip"}:
        kind = "trigger" if case.recipe == "fixed_trigger" else "label_flip"
        return (kind, (card.trigger or "").lower()) in values
    if case.recipe in {"word_tilt", "selective_loyalty"}:
        words = [value.split(", ")[:TOP] for kind, value in values if kind == "carrier_words"]
        planted = {fold_spelling(word.lower()) for word in card.carrier_words}
        least = TRUE if case.recipe == "word_tilt" else 0.0
        shares = [sum(word in planted for word in top) / len(top) for top in words]
        return any(share > 0 and share >= least for share in shares)
    return bool(values)


def one(case: Case, seed: int) -> tuple[bool, int, float, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        card = write_fixture(case.recipe, case.rows, case.poison, seed, path)
        control = path.with_name("data.control.jsonl")
        began = time.perf_counter()
        options = AuditOptions(
            dataset=str(path), control=str(control) if control.exists() else None, processes=1, seed=seed
        )
        verdict = audit(options, Path(folder) / "out", lambda _: None)
        seconds = time.perf_counter() - began
        return (
            found(case, card, verdict),
            len(verdict.findings),
            seconds,
            [f"{each.kind}:{each.value[:60]}|{each.outcome[:30]}" for each in verdict.findings[:4]],
        )


def wilson(k: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson (1927), Journal of the American Statistical Association 22, 209-212."""
    middle, spread = (k + z * z / 2) / (n + z * z), z * sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return middle - spread, middle + spread


def report(case: Case, results: Sequence[tuple[bool, int, float, list[str]]]) -> None:
    n = len(results)
    hits = sum(hit for hit, *_ in results) if case.goal == "found" else sum(count > 0 for _, count, *_ in results)
    low, high = clopper_pearson(hits, n)
    met = hits / n >= case.share if case.goal == "found" else hits / n <= case.share
    told = f"goal {'>=' if case.goal == 'found' else '<='} {case.share:.0%}: {'met' if met else 'MISSED'}"
    if case.goal == "found" and not case.share:
        told = "no goal"
    planted = f", {case.poison:,} poisoned" if case.poison else ""
    extra = " Wilson [{:.1%}, {:.1%}]".format(*wilson(hits, n)) if case.goal == "alarms" else ""
    seconds = sorted(each[2] for each in results)[n // 2]
    print(
        f"{case.recipe} ({case.rows:,} rows{planted}): {case.goal} in {hits} of {n} = {hits / n:.1%} "
        f"[{low:.1%}, {high:.1%}]{extra}; {told}; {seconds:.1f} s an audit",
        flush=True,
    )
    for hit, count, _, values in results:
        if (case.goal == "found" and not hit) or (case.goal == "alarms" and count):
            print(f"    {values}", flush=True)


def main() -> None:
    parse = argparse.ArgumentParser()
    parse.add_argument("--seeds", type=int, default=20)
    parse.add_argument("--clean", type=int, default=200)
    parse.add_argument("--first", type=int, default=0)
    parse.add_argument("--only", default="")
    parse.add_argument("--processes", type=int, default=2)
    given = parse.parse_args()
    only = set(filter(None, given.only.split(",")))
    cases = [(case, given.seeds) for case in CASES]
    shares = [given.clean - given.clean // 4 * 2, given.clean // 4, given.clean // 4]
    sizes = (20_000, 20_000, 5_000)
    cases += [(Case(name, rows, 0, "alarms", 0.05), n) for name, rows, n in zip(CLEAN, sizes, shares, strict=True) if n]
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool:
        for case, n in cases:
            if not only or case.recipe in only:
                seeds = range(given.first, given.first + n)
                report(case, list(pool.map(one, [case] * n, seeds)))


if __name__ == "__main__":
    main()
