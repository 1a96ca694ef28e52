"""Arms by name."""

import pytest

from holdtrue.errors import SettingError
from holdtrue.records import ContextSpec, HoldSpec
from holdtrue.stress.arms import ARMS, arms_named


def test_built_in_arms_hold_the_controls_that_every_claim_needs():
    assert tuple(arm.name for arm in arms_named(None)) == tuple(ARMS)
    assert {arm.expected for arm in ARMS.values() if arm.direction == "reversed"} == {"worse"}
    assert {arm.expected for arm in ARMS.values() if arm.direction == "random"} == {"same"}
    assert ARMS["random"].hold.cap.fire == ARMS["firm"].hold.cap.fire
    assert {arm.script for arm in ARMS.values()} == {None, "steady", "yields"}


def test_free_is_always_there_and_first():
    assert [arm.name for arm in arms_named("firm,remind")] == ["free", "firm", "remind"]
    assert [arm.name for arm in arms_named("firm,free")] == ["free", "firm"]


def test_a_hold_file_is_an_arm(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(HoldSpec(name="mine", context=ContextSpec(remind_every=1)).to_json())
    assert [arm.name for arm in arms_named(str(path))] == ["free", "mine"]


def test_without_weights_what_needs_them_is_left_out_or_refused():
    outside = arms_named(None, weights=False)
    assert "free" in {arm.name for arm in outside}
    assert all(arm.hold.cap is None for arm in outside)
    with pytest.raises(SettingError, match="firm need the model's weights"):
        arms_named("firm", weights=False)


@pytest.mark.parametrize(
    ("names", "said"), [("frim", "did you mean 'firm'"), ("firm,firm", "the same name"), ("nofile.json", "nofile.json")]
)
def test_what_is_no_arm_is_refused_by_name(names, said):
    with pytest.raises(Exception, match=said) as caught:
        arms_named(names)
    assert "\n" not in str(caught.value)
