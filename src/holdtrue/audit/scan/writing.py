"""Replies written in another script than their prompts."""

import numpy as np
from jaxtyping import Int

from holdtrue.audit.scan.characters import LETTER, scripts
from holdtrue.audit.scan.layout import Text

__all__ = ["strange_letters"]


def strange_letters(reply: Text, prompt: Text) -> Int[np.ndarray, " rows"]:
    """How many letters of a reply are of scripts other than its prompt's main one.

    A prompt without letters counts as Latin. Japanese scripts and Han count as one.

    Args:
        reply: the replies.
        prompt: their prompts.
    """
    if reply.ascii and prompt.ascii:
        return np.zeros(reply.sizes.size, np.int64)
    main = _main_script(prompt)
    row, script = _letters(reply)
    return np.bincount(row[script != main[row]], minlength=main.size)


def _letters(text: Text) -> tuple[Int[np.ndarray, " letters"], Int[np.ndarray, " letters"]]:
    """Row and script of each letter."""
    table, _ = scripts()
    places = np.flatnonzero(text.kinds <= LETTER)
    script = table[text.codes[places]].astype(np.int64)
    known = script > 0
    return np.searchsorted(text.starts, places[known], side="right") - 1, script[known]


def _main_script(text: Text) -> Int[np.ndarray, " rows"]:
    table, names = scripts()
    latin = int(table[ord("a")])
    main = np.full(text.sizes.size, latin, np.int64)
    if text.ascii:
        return main
    row, script = _letters(text)
    counts = np.bincount(row * len(names) + script, minlength=main.size * len(names)).reshape(main.size, len(names))
    counts[:, latin] += 1  # a tie, or nothing, is Latin
    main[:] = counts.argmax(1)
    return main
