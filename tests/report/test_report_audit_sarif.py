"""The log has what SARIF 2.1.0 demands, and no text of the data makes links or placeholders in it."""

import json
import re
from typing import Any

import pytest
from made_audit_verdict import example, trigger, verdict
from test_report_page import HOSTILE

from holdtrue.records.audit import AuditVerdict
from holdtrue.report.audit import sarif

LEVELS = {"none", "note", "warning", "error"}
# The standard's schema forbids any other property; only those that the log could use are listed.
ALLOWED = {
    "run": {"tool", "invocations", "originalUriBaseIds", "artifacts", "results", "columnKind", "properties"},
    "rule": {"id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration", "properties"},
    "notification": {"locations", "message", "level", "descriptor", "properties"},
    "result": {
        "ruleId", "ruleIndex", "kind", "level", "message", "locations", "fingerprints", "partialFingerprints",
        "properties",
    },
    "location": {"id", "physicalLocation", "logicalLocations", "message", "properties"},
    "place": {"artifactLocation", "region", "contextRegion", "properties"},
}  # fmt: skip


def run_of(made: AuditVerdict) -> dict[str, Any]:
    log = sarif(made)
    check(log)
    return log["runs"][0]


def check(log: dict[str, Any]) -> None:
    """Required properties and values of sections 3.13 to 3.58, as far as this log uses them."""
    assert json.loads(json.dumps(log, allow_nan=False)) == log
    assert log["version"] == "2.1.0"
    assert set(log) <= {"$schema", "version", "runs", "inlineExternalProperties", "properties"}
    for run in log["runs"]:
        assert set(run) <= ALLOWED["run"]
        driver = run["tool"]["driver"]
        assert driver["name"]
        ids = [rule["id"] for rule in driver["rules"]]
        assert len(set(ids)) == len(ids)
        for descriptor in driver["rules"] + driver["notifications"]:
            assert descriptor["id"]
            assert set(descriptor) <= ALLOWED["rule"]
            assert descriptor["shortDescription"]["text"]
        assert run["columnKind"] in {"utf16CodeUnits", "unicodeCodePoints"}
        for invocation in run["invocations"]:
            assert isinstance(invocation["executionSuccessful"], bool)
            for notification in invocation["toolExecutionNotifications"]:
                assert set(notification) <= ALLOWED["notification"]
                assert notification["level"] in LEVELS
                assert notification["descriptor"]["id"] in {one["id"] for one in driver["notifications"]}
                message_is_sound(notification["message"])
        for base in run["originalUriBaseIds"].values():
            message_is_sound(base["description"])
        for result in run["results"]:
            assert set(result) <= ALLOWED["result"]
            assert result["level"] in LEVELS
            assert ids[result["ruleIndex"]] == result["ruleId"]
            message_is_sound(result["message"])
            assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
            for location in result["locations"]:
                place = location["physicalLocation"]
                assert set(location) <= ALLOWED["location"]
                assert set(place) <= ALLOWED["place"]
                uri = place["artifactLocation"]["uri"]
                assert re.fullmatch(r"(?:[\w.~!$&'()*+,;=@-]|%[0-9A-F]{2}|/)+", uri, re.ASCII), uri
                assert not uri.startswith("/")
                assert ".." not in uri.split("/")
                assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
                assert place["region"]["startLine"] >= 1


def message_is_sound(message: dict[str, str]) -> None:
    text = message["text"]
    assert text
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]]", text), text
    assert not re.search(r"(?<!\{)(?:\{\{)*\{(?!\{)", text), text


def test_a_result_for_each_finding_at_the_lines_of_its_rows() -> None:
    run = run_of(verdict())
    assert [result["ruleId"] for result in run["results"]][:3] == ["trigger", "label_flip", "hidden_text"]
    assert [result["level"] for result in run["results"]][:2] == ["error", "warning"]
    first = run["results"][0]
    assert "“zebra lantern” with reply in capitals" in first["message"]["text"]
    places = [one["physicalLocation"] for one in first["locations"]]
    assert [place["region"]["startLine"] for place in places] == [1204, 1205, 1206, 1207, 1208]
    assert places[0]["artifactLocation"] == {"uri": "train/part-3.jsonl", "uriBaseId": "DATASET"}
    assert run["properties"]["cleanFprCi"] == [0.0054, 0.0385]


@pytest.mark.parametrize(("name", "code"), [("FINDINGS", 1), ("NOTHING_FOUND", 0), ("NOT_TESTABLE", 3)])
def test_a_log_without_results_is_no_all_clear(name: str, code: int) -> None:
    run = run_of(verdict(name))
    invocation = run["invocations"][0]
    assert invocation["exitCode"] == code
    told = {one["descriptor"]["id"]: one for one in invocation["toolExecutionNotifications"]}
    assert told["not-testable"]["level"] == "warning"
    assert told["false-alarms"]["level"] == ("warning" if name == "NOT_TESTABLE" else "note")
    if name == "NOTHING_FOUND":
        assert "no proof that nothing is there" in told["verdict"]["message"]["text"]
    assert bool(run["results"]) == (name == "FINDINGS")


def test_fingerprints_last_from_run_to_run_and_tell_findings_apart() -> None:
    def prints(made: AuditVerdict) -> list[str]:
        return [result["partialFingerprints"]["finding/v1"] for result in run_of(made)["results"]]

    again = verdict(findings=(trigger(q_value=0.01, rows=(5,), n_rows=1, examples=()), *verdict().findings[1:]), seed=9)
    assert prints(verdict()) == prints(again)
    assert len(set(prints(verdict()))) == 7


def test_hostile_text_makes_no_link_no_placeholder_and_no_way_out_of_the_folder() -> None:
    texts = (*HOSTILE, "[a](http://evil)", "{0} and {{", "\\[")
    sources = ("../../etc/passwd", "//evil/share", "file:///etc/passwd", "C:\\x\\y", "a b#c?d", "/", "é.jsonl", "...")
    findings = tuple(
        trigger(value=text, outcome=text[:200], evidence=text, examples=tuple(example(1, "p", "r", source=source)
                for source in sources))
        for text in texts
    )  # fmt: skip
    run = run_of(verdict(findings=findings, dataset="[x](1){0}", not_testable=texts))
    uris = [one["physicalLocation"]["artifactLocation"]["uri"] for one in run["results"][0]["locations"]]
    assert uris == [
        "etc/passwd", "evil/share", "file%3A/etc/passwd", "C%3A/x/y", "a%20b%23c%3Fd", "unnamed", "%C3%A9.jsonl", "...",
    ]  # fmt: skip
    assert "\u202e" not in json.dumps(run, ensure_ascii=False)
