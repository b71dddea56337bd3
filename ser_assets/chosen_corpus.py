"""The corpus that the settings name, opened."""

from ser_assets.corpus.forgotten import WithoutForgotten, forgotten_speakers
from ser_assets.corpus.interface import Corpus, CorpusError
from ser_assets.corpus.registry import CORPORA, TABLE
from ser_assets.corpus.table.corpus import Table
from ser_assets.settings import Settings


def corpus_of(settings: Settings) -> Corpus:
    """Open the corpus that `SER_CORPUS` names, without the speakers who are forgotten.

    Raises:
        CorpusError: `SER_CORPUS_TABLE` names no table; or the list of the forgotten cannot be read.
    """
    corpus: Corpus = _table(settings) if settings.corpus == TABLE else CORPORA[settings.corpus](settings.raw_dir)
    forgotten = forgotten_speakers(settings.corpus_dir)
    return WithoutForgotten(corpus, forgotten) if forgotten else corpus


def _table(settings: Settings) -> Table:
    if settings.corpus_table is None:
        raise CorpusError(
            "SER_CORPUS=table needs SER_CORPUS_TABLE: the CSV, Excel or Parquet file that lists the recordings"
        )
    return Table(settings.corpus_table, distinct_speakers=settings.distinct_speakers)
