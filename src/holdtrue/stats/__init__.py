"""Small exact statistics: numbers in, numbers out, every draw from an explicit generator."""

from holdtrue.stats.halving import contrast_weights, halvings
from holdtrue.stats.separation import auroc, auroc_by_group, d_prime

__all__ = ["auroc", "auroc_by_group", "contrast_weights", "d_prime", "halvings"]
