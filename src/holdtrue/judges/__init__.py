"""Judges: models behind Inspect that say whether a response played its role.

Any model string that Inspect knows will do. Inspect is an extra (`pip install 'holdtrue[judge]'`), imported when a
judge is made. `Generate` is the seam: pass your own coroutine function to test without a model, or to run one in
another way.
"""

from holdtrue.judges.asking import Backoff, Generate, ask_judge, inspect_generate
from holdtrue.judges.models import inspect_model
from holdtrue.judges.role_judge import Judged, JudgedCell, JudgedCompletion, RoleJudge
from holdtrue.judges.rubric import RUBRIC_DIGEST, Prompt
from holdtrue.judges.score_log import JudgeScore

__all__ = [
    "RUBRIC_DIGEST",
    "Backoff",
    "Generate",
    "JudgeScore",
    "Judged",
    "JudgedCell",
    "JudgedCompletion",
    "Prompt",
    "RoleJudge",
    "ask_judge",
    "inspect_generate",
    "inspect_model",
]
