"""The files of a bundle that are for people, made from those that are checked."""

from holdtrue.errors import ArtifactError
from holdtrue.evidence.bundle import Bundle
from holdtrue.evidence.findings import Finding
from holdtrue.evidence.statement import GatePredicate, Statement
from holdtrue.records import Prereg, Verdict

__all__ = ["check_pages", "pages"]


def pages(prereg: Prereg, verdict: Verdict, predicate: GatePredicate) -> dict[str, bytes]:
    """`NON_CLAIMS.md` and `index.html`, the same for the same input.

    Args:
        prereg: what was promised.
        verdict: what was found.
        predicate: what is signed.
    """
    from holdtrue.report.evidence import EvidenceFacts, SignerFact, evidence_page, non_claims_text

    facts = EvidenceFacts(
        signers=tuple(SignerFact(each.role, each.keyid) for each in predicate.signers),
        lines={name: (each.n, each.root) for name, each in sorted(predicate.lines.items())},
        version=predicate.version,
        created=predicate.created,
    )
    return {
        "NON_CLAIMS.md": non_claims_text().encode(),
        "index.html": evidence_page(prereg, verdict, facts).encode(),
    }


def check_pages(bundle: Bundle, statement: Statement) -> list[Finding]:
    """Whether the signed pages say what the records say: a signer could have sealed a nicer one.

    Another version of holdtrue words them otherwise, so that they can't be compared; then that is remarked.
    """
    from holdtrue.evidence.version import installed_version

    predicate = statement.predicate
    if predicate.version != installed_version():
        what = (
            f"made by holdtrue {predicate.version[:40]}, this is {installed_version()}: not compared with the records"
        )
        return [Finding("pages-not-compared", "index.html", what, level=1, fault=False)]
    try:
        prereg = Prereg.from_json(bundle.files["prereg.json"].decode("utf-8", "replace"), "prereg.json")
        verdict = Verdict.from_json(bundle.files["verdict.json"].decode("utf-8", "replace"), "verdict.json")
    except ArtifactError:
        return []  # said elsewhere
    made = pages(prereg, verdict, predicate)
    what = "doesn't say what the records say"
    return [
        Finding("page-differs", name, what, level=1) for name, data in made.items() if bundle.files.get(name) != data
    ]
