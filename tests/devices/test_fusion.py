"""Functions as kernels: equal to what they are without, traced by what they are, refused where no kernel can do it."""

import sys
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import array_api_compat.numpy
import numpy as np
import pytest

from xpnet.activations import ACTIVATIONS
from xpnet.devices import fused, fusion
from xpnet.devices.tracing import UntraceableError
from xpnet.losses import LOSSES
from xpnet.losses.targets import Targets
from xpnet.optimizers import OPTIMIZERS
from xpnet.optimizers.optimizer import _update

RNG = np.random.default_rng(0)
Z = 5 * RNG.normal(size=(7, 5))
BIAS, TARGETS, WEIGHTS = RNG.normal(size=(1, 5)), np.eye(7, 5), RNG.random((7, 1))


def activate(z, bias, *, f, xp):
    z += bias
    a = f._value(z, xp=xp)
    return z, a, f._derivative(z, a, xp=xp)


def differentiate(y, bias, values, weights, *, loss, xp):
    y += bias
    return y, loss._terms(y, Targets(values, weights), xp=xp).gradient()


def functions(a, b, *, xp):
    bounded = xp.sin(a) + xp.cos(b) * xp.tanh(a) - xp.sign(b) * xp.expm1(-xp.abs(a))
    return bounded, xp.cosh(bounded) / xp.sinh(2 + xp.square(bounded)), xp.sign(a - a)


def one_of_all(a, b, number, *, xp):
    lower, upper = xp.minimum(a, b), xp.maximum(a, 0.5)
    signs = xp.astype(a > b, a.dtype) - xp.astype(b >= a, a.dtype) + xp.where(a < 0, xp.zeros_like(a), xp.ones_like(a))
    shares = xp.exp(lower - xp.max(upper, axis=-1, keepdims=True)) / xp.sum(xp.abs(b), axis=-1, keepdims=True)
    scale = (1 - number**2) / 3 + -number
    return xp.log1p(shares) * scale + signs, xp.sqrt(upper) ** 1.5 / (2 + number), lower


CASES = {
    **{f"activation {name}": (partial(activate, f=f), (Z, BIAS)) for name, f in ACTIVATIONS.items()},
    **{
        f"loss {name}": (partial(differentiate, loss=loss()), (Z, BIAS, TARGETS, WEIGHTS))
        for name, loss in LOSSES.items()
    },
    "functions": (functions, (Z, BIAS)),
    "one of all": (one_of_all, (Z, BIAS, 0.25)),
    "nothing": (lambda z, *, xp: None, (Z,)),
    "itself": (lambda z, *, xp: z, (Z,)),
}


@pytest.fixture
def compile_kernels(monkeypatch):
    """Give a list of all kernels that are compiled, by a CuPy that cannot run them."""
    kernels = []

    def compile_kernel(in_params, out_params, operation, name, **options):
        kernels.append(SimpleNamespace(inputs=in_params, outputs=out_params, code=operation, name=name, **options))
        return lambda *arrays, **size: None

    cupy = SimpleNamespace(ElementwiseKernel=compile_kernel, empty_like=np.empty_like)
    monkeypatch.setattr(fusion, "import_cupy", lambda: cupy)
    return kernels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["rows", "columns", "members"])
@pytest.mark.parametrize("case", list(CASES))
def test_a_kernel_does_what_the_function_does(backend, close, case, layout, dtype):
    """As on NumPy: a device may round exponentials and sums otherwise."""
    function, values = CASES[case]
    host = [x if isinstance(x, float) else x.astype(dtype) for x in values]
    if layout == "columns":
        host[0] = np.asfortranarray(host[0])
    elif layout == "members":
        host[0] = np.stack([host[0], host[0] + 1])

    def on_device(x):
        return x if isinstance(x, float) else backend.asarray(x.mT).mT if x.flags.fnc else backend.asarray(x)

    given = [on_device(x) for x in host]
    if backend.name == "numpy-readonly":
        given[0] = given[0].copy()
    with np.errstate(over="ignore"):  # A sigmoid's exponential may, on its way to 0.
        result, expected = fused(function, xp=backend.xp)(*given), function(*host, xp=array_api_compat.numpy)
    assert type(result) is tuple if isinstance(expected, tuple) else not isinstance(result, tuple)
    pairs = zip(result, expected, strict=True) if isinstance(expected, tuple) else [(result, expected)]
    for ours, truth in [*pairs, *([] if backend.name == "jax" else [(given[0], host[0])])]:
        if truth is None:
            assert ours is None
        else:
            close(ours, truth, dtype=dtype, roundings=16)


