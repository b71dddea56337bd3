"""The command `forget`, which removes a speaker."""

import click

from ser_assets.cli.terminal import read_settings

SHOWN = 5
MOST_LISTED = 30


@click.command()
@click.argument("speaker")
def forget(speaker: str) -> None:
    """Remove everything that is stored of SPEAKER now, and exclude the speaker from every later run.

    Removes rows, clips, features, thumbnails, predictions, scores, and the models that were trained on them. The
    champion stays in use, marked, until `ser-assets run` has trained a new one. Recordings and downloaded archives
    stay; the command lists them, so that you can remove them. Exit code 1 if the speaker is unknown.
    """
    from ser_assets.chosen_corpus import corpus_of
    from ser_assets.corpus.forgotten import FORGOTTEN_FILE, WithoutForgotten, forgotten_speakers
    from ser_assets.corpus.interface import CorpusError
    from ser_assets.corpus.spelling import name_key, plain
    from ser_assets.history import open_history
    from ser_assets.storage.warehouse import WarehouseBusyError, WarehouseDamagedError
    from ser_assets.withdrawal.find import find_speaker
    from ser_assets.withdrawal.withdraw import forget

    settings = read_settings()
    try:
        corpus = corpus_of(settings)
        if isinstance(corpus, WithoutForgotten):
            # Data and recordings of a speaker who was forgotten before may still exist.
            corpus = corpus.corpus
        listed = corpus.listing().entries
        alike = [actor for actor in corpus.actors if name_key(actor) == name_key(speaker)]
        speaker = alike[0] if len(alike) == 1 else plain(speaker)
        known = speaker in listed or speaker in forgotten_speakers(settings.corpus_dir)
        if not (known or find_speaker(settings, speaker)):
            raise click.ClickException(
                f"nothing is stored of {speaker!r}, and the corpus has no recording of this speaker; the corpus has "
                f"{', '.join(map(repr, corpus.actors[:MOST_LISTED]))}{' …' if len(corpus.actors) > MOST_LISTED else ''}"
            )
        with open_history() as instance:
            unfinished = [run.run_id[:8] for run in instance.get_runs() if not run.is_finished]
            removed, recordings = forget(settings, corpus, speaker, instance)
    except (CorpusError, WarehouseBusyError, WarehouseDamagedError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for table, rows in sorted(removed.tables.items()):
        click.echo(f"table {table}: {rows} rows removed")
    for path in removed.files:
        click.echo(f"{path}: {'rewritten' if path.exists() else 'removed'}")
    click.echo(
        f"{settings.corpus_dir / FORGOTTEN_FILE}: lists {speaker}; no run uses this speaker until you remove the line"
    )
    if removed.champion_marked:
        click.echo(
            "the champion was trained on this speaker and is marked until `ser-assets run` has trained a new one"
        )
    if unfinished:
        click.echo(
            f"runs {', '.join(unfinished)} are not finished and may still write to their logs: run "
            f"`ser-assets forget {speaker}` again when they have ended"
        )
    if recordings:
        click.echo(
            f"{len(recordings)} recordings of {speaker} still exist; remove them yourself, and archives in "
            f"{settings.downloads_dir}:"
        )
        for path in recordings[:SHOWN]:
            click.echo(f"  {path}")
        if len(recordings) > SHOWN:
            click.echo(f"  and {len(recordings) - SHOWN} more")
