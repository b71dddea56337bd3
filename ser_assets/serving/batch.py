"""The commands `predict` and `enrol-speaker`: from paths over the bundle to a table, JSON, CSV or a profile."""

import csv
import functools
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ser_assets.corpus.media_files import MEDIA_ENDINGS, media_files, skipped_text
from ser_assets.learning.speakers.profile import ProfileError, SpeakerProfile
from ser_assets.runtime import progress
from ser_assets.runtime.workers import map_in_workers
from ser_assets.serving.bundle import Bundle, open_bundle
from ser_assets.serving.predictor import (
    MeasuredRecording,
    Prediction,
    Predictor,
    RejectedRecording,
    measure_recording,
    speaker_profile,
)
from ser_assets.storage.files import atomic_file

if TYPE_CHECKING:
    from rich.table import Table

MANY: Final = 100
"""With fewer recordings, worker processes take longer to start than they save."""
BATCH: Final = 64
CLOSED: Final = "Make it readable (`chmod u+rx`)."


class NoRecordingError(LookupError):
    """The paths lead to no recording; the message names them, and what is taken for one."""


class ReplacesRecordingError(ValueError):
    """A result would be written over a recording; the message names it."""


class Enrolment(NamedTuple):
    """How a profile was made: of how many clips, and what was left out."""

    clips: int
    left_out: list[RejectedRecording]


def recordings_among(paths: Sequence[Path]) -> list[Path]:
    """List files as they are named, and the recordings in folders at any depth, sorted within each; none twice.

    A named file is taken whatever its ending, and whether or not it is there.

    Raises:
        NoRecordingError: there are only folders, and no recording in them.
    """
    found: list[Path] = []
    for path in paths:
        found += media_files(path).recordings if path.is_dir() else [path]
    if not found:
        skipped, _ = passed_over(paths)
        detail = f"; {skipped_text(skipped)}" if skipped else ""
        raise NoRecordingError(
            f"no recording found in {', '.join(map(printable, paths))} (in folders, sound and films are looked for by "
            f"their endings, such as .flac, .m4a, .mp4 and .wav{detail})"
        )
    return list(dict.fromkeys(found))


def passed_over(paths: Sequence[Path]) -> tuple[Counter[str], list[RejectedRecording]]:
    """What is left out of the folders among these: how many files of which ending, and folders that are closed."""
    skipped: Counter[str] = Counter()
    closed = []
    for path in paths:
        if path.is_dir():
            content = media_files(path)
            skipped += content.skipped
            closed += [RejectedRecording(folder, reason, CLOSED) for folder, reason in content.unreadable.items()]
    return skipped, closed


def refuse_to_replace(target: Path, recordings: Sequence[Path]) -> None:
    """Raise ReplacesRecordingError where what is to be written would take the place of a recording."""
    if target.suffix.lower() in MEDIA_ENDINGS or target.resolve() in {path.resolve() for path in recordings}:
        raise ReplacesRecordingError(f"{printable(target)} is, or looks like, a recording: write to another file")


def open_predictor(bundle_folder: Path, profile: Path | None) -> Predictor:
    """Open the model of a bundle, for the speaker of a profile where one is given.

    Raises:
        BundleError: the bundle cannot be used, or has no model for a profile.
        ProfileError: the profile cannot be used.
    """
    return Predictor(open_bundle(bundle_folder), SpeakerProfile.load(profile) if profile else None)


def predict_recordings(
    recordings: Sequence[Path], predictor: Predictor, workers: int
) -> Iterator[Prediction | RejectedRecording]:
    """Predict the emotion of each recording, in the order given, or give the reason why not."""
    measured = _measured("predict", recordings, predictor.bundle, workers)
    while part := list(itertools.islice(measured, BATCH)):
        predictions = iter(predictor.predict([each for each in part if isinstance(each, MeasuredRecording)]))
        for each in part:
            yield each if isinstance(each, RejectedRecording) else next(predictions)


