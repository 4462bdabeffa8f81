"""The first wall: a statement is read, held against allow-lists, and written anew from its tree.

What runs is not the text that came but the tree that was looked at, printed with every name
quoted, without comments. The second wall is the role that it runs as, see `rooms`.
"""

from collections.abc import Callable, Collection, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from contexts.analytics.application.ports import QueryRefused
from contexts.analytics.infrastructure.sql.allowed import CASTS, JOINS, NODES, WORDS
from contexts.analytics.infrastructure.sql.scopes import Scopes

LONGEST = 100_000
"""Characters of a statement."""
MOST_TOKENS = 20_000
DEEPEST = 40
"""Parentheses within parentheses."""
MOST_TABLES = 32

_DIALECT = "postgres"


class Gate:
    """Lets one SELECT through that reads what it may, and nothing else."""

    def check(
        self,
        sql: str,
        tables: Mapping[str, Collection[str]],
        row_limit: int,
        schema: str | None = None,
    ) -> str:
        """The statement as it may run; it gives one row more than `row_limit` where there are more.

        `tables` are those that may be read, each with its columns; they lie in `schema`. Raise
        QueryRefused with what is not let through, also for whatever can't be understood.
        """
        try:
            known = {name: frozenset(columns) for name, columns in tables.items()}
            tree = self._inspected(sql, known, schema)
            _bound(tree, row_limit + 1)
            printed = tree.sql(dialect=_DIALECT, pretty=True, comments=False)
            # Read once more: what is printed must be as harmless as what was read.
            self._inspected(printed, known, schema)
        except QueryRefused:
            raise
        except RecursionError:
            raise QueryRefused("the statement is nested too deeply; simplify it") from None
        except Exception as error:  # whatever the parser trips over does not run
            first = str(error).strip().split("\n")[0][:200] or type(error).__name__
            raise QueryRefused(f"the statement can't be read: {first}") from None
        return printed

    def _inspected(
        self, sql: str, tables: Mapping[str, frozenset[str]], schema: str | None
    ) -> exp.Query:
        _check_text(sql)
        found = [each for each in sqlglot.parse(sql, dialect=_DIALECT) if each is not None]
        if len(found) != 1:
            raise QueryRefused(f"one statement is let through, not {len(found)}")
        root = found[0]
        if not isinstance(root, exp.Select | exp.SetOperation):
            raise QueryRefused(f"{_called(root)} is not let through; only SELECT is")
        for node in root.walk():
            _check_node(node, root)
        if sum(1 for _ in root.find_all(exp.Table)) > MOST_TABLES:
            raise QueryRefused(f"a statement names at most {MOST_TABLES} tables")
        Scopes(tables, schema).check(root)
        return root


def _check_text(sql: str) -> None:
    if len(sql) > LONGEST:
        raise QueryRefused(f"a statement has at most {LONGEST} characters, not {len(sql)}")
    if any(ord(each) < 32 and each not in "\t\n\r" for each in sql):
        raise QueryRefused("the statement holds a control character")
    if any(0xD800 <= ord(each) <= 0xDFFF for each in sql):
        raise QueryRefused("the statement is no valid Unicode")
    tokens = sqlglot.tokenize(sql, dialect=_DIALECT)
    if len(tokens) > MOST_TOKENS:
        raise QueryRefused(f"a statement has at most {MOST_TOKENS} words and signs")
    begin = tokens[0] if tokens else None
    if begin is not None and begin.token_type not in (TokenType.SELECT, TokenType.WITH):
        raise QueryRefused(f"{begin.text[:40].upper()} is not let through; only SELECT is")
    if any(token.token_type == TokenType.SEMICOLON for token in tokens[:-1]):
        raise QueryRefused("one statement is let through, not several")
    depth = 0
    for token in tokens:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth > DEEPEST:
            raise QueryRefused(f"the statement is nested deeper than {DEEPEST}; simplify it")


def _check_node(node: exp.Expr, root: exp.Query) -> None:
    carries = NODES.get(type(node))
    if carries is None:
        raise QueryRefused(f"{_called(node)} is not let through")
    for name, value in node.args.items():
        if name not in carries and value not in (None, False, []):
            raise QueryRefused(f"{_called(node)} with {name.strip('_')!r} is not let through")
    if isinstance(node, exp.With) and node.parent is not root:
        raise QueryRefused("WITH is let through at the beginning only")
    if (look := _LOOKS.get(type(node))) is not None:
        look(node)


def _check_name(name: exp.Expr) -> None:
    """Unquoted names are folded as PostgreSQL does it, and all are quoted from here on."""
    name.set("this", name.name if name.args.get("quoted") else name.name.lower())
    name.set("quoted", True)


def _check_inner(outer: exp.Expr) -> None:
    if not isinstance(outer.this, exp.Select | exp.SetOperation | exp.Subquery):
        raise QueryRefused(f"{_called(outer.this)} is not let through; only SELECT is")


def _check_table(table: exp.Expr) -> None:
    if not isinstance(table.this, exp.Identifier):
        raise QueryRefused(f"{_called(table.this)} is no table to read from")


def _check_join(join: exp.Expr) -> None:
    sides = {str(join.args.get(each) or "").upper() for each in ("side", "kind")}
    if sides - JOINS or join.args.get("on") is None:
        raise QueryRefused("a join needs an ON that says which rows go together")


def _check_count(bound: exp.Expr) -> None:
    count = bound.expression
    if not (isinstance(count, exp.Literal) and count.is_int and len(count.name) < 10):
        raise QueryRefused("LIMIT and OFFSET take plain numbers")


def _check_type(kind: exp.Expr) -> None:
    if kind.this not in CASTS:
        raise QueryRefused(f"{_called(kind)} is not let through")


def _check_word(word: exp.Expr) -> None:
    if word.name.upper() not in WORDS:
        raise QueryRefused(f"the word {word.name[:40]!r} is not let through")


def _check_said(node: exp.Expr) -> None:
    said = node.args.get("format") if isinstance(node, exp.TimeToStr) else node.this
    if not isinstance(said, exp.Literal) or len(said.name) > 40:
        raise QueryRefused(f"{_called(node)} takes a short plain text")


_LOOKS: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Identifier: _check_name,
    exp.CTE: _check_inner,
    exp.Subquery: _check_inner,
    exp.Exists: _check_inner,
    exp.Table: _check_table,
    exp.Join: _check_join,
    exp.Limit: _check_count,
    exp.Offset: _check_count,
    exp.DataType: _check_type,
    exp.Var: _check_word,
    exp.TimeToStr: _check_said,
    exp.Interval: _check_said,
}
"""What is looked at beyond a node's kind and what it carries."""


def _bound(root: exp.Query, rows: int) -> None:
    """On the statement itself: one around it would not keep its order."""
    limit = root.args.get("limit")
    if limit is None or int(limit.expression.name) > rows:
        root.set("limit", exp.Limit(expression=exp.Literal.number(rows)))


def _called(node: object) -> str:
    if isinstance(node, exp.Anonymous):
        return f"the function {str(node.name)[:60]}()"
    if isinstance(node, exp.Func):
        return f"the function {node.sql_name().lower()}()"
    if isinstance(node, exp.DataType | exp.ObjectIdentifier | exp.PseudoType):
        return f"a cast to {node.sql(_DIALECT)[:40].lower()}"
    return type(node).__name__.upper()
