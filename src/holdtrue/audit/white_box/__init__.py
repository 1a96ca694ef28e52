"""A model and its axis read the rows: have the replies moved away from the assistant?"""

from holdtrue.audit.white_box.run import WhiteBoxResult, read_rows, white_box
from holdtrue.audit.white_box.shift import Shift

__all__ = ["Shift", "WhiteBoxResult", "read_rows", "white_box"]
