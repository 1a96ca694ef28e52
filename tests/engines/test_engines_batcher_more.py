"""Directions of a row's own, answers that are scored, and conversations that go on in the cache."""

from dataclasses import replace

import pytest
import torch
from test_engines_batcher import requests_for, run

from holdtrue.engines import GenerateRequest, ScoreRequest
from holdtrue.engines.hf import Batcher
from holdtrue.engines.hf.prefixes import Prefix, Prefixes
from holdtrue.hold import PRESETS, Floors, floors_for


def randomly(axis, seed=3):
    """The firm floors' shape along another direction."""
    units = torch.nn.functional.normalize(
        torch.randn(axis.units.shape, generator=torch.Generator().manual_seed(seed)), dim=1
    )
    tau = torch.full((axis.n_layers,), -torch.inf)
    tau[12:20] = 2.0
    return Floors(units, tau, 1.0, prompt_too=False)


def test_rows_along_directions_of_their_own_share_a_batch_and_are_read_along_the_axis(smollm, engine, held_axis):
    other = randomly(held_axis)
    firm = floors_for(PRESETS["firm"], held_axis)
    requests = [replace(each, floors=(None, firm, other)[at % 3]) for at, each in enumerate(requests_for(smollm))]
    together, fed, _ = run(smollm, held_axis.units, held_axis.layer, requests, rows=5)
    alone = [run(smollm, held_axis.units, held_axis.layer, [each], rows=1)[0][0] for each in requests]
    assert together == alone
    assert sum(each.fired for each in fed[2]) > 0
    free = run(smollm, held_axis.units, held_axis.layer, [replace(requests[2], floors=None)])
    assert free[0][0] != together[2]
    # A direction of its own that happens to be the axis is the axis.
    same = replace(firm, units=held_axis.units.clone())
    assert run(smollm, held_axis.units, held_axis.layer, [replace(requests[1], floors=same)])[0][0] == together[1]
    mirrored = Floors(-held_axis.units, torch.full((held_axis.n_layers,), -torch.inf), 1.0, prompt_too=False)
    mirrored.tau[:] = 40.0
    lowered = run(smollm, held_axis.units, held_axis.layer, [replace(requests[1], floors=mirrored)])[1][0]
    assert all(each.after <= each.before for each in lowered)
    assert all(each.after == pytest.approx(-40, abs=0.5) for each in lowered if each.before > -40)


def test_forced_answers_are_scored_over_one_reading_of_the_prompt(smollm, engine, held_axis):
    prompt = tuple(smollm.template.encode([{"role": "user", "content": "Who are you?"}], add_generation_prompt=True))
    answers = tuple(
        tuple(smollm.tokenizer(text, add_special_tokens=False).input_ids)
        for text in ("I am an AI assistant.", "No.", "I am a pirate of the seven seas.")
    )
    asked = GenerateRequest(prompt, 1, 0, forced=answers)
    scored: list[float] = []
    others = requests_for(smollm)[:2]
    with Batcher(smollm, held_axis.units, held_axis.layer, 3) as batcher:
        for other in others:
            batcher.add(other)
        row = batcher.add(asked)
        while batcher.n_rows:
            drawn = [event.drawn for event in batcher.step() if event.row == row]
            scored.extend(each.log_prob for each in drawn if each is not None and each.log_prob is not None)
    assert len(scored) == sum(map(len, answers))
    wanted = engine.score([ScoreRequest(prompt, answer) for answer in answers])
    at = 0
    for answer, mean in zip(answers, wanted, strict=True):
        assert sum(scored[at : at + len(answer)]) / len(answer) == pytest.approx(mean, abs=1e-3)
        at += len(answer)


def log_probs(model, axis, request, rows=1):
    """The tokens a request gives, and their log-probabilities."""
    with Batcher(model, axis.units, axis.layer, rows) as batcher:
        batcher.add(request)
        drawn = []
        while batcher.n_rows:
            drawn += [event.drawn for event in batcher.step() if event.drawn is not None]
    return tuple(each.token for each in drawn), torch.tensor([each.log_prob for each in drawn])


