"""Whether every planted answer was played: leaving out the ones a scorer missed would make it look better."""

from collections.abc import Callable, Iterable, Mapping

from holdtrue.records import Eligible, GateItem, GateSample, Prereg

__all__ = ["check_controls"]


def check_controls(
    prereg: Prereg,
    eligible: Eligible | None,
    items: Mapping[str, GateItem],
    controls: Iterable[GateSample],
    fault: Callable[[str, str, str], None],
) -> None:
    """Compare the control samples with what the items have planted, for every eligible family.

    Args:
        prereg: names the controls.
        eligible: whose controls count; None where it never came to that.
        items: by digest; a withheld one is missed by nobody.
        controls: samples of the phase control.
        fault: takes what is found.
    """
    if eligible is None:
        return
    played = {(sample.policy, sample.item) for sample in controls}
    counted = {each.failure_class for each in prereg.classes if each.not_applicable is None}
    for digest, item in items.items():
        if item.twin or item.failure_class not in counted:
            continue
        if item.family not in eligible.families.get(item.failure_class, ()):
            continue
        for policy in prereg.controls:
            if policy in item.planted and (policy, digest) not in played:
                where = f"{item.failure_class}/{item.family}"
                fault("control-missing", "controls.jsonl", f"{where}: its planted '{policy}' answer was never played")
