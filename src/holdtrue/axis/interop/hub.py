"""A folder ready for a model hub: the artifact and a card that says what it is. Nothing goes to the network."""

import re
import unicodedata
from pathlib import Path
from typing import Final

from holdtrue.axis.axis import Axis
from holdtrue.axis.store import CARD_FILE, TENSOR_FILE, save_axis
from holdtrue.records import AxisCard, write_atomic

__all__ = ["write_hub_folder"]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


_README: Final = """\
---
license: other
library_name: holdtrue
{base}tags:
- assistant-axis
- activation-steering
- holdtrue
---

# Assistant axis of {name}

A direction per decoder block, `{n_layers} x {d_model}`, at the block's output (`{hook_point}`), in residual-stream
units. Larger projection = more assistant-like.

The licence above is a placeholder: choose one that the model's own allows.

## Warnings

{warnings}

## Key figures

{figures}

Read at block {layer}, hold over blocks {first}-{last}: {reason}

## Intended use and limits

- For reading how assistant-like a conversation is, and for holding a floor along the axis, in this model with these
  weights and this chat template. Another model needs its own axis.
- The axis says where a response lies between the default assistant and role play. It is no measure of harm, truth or
  intent, and a hold is no safety guarantee.
- The figures were written by whoever made the files. Loading checks shapes, the sign, and that tensors and card belong
  together; it can't check how they were measured.

## How to load

```sh
holdtrue watch FOLDER TRANSCRIPT.jsonl
```

```python
from pathlib import Path

from holdtrue.axis import load_axis

axis = load_axis(Path("FOLDER"))
```

`{tensor_file}` holds fp32 tensors, `{card_file}` everything else; nothing is pickled.

## Provenance

{provenance}
"""


def write_hub_folder(axis: Axis, folder: Path) -> None:
    """Write `axis.safetensors`, `axis.json` and a `README.md` with the figures, intervals and warnings.

    The licence is a placeholder: derived vectors may be bound by the model's. Names from the card are printed as code,
    so that none of them can become markup or a link.

    Args:
        axis: the axis.
        folder: made if missing; a README.md already there is replaced.

    Raises:
        ArtifactError: tensors and card contradict each other.
        StorageError: the disk is full, read-only or gone.
    """
    save_axis(axis, folder)
    write_atomic(folder / "README.md", _readme(axis))


def _readme(axis: Axis) -> str:
    card = axis.card
    # A local path is no one's base model, and would tell the world about the disk it lies on.
    public = _HUB_ID.fullmatch(card.model) is not None
    return _README.format(
        base=f'base_model: "{card.model}"\n' if public else "",
        name=_code(card.model if public else Path(card.model).name),
        n_layers=card.n_layers,
        d_model=card.d_model,
        hook_point=card.hook_point,
        warnings=_verbatim(card.warnings) if card.warnings else "None.",
        figures=_figures(axis),
        layer=card.recommended_layer,
        first=card.hold_band[0],
        last=card.hold_band[1],
        reason=_code(card.reason),
        tensor_file=TENSOR_FILE,
        card_file=CARD_FILE,
        provenance=_provenance(card),
    )


def _figures(axis: Axis) -> str:
    card = axis.card
    check = card.layers[card.recommended_layer]
    rows = {
        "Held-out AUROC, centred by question": _figure(check.auroc, check.auroc_ci),
        "Random directions, 95th percentile of AUROC": _figure(check.random_auroc),
        "Held-out d'": _figure(check.d_prime),
        "Split-half cosine": _figure(check.split_half, check.split_half_ci),
        "Absolute cosine with the first principal component": _figure(check.cos_pc1),
        "Role vectors' variance on that component": _figure(check.pc1_share),
        "Rank of the default among the roles, 1 is most assistant-like": _figure(card.default_rank),
        "Floor that touches 5 % of benign tokens": _figure(axis.tau_for(0.05) if card.calibration else None),
        "Roles with a vector": str(len(card.roles)),
        "Rollouts accepted": f"{card.n_accepted} of {card.n_rollouts}",
    }
    head = [f"| At block {card.recommended_layer} | Figure [95 % interval] |", "| --- | --- |"]
    return "\n".join([*head, *(f"| {label} | {value} |" for label, value in rows.items())])


def _provenance(card: AxisCard) -> str:
    facts = {
        "Origin": card.origin,
        "Weights": card.weights_digest,
        "Configuration": card.config_digest,
        "Chat template": card.template_digest,
        "Type of the weights": card.dtype,
        "Made": card.created,
        "Version of holdtrue": card.package_version,
        "Digest of the card": card.digest,
    }
    return "\n".join(f"- {label}: {_code(value)}" for label, value in facts.items())


def _figure(value: int | float | None, interval: tuple[float, float] | None = None) -> str:
    if value is None:
        return "not measured"
    shown = str(value) if isinstance(value, int) else f"{value:.3g}"
    return shown if interval is None else f"{shown} [{interval[0]:.3g}, {interval[1]:.3g}]"


def _code(text: str) -> str:
    """A code span: inside one, markdown has no links, markup or mentions to make."""
    line = " ".join(_printable(text).split()) or "unknown"
    fence = "`" * (1 + _longest_ticks(line))
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def _verbatim(lines: tuple[str, ...]) -> str:
    shown = [" ".join(_printable(line).split()) for line in lines]
    fence = "`" * max(3, 1 + max(map(_longest_ticks, shown)))
    return "\n".join([f"{fence}text", *shown, fence])


def _longest_ticks(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _printable(text: str) -> str:
    """Without control characters and the marks that turn text around: a name must read as what it is."""
    return "".join(
        " " if char.isspace() else char
        for char in text
        if char.isspace() or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
