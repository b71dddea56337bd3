"""Which model becomes the champion, and what its bundle holds: read from scores, predictions and saved models."""

import datetime
from typing import TYPE_CHECKING, NamedTuple

from ser_assets.chosen_corpus import corpus_of
from ser_assets.corpus.interface import CorpusIdentity
from ser_assets.learning.data.final_models import RAW
from ser_assets.learning.data.set_names import EMBEDDINGS
from ser_assets.settings import WITHOUT_EFFECT_ON_RESULTS, Settings
from ser_assets.storage.leakage_audit import not_evaluated_once
from ser_assets.storage.tables import (
    CHAMPION_PREDICTIONS,
    PREDICTIONS,
    SCORE_DIFFERENCES,
    SCORES,
    USABLE_TAKES,
    notice_of_demo,
)
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.versions import recipe
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.encoders.encoder import Encoder
    from ser_assets.learning.evaluation.champion import Choice, Drop
    from ser_assets.serving.write_bundle import Contents


class PromotionError(LookupError):
    """No model can become the champion; the message says why and what to materialize."""


class Candidate(NamedTuple):
    """Who would be champion by the scores of now, and how that compares with the champion that is in place.

    Attributes:
        scores: of this model, every protocol.
        predictions: of it, as table `champion_predictions` keeps them.
        in_place: it is the champion already.
    """

    choice: "Choice"
    scores: "pd.DataFrame"
    predictions: "pd.DataFrame"
    drop: "Drop"
    in_place: bool


def find_candidate(settings: Settings, warehouse: Warehouse) -> Candidate:
    """Choose a champion by the current scores, and compare it with the one in place.

    Raises:
        PromotionError: something is missing or outdated.
    """
    from ser_assets.learning.evaluation.champion import Drop, NotEvaluatedError, choose, drop

    for table in (SCORES, SCORE_DIFFERENCES, PREDICTIONS):
        if not warehouse.has_table(table):
            raise PromotionError(f"there is no table {table} in {warehouse.path}: materialize metrics_report first")
    scores = warehouse.query(f"FROM {SCORES}")
    sizes = _sizes(settings, scores["model"].unique().tolist())
    try:
        choice = choose(scores, warehouse.query(f"FROM {SCORE_DIFFERENCES}"), sizes, settings.fold_schemes)
    except NotEvaluatedError as error:
        raise PromotionError(f"{error}: materialize the models and metrics_report first") from error
    own = scores[scores["model"] == choice.model]
    predictions = _predictions(warehouse, choice)
    _require_those_of_the_scores(choice, own, predictions)
    _require_features_of_now(choice, warehouse)
    last = _last_predictions(settings, warehouse)
    if last is None:
        return Candidate(
            choice,
            own,
            predictions,
            Drop(
                False,
                "there was no champion to compare with, or only one trained on recordings that have left the corpus",
            ),
            in_place=False,
        )
    return Candidate(choice, own, predictions, drop(last, predictions, seed=settings.seed), last.equals(predictions))


def _sizes(settings: Settings, models: "list[str]") -> dict[str, int]:
    """Bytes of those models that are kept, with the encoder that they need."""
    from ser_assets.serving.write_bundle import feature_sets_of, size_of

    folder, sizes = settings.corpus_dir / "models" / RAW, {}
    for model in models:
        try:
            sizes[model] = size_of(folder, model)
            if EMBEDDINGS in feature_sets_of(folder, model):
                sizes[model] += settings.encoder_choice.file.stat().st_size
        except FileNotFoundError:
            continue
    return sizes


def _predictions(warehouse: Warehouse, choice: "Choice") -> "pd.DataFrame":
    """Predictions of the model for unseen actors, with the hash of each recording."""
    from ser_assets.learning.evaluation.champion import PROTOCOL

    return warehouse.query(
        f"SELECT predicted.*, audio_hash FROM {PREDICTIONS} AS predicted JOIN ({USABLE_TAKES}) USING (take_id) "
        "WHERE model = ? AND protocol = ? AND fold_scheme = ? ORDER BY take_id",
        [choice.model, PROTOCOL, choice.fold_scheme],
    )


