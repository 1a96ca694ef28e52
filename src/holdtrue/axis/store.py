"""The axis on disk: `axis.safetensors` (tensors, fp32) and `axis.json` (the card), bound to each other by digest.

Whoever sends an artifact isn't trusted: nothing is unpickled, sizes are looked at before they are read, and a file that
isn't what it says is refused in one line. What a loaded artifact claims about *quality* stays the sender's claim.
"""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from holdtrue.axis.axis import Axis
from holdtrue.errors import ArtifactError
from holdtrue.records import AxisCard, Calibration, LayerCheck, read_capped, write_atomic

__all__ = ["CARD_FILE", "TENSOR_FILE", "load_axis", "save_axis"]

CARD_FILE: Final = "axis.json"
TENSOR_FILE: Final = "axis.safetensors"
TENSOR_SCHEMA: Final = "holdtrue.axis-tensors/1"
MAX_TENSOR_BYTES: Final = 64 * 2**30
# Three tensors and two words of metadata take under a kilobyte; the format itself would allow a header of 100 MB.
MAX_HEADER_BYTES: Final = 2**20
_NAMES: Final = ("axis", "default_mean", "role_means")


def save_axis(axis: Axis, folder: Path | str) -> None:
    """Write an axis artifact, tensors first, each file whole or not at all.

    The tensors carry the card's digest, so a crash between the two files leaves a pair that `load_axis` refuses.

    Args:
        axis: the axis; its tensors must fit its card.
        folder: made if missing; an artifact already there is replaced.

    Raises:
        ArtifactError: tensors and card contradict each other, so that it couldn't be loaded again.
        StorageError: the disk is full, read-only or gone.
    """
    folder = Path(folder)
    known = {"axis": axis.vectors, "default_mean": axis.default_mean, "role_means": axis.role_means}
    tensors = {name: t.detach().float().cpu().contiguous() for name, t in known.items() if t is not None}
    source = str(folder / TENSOR_FILE)
    _check_card(axis.card, str(folder / CARD_FILE))
    _check_names(list(tensors), axis.card, source)
    for name, tensor in tensors.items():
        _check_shape(name, list(tensor.shape), axis.card, source)
    _check_values(tensors, source)
    raw = save(tensors, {"schema": TENSOR_SCHEMA, "card": axis.card.digest})
    write_atomic(folder / TENSOR_FILE, _ordered(raw))
    write_atomic(folder / CARD_FILE, axis.card.to_json() + "\n")


def load_axis(folder: Path | str) -> Axis:
    """Read an axis artifact, refusing whatever isn't one.

    The sign is checked at every layer where the means are there: `<default_mean - mean_k role_means[k], axis> > 0`.
    A self-test that failed when the axis was fitted isn't refused here, so that its card can be shown:
    `Axis.check_sign` refuses it wherever it would be used.

    Args:
        folder: the artifact's folder, or the path of either file in it.

    Raises:
        ArtifactError: a file is missing, truncated, hostile, of another fit or schema, of wrong shape or wrong sign.
    """
    folder = Path(folder)
    home = folder.parent if folder.name in (CARD_FILE, TENSOR_FILE) and not folder.is_dir() else folder
    _check_present(home)
    card_path, tensor_path = home / CARD_FILE, home / TENSOR_FILE
    card = AxisCard.from_json(read_capped(card_path, "an axis card"), str(card_path))
    _check_card(card, str(card_path))
    tensors = _read_tensors(tensor_path, card)
    _check_values(tensors, str(tensor_path))
    return Axis(tensors["axis"], tensors.get("default_mean"), tensors.get("role_means"), card)


