"""`holdtrue serve`: an OpenAI-compatible server that holds a persona and shows its drift."""

from pathlib import Path
from typing import Annotated, Any

import typer

from holdtrue.cli.console import say, stop_on_error
from holdtrue.cli.options import Device, Dtype, Layers, Template

__all__ = ["serve"]


def serve(
    axis: Annotated[Path, typer.Option(help="The axis artifact; of MODEL, or of --reader.")],
    model: Annotated[str | None, typer.Argument(help="Model to serve: alias, folder, .gguf file or hub id.")] = None,
    hold: Annotated[
        str | None, typer.Option(help="A preset's name or a hold file; gentle, from outside remind.")
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="Stand in front of this OpenAI-compatible API (key: HOLDTRUE_UPSTREAM_KEY).")
    ] = None,
    upstream_model: Annotated[str | None, typer.Option(help="Which of its models; the only one if not said.")] = None,
    reader: Annotated[str | None, typer.Option(help="Small model that reads what the upstream writes.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs --keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    db: Annotated[str, typer.Option(help="Sessions: a path for SQLite, or a PostgreSQL URL.")] = "holdtrue-sessions.db",
    keys: Annotated[Path | None, typer.Option(help="API keys, from `holdtrue keys add`.")] = None,
    client_holds: Annotated[bool, typer.Option(help="Let every client choose its hold, not operators alone.")] = False,
    store_text: Annotated[bool, typer.Option(help="Keep what was said, not figures alone.")] = True,
    keep_days: Annotated[float | None, typer.Option(min=0, help="Delete sessions unused for this long.")] = None,
    max_batch: Annotated[int, typer.Option(min=1, help="Turns answered at once.")] = 16,
    max_queue: Annotated[int, typer.Option(min=1, help="Turns waiting for a place; past it, 429.")] = 64,
    max_context: Annotated[int, typer.Option(min=64, help="Prompt and answer tokens of one turn.")] = 4096,
    max_answer: Annotated[int, typer.Option(min=1, help="Answer tokens where a request sets no limit.")] = 1024,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one turn may take.")] = 600.0,
    drain: Annotated[float, typer.Option(min=1, help="Seconds that running turns have on SIGTERM.")] = 60.0,
    audit_key: Annotated[
        Path | None, typer.Option(help="Secret key for drawing turns to be judged; made if it isn't there.")
    ] = None,
    audit_rate: Annotated[float, typer.Option(min=0, max=1, help="Share of turns to draw.")] = 0.05,
    audit_log: Annotated[Path, typer.Option(help="Where drawn turns go.")] = Path("holdtrue-audit.jsonl"),
    device: Device = "auto",
    dtype: Dtype = "auto",
    template: Template = None,
    layers: Layers = None,
) -> None:
    """Serve MODEL under a hold, or stand in front of an API and read along."""
    with stop_on_error():
        from holdtrue.errors import SettingError
        from holdtrue.serve import require

        require()
        from holdtrue.axis import load_axis
        from holdtrue.engines.hf import in_passing_thread
        from holdtrue.mapping import firing_rates
        from holdtrue.models import load
        from holdtrue.serve.build import ServeOptions, audit_log_at, check_options, local_app, upstream_app
        from holdtrue.serve.run import check_address, run_app

        if (model is None) == (upstream is None):
            message = "give MODEL to serve its weights, or --upstream URL with --reader to stand in front of an API"
            raise SettingError(message)
        if upstream is None and (reader or upstream_model):
            message = "--reader and --upstream-model belong to --upstream URL; leave them out to serve MODEL's weights"
            raise SettingError(message)
        check_address(host, has_keys=keys is not None)
        artifact = load_axis(axis)
        for warning in artifact.card.warnings:
            say(f"!! {warning}")
        audit = None
        if audit_key is not None:
            audit, commitment = audit_log_at(audit_key, audit_rate, audit_log)
            say(f"audit commitment, to be published: {commitment}")
        options = ServeOptions(
            hold=hold or ("gentle" if upstream is None else "remind"),
            db=db,
            keys=keys,
            client_holds=client_holds,
            store_text=store_text,
            keep_days=keep_days,
            max_batch=max_batch,
            max_queue=max_queue,
            max_context=max_context,
            max_answer=max_answer,
            timeout_seconds=timeout,
            audit=audit,
        )
        check_options(options)
        spec = model or reader or artifact.card.model

        def app() -> Any:  # FastAPI stays in the server
            loaded = load(spec, device=device, dtype=dtype, template=template, layers=layers)
            if upstream is None:
                return local_app(loaded, artifact, options, rates=firing_rates(axis, artifact))
            return upstream_app(upstream, upstream_model, loaded, artifact, options)

        run_app(in_passing_thread(app), host, port, drain_seconds=drain)