def enrol_speaker(recordings: Sequence[Path], out: Path, bundle_folder: Path, workers: int) -> Enrolment:
    """Write the profile of the one speaker of these recordings.

    Raises:
        BundleError: the bundle cannot be used, or has no model that a profile would be for.
        ProfileError: no recording could be used; nothing is written.
    """
    bundle = open_bundle(bundle_folder)
    bundle.require_speaker_normalised()
    bundle.require_encoder()
    results = list(_measured("enrol", recordings, bundle, workers))
    left_out = [each for each in results if isinstance(each, RejectedRecording)]
    usable, repeated = _without_repeats([each for each in results if isinstance(each, MeasuredRecording)])
    left_out += repeated
    if not usable:
        reasons = "\n".join(f"{printable(each.path)} {each.reason}" for each in left_out)
        raise ProfileError(f"no profile was made, for no recording can be used:\n{reasons}")
    profile = speaker_profile(usable, bundle)
    with atomic_file(out) as part:
        profile.save(part)
    return Enrolment(len(usable), left_out)


def _without_repeats(measured: Iterable[MeasuredRecording]) -> tuple[list[MeasuredRecording], list[RejectedRecording]]:
    """Keep the first of the recordings that measure exactly the same: a copy would count its clip twice."""
    first: dict[tuple[bytes, ...], MeasuredRecording] = {}
    repeated = []
    for each in measured:
        same = first.setdefault(each.content, each)
        if same is not each:
            repeated.append(
                RejectedRecording(each.path, f"is the same recording as {printable(same.path)}, and counts once")
            )
    return list(first.values()), repeated


def records(results: Iterable[Prediction | RejectedRecording]) -> list[dict[str, Any]]:
    """Results as they go into JSON: path, emotion, probabilities, seconds, remarks; or path, error and remedy."""
    return [
        {"path": printable(each.path), "error": each.reason, "remedy": each.remedy}
        if isinstance(each, RejectedRecording)
        else {
            "path": printable(each.path),
            "emotion": each.emotion,
            "probabilities": {emotion: round(value, 6) for emotion, value in each.probabilities.items()},
            "seconds": round(each.seconds, 3),
            "remarks": list(each.remarks),
        }
        for each in results
    ]


def as_json(results: Iterable[Prediction | RejectedRecording]) -> str:
    """One JSON array of `records`."""
    return json.dumps(records(results), indent=1, ensure_ascii=False)


def write_csv(results: Iterable[Prediction | RejectedRecording], path: Path, emotions: Sequence[str]) -> None:
    """Write path, emotion, p_<emotion> of each of these emotions, seconds, remarks, error, remedy; whole or not."""
    columns = ["path", "emotion", *(f"p_{emotion}" for emotion in emotions), "seconds", "remarks", "error", "remedy"]
    with atomic_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for record in records(results):
            probabilities = record.pop("probabilities", {})
            record["remarks"] = "; ".join(record.pop("remarks", []))
            writer.writerow(record | {f"p_{emotion}": value for emotion, value in probabilities.items()})


def table_for_terminal(results: Iterable[Prediction | RejectedRecording]) -> "Table":
    """Lay out what was predicted: the emotion, its probability, the next one and its own, seconds."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("File", overflow="fold")
    table.add_column("Emotion", no_wrap=True)
    table.add_column("Probability", justify="right", no_wrap=True)
    table.add_column("Then", no_wrap=True)
    table.add_column("Seconds", justify="right", no_wrap=True)
    for each in results:
        if isinstance(each, Prediction):
            first, then = ((emotion, f"{each.probabilities[emotion]:.2f}") for emotion in each.ranked[:2])
            cells = (printable(each.path), *first, " ".join(then), f"{each.seconds:.2f}")
            table.add_row(*map(Text, cells))
    return table


def printable(path: Path) -> str:
    """A path as text that any file and terminal can hold.

    Examples:
        >>> printable(Path("folder/take 1.wav"))
        'folder/take 1.wav'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _measured(
    name: str, recordings: Sequence[Path], bundle: Bundle, workers: int
) -> Iterator[MeasuredRecording | RejectedRecording]:
    """Measure the recordings, and report under this name how far it has come."""
    measure = functools.partial(measure_recording, measurement=bundle.measurement)
    progress.report(name, 0, len(recordings))
    measured = map_in_workers(measure, recordings, workers if len(recordings) >= MANY else 1)
    for done, each in enumerate(measured, start=1):
        yield each
        progress.report(name, done, len(recordings))
