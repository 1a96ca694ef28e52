"""Small exact statistics: numbers in, numbers out, every draw from an explicit generator."""

from holdtrue.stats.attempts import spend
from holdtrue.stats.bootstrap import bootstrap_mean
from holdtrue.stats.certify import allowed_failures, certifiable_rate, chance_to_pass, families_needed
from holdtrue.stats.clusters import Estimate, cluster_bootstrap, jackknife_bootstrap, paired_differences, sign_flip
from holdtrue.stats.epidemic import Epidemic, Outbreak, spread
from holdtrue.stats.exact import clopper_pearson, mcnemar, paired_difference, upper_bound
from holdtrue.stats.halving import contrast_weights, halvings
from holdtrue.stats.mediation import Mediation, PairedRow, fit_mediation
from holdtrue.stats.multiple import benjamini_hochberg, holm
from holdtrue.stats.power import Detectable, detectable_difference, mcnemar_power
from holdtrue.stats.recall import corrected_bound, lower_bound, recall_limit
from holdtrue.stats.separation import auroc, auroc_by_group, d_prime
from holdtrue.stats.sequential import (
    crossing,
    e_value,
    fail_alternative,
    families_to_stop,
    log_e_path,
    pass_alternative,
    sequential_bound,
    sequential_chance,
)
from holdtrue.stats.similar import NearDuplicates, near_duplicates
from holdtrue.stats.versions import cusum, merged_evidence

__all__ = [
    "Detectable",
    "Epidemic",
    "Estimate",
    "Mediation",
    "NearDuplicates",
    "Outbreak",
    "PairedRow",
    "allowed_failures",
    "auroc",
    "auroc_by_group",
    "benjamini_hochberg",
    "bootstrap_mean",
    "certifiable_rate",
    "chance_to_pass",
    "clopper_pearson",
    "cluster_bootstrap",
    "contrast_weights",
    "corrected_bound",
    "crossing",
    "cusum",
    "d_prime",
    "detectable_difference",
    "e_value",
    "fail_alternative",
    "families_needed",
    "families_to_stop",
    "fit_mediation",
    "halvings",
    "holm",
    "jackknife_bootstrap",
    "log_e_path",
    "lower_bound",
    "mcnemar",
    "mcnemar_power",
    "merged_evidence",
    "near_duplicates",
    "paired_difference",
    "paired_differences",
    "pass_alternative",
    "recall_limit",
    "sequential_bound",
    "sequential_chance",
    "sign_flip",
    "spend",
    "spread",
    "upper_bound",
]
