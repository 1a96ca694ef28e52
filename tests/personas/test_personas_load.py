"""One's own files, the reference project's layout, and a one-line refusal for everything malformed."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import holdtrue.personas.files
from holdtrue.errors import PersonaError
from holdtrue.personas import PersonaSet, demo_conversation, load_personas

BUILT_IN = load_personas()
Edit = Callable[[dict[str, object]], object]


def role(name: str, **changes: object) -> dict[str, object]:
    return {"name": name, "description": "one line", "prompts": [f"You are {name}."], **changes}


def roles_file(path: Path, *roles: object, **changes: object) -> Path:
    raw = {"schema": "holdtrue.roles/1", "category": "mine", "roles": list(roles), **changes}
    path.write_text(json.dumps(raw), encoding="utf-8")
    return path


def lines(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def refusal(**paths: Path) -> str:
    with pytest.raises(PersonaError) as caught:
        load_personas(**paths)
    message = str(caught.value)
    assert "\n" not in message
    return message


def reference(root: Path, **roles: object) -> Path:
    folder = root / "data" / "roles" / "instructions"
    folder.mkdir(parents=True)
    for name, instruction in roles.items():
        raw = {"instruction": instruction, "questions": ["Really?"], "eval_prompt": "Score it."}
        (folder / f"{name}.json").write_text(json.dumps(raw), encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    reference(
        tmp_path,
        Baker=[{"pos": "You are a baker."}, {"pos": "Speak as bakers do."}],
        old_sailor=[{"pos": "You are an old sailor."}],
        default=[{"pos": ""}, {"pos": "You are an AI."}, {"pos": "You are {model_name}."}],
    )
    (tmp_path / "data" / "roles" / "instructions" / "NOTES.md").write_text("not a role")
    lines(tmp_path / "data" / "extraction_questions.jsonl", {"question": "Who?", "id": 0}, {"question": "Why?"})
    return tmp_path


# --- what loads


def test_own_file_with_built_in_company(tmp_path: Path) -> None:
    loaded = load_personas(roles_file(tmp_path / "mine.json", role("a_b"), role("c1")))
    assert [(each.name, each.category) for each in loaded.roles] == [("a_b", "mine"), ("c1", "mine")]
    assert loaded.questions == BUILT_IN.questions
    assert loaded.defaults == BUILT_IN.defaults


def test_own_folder_in_order_of_file_name(tmp_path: Path) -> None:
    roles_file(tmp_path / "b.json", role("second"), category="two")
    roles_file(tmp_path / "a.json", role("first"), category="one")
    (tmp_path / "README.md").write_text("ignored")
    assert [each.name for each in load_personas(tmp_path).roles] == ["first", "second"]


def test_own_questions_and_defaults(tmp_path: Path) -> None:
    questions = lines(
        tmp_path / "q.jsonl",
        {"id": "a", "theme": "t", "text": "Who\u2028?"},
        "",
        {"id": "b", "theme": "t", "text": "Why?"},
    )
    raw = {"schema": "holdtrue.defaults/1", "prompts": [{"id": "none", "text": None}, {"id": "p", "text": "Help."}]}
    defaults = lines(tmp_path / "d.json", raw)
    loaded = load_personas(questions=questions, defaults=defaults)
    assert [each.id for each in loaded.questions] == ["a", "b"]
    assert [each.text for each in loaded.defaults] == [None, "Help."]
    assert loaded.roles == BUILT_IN.roles


def test_byte_order_mark_and_unescaped_separators_are_read(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    rows = [{"id": i, "theme": "t", "text": "Who\u2028or\x85what?"} for i in "ab"]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode())
    assert [each.text for each in load_personas(questions=path).questions] == ["Who\u2028or\x85what?"] * 2


def check_reference(loaded: PersonaSet) -> None:
    assert [(each.name, each.category, len(each.prompts)) for each in loaded.roles] == [
        ("baker", "imported", 2),
        ("old_sailor", "imported", 1),
    ]
    assert [each.text for each in loaded.questions] == ["Who?", "Why?"]
    assert [each.id for each in loaded.questions] == ["0", "line2"]
    assert [each.text for each in loaded.defaults] == [None, "You are an AI."]


@pytest.mark.parametrize("inside", ["", "data", "data/roles", "data/roles/instructions"])
def test_reference_layout_from_any_height(project: Path, inside: str) -> None:
    check_reference(load_personas(project / inside))


def test_explicit_parts_win_over_the_references(project: Path, tmp_path: Path) -> None:
    rows = [{"question": "One?", "id": "x"}, {"question": "Two?", "id": 2}]
    raw = {"schema": "holdtrue.defaults/1", "prompts": [{"id": "only", "text": "Help."}]}
    loaded = load_personas(project, lines(tmp_path / "q.jsonl", *rows), lines(tmp_path / "d.json", raw))
    assert [each.id for each in loaded.questions] == ["x", "2"]
    assert [each.id for each in loaded.defaults] == ["only"]


def test_reference_without_company_takes_the_built_in(project: Path) -> None:
    (project / "data" / "extraction_questions.jsonl").unlink()
    (project / "data" / "roles" / "instructions" / "default.json").unlink()
    loaded = load_personas(project)
    assert loaded.questions == BUILT_IN.questions
    assert loaded.defaults == BUILT_IN.defaults


def test_reference_default_file_serves_as_defaults(project: Path) -> None:
    loaded = load_personas(defaults=project / "data" / "roles" / "instructions" / "default.json")
    assert [each.text for each in loaded.defaults] == [None, "You are an AI."]


def test_own_folder_ignores_stray_reference_questions(tmp_path: Path) -> None:
    roles_file(tmp_path / "a.json", role("a"), role("b"))
    lines(tmp_path / "extraction_questions.jsonl", {"question": "Who?"}, {"question": "Why?"})
    assert load_personas(tmp_path).questions == BUILT_IN.questions


# --- what is refused: roles

ROLE_EDITS: list[tuple[Edit, tuple[str, ...]]] = [
    (lambda raw: raw.pop("schema"), ("schema is None", "expected 'holdtrue.roles/1'")),
    (lambda raw: raw.update(schema="holdtrue.roles/9"), ("'holdtrue.roles/9'", "expected 'holdtrue.roles/1'")),
    (lambda raw: raw.update(schema="holdtrue.defaults/1"), ("another kind of file",)),
    (lambda raw: raw.pop("category"), ("no 'category'", "add it")),
    (lambda raw: raw.update(category=7), ("'category' is a number (7)", "as text in quotes")),
    (lambda raw: raw.update(category="a\nb"), ("line break", "on one line")),
    (lambda raw: raw.update(roles=[]), ("'roles' is empty", "at least one")),
    (lambda raw: raw.update(roles={}), ("'roles' is an object", "a list of roles")),
    (lambda raw: raw.update(rolse=[]), ("unknown key 'rolse'", "did you mean 'roles'?")),
    (lambda raw: raw.update(roles=["wizard"]), ("role 1", "'wizard' is text", "an object with 'name'")),
    (lambda raw: raw.update(roles=[role("a")]), ("only the role 'a'", "2 roles or more")),
    (lambda raw: raw.update(roles=[role("a"), role("a")]), ("role 'a' is there twice", "rename one")),
    (lambda raw: raw.update(roles=[role("a"), role("default")]), ("role 2", "'default' is reserved", "rename")),
    (lambda raw: raw.update(roles=[role("Night Nurse")]), ("'Night Nurse'", "write 'night_nurse'")),
    (lambda raw: raw.update(roles=[role("日本")]), ("not lower_snake_case", "for example")),
    (lambda raw: raw.update(roles=[{**role("a"), "name": None}]), ("'name' is null", "lower_snake_case")),
    (lambda raw: raw.update(roles=[role("a", prompts=[])]), ("role 1 'a'", "'prompts' is empty")),
    (lambda raw: raw.update(roles=[role("a", prompts="You")]), ("role 1 'a'", "'prompts' is text", "a list")),
    (lambda raw: raw.update(roles=[role("a", prompts=["x", " "])]), ("'a', prompt 2", "empty (' ')")),
    (lambda raw: raw.update(roles=[role("a", prompts=[True])]), ("'a', prompt 1", "true or false")),
    (lambda raw: raw.update(roles=[role("a", prompts=["\ud800"])]), ("half a surrogate pair",)),
    (lambda raw: raw.update(roles=[role("a", description="")]), ("role 1 'a'", "'description' is empty")),
    (lambda raw: raw.update(roles=[{"name": "a", "description": "d"}]), ("no 'prompts'", "keys: 'name'")),
    (lambda raw: raw.update(roles=[role("a", prompt=["x"])]), ("unknown key 'prompt'", "did you mean 'prompts'?")),
]


@pytest.mark.parametrize(("edit", "parts"), ROLE_EDITS)
def test_malformed_roles(tmp_path: Path, edit: Edit, parts: tuple[str, ...]) -> None:
    raw: dict[str, object] = {"schema": "holdtrue.roles/1", "category": "c", "roles": [role("a"), role("b")]}
    edit(raw)
    path = lines(tmp_path / "mine.json", raw)
    message = refusal(roles=path)
    assert str(path) in message
    for part in parts:
        assert part in message


def test_duplicate_over_two_files_names_both(tmp_path: Path) -> None:
    roles_file(tmp_path / "a.json", role("same"))
    roles_file(tmp_path / "b.json", role("same"))
    message = refusal(roles=tmp_path)
    assert "a.json" in message
    assert "b.json" in message


def test_folder_without_json(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text("")
    message = refusal(roles=tmp_path)
    assert "no .json file" in message
    assert "roles.yaml" in message


# --- what is refused: the reference layout


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("baker", [], ("baker.json", "'instruction' is empty")),
        ("baker", [{"pos": ""}], ("role 'baker', instruction 1", "'pos' is empty")),
        ("baker", [{"neg": "x"}], ("instruction 1", "no 'pos'", "keys: 'neg'")),
        ("baker", ["You are a baker."], ("instruction 1", "is text", "pos")),
        ("baker", "You are a baker.", ("'instruction' is text", "a list of")),
        ("Baker", [{"pos": "You are a baker."}], ("role 'baker' is there twice",)),
        ("default", [{"pos": 3}], ("default.json, instruction 1", "'pos' is a number (3)")),
        ("default", [{"pos": "You are {model_name}."}], ("nothing but templates", "{model_name}")),
    ],
)
def test_malformed_reference(tmp_path: Path, name: str, content: object, parts: tuple[str, ...]) -> None:
    good = [{"pos": "You are it."}]
    folder = reference(tmp_path, **{"actor": good, "baker": good, "cook": good, name: content})
    if len(list(folder.iterdir())) < 4 and name == "Baker":
        pytest.skip("the file system folds case")
    message = refusal(roles=tmp_path)
    for part in parts:
        assert part in message


def test_reference_with_one_role(tmp_path: Path) -> None:
    reference(tmp_path, baker=[{"pos": "You are a baker."}], default=[{"pos": ""}])
    assert "only the role 'baker'" in refusal(roles=tmp_path)


def test_reference_with_only_the_default(tmp_path: Path) -> None:
    reference(tmp_path, default=[{"pos": ""}])
    assert "no role" in refusal(roles=tmp_path)


# --- what is refused: questions and defaults

GOOD = {"id": "q1", "theme": "t", "text": "Who?"}


@pytest.mark.parametrize(
    ("row", "parts"),
    [
        ({"id": "q1", "theme": "t", "text": "Why?"}, (":3", "question id 'q1' is there twice", ":1)")),
        ({"id": "q2", "theme": "t"}, (":3", "no 'text'")),
        ({"id": "q2", "theme": "t", "text": " "}, (":3", "'text' is empty")),
        ({"id": 2, "theme": "t", "text": "Why?"}, (":3", "'id' is a number (2)")),
        ({"id": "q2", "theme": "t", "text": "Why?", "them": 1}, (":3", "unknown key 'them'", "did you mean 'theme'?")),
        ({"question": "", "id": 1}, (":3", "'question' is empty")),
        ({"question": "Why?", "id": True}, (":3", "'id' is true or false")),
        ({"question": "Why?", "id": 1.5}, (":3", "'id' is a number (1.5)")),
        ({"question": ["Why?"]}, (":3", "'question' is a list")),
        (["Why?"], (":3", "is a list", '"theme"')),
        ("null", (":3", "None is null")),
        ("{'id': 'q2'}", (":3: not JSON", "mend the syntax")),
        ("[" * 200_000, (":3: not JSON",)),
        ("9" * 5000, (":3: not JSON", "digits")),
    ],
)
def test_malformed_questions(tmp_path: Path, row: object, parts: tuple[str, ...]) -> None:
    path = lines(tmp_path / "q.jsonl", GOOD, "", row)
    message = refusal(questions=path)
    assert str(path) in message
    for part in parts:
        assert part in message
    assert len(message) < 600 + 3 * len(str(path))


@pytest.mark.parametrize(("rows", "part"), [((), "empty"), (("", " "), "empty"), ((GOOD,), "only the question 'q1'")])
def test_too_few_questions(tmp_path: Path, rows: tuple[object, ...], part: str) -> None:
    message = refusal(questions=lines(tmp_path / "q.jsonl", *rows))
    assert part in message
    assert "2 lines or more" in message


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        ({"schema": "holdtrue.defaults/1", "prompts": []}, ("'prompts' is empty",)),
        ({"schema": "holdtrue.defaults/1"}, ("no 'prompts'",)),
        ({"schema": "x", "prompts": []}, ("schema is 'x'", "expected 'holdtrue.defaults/1'")),
        ({"schema": "holdtrue.defaults/1", "prompts": ["Help."]}, ("prompt 1", "is text", "null for no system prompt")),
        ({"schema": "holdtrue.defaults/1", "prompts": [{"id": "a"}]}, ("prompt 1 'a'", "no 'text'", "null for none")),
        ({"schema": "holdtrue.defaults/1", "prompts": [{"id": "a", "text": ""}]}, ("'a'", "empty", "null for none")),
        (
            {"schema": "holdtrue.defaults/1", "prompts": [{"id": "a", "text": None}, {"id": "a", "text": "b"}]},
            ("prompt 2", "default prompt 'a' is there twice"),
        ),
        ([], ("is a list", "a default-prompts file")),
    ],
)
def test_malformed_defaults(tmp_path: Path, raw: object, parts: tuple[str, ...]) -> None:
    path = lines(tmp_path / "d.json", raw)
    message = refusal(defaults=path)
    assert str(path) in message
    for part in parts:
        assert part in message


# --- what is refused: any file


@pytest.mark.parametrize("part", ["roles", "questions", "defaults"])
class TestAnyFile:
    def test_missing_names_the_nearest(self, tmp_path: Path, part: str) -> None:
        (tmp_path / "my_roles.json").write_text("{}")
        message = refusal(**{part: tmp_path / "my_role.json"})
        assert "no such file or folder" in message
        assert "did you mean 'my_roles.json'?" in message

    def test_missing_folder_names_its_neighbours(self, tmp_path: Path, part: str) -> None:
        (tmp_path / "personas").mkdir()
        message = refusal(**{part: tmp_path / "persona" / "deep" / "x.json"})
        assert f"In {tmp_path}: did you mean 'personas'?" in message

    def test_nothing_at_all_nearby(self, tmp_path: Path, part: str) -> None:
        assert "the folder is empty" in refusal(**{part: tmp_path / "x.json"})

    def test_not_utf8(self, tmp_path: Path, part: str) -> None:
        path = tmp_path / "x.json"
        path.write_bytes('{"a": "é"}'.encode("latin-1"))
        message = refusal(**{part: path})
        assert "not UTF-8 (byte 0xe9 at 7)" in message
        assert "save it again as UTF-8" in message

    def test_not_json(self, tmp_path: Path, part: str) -> None:
        path = lines(tmp_path / "x.json", '{"schema": }')
        message = refusal(**{part: path})
        assert "not JSON (Expecting value at line 1, column 12" in message

    def test_oversized(self, tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(holdtrue.personas.files, "MAX_BYTES", 2**20)
        path = tmp_path / "x.json"
        path.write_bytes(b" " * (2**20 + 1))
        assert "over 1 MiB" in refusal(**{part: path})

    def test_null_byte_in_the_path(self, part: str) -> None:
        assert "can't look there" in refusal(**{part: Path("a\0b")})

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_pipe_is_not_waited_for(self, tmp_path: Path, part: str) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert "not a regular file" in refusal(**{part: tmp_path / "pipe"})


@pytest.mark.parametrize("part", ["questions", "defaults"])
def test_folder_for_a_file(tmp_path: Path, part: str) -> None:
    assert "not a regular file" in refusal(**{part: tmp_path})


def test_cap_is_64_mib() -> None:
    assert holdtrue.personas.files.MAX_BYTES == 64 * 2**20


@pytest.mark.parametrize("name", ["drfit", "../roles/machines", ""])
def test_unknown_demo(name: str) -> None:
    with pytest.raises(PersonaError, match="known: drift, steady") as caught:
        demo_conversation(name)
    assert ("did you mean 'drift'?" in str(caught.value)) == (name == "drfit")
