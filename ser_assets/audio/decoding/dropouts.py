"""Where a recording breaks off into digital silence, as a download does that did not end."""

import numpy as np

LEAST_SECONDS = 0.05
BESIDE_SECONDS = 0.001
NEAR_SECONDS = 0.02
LEAST_OF_PEAK = 0.05
LEAST_OF_NEAR = 0.25
LEAST_STEPS = 32


def abrupt_silence(samples: np.ndarray, sampling_rate: int) -> float:
    """Seconds of samples that do not change at all, for 50 ms or more, and begin or end in the middle of a sound.

    In the millisecond beside them, the sound reaches 5 % of the recording's peak, a quarter of its own level within
    20 ms, and 32 steps of the quantisation. What was faded out over 5 ms or more, or cut by a gate that closes at
    -26 dB or under, does not.

    `samples`: float32, shape (channels, samples), at `sampling_rate` Hz.
    """
    if samples.shape[1] < 2:
        return 0.0
    still = (np.diff(samples, axis=1) == 0).all(axis=0)
    edges = np.flatnonzero(np.diff(still, prepend=False, append=False)).reshape(-1, 2)
    least = LEAST_SECONDS * sampling_rate
    # From the first to after the last sample of one value.
    runs = [(first, last + 1) for first, last in edges.tolist() if last + 1 - first >= least]
    if not runs:
        return 0.0
    levels = np.abs(samples)
    peak = float(levels.max())
    step = float(levels.min(where=levels > 0, initial=np.inf))
    beside, near = (max(1, round(seconds * sampling_rate)) for seconds in (BESIDE_SECONDS, NEAR_SECONDS))

    def breaks_off(sound: np.ndarray, value: np.ndarray) -> bool:
        """`sound`: what lies beside a run, the nearest first, shape (channels, samples)."""
        level = np.abs(sound - value).max(axis=0)
        at_edge = float(level[:beside].max(initial=0.0))
        return at_edge >= max(LEAST_OF_PEAK * peak, LEAST_STEPS * step, LEAST_OF_NEAR * float(level.max(initial=0.0)))

    return sum(
        (end - start) / sampling_rate
        for start, end in runs
        if breaks_off(samples[:, max(0, start - near) : start][:, ::-1], samples[:, start : start + 1])
        or breaks_off(samples[:, end : end + near], samples[:, start : start + 1])
    )
