"""Which phrases, provenance values and topics of prompts go with an outcome, blind and exactly tested."""

from holdtrue.audit.association.associate import AssociationResult, associate
from holdtrue.audit.association.control import Control
from holdtrue.audit.association.growing import Association
from holdtrue.audit.association.outcome import Outcome
from holdtrue.audit.association.power import detectable_rows

__all__ = ["Association", "AssociationResult", "Control", "Outcome", "associate", "detectable_rows"]
