"""How models, metrics, protocols and numbers are named, ordered and coloured, wherever a person reads them."""

import itertools
import math
from collections.abc import Sequence

from ser_assets.learning.models import catalog

NOT_A_NUMBER = "–"

# Searched for so that any two stay apart (CIE76 distance over 20) for normal, protan, deutan and tritan eyes; none very
# light or very dark, because dark mode inverts the pictures.
EMOTION_COLOURS = {
    "neutral": "#6A6A6A",
    "calm": "#4AC8FD",
    "happy": "#D9BA17",
    "sad": "#435ACC",
    "angry": "#A14729",
    "fearful": "#B96BB1",
    "disgust": "#6A9D6A",
    "surprised": "#D28338",
}
_SPARE_COLOURS = ("#6E4B8B", "#8A7A00", "#444444")

METRIC_NAMES = {
    "uar": "UAR",
    "accuracy": "Accuracy",
    "f1_macro": "F1 (macro)",
    "f1_weighted": "F1 (weighted)",
    "roc_auc": "ROC AUC",
    "log_loss": "Log loss ↓",
    "calibration_error": "Calibration error ↓",
}
METRIC_NOTES = {
    "uar": "UAR, unweighted average recall, is the mean of the recalls of the emotions, so that each counts alike.",
    "accuracy": "Accuracy is the share of takes that are named right.",
    "f1_macro": "F1 (macro) is the mean over the emotions of the harmonic mean of precision and recall.",
    "f1_weighted": "F1 (weighted) is the same mean, weighted by the takes of each emotion.",
    "roc_auc": "ROC AUC is one emotion against the rest, averaged over the emotions (chance 0.5).",
    "log_loss": "Log loss punishes probability that is put on wrong emotions: lower is better "
    "(blind guessing: {blind}).",
    "calibration_error": "Calibration error is the distance between the probability of the named emotion and the share "
    "of takes named right, averaged over bins of that probability: lower is better. Chance can only raise it, so its "
    "interval lies high.",
}
# Measured with `evaluation.bootstrap` on scores drawn at random; its tests do it again.
INTERVAL_NOTE = (
    "Intervals hold the models fixed and resample the test actors. They are slightly too narrow: with 6 to 24 actors a "
    "nominal 95 % interval covers the true score in 86 to 93 % of cases. With fewer than 5 actors there is none."
)
PROTOCOL_NAMES = {
    "speaker_independent": "Speaker-independent",
    "speaker_normalised": "Speaker-normalised",
    "random_split": "Random split",
    "random_split_leaky": "Random split with leaks",
    "permuted_labels": "Labels permuted",
}
# What each promises, then what it may be used for.
PROTOCOL_NOTES = {
    "speaker_independent": (
        "No test actor is in the training set. This is what a new speaker will get, and the score to quote."
    ),
    "speaker_normalised": (
        "No test actor is in the training set. Features are z-scored per speaker and the model's class bias for that "
        "speaker is removed, both estimated from all of the speaker's unlabelled takes. It is an upper bound: real "
        "speakers have fewer recordings."
    ),
    "random_split": (
        "Takes, their copies and their recordings are on one side only, actors on both. This is what a speaker of the "
        "training set will get; it means nothing for a new one."
    ),
    "random_split_leaky": (
        "Augmented first, then split, as many notebooks do: actors and copies of test takes are on both sides. It "
        "shows what the leaks are worth and is good for nothing else."
    ),
    "permuted_labels": (
        "Emotions are shuffled within each actor, so that there is nothing to learn. It checks the pipeline: scores "
        "should be at chance."
    ),
}
FOLD_NAMES = {
    "luna5": "Luna-Jiménez's five folds by actor",
    "emobox6": "EmoBox's six folds by actor",
    "loso": "one fold for each actor",
    "groups5": "five groups of actors",
}
GROUPING_NAMES = {
    "gender": "Gender",
    "intensity": "Intensity",
    "statement": "Statement",
}


def chance_of(emotions: Sequence[str]) -> float:
    """UAR of guessing, 0 to 1.

    Examples:
        >>> chance_of(["neutral", "happy", "sad", "angry"])
        0.25
    """
    return 1 / len(emotions)


def metric_note(metric: str, emotions: Sequence[str]) -> str:
    """What a metric means for these emotions; empty for an unknown one."""
    return METRIC_NOTES.get(metric, "").format(blind=f"{math.log(len(emotions)):.2f}")


def readable(name: str, names: dict[str, str]) -> str:
    """Name for people; an unknown one is shown as it is, without underscores."""
    return names.get(name, name.replace("_", " "))


def model_title(model: str) -> str:
    """Title of a model for people.

    Examples:
        >>> model_title("complex_cnn")
        'Complex CNN'
    """
    return readable(model, catalog.titles())


def in_model_order(models: Sequence[str]) -> list[str]:
    """Distinct models in the order of the catalogue, then unknown ones."""
    return in_given_order(models, list(catalog.titles()))


def protocol_title(protocol: str, fold_scheme: str) -> str:
    """The protocol and its folds in full, for people.

    Examples:
        >>> protocol_title("speaker_independent", "loso")
        'Speaker-independent, one fold for each actor'
    """
    name = readable(protocol, PROTOCOL_NAMES)
    return f"{name}, {readable(fold_scheme, FOLD_NAMES)}" if fold_scheme else name


def in_given_order(found: Sequence[str], order: Sequence[str]) -> list[str]:
    """Distinct names in the order of `order`, then the unknown ones as they came."""
    distinct = list(dict.fromkeys(found))
    return [name for name in order if name in distinct] + [name for name in distinct if name not in order]


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """Give each model its fixed colour; unknown ones share out the spare colours in their order."""
    fixed = catalog.colours()
    unknown = [model for model in models if model not in fixed]
    spare = {model: _SPARE_COLOURS[index % len(_SPARE_COLOURS)] for index, model in enumerate(unknown)}
    return {model: fixed.get(model) or spare[model] for model in models}


def emotion_colours(emotions: Sequence[str]) -> dict[str, str]:
    """Give each emotion its fixed colour; unknown ones share out the colours that are free, in their order."""
    free = [colour for emotion, colour in EMOTION_COLOURS.items() if emotion not in emotions]
    unknown = [emotion for emotion in emotions if emotion not in EMOTION_COLOURS]
    spare = dict(zip(unknown, itertools.cycle(free or EMOTION_COLOURS.values()), strict=False))
    return {emotion: EMOTION_COLOURS.get(emotion) or spare[emotion] for emotion in emotions}


def decimal(value: float) -> str:
    """Three decimals, or a dash for a number that does not exist."""
    return NOT_A_NUMBER if value != value else f"{value:.3f}"


def percent(value: float) -> str:
    """Share of one as a percentage with one decimal, or a dash for a number that does not exist."""
    return NOT_A_NUMBER if value != value else f"{100 * value:.1f} %"


def points(value: float) -> str:
    """Share of one as percentage points with one decimal and a true minus sign, or a dash where there is no number.

    Examples:
        >>> points(-0.0123)
        '−1.2'
    """
    # Adding zero turns a minus zero into zero.
    return NOT_A_NUMBER if value != value else f"{round(100 * value, 1) + 0:.1f}".replace("-", "−")


def join_words(parts: Sequence[str]) -> str:
    """Join as in a sentence: `a, b and c`.

    Examples:
        >>> join_words(["happy", "sad", "angry"])
        'happy, sad and angry'
    """
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
