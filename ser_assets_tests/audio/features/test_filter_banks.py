"""The filter banks are librosa's, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from librosa import filters

from ser_assets.audio.features.filter_banks import chroma_filters, mel_filters

RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("bands", [26, 64, 80, 128])
@pytest.mark.parametrize("frame_length", [512, 1024, 2048])
def test_mel_filters_are_librosas(rate: int, bands: int, frame_length: int) -> None:
    ours, theirs = mel_filters(rate, frame_length, bands), filters.mel(sr=rate, n_fft=frame_length, n_mels=bands)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


# The first call compiles librosa's functions.
@settings(deadline=None)
@given(rate=st.sampled_from(RATES), frame_length=st.sampled_from([512, 1024, 2048]), tuning=st.floats(-0.5, 0.5))
def test_chroma_filters_are_librosas(rate: int, frame_length: int, tuning: float) -> None:
    ours, theirs = (
        chroma_filters(rate, frame_length, tuning),
        filters.chroma(sr=rate, n_fft=frame_length, tuning=tuning),
    )
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
