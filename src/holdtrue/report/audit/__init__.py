"""What an audit of training data found, to look at: its page, the review queue, lines for the terminal, a SARIF log.

The verdict is taken as it was decided. Its texts come from the dataset and are hostile: they reach a page escaped, with
nothing invisible in them. That nothing was found is never said to be safety.
"""

from holdtrue.report.audit.page import AuditPageData, QuarantinedRow, audit_page
from holdtrue.report.audit.power import PowerCurve, PowerPoint
from holdtrue.report.audit.review import review_page
from holdtrue.report.audit.sarif import sarif
from holdtrue.report.audit.sharing import check_fictional, in_the_clear, shareable
from holdtrue.report.audit.summary import audit_lines, power_lines

__all__ = [
    "AuditPageData",
    "PowerCurve",
    "PowerPoint",
    "QuarantinedRow",
    "audit_lines",
    "audit_page",
    "check_fictional",
    "in_the_clear",
    "power_lines",
    "review_page",
    "sarif",
    "shareable",
]
