"""The command that removes a speaker."""

import click

from ser_assets.cli.terminal import read_corpus, read_settings

SHOWN = 5
MOST_NAMED = 30


@click.command()
@click.argument("speaker")
def forget(speaker: str) -> None:
    """Remove everything that is stored of SPEAKER now, and keep the speaker out of every later run.

    Removes rows, clips, features, pictures, predictions and evaluation, and the models that were trained on them. The
    champion stays in use, marked, until `ser-assets run` has trained a new one. Recordings and downloaded archives are
    yours and stay; they are named, so that you can remove them. Exit code 1 if nothing is known of the speaker.
    """
    from ser_assets.corpus.forgotten import FORGOTTEN_FILE, forgotten_speakers
    from ser_assets.history import open_history
    from ser_assets.storage.warehouse import WarehouseBusyError, WarehouseDamagedError
    from ser_assets.withdrawal import find_speaker, forget

    settings = read_settings()
    corpus = read_corpus(settings)
    if settings.corpus == "ravdess" and speaker.isdecimal():
        speaker = f"{int(speaker):02d}"
    try:
        known = speaker in corpus.listing().entries or speaker in forgotten_speakers(settings.data_dir)
        if not (known or find_speaker(settings, speaker)):
            raise click.ClickException(
                f"nothing is stored of {speaker!r}, and the corpus has no recording of this speaker; there are "
                f"{', '.join(map(repr, corpus.actors[:MOST_NAMED]))}{' …' if len(corpus.actors) > MOST_NAMED else ''}"
            )
        with open_history() as instance:
            removed, recordings = forget(settings, corpus, speaker, instance)
    except (WarehouseBusyError, WarehouseDamagedError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for table, rows in sorted(removed.tables.items()):
        click.echo(f"table {table}: {rows} rows removed")
    for path in removed.files:
        click.echo(f"{path}: {'rewritten' if path.exists() else 'removed'}")
    click.echo(
        f"{settings.data_dir / FORGOTTEN_FILE}: names {speaker}; no run uses this speaker until you remove the line"
    )
    if removed.champion_marked:
        click.echo("the champion was trained on this speaker and says so until `ser-assets run` has trained a new one")
    if recordings:
        click.echo(
            f"{len(recordings)} recordings of {speaker} are still there; remove them yourself, and archives in "
            f"{settings.downloads_dir}:"
        )
        for path in recordings[:SHOWN]:
            click.echo(f"  {path}")
        if len(recordings) > SHOWN:
            click.echo(f"  and {len(recordings) - SHOWN} more")
