"""From an array that a program holds to a recording, with the checks that decoding a file makes."""

import numpy as np

from ser_assets.audio.decoding.decode import Recording
from ser_assets.audio.decoding.errors import DecodeError
from ser_assets.audio.decoding.timeline import LONGEST_SECONDS
from ser_assets.rejections import Problem

MOST_CHANNELS = 8


def recording_of(samples: np.ndarray, sampling_rate: int) -> Recording:
    """Take floats of -1 to 1, shape (samples,) or (channels, samples), for a recording at `sampling_rate` Hz.

    Raises:
        DecodeError: the array has another type or shape, or holds what a recording may not hold.

    Examples:
        >>> recording_of(np.zeros(8000), 8000).seconds
        1.0
    """
    samples = np.asarray(samples)
    if not np.issubdtype(samples.dtype, np.floating):
        remedy = "Divide integers by their full scale: 32768 for int16."
        raise DecodeError(f"holds {samples.dtype}, not floats of -1 to 1", Problem.TOO_LOUD, remedy)
    if samples.ndim not in (1, 2):
        remedy = "Give an array of shape (samples,) or (channels, samples)."
        raise DecodeError(f"has {samples.ndim} dimensions", Problem.DAMAGED, remedy)
    planes = np.atleast_2d(samples)
    if planes.shape[0] > MOST_CHANNELS:
        shape = "{} channels of {} samples".format(*planes.shape)
        raise DecodeError(f"has {shape}", Problem.DAMAGED, "Give channels first: `samples.T`.")
    if sampling_rate <= 0 or sampling_rate != int(sampling_rate):
        remedy = "Give the sampling rate in Hz, such as 48000."
        raise DecodeError(f"cannot be sampled at {sampling_rate} Hz", Problem.LOW_RATE, remedy)
    if planes.size == 0:
        raise DecodeError("holds no samples", Problem.EMPTY, "Give one sample or more.")
    if not np.isfinite(planes).all():
        remedy = "Find out where NaN or infinity comes from."
        raise DecodeError("holds samples that are not finite (NaN or infinity)", Problem.NOT_FINITE, remedy)
    recording = Recording(np.ascontiguousarray(planes, np.float32), int(sampling_rate), "", "", "")
    if recording.seconds > LONGEST_SECONDS:
        detail = f"is longer than {LONGEST_SECONDS:.0f} s, the most for one utterance"
        raise DecodeError(detail, Problem.TOO_LONG)
    return recording
