"""Calibration talks: whole conversations, answer by answer, at the price of one pass each."""

import numpy as np
import torch

from holdtrue.axis import calibrate, unit
from holdtrue.engines.hf import HFEngine
from holdtrue.mapping.card import Benign
from holdtrue.models import ChatModel
from holdtrue.rollouts import benign_talks
from holdtrue.rollouts.benign import TALK_TURNS

REQUESTS = ["What is two and two?", "Name a colour.", "Say hello.", "Name a river.", "What is rain?"]


def talks(engine, smollm: ChatModel):
    units = unit(torch.randn(smollm.n_layers, smollm.d_model, generator=torch.Generator().manual_seed(0)))
    return list(benign_talks(engine, smollm.template, REQUESTS, units, max_new_tokens=4, temperature=0.7, seed=1))


def test_answers_stay_with_their_talk_in_order(smollm: ChatModel, engine: HFEngine):
    found = talks(engine, smollm)
    assert [len(talk) for talk in found] == [TALK_TURNS, 1]
    assert all(answer.shape[0] == smollm.n_layers for talk in found for answer in talk)
    assert all(answer.shape[1] <= 5 for talk in found for answer in talk)
    again = talks(engine, smollm)
    assert all(
        np.array_equal(a, b) for one, two in zip(found, again, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_each_talk_costs_one_reading(smollm: ChatModel, engine: HFEngine, monkeypatch):
    read = []
    monkeypatch.setattr(HFEngine, "project", _counting(HFEngine.project, read))
    talks(engine, smollm)
    assert len(read) == 2


def _counting(project, read):
    def counted(self, token_ids, units):
        read.append(len(token_ids))
        return project(self, token_ids, units)

    return counted


def test_an_empty_answer_keeps_its_place_without_a_score():
    rng = np.random.default_rng(0)
    spoken = [rng.standard_normal((2, 30)).astype(np.float32) for _ in range(7)]
    silent = np.zeros((2, 0), dtype=np.float32)
    held = ((*spoken[:3], silent), tuple(spoken[3:]))
    benign = Benign(calibrate([answer for talk in held for answer in talk]), held)
    assert [[z is None for z in talk] for talk in benign.turns(1)] == [[False] * 3 + [True], [False] * 4]
    assert len(benign.responses) == 7
    assert Benign((), held, "why").turns(1) == ()
    scores = [z for talk in benign.turns(0) for z in talk if z is not None]
    assert abs(np.mean(scores)) < 1e-6
