"""Who may ask, for what, and from which page."""

from pathlib import Path

import openai
import pytest
from live_server import LONG, Live, asked

from holdtrue.errors import SettingError
from holdtrue.serve.keys import add_key, revoke_key
from holdtrue.serve.run import check_address

CHAT = "/v1/chat/completions"


@pytest.fixture
def keyed(serve, tmp_path: Path) -> tuple[Live, dict[str, str]]:
    """A server with keys where the operator sets the holds."""
    path = tmp_path / "keys.json"
    secrets = {name: add_key(path, name, operator=name == "operator")[1] for name in ("ann", "bob", "operator")}
    return serve(keys=path, client_holds=False), secrets


def body(**fields: object) -> dict[str, object]:
    return {"model": "smollm2-135m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, **fields}


def test_without_a_key_nothing_is_told(keyed):
    live, keys = keyed
    paths = ["/v1/models", "/v1/models/x", "/v1/holdtrue", "/v1/sessions", "/v1/sessions/x", "/v1/events", "/metrics"]
    for header in ({}, {"Authorization": "Bearer ht_wrong"}, {"Authorization": f"Basic {keys['ann']}"}):
        with live.http() as client:
            for path in paths:
                answer = client.get(path, headers=header)
                assert answer.status_code == 401, path
                assert answer.json()["error"]["code"] == "invalid_api_key"
                assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert client.post(CHAT, content=b"{", headers=header).status_code == 401
            assert [client.get(path).status_code for path in ("/health", "/ready", "/")] == [200, 200, 200]
    with pytest.raises(openai.AuthenticationError):
        live.openai("ht_wrong").models.list()
    assert live.openai(keys["ann"]).models.list().data


def test_a_client_may_chat_but_not_choose_its_hold(keyed):
    live, keys = keyed
    with live.http(keys["ann"]) as ann, live.http(keys["operator"]) as operator:
        session = ann.post(CHAT, json=body()).json()["holdtrue"]["session"]
        for refused in (
            ann.post(CHAT, json=body(holdtrue={"hold": "firm"})),
            ann.patch(f"/v1/sessions/{session}", json={"hold": "firm"}),
        ):
            assert refused.status_code == 403
            assert refused.json()["error"]["code"] == "hold_not_allowed"
        assert operator.patch(f"/v1/sessions/{session}", json={"hold": "firm"}).json()["hold"] == "firm"
        again = ann.post(CHAT, json=body(holdtrue={"session": session}))
        assert again.json()["holdtrue"]["hold"] == "firm"


def test_clients_see_their_own_sessions_and_operators_all(keyed):
    live, keys = keyed
    with live.http(keys["ann"]) as ann, live.http(keys["bob"]) as bob, live.http(keys["operator"]) as operator:
        first = ann.post(CHAT, json=body(holdtrue={"session": "anns"}))
        assert first.json()["holdtrue"]["session"] == "anns"
        bob.post(CHAT, json=body(holdtrue={"session": "bobs"}))
        listed = {
            name: {session["id"] for session in client.get("/v1/sessions").json()["data"]}
            for name, client in (("ann", ann), ("bob", bob), ("operator", operator))
        }
        assert listed == {"ann": {"anns"}, "bob": {"bobs"}, "operator": {"anns", "bobs"}}
        for method, path in (("GET", ""), ("GET", "/export"), ("DELETE", "")):
            assert bob.request(method, f"/v1/sessions/anns{path}").status_code == 404
        assert operator.get("/v1/sessions/anns").status_code == 200
        # Somebody else's name for a session is refused before anything is drawn, and nothing is written into it.
        stolen = bob.post(CHAT, json=body(holdtrue={"session": "anns"}, stream=True))
        assert (stolen.status_code, stolen.json()["error"]["param"]) == (400, "holdtrue.session")
        assert operator.get("/v1/sessions/anns").json()["n_turns"] == 1
        # An operator's word in a client's session is the client's to see.
        operator.post(CHAT, json=body(holdtrue={"session": "anns"}))
        assert ann.get("/v1/sessions/anns").json()["n_turns"] == 2


def test_the_same_history_under_another_key_is_another_session(keyed):
    live, keys = keyed
    messages = [{"role": "user", "content": "Hi"}]
    with live.http(keys["ann"]) as ann, live.http(keys["bob"]) as bob:
        first = ann.post(CHAT, json=body(temperature=0)).json()
        messages += [first["choices"][0]["message"], {"role": "user", "content": "And?"}]
        others = bob.post(CHAT, json=body(messages=messages)).json()
        own = ann.post(CHAT, json=body(messages=messages)).json()
    assert own["holdtrue"]["session"] == first["holdtrue"]["session"] != others["holdtrue"]["session"]


def test_a_key_revoked_stops_working_at_once(keyed, tmp_path: Path):
    live, keys = keyed
    with live.http(keys["bob"]) as bob:
        assert bob.get("/v1/models").status_code == 200
        revoke_key(tmp_path / "keys.json", "bob")
        assert bob.get("/v1/models").status_code == 401


def test_a_damaged_key_file_lets_nobody_in_and_isnt_a_crash(keyed, tmp_path: Path):
    live, keys = keyed
    path = tmp_path / "keys.json"
    good = path.read_bytes()
    path.write_bytes(good[:20])
    with live.http(keys["ann"]) as ann:
        answer = ann.get("/v1/models")
        assert answer.status_code == 503
        assert "keys.json" not in answer.text
        path.write_bytes(good)
        assert ann.get("/v1/models").status_code == 200


def test_an_address_that_others_reach_needs_keys():
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        check_address(host, has_keys=False)
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", "localhost.example.org", ""):
        check_address(host, has_keys=True)
        with pytest.raises(SettingError, match="no keys are set"):
            check_address(host, has_keys=False)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.", "[bad", ""]
)
def test_a_page_that_calls_this_machine_by_its_own_name_is_refused(live: Live, host: str):
    with live.http() as client:
        answer = client.get("/v1/sessions", headers={"Host": host})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "host_not_allowed"
        assert client.post(CHAT, json=asked(live, LONG), headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:99", "[::1]:8000", "LOCALHOST:80"])
def test_this_machines_own_names_are_fine(live: Live, host: str):
    with live.http() as client:
        assert client.get("/v1/models", headers={"Host": host}).status_code == 200


def test_other_pages_may_not_post_and_the_own_one_may(live: Live):
    with live.http() as client:
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"):
            answer = client.post(CHAT, json=asked(live), headers={"Origin": origin})
            assert answer.status_code == 403
            assert answer.json()["error"]["code"] == "origin_not_allowed"
            assert not [name for name in answer.headers if name.startswith("access-control")]
        assert client.post(CHAT, json=asked(live), headers={"Origin": live.url}).status_code == 200
        preflight = client.options(
            CHAT, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 405
        assert not [name for name in preflight.headers if name.startswith("access-control")]
