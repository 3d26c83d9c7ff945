"""What a function does to arrays, as C++: it is run once on symbols, each of which notes how it came about."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from array_api_compat import is_array_api_obj


class UntraceableError(NotImplementedError):
    """A function does what no kernel can; it is called as it is."""


UNKNOWN = (NotImplementedError, TypeError, AttributeError)
"""What a function that does more than symbols, or this CuPy, know ends with."""


@dataclass(frozen=True, eq=False)
class Node:
    """A value in a kernel: C++ code that takes its operands in the places ``{0}``, ``{1}``, ``{2}``."""

    code: str
    operands: tuple["Node", ...] = ()
    ctype: str = "T"
    loads: bool = False
    """Whether it is the element of an array of that name."""
    gathers: bool = False
    """Whether a row is gathered in it, from ``{0}``, what there was so far, and ``{1}``, the next value."""

    @cached_property
    def varies(self) -> bool:
        """Whether there is one for each element, not only for each row."""
        return self.loads or (not self.gathers and any(node.varies for node in self.operands))


class Trace:
    """All that a function has taken: arrays of one dtype, and numbers that the host computes before each launch."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.captured: list[Any] = []
        """Arrays that the function has of its own, and that stay the same."""
        self.numbers: list[Symbol] = []

    def node(self, value: Any) -> Node:
        """Return what stands for a value in a kernel."""
        if isinstance(value, Symbol):
            if value.node is None:
                self.numbers.append(value)
                value.node = Node(f"T(n{len(self.numbers) - 1})")
            return value.node
        if isinstance(value, int | float) and math.isfinite(value):
            return Node(f"T({value!r})")
        if is_array_api_obj(value) and value.dtype == self.dtype and value.ndim > 0:
            self.captured.append(value)
            return Node(f"c{len(self.captured) - 1}", loads=True)
        raise UntraceableError(f"a {type(value).__name__} in a kernel")

    def new(self, code: str, *operands: Any, ctype: str = "T", gathers: bool = False) -> "Symbol":
        """Return what an operation makes of some operands."""
        return Symbol(self, Node(code, tuple(self.node(x) for x in operands), ctype, gathers=gathers))


def _unary(code: str, function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda self: self.apply(code, function, self)


def _binary(code: str, function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: self.apply(code, function, self, other)


def _reflected(code: str, function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: self.apply(code, function, other, self)


def _in_place(code: str, function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    def change(self: "Symbol", other: Any) -> "Symbol":
        changed: Symbol = self.apply(code, function, self, other)
        if self.compute is not None:
            return changed
        self.node = changed.node
        return self

    return change


def _comparison(code: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: self.trace.new(code, self, other, ctype="bool")


class Symbol:
    """What stands for an array, or for a number, which the host computes from those that the function is given."""

    __array_ufunc__ = None  # Arrays leave operators to this class.

    def __init__(
        self, trace: Trace, node: Node | None = None, compute: Callable[[tuple[Any, ...]], Any] | None = None
    ) -> None:
        self.trace, self.node, self.compute = trace, node, compute
        self.dtype, self.shape = trace.dtype, _SHAPE

    def apply(self, code: str, function: Callable[..., Any], *operands: Any) -> "Symbol":
        """Return what a function makes of operands; `code` is the same in C++."""
        computes = [_computed(operand) for operand in operands]
        if None in computes:
            return self.trace.new(code, *operands)
        return Symbol(self.trace, compute=lambda given: function(*[compute(given) for compute in computes if compute]))

    def __bool__(self) -> NoReturn:
        raise UntraceableError("which branch is taken is known on the device alone")

    __neg__ = _unary("-{0}", operator.neg)
    __add__, __radd__ = _binary("{0} + {1}", operator.add), _reflected("{0} + {1}", operator.add)
    __sub__, __rsub__ = _binary("{0} - {1}", operator.sub), _reflected("{0} - {1}", operator.sub)
    __mul__, __rmul__ = _binary("{0} * {1}", operator.mul), _reflected("{0} * {1}", operator.mul)
    __truediv__, __rtruediv__ = _binary("{0} / {1}", operator.truediv), _reflected("{0} / {1}", operator.truediv)
    __pow__, __rpow__ = _binary("pow({0}, {1})", operator.pow), _reflected("pow({0}, {1})", operator.pow)
    __iadd__, __isub__ = _in_place("{0} + {1}", operator.add), _in_place("{0} - {1}", operator.sub)
    __imul__, __itruediv__ = _in_place("{0} * {1}", operator.mul), _in_place("{0} / {1}", operator.truediv)
    __gt__, __ge__, __lt__, __le__ = (_comparison(f"{{0}} {sign} {{1}}") for sign in (">", ">=", "<", "<="))
    __eq__, __ne__ = _comparison("{0} == {1}"), _comparison("{0} != {1}")


_SHAPE = object()
"""The shape of every symbol, for `Functions.broadcast_to` alone."""


def _computed(operand: Any) -> Callable[[tuple[Any, ...]], Any] | None:
    """Return how the host computes an operand, or None where that is an array."""
    if isinstance(operand, Symbol):
        return operand.compute
    return (lambda given: operand) if isinstance(operand, int | float) else None


class Functions:
    """What of a namespace symbols know."""

    def __init__(self, trace: Trace) -> None:
        self._new = trace.new
        self._dtype = trace.dtype

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name not in _CODE:
            raise UntraceableError(f"{name} in a kernel")
        return lambda *operands: self._new(_CODE[name], *operands)

    def sum(self, x: Any, *, axis: int, keepdims: bool) -> Symbol:
        """Return the sum over the last axis."""
        return self._gathered("{0} + {1}", x, axis, keepdims)

    def max(self, x: Any, *, axis: int, keepdims: bool) -> Symbol:
        """Return the maximum over the last axis."""
        return self._gathered("maximum({0}, {1})", x, axis, keepdims)

    def _gathered(self, code: str, x: Any, axis: int, keepdims: bool) -> Symbol:
        if axis != -1 or not keepdims:
            raise UntraceableError("a thread has a row alone")
        return self._new(code, x, gathers=True)

    def astype(self, x: Any, dtype: Any, *, copy: bool = True) -> Symbol:
        """Return a truth value as 0 or 1."""
        if dtype != self._dtype:
            raise UntraceableError("a kernel has one dtype")
        return self._new("T({0})", x)

    def broadcast_to(self, x: Symbol, shape: object) -> Symbol:
        """Return `x`: a kernel broadcasts unasked."""
        if shape is not _SHAPE:
            raise UntraceableError("a kernel has one shape")
        return x


_NAMES = ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "sinh", "cosh", "tanh")
_CODE = {name: f"{name}({{0}})" for name in _NAMES}
_CODE |= {name: f"{name}({{0}}, {{1}})" for name in ("maximum", "minimum")}
_CODE |= {"abs": "fabs({0})", "where": "{0} ? {1} : {2}", "zeros_like": "T(0)", "ones_like": "T(1)"}
_CODE |= {"sign": "{0} != {0} ? {0} : T({0} > 0) - T({0} < 0)", "square": "{0} * {0}"}
