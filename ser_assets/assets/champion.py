"""`champion_model`: the best model by the rule of `learning.champion`, as one portable bundle; and what defends it."""

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg
from pydantic import Field

from ser_assets.assets.by_actor.current_corpus import drop_withdrawn, require_current
from ser_assets.assets.by_actor.partitions import SINGLE_RUN
from ser_assets.assets.corpus_checks import ERROR
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.describe import rows_metadata, score_metadata
from ser_assets.assets.models import drop_other_emotions
from ser_assets.assets.report import metrics_report
from ser_assets.assets.training.turn import POOL, in_training_turn
from ser_assets.learning.data.final_models import RAW
from ser_assets.settings import WITHOUT_EFFECT_ON_RESULTS, Settings
from ser_assets.storage.files import atomic_folder, remove_leftovers
from ser_assets.storage.leakage_audit import not_judged_once
from ser_assets.storage.tables import (
    CHAMPION_PREDICTIONS,
    PREDICTIONS,
    SCORE_DIFFERENCES,
    SCORES,
    USABLE_TAKES,
    notice_of_demo,
)
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.versions import content_version, recipe
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.evaluation.champion import Choice, Drop
    from ser_assets.serving.bundle import Contents

HOW_TO_ACCEPT = (
    "to put the new one in its place all the same, materialize champion_model with `accept_drop: true`: "
    "dagster asset materialize --select champion_model -m ser_assets.definitions --config-json "
    '\'{"ops": {"champion_model": {"config": {"accept_drop": true}}}}\''
)


class ChampionConfig(dg.Config):
    """What a person may decide."""

    accept_drop: bool = Field(
        default=False,
        description="Replace the champion even by one that is worse on unseen actors, beyond the 95 % interval.",
    )


class Candidate(NamedTuple):
    """Who would be champion by the scores of now, and how that compares with the champion that is in place.

    scores: of this model, every protocol. predictions: of it, as table `champion_predictions` keeps them. in_place: it
        is the champion already.
    """

    choice: "Choice"
    scores: "pd.DataFrame"
    predictions: "pd.DataFrame"
    drop: "Drop"
    in_place: bool


