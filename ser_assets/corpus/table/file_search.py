"""Files that a table names: in any Unicode form, with backslashes, or from the home folder."""

import os
import re
import unicodedata
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


class NotAFileError(ValueError):
    """A path that cannot name one file; the message says why, and goes on where the row ends."""


class FileSearch:
    """Finds files under a folder by the path that a table has for them; each folder is listed once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listed: dict[str, dict[str, list[str]]] = {}

    def find(self, text: str) -> Path:
        """The file that a path names; where there is none, the path itself.

        A file of exactly this name goes before one whose name is the same text in another Unicode form (é as one letter
        or as two). If neither is there, the path is tried without spaces around it, from the home folder (`~/`), and
        with / for every backslash.

        Raises:
            NotAFileError: the path is an address of the web, or several files have this name in other Unicode forms.
        """
        stripped = text.strip()
        variants = dict.fromkeys([text, stripped, _from_home(stripped), stripped.replace("\\", "/")])
        for variant in variants:
            if os.path.lexists(self.root / variant):
                return self.root / variant
        for variant in variants:
            found = self._in_any_form(variant)
            if len(found) > 1:
                raise NotAFileError(f"names several files, in other Unicode forms: {' and '.join(map(ascii, found))}")
            if found:
                return Path(found[0])
        if _ADDRESS.match(stripped):
            raise NotAFileError("has an address of the web for a path: download the file, and name it here")
        return self.root / stripped

    def _in_any_form(self, text: str) -> list[str]:
        """The files whose paths are the same text, with each part as the disk has it."""
        found = ["/" if text.startswith("/") else str(self.root)]
        for part in filter(None, text.split("/")):
            found = [f"{folder.rstrip('/')}/{name}" for folder in found for name in self._names(folder, part)]
        return [path for path in found if os.path.lexists(path)]

    def _names(self, folder: str, name: str) -> list[str]:
        """The names in a folder that are the same text as a name."""
        if folder not in self._listed:
            names: dict[str, list[str]] = defaultdict(list)
            # What cannot be listed may still be entered by the name as it is written.
            with suppress(OSError), os.scandir(folder) as entries:
                for each in entries:
                    names[unicodedata.normalize("NFC", each.name)].append(each.name)
            self._listed[folder] = names
        return self._listed[folder].get(unicodedata.normalize("NFC", name), [name])


def _from_home(text: str) -> str:
    # There may be no home folder, and no user of that name.
    with suppress(RuntimeError):
        return str(Path(text).expanduser()) if text.startswith("~") else text
    return text
