"""Summaries for a terminal: plain text, at most 100 columns."""

import textwrap

from holdtrue.records import AxisCard, LayerCheck, Reading
from holdtrue.report.plain import NOT_MEASURED, fit, interval, number, plain
from holdtrue.report.tiles import axis_tiles
from holdtrue.report.verdict import verdict_on

__all__ = ["axis_summary", "reading_summary"]

WIDTH = 100
_BLOCKS = "▁▂▃▄▅▆▇█"
# The sparkline's range in z; benign answers fill its upper half.
_LOW, _HIGH = -5.0, 3.0
_MAX_LAYERS = 40


def axis_summary(card: AxisCard) -> str:
    """Verdict, warnings, key figures and a line for each layer, in at most 100 columns."""
    verdict = verdict_on(card)
    mark = {"found": "✓", "none": "✗", "unknown": "?"}[verdict.state]
    lines = [f"{mark} {verdict.line}: {plain(card.model, 60)}", *_wrapped(verdict.why, "  ")]
    for warning in card.warnings:
        lines += _wrapped(plain(warning, 1000), "  !! ", "     ")
    lines.append("")
    for tile in axis_tiles(card):
        note = plain(tile.note.replace("\n", "; "), 66)
        lines.append(f"  {fit(tile.name, 18)} {fit(tile.figure, 12)} {note}".rstrip())
    return "\n".join([*lines, "", *_layers(card)])


def reading_summary(reading: Reading) -> str:
    """A sparkline of z by turn, with alarm and onset, and what kind of reading it is; at most 100 columns."""
    lines = [fit(plain(reading.title, WIDTH), WIDTH).rstrip()]
    z = [turn.z for turn in reading.turns]
    known = [value for value in z if value is not None]
    if not reading.turns:
        lines.append("  no assistant turn")
    elif not known:
        lines.append("  z not measured: the axis has no calibration, or every turn is empty")
    else:
        # A gap for a turn without a figure: the lowest block would be a claim.
        bars = "".join("·" if value is None else _block(value) for value in z)
        for start in range(0, len(bars), 80):
            head = "  z by turn  " if start == 0 else " " * 13
            lines.append(head + bars[start : start + 80])
            if flags := _flags(reading, start, min(80, len(bars) - start)):
                lines.append(" " * 13 + flags)
        first, last = (next(v for v in values if v is not None) for values in (z, z[::-1]))
        lines.append(
            f"  z {number(first)} at the first turn, {number(last)} at the last; lowest {number(min(known))} at turn "
            f"{min((t.z, t.turn) for t in reading.turns if t.z is not None)[1]}; "
            f"blocks run from {number(_LOW, 0)} to {number(_HIGH, 0)}"
        )
    if not known:
        lines.append("  alarm: not measured")
    elif reading.alarm_turn is None:
        lines.append("  no alarm")
    else:
        since = "" if reading.onset_turn is None else f"; the drift behind it began at turn {reading.onset_turn}"
        lines.append(f"  !! ALARM at turn {reading.alarm_turn}{since}")
    lines += _wrapped(f"rule: {plain(reading.rule, 300)}", "  ")
    return "\n".join([*lines, *_wrapped(plain(reading.caveat, 600), "  ")])


def _wrapped(text: str, indent: str, further: str | None = None) -> list[str]:
    # Half the columns are counted on, where wide characters take two.
    wide = any(ord(char) > 0x1100 and fit(char, 2) == char for char in text)
    return textwrap.wrap(
        text,
        WIDTH // 2 if wide else WIDTH,
        initial_indent=indent,
        subsequent_indent=indent if further is None else further,
    )


def _block(z: float) -> str:
    share = (min(max(z, _LOW), _HIGH) - _LOW) / (_HIGH - _LOW)
    return _BLOCKS[min(int(share * len(_BLOCKS)), len(_BLOCKS) - 1)]


def _flags(reading: Reading, start: int, length: int) -> str:
    """`o` under the turn where the drift began, `^` under the alarm."""
    row = [" "] * length
    for place, turn in enumerate(reading.turns[start : start + length]):
        if turn.turn == reading.onset_turn:
            row[place] = "o"
        if turn.turn == reading.alarm_turn:
            row[place] = "^"
    text = "".join(row).rstrip()
    return f"{text}  (o drift begins, ^ alarm)" if text and length <= 60 else text


def _layers(card: AxisCard) -> list[str]:
    """The table of checks: every layer, or an even choice of them with the recommended one."""
    if not card.layers:
        return ["  per-layer checks: not measured"]
    if all(check.auroc is None and check.split_half is None for check in card.layers):
        return [f"  per-layer checks: not measured at any of {len(card.layers)} blocks"]
    step = -(-len(card.layers) // _MAX_LAYERS)
    chosen = [check for i, check in enumerate(card.layers) if i % step == 0 or check.layer == card.recommended_layer]
    head = f"     {'block':>5}  {'AUROC':<19} {'random':<7} {'split-half':<21} {'d′':<6} {'PC1':<6} |cos|"
    first, last = card.hold_band
    note = f"  > layer to read, | hold band {first}-{last}, - {NOT_MEASURED}"
    return [head, *(_layer(check, card) for check in chosen), note]


def _layer(check: LayerCheck, card: AxisCard) -> str:
    def short(value: float | None) -> str:
        return "-" if value is None else number(value)

    first, last = card.hold_band
    mark = (">" if check.layer == card.recommended_layer else " ") + ("|" if first <= check.layer <= last else " ")
    auroc = f"{short(check.auroc)} {interval(check.auroc_ci)}"
    split = f"{short(check.split_half)} {interval(check.split_half_ci)}"
    return (
        f"  {mark} {check.layer:>5}  {auroc:<19} {short(check.random_auroc):<7} {split:<21} "
        f"{short(check.d_prime):<6} {short(check.pc1_share):<6} {short(check.cos_pc1)}"
    ).rstrip()
