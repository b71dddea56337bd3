"""How the synthetic actors speak: a voice for each, and a manner for each emotion."""

from dataclasses import astuple, dataclass

import numpy as np

from ser_assets.corpus.ravdess import ACTORS, Take

LEVEL_SPREAD_DB = 18.0
_LOUDEST_NEUTRAL_DB = -28.0
_STRONG = 1.6


@dataclass(frozen=True)
class Manner:
    """How a take departs from the actor's plain way of speaking; zero everywhere is plain."""

    tempo: float
    """Speaking rate, per cent."""
    pitch: float
    """Mean pitch, semitones."""
    melody: float
    """Pitch range, per cent."""
    level: float
    """Loudness, dB."""
    pause: float
    """Pause between words, ms."""
    brightness: float
    """Spectral slope, dB an octave."""


# Directions after Banse & Scherer 1996 and Juslin & Laukka 2003; sizes so small that takes overlap as acted ones do.
MANNERS = {
    "neutral": Manner(0, 0, 0, 0, 0, 0),
    "calm": Manner(-7, -0.7, -15, -2, 6, -0.4),
    "happy": Manner(7, 2.2, 35, 2, -5, 0.5),
    "sad": Manner(-10, -0.8, -25, -3, 15, -0.7),
    "angry": Manner(5, 1.5, 25, 5, -5, 1.2),
    "fearful": Manner(14, 2.8, -15, 1, 5, 0.2),
    "disgust": Manner(-10, -1.2, 15, 0.5, 12, 0.5),
    "surprised": Manner(-1, 3.2, 60, 1.5, 0, 0),
}


_JITTER = Manner(5, 0.9, 18, 1.3, 5, 0.4)


# One a speaker: language and voice of espeak-ng, and the size of the head as a factor on all frequencies.
VOICES = {
    "01": ("en-us+m1", 1.00),
    "02": ("en-us+f1", 1.00),
    "03": ("en+m2", 0.97),
    "04": ("en+f2", 1.03),
    "05": ("en-us+m3", 1.04),
    "06": ("en-us+f3", 0.97),
    "07": ("en-gb-scotland+m4", 1.00),
    "08": ("en-gb-scotland+f4", 1.02),
    "09": ("en-us+m5", 0.95),
    "10": ("en-gb-x-rp+f5", 0.98),
    "11": ("en-gb-x-rp+m6", 1.03),
    "12": ("en-us+Annie", 0.95),
    "13": ("en-029+m7", 0.96),
    "14": ("en-029+aunty", 1.06),
    "15": ("en-us-nyc+adam", 1.05),
    "16": ("en-us-nyc+belinda", 0.94),
    "17": ("en+Michael", 0.98),
    "18": ("en+linda", 1.00),
    "19": ("en-gb-x-gbclan+pablo", 0.94),
    "20": ("en-gb-x-gbclan+shelby", 1.03),
    "21": ("en-us+klatt3", 1.02),
    "22": ("en-us+grandma", 0.97),
    "23": ("en-gb-x-gbcwmd+robert", 1.05),
    "24": ("en-gb-x-gbcwmd+steph", 1.04),
}


def manner_of(take: Take, random: np.random.Generator) -> Manner:
    """Draw a take's manner: the emotion's, as strongly as this actor shows it, and a jitter of its own."""
    expressiveness = np.random.default_rng(int(take.actor)).lognormal(sigma=0.35, size=len(astuple(_JITTER)))
    emotion = np.array(astuple(MANNERS[take.emotion])) * (_STRONG if take.intensity == "strong" else 1)
    jitter = random.standard_normal(expressiveness.size) * astuple(_JITTER)
    return Manner(*(emotion * expressiveness + jitter).tolist())


def neutral_level_db(actor: str) -> float:
    """Spread the actors evenly over `LEVEL_SPREAD_DB`, neighbours far apart, so that few of them span it too."""
    step = ACTORS.index(actor) * 7 % len(ACTORS)
    return _LOUDEST_NEUTRAL_DB - LEVEL_SPREAD_DB * step / (len(ACTORS) - 1)
