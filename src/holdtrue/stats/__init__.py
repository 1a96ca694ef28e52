"""Small exact statistics: numbers in, numbers out, every draw from an explicit generator."""

from holdtrue.stats.bootstrap import bootstrap_mean
from holdtrue.stats.halving import contrast_weights, halvings
from holdtrue.stats.separation import auroc, auroc_by_group, d_prime

__all__ = ["auroc", "auroc_by_group", "bootstrap_mean", "contrast_weights", "d_prime", "halvings"]