def _require_those_of_the_scores(choice: "Choice", scores: "pd.DataFrame", predictions: "pd.DataFrame") -> None:
    """Raise PromotionError where the model has been trained again since the report: its scores would be another's."""
    from ser_assets.learning.evaluation.champion import METRIC, PROTOCOL
    from ser_assets.learning.evaluation.scores import recall_by_emotion

    reported = scores[
        (scores["protocol"] == PROTOCOL) & (scores["fold_scheme"] == choice.fold_scheme) & (scores["metric"] == METRIC)
    ].iloc[0]
    found = recall_by_emotion(predictions)["recall"].mean()
    if len(predictions) != reported["takes"] or abs(found - reported["value"]) > 1e-9:
        raise PromotionError(
            f"the scores of {choice.model} are of other predictions than those of now: materialize metrics_report again"
        )


def _require_features_of_now(choice: "Choice", warehouse: Warehouse) -> None:
    """Raise PromotionError if the model was trained on features that have been replaced since."""
    with warehouse.reading() as connection:
        others = not_evaluated_once(connection, choice.model)
    if not others.empty:
        raise PromotionError(
            f"{choice.model} was trained on other takes or features than those of now: materialize it again"
        )


def _last_predictions(settings: Settings, warehouse: Warehouse) -> "pd.DataFrame | None":
    """Predictions of the champion in place on unseen actors; None where there is none that may stay."""
    from ser_assets.serving.bundle import BUNDLE_FACTS_FILE, champion_folder
    from ser_assets.serving.withdrawn import is_marked

    folder = champion_folder(settings.corpus_dir)
    in_place = (folder / BUNDLE_FACTS_FILE).exists() and not is_marked(folder)
    if not (in_place and warehouse.has_table(CHAMPION_PREDICTIONS)):
        return None
    return warehouse.query(f"FROM {CHAMPION_PREDICTIONS} ORDER BY take_id")


def bundle_contents(candidate: Candidate, settings: Settings, warehouse: Warehouse) -> "Contents":
    """Collect what the bundle of a candidate holds."""
    from ser_assets.learning.speakers.prior import SpeakerPrior
    from ser_assets.serving.write_bundle import Contents, feature_sets_of

    models_dir = settings.corpus_dir / "models"
    reads = feature_sets_of(models_dir / RAW, candidate.choice.model)
    # Refuses features of other settings than those of now, which the bundle is about to promise.
    examples = load_examples(warehouse, settings, reads)
    encoder = settings.encoder_choice.open() if EMBEDDINGS in reads else None
    if encoder:
        _require_this_encoder(encoder, reads[EMBEDDINGS], candidate.choice.model)
    names = settings.model_dump(exclude=WITHOUT_EFFECT_ON_RESULTS)
    return Contents(
        model=candidate.choice.model,
        corpus=CorpusIdentity.of(corpus_of(settings)),
        reason=candidate.choice.reason,
        models_dir=models_dir,
        encoder=encoder,
        speaker_normalised="speaker_normalised" in set(candidate.scores["protocol"]),
        prior=SpeakerPrior.learn(examples),
        preprocessing=settings.preprocessing,
        scores=candidate.scores,
        recipe=recipe(settings),
        settings={name: settings.as_text(name) for name in names},
        demo=bool(notice_of_demo(warehouse)),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _require_this_encoder(encoder: "Encoder", trained_on: str, model: str) -> None:
    """Raise PromotionError where the model was trained on embeddings of another encoder."""
    if trained_on != str(encoder.identity):
        raise PromotionError(
            f"{model} was trained on embeddings of {trained_on}, and SER_ENCODER names {encoder.identity}: materialize "
            "pretrained_encoder and ensemble again, or put SER_ENCODER back"
        )
