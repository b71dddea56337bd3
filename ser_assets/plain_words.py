"""One sentence for the user about an exception."""

import errno


def in_plain_words(error: Exception) -> str:
    """Describe an exception for the user; empty for a fault of this program.

    Examples:
        >>> in_plain_words(MemoryError())
        'out of memory: close other programs, or try SER_WORKERS=1'
        >>> in_plain_words(KeyError("model"))
        ''
    """
    module = type(error).__module__
    if module.startswith("ser_assets."):
        # Exceptions of this package name the file, the reason and the remedy.
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
