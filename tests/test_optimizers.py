"""Optimizers step by step against PyTorch, numbers of members against single runs, and clipping."""

import copy
import pickle
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import pytest
from rounding import rounding

import xpnet
from xpnet.optimizers import OPTIMIZERS

STEPS = 12
SHAPES = {"W": (3, 4), "b": (4,)}
_random = np.random.Generator(np.random.PCG64(5))
START = {name: _random.normal(size=shape) for name, shape in SHAPES.items()}
GRADIENTS = [{name: _random.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]
# An entry of a parameter of up to 3 after so many steps of some ten operations each.
ROUNDINGS = 3 * 10 * STEPS

# ours, the name in torch.optim, its keywords
CASES = {
    "sgd": (xpnet.SGD(0.3), "SGD", {"lr": 0.3}),
    "sgd decay": (xpnet.SGD(0.3, weight_decay=0.1), "SGD", {"lr": 0.3, "weight_decay": 0.1}),
    "momentum": (xpnet.Momentum(), "SGD", {"lr": 0.01, "momentum": 0.9}),
    "momentum decay": (
        xpnet.Momentum(0.2, momentum=0.5, weight_decay=0.01),
        "SGD",
        {"lr": 0.2, "momentum": 0.5, "weight_decay": 0.01},
    ),
    "nesterov": (
        xpnet.Momentum(0.2, momentum=0.8, nesterov=True, weight_decay=0.1),
        "SGD",
        {"lr": 0.2, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
    ),
    "adagrad": (xpnet.AdaGrad(), "Adagrad", {}),
    "adagrad decay": (
        xpnet.AdaGrad(0.5, epsilon=1e-3, weight_decay=0.1),
        "Adagrad",
        {"lr": 0.5, "eps": 1e-3, "weight_decay": 0.1},
    ),
    "rmsprop": (xpnet.RMSProp(), "RMSprop", {}),
    "rmsprop decay": (
        xpnet.RMSProp(0.1, decay=0.9, epsilon=1e-3, weight_decay=0.1),
        "RMSprop",
        {"lr": 0.1, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1},
    ),
    "adam": (xpnet.Adam(), "Adam", {}),
    "adam decay": (
        xpnet.Adam(0.1, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.1),
        "Adam",
        {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "adamw": (xpnet.AdamW(), "AdamW", {}),
    "adamw decay": (xpnet.AdamW(0.1, weight_decay=0.3), "AdamW", {"lr": 0.1, "weight_decay": 0.3}),
    "adam cosine": (xpnet.Adam(xpnet.CosineDecay(0.5, steps=8)), "Adam", {}),
    "clipped momentum": (xpnet.Momentum(0.2, max_gradient_norm=3.5), "SGD", {"lr": 0.2, "momentum": 0.9}),
}

every_optimizer = pytest.mark.parametrize("name", list(OPTIMIZERS))


MEMBERS = {name: np.stack([w, w * 2, w * 3]) for name, w in START.items()}


def variables(device, dtype="float64", start=START):
    """Return parameters that may be written to."""
    return {name: device.asarray(w.copy(), dtype) for name, w in start.items()}


def run(device, optimizer, gradients, params, *, dtype="float64", members=False):
    """Do a step for each of some gradients, and return the state."""
    state = optimizer.initial_state(params)
    for step in gradients:
        optimizer.update(params, variables(device, dtype, step), state, members=members)
    return state


@cache
def trajectory(case):
    """Return PyTorch's parameters after each step."""
    import torch

    ours, name, options = CASES[case]
    params = {key: torch.tensor(w, requires_grad=True) for key, w in START.items()}
    theirs = getattr(torch.optim, name)(params.values(), **options)
    steps = []
    for step, gradients in enumerate(GRADIENTS):
        if callable(ours.learning_rate):
            theirs.param_groups[0]["lr"] = ours.learning_rate(step)
        for key, w in params.items():
            w.grad = torch.tensor(gradients[key])
        if ours.max_gradient_norm is not None:
            norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
            # PyTorch divides by the norm + 1e-6.
            torch.nn.utils.clip_grad_norm_(params.values(), ours.max_gradient_norm * (1 + 1e-6 / norm))
        theirs.step()
        steps.append({key: w.detach().numpy().copy() for key, w in params.items()})
    return steps


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", list(CASES))
def test_every_step_is_that_of_pytorch(case):
    optimizer = CASES[case][0]
    params = {name: w.copy() for name, w in START.items()}
    state = optimizer.initial_state(params)
    for step, expected in enumerate(trajectory(case)):
        optimizer.update(params, GRADIENTS[step], state)
        assert state.step == step + 1
        for name, w in params.items():
            np.testing.assert_allclose(w, expected[name], rtol=0, atol=rounding(ROUNDINGS))


@pytest.mark.parametrize("case", list(CASES))
def test_every_library_ends_where_numpy_does(backend, close, case):
    optimizer, host = CASES[case][0], xpnet.Device("cpu")
    params, expected = variables(backend.select()), variables(host)
    slots = run(backend.select(), optimizer, GRADIENTS, params).slots
    expected_slots = run(host, optimizer, GRADIENTS, expected).slots
    for name, w in params.items():
        close(w, expected[name], dtype="float64", rtol=0, atol=rounding(ROUNDINGS))
        for slot, arrays in slots.items():
            close(arrays[name], expected_slots[slot][name], dtype="float64", roundings=ROUNDINGS)


def test_the_clipped_case_clips_some_gradients_and_not_others():
    norms = [np.sqrt(sum((g**2).sum() for g in gradients.values())) for gradients in GRADIENTS]
    assert min(norms) < CASES["clipped momentum"][0].max_gradient_norm < max(norms)


def test_every_optimizer_is_compared():
    assert {type(ours) for ours, _, _ in CASES.values()} == set(OPTIMIZERS.values())
    assert all(OPTIMIZERS[name].name == name for name in OPTIMIZERS)


@every_optimizer
def test_float32_stays_float32_in_parameters_and_state(backend, close, name):
    """A NumPy float64 scalar, as option or out of a schedule, must not promote."""
    kind = OPTIMIZERS[name]
    start, *gradients = ({key: np.float32(w) for key, w in arrays.items()} for arrays in (START, *GRADIENTS[:3]))
    device, host, rate = backend.select(), xpnet.Device("cpu"), 2.0**-7
    expected = variables(host, start=start)
    expected_slots = run(host, kind(learning_rate=rate, weight_decay=rate), gradients, expected).slots
    for given in (np.float64(rate), np.float32(rate), lambda step: np.float64(rate)):
        params = variables(device, "float32")
        optimizer = kind(learning_rate=given, weight_decay=np.float64(rate))
        slots = run(device, optimizer, gradients, params, dtype="float32").slots
        for key, w in params.items():
            close(w, expected[key], dtype="float32", rtol=0, atol=rounding(ROUNDINGS, "float32"))
            for slot, arrays in slots.items():
                close(arrays[key], expected_slots[slot][key], dtype="float32", roundings=ROUNDINGS)


@every_optimizer
def test_gradients_are_left_as_they_are(backend, name):
    optimizer, params = OPTIMIZERS[name](weight_decay=0.1, max_gradient_norm=0.1), variables(backend.select())
    gradients = {key: backend.asarray(g) for key, g in GRADIENTS[0].items()}
    state = optimizer.initial_state(params)
    optimizer.update(params, gradients, state)
    optimizer.update(params, gradients, state)
    for key, g in gradients.items():
        np.testing.assert_array_equal(xpnet.to_host(g), GRADIENTS[0][key])


NUMBERS = {
    "learning_rate": (0.5, 0.1, 0.02),
    "weight_decay": (0.0, 0.1, 0.5),
    "max_gradient_norm": (0.5, 3.0, 100.0),
    "momentum": (0.0, 0.5, 0.99),
    "decay": (0.0, 0.9, 0.9999),
    "beta1": (0.0, 0.5, 0.99),
    "beta2": (0.0, 0.9, 0.99999),
    "epsilon": (1.0, 1e-3, 1e-8),
}


def numbers_of(name):
    """Return the names of an optimizer's numbers."""
    return [option.name for option in fields(OPTIMIZERS[name]) if option.name != "nesterov"]


# Parameters of up to 6 after 4 steps of some ten operations.
MEMBER_ROUNDINGS = 6 * 4 * 10


def members_and_single_runs(device, name, given, dtype):
    """Return the parameters of members with numbers of their own, on the host, and those of NumPy's single runs."""
    many, host = variables(device, dtype, MEMBERS), xpnet.Device("cpu")
    stacked = [{key: np.stack([g, g * 2, g - 1]) for key, g in step.items()} for step in GRADIENTS[:4]]
    run(device, OPTIMIZERS[name](**given), stacked, many, dtype=dtype, members=True)
    singles = []
    for m in range(3):
        singles.append(variables(host, dtype, {key: w[m] for key, w in MEMBERS.items()}))
        steps = [{key: g[m] for key, g in step.items()} for step in stacked]
        optimizer = OPTIMIZERS[name](**{option: numbers[m] for option, numbers in given.items()})
        run(host, optimizer, steps, singles[-1], dtype=dtype)
    return [(xpnet.to_host(w), np.stack([single[key] for single in singles])) for key, w in many.items()]


@pytest.mark.without("jax")  # which compiles every operation anew for so many shapes
@every_optimizer
def test_every_number_may_be_one_per_member(backend, name):
    given = {option: NUMBERS[option] for option in numbers_of(name)}
    for actual, expected in members_and_single_runs(backend.select(), name, given, "float32"):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, rtol=0, atol=rounding(MEMBER_ROUNDINGS, "float32"))


@pytest.mark.parametrize(("name", "option"), [(name, option) for name in OPTIMIZERS for option in numbers_of(name)])
def test_each_number_alone_may_be_one_per_member(name, option):
    runs = members_and_single_runs(xpnet.Device("cpu"), name, {option: NUMBERS[option]}, "float64")
    for actual, expected in runs:
        np.testing.assert_allclose(actual, expected, rtol=0, atol=rounding(MEMBER_ROUNDINGS))
        assert len({member.tobytes() for member in actual}) == 3


@pytest.mark.parametrize("kind", [list, tuple, np.asarray, "array"])
def test_numbers_of_members_are_kept_as_a_tuple(backend, kind):
    numbers = (0.5, 0.25, 0.125)
    given = backend.asarray(numbers, "float32") if kind == "array" else kind(numbers)
    optimizer = xpnet.Adam(given, beta1=given, max_gradient_norm=given)
    assert optimizer == xpnet.Adam(numbers, beta1=numbers, max_gradient_norm=numbers)
    assert {type(number) for number in optimizer.learning_rate} == {float}
    assert hash(optimizer) == hash(pickle.loads(pickle.dumps(optimizer))) == hash(copy.deepcopy(optimizer))


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.asarray(0.5), 0.5])
def test_a_number_becomes_python_s_own(number):
    assert repr(xpnet.SGD(number)) == "SGD(learning_rate=0.5, weight_decay=0.0, max_gradient_norm=None)"


def test_state_is_data_alone():
    """Two runs of one optimizer do not meet: all it remembers is in their states, which can be sent elsewhere."""
    optimizer, host, runs = xpnet.Adam(), xpnet.Device("cpu"), []
    for _ in range(2):
        params = variables(host)
        runs.append((params, run(host, optimizer, GRADIENTS[:3], params)))
    np.testing.assert_equal(runs[0][0], runs[1][0])
    other = pickle.loads(pickle.dumps(runs[0][1]))
    assert (other.step, list(other.slots)) == (3, ["means", "squares"])
    np.testing.assert_equal(other.slots, runs[1][1].slots)


@dataclass(frozen=True)
class Sign(xpnet.Optimizer):
    """A rule of a user's own: steps of one length in the direction of a gradient's signs."""

    learning_rate: float = 0.25
    reach: float = 1.0

    name = "sign"
    slot_names = ("last",)

    def _direction(self, name, g, state, *, xp):
        state.slots["last"][name] += g
        return self.reach * xp.sign(g)


def test_an_optimizer_of_one_s_own(backend, close):
    params = variables(backend.select())
    state = run(backend.select(), Sign(reach=2.0), GRADIENTS[:1], params)
    for name, w in params.items():
        close(w, START[name] - 0.5 * np.sign(GRADIENTS[0][name]), dtype="float64", roundings=4)
        close(state.slots["last"][name], GRADIENTS[0][name], dtype="float64", rtol=0)


# -- clipping


def norm_of(gradients):
    return float(np.sqrt(sum((np.asarray(g, dtype=float) ** 2).sum() for g in gradients.values())))


@pytest.mark.parametrize("max_norm", [0.5, 3.0, 1e3])
def test_clipping_keeps_the_direction_and_bounds_the_norm(backend, close, max_norm):
    norm = norm_of(GRADIENTS[0])
    clipped = xpnet.clip_gradient_norm({k: backend.asarray(g) for k, g in GRADIENTS[0].items()}, max_norm)
    assert list(clipped) == list(SHAPES)
    for name, g in clipped.items():
        close(g, GRADIENTS[0][name] * min(1.0, max_norm / norm), dtype="float64", roundings=32)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("max_norm", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_clipping_neither_over_nor_underflows(backend, close, size, max_norm, dtype):
    host = {name: np.zeros(shape, dtype) for name, shape in SHAPES.items()}
    host["W"][1, 2], host["b"][3] = 3 * size, -4 * size
    gradients = {name: backend.asarray(g) for name, g in host.items()}
    for name, g in xpnet.clip_gradient_norm(gradients, max_norm).items():
        if 5 * size > max_norm:
            close(g, host[name].astype(float) / 5 / size * max_norm, dtype=dtype, rtol=rounding(16, dtype))
        else:
            close(g, host[name], dtype=dtype, rtol=0)


def test_clipping_keeps_short_gradients_exactly_and_zeros(backend, close):
    for dtype in ("float32", "float64"):
        gradients = {"a": backend.asarray([0.3, 0.1], dtype), "b": backend.asarray([[0.2]], dtype)}
        for name, g in xpnet.clip_gradient_norm(gradients, np.float64(1.0)).items():
            close(g, xpnet.to_host(gradients[name]), dtype=dtype, rtol=0)
    close(xpnet.clip_gradient_norm({"a": backend.asarray([0.0, 0.0])}, 1e-30)["a"], [0.0, 0.0], rtol=0)


def test_clipping_is_for_each_member_by_itself(backend, close):
    gradients = {name: np.stack([g * 1e-3, g, g * 10]) for name, g in GRADIENTS[0].items()}
    clipped = xpnet.clip_gradient_norm({k: backend.asarray(g) for k, g in gradients.items()}, 2.0, members=True)
    for m in range(3):
        single = xpnet.clip_gradient_norm({name: g[m] for name, g in gradients.items()}, 2.0)
        for name, g in clipped.items():
            close(g[m, ...], single[name], dtype="float64", roundings=32)


@pytest.mark.parametrize("max_norm", [0, -1.0, float("nan"), float("inf")])
def test_clipping_refuses_a_norm_that_is_none(max_norm):
    with pytest.raises(ValueError, match=r"max_norm must be a finite number > 0"):
        xpnet.clip_gradient_norm(GRADIENTS[0], max_norm)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: xpnet.SGD(0), ValueError, r"learning_rate must be a finite number > 0, got 0"),
        (lambda: xpnet.SGD(float("nan")), ValueError, r"learning_rate must be a finite number > 0, got nan"),
        (lambda: xpnet.SGD("0.1"), TypeError, r"learning_rate must be a finite number > 0, got '0.1' of type str"),
        (lambda: xpnet.SGD(None), TypeError, r"learning_rate must be a finite number > 0, got None"),
        (lambda: xpnet.SGD(np.asarray([0.1, -1])), ValueError, r"learning_rate\[1\] must be .* > 0, got -1.0"),
        (lambda: xpnet.SGD([]), TypeError, r"learning_rate must be a list, tuple or 1-D array of one or more numbers"),
        (lambda: xpnet.SGD(np.ones((2, 2))), TypeError, r"learning_rate\[0\] must be a finite number > 0, got \[1.0"),
        (lambda: xpnet.SGD((lambda step: 1.0,)), TypeError, r"learning_rate\[0\] must be a finite number > 0, got <f"),
        (lambda: xpnet.SGD(weight_decay=-0.1), ValueError, r"weight_decay must be a finite number >= 0, got -0.1"),
        (lambda: xpnet.SGD(weight_decay=max), TypeError, r"weight_decay must be a finite number >= 0, got <built-in"),
        (lambda: xpnet.SGD(weight_decay=None), TypeError, r"weight_decay must be a finite number >= 0, got None"),
        (lambda: xpnet.SGD(max_gradient_norm=0), ValueError, r"max_gradient_norm must be a finite number > 0, got 0"),
        (lambda: xpnet.Momentum(momentum=1.0), ValueError, r"momentum must be a number in \[0, 1\), got 1.0"),
        (lambda: xpnet.Momentum(nesterov=1), TypeError, r"nesterov must be True or False, got 1 of type int"),
        (lambda: xpnet.Momentum(nesterov=[True]), TypeError, r"nesterov must be True or False, got \[True\]"),
        (lambda: xpnet.RMSProp(decay=-0.1), ValueError, r"decay must be a number in \[0, 1\), got -0.1"),
        (lambda: xpnet.Adam(beta1=1), ValueError, r"beta1 must be a number in \[0, 1\), got 1"),
        (lambda: xpnet.AdamW(beta2="0.9"), TypeError, r"beta2 must be a number in \[0, 1\), got '0.9'"),
        (lambda: xpnet.AdaGrad(epsilon=-1.0), ValueError, r"epsilon must be a finite number >= 0, got -1.0"),
    ],
)
def test_refuses_numbers_that_make_no_optimizer(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_refuses_numbers_that_fit_no_members(backend):
    optimizer, members = xpnet.SGD(backend.asarray([0.1, 0.2])), variables(backend.select(), start=MEMBERS)
    state = optimizer.initial_state(members)
    match = r"learning_rate must be a number, or one for each member: got 2 for 3 members"
    with pytest.raises(ValueError, match=match):
        optimizer.update(members, members, state, members=True)
    single = variables(backend.select())
    match = r"learning_rate must be a number, or one for each member: got 2 for no members"
    with pytest.raises(ValueError, match=match):
        optimizer.update(single, single, state)
    assert state.step == 0
