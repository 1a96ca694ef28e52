"""The page and its files, as any client gets them."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from holdtrue.report.theme import DARK, LIGHT
from holdtrue.serve.dashboard import routes


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=routes()))


def test_policy_admits_nothing_from_elsewhere_and_no_eval(client: TestClient):
    headers = client.get("/").headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect")} == {"'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_page_loads_only_its_own_files(client: TestClient):
    page = client.get("/").text
    assert "http" not in page
    loaded = [part.split('"')[0] for part in page.split('"/assets/')[1:]]
    assert {"app.js", "theme.css", "frame.css", "conversation.css", "mark.svg"} <= set(loaded)
    for name in loaded:
        assert client.get(f"/assets/{name}").status_code == 200


def test_every_module_imports_modules_that_are_served(client: TestClient):
    waiting, seen = ["app.js"], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = client.get(f"/assets/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        waiting += [part.split('"')[0] for part in answer.text.split('from "./')[1:]]
    assert {"api.js", "conversation.js", "drift.js", "playground.js", "sessions.js"} <= seen


def test_colours_are_the_reports(client: TestClient):
    css = client.get("/assets/theme.css").text
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    assert f"--alarm:{LIGHT.alarm}" in light
    assert f"--alarm:{DARK.alarm}" in dark


@pytest.mark.parametrize("path", ["/", "/assets/app.js", "/assets/vega.js"])
def test_unchanged_file_is_sent_once(client: TestClient, path: str):
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    strong = client.get(path, headers={"If-None-Match": f'"old", {first.headers["etag"].removeprefix("W/")}'})
    other = client.get(path, headers={"If-None-Match": '"old"'})
    assert (first.status_code, again.status_code, strong.status_code, other.status_code) == (200, 304, 304, 200)
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]


def test_vega_is_packed_for_those_who_unpack(client: TestClient):
    plain = client.get("/assets/vega.js", headers={"Accept-Encoding": "identity"})
    packed = client.get("/assets/vega.js", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 6, mtime=0))
    assert b"vegaEmbed" in plain.content


@pytest.mark.parametrize(
    "name",
    ["index.html", "nothing.js", "../files.py", "..%2ffiles.py", "%2e%2e/files.py", "..%5cfiles.py", "app.js%00", "."],
)
def test_no_name_leads_out_of_the_folder(client: TestClient, name: str):
    answer = client.get(f"/assets/{name}")
    assert answer.status_code == 404
    assert "_FOLDER" not in answer.text


def test_missing_file_has_the_servers_error_shape(client: TestClient):
    error = client.get("/assets/nothing.js").json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == "not_found"
