"""A function of arrays as one CUDA kernel, and no second copy of its formula.

It may work element by element, and take sums and maxima over the last axis: then a thread does a whole row, in one pass
for each of these and one for the results, which suits the few classes of many samples.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from xpnet.devices.libraries import import_cupy
from xpnet.devices.tracing import UNKNOWN, Functions, Node, Symbol

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


class Fused:
    """A function of arrays and numbers that is one kernel, where it can be, for each choice of their dtypes.

    Results have the shape and the layout of the first array, to which the others broadcast; an argument that the
    function changes in place is changed. A function that does what no kernel can (see `Functions`), or that is given
    arrays of several dtypes, is called as it is.
    """

    def __init__(self, function: Function, namespace: Any) -> None:
        self._function = function
        self._namespace = namespace
        self._kernels: dict[tuple[Any, ...], Function] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Return what the function returns, for arrays of CuPy."""
        kind = tuple([getattr(argument, "dtype", None) for argument in arguments])
        if kind not in self._kernels:
            self._kernels[kind] = self._kernel(kind)
        return self._kernels[kind](*arguments)

    def _kernel(self, kind: tuple[Any, ...]) -> Function:
        try:
            return compiled(self._function, kind)
        except UNKNOWN:
            return lambda *arguments: self._function(*arguments, xp=self._namespace)


def compiled(function: Function, kind: tuple[Any, ...]) -> Function:
    """Return `function` as a kernel, for arrays where `kind` holds a dtype, and numbers where it holds None."""
    dtypes = set(kind) - {None}
    if [dtype.kind for dtype in dtypes] != ["f"]:
        raise NotImplementedError("a kernel computes in one floating dtype")
    inputs = [Node(f"{'n' if dtype is None else 'a'}{place}") for place, dtype in enumerate(kind)]
    arguments = [Symbol(node, *dtypes) for node in inputs]
    returned = function(*arguments, xp=Functions)
    changed = [place for place, node in enumerate(inputs) if arguments[place].node is not node]
    answers = [] if returned is None else list(returned) if isinstance(returned, tuple) else [returned]
    made = [answer for answer in answers if not any(answer is argument for argument in arguments)]
    kernel = _kernel(function.__name__, inputs, [arguments[place].node for place in changed] + [x.node for x in made])
    first = next(place for place, dtype in enumerate(kind) if dtype is not None)
    empty_like = import_cupy().empty_like
    places = [next(i for i, x in enumerate((*arguments, *made)) if x is answer) for answer in answers]

    def run(*given: Any) -> Any:
        new = [empty_like(given[first]) for _ in made]
        kernel(*given, *[given[place] for place in changed], *new)
        values = [*given, *new]
        results = tuple([values[place] for place in places])
        return results if isinstance(returned, tuple) else results[0] if results else None

    return run


def _kernel(name: str, inputs: list[Node], results: list[Node]) -> Function:
    """Return a function of the arguments, and the arrays for the results, that launches one kernel."""
    if not results:
        return lambda *arrays: None
    gathered = _gathered(results)
    if gathered and not all(node.varies() for node in results):
        raise NotImplementedError("a result has one value for each element")
    raw = "raw " if gathered else ""
    kernel = import_cupy().ElementwiseKernel(
        ", ".join(f"{raw}T {node.code}" if node.code[0] == "a" else f"float64 {node.code}" for node in inputs),
        ", ".join(f"{raw}T r{place}" for place in range(len(results))),
        _by_rows(results, gathered) if gathered else _by_elements(results),
        f"xpnet_{re.sub(r'[^a-zA-Z0-9]', '_', name)}",
        preamble=_PREAMBLE,
        options=("--fmad=false",),  # A product is rounded before it is added to, as by every other library.
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
        code = node.code.format(*names) if names else load.format(node.code) if node.code[0] == "a" else node.code
        known[node] = f"v{len(lines)}"
        lines.append(f"const {node.ctype} {known[node]} = {code};")
    return known[node]
