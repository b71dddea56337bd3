"""From a recording to probabilities: the same steps as in training, then the model of a bundle."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.audio.decoding.arrays import recording_of
from ser_assets.audio.decoding.decode import DecodeError, Recording, decode
from ser_assets.audio.pipeline import prepared_clip
from ser_assets.audio.silence import Trimmed
from ser_assets.audio.validation import require_utterance
from ser_assets.encoders.encoder import Embedding
from ser_assets.rejections import Problem
from ser_assets.serving.bundle import Bundle, Measurement

if TYPE_CHECKING:
    from ser_assets.learning.data.examples import Features
    from ser_assets.learning.speakers.profile import SpeakerProfile


@dataclass(frozen=True)
class RejectedRecording:
    """A file that cannot be used, and why; the reason goes on where the path ends: `is silent`.

    `remedy` is a sentence; empty where there is nothing to do.
    """

    path: Path
    reason: str
    remedy: str = ""


@dataclass(frozen=True, eq=False)
class MeasuredRecording:
    """A recording of `seconds`, measured as in training for the models of a bundle.

    `audio` is what `measured_audio` returns, and `embedding` is there if the models read one. `remarks` are what one
    should know of the recording, each going on where the path ends: `has 2 audio tracks: …`.
    """

    path: Path
    seconds: float
    audio: Mapping[str, np.ndarray]
    embedding: Embedding | None = None
    remarks: tuple[str, ...] = ()

    @property
    def content(self) -> tuple[bytes, ...]:
        """All that was measured; the same for copies of a recording."""
        embedded = [self.embedding.vector] if self.embedding else []
        return tuple(values.tobytes() for values in (*self.audio.values(), *embedded))


@dataclass(frozen=True)
class Prediction:
    """The prediction for a recording of `seconds`: the probability of each emotion; they sum to 1.

    `remarks` as in `MeasuredRecording`.
    """

    path: Path
    seconds: float
    probabilities: dict[str, float]
    remarks: tuple[str, ...] = ()

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return self.ranked[0]

    @property
    def ranked(self) -> list[str]:
        """The emotions, the most probable first."""
        return sorted(self.probabilities, key=lambda emotion: -self.probabilities[emotion])


def measure_recording(path: Path | str, measurement: Measurement) -> MeasuredRecording | RejectedRecording:
    """Decode, trim and measure a recording as training does; what cannot be used comes back with the reason.

    Raises:
        EncoderError: the encoder cannot be opened.
    """
    path = Path(path)
    return _measured(path, functools.partial(_decoded, path), measurement)


def measure_samples(
    samples: np.ndarray, sampling_rate: int, measurement: Measurement, path: Path | str = Path("samples")
) -> MeasuredRecording | RejectedRecording:
    """Trim and measure samples as `measure_recording` does those of a file.

    Args:
        samples: floats of -1 to 1, shape (samples,) or (channels, samples).
        sampling_rate: of the samples, in Hz.
        measurement: of the bundle.
        path: names the samples in results.

    Raises:
        EncoderError: the encoder cannot be opened.

    Examples:
        >>> from ser_assets.audio.pipeline import Preprocessing
        >>> usual = Measurement(Preprocessing(22050, "ends", 30.0, 0.3), ("functionals",))
        >>> measure_samples(np.zeros((48000, 2)), 48000, usual).remedy
        'Give channels first: `samples.T`.'
    """
    return _measured(Path(path), functools.partial(recording_of, samples, sampling_rate), measurement)


def _decoded(path: Path) -> Recording:
    if not path.exists():
        raise DecodeError("is not there", Problem.MISSING, "Correct the path.")
    if not path.is_file():
        raise DecodeError("cannot be read (it is no regular file)", Problem.UNREADABLE, "Write it to a file first.")
    return decode(path)


def _measured(
    path: Path, recorded: Callable[[], Recording], measurement: Measurement
) -> MeasuredRecording | RejectedRecording:
    from ser_assets.learning.data.audio_sets import measured_audio

    preprocessing, feature_sets, encoder = measurement
    opened = encoder.open() if encoder else None
    try:
        recording = recorded()
        require_utterance(recording)
        clip = prepared_clip(recording, preprocessing)
        audio = measured_audio(clip.samples, preprocessing.sampling_rate, feature_sets)
        embedding = opened.embed(clip.samples, preprocessing.sampling_rate) if opened else None
    except DecodeError as error:
        return RejectedRecording(path, str(error), error.remedy)
    except Exception as error:  # One strange file must not stop the others.
        reason = f"cannot be measured ({type(error).__name__}: {error})"
        return RejectedRecording(path, reason, Problem.CRASHES.remedy)
    remarks = tuple(_remarks(recording, clip))
    return MeasuredRecording(path, recording.seconds, audio, embedding, remarks)


def _remarks(recording: Recording, clip: Trimmed) -> Iterator[str]:
    if recording.tracks > 1:
        yield f"has {recording.tracks} audio tracks: track {recording.track} is used"
    if clip.loud_event:
        yield "holds a short loud event (a beep, a click, a door) far over the voice: cut it out, and predict again"
    if clip.trim_skipped:
        yield "is used with its silence: too little would be left without"


def features_of(recordings: Sequence[MeasuredRecording]) -> "Features":
    """Stack the features of recordings, at least one, in their order."""
    from ser_assets.learning.data.audio_sets import audio_sets
    from ser_assets.learning.data.embeddings import Embeddings
    from ser_assets.learning.data.examples import Features
    from ser_assets.learning.data.set_names import EMBEDDINGS

    sets = audio_sets([each.audio for each in recordings])
    embedded = [each.embedding for each in recordings if each.embedding]
    return Features(sets=sets | ({EMBEDDINGS: Embeddings.of(embedded)} if embedded else {}))


def speaker_profile(recordings: Sequence[MeasuredRecording], bundle: Bundle) -> "SpeakerProfile":
    """Make the profile of the one speaker of these recordings, at least one, for the models of this bundle.

    Raises:
        BundleError: the bundle has no model for an enrolled speaker, or it cannot be opened.
    """
    clips, model = features_of(recordings), bundle.load(speaker_normalised=True)
    profile = bundle.prior().profile(clips)
    bias = model.bias_for(profile.normalise(clips))
    return replace(profile, measured_as=bundle.measured_as, bias=bias)


class Predictor:
    """The open model of a bundle; with a speaker's profile, the one for speaker-normalised clips."""

    def __init__(self, bundle: Bundle, profile: "SpeakerProfile | None" = None) -> None:
        """Open the model.

        Raises:
            BundleError: the bundle has no model for an enrolled speaker, or it cannot be opened.
            ProfileError: the profile was made of clips that were measured otherwise, or is damaged.
        """
        self.bundle = bundle
        self._profile = profile
        bundle.require_encoder()
        self._model = bundle.load(speaker_normalised=profile is not None)
        if profile is not None:
            self._refuse_stranger(profile)

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotions in the order of the probabilities."""
        return self._model.emotions

    @property
    def has_bias_for_model(self) -> bool:
        """Whether the profile holds the class bias of these models for the speaker."""
        return self._profile is not None and self._model.fingerprints <= set(self._profile.bias)

    def predict(self, recordings: Sequence[MeasuredRecording]) -> list[Prediction]:
        """Predict, in the order of the recordings."""
        if not recordings:
            return []
        clips = features_of(recordings)
        if self._profile is None:
            predicted = self._model.predict_proba(clips)
        else:
            predicted = self._model.predict_proba(self._profile.normalise(clips), self._profile.bias)
        return [
            Prediction(each.path, each.seconds, dict(zip(self.emotions, row, strict=True)), each.remarks)
            for each, row in zip(recordings, predicted.tolist(), strict=True)
        ]

    def _refuse_stranger(self, profile: "SpeakerProfile") -> None:
        from ser_assets.learning.speakers.profile import ProfileError

        remedy = "make it again with `enrol-speaker`"
        if profile.measured_as != self.bundle.measured_as:
            raise ProfileError(f"the profile was made for a bundle that measures otherwise: {remedy}")
        known = self._model.fingerprints & set(profile.bias)
        if any(profile.bias[model].shape != (len(self.emotions),) for model in known):
            raise ProfileError(f"the profile is damaged: {remedy}")
