"""`__all__`, `--help`, the README's commands and the docs agree."""

import ast
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

import holdtrue
from holdtrue import errors
from holdtrue.cli.main import app

ROOT = Path(__file__).parents[2]
COMMAND = typer.main.get_command(app)


def every_command(command=COMMAND, path=()):
    if hasattr(command, "commands"):
        for name, sub in command.commands.items():
            yield from every_command(sub, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(every_command())


def test_all_is_sorted_small_and_true():
    assert holdtrue.__all__ == sorted(holdtrue.__all__)
    assert len(holdtrue.__all__) <= 25
    for name in holdtrue.__all__:
        assert getattr(holdtrue, name) is not None
    with pytest.raises(AttributeError, match="did you mean 'load'"):
        holdtrue.laod  # noqa: B018


@pytest.mark.parametrize("room", sorted(p.parent.name for p in (ROOT / "src/holdtrue").glob("*/__init__.py")))
def test_every_room_has_a_docstring_and_a_sorted_all(room):
    module = importlib.import_module(f"holdtrue.{room}")
    assert module.__doc__
    if room != "cli":
        assert module.__all__ == sorted(module.__all__, key=_isort_key)
        assert all(getattr(module, name, None) is not None for name in module.__all__)


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions: the order that ruff keeps."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_help_is_quick_and_loads_no_torch():
    code = (
        "import sys; from typer.testing import CliRunner; from holdtrue.cli.main import app; import holdtrue;"
        "r = CliRunner().invoke(app, ['axis', 'fit', '--help']); assert r.exit_code == 0, r.output;"
        "print([m for m in ('torch', 'transformers', 'numpy', 'altair') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_is_explained(name):
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"


def shell_lines(path: Path) -> list[str]:
    """Commands in a document's shell blocks, continuation lines joined."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", path.read_text(), flags=re.S)
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("path", DOCS, ids=lambda p: str(p.relative_to(ROOT)))
def test_documented_commands_exist_with_their_options(path):
    for line in shell_lines(path):
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.M)
            assert set(words[1:]) <= set(targets), line
        if words[:1] == ["holdtrue"]:
            named = (
                " ".join(words[1:4]),
                " ".join(words[1:3]),
                f"{' '.join(words[1:3])} run",
                words[1],
                f"{words[1]} run",
            )
            name = next((each for each in named if each in COMMANDS), None)
            assert name is not None, f"no such command: {line}"
            known = {option for p in COMMANDS[name].params for option in p.opts}
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            assert used <= known | {"--help"}, f"{line}: unknown {used - known}"


def test_readme_names_every_command():
    text = (ROOT / "README.md").read_text()
    # `holdtrue stress MODEL` is `holdtrue stress run MODEL`.
    assert [name for name in COMMANDS if f"holdtrue {name.removesuffix(' run')}" not in text] == []


def test_the_command_reference_is_what_help_prints():
    done = subprocess.run(
        [sys.executable, ROOT / "docs/generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_error_has_a_page_with_symptom_cause_and_mend():
    classes = [name for name in errors.__all__ if name[0].isupper()]
    pages = {path.stem for path in (ROOT / "docs/errors").glob("*.md")} - {"README"}
    assert pages == set(classes)
    for name in classes:
        text = (ROOT / "docs/errors" / f"{name}.md").read_text()
        assert re.findall(r"^## (\w+)", text, flags=re.M) == ["Symptom", "Cause", "Mend"], name


def test_the_tree_in_errors_names_every_class():
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__))
    assert drawn | {"HoldtrueError"} == {name for name in errors.__all__ if name[0].isupper()}


def test_links_between_documents_lead_somewhere():
    for path in DOCS:
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


def test_python_in_the_readme_parses_and_uses_public_names():
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.S):
        tree = ast.parse(block)
        used = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "ht"}
        assert used <= set(holdtrue.__all__)


def test_version_is_printed():
    assert CliRunner().invoke(app, ["--version"]).output.strip() == "0.1.0"
