"""Judges: models behind Inspect that say whether a response played its role, or what a row of data would teach.

Any model string that Inspect knows will do. Inspect is an extra (`pip install 'holdtrue[judge]'`), imported when a
judge is made. `Generate` is the seam: pass your own coroutine function to test without a model, or to run one in
another way; `ScriptedJudge` is one.
"""

from holdtrue.judges.asking import Backoff, Generate, ask_judge, inspect_generate
from holdtrue.judges.budget import Budget, Estimate
from holdtrue.judges.models import inspect_model
from holdtrue.judges.planted import Trust
from holdtrue.judges.role_judge import Judged, JudgedCell, JudgedCompletion, RoleJudge
from holdtrue.judges.row_judge import RowJudge
from holdtrue.judges.row_rubric import PURPOSES, JudgedRow, RowVerdict, locate
from holdtrue.judges.rubric import RUBRIC_DIGEST, Prompt
from holdtrue.judges.score_log import JudgeScore
from holdtrue.judges.scripted import ScriptedJudge

__all__ = [
    "PURPOSES",
    "RUBRIC_DIGEST",
    "Backoff",
    "Budget",
    "Estimate",
    "Generate",
    "JudgeScore",
    "Judged",
    "JudgedCell",
    "JudgedCompletion",
    "JudgedRow",
    "Prompt",
    "RoleJudge",
    "RowJudge",
    "RowVerdict",
    "ScriptedJudge",
    "Trust",
    "ask_judge",
    "inspect_generate",
    "inspect_model",
    "locate",
]
