"""Names and texts as parts of DuckDB SQL, and its errors as text."""

import errno
import re

_OF_THE_MACHINE = re.compile(
    "No space left on device|Disk quota exceeded|failed to offload data block|Too many open files"
)


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def in_list(texts: list[str] | tuple[str, ...]) -> str:
    """Texts as what stands in the brackets of IN."""
    return ", ".join(literal(text) for text in texts)


def error_text(error: object) -> str:
    """What an error of the database says: its first line, without the values that it quotes (they may be personal)."""
    first = (str(error).splitlines() or [""])[0]
    return re.sub(r"'[^']*'?|\"[^\"]*\"?", "'…'", first)


def raise_machine_fault(error: Exception) -> None:
    """Let an error go up that speaks of this machine (a full disk, say): no delivery is to blame for it.

    Raises:
        OSError: it does.
    """
    if _OF_THE_MACHINE.search(str(error)):
        raise OSError(errno.ENOSPC, str(error)) from error
