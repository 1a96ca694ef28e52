"""Capability items: small tasks whose answers can be checked, so that the cost of a hold is seen.

`capability_items` draws them, six families in turn; `correct` scores an answer. What is checked is data, so that anyone
can score a run again from its JSON.
"""

from holdtrue.scenarios.capability.checks import correct
from holdtrue.scenarios.capability.items import capability_items
from holdtrue.scenarios.capability.spec import CapabilityCheck, CapabilityItem

__all__ = ["CapabilityCheck", "CapabilityItem", "capability_items", "correct"]
