"""Names and texts as parts of DuckDB SQL."""


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string literal."""
    return "'" + text.replace("'", "''") + "'"


def in_list(texts: list[str] | tuple[str, ...]) -> str:
    """Texts as what stands in the brackets of IN."""
    return ", ".join(literal(text) for text in texts)
