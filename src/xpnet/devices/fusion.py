"""A function of arrays as one CUDA kernel, and no second copy of its formula.

It may work element by element, and take sums and maxima over the last axis: then a thread does a whole row, in one pass
for each of these and one for the results, which suits the few classes of many samples.
"""

import re
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any, TypeAlias

from array_api_compat import is_cupy_namespace

from xpnet._typing import Namespace
from xpnet.devices.libraries import import_cupy
from xpnet.devices.tracing import UNKNOWN, Functions, Node, Symbol, Trace

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

    Its arguments are arrays and numbers. Results have the shape and the layout of the first array, to which the others
    broadcast; an argument that the function changes in place is changed. A function that does what no kernel can (see
    `tracing.Functions`), or is given arrays of several dtypes, is called as it is.

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
        self._kernels: dict[tuple[Any, ...], Function] = {}

    def __call__(self, *arguments: Any) -> Any:
        dtypes = tuple([getattr(argument, "dtype", None) for argument in arguments])
        if dtypes not in self._kernels:
            try:
                self._kernels[dtypes] = compiled(self._function, dtypes)
            except UNKNOWN:
                self._kernels[dtypes] = partial(self._function, xp=self._xp)
        return self._kernels[dtypes](*arguments)


def compiled(function: Function, dtypes: tuple[Any, ...]) -> Function:
    """Return `function` as a kernel for arrays of these dtypes, and numbers where there is None."""
    kinds = set(dtypes) - {None}
    if [dtype.kind for dtype in kinds] != ["f"]:
        raise NotImplementedError("a kernel computes in one floating dtype")
    trace = Trace(*kinds)
    arguments = [_argument(trace, place, is_array=dtype is not None) for place, dtype in enumerate(dtypes)]
    arrays = [place for place, dtype in enumerate(dtypes) if dtype is not None]
    before = [argument.node for argument in arguments]
    returned = function(*arguments, xp=Functions(trace))
    answers = [] if returned is None else list(returned) if isinstance(returned, tuple) else [returned]
    made = [answer for answer in answers if not any(answer is argument for argument in arguments)]
    changed = [place for place in arrays if arguments[place].node is not before[place]]
    results = [trace.node(arguments[place]) for place in changed] + [trace.node(answer) for answer in made]
    launch = _kernel(getattr(function, "__name__", "function"), arrays, trace, results)
    places = [next(i for i, x in enumerate((*arguments, *made)) if x is answer) for answer in answers]
    empty_like, captured = import_cupy().empty_like, trace.captured
    numbers = [number.compute for number in trace.numbers if number.compute is not None]

    def run(*given: Any) -> Any:
        new = [empty_like(given[arrays[0]]) for _ in made]
        launch(
            *[given[place] for place in arrays],
            *captured,
            *[compute(given) for compute in numbers],
            *[given[place] for place in changed],
            *new,
        )
        values = [*given, *new]
        result = tuple([values[place] for place in places])
        return result if isinstance(returned, tuple) else result[0] if result else None

    return run


def _argument(trace: Trace, place: int, *, is_array: bool) -> Symbol:
    if is_array:
        return Symbol(trace, Node(f"a{place}", loads=True))
    return Symbol(trace, compute=itemgetter(place))


def _kernel(name: str, arrays: list[int], trace: Trace, results: list[Node]) -> Function:
    """Return a function of all arrays, numbers and arrays for the results, that launches one kernel."""
    if not results:
        return lambda *arrays: None
    gathered = _gathered(results)
    if gathered and not all(node.varies() for node in results):
        raise NotImplementedError("a result has one value for each element")
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


def _gathered(results: list[Node]) -> list[Node]:
    """Return what is gathered from a row on the way to the results, each after what it needs."""
    found: dict[Node, None] = {}

    def visit(node: Node) -> None:
        for operand in node.operands:
            visit(operand)
        if node.gathers:
            found[node] = None

    for node in results:
        visit(node)
    return list(found)


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
