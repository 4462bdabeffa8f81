"""The allow-lists of the gate: which nodes a statement may be made of, and what each may carry.

What is not named here is refused, so a new kind of node in a newer parser is, too. Functions are
those that the compiler writes and a few that only look at their arguments: none reads a catalogue,
a file or a setting, waits, or makes something large of something small (no `repeat`, no `||`).
"""

from sqlglot import exp

_PAIR = frozenset({"this", "expression"})
_ONE = frozenset({"this"})
_MANY = frozenset({"this", "expressions"})
_NONE: frozenset[str] = frozenset()
_QUERY = frozenset({"with_", "distinct", "order", "limit", "offset"})

NODES: dict[type[exp.Expr], frozenset[str]] = {
    # queries
    exp.Select: _QUERY | {"expressions", "from_", "joins", "where", "group", "having"},
    exp.Union: _QUERY | _PAIR,
    exp.Intersect: _QUERY | _PAIR,
    exp.Except: _QUERY | _PAIR,
    exp.Subquery: frozenset({"this", "alias"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias"}),
    exp.From: _ONE,
    exp.Table: frozenset({"this", "alias", "db"}),
    exp.TableAlias: _ONE,
    exp.Join: frozenset({"this", "side", "kind", "on"}),
    exp.Where: _ONE,
    exp.Group: frozenset({"expressions"}),
    exp.Having: _ONE,
    exp.Order: frozenset({"expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}),
    exp.Offset: frozenset({"expression"}),
    exp.Distinct: frozenset({"expressions"}),
    # values
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Star: _NONE,
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: _ONE,
    exp.Null: _NONE,
    exp.Var: _ONE,
    exp.Paren: _ONE,
    exp.Interval: frozenset({"this", "unit"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: _ONE,
    # operators
    **{
        each: _PAIR
        for each in (
            *(exp.And, exp.Or, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
            *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is, exp.Like, exp.ILike),
            *(exp.Add, exp.Sub, exp.Mul, exp.Mod),
        )
    },
    exp.Div: _PAIR | {"typed"},
    exp.Not: _ONE,
    exp.Neg: _ONE,
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Exists: _ONE,
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true", "false"}),
    # functions
    exp.Count: frozenset({"this", "expressions", "big_int"}),
    **{each: _ONE for each in (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.PercentileCont)},
    exp.Filter: _PAIR,
    exp.WithinGroup: _PAIR,
    exp.Window: frozenset({"this", "partition_by", "order", "over"}),
    exp.RowNumber: _NONE,
    **{each: _ONE for each in (exp.Abs, exp.Floor, exp.Ceil, exp.Lower, exp.Upper, exp.Length)},
    exp.Round: frozenset({"this", "decimals"}),
    exp.Coalesce: _MANY,
    exp.Greatest: _MANY | {"ignore_nulls"},
    exp.Least: _MANY | {"ignore_nulls"},
    exp.Nullif: _PAIR,
    exp.Extract: _PAIR,
    exp.TimestampTrunc: frozenset({"this", "unit"}),
    exp.TimeToStr: frozenset({"this", "format"}),
}

CASTS = frozenset(
    {
        exp.DType.INT,
        exp.DType.BIGINT,
        exp.DType.DECIMAL,
        exp.DType.DOUBLE,
        exp.DType.TEXT,
        exp.DType.BOOLEAN,
        exp.DType.DATE,
        exp.DType.TIMESTAMP,
        exp.DType.TIME,
    }
)
"""Plain types: casting to them looks nothing up. (`'pg_authid'::regclass` does.)"""

WORDS = frozenset(
    {
        *("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND", "ISODOW"),
        *("YEARS", "MONTHS", "WEEKS", "DAYS", "HOURS"),
    }
)
"""What may stand after EXTRACT, in DATE_TRUNC and behind an interval."""

JOINS = frozenset({"", "LEFT", "RIGHT", "FULL", "INNER", "OUTER"})
"""Each with an ON: without, everything is paired with everything."""
