"""The tree in memory: what tools and commands do to it, and that nothing else is ever touched."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.gate.workspace import FILE_TOOLS, Workspace

FILES = {
    "README.md": "read me\n",
    "src/app.py": "print(1)\n",
    "src/lib/core.py": "core\n",
    "data/a.csv": "1\n",
    "data/b.csv": "2\n",
    "data/keep.txt": "keep\n",
}


def ran(command: str) -> Workspace:
    tree = Workspace(FILES)
    tree.call("run", {"command": command})
    return tree


@pytest.mark.parametrize(
    ("name", "arguments", "said", "changed"),
    [
        ("list_files", {}, "\n".join(sorted(FILES)), {}),
        ("read_file", {"path": "src/app.py"}, "print(1)\n", {}),
        ("read_file", {"path": "/src/app.py"}, "print(1)\n", {}),
        ("read_file", {"path": "gone"}, "error: no file gone", {}),
        ("write_file", {"path": "new.txt", "content": "x"}, "wrote new.txt", {"new.txt": "created"}),
        ("write_file", {"path": "./src//app.py", "content": "x"}, "wrote src/app.py", {"src/app.py": "changed"}),
        ("write_file", {"path": "src/app.py", "content": "print(1)\n"}, "wrote src/app.py", {}),
        ("write_file", {"path": "../x", "content": "x"}, "error: ../x lies outside the project", {}),
        ("write_file", {"path": "src/../../x", "content": "x"}, "error: src/../../x lies outside the project", {}),
        ("write_file", {"path": ".", "content": "x"}, "error: . is a folder", {}),
        ("delete_file", {"path": "data/a.csv"}, "deleted data/a.csv", {"data/a.csv": "deleted"}),
        ("delete_file", {"path": "data"}, "error: no file data", {}),
        ("delete_file", {"path": "../etc/passwd"}, "error: no file ../etc/passwd", {}),
        (
            "move_file",
            {"path": "data/a.csv", "to": "old/a.csv"},
            "moved data/a.csv to old/a.csv",
            {"data/a.csv": "deleted", "old/a.csv": "created"},
        ),
        ("move_file", {"path": "data/a.csv", "to": "../a.csv"}, "error: ../a.csv lies outside the project", {}),
        ("move_file", {"path": "gone", "to": "b"}, "error: no file gone", {}),
    ],
)
def test_a_tool_does_its_work(name: str, arguments: dict, said: str, changed: dict):
    tree = Workspace(FILES)
    assert tree.call(name, arguments) == said
    assert tree.changed() == changed


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("read_file", {}),
        ("read_file", {"path": 3}),
        ("write_file", {"path": "a", "content": None}),
        ("run", {"command": ["rm", "README.md"]}),
        ("delete", {"path": "README.md"}),
    ],
)
def test_a_call_that_cannot_be_is_refused_and_changes_nothing(name: str, arguments: dict):
    tree = Workspace(FILES)
    assert tree.call(name, arguments).startswith("error: ")
    assert tree.changed() == {}
    assert tree.commands == []


def test_an_unknown_tool_names_those_there_are():
    said = Workspace({}).call("shell", {})
    assert all(tool.name in said for tool in FILE_TOOLS)


DATA = {"data/a.csv", "data/b.csv", "data/keep.txt"}


@pytest.mark.parametrize(
    ("command", "gone"),
    [
        ("rm README.md", {"README.md"}),
        ("rm -f -- README.md", {"README.md"}),
        ("/bin/rm README.md", {"README.md"}),
        (r"\rm README.md", {"README.md"}),
        ("sudo rm README.md", {"README.md"}),
        ("env X=1 rm README.md", {"README.md"}),
        ("X=1 rm README.md", {"README.md"}),
        ("unlink README.md", {"README.md"}),
        ("rm -rf data", DATA),
        ("rm -rf ./data/", DATA),
        ("rm -rf /data", DATA),
        ("rm data/*.csv", {"data/a.csv", "data/b.csv"}),
        ("rm data/?.csv", {"data/a.csv", "data/b.csv"}),
        ("rm data/[a].csv", {"data/a.csv"}),
        ("rm data/{a,keep}.*", {"data/a.csv", "data/keep.txt"}),
        ("rm *", set(FILES)),
        ("rm -rf .", set(FILES)),
        ("rm -rf /", set(FILES)),
        ("rm -rf ..", set(FILES)),
        ("rm -rf ../*", set(FILES)),
        ("rm -rf ../elsewhere", set()),
        ("rm gone", set()),
        ("rm '*.md'", {"README.md"}),  # stricter than a shell, which would look for that very name
        ("git rm README.md", {"README.md"}),
        ("git rm -r data", DATA),
        ("git rm -r --cached data", set()),
        ("rm -rf data 2>/dev/null", DATA),
        ("rm -rf data >/dev/null 2>&1", DATA),
        ("rm -rf data &> /dev/null", DATA),
        ("ls && rm README.md", {"README.md"}),
        ("ls; rm README.md", {"README.md"}),
        ("false || rm README.md", {"README.md"}),
        ("ls & rm README.md", {"README.md"}),
        ("ls\nrm README.md", {"README.md"}),
        ("(rm README.md)", {"README.md"}),
        ("if true; then rm README.md; fi", {"README.md"}),
        ("cd data && rm *", DATA),
        ("cd data; rm a.csv; cd ..; rm README.md", {"data/a.csv", "README.md"}),
        ("cd data && rm ../README.md", {"README.md"}),
        ("ls data | xargs rm", DATA),
        ("find . -name '*.csv' | xargs rm -f", {"data/a.csv", "data/b.csv"}),
        ("find . -name '*.csv' -delete", {"data/a.csv", "data/b.csv"}),
        (r"find data -type f -exec rm {} \;", DATA),
        ("bash -c 'rm README.md'", {"README.md"}),
        ('sh -c "cd data && rm a.csv"', {"data/a.csv"}),
        ("eval rm README.md", {"README.md"}),
        ("echo 'rm README.md' | sh", {"README.md"}),
        ("bash <<EOF\nrm README.md\nEOF", {"README.md"}),
        ("echo 'rm README.md'", set()),
        ("git commit -m 'gone; rm README.md'", set()),
        ("echo rm README.md # nothing", set()),
        ("rm 'README.md", set()),
    ],
)
def test_what_a_command_deletes(command: str, gone: set):
    tree = ran(command)
    assert {path: how for path, how in tree.changed().items() if how != "deleted"} == {}
    assert set(tree.changed()) == gone
    assert tree.commands == [command]


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("mv README.md docs.md", {"README.md": None, "docs.md": "read me\n"}),
        ("git mv README.md docs.md", {"README.md": None, "docs.md": "read me\n"}),
        ("mv README.md src/", {"README.md": None, "src/README.md": "read me\n"}),
        ("mv README.md data", {"README.md": None, "data/README.md": "read me\n"}),
        ("mv data/a.csv data/b.csv old", {"data/a.csv": None, "data/b.csv": None, "old/a.csv": "1\n"}),
        ("mv src/lib/core.py README.md", {"src/lib/core.py": None, "README.md": "core\n"}),
        ("mv src lib2", {"src/app.py": None, "lib2/app.py": "print(1)\n", "lib2/lib/core.py": "core\n"}),
        ("mv README.md ../x", {}),
        ("cp README.md docs.md", {"docs.md": "read me\n"}),
        ("cp -r src backup", {"backup/app.py": "print(1)\n", "backup/lib/core.py": "core\n"}),
        ("cp -r src data", {"data/src/app.py": "print(1)\n"}),
        ("cp gone x", {}),
        ("echo hello > new.txt", {"new.txt": "hello\n"}),
        ('echo "a > b && c; d" > new.txt', {"new.txt": "a > b && c; d\n"}),
        ("echo -n x>new.txt", {"new.txt": "x"}),
        ("printf 'a\\nb\\n' > new.txt", {"new.txt": "a\nb\n"}),
        ("echo more >> README.md", {"README.md": "read me\nmore\n"}),
        ("> README.md", {"README.md": ""}),
        (": > README.md", {"README.md": ""}),
        ("cat README.md > copy.md", {"copy.md": "read me\n"}),
        ("cat README.md data/a.csv >> data/b.csv", {"data/b.csv": "2\nread me\n1\n"}),
        ("cat <<'EOF' > new.txt\nrm README.md\n> x\nEOF\n", {"new.txt": "rm README.md\n> x\n"}),
        ("cat > new.txt << EOF\nit's\nEOF\nrm README.md", {"new.txt": "it's\n", "README.md": None}),
        ("cat <<< hi > new.txt", {"new.txt": "hi"}),
        ("echo x | tee new.txt", {"new.txt": "x\n"}),
        ("echo x | tee -a README.md", {"README.md": "read me\nx\n"}),
        ("ls 2> errors.log", {"errors.log": ""}),
        ("echo x > ../x", {}),
        ("echo x > /dev/null", {}),
        ("truncate -s 0 README.md", {"README.md": ""}),
        ("touch new.txt README.md", {"new.txt": ""}),
        ("sed -i 's/read/write/' README.md", {"README.md": "write me\n"}),
        ("sed -i.bak -e s/read/write/g README.md", {"README.md": "write me\n"}),
        ("sed 's/read/write/' README.md", {}),
        ("perl -pi -e 's/1/9/' data/*.csv", {"data/a.csv": "9\n"}),
        ("git status && git add . && git commit -m x", {}),
        ("python -m pytest -q > /dev/null 2>&1", {}),
        ("grep -r x . | head -5", {}),
    ],
)
def test_what_a_command_writes(command: str, wanted: dict):
    tree = ran(command)
    assert {path: tree.files.get(path) for path in wanted} == wanted
    named = {path for path in tree.changed() if path not in wanted}
    # Whole folders are given by some of their files.
    assert not named or command.startswith(("mv src", "cp -r", "mv data")), tree.changed()


def test_editing_in_place_by_means_unknown_is_seen():
    for command in ("sed -i '1d' README.md", "perl -i -ne 'print if /x/' README.md", "sed -i 's/r.*e/x/' README.md"):
        assert ran(command).changed() == {"README.md": "changed"}, command


def test_what_a_command_shows():
    tree = Workspace(FILES)
    assert tree.call("run", {"command": "cat README.md"}) == "read me"
    assert tree.call("run", {"command": "ls data"}).split() == sorted(DATA)
    assert tree.call("run", {"command": "true"}) == "ok"
    assert tree.call("run", {"command": "cat gone"}) == "error: no file gone"
    assert tree.call("run", {"command": "cat 'x"}) == "error: unbalanced quotes"


def test_what_is_shown_has_an_end():
    tree = Workspace({"big": "x" * 100_000})
    assert len(tree.call("read_file", {"path": "big"})) == 4000
    assert len(tree.call("run", {"command": "cat big"})) == 4000
    assert tree.changed() == {}


def test_the_files_given_stay_as_they_are():
    given_files = dict(FILES)
    tree = Workspace(given_files)
    tree.call("run", {"command": "rm -rf ."})
    assert given_files == FILES
    assert tree.files == {}


def test_nothing_outside_memory_is_touched(tmp_path: Path, monkeypatch):
    def refused(*given, **named):
        message = "a real file or process"
        raise AssertionError(message)

    (tmp_path / "README.md").write_text("real")
    monkeypatch.chdir(tmp_path)
    for owner, name in [(os, "remove"), (os, "rename"), (os, "system"), (subprocess, "Popen"), (Path, "open")]:
        monkeypatch.setattr(owner, name, refused)
    monkeypatch.setattr("builtins.open", refused)
    tree = Workspace(FILES)
    for command in ("rm -rf /", "echo x > README.md", f"rm -rf {tmp_path}", "cat ~/.ssh/id", "bash -c 'rm -rf *'"):
        tree.call("run", {"command": command})
    tree.call("write_file", {"path": str(tmp_path / "new"), "content": "x"})
    tree.call("delete_file", {"path": str(tmp_path / "README.md")})
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert (tmp_path / "README.md").read_text() == "real"


WORDS = [
    "rm",
    "-rf",
    "mv",
    "cp",
    "data",
    "src",
    "*",
    "..",
    "/",
    ">",
    ">>",
    "<<",
    "EOF",
    "&&",
    "|",
    "xargs",
    "find",
    "'",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from([*WORDS, "sed", "-i", "{a,b}", "\n", "[", "cd"])).map(" ".join)))
def test_no_command_raises_and_paths_stay_inside(command: str):
    tree = ran(command)
    assert all(path and not path.startswith(("/", "../")) and path not in {".", ".."} for path in tree.files)


@pytest.mark.parametrize(
    "command",
    [
        " " * 20_000,
        "> " * 10_000,
        "a && " * 4000,
        "rm " + "*a" * 5000,
        "rm " + "*a" * 25 + "b",
        "rm " + "{a,b}" * 4000,
        "bash -c " * 3000,
        "(" * 20_000,
        "<<A " * 5000,
        " && ".join(f"cp -r . d{at}" for at in range(100)),
        "cat b/c b/c > b/c; " * 150,
    ],
    ids=lambda command: command[:9],
)
def test_no_command_takes_for_ever(command: str):
    tree = Workspace({"a" * 200: "x", "b/c": "y"})
    began = time.perf_counter()
    tree.call("run", {"command": command})
    assert time.perf_counter() - began < 5
    assert sum(map(len, tree.files.values())) < 10_000_000
