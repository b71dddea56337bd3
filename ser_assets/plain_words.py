"""What an exception means to the user, in one sentence."""

import errno


def in_plain_words(error: Exception) -> str:
    """What an exception means to the user; empty for one that tells of a fault in this program."""
    module = type(error).__module__
    if module.startswith("ser_assets."):
        # Our own exceptions name the file, the reason and the remedy.
        return str(error)
    if isinstance(error, UnicodeEncodeError):
        name = ascii(error.object)[1:-1]
        return f"{name} cannot be written in {error.encoding}, the encoding of this system: set PYTHONUTF8=1"
    if isinstance(error, OSError) and error.errno is not None:
        remedy = {errno.ENOSPC: ": free some space", errno.EROFS: ": choose another folder with SER_DATA_DIR"}
        what = f"{error.filename}: " if error.filename else ""
        return f"{what}{error.strerror}{remedy.get(error.errno, '')}"
    if module in ("duckdb", "_duckdb") and type(error).__name__ == "IOException":
        return str(error).partition("\n")[0]
    if isinstance(error, MemoryError):
        return "out of memory: close other programs, or try SER_WORKERS=1"
    return ""
