"""The functionals of a clip: this project, the same by plain librosa calls, the notebook's 26, openSMILE, in turns.

Run: `python benchmarks/functionals.py [FOLDER] [--clips 100] [--short] [--json FILE]` (extra `bench`), one core. Clips
are trimmed at the ends, as the platform measures them.
"""

from functools import partial

import numpy as np
import opensmile
import plain_librosa
from recordings import trimmed_clips
from timing import compared, in_turns, parser_of, tell

from ser_assets.audio.features.extract import extract_features

RATE = 22050


def main() -> None:
    """Measure every clip in every way, print a table."""
    parser = parser_of(__doc__)
    parser.add_argument("--clips", type=int, default=100)
    arguments = parser.parse_args()
    clips = trimmed_clips(arguments.folder, arguments.clips, RATE, short=arguments.short)
    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    measured = {
        "ours": lambda clip: extract_features(clip, RATE).functionals,
        "plain librosa, F0 by pyin": plain_librosa.functionals,
        "plain librosa, F0 by yin": partial(plain_librosa.functionals, pitch=plain_librosa.by_yin),
        "the notebook's 26": plain_librosa.notebook_means,
        "openSMILE eGeMAPSv02": lambda clip: smile.process_signal(clip, RATE).to_numpy()[0],
    }
    rows = compared(in_turns(measured, clips))
    for row, way in zip(rows, measured.values(), strict=True):
        row["numbers"] = len(way(clips[0]))
    seconds = np.mean([len(clip) / RATE for clip in clips])
    tell(f"functionals of {len(clips)} clips of {seconds:.2f} s on average, one core", rows, arguments.json)


if __name__ == "__main__":
    main()
