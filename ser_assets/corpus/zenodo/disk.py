"""What a download needs on disk, what is there already, and whether there is room."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ser_assets.corpus.zenodo.archives import Archive, What
from ser_assets.corpus.zenodo.unpacking import refuse_full_disk

_SIZES = TypeAdapter(dict[str, int])


BOMB_FACTOR = 2


@dataclass(frozen=True)
class DownloadRequest:
    """Which recordings are wanted, from where, and where they go; `at_once` archives are on their way together."""

    what: What
    actors: Collection[str]
    base_url: str
    raw_dir: Path
    downloads_dir: Path
    with_video_only: bool = False
    keep_archives: bool = False
    at_once: int = 3


@dataclass(frozen=True)
class ArchiveJob:
    """An archive to be fetched, and the files in it to be unpacked, `Actor_NN/….mp4`."""

    archive: Archive
    files: tuple[str, ...]
    there_bytes: int

    @property
    def remaining_bytes(self) -> int:
        """What is still to come over the line."""
        return self.archive.bytes - self.there_bytes

    @property
    def unpacked_bytes(self) -> int:
        """About what the files will take."""
        return self.archive.unpacked_bytes * len(self.files) // len(self.archive.files())


def refuse_full_disks(order: DownloadRequest, errands: Sequence[ArchiveJob]) -> None:
    """Raise DownloadError unless there is room for what stays and for the archives that are there at one time."""
    remaining = sorted((errand.remaining_bytes for errand in errands), reverse=True)
    archives = sum(remaining if order.keep_archives else remaining[: order.at_once])
    recordings = sum(errand.unpacked_bytes for errand in errands)
    if order.raw_dir.stat().st_dev == order.downloads_dir.stat().st_dev:
        refuse_full_disk(order.raw_dir, archives + recordings)
    else:
        refuse_full_disk(order.raw_dir, recordings)
        refuse_full_disk(order.downloads_dir, archives)


def bytes_there(order: DownloadRequest, archive: Archive) -> int:
    """Bytes of an archive that are on disk already, whole or in part."""
    paths = (order.downloads_dir / archive.name, order.downloads_dir / f"{archive.name}.part")
    return min(archive.bytes, next((path.stat().st_size for path in paths if path.exists()), 0))


def is_there(path: Path, size: int | None, archive: Archive) -> bool:
    """Whether a recording is on disk; without a stored size, one that is large enough counts."""
    if not path.exists():
        return False
    found = path.stat().st_size
    return found >= archive.smallest_take if size is None else found == size


def sizes_unpacked(order: DownloadRequest, archive: Archive) -> dict[str, int]:
    """Bytes of each file that was unpacked from an archive, as far as that is remembered."""
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):
        return _SIZES.validate_json(_memory(order, archive).read_bytes())
    return {}


def remember_sizes(order: DownloadRequest, archive: Archive, sizes: Mapping[str, int]) -> None:
    """Store the size of each unpacked file beside the downloads."""
    memory = _memory(order, archive)
    part = memory.with_name(f"{memory.name}.part")
    part.write_bytes(_SIZES.dump_json({**sizes_unpacked(order, archive), **sizes}, indent=1))
    part.replace(memory)


def _memory(order: DownloadRequest, archive: Archive) -> Path:
    return order.downloads_dir / f"{archive.name}.json"