@pytest.mark.parametrize("words", ["", "The tide is out, and the boats lie on the sand. " * 60])
def test_a_forced_answer_scores_as_it_was_drawn_under_the_same_hold(smollm, held_axis, words):
    # The longer prompt is read in pieces, none of which may cut the answer.
    firm = floors_for(PRESETS["firm"], held_axis)
    prompt = tuple(
        smollm.template.encode([{"role": "user", "content": words + "Who are you?"}], add_generation_prompt=True)
    )
    drawn, told = log_probs(smollm, held_axis, GenerateRequest(prompt, 12, 0, 0.0, floors=firm, top_log_probs=0))
    again = GenerateRequest(prompt, 1, 0, floors=firm, forced=((5, 6), drawn))
    tokens, scored = log_probs(smollm, held_axis, again)
    assert tokens == (5, 6, *drawn)
    assert torch.allclose(scored[2:], told, atol=1e-3)
    free = log_probs(smollm, held_axis, replace(again, floors=None))[1]
    assert not torch.allclose(free[2:], told, atol=1e-2)


def talk(model, axis, floors, *, keep):
    """Three turns of three conversations at once, and how many prompt tokens were read."""
    read, said = 0, []
    with Batcher(model, axis.units, axis.layer, 4, keep=keep) as batcher:
        pieces = batcher._passes.pieces

        def counted(slots, starts, tokens, keep):
            nonlocal read
            read += sum(map(len, tokens))
            return pieces(slots, starts, tokens, keep)

        batcher._passes.pieces = counted
        talks = [list(request.prompt_token_ids) for request in requests_for(model)[:3]]
        held = [[] for _ in talks]
        for turn in range(3):
            rows = {}
            for number, tokens in enumerate(talks):
                row_floors = floors if number != 1 else None
                where = () if row_floors is None else tuple(held[number])
                rows[
                    batcher.add(
                        GenerateRequest(tuple(tokens), 6 + number, turn, 0.0, floors=row_floors, held_prompt=where)
                    )
                ] = number
            while batcher.n_rows:
                for event in batcher.step():
                    if event.drawn is not None:
                        number = rows[event.row]
                        held[number].append(len(talks[number]))
                        talks[number].append(event.drawn.token)
            for tokens in talks:
                tokens.extend(
                    model.tokenizer("<|im_end|>\n<|im_start|>user\nGo on.<|im_end|>\n<|im_start|>assistant\n").input_ids
                )
        said = [tuple(tokens) for tokens in talks]
    return said, read


def test_a_conversation_goes_on_in_the_cache_with_the_same_tokens(smollm, held_axis):
    firm = floors_for(PRESETS["firm"], held_axis)
    afresh, everything = talk(smollm, held_axis, firm, keep=False)
    kept, new = talk(smollm, held_axis, firm, keep=True)
    assert kept == afresh
    assert new < 0.6 * everything


def test_a_prefix_counts_only_as_far_as_it_was_held_alike(held_axis):
    firm = floors_for(PRESETS["firm"], held_axis)
    first = GenerateRequest(tuple(range(20)), 4, 0, floors=firm, held_prompt=(3, 4))
    left = Prefix.of(first, [90, 91, 92], 22)
    assert left.tokens == (*range(20), 90, 91)

    def shared(**changes):
        request = replace(first, **changes)
        return left.shared(request, frozenset(request.held_prompt))

    longer = (*range(20), 90, 91, 92, 7)
    assert shared(prompt_token_ids=longer, held_prompt=(3, 4, 20, 21, 22)) == 22
    assert shared(prompt_token_ids=longer, held_prompt=(3, 4)) == 20
    assert shared(prompt_token_ids=longer, held_prompt=(3,)) == 4
    assert shared(prompt_token_ids=longer, floors=None) == 0
    assert shared(prompt_token_ids=longer, floors=randomly(held_axis)) == 0
    assert shared() == 19, "the last token is always read: its logits are wanted"


def test_slots_give_way_oldest_first_and_short_beginnings_are_not_worth_it():
    left = Prefixes()
    for slot in (2, 0, 1):
        left.keep(slot, Prefix(tuple(range(slot * 100, slot * 100 + 30)), (False,) * 30, None))
    ask = GenerateRequest((*range(100, 130), 5), 4, 0)
    assert left.take(ask, {0, 1, 2, 3}) == (1, 30)
    assert left.take(ask, {0, 2, 3}) == (3, 0)
    assert left.take(ask, {0, 2}) == (2, 0)
    short = GenerateRequest((*range(8), 999), 4, 0)
    assert left.take(short, {0}) == (0, 0)
