"""A bundle's own page, and the list of what it doesn't show."""

from holdtrue.report.evidence.non_claims import non_claims, non_claims_text
from holdtrue.report.evidence.page import EvidenceFacts, SignerFact, evidence_page

__all__ = ["EvidenceFacts", "SignerFact", "evidence_page", "non_claims", "non_claims_text"]
