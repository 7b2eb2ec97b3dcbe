"""Personal data before the warehouse."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pytest

from include.gate.masking import keyed_hash, masked_text, normalised


def one(sql: str, value: str | None) -> object:
    row = duckdb.connect().execute(f"select {sql} from (select ?::varchar as x)", [value]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("key", [b"short", b"k" * 64, b"a key longer than one block of SHA-256 " * 3])
@pytest.mark.parametrize("text", ["a@b.cn", "王芳", "", "x" * 500])
def test_hash_is_hmac_sha256(key: bytes, text: str) -> None:
    assert one(keyed_hash("x", key), text) == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def test_no_value_has_no_hash() -> None:
    assert one(keyed_hash("x", b"k"), None) is None


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("email", " Wang.Fang@Example.COM ", "wang.fang@example.com"),
        ("email", "  ", None),
        ("phone", "138-1234-5678", "8613812345678"),
        ("phone", "+86 138 1234 5678", "8613812345678"),
        ("phone", "0086 13812345678", "8613812345678"),
        ("phone", "+1 415 555 2671", "14155552671"),
        ("phone", "１３８１２３４５６７８", "8613812345678"),
        ("phone", "12345", None),
        ("name", " 王芳 ", "王芳"),
    ],
)
def test_normalised(kind: str, text: str, expected: str | None) -> None:
    assert one(normalised("x", kind), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请回电13812345678谢谢", "请回电[phone]谢谢"),
        ("mail a.b+c@mail.example.com.cn!", "mail [e-mail]!"),
        ("身份证11010519491231002X。", "身份证[id number]。"),
        ("卡号6222 0212 3456 7890 123", "卡号[card number]"),
        ("电话１３８１２３４５６７８", "电话[phone]"),
        ("010-12345678", "[phone]"),
        ("tel13812345678x 8613812345678,008613812345678", "tel[phone]x [phone],[phone]"),
        ("+8613812345678 138.1234.5678 +1 (415) 555-2671", "[phone] [phone] [phone]"),
        ("a＠b．cn", "[e-mail]"),
        ("sfz11010519491231002Ｘ", "sfz[id number]"),
        ("run 1700000000000, batch 138123456789", "run 1700000000000, batch 138123456789"),
        ("2026-06-30 12:30:00, order 20260630, 5 of 10", "2026-06-30 12:30:00, order 20260630, 5 of 10"),
    ],
)
def test_masked(text: str, expected: str) -> None:
    assert one(masked_text("x"), text) == expected
