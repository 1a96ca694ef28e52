"""Prometheus figures; labels carry model and layer, never a session, a key or a text."""

from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from holdtrue.serve.backend import Outcome

__all__ = ["Metrics"]

_LABELS = ("model", "layer")
_Z_BUCKETS = (-8.0, -6.0, -5.0, -4.0, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0)


@final
class Metrics:
    """One server's figures, in a registry of its own."""

    def __init__(self, model: str, layer: int) -> None:
        self._registry = CollectorRegistry()
        labels = (model, str(layer))

        def counter(name: str, words: str) -> Counter:
            return Counter(f"holdtrue_{name}", words, _LABELS, registry=self._registry).labels(*labels)

        def gauge(name: str, words: str) -> Gauge:
            return Gauge(f"holdtrue_{name}", words, _LABELS, registry=self._registry).labels(*labels)

        def histogram(name: str, words: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(
                f"holdtrue_{name}", words, _LABELS, registry=self._registry, buckets=(*buckets, float("inf"))
            ).labels(*labels)

        self.turns = counter("turns", "Answers given.")
        self.left = counter("turns_left", "Answers whose client left before their end.")
        self.failed = counter("turns_failed", "Answers that failed.")
        self.refused = counter("requests_refused", "Requests for an answer that got a status of 400 to 499.")
        self.prompt_tokens = counter("prompt_tokens", "Tokens of prompts.")
        self.completion_tokens = counter("completion_tokens", "Tokens of answers, those put aside included.")
        self.redraws = counter("redraws", "Answers drawn and put aside.")
        self.alarms = counter("alarmed_turns", "Answers after which the drift alarm stood.")
        self.handed_over = counter("handed_over_turns", "Turns handed over instead of answered.")
        self.running = gauge("turns_running", "Answers being drawn.")
        self.waiting = gauge("turns_waiting", "Requests waiting for a place.")
        self.z = histogram("turn_z", "z of answers against benign talk.", _Z_BUCKETS)
        self.fired = histogram("turn_fired_ratio", "Share of (token, held block) pairs under the floor.", _SHARES)
        self.first_token = histogram("first_token_seconds", "Seconds to the first piece of text.", _SECONDS)
        self.seconds = histogram("turn_seconds", "Seconds from request to the end of its answer.", _SECONDS)

    def book(self, outcome: Outcome, *, alarm: bool) -> None:
        """Count one finished answer."""
        self.turns.inc()
        self.prompt_tokens.inc(outcome.prompt_tokens)
        self.completion_tokens.inc(outcome.completion_tokens + outcome.extra_tokens)
        self.redraws.inc(outcome.redraws)
        if alarm:
            self.alarms.inc()
        if outcome.z is not None:
            self.z.observe(outcome.z)
        if outcome.fired is not None:
            self.fired.observe(outcome.fired)

    def text(self, load: tuple[int, int]) -> bytes:
        """The exposition, with the load as it is now.

        Args:
            load: turns running, and turns waiting.
        """
        self.running.set(load[0])
        self.waiting.set(load[1])
        return bytes(generate_latest(self._registry))
