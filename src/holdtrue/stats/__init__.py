"""Small exact statistics: numbers in, numbers out, every draw from an explicit generator."""

from holdtrue.stats.bootstrap import bootstrap_mean
from holdtrue.stats.clusters import Estimate, cluster_bootstrap, jackknife_bootstrap, paired_differences, sign_flip
from holdtrue.stats.epidemic import Epidemic, Outbreak, spread
from holdtrue.stats.exact import clopper_pearson, mcnemar, paired_difference, upper_bound
from holdtrue.stats.halving import contrast_weights, halvings
from holdtrue.stats.mediation import Mediation, PairedRow, fit_mediation
from holdtrue.stats.multiple import benjamini_hochberg, holm
from holdtrue.stats.power import Detectable, detectable_difference, mcnemar_power
from holdtrue.stats.separation import auroc, auroc_by_group, d_prime

__all__ = [
    "Detectable",
    "Epidemic",
    "Estimate",
    "Mediation",
    "Outbreak",
    "PairedRow",
    "auroc",
    "auroc_by_group",
    "benjamini_hochberg",
    "bootstrap_mean",
    "clopper_pearson",
    "cluster_bootstrap",
    "contrast_weights",
    "d_prime",
    "detectable_difference",
    "fit_mediation",
    "halvings",
    "holm",
    "jackknife_bootstrap",
    "mcnemar",
    "mcnemar_power",
    "paired_difference",
    "paired_differences",
    "sign_flip",
    "spread",
    "upper_bound",
]
