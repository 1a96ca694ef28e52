"""Keep the libraries' progress bars and advice off stderr while a model loads; errors still show."""

import contextlib
import io
import logging as stdlib_logging
import warnings
from collections.abc import Iterator

from transformers.utils import logging as transformers_logging

__all__ = ["quiet"]


@contextlib.contextmanager
def quiet(*, bars_of_others: bool = False) -> Iterator[None]:
    """Silence transformers' bars, warnings and advice inside the block, and restore them after it.

    Args:
        bars_of_others: also swallow what is printed to stderr, for code that draws a plain tqdm bar that
            no switch reaches. Exceptions and log handlers are untouched.
    """
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(stdlib_logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    swallow = contextlib.redirect_stderr(io.StringIO()) if bars_of_others else contextlib.nullcontext()
    try:
        with swallow, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
