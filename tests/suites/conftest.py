"""Runs that don't wait: for the disk, for the kernels to be read again, for the packages to be listed again."""

import os
from functools import cache

import pytest

from holdtrue.scenarios.kernels import gate_items
from holdtrue.suites import sealing


@pytest.fixture(autouse=True, scope="session")
def _quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(sealing, "gate_items", cache(gate_items))
        patch.setattr(sealing, "_packages", cache(sealing._packages))
        yield
