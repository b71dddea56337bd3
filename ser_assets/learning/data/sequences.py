"""Sequences as a convolutional network reads them: relative to the clip, and of one length."""

import numpy as np

DYNAMIC_RANGE_DB = 80.0
"""What lies further below the loudest cell of its clip is the room and the recorder, not the voice."""
PITCH_COLUMNS = 2
"""Columns after the mel bands: F0 and harmonicity."""
MELODY_CHANNELS = 4
"""Channels that are made of them."""
LOG_REFERENCE_F0 = float(np.log(180.0))
"""180 Hz, between the voices of most men and most women, as a natural logarithm."""


def network_input(sequence: np.ndarray, speaker_normalised: bool) -> np.ndarray:
    """What a network reads of a clip: how it differs from its own mean, and its melody, float32 (frames, bands + 4).

    sequence: (frames, bands + 2) as in `examples.Features`.

    The mel bands are decibels above the mean of the band in this clip, so that neither the level nor the microphone
    nor the length of the vocal tract counts; calibrated ones, which are told in terms of the speaker, stay as they are.
    Then come log F0, log F0 above the median of the clip, whether there is a voice, and harmonicity; all 0 without one.
    """
    mel, f0, harmonicity = np.split(sequence, [-PITCH_COLUMNS, -1], axis=1)
    voiced = harmonicity > 0
    if speaker_normalised:
        log_f0 = f0
    else:
        mel = limit_dynamic_range(mel)
        mel = mel - mel.mean(axis=0)
        log_f0 = np.log(np.where(voiced, f0, 1)) - LOG_REFERENCE_F0
    median = np.median(log_f0[voiced]) if voiced.any() else 0.0
    melody = [np.where(voiced, values, 0) for values in (log_f0, log_f0 - median, voiced, harmonicity)]
    return np.hstack([mel, *melody]).astype(np.float32)


def limit_dynamic_range(mel: np.ndarray) -> np.ndarray:
    """Mel bands in dB, cut 80 dB under the loudest cell of the clip; same shape."""
    cut: np.ndarray = np.maximum(mel, mel.max() - DYNAMIC_RANGE_DB)
    return cut


def fix_length(sequence: np.ndarray, frames: int, start: int | None = None) -> np.ndarray:
    """Exactly `frames` frames of a sequence, (frames, columns).

    A shorter one is repeated until it fills them, so that what is pooled over time stays what it was and no silence
    is learned. Of a longer one the middle is taken, or, with `start`, what follows that frame.
    """
    length = len(sequence)
    if start is None:
        start = max(0, (length - frames) // 2)
    return sequence[(start + np.arange(frames)) % length]
