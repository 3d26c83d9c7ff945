"""A function of arrays as one CUDA kernel, and no second copy of its formula.

It may work element by element, and take sums and maxima over the last axis: then a thread does a whole row, in one pass
for each of these and one for the results, which suits the few classes of many samples.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any, TypeAlias

from array_api_compat import is_cupy_namespace

from xpnet._typing import Namespace
from xpnet.devices.libraries import import_cupy
from xpnet.devices.tracing import UNKNOWN, Functions, Node, Symbol, Trace, UntraceableError

Function: TypeAlias = Callable[..., Any]

_PREAMBLE = """
template <typename T> __device__ T maximum(T a, T b) { return a > b || a != a ? a : b; }
template <typename T> __device__ T minimum(T a, T b) { return a < b || a != a ? a : b; }
// The element in a row, counted over all axes of `like` but the last, and a column, of an array that broadcasts to it.
template <typename A, typename L> __device__ auto& at(A& array, const L& like, ptrdiff_t row, ptrdiff_t column) {
    ptrdiff_t index[A::ndim];
    index[A::ndim - 1] = array.shape()[A::ndim - 1] == 1 ? 0 : column;
    for (int axis = A::ndim - 2; axis >= 0; --axis) {
        const ptrdiff_t length = like.shape()[axis + L::ndim - A::ndim];
        index[axis] = array.shape()[axis] == 1 ? 0 : row % length;
        row /= length;
    }
    return array[index];
}
"""


def fused(function: Function, *, xp: Namespace) -> Function:
    """Return ``function(*arguments, xp=xp)`` as a function of the arguments alone: with CuPy a kernel, where it can be.

    Its arguments are arrays, numbers, and dictionaries and dataclasses of them. Results have the shape and the layout
    of the first array, to which the others broadcast. An array that the function changes in place is changed, and one
    that it puts into a container is written into the array that was there. Arrays of its own have to stay the same. A
    function that does what no kernel can (see `tracing.Functions`), or is given several dtypes, is called as it is.

    Examples
    --------
    >>> import array_api_compat.numpy as xp
    >>> from xpnet.devices import fused
    >>> fused(lambda a, b, *, xp: xp.exp(a) - b, xp=xp)(xp.zeros(2), xp.ones(2))
    array([0., 0.])
    """
    return _Fused(function, xp) if is_cupy_namespace(xp) else partial(function, xp=xp)


class _Fused:
    """A function with a kernel for each choice of dtypes."""

    def __init__(self, function: Function, xp: Namespace) -> None:
        self._function, self._xp = function, xp
        self._kernels: dict[tuple[Any, ...], Function | None] = {}

    def __call__(self, *arguments: Any) -> Any:
        leaves = list(_leaves(arguments))
        dtypes = tuple([getattr(leaf, "dtype", None) for leaf in leaves])
        if dtypes not in self._kernels:
            try:
                self._kernels[dtypes] = compiled(self._function, arguments)
            except UNKNOWN:
                self._kernels[dtypes] = None
        kernel = self._kernels[dtypes]
        return self._function(*arguments, xp=self._xp) if kernel is None else kernel(*leaves)


def compiled(function: Function, arguments: tuple[Any, ...]) -> Function:
    """Return `function` as a kernel, which takes arrays and numbers as they follow each other in such arguments."""
    leaves = list(_leaves(arguments))
    arrays = [place for place, leaf in enumerate(leaves) if hasattr(leaf, "dtype")]
    dtypes = {leaves[place].dtype for place in arrays}
    if [dtype.kind for dtype in dtypes] != ["f"]:
        raise UntraceableError("a kernel computes in one floating dtype")
    trace = Trace(*dtypes)
    symbols = [_symbol(trace, place, is_array=place in arrays) for place in range(len(leaves))]
    before = [symbol.node for symbol in symbols]
    given = _with_leaves(arguments, iter(symbols))
    returned = function(*given, xp=Functions(trace))
    after = list(_leaves(given))
    if len(after) != len(leaves) or any(after[i] is not symbols[i] for i in range(len(leaves)) if i not in arrays):
        raise UntraceableError("a kernel puts nothing but arrays into a container, where there were some")
    answers = [] if returned is None else list(returned) if isinstance(returned, tuple) else [returned]
    made = [answer for answer in answers if not any(answer is symbol for symbol in after)]
    changed = [i for i in arrays if after[i] is not symbols[i] or symbols[i].node is not before[i]]
    results = [trace.node(after[place]) for place in changed] + [trace.node(answer) for answer in made]
    nodes = _nodes(results)
    used = [place for place in arrays if before[place] in nodes]
    gathered = [node for node in nodes if node.gathers]
    launch = _kernel(getattr(function, "__name__", "function"), used, trace, results, gathered)
    places = [next(i for i, x in enumerate((*after, *made)) if x is answer) for answer in answers]
    empty_like, captured = import_cupy().empty_like, trace.captured
    numbers = [number.compute for number in trace.numbers if number.compute is not None]

    def run(*leaves: Any) -> Any:
        new = [empty_like(leaves[arrays[0]]) for _ in made]
        launch(
            *[leaves[place] for place in used],
            *captured,
            *[compute(leaves) for compute in numbers],
            *[leaves[place] for place in changed],
            *new,
        )
        values = [*leaves, *new]
        result = tuple([values[place] for place in places])
        return result if isinstance(returned, tuple) else result[0] if result else None

    return run


def _leaves(arguments: Any) -> Iterator[Any]:
    """Yield the arrays and numbers in containers."""
    for argument in arguments:
        if isinstance(argument, dict):
            yield from _leaves(argument.values())
        elif is_dataclass(argument):
            yield from _leaves(vars(argument).values())
        else:
            yield argument


def _with_leaves(arguments: Any, leaves: Iterator[Any]) -> list[Any]:
    """Return copies of containers with other leaves."""
    return [_with_its_leaves(argument, leaves) for argument in arguments]


def _with_its_leaves(argument: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(argument, dict):
        return dict(zip(argument, _with_leaves(argument.values(), leaves), strict=True))
    if is_dataclass(argument) and not isinstance(argument, type):
        fields = vars(argument)
        return replace(argument, **dict(zip(fields, _with_leaves(fields.values(), leaves), strict=True)))
    return next(leaves)


def _symbol(trace: Trace, place: int, *, is_array: bool) -> Symbol:
    if is_array:
        return Symbol(trace, Node(f"a{place}", loads=True))
    return Symbol(trace, compute=itemgetter(place))


def _nodes(results: list[Node]) -> list[Node]:
    """Return all that results are made of, and themselves, each after what it needs."""
    found: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in found:
            for operand in node.operands:
                visit(operand)
            found[node] = None

    for node in results:
        visit(node)
    return list(found)


def _kernel(name: str, arrays: list[int], trace: Trace, results: list[Node], gathered: list[Node]) -> Function:
    """Return a function of all arrays, numbers and arrays for the results, that launches one kernel."""
    if not results:
        return lambda *arrays: None
    if gathered and not all(node.varies for node in results):
        raise UntraceableError("a result has one value for each element")
    names = [f"a{place}" for place in arrays] + [f"c{place}" for place in range(len(trace.captured))]
    kind = "raw T" if gathered else "T"
    kernel = import_cupy().ElementwiseKernel(
        ", ".join([f"{kind} {name}" for name in names] + [f"float64 n{i}" for i in range(len(trace.numbers))]),
        ", ".join(f"{kind} r{place}" for place in range(len(results))),
        _by_rows(results, gathered) if gathered else _by_elements(results),
        f"xpnet_{re.sub(r'[^a-zA-Z0-9]', '_', name)}",
        preamble=_PREAMBLE,
        options=("--fmad=false",),  # A product is rounded before it is added to, as it is by other libraries.
    )
    if not gathered:
        return lambda *arrays: kernel(*arrays)
    return lambda *arrays: kernel(*arrays, size=arrays[-1].size // arrays[-1].shape[-1])


def _by_elements(results: list[Node]) -> str:
    lines: list[str] = []
    known: dict[Node, str] = {}
    values = [_write(node, known, lines, "{}") for node in results]
    return "\n".join([*lines, *(f"r{place} = {value};" for place, value in enumerate(values))])


def _by_rows(results: list[Node], gathered: list[Node]) -> str:
    load = "at({}, r0, i, column)"
    lines = ["const ptrdiff_t columns = r0.shape()[r0.ndim - 1];"]
    known: dict[Node, str] = {}
    for place, node in enumerate(gathered):
        name, loop = f"g{place}", list[str]()
        value = _write(node.operands[0], dict(known), loop, load)
        loop.append(f"{name} = column == 0 ? {value} : {node.code.format(name, value)};")
        lines += [f"T {name} = 0;", *_for_all_columns(loop)]
        known[node] = name
    loop = []
    values = [_write(node, known, loop, load) for node in results]
    loop += [f"{load.format(f'r{place}')} = {value};" for place, value in enumerate(values)]
    return "\n".join([*lines, *_for_all_columns(loop)])


def _for_all_columns(lines: list[str]) -> list[str]:
    return ["for (ptrdiff_t column = 0; column < columns; ++column) {", *lines, "}"]


def _write(node: Node, known: dict[Node, str], lines: list[str], load: str) -> str:
    """Return the name of a value, after the lines that it takes to have all it is made of."""
    if node not in known:
        names = [_write(operand, known, lines, load) for operand in node.operands]
        code = load.format(node.code) if node.loads else node.code.format(*names)
        known[node] = f"v{len(lines)}"
        lines.append(f"const {node.ctype} {known[node]} = {code};")
    return known[node]
