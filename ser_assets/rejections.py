"""Why a recording is rejected, by kind, and the remedy."""

from enum import StrEnum


class Problem(StrEnum):
    """A kind of unusable recording, as in column `problem` of `raw_videos` and in `ser-assets doctor`.

    Examples:
        >>> Problem("cut short").remedy
        'Copy or download it again: its end is missing.'
    """

    UNREADABLE = "cannot be read"
    MISSING = "not there"
    EMPTY = "empty file"
    POINTER = "pointer to a recording"
    DAMAGED = "damaged"
    CUT_SHORT = "cut short"
    HEADER = "header speaks of less"
    CRASHES = "crashes the decoder"
    NO_AUDIO = "no audio stream"
    NO_DECODER = "no decoder"
    NOT_FINITE = "samples not finite"
    TOO_LOUD = "far over full scale"
    LOW_RATE = "sampling rate too low"
    SILENT = "silent"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    NAME = "name without meaning"
    OTHER_ACTOR = "folder of another actor"
    VIDEO_ONLY = "video-only"
    SONG = "song"
    ROW = "row without meaning"
    SAME_TAKE = "second file of a take"
    SAME_RECORDING = "same recording twice"
    CONTRADICTION = "one recording, two labels"
    DEMO = "demo corpus beside people"

    @property
    def remedy(self) -> str:
        """The remedy, as a sentence."""
        return _REMEDIES[self]

    @property
    def is_expected(self) -> bool:
        """Whether a complete and intact corpus contains such files."""
        return self in _EXPECTED


_EXPECTED = {Problem.SAME_TAKE, Problem.SAME_RECORDING, Problem.DEMO, Problem.VIDEO_ONLY, Problem.SONG}

_REMEDIES = {
    Problem.UNREADABLE: "Make it readable (`chmod u+r`), or repair the circular link.",
    Problem.MISSING: "Correct the path in its row (it counts from the table's folder), or the link that leads nowhere.",
    Problem.EMPTY: "Copy or download it again: there is nothing in it.",
    Problem.POINTER: "Fetch what it points to: `git lfs pull` (or `git annex get FILE`) in the folder of the corpus.",
    Problem.DAMAGED: "Copy or download it again; if it plays elsewhere, convert it with `ffmpeg -i FILE NEW.wav`.",
    Problem.CUT_SHORT: "Copy or download it again: its end is missing.",
    Problem.HEADER: "Rewrite it: `ffmpeg -ignore_length 1 -i FILE NEW.wav`. Separate recordings that were joined.",
    Problem.CRASHES: "Convert it with `ffmpeg -i FILE NEW.wav`, or remove it.",
    Problem.NO_AUDIO: "Look for the file with the audio; this one has none.",
    Problem.NO_DECODER: "Convert it to WAV with a program that plays it.",
    Problem.NOT_FINITE: "Export it again from its source: it contains NaN or infinity.",
    Problem.TOO_LOUD: "Divide its samples by their full scale: integers seem to be stored as floats.",
    Problem.LOW_RATE: "Find the original: this rate loses too much of the voice.",
    Problem.SILENT: "Look for the recording with sound, or remove it.",
    Problem.TOO_SHORT: "Remove it: it is shorter than any utterance.",
    Problem.TOO_LONG: "Cut it into utterances, one file each.",
    Problem.NAME: "Name it as its corpus names recordings, or label it in a table: SER_CORPUS=table.",
    Problem.OTHER_ACTOR: "Move it to the folder of the actor in its name, or correct the name.",
    Problem.VIDEO_ONLY: "Nothing to do: a video-only file (02-) has no speech.",
    Problem.SONG: "Nothing to do: song is not used.",
    Problem.ROW: "Correct the row of the table.",
    Problem.SAME_TAKE: "Nothing to do: one file of each take is used.",
    Problem.SAME_RECORDING: "Nothing to do: one of its names is used, and both have the same emotion.",
    Problem.CONTRADICTION: "Find out which speaker and which emotion are right, and remove the other file or row.",
    Problem.DEMO: "Nothing to do, or remove the demo corpus: it is not used next to recordings of people.",
}
