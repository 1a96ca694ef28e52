"""What a run can show, said before it begins."""

from collections import Counter
from typing import Final

from holdtrue.stats import detectable_difference
from holdtrue.stress.session import StressPlan

__all__ = ["plan_text"]

BASE_RATES: Final = (0.1, 0.3, 0.5)
ALPHA, POWER = 0.05, 0.8


def plan_text(plan: StressPlan) -> str:
    """Sizes of a run, and the smallest true differences that its families would show.

    Pairs of families, exact McNemar, Holm's first step over the arms compared with `free`.
    """
    arms = [arm.name for arm in plan.arms]
    compared = max(1, len(arms) - 1)
    families = Counter(kind for kind, _ in {(each.kind, each.family) for each in plan.trials})
    answering = sum(arm.script is None for arm in plan.arms)
    lines = [
        f"preset {plan.preset.name}: {len(plan.trials)} trials and {len(plan.items) * answering} capability answers",
        f"arms: {', '.join(arms)}",
        f"an arm's failure rate must differ from free's by at least this much to be seen with {POWER:.0%} power",
        f"(level {ALPHA} over {compared} arms; + worse, - better; 'no' where no difference would do)",
        "",
        f"{'kind':<22}{'families':>9}" + "".join(f"{f'free {base:.0%}':>18}" for base in BASE_RATES),
    ]
    rows = [*families.items(), ("all stability kinds", sum(n for kind, n in families.items() if kind != "roleplay"))]
    for kind, n in rows:
        cells = []
        for base in BASE_RATES:
            shown = detectable_difference(n, base, ALPHA / compared, POWER)
            cells.append(f"{_points(shown.worse, '+')} / {_points(shown.better, '-')}")
        lines.append(f"{kind:<22}{n:>9}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def _points(difference: float | None, sign: str) -> str:
    return "no" if difference is None else f"{sign}{100 * difference:.0f} %"
