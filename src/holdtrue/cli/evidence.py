"""`holdtrue evidence`: seal a gate's run, and check what others sealed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdtrue.cli.console import INCONCLUSIVE, say, stop_on_error
from holdtrue.cli.options import Device, Dtype
from holdtrue.errors import SettingError

if TYPE_CHECKING:
    from holdtrue.evidence import Divergence

__all__ = ["app"]

app = typer.Typer(
    help="Seal a gate's run into a bundle that a sceptic recomputes, and verify such bundles.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FAILED = 1
Bundle = Annotated[Path, typer.Argument(metavar="BUNDLE", help="A sealed bundle's folder.")]
Key = Annotated[Path, typer.Option(help="A private key that `holdtrue evidence key` made.")]
Out = Annotated[Path, typer.Option(help="The bundle's folder; it mustn't be there yet.")]


@app.command("key")
def key(path: Annotated[Path, typer.Argument(metavar="FILE", help="Written, with FILE.pub beside it.")]) -> None:
    """Make a key to sign with, and print its fingerprint."""
    with stop_on_error():
        from holdtrue.evidence import make_key

        typer.echo(make_key(path).keyid)
        say(f"wrote {path}, which is secret, and {path}.pub, which you publish with the fingerprint above")


@app.command("seal")
def seal(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A finished run of `holdtrue gate run`.")],
    key: Key,
    out: Out,
    countersigner: Annotated[
        list[Path] | None, typer.Option(metavar="PUB", help="A third party's public key, who must sign as well.")
    ] = None,
) -> None:
    """Seal a run: check it as a sceptic would, sign it, write the bundle."""
    with stop_on_error():
        from holdtrue.evidence import load_key, load_public_key, seal

        others = [load_public_key(path) for path in countersigner or ()]
        typer.echo(seal(folder, load_key(key), out, countersigners=others).as_text())
        say(f"wrote {out}; its page for readers is {out / 'index.html'}")


@app.command("countersign")
def countersign(bundle: Bundle, key: Key) -> None:
    """Check a bundle, and sign it as the third party that it names."""
    with stop_on_error():
        from holdtrue.evidence import countersign, load_key

        typer.echo(countersign(bundle, load_key(key)).as_text())


@app.command("redact")
def redact(
    bundle: Bundle,
    family: Annotated[list[str], typer.Option(metavar="CLASS/FAMILY", help="To withhold; may be given several times.")],
    out: Out,
) -> None:
    """Copy a bundle without some families' texts; their digests stay, and so do all signatures."""
    with stop_on_error():
        from holdtrue.evidence import redact

        withheld = redact(bundle, family, out)
        typer.echo(", ".join(f"{count} lines of {name}" for name, count in withheld.items()))
        say(f"wrote {out}")


@app.command("verify")
def verify(
    bundle: Bundle,
    trust: Annotated[
        list[Path] | None, typer.Option(metavar="PUB", help="A public key you have from another place than the bundle.")
    ] = None,
    replay: Annotated[int, typer.Option(min=0, help="Play so many samples again; needs --model.")] = 0,
    model: Annotated[str | None, typer.Option(help="The gated model, as the run was given it.")] = None,
    axis: Annotated[Path | None, typer.Option(help="Its axis, if the run had one.")] = None,
    hold: Annotated[str | None, typer.Option(help="Its hold, if the run had one.")] = None,
    nonce: Annotated[str | None, typer.Option(help="Hex, to repeat a draw; a fresh one if not said.")] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Check a bundle offline: bytes and signatures, then every score and the verdict. Needs no torch.

    Exits with 1 when something is wrong, and with 3 when what is withheld leaves it open.
    """
    with stop_on_error():
        from holdtrue.evidence import load_public_key, verify

        if replay and model is None:
            message = "--replay plays samples again, and needs --model with what was gated"
            raise SettingError(message)
        found = verify(bundle, [load_public_key(path) for path in trust or ()])
        typer.echo(found.as_text())
        if found.l0 != "PASS" or found.l1 not in {"PASS", "PARTIAL"}:
            raise typer.Exit(FAILED)
        if replay and model is not None:
            _replay(bundle, replay, (model, axis, hold), nonce, (device, dtype))
        if found.l1 == "PARTIAL":
            raise typer.Exit(INCONCLUSIVE)


def _replay(
    bundle: Path,
    k: int,
    which: tuple[str, Path | None, str | None],
    nonce: str | None,
    place: tuple[str, str],
) -> None:
    from holdtrue.evidence import replay_summary
    from holdtrue.suites import GateOptions, replay

    model, axis, hold = which
    options = GateOptions(model=model, axis=axis, hold=hold, device=place[0], dtype=place[1])
    try:
        drawn_by = None if nonce is None else bytes.fromhex(nonce)
    except ValueError:
        message = f"--nonce {nonce!r} is no hex; give what an earlier draw printed, or leave it out"
        raise SettingError(message) from None
    again = replay(bundle, k, options, drawn_by)
    for each in again.compared:
        typer.echo(_told(each))
    typer.echo(f"L2 {replay_summary(again.compared)}")
    say(f"drawn with --nonce {again.nonce}")
    if not all(each.exact for each in again.compared):
        raise typer.Exit(FAILED if not all(each.same_outcome for each in again.compared) else INCONCLUSIVE)


def _told(each: "Divergence") -> str:
    if each.exact:
        return f"  {each.family}: the same to the letter"
    outcome = "the same outcome" if each.same_outcome else "ANOTHER OUTCOME"
    return f"  {each.family}: {100 * each.shared:.0f} % of its text is the same before it first differs; {outcome}"
