"""Run a server: where it may listen, how it stops."""

import logging
import signal
from socket import socket
from types import FrameType
from typing import final

import uvicorn
from fastapi import FastAPI

from holdtrue.errors import SettingError
from holdtrue.serve.intake import is_loopback

__all__ = ["check_address", "run_app"]

_log = logging.getLogger(__name__)


def check_address(host: str, *, has_keys: bool) -> None:
    """Refuse to leave loopback without keys.

    Raises:
        SettingError: another address, and no keys.
    """
    if has_keys or is_loopback(host):
        return
    message = (
        f"--host {host} can be reached from other machines, and no keys are set; make one with "
        "`holdtrue keys add NAME` and give --keys FILE, or listen on 127.0.0.1"
    )
    raise SettingError(message)


def run_app(app: FastAPI, host: str, port: int, *, drain_seconds: float = 60.0) -> None:
    """Serve until SIGTERM or SIGINT, then let the turns under way finish.

    Args:
        app: from `build_app`.
        host: checked by `check_address`.
        port: 0 takes a free one.
        drain_seconds: how long turns under way may take to finish.

    Raises:
        SettingError: the address can't be had.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        http="h11",
        ws="none",
        lifespan="on",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = _Server(config)
    try:
        server.run()
    except SystemExit as error:
        # Uvicorn has logged why; all it can't do at start is to bind.
        if error.code:
            message = f"can't listen on {host}:{port}: it is taken or isn't an address here; choose another --port"
            raise SettingError(message) from None
        raise


@final
class _Server(uvicorn.Server):
    """Refuses new turns and ends live feeds as soon as it is told to stop; what is being answered goes on."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT."""
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.standing.draining = True
        # Not uvicorn's own: it would raise the signal again in the end, and a server that was told to stop and has
        # finished its work leaves with 0.
        self.force_exit |= self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stop listening and wait for what is open."""
        app = self.config.app
        if isinstance(app, FastAPI):
            app.state.feed.close()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets)
        for each in self.servers:
            for bound in each.sockets:
                host, port = bound.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                _log.warning("listening on http://%s:%s (dashboard at the same address)", shown, port)