REFUSED = {
    "a product": lambda a, b, *, xp: a @ b.mT,
    "a branch": lambda a, b, *, xp: a if a > 0 else b,
    "a number of an array": lambda a, b, *, xp: a * float(b),
    "an index": lambda a, b, *, xp: a[0] + b,
    "a shape": lambda a, b, *, xp: a / a.shape[0],
    "a shape of its own": lambda a, b, *, xp: xp.broadcast_to(a, (2, 3)),
    "another dtype": lambda a, b, *, xp: xp.astype(a, "float64"),
    "an unknown function": lambda a, b, *, xp: xp.cumulative_sum(a),
    "an infinite number": lambda a, b, *, xp: a + float("inf"),
    "a scalar of NumPy": lambda a, b, *, xp: a + np.float32(1),
    "a sum of columns": lambda a, b, *, xp: a * xp.sum(b, axis=0, keepdims=True),
    "an axis less": lambda a, b, *, xp: xp.max(a, axis=-1, keepdims=False),
    "a row as result": lambda a, b, *, xp: xp.sum(a, axis=-1, keepdims=True),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_no_kernel_can_do_is_refused(compile_kernels, case):
    with pytest.raises(fusion.UNKNOWN):
        fusion.compiled(REFUSED[case], (np.ones((2, 3), "float32"),) * 2)
    assert compile_kernels == []


def count_one(a, holder, *, xp):
    holder.count += 1
    return a * 2


def put_another(a, holder, *, xp):
    holder.arrays["another"] = a
    return a * 2


@pytest.mark.parametrize("function", [count_one, put_another])
def test_a_kernel_puts_nothing_but_arrays_into_containers(compile_kernels, function):
    with pytest.raises(UntraceableError):
        fusion.compiled(function, (np.ones(2), Holder(1, {"one": np.ones(2)})))
    assert compile_kernels == []


@pytest.mark.parametrize("dtypes", [("float32", "float64"), ("int64", "int64"), ("complex64", "complex64")])
def test_a_kernel_has_one_floating_dtype(compile_kernels, dtypes):
    with pytest.raises(UntraceableError):
        fusion.compiled(lambda a, b, *, xp: a + b, tuple(np.ones(2, dtype) for dtype in dtypes))


def test_a_function_that_is_refused_is_called_as_it_is(monkeypatch, compile_kernels):
    monkeypatch.setattr(fusion, "is_cupy_namespace", lambda xp: True)
    calls = []

    def matmul(a, b, *, xp):
        calls.append(xp)
        return a @ b

    product = fused(matmul, xp=np)
    for _ in range(2):
        np.testing.assert_array_equal(product(np.eye(2), np.ones((2, 2))), np.ones((2, 2)))
    assert [xp is np for xp in calls] == [False, True, True]


def test_a_kernel_is_compiled_once_for_each_choice_of_dtypes(monkeypatch, compile_kernels):
    monkeypatch.setattr(fusion, "is_cupy_namespace", lambda xp: True)
    double = fused(lambda a, n, *, xp: a * n, xp=np)
    for dtype in ("float32", "float64", "float32"):
        double(np.ones(2, dtype), 3)
    double(np.ones(2), np.ones(2))
    assert [kernel.inputs for kernel in compile_kernels] == ["T a0, float64 n0"] * 2 + ["T a0, T a1"]


def test_a_function_that_uses_all_it_has_twice_is_traced_at_once(compile_kernels):
    def power(a, *, xp):
        for _ in range(200):
            a = a * a
        return a + xp.sum(a, axis=-1, keepdims=True)

    fusion.compiled(power, (np.ones((2, 3)),))
    assert len(compile_kernels[0].code.splitlines()) == 2 * 201 + 9


@dataclass
class Holder:
    count: int
    arrays: dict


def test_containers_are_opened_and_what_is_put_into_them_is_written(backend, close):
    def move(z, holder, *, xp):
        holder.arrays["in place"] *= holder.count
        holder.arrays["new"] = holder.arrays["new"] + z
        return holder.arrays["new"] - z

    x, xp = backend.asarray([1.0, 2.0]), backend.xp
    holder = Holder(3, {"in place": 2 * x, "unused": xp.ones((7, 7), dtype=x.dtype), "new": x + 1})
    arrays = dict(holder.arrays)
    close(fused(move, xp=xp)(x, holder), [2.0, 3.0])
    close(holder.arrays["in place"], [6.0, 12.0])
    close(holder.arrays["new"], [3.0, 5.0])
    if fused(move, xp=xp).__class__ is not partial and not hasattr(sys.modules["cupy"], "simulated"):
        assert all(holder.arrays[name] is array for name, array in arrays.items())


def test_the_source_says_what_the_function_does(compile_kernels):
    def softmax(y, step, *, xp):
        exponentials = xp.exp(y - xp.max(y, axis=-1, keepdims=True))
        y += 1 - 0.5**step
        return exponentials / xp.sum(exponentials, axis=-1, keepdims=True)

    fusion.compiled(softmax, (np.ones((2, 3), "float32"), 1))
    (kernel,) = compile_kernels
    assert (kernel.inputs, kernel.outputs) == ("raw T a0, float64 n0", "raw T r0, raw T r1")
    assert kernel.name == "xpnet_softmax"
    assert kernel.code.splitlines() == [
        "const ptrdiff_t columns = r0.shape()[r0.ndim - 1];",
        "T g0 = 0;",
        "for (ptrdiff_t column = 0; column < columns; ++column) {",
        "const T v0 = at(a0, r0, i, column);",
        "g0 = column == 0 ? v0 : maximum(g0, v0);",
        "}",
        "T g1 = 0;",
        "for (ptrdiff_t column = 0; column < columns; ++column) {",
        "const T v0 = at(a0, r0, i, column);",
        "const T v1 = v0 - g0;",
        "const T v2 = exp(v1);",
        "g1 = column == 0 ? v2 : g1 + v2;",
        "}",
        "for (ptrdiff_t column = 0; column < columns; ++column) {",
        "const T v0 = at(a0, r0, i, column);",
        "const T v1 = T(n0);",
        "const T v2 = v0 + v1;",
        "const T v3 = v0 - g0;",
        "const T v4 = exp(v3);",
        "const T v5 = v4 / g1;",
        "at(r0, r0, i, column) = v2;",
        "at(r1, r0, i, column) = v5;",
        "}",
    ]


@pytest.fixture
def kernels_of_training(compile_kernels):
    """Give all kernels that a step may take, and some more."""
    for function, values in CASES.values():
        fusion.compiled(function, values)
    w = np.ones((2, 3))
    for kind in OPTIMIZERS.values():
        for options in ({}, {"weight_decay": 0.1, "learning_rate": [0.1, 0.2]}):
            optimizer = kind(**options).beside(w, members=True, xp=np)
            state = optimizer.initial_state({"w": w, "another": w[0, :]})
            fusion.compiled(_update("w", optimizer), (w, w, optimizer.rate(0), state))
    return compile_kernels


def test_every_activation_loss_and_optimizer_is_one_kernel(kernels_of_training):
    assert len(kernels_of_training) == len(CASES) - 2 + 2 * len(OPTIMIZERS)


def cuda_source(kernel, dtype, ndim):
    """Return a kernel as CuPy would have it, for arrays with so many axes."""

    def declared(params, const):
        for kind, name in (param.rsplit(" ", 1) for param in params.split(", ")):
            array = f"{const}CArray<{dtype}, {ndim}>"
            if kind == "float64":
                yield f"const double {name}", ""
            elif kind == "raw T":
                yield f"{array} {name}", ""
            else:
                yield f"{array} _{name}", f"{const}{dtype}& {name} = _{name}[i];"

    params, lines = zip(*declared(kernel.inputs, "const "), *declared(kernel.outputs, ""), strict=True)
    return f"""
        #include <cupy/complex.cuh>
        #include <cupy/carray.cuh>
        typedef {dtype} T;
        {kernel.preamble}
        extern "C" __global__ void {kernel.name}({", ".join(params)}, ptrdiff_t size) {{
            CUPY_FOR(i, size) {{ {" ".join(lines)} {kernel.code} }}
        }}"""


def test_nvidias_compiler_takes_every_kernel(kernels_of_training):
    core = pytest.importorskip("cupy._core.core", reason="CuPy is not installed (it needs no GPU here)")
    from cupy.cuda import nvrtc

    try:
        nvrtc.getVersion()
    except Exception as error:
        pytest.skip(f"CuPy finds no NVRTC ({type(error).__name__}): pip install cuda-toolkit[cudart,nvrtc]")
    options = ("-arch=sm_90", "-ftz=true", "--device-as-default-execution-space")
    for number, kernel in enumerate(kernels_of_training):
        for dtype in ("float", "double"):
            source = cuda_source(kernel, dtype, ndim=2 + number % 2)
            program = nvrtc.createProgram(source, "kernel.cu", [], [])
            try:
                nvrtc.compileProgram(program, [*options, *core.assemble_cupy_compiler_options(kernel.options)])
            except nvrtc.NVRTCError:
                pytest.fail(f"{nvrtc.getProgramLog(program)} in {source}")
            finally:
                nvrtc.destroyProgram(program)