def _ordered(raw: bytes) -> bytes:
    """The same file with its header's keys sorted: the library writes metadata in random order."""
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.dumps(json.loads(raw[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header = header.ljust(-(-len(header) // 8) * 8)  # the data starts at a multiple of eight
    return len(header).to_bytes(8, "little") + header + raw[end:]


def _check_present(home: Path) -> None:
    try:
        missing = [name for name in (TENSOR_FILE, CARD_FILE) if not (home / name).is_file()]
        is_folder = home.is_dir()
    except OSError as error:
        message = f"{home}: can't look inside ({error.strerror}); check the path and its permissions"
        raise ArtifactError(message) from None
    if not is_folder:
        what = "is a file" if home.is_file() else "doesn't exist"
        message = (
            f"{home}: {what}; expected a folder with {TENSOR_FILE} and {CARD_FILE}: fit one with "
            "`holdtrue axis fit MODEL --out DIR`, or import a .pt file with `holdtrue axis import`"
        )
        raise ArtifactError(message)
    if missing:
        message = (
            f"{home}: no {' and no '.join(missing)} here; expected {TENSOR_FILE} and {CARD_FILE}. A run that hasn't "
            "finished resumes with the same --out"
        )
        raise ArtifactError(message)


def _read_tensors(path: Path, card: AxisCard) -> dict[str, Tensor]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        message = f"{path}: can't read the axis tensors ({error.strerror})"
        raise ArtifactError(message) from None
    if size > MAX_TENSOR_BYTES:
        message = (
            f"{path}: {size} bytes is too large for axis tensors (limit {MAX_TENSOR_BYTES}); is it a model's file?"
        )
        raise ArtifactError(message)
    _check_head(head, size, path)
    try:
        # The Rust parser checks that byte ranges lie inside the file and cover it: no tensor is larger than the file.
        with safe_open(path, framework="pt", device="cpu") as file:
            _check_metadata(file.metadata() or {}, card, str(path))
            names = list(file.keys())
            _check_names(names, card, str(path))
            for name in names:
                part = file.get_slice(name)
                if part.get_dtype() != "F32":
                    message = f"{path}: '{name}' is {part.get_dtype()}, expected F32; save it again with save_axis"
                    raise ArtifactError(message)
                _check_shape(name, part.get_shape(), card, str(path))
            # Copies: a mapped file that someone shortens later would kill the process.
            return {name: file.get_tensor(name).clone() for name in names}
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        message = f"{path}: truncated or damaged ({size} bytes: {reason}); copy or download it again"
        raise ArtifactError(message) from None


def _check_head(head: bytes, size: int, path: Path) -> None:
    """A safetensors file is a 64-bit header length, then JSON; its first byte may well be 0x80, so look at all nine."""
    length = int.from_bytes(head[:8], "little")
    if len(head) == 9 and head[8:] == b"{" and length <= MAX_HEADER_BYTES:
        return
    if head[:2] == b"PK":
        found = "a zip archive (a torch .pt file?), which could hold code"
    elif head[:1] == b"\x80":
        found = "a pickle, which could hold code"
    elif len(head) < 9:
        found = f"only {size} bytes (truncated?)"
    elif head[8:] == b"{":
        found = f"a header of {length} bytes (limit {MAX_HEADER_BYTES})"
    else:
        found = f"first bytes {head[:4]!r}"
    message = (
        f"{path}: found {found}; expected safetensors: get the artifact again, or import a torch file with "
        "`holdtrue axis import`"
    )
    raise ArtifactError(message)


def _check_metadata(metadata: dict[str, str], card: AxisCard, source: str) -> None:
    if metadata.get("schema") != TENSOR_SCHEMA:
        found = repr(metadata.get("schema"))[:80]
        message = (
            f"{source}: tensor schema is {found}, expected '{TENSOR_SCHEMA}'; is it another kind of file, or newer?"
        )
        raise ArtifactError(message)
    digest = card.digest
    if metadata.get("card") != digest:
        message = (
            f"{source}: made with card {metadata.get('card', 'none')[:12]!r}, but {CARD_FILE} beside it is "
            f"{digest[:12]!r}: they come from different fits, or one was edited; delete both, run it again"
        )
        raise ArtifactError(message)


def _check_names(names: list[str], card: AxisCard, source: str) -> None:
    unknown = sorted(set(names) - set(_NAMES))
    if unknown:
        message = f"{source}: unknown tensor {unknown[0][:80]!r}; expected {', '.join(_NAMES)}; is it a model's file?"
        raise ArtifactError(message)
    # A fitted axis without its means couldn't have its sign checked: leaving them out would hide a flipped one.
    needed = _NAMES if card.roles else _NAMES[:1]
    absent = [name for name in needed if name not in names]
    if absent:
        message = (
            f"{source}: no tensor '{absent[0]}', expected {', '.join(needed)} for {len(card.roles)} roles; fit again"
        )
        raise ArtifactError(message)


def _check_shape(name: str, found: list[int], card: AxisCard, source: str) -> None:
    per_layer = [card.n_layers, card.d_model]
    expected = [len(card.roles), *per_layer] if name == "role_means" else per_layer
    if found != expected:
        says = f"its card ({len(card.roles)} roles, {card.n_layers} blocks of width {card.d_model})"
        message = (
            f"{source}: '{name}' has shape {found}, expected {expected} from {says}; get or fit the artifact again"
        )
        raise ArtifactError(message)


def _check_values(tensors: dict[str, Tensor], source: str) -> None:
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            message = f"{source}: '{name}' has {bad} values that are NaN or infinite, expected none; fit again"
            raise ArtifactError(message)
    vectors = tensors["axis"]
    empty = (vectors.norm(dim=1) == 0).nonzero().flatten().tolist()
    if empty:
        message = f"{source}: 'axis' is zero at block {empty[0]}, expected a direction at every block; fit again"
        raise ArtifactError(message)
    default, roles = tensors.get("default_mean"), tensors.get("role_means")
    if default is not None and roles is not None:
        _check_sign(vectors, default, roles, source)


def _check_sign(
    vectors: Float[Tensor, "n_layers d_model"],
    default: Float[Tensor, "n_layers d_model"],
    roles: Float[Tensor, "n_roles n_layers d_model"],
    source: str,
) -> None:
    """Refuse a reversed axis: a hold with it would push the model away from the assistant."""
    gap = ((default - roles.mean(dim=0)) * vectors).sum(dim=1) / vectors.norm(dim=1)
    wrong = (~(gap > 0)).nonzero().flatten().tolist()
    if wrong:
        at = wrong[0]
        message = (
            f"{source}: wrong sign at block {at} ({len(wrong)} of {len(gap)} blocks): the default mean projects "
            f"{float(gap[at]):+.3g} from the roles' mean, expected above it; the axis is reversed or forged: fit again"
        )
        raise ArtifactError(message)


def _check_card(card: AxisCard, source: str) -> None:
    """The card's parts must fit each other: everything downstream indexes them by layer."""
    try:
        _ = card.digest
    except UnicodeEncodeError:
        message = f"{source}: holds text that isn't Unicode (an unpaired surrogate); get the artifact again"
        raise ArtifactError(message) from None
    n = card.n_layers
    low, high = card.hold_band
    wrong = None
    if not _in_order(card.layers, n):
        wrong = f"'layers' holds {len(card.layers)} checks, expected one for each of {n} blocks in order"
    elif card.calibration and not _in_order(card.calibration, n):
        wrong = f"'calibration' holds {len(card.calibration)} layers, expected none or each of {n} blocks in order"
    elif not 0 <= card.recommended_layer < n:
        wrong = f"'recommended_layer' is {card.recommended_layer}, expected 0-{n - 1}"
    elif not 0 <= low <= high < n:
        wrong = f"'hold_band' is {low}-{high}, expected a rising pair within 0-{n - 1}"
    elif any(not 0 <= at < n for at in card.floors or {}):
        wrong = f"'floors' names block {next(at for at in card.floors or {} if not 0 <= at < n)}, expected 0-{n - 1}"
    else:
        at = next((at.layer for at in card.calibration if not _is_distribution(at)), None)
        wrong = (
            None if at is None else f"'calibration' of block {at} isn't a distribution: quantiles must rise together"
        )
    if wrong:
        message = f"{source}: field {wrong}; get the artifact again, or fit it again"
        raise ArtifactError(message)


def _in_order(parts: Sequence[LayerCheck | Calibration], n: int) -> bool:
    # By length first: a forged card may claim a number of blocks that no list could hold.
    return len(parts) == n and all(part.layer == at for at, part in enumerate(parts))


def _is_distribution(calibration: Calibration) -> bool:
    """Floors are read off these by interpolation, which would answer nonsense for unsorted ones without a word."""
    for part in (calibration.token, calibration.response):
        probs, values = part.probs, part.values
        if len(probs) < 2 or len(probs) != len(values) or probs[0] < 0 or probs[-1] > 1 or part.sd <= 0:
            return False
        # Interpolated quantiles may fall by a rounding error.
        slack = 1e-9 * (abs(values[0]) + abs(values[-1]))
        if any(a >= b for a, b in pairwise(probs)) or any(a > b + slack for a, b in pairwise(values)):
            return False
    return True