@dg.asset(deps=[metrics_report], backfill_policy=SINGLE_RUN, pool=POOL, kinds={"onnx"})
@foreseen_failures
@in_training_turn
def champion_model(
    context: dg.AssetExecutionContext,
    config: ChampionConfig,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult:
    """The best model on unseen actors, as one bundle under `models/champion/` that `ser-assets predict` opens.

    Not by a lead that may be luck: among those that the best does not beat beyond the 95 % interval, the smallest. One
    that is worse than the last champion, beyond the interval, does not take its place (check `no_regression`).
    """
    from ser_assets.serving.bundle import champion_folder, open_bundle, write_bundle

    remove_leftovers(settings.data_dir)
    require_current(settings, warehouse, drop_withdrawn(context, settings), kinds=("content", "label"))
    candidate = _candidate(settings, warehouse)
    folder = champion_folder(settings.data_dir)
    if candidate.drop.blocked and not config.accept_drop:
        context.log.warning(f"{folder} is left as it was: {candidate.drop.sentence}")
        return _result(folder, {"left as it was": candidate.drop.sentence})
    contents = _contents(candidate, settings, warehouse)
    with atomic_folder(folder) as part:
        write_bundle(part, contents, replaces=folder)
        bundle = open_bundle(part)
        for speaker_normalised in {False, bundle.has_speaker_normalised}:
            bundle.load(speaker_normalised=speaker_normalised)
    _keep_predictions(warehouse, candidate.predictions)
    context.log.info(f"{candidate.choice.reason}; bundle at {folder}")
    return _result(
        folder, {"against the last champion": candidate.drop.sentence} | rows_metadata(candidate.predictions)
    )


@dg.asset_check(asset=champion_model, blocking=True)
@foreseen_failures
def no_regression(settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """The model that would be champion by the scores of now is not worse than the champion, beyond the 95 % interval.

    By paired bootstrap over actors of the difference of UAR, on the takes that both evaluated.
    """
    candidate = _candidate(settings, warehouse)
    drop, sentence = candidate.drop, f"{candidate.choice.model}, the best by the scores of now"
    sentence = f"{sentence}, is the champion" if candidate.in_place else f"{sentence}: {drop.sentence}"
    if drop.blocked:
        sentence = f"{sentence}; the last champion stays in use; {HOW_TO_ACCEPT}"
    return dg.AssetCheckResult(passed=not drop.blocked, severity=ERROR, description=sentence)


def _candidate(settings: Settings, warehouse: Warehouse) -> Candidate:
    from ser_assets.learning.evaluation.champion import Drop, NotEvaluatedError, choose, drop

    for table in (SCORES, SCORE_DIFFERENCES, PREDICTIONS):
        if not warehouse.has_table(table):
            raise _failure(f"there is no table {table} in {warehouse.path}: materialize metrics_report first")
    scores = warehouse.query(f"FROM {SCORES}")
    sizes = _sizes(settings, scores["model"].unique().tolist())
    try:
        choice = choose(scores, warehouse.query(f"FROM {SCORE_DIFFERENCES}"), sizes)
    except NotEvaluatedError as error:
        raise _failure(f"{error}: materialize the models and metrics_report first") from error
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
    """Bytes of those models that are kept."""
    from ser_assets.serving.bundle import size_of

    sizes = {}
    for model in models:
        try:
            sizes[model] = size_of(settings.data_dir / "models" / RAW, model)
        except FileNotFoundError:
            continue
    return sizes


def _predictions(warehouse: Warehouse, choice: "Choice") -> "pd.DataFrame":
    """What the model said of unseen actors, with the recording behind each take."""
    from ser_assets.learning.evaluation.champion import PROTOCOL

    return warehouse.query(
        f"SELECT predicted.*, audio_hash FROM {PREDICTIONS} AS predicted JOIN ({USABLE_TAKES}) USING (take_id) "
        "WHERE model = ? AND protocol = ? AND fold_scheme = ? ORDER BY take_id",
        [choice.model, PROTOCOL, choice.fold_scheme],
    )


def _require_those_of_the_scores(choice: "Choice", scores: "pd.DataFrame", predictions: "pd.DataFrame") -> None:
    """Raise Failure where the model has been trained again since the report: its scores would be another's."""
    from ser_assets.learning.evaluation.champion import METRIC, PROTOCOL
    from ser_assets.learning.evaluation.scores import recall_by_emotion

    told = scores[
        (scores["protocol"] == PROTOCOL) & (scores["fold_scheme"] == choice.fold_scheme) & (scores["metric"] == METRIC)
    ].iloc[0]
    found = recall_by_emotion(predictions)["recall"].mean()
    if len(predictions) != told["takes"] or abs(found - told["value"]) > 1e-9:
        raise _failure(
            f"the scores of {choice.model} are of other predictions than those of now: materialize metrics_report again"
        )


def _require_features_of_now(choice: "Choice", warehouse: Warehouse) -> None:
    """Raise Failure where the model was trained on features that have been made anew: it heard otherwise than now."""
    with warehouse.reading() as connection:
        others = not_judged_once(connection, choice.model)
    if not others.empty:
        raise _failure(f"{choice.model} was trained on other takes or features than those of now: materialize it again")


def _last_predictions(settings: Settings, warehouse: Warehouse) -> "pd.DataFrame | None":
    """Predictions of the champion in place on unseen actors; None where there is none that may stay."""
    from ser_assets.serving.bundle import FACTS_FILE, champion_folder
    from ser_assets.serving.withdrawn import withdrawn_from

    folder = champion_folder(settings.data_dir)
    in_place = (folder / FACTS_FILE).exists() and withdrawn_from(folder) is None
    if not (in_place and warehouse.has_table(CHAMPION_PREDICTIONS)):
        return None
    return warehouse.query(f"FROM {CHAMPION_PREDICTIONS} ORDER BY take_id")


def _contents(candidate: Candidate, settings: Settings, warehouse: Warehouse) -> "Contents":
    from ser_assets.learning.speakers.profile import SpeakerPrior
    from ser_assets.serving.bundle import Contents, Preprocessing

    # Refuses features of other settings than those of now, which the bundle is about to promise.
    examples = load_examples(warehouse, settings)
    knobs = settings.model_dump(exclude=WITHOUT_EFFECT_ON_RESULTS)
    return Contents(
        model=candidate.choice.model,
        reason=candidate.choice.reason,
        models_dir=settings.data_dir / "models",
        speaker_normalised="speaker_normalised" in set(candidate.scores["protocol"]),
        prior=SpeakerPrior.learn(examples),
        preprocessing=Preprocessing(
            sampling_rate=settings.sampling_rate,
            trim_mode=settings.trim_mode,
            trim_top_db=settings.trim_top_db,
            minimum_clip_seconds=settings.minimum_clip_seconds,
        ),
        scores=candidate.scores,
        recipe=recipe(settings),
        settings={name: settings.as_text(name) for name in knobs},
        demo=bool(notice_of_demo(warehouse)),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _keep_predictions(warehouse: Warehouse, predictions: "pd.DataFrame") -> None:
    import pyarrow as pa

    with warehouse.writing() as connection:
        drop_other_emotions(connection, CHAMPION_PREDICTIONS, predictions)
        replace_rows(connection, CHAMPION_PREDICTIONS, pa.Table.from_pandas(predictions, preserve_index=False), {})


def _result(folder: Path, besides: dict[str, Any]) -> dg.MaterializeResult:
    """What is in the bundle that is in place: which, why, how large, how good, and its card."""
    import pandas as pd

    from ser_assets.reporting.summary import leaderboards, score_markdown
    from ser_assets.serving.bundle import CARD_FILE, FACTS_FILE

    facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
    scores = pd.DataFrame(facts["scores"]).assign(model=facts["model"]).astype({"low": float, "high": float})
    [values] = leaderboards(scores)[0].rows.values()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    metadata = {
        "champion": facts["model"],
        "why": facts["why"],
        **score_metadata("uar", values["uar"]),
        "megabytes": round(size / 1e6, 2),
        "scores": dg.MetadataValue.md(score_markdown(scores)),
        "model card": dg.MetadataValue.md((folder / CARD_FILE).read_text(encoding="utf-8")),
        "bundle": dg.MetadataValue.path(str(folder)),
    }
    # The date would make a new version of the same bundle.
    version = content_version({**facts, "date": None})
    return dg.MaterializeResult(metadata=metadata | besides, data_version=dg.DataVersion(version))


def _failure(reason: str) -> dg.Failure:
    return dg.Failure(description=reason, allow_retries=False)
