"""One fit of each model on real takes, and one of the notebook's model of that name, if any, on its 26 means, in turns.

Run: `python benchmarks/training.py [FOLDER] [--actors 10] [--short] [--json FILE]`. Originals only.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from recordings import demo_films, speech_takes, trimmed
from timing import parser_of, seconds_of, tell

from ser_assets.baseline.features import MEANS, notebook_means
from ser_assets.baseline.models import MODELS as NOTEBOOK_MODELS
from ser_assets.baseline.models import probabilities
from ser_assets.corpus.ravdess import EMOTIONS, parse_name
from ser_assets.encoders.choice import EMBEDDED_FILE, open_encoder
from ser_assets.encoders.names import EMBEDDED
from ser_assets.learning.data.audio_sets import audio_columns, audio_sets, measured_audio
from ser_assets.learning.data.embeddings import Embeddings
from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.feature_sets import Vectors
from ser_assets.learning.data.set_names import EMBEDDINGS, FUNCTIONALS
from ser_assets.learning.models.catalog import MODELS

RATE = 22050


def labelled(takes: list[Path]) -> pd.DataFrame:
    """Rows as the models want them."""
    parsed = [parse_name(path.stem) for path in takes]
    rows = pd.DataFrame([vars(take) for take in parsed]).drop(columns=["modality", "vocal_channel"])
    genders = [take.gender for take in parsed]
    return rows.assign(corpus="ravdess", variant=0, voice=rows["actor"], audio_hash=rows["take_id"], gender=genders)


def examples_of(rows: pd.DataFrame, clips: list[np.ndarray]) -> tuple[Examples, Examples]:
    """The features of each clip, and the notebook's means of each."""
    measured = [measured_audio(clip, RATE, audio_columns()) for clip in clips]
    means_of_notebook = np.stack([notebook_means(clip, RATE) for clip in clips]).astype(np.float32)
    encoder = open_encoder(EMBEDDED_FILE, EMBEDDED.sha256)
    embeddings = Embeddings.of([encoder.embed(clip, RATE) for clip in clips])
    sets = audio_sets(measured) | {EMBEDDINGS: embeddings}
    everything = Examples(rows=rows, emotions=EMOTIONS, sets=sets)
    return everything, everything.with_set(FUNCTIONALS, Vectors(MEANS, means_of_notebook))


def main() -> None:
    """Fit every model once, the notebook's beside ours, print a table."""
    parser = parser_of(__doc__)
    parser.add_argument("--actors", type=int, default=10)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        takes = speech_takes(arguments.folder)
        if arguments.short:
            takes = demo_films(Path(folder), 60)
        actors = sorted({take.parent.name for take in takes})[: arguments.actors]
        takes = [take for take in takes if take.parent.name in actors]
        if not takes:
            raise SystemExit(f"no RAVDESS speech under {arguments.folder}; name its folder, or try --short")
        clips = [trimmed(take, RATE) for take in takes]
    examples, means = examples_of(labelled(takes), clips)
    if arguments.short:
        # One actor cannot be left out of one: two halves pass for two actors.
        halves = pd.Series(np.arange(len(examples)) % 2).map({0: "01", 1: "02"})
        rows = examples.rows.assign(actor=halves, voice=halves)
        examples, means = examples_of(rows, clips)
    rows = []
    for name, spec in MODELS.items():
        model = spec.load_class()
        fitted = model.brief(42) if arguments.short else model()
        ours = seconds_of(lambda fitted=fitted: fitted.fit(examples))
        row = {"model": name, "seconds": ours}
        if name in NOTEBOOK_MODELS:
            peer = seconds_of(lambda name=name: probabilities(name, means, means))
            row |= {"notebook_seconds": peer, "times_the_notebook": ours / peer}
        rows.append(row)
    tell(f"one fit on {len(examples)} clips of {len(actors)} actors", rows, arguments.json)


if __name__ == "__main__":
    main()
