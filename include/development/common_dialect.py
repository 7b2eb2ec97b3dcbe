"""What SQL the models may use: the part that DuckDB, Spark and PostgreSQL share, as a closed list.

Anything else belongs into a macro that `adapter.dispatch` finds (`duckdb__…`); what such a macro writes is not judged
here, for `compiled_models` puts a call named `dispatched_…` in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokens import TokenType

DISPATCHED = "dispatched_"

# Building blocks of a query, named as sqlglot names the nodes of its tree.
_STRUCTURE = (
    exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.GroupingSets, exp.Grouping, exp.Having, exp.Order,
    exp.Ordered, exp.Limit, exp.With, exp.CTE, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.Distinct,
    exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Values, exp.Tuple, exp.Paren,
    exp.Literal, exp.Boolean, exp.Null, exp.Case, exp.If, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Interval,
    exp.Var, exp.Window, exp.WindowSpec, exp.Filter, exp.Exists,
)  # fmt: skip
_OPERATORS = (
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is, exp.Like,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.DPipe,
)  # fmt: skip
_FUNCTIONS = (
    exp.Abs, exp.Asin, exp.Avg, exp.Ceil, exp.Coalesce, exp.Concat, exp.Count, exp.DenseRank, exp.Exp, exp.Extract,
    exp.FirstValue, exp.Floor, exp.Greatest, exp.Lag, exp.LastValue, exp.Lead, exp.Least, exp.Length, exp.Ln,
    exp.Lower, exp.Max, exp.Min, exp.Ntile, exp.Nullif, exp.Pow, exp.Rank, exp.Replace, exp.Round, exp.RowNumber,
    exp.Sqrt, exp.Substring, exp.Sum, exp.Trim, exp.Upper,
)  # fmt: skip
ALLOWED = frozenset(_STRUCTURE + _OPERATORS + _FUNCTIONS)
# As sqlglot names them: DuckDB's TIMESTAMP is TIMESTAMPNTZ there, `interval` in an expression is INTERVAL.
TYPES = frozenset(
    {
        "BIGINT",
        "INT",
        "DECIMAL",
        "DOUBLE",
        "VARCHAR",
        "TEXT",
        "BOOLEAN",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMPNTZ",
        "INTERVAL",
    }
)
_JOINS = frozenset({"", "INNER", "CROSS", "OUTER"})


@dataclass(frozen=True)
class Fault:
    """What a statement uses that is not common; `text` is the place in it, shortened."""

    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.what}: {self.text}"


def faults_of(sql: str, *, reads_sources: bool = False, is_hook: bool = False) -> list[Fault]:
    """All that compiled statements use beyond the common dialect, each kind and place once.

    `reads_sources`: it is a staging model. A source is read where its files lie (`external_location`), so there its
    relation is a table function. `is_hook`: of statements that make, fill or drop tables the queries are judged.
    """
    try:
        found = _faults_of_tokens(sql)
        trees = sqlglot.parse(sql, read="duckdb")
    except (ParseError, TokenError) as error:
        return [Fault("can't be parsed", str(error).splitlines()[0])]
    for parsed in trees:
        if parsed is None:
            return [Fault("no statement", sql[:60])]
        tree = parsed
        if is_hook and isinstance(parsed, exp.Drop):
            continue
        if is_hook and isinstance(parsed, (exp.Create, exp.Insert)):
            tree = parsed.expression
        if reads_sources:
            tree = tree.transform(lambda node: exp.null() if isinstance(node, exp.ReadParquet) else node)
        found += [Fault(what, node.sql(dialect="duckdb")[:80]) for node in tree.walk() if (what := _fault(node))]
    return list(dict.fromkeys(found))


def _faults_of_tokens(sql: str) -> list[Fault]:
    """What the tree doesn't show: `::` is a cast there, and `from t select a` any other select."""
    found = []
    before = None
    for token in sqlglot.tokenize(sql, read="duckdb"):
        if token.token_type == TokenType.DCOLON:
            found.append(Fault("cast written as ::", _around(sql, token.start)))
        if token.token_type == TokenType.FROM and (before is None or before.token_type == TokenType.L_PAREN):
            found.append(Fault("from before select", _around(sql, token.start)))
        before = token
    return found


def _fault(node: exp.Expr) -> str | None:
    """What is not common about one node, None if nothing is."""
    if isinstance(node, exp.Anonymous):
        return None if node.name.startswith(DISPATCHED) else f"function {node.name}"
    if type(node) not in ALLOWED:
        return f"function {node.sql_name()}" if isinstance(node, exp.Func) else type(node).__name__
    for kind, judge in _DETAILS.items():
        if isinstance(node, kind):
            return judge(node)
    return None


def _of_star(node: exp.Expr) -> str | None:
    changed = [name for name in ("except_", "except", "replace", "rename") if node.args.get(name)]
    return "a star that leaves out, replaces or renames" if changed else None


def _of_join(node: exp.Expr) -> str | None:
    words = {str(node.args.get(name) or "").upper() for name in ("kind", "method")}
    return None if words <= _JOINS else f"{' '.join(sorted(words)).strip()} join"


def _of_select(node: exp.Expr) -> str | None:
    return None if node.expressions else "select without columns"


def _of_distinct(node: exp.Expr) -> str | None:
    return "distinct on" if node.args.get("on") else None


def _of_group(node: exp.Expr) -> str | None:
    return "group by all" if node.args.get("all") else None


def _of_ordered(node: exp.Expr) -> str | None:
    return "order by all" if isinstance(node.this, exp.Var) else None


def _of_union(node: exp.Expr) -> str | None:
    return "union by name" if node.args.get("by_name") else None


def _of_type(node: exp.Expr) -> str | None:
    name = node.this.name if isinstance(node.this, exp.DType) else str(node.this)
    return None if name in TYPES else f"type {name}"


_DETAILS = {
    exp.Star: _of_star,
    exp.Join: _of_join,
    exp.Select: _of_select,
    exp.Distinct: _of_distinct,
    exp.Group: _of_group,
    exp.Ordered: _of_ordered,
    exp.Union: _of_union,
    exp.DataType: _of_type,
}


def _around(sql: str, place: int) -> str:
    return " ".join(sql[max(0, place - 30) : place + 20].split())
