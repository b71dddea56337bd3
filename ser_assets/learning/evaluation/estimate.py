"""A score or a difference of scores with its interval."""

import math
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % bootstrap interval over actors; low and high are NaN where there is no interval.

    Examples:
        >>> str(Estimate(0.5881, 0.541, 0.63))
        '0.588 [0.541, 0.630]'
        >>> -Estimate(0.02, -0.01, 0.05)
        Estimate(value=-0.02, low=-0.05, high=0.01)
        >>> Estimate(0.02, -0.01, 0.05).excludes_zero
        False
    """

    value: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether there are enough actors for a bootstrap interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero; False without an interval."""
        return self.has_interval and (self.low > 0 or self.high < 0)

    def __neg__(self) -> Self:
        return replace(self, value=-self.value, low=-self.high, high=-self.low)

    def __str__(self) -> str:
        return self.with_sign("")

    def with_sign(self, sign: str = "+") -> str:
        """The value and the interval with a sign option of `format`: `+0.020 [-0.010, +0.050]`."""
        interval = f" [{self.low:{sign}.3f}, {self.high:{sign}.3f}]" if self.has_interval else ""
        return f"{self.value:{sign}.3f}{interval}"
