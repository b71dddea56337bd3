"""Stored assets: one Parquet file per actor, `<asset>/actor_NN.parquet`, sorted by take, updated take by take.

Each row has in `input_fingerprint` a hash of what its take was made from, so that a later run makes only the
takes that have changed.
"""

import glob
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_assets.storage.batches import Batch, batches_of
from ser_assets.storage.files import actor_of, atomic_file, file_stem, set_aside_if_possible

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class ClipsMissingError(FileNotFoundError):
    """The clips of an actor are not there; the message names the file and the remedy."""


class ClipsDamagedError(ClipsMissingError):
    """The file of an actor was damaged, and has been set aside; the message names it and the remedy."""


@dataclass(frozen=True)
class ActorFiles:
    """The Parquet files of one corpus, in its folder."""

    folder: Path

    def path(self, asset: str, actor: str) -> Path:
        """File of one actor, whose name differs from that of any other by more than case."""
        return self.folder / asset / f"{file_stem(actor)}.parquet"

    def write(
        self,
        asset: str,
        actor: str,
        made: Iterable[tuple[Batch, "pa.Table | None"]],
        schema: "pa.Schema",
        recipe: str,
    ) -> Path:
        """Put an actor's rows in the place of those that were there: the takes kept, and the ones made, as they come.

        Args:
            asset: that stores them.
            actor: whose clips they are.
            made: every batch with the rows of the takes that were made, if any.
            schema: of the rows.
            recipe: tells how, from the recordings on.
        """
        import pyarrow.parquet as pq

        path = self.path(asset, actor)
        schema = schema.with_metadata({**(schema.metadata or {}), "recipe": recipe})
        with (
            atomic_file(path) as part,
            _opened(path) as old,
            pq.ParquetWriter(part, schema, compression="zstd", write_page_checksum=True) as writer,
        ):
            for batch, new in made:
                rows = _merged(old, path, batch, new, schema)
                writer.write_table(rows, row_group_size=max(rows.num_rows, 1))
        self.picture_path(asset, actor).unlink(missing_ok=True)
        return path

    def rows(
        self, asset: str, actor: str, takes: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> "pa.Table":
        """Read an actor's rows, of all takes or of some, in the order of take and variant.

        Raises:
            ClipsMissingError: there are none.
            ClipsDamagedError: the file is damaged, and is set aside.
        """
        path = self.path(asset, actor)
        if not path.exists():
            raise ClipsMissingError(f"no {asset} of actor {actor} at {path}: materialize {asset} for {actor} first")
        return _read(path, path, takes, columns)

    def input_fingerprint(self, asset: str, actor: str) -> dict[str, str]:
        """What each stored take was made from; empty without a file, or with a damaged one."""
        try:
            return _by_take(self.rows(asset, actor, columns=["take_id", "input_fingerprint"]), "input_fingerprint")
        except ClipsDamagedError as error:
            logging.getLogger(__name__).warning("%s", error)
            return {}
        except ClipsMissingError:
            return {}

    def emotions(self, asset: str, actor: str) -> dict[str, str]:
        """Tell the emotion of each of an actor's takes; raises `ClipsMissingError` as `rows` does."""
        return _by_take(self.rows(asset, actor, columns=["take_id", "emotion"]), "emotion")

    def recipe(self, asset: str, actor: str) -> str:
        """How the stored rows were made; empty if there are none that can be read."""
        try:
            metadata = self.rows(asset, actor, columns=["take_id"]).schema.metadata or {}
        except ClipsMissingError:
            return ""
        return metadata.get(b"recipe", b"").decode()

    def labels(self, asset: str, actor: str) -> "pd.DataFrame":
        """Read everything about an actor's clips but their sound; no rows where there are no clips."""
        import pandas as pd
        import pyarrow.parquet as pq

        path = self.path(asset, actor)
        if not path.exists():
            return pd.DataFrame()
        with _damage_set_aside(path):
            columns = [name for name in pq.read_schema(path).names if name != "audio"]
        return self.rows(asset, actor, columns=columns).to_pandas()

    def query(
        self, asset: str, sql: str, parameters: Sequence[Any] = (), *, actors: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Ask the clips of these actors, as the table `clips`, in SQL; no rows where there are no clips.

        Raises:
            ClipsDamagedError: a file is damaged, and is set aside.
        """
        import duckdb

        paths = (self.path(asset, actor) for actor in actors)
        files = [glob.escape(str(path)) for path in paths if path.exists()]
        if not files:
            return []
        try:
            with duckdb.connect(":memory:") as connection:
                connection.from_parquet(files).create_view("clips")
                return connection.sql(sql, params=list(parameters)).to_arrow_table().to_pylist()
        except duckdb.Error:
            self.verify(asset)
            raise

    def actors(self, asset: str) -> list[str]:
        """Name the actors who have a file, sorted."""
        paths = (self.folder / asset).glob("actor_*.parquet")
        return sorted(map(actor_of, paths))

    def remove_takes(self, asset: str, actor: str, takes: Collection[str]) -> list[Path]:
        """Remove takes from the file of an actor; a file that would be empty goes. Returns the files that changed."""
        import pyarrow.parquet as pq

        path, picture = self.path(asset, actor), self.picture_path(asset, actor)
        changed = [each for each in (path, picture) if each.exists()]
        kept = {take: made for take, made in self.input_fingerprint(asset, actor).items() if take not in takes}
        if kept:
            batches = batches_of(actor, kept, {}, {})
            unchanged = [(replace(batch, kept=frozenset(batch.input_fingerprint)), None) for batch in batches]
            schema = pq.read_schema(path)
            about = {key: value for key, value in (schema.metadata or {}).items() if key != b"recipe"}
            self.write(asset, actor, unchanged, schema.with_metadata(about), self.recipe(asset, actor))
        else:
            path.unlink(missing_ok=True)
        picture.unlink(missing_ok=True)
        return changed

    def verify(self, asset: str) -> None:
        """Read all files of an asset to the end; raises `ClipsDamagedError` at the first that is damaged."""
        for path in sorted((self.folder / asset).glob("actor_*.parquet")):
            _read(path, path, None)

    def write_picture(self, asset: str, actor: str, png: bytes) -> None:
        """Keep a picture of an actor's clips beside them."""
        with atomic_file(self.picture_path(asset, actor)) as part:
            part.write_bytes(png)

    def picture_path(self, asset: str, actor: str) -> Path:
        """Picture of an actor's clips."""
        return self.path(asset, actor).with_suffix(".png")


def _read(
    source: "Path | pa.NativeFile", path: Path, takes: Sequence[str] | None, columns: Sequence[str] | None = None
) -> "pa.Table":
    import pyarrow.parquet as pq

    chosen = None if takes is None else [("take_id", "in", list(takes))]
    with _damage_set_aside(path):
        if columns and (missing := set(columns) - set(pq.read_schema(source).names)):
            detail = f"{path} lacks {', '.join(sorted(missing))}: another version made it, and this one makes it again"
            raise ClipsMissingError(detail)
        return pq.read_table(source, columns=columns, filters=chosen, page_checksum_verification=True)


@contextmanager
def _damage_set_aside(path: Path) -> Iterator[None]:
    """Set a file aside that proves to be damaged when it is read."""
    import pyarrow as pa

    try:
        read = path.stat().st_ino
    except FileNotFoundError:
        read = None
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        # What the system could not do has a number; what Arrow could not make sense of has none.
        if isinstance(error, ClipsMissingError | pa.ArrowMemoryError) or getattr(error, "errno", None) is not None:
            raise
        reason = str(error).partition("\n")[0]
        if not path.exists() or path.stat().st_ino != read:
            raise ClipsMissingError(f"{path} was damaged ({reason}), and another run replaced it: run again") from error
        aside = set_aside_if_possible(path)
        made_again = f"materialize {path.parent.name} for {actor_of(path)} again"
        raise ClipsDamagedError(
            f"{path} was damaged ({reason}) and {aside}: {made_again}, or `ser-assets run`"
        ) from error


def _by_take(rows: "pa.Table", column: str) -> dict[str, str]:
    """A column that is the same in all rows of a take, by take."""
    return dict(zip(rows["take_id"].to_pylist(), rows[column].to_pylist(), strict=True))


@contextmanager
def _opened(path: Path) -> "Iterator[pa.NativeFile | None]":
    """Hold on to a file, if there is one, even when another run puts a new one in its place."""
    import pyarrow as pa

    if not path.exists():
        yield None
        return
    with pa.OSFile(str(path)) as file:
        yield file


def _merged(
    old: "pa.NativeFile | None", path: Path, batch: Batch, new: "pa.Table | None", schema: "pa.Schema"
) -> "pa.Table":
    """The rows of a batch, those kept and those made, in the same order whatever was kept."""
    import pyarrow as pa

    parts = [new] if new is not None else []
    if batch.kept and old is not None:
        parts.append(_read(old, path, sorted(batch.kept)))
    rows = pa.concat_tables([part.cast(schema) for part in parts]) if parts else schema.empty_table()
    if _by_take(rows, "input_fingerprint") != batch.input_fingerprint:
        raise ClipsMissingError(f"{path}, or what it is made from, changed while it was being made: run again")
    if len(parts) > 1:
        rows = rows.sort_by([("take_id", "ascending"), ("variant", "ascending")])
    return rows.combine_chunks()
