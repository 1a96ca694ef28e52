"""Hold a model that was compiled before: prints a word for each thing that holds."""

import torch
from families import family, tiny_axis

from holdtrue.engines.hf import hold
from holdtrue.records import CapSpec, HoldSpec

model = family("llama")
axis = tiny_axis(model, "llama")
ids = torch.arange(5, 25)[None]
compiled = torch.compile(model, backend="eager")
everywhere = HoldSpec(cap=CapSpec(tau=3.0, positions="all"))
with torch.no_grad():
    plain = model(input_ids=ids).logits
    assert torch.allclose(compiled(input_ids=ids).logits, plain, atol=1e-4)
    with hold(model, axis, everywhere):
        held = model(input_ids=ids).logits
    assert not torch.allclose(held, plain, atol=0.01)
    with hold(compiled, axis, everywhere):
        assert torch.allclose(compiled(input_ids=ids).logits, held, atol=1e-4)
    with hold(model, axis, HoldSpec(cap=CapSpec(tau=3.0))) as holding:
        for step in (model, compiled):
            past = step(input_ids=ids, use_cache=True).past_key_values
            for token in (7, 8, 9):
                step(input_ids=torch.tensor([[token]]), past_key_values=past)
            (row,) = holding.rows()
            assert len(row.after) == 3
            assert min(row.after) > 3 - 1e-3
    print("held")
    assert torch.allclose(compiled(input_ids=ids).logits, plain, atol=1e-4)
    print("free")
