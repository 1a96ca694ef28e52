"""Findings for continuous integration, in the format that code hosts read."""

import hashlib
from typing import Any, Final, Literal
from urllib.parse import quote

from holdtrue.records.audit import AuditVerdict, Example, Finding, FindingKind
from holdtrue.records.base import canonical_json
from holdtrue.report.audit.headline import cries_wolf, finding_line, headline
from holdtrue.report.audit.shown import visible
from holdtrue.report.audit.words import KINDS, MEANS

__all__ = ["sarif"]

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_BASE: Final = "DATASET"
_EXIT: Final = {"NOTHING_FOUND": 0, "FINDINGS": 1, "NOT_TESTABLE": 3}


def sarif(verdict: AuditVerdict) -> dict[str, Any]:
    """The verdict as a log of the Static Analysis Results Interchange Format.

    A rule for each kind of finding, a result for each finding, at the lines of its example rows. What couldn't be
    tested and how often the audit cries wolf are notifications, so that a log without results isn't taken for an
    all-clear. Fingerprints rest on kind, value and outcome alone, and stay the same from run to run.

    Args:
        verdict: of the audit.

    Returns:
        A JSON object.

    Source: OASIS, SARIF Version 2.1.0, Errata 01 (2023).
    """
    kinds: list[FindingKind] = list(dict.fromkeys(finding.kind for finding in verdict.findings))
    run = {
        "tool": {
            "driver": {
                "name": "holdtrue audit",
                "version": verdict.holdtrue,
                "rules": [_rule(kind) for kind in kinds],
                "notifications": [
                    {"id": "not-testable", "shortDescription": {"text": "Poison of this kind couldn't be looked for."}},
                    {"id": "false-alarms", "shortDescription": {"text": "How often the audit alarms for nothing."}},
                    {"id": "verdict", "shortDescription": {"text": "The audit's verdict."}},
                ],
            }
        },
        "originalUriBaseIds": {_BASE: {"description": {"text": _escaped(visible(verdict.dataset, 300))}}},
        "invocations": [
            {
                "executionSuccessful": True,
                "exitCode": _EXIT[verdict.verdict],
                "toolExecutionNotifications": _notifications(verdict),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, kinds.index(finding.kind)) for finding in verdict.findings],
        "properties": {
            "verdict": verdict.verdict,
            "verdictDigest": verdict.digest,
            "datasetDigest": verdict.dataset_digest,
            "rows": verdict.rows,
            "families": verdict.families,
            "cleanFpr": verdict.clean_fpr,
            "cleanFprCi": verdict.clean_fpr_ci and list(verdict.clean_fpr_ci),
            "seed": verdict.seed,
        },
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(kind: FindingKind) -> dict[str, Any]:
    name = "".join(part.capitalize() for part in kind.split("_"))
    return {
        "id": kind,
        "name": name,
        "shortDescription": {"text": f"{KINDS[kind][0].capitalize()} in training data."},
        "fullDescription": {"text": MEANS[kind]},
        "defaultConfiguration": {"level": "error"},
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    identity = canonical_json([finding.kind, finding.value, finding.outcome])
    return {
        "ruleId": finding.kind,
        "ruleIndex": rule,
        "kind": "fail",
        "level": "warning" if finding.weak else "error",
        "message": {"text": _escaped(f"{finding_line(finding)}. {visible(finding.evidence, 600)}")},
        "locations": [_location(example) for example in finding.examples],
        "partialFingerprints": {"finding/v1": hashlib.sha256(identity.encode()).hexdigest()},
        "properties": {
            "oddsRatio": finding.odds_ratio,
            "ci": finding.ci and list(finding.ci),
            "pValue": finding.p_value,
            "qValue": finding.q_value,
            "families": finding.families,
            "rows": finding.n_rows,
            "weak": finding.weak,
        },
    }


def _location(example: Example) -> dict[str, Any]:
    # A hostile file name must stay a path under the dataset's folder: no scheme, no host, no way up.
    parts = [part for part in example.source.replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    uri = "/".join(quote(part, safe="") for part in parts) or "unnamed"
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": _BASE},
            "region": {"startLine": example.line},
        },
        "properties": {"row": example.row},
    }


def _notifications(verdict: AuditVerdict) -> list[dict[str, Any]]:
    found = headline(verdict)
    fpr: Literal["note", "warning"] = "warning" if verdict.clean_fpr is None else "note"
    return [
        _notification("verdict", "note", f"{found.line}. {found.why}"),
        _notification("false-alarms", fpr, cries_wolf(verdict)),
        *(_notification("not-testable", "warning", visible(line, 600)) for line in verdict.not_testable),
    ]


def _notification(name: str, level: str, text: str) -> dict[str, Any]:
    return {"descriptor": {"id": name}, "level": level, "message": {"text": _escaped(text)}}


def _escaped(text: str) -> str:
    """Text that makes no placeholder (section 3.11.5) and no link (3.11.6) in a viewer."""
    for char in "\\[]":
        text = text.replace(char, f"\\{char}")
    return text.replace("{", "{{").replace("}", "}}")
