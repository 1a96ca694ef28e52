"""Stage 4: is a whole dataset tilted against a control, in ways that no single row shows?"""

from holdtrue.audit.population.bags import Bag
from holdtrue.audit.population.compare import MIN_PAIRS, compare_population
from holdtrue.audit.population.result import Channel, PopulationResult, WordShift

__all__ = ["MIN_PAIRS", "Bag", "Channel", "PopulationResult", "WordShift", "compare_population"]
