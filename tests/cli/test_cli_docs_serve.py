"""`docs/serve.md`, `docs/hold.md` and the error page say what the code does."""

import inspect
import json
import re
from pathlib import Path

import pytest
import typer.main

from holdtrue.cli.main import app
from holdtrue.hold import PRESETS
from holdtrue.records import CapSpec, ContextSpec, HoldSpec
from holdtrue.serve import turns
from holdtrue.serve.metrics import Metrics
from holdtrue.serve.turn import Turn
from holdtrue.serve.wire import parse_chat, request

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SERVE, HOLD, CODES = (DOCS / name for name in ("serve.md", "hold.md", "errors/serve/ApiError.md"))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.S | re.M)


def table(text: str, first: str) -> list[list[str]]:
    """Rows below the header whose first cell is `first`."""
    lines = iter(text.splitlines())
    next(line for line in lines if line.startswith(f"| {first} |"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


@pytest.mark.parametrize("path", [SERVE, HOLD, CODES, DOCS / "formats.md"], ids=lambda p: p.name)
def test_every_json_example_parses(path):
    found = blocks(path, "json")
    assert found
    for block in found:
        json.loads(block)


@pytest.mark.parametrize("path", [SERVE, HOLD], ids=lambda p: p.name)
def test_every_python_example_compiles(path):
    found = blocks(path, "python")
    assert found
    for block in found:
        compile(block, str(path), "exec")


def test_the_request_in_the_guide_is_one_the_server_takes():
    [body] = [block for block in blocks(SERVE, "json") if '"messages"' in block]
    asked = parse_chat(body.encode())
    assert (asked.hold, asked.session, asked.max_tokens) == ("gentle", "first", 24)


@pytest.mark.parametrize("path", [HOLD, DOCS / "formats.md"], ids=lambda p: p.name)
def test_hold_specs_in_the_docs_are_hold_specs(path):
    specs = [block for block in blocks(path, "json") if HoldSpec.schema_id in block]
    assert specs
    for block in specs:
        assert not HoldSpec.from_json(block, str(path)).free


def test_the_guide_names_every_option_that_is_this_commands_own():
    command = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    of_every_model = {"--device", "--dtype", "--template", "--layers", "--help"}
    told = SERVE.read_text()
    options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    # Of a switch, the guide tells the side that isn't the default.
    off = {"--no-client-holds", "--store-text"}
    named = {option for option in options if option.startswith("--")} - of_every_model - off
    assert sorted(option for option in named if option not in told) == []


def test_the_guide_names_every_parameter_that_is_taken_and_left_alone():
    text = SERVE.read_text()
    assert [name for name in request._IGNORED if f"`{name}`" not in text] == []


def test_the_answers_object_is_the_one_in_the_guide():
    [example] = [json.loads(block) for block in blocks(SERVE, "json") if '"fired"' in block]
    explained = {name for row in table(SERVE.read_text(), "field") for name in re.findall(r"`(\w+)`", row[0])}
    made = set(re.findall(r'"(\w+)"(?=:|\])', inspect.getsource(Turn.report)))
    assert made == explained
    assert set(example) == explained - {"context", "note", "tokens"}


def test_the_guide_names_every_metric():
    text = SERVE.read_text()
    exposed = Metrics("m", 0).text((0, 0)).decode()
    names = {
        name if kind != "counter" else f"{name.removesuffix('_total')}_total"
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", exposed, flags=re.M)
        if not name.endswith("_created")
    }
    assert names
    assert sorted(name for name in names if f"`{name}`" not in text) == []
    assert f"| {turns._MOST_WAITING} | 429 |" in text


def test_the_presets_table_is_presets():
    rows = table(HOLD.read_text(), "preset")
    assert [row[0].strip("`") for row in rows] == list(PRESETS)
    for name, fire, strength, every, on_drift in rows:
        cap = CapSpec(fire=float(fire), strength=float(strength)) if fire else None
        context = ContextSpec(remind_every=int(every) if every else None, remind_on_drift=on_drift == "yes")
        assert HoldSpec(name=name.strip("`"), cap=cap, context=context) == PRESETS[name.strip("`")]


def test_the_fields_table_has_every_field_and_its_default():
    told = {row[0].strip("`"): row[1].strip("`") for row in table(HOLD.read_text(), "field")}
    made = {
        **{name: field for name, field in HoldSpec.model_fields.items() if name != "context"},
        **{f"cap.{name}": field for name, field in CapSpec.model_fields.items()},
        **{f"context.{name}": field for name, field in ContextSpec.model_fields.items()},
    }
    assert sorted(told) == sorted(made)
    for name, field in made.items():
        if name != "context.reminder":  # a paragraph of words: the command that prints them stands there
            assert json.loads(told[name]) == field.default, name


def test_the_page_of_server_errors_has_every_code_and_no_other():
    source = "\n".join(path.read_text() for path in (ROOT / "src/holdtrue/serve").rglob("*.py"))
    raised = set(re.findall(r'\bcode(?:: str \| None)?(?: or)? ?= ?"(\w+)"', source)) | set(
        re.findall(r'code=code or "(\w+)"', source)
    )
    raised |= {"invalid_json"}  # a constant in `wire.json_body`
    told = {code for row in table(CODES.read_text(), "status") for code in re.findall(r"`(\w+)`", row[1])}
    assert told == raised
    assert re.findall(r"^## (\w+)", CODES.read_text(), flags=re.M) == ["Symptom", "Cause", "Mend"]
