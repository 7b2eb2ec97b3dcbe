"""Personal data before the warehouse: keyed hashes and masks, as SQL, so that rows never pass through Python."""

from __future__ import annotations

import hashlib

HIDDEN = "***"
_BLOCK = 64  # bytes of a SHA-256 block
_FULL_WIDTH = ("０１２３４５６７８９＠．＋－Ｘｘ", "0123456789@.+-Xx")
# A number begins and ends where its digits do, also right beside a letter (`\b` alone finds no edge in tel138…).
_EDGE = r"(\b|[A-Za-z_])"
# RE2 patterns, longest first: an identity number is not to be taken for a telephone number.
_PATTERNS = (
    (r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+", "[e-mail]"),
    (rf"{_EDGE}\d{{17}}[\dXx]{_EDGE}", r"\1[id number]\2"),
    (rf"{_EDGE}\d{{4}}(?:[ -]?\d{{4}}){{3}}(?:[ -]?\d{{1,3}})?{_EDGE}", r"\1[card number]\2"),
    (rf"\+?{_EDGE}(?:00)?(?:86[ -]?)?1[3-9]\d[ .-]?\d{{4}}[ .-]?\d{{4}}{_EDGE}", r"\1[phone]\2"),
    (rf"\+\d{{1,3}}[ -]?\(?\d{{2,4}}\)?(?:[ -]?\d{{2,4}}){{2,4}}{_EDGE}", r"[phone]\1"),
    (rf"{_EDGE}0\d{{2,3}}[) -]{{0,2}}\d{{7,8}}{_EDGE}", r"\1[phone]\2"),
)


def masked_text(expression: str) -> str:
    """SQL of a text without e-mail addresses, telephone, identity and card numbers (full-width digits too)."""
    sql = _half_width(expression)
    for pattern, word in _PATTERNS:
        sql = f"regexp_replace({sql}, '{pattern}', '{word}', 'g')"
    return sql


def _half_width(expression: str) -> str:
    return f"translate({expression}, '{_FULL_WIDTH[0]}', '{_FULL_WIDTH[1]}')"


def normalised(expression: str, kind: str) -> str:
    """SQL of what is hashed: an e-mail trimmed and in lower case, a phone as digits with country code, else trimmed.

    A telephone number of 11 digits that begins with 1 and has no + is Chinese and gets 86; one with
    fewer than 7 digits is none.
    """
    if kind == "email":
        return f"nullif(lower(trim({_half_width(expression)})), '')"
    if kind == "phone":
        expression = _half_width(expression)
        digits = f"regexp_replace(regexp_replace({expression}, '\\D', '', 'g'), '^00', '')"
        return (
            f"case when length({digits}) < 7 then null "
            f"when length({digits}) = 11 and {digits} like '1%' and trim({expression}) not like '+%' "
            f"then '86' || {digits} else {digits} end"
        )
    return f"nullif(trim({expression}), '')"


def keyed_hash(expression: str, key: bytes) -> str:
    """SQL of HMAC-SHA-256 (RFC 2104) of a text, in hex; null for null."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = _blob(bytes(byte ^ 0x36 for byte in block))
    outer = _blob(bytes(byte ^ 0x5C for byte in block))
    return f"sha256({outer} || unhex(sha256({inner} || encode({expression}))))"


def _blob(content: bytes) -> str:
    return f"unhex('{content.hex()}')"
