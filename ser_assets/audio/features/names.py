"""The functionals by name: what is measured of a clip, in which order, and in which group. No arrays, nothing computed.

A functional is a statistic over a clip's frames. Bands and coefficients count from 01; `mfcc_01` is librosa's
`mfcc[0]`, which follows loudness. Groups let a model leave out what it should not see.
"""

from functools import cache
from itertools import pairwise

PERCENTILES = (5, 25, 50, 75, 95)
STATISTICS = ("mean", "std", *(f"p{percentile:02d}" for percentile in PERCENTILES))

MFCC_COEFFICIENTS = 30
MEL_BANDS = 64
CONTRAST_BANDS = 7
PITCH_CLASSES = ("c", "c_sharp", "d", "d_sharp", "e", "f", "f_sharp", "g", "g_sharp", "a", "a_sharp", "b")

_FRAME_DESCRIPTORS = {
    "mfcc": [f"mfcc_{number:02d}" for number in range(1, MFCC_COEFFICIENTS + 1)],
    "mfcc_delta": [f"mfcc_delta_{number:02d}" for number in range(1, MFCC_COEFFICIENTS + 1)],
    "mfcc_delta2": [f"mfcc_delta2_{number:02d}" for number in range(1, MFCC_COEFFICIENTS + 1)],
    "mel": [f"log_mel_{number:02d}" for number in range(1, MEL_BANDS + 1)],
    "chroma": [f"chroma_{name}" for name in PITCH_CLASSES],
    "contrast": [f"contrast_{number:02d}" for number in range(1, CONTRAST_BANDS + 1)],
    "shape": ["centroid", "bandwidth", "rolloff", "flatness"],
    "waveform": ["zero_crossing_rate", "log_energy"],
}
_STEP_DESCRIPTORS = {"waveform": ["log_energy_step"], "pitch": ["log_f0", "log_f0_step"]}
_TIMING = ("duration_seconds", "voiced_share", "voiced_segments_per_second")

FORMANTS = 3
VOICED_MFCC_COEFFICIENTS = 20
_TILT = (
    "alpha_ratio",
    "hammarberg_index",
    "spectral_slope_0_to_500_hz",
    "spectral_slope_500_to_1500_hz",
    "spectral_slope_1500_to_5000_hz",
)
_VOICE_DESCRIPTORS = (
    ("tilt", [f"{name}_voiced" for name in _TILT]),
    ("tilt", ["spectral_flux_voiced"]),
    ("harmonicity", ["cepstral_peak_prominence_voiced", "harmonics_to_noise"]),
    ("tilt", [f"{name}_unvoiced" for name in _TILT]),
    ("tilt", ["spectral_flux"]),
    ("harmonicity", ["cepstral_peak_prominence"]),
    ("harmonics", ["level_harmonic_1_to_harmonic_2", "level_harmonic_1_to_harmonic_3"]),
    ("formants", [f"formant_{number}" for number in range(1, FORMANTS + 1)]),
    ("formants", [f"formant_{number}_bandwidth" for number in range(1, FORMANTS + 1)]),
    ("formants", ["formant_2_to_formant_1", "formant_3_to_formant_2"]),
    ("harmonics", [f"level_harmonic_1_to_formant_{number}" for number in range(1, FORMANTS + 1)]),
    ("harmonics", ["level_formant_1_to_formant_3"]),
)
_VOICE_STEPS = ("log_f0_step_size_mean", "log_energy_step_size_voiced_mean")
_VOICED_MFCC = [
    f"mfcc_{number:02d}_{where}_{statistic}"
    for where in ("voiced", "unvoiced")
    for statistic in ("mean", "std")
    for number in range(1, VOICED_MFCC_COEFFICIENTS + 1)
]

VOICE = {
    **{
        f"{name}_{statistic}": group
        for group, names in _VOICE_DESCRIPTORS
        for name in names
        for statistic in STATISTICS
    },
    **dict.fromkeys(_VOICE_STEPS, "harmonicity"),
    **dict.fromkeys(_VOICED_MFCC, "voiced_mfcc"),
}
"""Names of the functionals of the voice, in their order, and their groups."""

ENERGY_COSINES = 9
F0_COSINES = 7
ENERGY_CONTOUR = tuple(f"log_energy_contour_{number}" for number in range(1, ENERGY_COSINES + 1))
F0_CONTOUR = (
    *(f"log_f0_contour_{number}" for number in range(1, F0_COSINES + 1)),
    "log_f0_range",
    "log_f0_rise_mean",
    "log_f0_fall_mean",
    "log_f0_rising_share",
    "log_f0_first_fifth",
    "log_f0_last_fifth",
    "log_f0_peak_position",
    "log_f0_peak_height",
)
RHYTHM = (
    "voiced_segment_seconds_mean",
    "voiced_segment_seconds_std",
    "unvoiced_segment_seconds_mean",
    "unvoiced_segment_seconds_std",
    "unvoiced_segments_per_second",
    "pause_seconds_mean",
    "pause_seconds_std",
    "pauses_per_second",
    "energy_peaks_per_second",
)

MODULATION_BANDS = 8
MODULATION_EDGES_HZ = (0.5, 1.5, 2.5, 4, 6, 9, 13, 20, 32)
MODULATION = tuple(
    f"modulation_band_{band}_{low:g}_to_{high:g}_hz".replace(".", "_")
    for band in range(1, MODULATION_BANDS + 1)
    for low, high in pairwise(MODULATION_EDGES_HZ)
)


def functional_names() -> tuple[str, ...]:
    """Names of the functionals, in the order of `features.ClipFeatures.functionals`."""
    return tuple(_groups())


def sequence_names(bands: int = MEL_BANDS) -> tuple[str, ...]:
    """Names of the columns of `features.ClipFeatures.sequence`: the mel bands, F0 and its harmonicity."""
    return (*(f"log_mel_{number:02d}" for number in range(1, bands + 1)), "f0", "harmonicity")


def functional_group(name: str) -> str:
    """Group of a functional.

    Returns:
        One of mfcc, mfcc_delta, mfcc_delta2, mel, chroma, contrast, shape, waveform, pitch, timing, tilt,
        harmonicity, formants, harmonics, voiced_mfcc, contour, rhythm, modulation.

    Raises:
        KeyError: there is no functional of that name.

    Examples:
        >>> functional_group("mfcc_03_std"), functional_group("formant_1_mean")
        ('mfcc', 'formants')
        >>> len(functional_names())
        1659
    """
    return _groups()[name]


@cache
def _groups() -> dict[str, str]:
    groups: dict[str, str] = {}
    for descriptors in (_FRAME_DESCRIPTORS, _STEP_DESCRIPTORS):
        for group, names in descriptors.items():
            groups |= {f"{name}_{statistic}": group for name in names for statistic in STATISTICS}
    return (
        groups
        | dict.fromkeys(_TIMING, "timing")
        | VOICE
        | dict.fromkeys(ENERGY_CONTOUR + F0_CONTOUR, "contour")
        | dict.fromkeys(RHYTHM, "rhythm")
        | dict.fromkeys(MODULATION, "modulation")
    )
