"""`holdtrue keys`: who may use the server."""

import json
from pathlib import Path
from typing import Annotated

import typer

from holdtrue.cli.console import say, stop_on_error

__all__ = ["app"]

app = typer.Typer(help="Make, list and revoke the API keys of a server.", no_args_is_help=True)

KeysFile = Annotated[Path, typer.Option("--keys", metavar="FILE", help="The key file.")]
DEFAULT_FILE = Path("holdtrue-keys.json")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who it is for.")],
    operator: Annotated[bool, typer.Option("--operator", help="It sees every session, not only its own.")] = False,
    keys: KeysFile = DEFAULT_FILE,
) -> None:
    """Make a key and print it, this once: only its digest is kept."""
    with stop_on_error():
        from holdtrue.serve.keys import add_key

        key, secret = add_key(keys, name, operator=operator)
        typer.echo(secret)
        say(f"{key.id} for {key.name} in {keys}: keep the key safe, it can't be shown again")


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, without digests.")] = False,
    keys: KeysFile = DEFAULT_FILE,
) -> None:
    """List the keys: id, name, when it was made, whether it is an operator's, and when it was revoked."""
    with stop_on_error():
        from holdtrue.serve.keys import read_keys

        found = read_keys(keys)
        if as_json:
            typer.echo(json.dumps([key.model_dump(mode="json", exclude={"sha256"}) for key in found], indent=1))
            return
        for key in found:
            state = "operator" if key.operator else "client"
            typer.echo(f"{key.id}  {key.created}  {f'revoked {key.revoked}' if key.revoked else state}  {key.name}")
        say(f"{sum(key.revoked is None for key in found)} good keys of {len(found)} in {keys}")


@app.command("revoke")
def revoke(
    id_or_name: Annotated[str, typer.Argument(metavar="ID_OR_NAME", help="As `holdtrue keys list` shows it.")],
    keys: KeysFile = DEFAULT_FILE,
) -> None:
    """Revoke a key; a running server refuses it from its next request on."""
    with stop_on_error():
        from holdtrue.serve.keys import revoke_key

        key = revoke_key(keys, id_or_name)
        say(f"{key.id} for {key.name} is revoked")
