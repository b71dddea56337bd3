"""What has changed since the last training, for a tick of the schedule. Decodes and writes nothing."""

from collections.abc import Iterator, Mapping

import dagster as dg

from ser_assets.corpus.changes import changes
from ser_assets.corpus.interface import Corpus, Listing
from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.model_settings import model_settings, models_in_use
from ser_assets.settings import Settings
from ser_assets.storage.tables import EMBEDDINGS, FEATURES, RAW_VIDEOS, USABLE_TAKES, known_recordings, records
from ser_assets.storage.training_inputs import is_trained, training_fingerprint
from ser_assets.storage.versions import code_version, recipe
from ser_assets.storage.warehouse import Warehouse
from ser_assets.withdrawal.find import find_withdrawn


def reasons_to_run(settings: Settings, corpus: Corpus, warehouse: Warehouse, instance: dg.DagsterInstance) -> list[str]:
    """List the reasons to run, of the first step that has any; empty if everything is up to date.

    Raises:
        CorpusError: the corpus cannot be listed.
    """
    listing = corpus.listing()
    if reasons := list(_changes_of_corpus(settings, listing, warehouse)):
        return reasons
    if not listing.entries:
        return []
    if others := _of_other_recipes(warehouse, settings):
        return [f"features of {_counted(others, 'speaker')} made with other settings or by other code"]
    if unprepared := _without_features(warehouse):
        return [f"{_counted(unprepared, 'accepted take')} without features"]
    if settings.has_encoder and (unembedded := _without_embeddings(warehouse, settings)):
        return [f"{_counted(unembedded, 'accepted take')} without embeddings of the present encoder"]
    if untrained := list(_models_to_train(settings, warehouse)):
        return [f"{', '.join(untrained)} not trained on the present features, settings and code"]
    return list(_outdated(instance, tuple(models_in_use(settings))))


def _changes_of_corpus(settings: Settings, listing: Listing, warehouse: Warehouse) -> Iterator[str]:
    """Count changes without names of recordings: the reasons stay in the history after a recording is withdrawn."""
    if withdrawn := find_withdrawn(settings, listing):
        yield f"{_counted(withdrawn.count or len(withdrawn.rows), 'recording')} left the corpus"
    known = known_recordings(warehouse, code_version("raw_videos", settings))
    found = list(changes(listing, {actor: known.get(actor, {}) for actor in listing.entries}))
    kinds = {"new": "new", "content": "with other content", "label": "with another label"}
    for kind, description in kinds.items():
        if own := [change for change in found if change.kind == kind]:
            actors = {change.actor for change in own}
            yield f"{_counted(len(own), 'recording')} {description}, of {_counted(len(actors), 'speaker')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _without_features(warehouse: Warehouse) -> int:
    """Count the usable takes without features, or with features of another recording only."""
    if not warehouse.has_table(FEATURES):
        return len(records(warehouse, RAW_VIDEOS, "status = 'accepted'", columns=["take_id"]))
    with_features = f"FROM {FEATURES} WHERE variant = 0"
    rows = warehouse.query_arrow(f"FROM ({USABLE_TAKES}) ANTI JOIN ({with_features}) USING (take_id, audio_hash)")
    return rows.num_rows


def _without_embeddings(warehouse: Warehouse, settings: Settings) -> int:
    """Count the usable takes without embeddings made with the present encoder, settings and code."""
    if not warehouse.has_table(EMBEDDINGS):
        return len(records(warehouse, RAW_VIDEOS, "status = 'accepted'", columns=["take_id"]))
    embedded = f"FROM {EMBEDDINGS} WHERE variant = 0 AND recipe = ?"
    rows = warehouse.query_arrow(
        f"FROM ({USABLE_TAKES}) ANTI JOIN ({embedded}) USING (take_id, audio_hash)", [recipe(settings, EMBEDDINGS)]
    )
    return rows.num_rows


def _of_other_recipes(warehouse: Warehouse, settings: Settings) -> int:
    return len(records(warehouse, FEATURES, "recipe != ?", [recipe(settings)], columns=["DISTINCT actor"]))


def _models_to_train(settings: Settings, warehouse: Warehouse) -> Iterator[str]:
    for name, of_model in model_settings(settings).items():
        if not is_trained(name, training_fingerprint(name, of_model, settings, warehouse), settings, warehouse):
            yield name


def _outdated(instance: dg.DagsterInstance, models: tuple[str, ...]) -> Iterator[str]:
    """List what is older than the models behind it, because a run ended before making it."""
    dependencies: Mapping[str, tuple[str, ...]] = {
        ENSEMBLE: models,
        "metrics_report": (*models, ENSEMBLE),
        "champion_model": ("metrics_report",),
    }
    made = {}
    for name in {*dependencies, *models}:
        event = instance.get_latest_materialization_event(dg.AssetKey(name))
        made[name] = event.timestamp if event else 0.0
    for name, sources in dependencies.items():
        if newer := [source for source in sources if made[source] > made[name]]:
            yield f"{name} is older than {', '.join(newer)}"
