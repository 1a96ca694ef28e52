"""The page: self-contained, inert, and drawn by a real browser."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from holdtrue.records import AxisCard, Projection, Reading
from holdtrue.report import axis_page, reading_page

HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "{{ 7 * 7 }}{% raw %}",
    "line\u2028separator\u2029paragraph",
    "\u202eright-to-left\x00\x1b[31m\x07",
    "<!--<script>",
    "long " * 4000,
    "\"quoted' & ampersand\\",
    "datum.x); alert(1); //",
    "💡 e\u0301moji 漢字",
)


class Outline(HTMLParser):
    """What the page would load, and what its scripts say."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.policy = ""
        self._script: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag == "script":
            self._script = dict(attrs)
            self.scripts.append((self._script, ""))
        if tag == "meta" and dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            last, text = self.scripts[-1]
            self.scripts[-1] = (last, text + data)


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    return parser


def figures(page: str) -> dict[str, dict[str, object]]:
    return json.loads(outline(page).scripts[0][1])


@pytest.fixture(scope="module")
def page(card: AxisCard, readings: tuple[Reading, Reading]) -> str:
    return axis_page(card, readings)


@pytest.fixture(scope="module")
def hostile(card: AxisCard, readings: tuple[Reading, Reading]) -> tuple[AxisCard, tuple[Reading, Reading]]:
    """Every free text replaced by something that would like to be markup."""
    roles = tuple(
        role.model_copy(
            update={
                "name": HOSTILE[i % len(HOSTILE)],
                "category": HOSTILE[(i // 20) % len(HOSTILE)],
                "projection": -0.1 * i,
            }
        )
        for i, role in enumerate(card.roles)
    )
    texts = {"model": HOSTILE[0], "origin": HOSTILE[1], "reason": HOSTILE[5], "warnings": HOSTILE}
    histograms = tuple(h.model_copy(update={"label": text}) for h, text in zip(card.histograms, HOSTILE, strict=False))
    drifting = readings[0]
    turns = tuple(
        turn.model_copy(
            update={
                "excerpt": HOSTILE[i % len(HOSTILE)],
                "tokens": tuple(
                    Projection(text=HOSTILE[k % len(HOSTILE)][:400], value=token.value)
                    for k, token in enumerate(turn.tokens[:30])
                ),
            }
        )
        for i, turn in enumerate(drifting.turns)
    )
    bad = drifting.model_copy(
        update={"title": HOSTILE[0], "source": HOSTILE[1], "speaker": HOSTILE[5], "rule": HOSTILE[6], "turns": turns}
    )
    return card.model_copy(update={"roles": roles, "histograms": histograms, **texts}), (bad, bad)


def test_page_loads_nothing_and_admits_only_its_own_scripts(page: str) -> None:
    seen = outline(page)
    assert not [row for row in seen.attributes if row[1] in {"src", "href", "srcset", "action", "data", "poster"}]
    assert "default-src 'none'" in seen.policy
    assert "unsafe-eval" not in seen.policy
    assert "script-src 'unsafe-inline'" not in seen.policy
    code = [text for attrs, text in seen.scripts if attrs.get("type") != "application/json"]
    assert len(code) == 2
    for text in code:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in seen.policy
    bare = page
    for _, text in seen.scripts:
        bare = bare.replace(text, "")
    assert not re.search(r"https?://", bare)
    assert "@import" not in bare
    assert "url(" not in bare
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]


def test_page_is_the_same_every_time(page: str, card: AxisCard, readings: tuple[Reading, Reading]) -> None:
    assert axis_page(card, readings) == page


def test_page_states_the_key_figures_and_every_caution(page: str, card: AxisCard) -> None:
    for words in (
        "An assistant axis was found",
        "1,920",
        "of 2,640 planned",
        "stopped early",
        "of 216: the default and 215 roles",
        "the same rollouts that fitted the axis",
        "0.5 is chance",
        "slightly optimistic",
        "no safety claim",
        "not the speaker&#39;s own activations",
        "holdtrue axis fit HuggingFaceTB/SmolLM2-135M-Instruct --preset standard --seed 7",
        card.weights_digest,
        card.digest,
    ):
        assert words in page, words
    assert set(figures(page)) == {
        "persona-map", "role-strip", "role-bars", "check-auroc", "check-split_half", "check-d_prime", "check-pc1",
        "calibration", "drift",
    }  # fmt: skip


def test_no_axis_is_said_loudly(no_axis_card: AxisCard) -> None:
    page = axis_page(no_axis_card)
    assert "NO reliable axis was found" in page
    assert "2 warnings" in page
    assert 'role="alert"' in page
    assert "An assistant axis was found" not in page


def test_missing_figures_are_words_not_zeros(imported_card: AxisCard) -> None:
    page = axis_page(imported_card)
    assert "was not measured" in page
    assert "Not measured for this axis." in page
    assert figures(page) == {}
    assert 'class="figure">0' not in page
    assert ">None<" not in page


def test_reading_page_with_and_without_the_card(card: AxisCard, readings: tuple[Reading, Reading]) -> None:
    alone, both = reading_page(readings[:1]), reading_page(readings, card)
    assert "The alarm rang" in alone
    assert "conversation&#39;s own mean" in alone
    assert "The alarm rang in 1 of 2 conversations" in both
    assert "tokens against benign tokens" in both
    assert "drift begins" in alone
    assert list(figures(both)) == ["drift"]


def test_reading_without_calibration_or_words(readings: tuple[Reading, Reading]) -> None:
    turns = tuple(
        turn.model_copy(
            update={"z": None, "tokens": (), "by_layer": (), "projection": None if turn.turn % 2 else turn.projection}
        )
        for turn in readings[0].turns
    )
    page = reading_page([readings[0].model_copy(update={"turns": turns})])
    assert "not calibrated" in page
    assert "z not measured" in page
    assert "no answer tokens" in page
    empty = reading_page([readings[0].model_copy(update={"turns": (), "alarm_turn": None, "onset_turn": None})])
    assert "no turn has a projection" in empty


def test_long_transcripts_keep_the_page_small(readings: tuple[Reading, Reading]) -> None:
    turn = readings[0].turns[0]
    long = turn.model_copy(update={"tokens": tuple(Projection(text=" word", value=k % 7) for k in range(15_000))})
    many = tuple(long.model_copy(update={"turn": k + 1}) for k in range(6))
    page = reading_page([readings[0].model_copy(update={"turns": many})])
    assert len(page) < 4_000_000


def test_hostile_text_is_only_text(hostile: tuple[AxisCard, tuple[Reading, Reading]]) -> None:
    page = axis_page(*hostile)
    seen = outline(page)
    assert len(seen.scripts) == 3
    assert not [row for row in seen.attributes if row[0] == "img" or row[1].startswith("on")]
    assert not re.search("[<>&\u2028\u2029]", seen.scripts[0][1])
    assert figures(page)["persona-map"]
    assert "{{ 7 * 7 }}" in page
    assert not set(page) & {"\x00", "\x07", "\x1b", "\u202e", "\u2028"}


def browser() -> str:
    found = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    if found is None:
        pytest.skip("no Chromium is on this machine: the page was not opened in a browser")
    return found


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A page's document after its scripts have run."""

    def dump(page: str) -> str:
        folder = tmp_path_factory.mktemp("page")
        (folder / "page.html").write_text(page, encoding="utf-8")
        command = [
            browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000", "--window-size=1200,900",
            "--dump-dom", (folder / "page.html").as_uri(),
        ]  # fmt: skip
        environment = {**os.environ, "HOME": str(folder)}
        done = subprocess.run(command, capture_output=True, timeout=90, check=True, env=environment)
        return done.stdout.decode("utf-8", "replace")

    return dump


def charts_in(document: str) -> dict[str, bool]:
    parts = re.split(r'<div class="chart[^"]*" id="([^"]+)"', document)
    return {name: "<svg" in body and "<path" in body for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def test_browser_draws_every_chart(page: str, opened: Callable[[str], str]) -> None:
    document = opened(page)
    drawn = charts_in(document)
    assert set(drawn) == set(figures(page))
    assert all(drawn.values()), drawn
    assert 'data-ready="yes"' in document
    assert "could not be drawn" not in document.split("<script", 1)[0]
    # Colours are left to the page's style sheet, which follows light, dark and print.
    assert 'fill="var(--diverging-0)"' in document


def test_browser_runs_nothing_hostile(
    hostile: tuple[AxisCard, tuple[Reading, Reading]], opened: Callable[[str], str]
) -> None:
    document = opened(axis_page(*hostile))
    assert "<title>owned" not in document
    assert "<title>holdtrue:" in document
    assert all(charts_in(document).values())
    seen = outline(document)
    assert len(seen.scripts) == 3
    assert not [row for row in seen.attributes if row[0] in {"img", "image"} or row[1].startswith("on")]


def test_templates_are_packaged() -> None:
    import holdtrue.report

    folder = Path(holdtrue.report.__file__).parent / "templates"
    assert {p.name for p in folder.iterdir()} == {"parts.html.j2", "report.css", "report.html.j2", "report.js"}
