"""A varied copy of a clip: this project, and audiomentations called as the notebook calls it, in turns.

Run: `python benchmarks/augmentation.py [FOLDER] [--clips 100] [--short] [--json FILE]`, one core, milliseconds a copy.
"""

import audiomentations
import numpy as np
from recordings import trimmed_clips
from timing import compared, in_turns, parser_of, tell

from ser_assets.audio.augmentation import TRANSFORMS, augment_clip, perturb_speed

RATE = 22050


def with_audiomentations(transform: audiomentations.core.transforms_interface.BaseWaveformTransform, clip: np.ndarray):
    """One transform of audiomentations, as it comes."""
    return transform(samples=clip, sample_rate=RATE)


def main() -> None:
    """Copy every clip in every way, print a table for each transform."""
    parser = parser_of(__doc__)
    parser.add_argument("--clips", type=int, default=100)
    arguments = parser.parse_args()
    clips = trimmed_clips(arguments.folder, arguments.clips, RATE, short=arguments.short)
    peers = {
        "noise": audiomentations.AddGaussianNoise(p=1.0),
        "time_stretch": audiomentations.TimeStretch(min_rate=0.8, max_rate=1.25, leave_length_unchanged=False, p=1.0),
        "pitch_shift": audiomentations.PitchShift(p=1.0),
        "shift": audiomentations.Shift(p=1.0),
    }
    rows = []
    for name in TRANSFORMS:
        ways = {
            f"ours: {name}": lambda clip, name=name: augment_clip(clip, RATE, name, "take", 1),
            f"audiomentations: {name}": lambda clip, name=name: with_audiomentations(peers[name], clip),
        }
        rows += compared(in_turns(ways, clips))
    rows += compared(in_turns({"ours: speed (another voice)": lambda clip: perturb_speed(clip, RATE, 0.92)}, clips))
    tell(f"a copy of {len(clips)} clips, one core", rows, arguments.json)


if __name__ == "__main__":
    main()
