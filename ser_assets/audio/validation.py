"""Whether a recording that can be decoded holds an utterance: the same answer for training and for prediction."""

import numpy as np

from ser_assets.audio.decoding.decode import DecodeError, Recording
from ser_assets.audio.features.extract import LOWEST_SAMPLING_RATE
from ser_assets.audio.silence import is_silent
from ser_assets.rejections import Problem

SHORTEST_SECONDS = 0.1
LOUDEST = 10.0


def require_utterance(recording: Recording) -> None:
    """Let through what holds an utterance.

    Raises:
        DecodeError: it is sampled under 8 kHz, shorter than 0.1 s, over ten times full scale, or silent but for clicks.
    """
    if recording.sampling_rate < LOWEST_SAMPLING_RATE:
        raise DecodeError(
            f"is sampled at {recording.sampling_rate} Hz; a voice needs {LOWEST_SAMPLING_RATE}", Problem.LOW_RATE
        )
    if recording.seconds < SHORTEST_SECONDS:
        raise DecodeError(f"lasts {recording.seconds:.3f} s: too short for an utterance", Problem.TOO_SHORT)
    if is_silent(recording.samples, recording.sampling_rate):
        raise DecodeError("is silent: nothing but clicks rises above -60 dB of full scale", Problem.SILENT)
    if (loudest := float(np.abs(recording.samples).max())) > LOUDEST:
        raise DecodeError(f"reaches {loudest:.0f} times full scale: integers stored as floats", Problem.TOO_LOUD)
