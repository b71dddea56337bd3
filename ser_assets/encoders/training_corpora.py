"""Published encoders that were trained on corpora of emotional speech: scores on these corpora would be of seen data.

The table holds what model cards and papers say. It cannot know every model: the name of an encoder that has the name of
a corpus in it counts, too.
"""

import re
from typing import Final, NamedTuple

from ser_assets.encoders.names import EncoderError


class TrainedEncoder(NamedTuple):
    """An encoder, or a family of them, and the corpora that it was trained on.

    Attributes:
        pattern: of its name in lower case, a regular expression that is found anywhere in it.
        corpora: in lower case, letters and digits only.
        source: what says so.
    """

    pattern: str
    corpora: frozenset[str]
    source: str


_ENGLISH_FOUR: Final = frozenset({"cremad", "ravdess", "savee", "tess"})
_EMOBOX: Final = _ENGLISH_FOUR | {
    *("aesdd", "ased", "asvpesd", "cafe", "casia", "emns", "emodb", "emovdb", "emovo", "emozionalmente", "enterface"),
    *("esd", "iemocap", "jlcorpus", "m3ed", "mead", "meld", "mer2023", "mesd", "msppodcast", "oreau", "pavoque"),
    *("polish", "resd", "shemo", "subesco", "turevdb", "urdu"),
}
"""The 32 corpora of EmoBox (github.com/emo-box/EmoBox)."""
_EMOSET: Final = _ENGLISH_FOUR | {
    *("casia", "demos", "emodb", "emofilm", "emovo", "enterface", "esd", "iemocap", "meld", "mesd", "shemo"),
    *("smartkom", "susas", "subesco", "urdu"),
}
"""Of the 37 corpora of EmoSet++ those with a name of their own in its table."""

TRAINED_ENCODERS: Final = (
    TrainedEncoder(
        r"wav2vec2-lg-xlsr-en-speech-emotion-recognition",
        frozenset({"ravdess"}),
        "its model card: huggingface.co/ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition",
    ),
    TrainedEncoder(
        r"areejb/wav2vec2-xlsr-english-speech-emotion-recognition",
        frozenset({"ravdess"}),
        "its model card: huggingface.co/AreejB/wav2vec2-xlsr-english-speech-emotion-recognition",
    ),
    TrainedEncoder(
        r"speech-emotion-recognition-with-openai-whisper",
        frozenset({"ravdess", "savee", "tess"}),
        "its model card: huggingface.co/firdhokk/speech-emotion-recognition-with-openai-whisper-large-v3",
    ),
    TrainedEncoder(
        r"hughlan1214/(speech_emotion_recognition|ser)_wav2vec2",
        _ENGLISH_FOUR,
        "its model card: huggingface.co/hughlan1214/Speech_Emotion_Recognition_wav2vec2-large-xlsr-53_240304_SER_fine-"
        "tuned2.0",
    ),
    TrainedEncoder(r"exhubert", _EMOSET, "its model card: huggingface.co/amiriparian/ExHuBERT"),
    TrainedEncoder(
        r"emotion2vec[_-]?(plus|\+)",
        _EMOBOX,
        "huggingface.co/emotion2vec/emotion2vec_plus_seed: the seed model learned from EmoBox, and the base and large "
        "models from it",
    ),
    TrainedEncoder(
        r"emotion2vec",
        frozenset({"cmumosei", "iemocap", "mead", "meld", "msppodcast"}),
        "arXiv 2312.15185, without labels",
    ),
    TrainedEncoder(
        r"superb-er\b",
        frozenset({"iemocap"}),
        "its model card: huggingface.co/superb/hubert-large-superb-er; the model that it was made of was not",
    ),
    TrainedEncoder(
        r"emotion-recognition-wav2vec2-iemocap",
        frozenset({"iemocap"}),
        "its model card: huggingface.co/speechbrain/emotion-recognition-wav2vec2-IEMOCAP",
    ),
    TrainedEncoder(
        r"wav2vec2-large-robust-\d+-ft-emotion-msp-dim",
        frozenset({"msppodcast"}),
        "its model card: huggingface.co/audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
    ),
    TrainedEncoder(
        r"wav2vec2-large-emotion-detection-german",
        frozenset({"emodb"}),
        "its model card: huggingface.co/padmalcom/wav2vec2-large-emotion-detection-german",
    ),
)
"""A more special pattern stands before one that it contains."""


def trained_on(encoder_name: str, corpus: str) -> str | None:
    """Say that an encoder was trained on a corpus, with the source, or return None where nothing is known of it.

    Args:
        encoder_name: such as `whisper-tiny.en` or `microsoft/wavlm-base-plus`.
        corpus: such as `ravdess` or `CREMA-D`; case, spaces and punctuation do not matter.

    Examples:
        >>> trained_on("superb/hubert-base-superb-er", "IEMOCAP")  # doctest: +ELLIPSIS
        'superb/hubert-base-superb-er was trained on recordings of iemocap (its model card: ...)'
        >>> trained_on("someone/hubert-base-ravdess", "ravdess")
        'someone/hubert-base-ravdess was trained on recordings of ravdess (its name says so)'
        >>> trained_on("microsoft/wavlm-base-plus", "ravdess")
    """
    name, wanted = encoder_name.lower(), _plain(corpus)
    known = [each for each in TRAINED_ENCODERS if re.search(each.pattern, name)]
    if known and wanted in known[0].corpora:
        source = known[0].source
    elif wanted in _EMOBOX | _EMOSET and _names(name, wanted):
        source = "its name says so"
    else:
        return None
    return f"{encoder_name} was trained on recordings of {corpus.lower()} ({source})"


def refuse_trained_on(name: str, corpus: str) -> None:
    """Raise EncoderError where an encoder is known to have been trained on a corpus.

    Examples:
        >>> refuse_trained_on("whisper-tiny.en", "ravdess")
    """
    if found := trained_on(name, corpus):
        raise EncoderError(f"{found}: scores on it would be of data that it has seen; choose another encoder")


def _names(name: str, corpus: str) -> bool:
    """Whether words of a name, side by side, are a corpus.

    Examples:
        >>> _names("hubert-crema-d-er", "cremad"), _names("tessa/hubert", "tess")
        (True, False)
    """
    words = re.findall(r"[a-z0-9]+", name)
    return any("".join(words[start:end]) == corpus for end in range(len(words) + 1) for start in range(end))


def _plain(corpus: str) -> str:
    return re.sub(r"[^a-z0-9]", "", corpus.lower())
