"""What a judge says of a dataset: row by row in a cascade, and over the whole in themes."""

from holdtrue.audit.judging.cascade import CascadeOptions, CascadeResult, judge_cascade
from holdtrue.audit.judging.likelihoods import Likelihoods, reply_likelihoods
from holdtrue.audit.judging.prevalence import Prevalence
from holdtrue.audit.judging.sample import draw_sample, top_rows
from holdtrue.audit.judging.theme_sides import ThemeOptions
from holdtrue.audit.judging.themes import ThemesResult, find_themes

__all__ = [
    "CascadeOptions",
    "CascadeResult",
    "Likelihoods",
    "Prevalence",
    "ThemeOptions",
    "ThemesResult",
    "draw_sample",
    "find_themes",
    "judge_cascade",
    "reply_likelihoods",
    "top_rows",
]
