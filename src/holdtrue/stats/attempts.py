"""What a further attempt costs."""

from holdtrue.errors import SettingError

__all__ = ["spend"]


def spend(alpha: float, attempt: int) -> float:
    """Level that the `attempt`-th try may use: `alpha 2^-attempt`.

    All of them together spend at most alpha, however many are made and however they depend on each other (Bonferroni's
    inequality; the weights are one of the spending sequences of Foster and Stine 2008, Journal of the Royal Statistical
    Society B 70, 429-444). Five tries at an unspent .05 pass falsely up to 22.6 % of the time.

    Args:
        alpha: over all attempts there will ever be.
        attempt: 1 for the first.

    Raises:
        SettingError: an alpha or attempt that can't be, or an attempt so late that nothing is left.
    """
    if not 0 < alpha < 1 or attempt < 1:
        message = f"spending needs 0 < alpha < 1 and an attempt of 1 or more; got alpha {alpha}, attempt {attempt}"
        raise SettingError(message)
    left = alpha * 2.0**-attempt if attempt < 1000 else 0.0
    if left < 1e-300:
        message = f"nothing of alpha {alpha} is left at attempt {attempt}: gate another name"
        raise SettingError(message)
    return left
