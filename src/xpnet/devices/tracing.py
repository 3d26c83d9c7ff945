"""What a function does to arrays, as C++: it is run once on symbols, each of which notes how it came about."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, eq=False)
class Node:
    """A value: C++ code that takes its operands in the places ``{0}``, ``{1}``, ``{2}``."""

    code: str
    operands: tuple["Node", ...] = ()
    ctype: str = "T"
    gathers: bool = False
    """Whether a row is gathered in it, from ``{0}``, what there was so far, and ``{1}``, the next value."""

    def varies(self) -> bool:
        """Return whether there is one for each element, not only for each row."""
        return self.code.startswith("a") or (not self.gathers and any(node.varies() for node in self.operands))


def _unary(code: str) -> Callable[[Any], Any]:
    return lambda self: self.new(code, self)


def _binary(code: str, ctype: str = "T") -> Callable[[Any, Any], Any]:
    return lambda self, other: self.new(code, self, other, ctype=ctype)


def _in_place(code: str) -> Callable[[Any, Any], Any]:
    def change(self: "Symbol", other: Any) -> "Symbol":
        self.node = self.new(code, self, other).node
        return self

    return change


class Symbol:
    """What stands for an array or a number. What it cannot do is an error of one of the kinds in `UNKNOWN`."""

    __array_ufunc__ = None  # Arrays leave operators to this class.

    def __init__(self, node: Node, dtype: Any) -> None:
        self.node = node
        self.dtype = dtype
        self.shape = _SHAPE

    def new(self, code: str, *operands: Any, ctype: str = "T", gathers: bool = False) -> "Symbol":
        """Return what an operation makes of some operands."""
        return Symbol(Node(code, tuple(_node(operand) for operand in operands), ctype, gathers), self.dtype)

    def __bool__(self) -> NoReturn:
        raise NotImplementedError("which branch is taken is known on the device alone")

    __neg__ = _unary("-{0}")
    __abs__ = _unary("fabs({0})")
    __add__, __radd__, __iadd__ = _binary("{0} + {1}"), _binary("{1} + {0}"), _in_place("{0} + {1}")
    __sub__, __rsub__, __isub__ = _binary("{0} - {1}"), _binary("{1} - {0}"), _in_place("{0} - {1}")
    __mul__, __rmul__, __imul__ = _binary("{0} * {1}"), _binary("{1} * {0}"), _in_place("{0} * {1}")
    __truediv__, __rtruediv__, __itruediv__ = _binary("{0} / {1}"), _binary("{1} / {0}"), _in_place("{0} / {1}")
    __gt__, __ge__ = _binary("{0} > {1}", "bool"), _binary("{0} >= {1}", "bool")
    __lt__, __le__ = _binary("{0} < {1}", "bool"), _binary("{0} <= {1}", "bool")
    __eq__, __ne__ = _binary("{0} == {1}", "bool"), _binary("{0} != {1}", "bool")


_SHAPE = object()
"""The shape of every symbol: nobody can tell."""

UNKNOWN = (NotImplementedError, TypeError, AttributeError)


def _node(value: Any) -> Node:
    if isinstance(value, Symbol):
        return value.node
    if isinstance(value, int | float) and math.isfinite(value):
        return Node(f"T({value!r})")
    raise NotImplementedError(f"a {type(value).__name__} in a kernel")


def _function(code: str) -> Callable[..., Symbol]:
    return lambda *operands: next(x for x in operands if isinstance(x, Symbol)).new(code, *operands)


def _gathered(code: str) -> Callable[..., Symbol]:
    def gather(x: Symbol, *, axis: int, keepdims: bool) -> Symbol:
        if axis != -1 or not keepdims:
            raise NotImplementedError("a row is all that one thread does")
        return x.new(code, x, gathers=True)

    return gather


class Functions:
    """The functions of a namespace that symbols know."""

    exp, expm1, log, log1p = (staticmethod(_function(f"{name}({{0}})")) for name in ("exp", "expm1", "log", "log1p"))
    sqrt, tanh, abs = (staticmethod(_function(f"{name}({{0}})")) for name in ("sqrt", "tanh", "fabs"))
    maximum, minimum = (staticmethod(_function(f"{name}({{0}}, {{1}})")) for name in ("maximum", "minimum"))
    where = staticmethod(_function("{0} ? {1} : {2}"))
    sum, max = staticmethod(_gathered("{0} + {1}")), staticmethod(_gathered("maximum({0}, {1})"))

    @staticmethod
    def zeros_like(x: Symbol) -> Symbol:
        """Return 0 for every element."""
        return x.new("T(0)", x)

    @staticmethod
    def ones_like(x: Symbol) -> Symbol:
        """Return 1 for every element."""
        return x.new("T(1)", x)

    @staticmethod
    def astype(x: Symbol, dtype: Any, *, copy: bool = True) -> Symbol:
        """Return a truth value as 0 or 1."""
        if dtype != x.dtype:
            raise NotImplementedError("a kernel has one dtype")
        return x.new("T({0})", x)

    @staticmethod
    def broadcast_to(x: Symbol, shape: Any) -> Symbol:
        """Return `x`, since a kernel does it unasked."""
        if shape is not _SHAPE:
            raise NotImplementedError("a kernel has one shape")
        return x
