"""Files of any common shape become numbered rows in Parquet, with what is alike in one family."""

from holdtrue.audit.ingest.options import IngestOptions
from holdtrue.audit.ingest.session import ingest

__all__ = ["IngestOptions", "ingest"]
