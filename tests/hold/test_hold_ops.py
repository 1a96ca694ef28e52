"""The operations against golden vectors, and the properties that every engine leans on."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from holdtrue.engines.hf.decode_cap import DeviceCap, HostCap
from holdtrue.hold import Floors, ablate, add, cap, cap_, project

CASES = json.loads((Path(__file__).with_name("cap-vectors.json")).read_text())["cases"]
D = 16


def tensors(case):
    tau = torch.tensor([float("-inf") if value is None else value for value in case["tau"]])
    return torch.tensor(case["stream"]), torch.tensor(case["unit"]), tau, case["strength"]


def pure(stream, unit, tau, strength):
    return cap(stream, unit, tau, strength)


def in_place(stream, unit, tau, strength):
    held = stream.clone()
    cap_(held, unit, tau, strength)
    return held


def decoding(make):
    def run(stream, unit, tau, strength):
        # A row per token, each with a floor of its own at the only block.
        rows = [Floors(unit[None], each[None], strength, False) for each in tau]
        held = stream.clone()
        step = make(rows)
        step.begin()
        step.at(0, unit, reads=True)(held[:, None])
        assert torch.allclose(torch.tensor([row.before for row in step.fed()]), project(stream, unit), atol=1e-5)
        assert torch.allclose(torch.tensor([row.after for row in step.fed()]), project(held, unit), atol=1e-4)
        return held

    return run


ENGINES = {
    "pure": pure,
    "in place": in_place,
    "decoding on the host": decoding(HostCap),
    "decoding on a device": decoding(DeviceCap),
}


@pytest.mark.parametrize("run", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden_vectors(run, case):
    stream, unit, tau, strength = tensors(case)
    assert torch.allclose(run(stream, unit, tau, strength), torch.tensor(case["capped"]), atol=2e-6)
    assert torch.allclose(project(stream, unit), torch.tensor(case["before"]), atol=2e-6)


def random_stream(seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    stream = (torch.randn(3, 7, D, generator=generator) * 5).to(dtype)
    unit = torch.randn(D, generator=generator)
    return stream, unit / unit.norm()


@pytest.mark.parametrize("run", [pure, in_place])
@given(seed=st.integers(0, 10_000), tau=st.floats(-8, 8), strength=st.floats(0, 1), half=st.booleans())
def test_in_bound_tokens_are_bit_identical_and_no_token_ends_lower(run, seed, tau, strength, half):
    stream, unit = random_stream(seed, torch.bfloat16 if half else torch.float32)
    stream[0, 0] = -0.0
    before = project(stream, unit)
    held = run(stream, unit, tau, strength)
    above = before >= tau
    assert torch.equal(held[above].view(torch.uint8), stream[above].view(torch.uint8))
    slack = 0.25 if half else 1e-3
    assert bool((project(held, unit) >= before - slack).all())
    if strength == 1:
        assert bool((project(held, unit) >= tau - slack).all())


@given(seed=st.integers(0, 10_000), tau=st.floats(-8, 8))
def test_at_full_strength_a_second_cap_changes_nothing(seed, tau):
    stream, unit = random_stream(seed, torch.float32)
    once = cap(stream, unit, tau)
    assert torch.allclose(cap(once, unit, tau), once, atol=1e-5)


@given(seed=st.integers(0, 10_000), tau=st.floats(-8, 8))
def test_a_token_is_held_alike_in_any_company(seed, tau):
    stream, unit = random_stream(seed, torch.float32)
    together = cap(stream, unit, tau)
    padded = torch.cat([torch.full_like(stream[:, :2], 1e4), stream], dim=1)
    assert torch.allclose(cap(padded, unit, tau)[:, 2:], together, atol=1e-5)
    for row in range(3):
        assert torch.allclose(cap(stream[row : row + 1], unit, tau)[0], together[row], atol=1e-5)


def test_nothing_but_the_axis_moves():
    stream, unit = random_stream(1, torch.float32)
    moved = cap(stream, unit, 6.0) - stream
    sideways = moved - (moved @ unit)[..., None] * unit
    assert sideways.abs().max() < 1e-5
    assert moved.abs().max() > 1


def test_a_nan_is_left_for_others_to_find():
    stream, unit = random_stream(2, torch.float32)
    stream[0, 0, 0] = torch.nan
    held = cap(stream, unit, 100.0)
    assert torch.isnan(held[0, 0, 0])
    assert torch.isfinite(held[1:]).all()


def test_steering_adds_for_all_and_ablation_leaves_no_projection():
    stream, unit = random_stream(3, torch.float32)
    assert torch.allclose(project(add(stream, unit, 2.5), unit), project(stream, unit) + 2.5, atol=1e-4)
    assert project(ablate(stream, unit), unit).abs().max() < 1e-4
