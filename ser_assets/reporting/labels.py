"""How models, metrics, protocols and numbers are named, ordered and coloured, wherever a person reads them."""

from collections.abc import Sequence

from ser_assets.corpus.ravdess import EMOTIONS

CHANCE = 1 / len(EMOTIONS)
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
# After Okabe and Ito's scheme for colour-blind readers.
MODEL_COLOURS = {
    "random_forest": "#009E73",
    "neural_network": "#E69F00",
    "cnn": "#56B4E9",
    "complex_cnn": "#0B5394",
}
_SPARE_COLOURS = ("#CC79A7", "#6E4B8B", "#8A7A00", "#444444")

MODEL_NAMES = {
    "random_forest": "Random Forest",
    "neural_network": "Neural Network",
    "cnn": "CNN",
    "complex_cnn": "Complex CNN",
}
METRIC_NAMES = {
    "uar": "UAR",
    "accuracy": "Accuracy",
    "f1_macro": "F1 (macro)",
    "f1_weighted": "F1 (weighted)",
    "roc_auc": "ROC AUC",
    "log_loss": "Log loss ↓",
}
METRIC_NOTES = {
    "uar": "UAR, unweighted average recall, is the mean of the recalls of the emotions, so that each counts alike.",
    "accuracy": "Accuracy is the share of takes that are named right.",
    "f1_macro": "F1 (macro) is the mean over the emotions of the harmonic mean of precision and recall.",
    "roc_auc": "ROC AUC is one emotion against the rest, averaged over the emotions (chance 0.5).",
    "log_loss": "Log loss punishes probability that is put on wrong emotions: lower is better (blind guessing: 2.08).",
}
PROTOCOL_NAMES = {
    "speaker_independent": "Speaker-independent",
    "speaker_calibrated": "Speaker-calibrated",
    "random_split": "Random split",
    "random_split_leaky": "Random split with leaks",
}
PROTOCOL_NOTES = {
    "speaker_independent": "No judged actor was heard in training.",
    "speaker_calibrated": "No judged actor was heard in training; features are z-scored with the unlabelled clips of "
    "each speaker, which needs several recordings of that speaker.",
    "random_split": "Actors stand on both sides of the split; these scores do not carry over to a new voice.",
    "random_split_leaky": "Actors and copies of judged takes stand on both sides; shows only what a leak is worth.",
}
FOLD_NAMES = {
    "luna5": "Luna-Jiménez's five folds by actor",
    "emobox6": "EmoBox's six folds by actor",
    "loso": "one fold for each actor",
}


def readable(name: str, names: dict[str, str]) -> str:
    """Name for people; an unknown one is shown as it is, without underscores."""
    return names.get(name, name.replace("_", " "))


def in_order(found: Sequence[str], order: Sequence[str]) -> list[str]:
    """Distinct names in the order of `order`, then the unknown ones as they came."""
    distinct = list(dict.fromkeys(found))
    return [name for name in order if name in distinct] + [name for name in distinct if name not in order]


def model_colours(models: Sequence[str]) -> dict[str, str]:
    """Give each model its fixed colour; unknown ones share out the spare colours in their order."""
    unknown = [model for model in models if model not in MODEL_COLOURS]
    spare = {model: _SPARE_COLOURS[index % len(_SPARE_COLOURS)] for index, model in enumerate(unknown)}
    return {model: MODEL_COLOURS.get(model) or spare[model] for model in models}


def decimal(value: float) -> str:
    """Three decimals, or a dash for a number that does not exist."""
    return NOT_A_NUMBER if value != value else f"{value:.3f}"


def percent(value: float) -> str:
    """Share of one as a percentage with one decimal, or a dash for a number that does not exist."""
    return NOT_A_NUMBER if value != value else f"{100 * value:.1f} %"
