import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.hard_takes import misclassified_by_all


def predicted(model, take_id, emotion, **probabilities):
    rest = (1 - sum(probabilities.values())) / (len(EMOTIONS) - len(probabilities))
    chances = {f"p_{name}": probabilities.get(name, rest) for name in EMOTIONS}
    return {"model": model, "take_id": take_id, "actor": take_id[-2:], "emotion": emotion, **chances}


TABLE = pd.DataFrame(
    [
        predicted("cnn", "one-01", "happy", sad=0.6, happy=0.3),
        predicted("random_forest", "one-01", "happy", angry=0.5, happy=0.2),
        predicted("cnn", "two-02", "calm", neutral=0.9, calm=0.05),
        predicted("random_forest", "two-02", "calm", neutral=0.8, calm=0.05),
        predicted("cnn", "three-01", "sad", sad=0.9),
        predicted("random_forest", "three-01", "sad", calm=0.9),
        predicted("cnn", "four-01", "sad", calm=0.9),
    ]
)


def test_only_takes_that_every_model_judged_and_named_wrong_are_there_the_worst_first():
    assert list(dict.fromkeys(misclassified_by_all(TABLE)["take_id"])) == ["two-02", "one-01"]


def test_it_says_what_each_model_said_and_how_sure_it_was():
    first = misclassified_by_all(TABLE).iloc[2:]
    assert first["emotion"].tolist() == ["happy", "happy"]
    assert dict(zip(first["model"], first["predicted"], strict=True)) == {"cnn": "sad", "random_forest": "angry"}
    assert first["probability"].tolist() == [0.6, 0.5]


def test_nothing_is_missed_by_models_that_are_right():
    assert misclassified_by_all(TABLE.iloc[4:5]).empty
