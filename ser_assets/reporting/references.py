"""Published scores on the speech of RAVDESS: eight emotions from audio alone, on unseen actors.

Only figures that were read in their source stand here, each with the source and what to keep in mind beside it.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Reference:
    """A published score: system, protocol and source; a metric that is not given is None."""

    system: str
    protocol: str
    source: str
    address: str
    accuracy: float | None = None
    uar: float | None = None
    caveat: str = ""

    def value(self, metric: str) -> float | None:
        """UAR or accuracy, 0 to 1; None for one that the source does not give, and for any other metric."""
        return {"accuracy": self.accuracy, "uar": self.uar}.get(metric)


PEOPLE: Final = Reference(
    system="People, from the sound alone",
    protocol="forced choice by untrained listeners",
    source="Livingstone & Russo 2018, tables S1–S4",
    address="https://doi.org/10.1371/journal.pone.0196391",
    accuracy=0.624,
    caveat="calm and neutral count as one answer, which makes the task easier; normal intensity 58 %, strong 67 %",
)
_HSN07PK: Final = (
    "hsn07pk/ravdess-speaker-independent-ser",
    "https://github.com/hsn07pk/ravdess-speaker-independent-ser",
)
_EMOBOX: Final = ("EmoBox, Ma et al. 2024, arXiv 2406.07162", "https://arxiv.org/abs/2406.07162")

SYSTEMS: Final = (
    Reference("librosa statistics (113) + Random Forest", "leave one actor out", *_HSN07PK, accuracy=0.489),
    Reference(
        "CNN-14 from scratch",
        "4 folds by actor",
        "dchung1209/RAVDESS",
        "https://github.com/dchung1209/RAVDESS",
        accuracy=0.600,
    ),
    Reference(
        "Residual LSTM with attention, 47 k parameters",
        "5 folds by actor",
        "Mak-Sim/ResLSTM-SER",
        "https://github.com/Mak-Sim/ResLSTM-SER",
        uar=0.623,
        caveat="mean of ten runs; features scaled with all recordings, evaluated ones included",
    ),
    Reference("ComParE 2016 (6373) + logistic regression", "leave one actor out", *_HSN07PK, accuracy=0.634, uar=0.636),
    Reference("HuBERT base, frozen, last layer", "EmoBox's 6 folds by actor", *_EMOBOX, accuracy=0.662),
    Reference("WavLM large, frozen, last layer", "EmoBox's 6 folds by actor", *_EMOBOX, accuracy=0.722),
    Reference("Whisper large v3, frozen, last layer", "EmoBox's 6 folds by actor", *_EMOBOX, accuracy=0.759),
    Reference(
        "XLS-R 300M, frozen, best layer",
        "leave one actor out",
        *_HSN07PK,
        accuracy=0.817,
        uar=0.819,
        caveat="layer chosen on training actors only",
    ),
    Reference(
        "wav2vec 2.0 xlsr-53, fine-tuned",
        "Luna-Jiménez's 5 folds by actor",
        "Luna-Jiménez et al. 2022, doi 10.3390/app12010327",
        "https://doi.org/10.3390/app12010327",
        accuracy=0.818,
        caveat="checkpoint chosen on the test fold",
    ),
)
REFERENCES: Final = {"ravdess": (PEOPLE, *SYSTEMS)}
"""Published scores by name of the corpus."""
