"""Optimizers step by step against PyTorch, clipping, and numbers of members."""

from dataclasses import fields
from functools import cache

import numpy as np
import pytest

import xpnet
from xpnet.optimizers import OPTIMIZERS

STEPS = 12
SHAPES = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
_random = np.random.Generator(np.random.PCG64(5))
START = {name: _random.normal(size=shape) for name, shape in SHAPES.items()}
GRADIENTS = [{name: _random.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]

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
    "momentum warm-up": (
        xpnet.Momentum(xpnet.WarmUp(xpnet.StepDecay(0.5, steps=2, factor=0.5), steps=3)),
        "SGD",
        {"momentum": 0.9},
    ),
}


def variables(backend, dtype="float64", copies=None):
    """Return parameters that may be written to; with `copies`, so many members."""
    device = backend.select()
    if copies is None:
        return {name: device.asarray(w.copy(), dtype) for name, w in START.items()}
    return {name: device.asarray(np.stack([w * (m + 1) for m in range(copies)]), dtype) for name, w in START.items()}


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
        theirs.step()
        steps.append({key: w.detach().numpy().copy() for key, w in params.items()})
    return steps


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", list(CASES))
def test_every_step_is_that_of_pytorch(backend, close, case):
    optimizer = CASES[case][0]
    params = variables(backend)
    state = optimizer.initial_state(params)
    for step, expected in enumerate(trajectory(case)):
        optimizer.update(params, {name: backend.asarray(g) for name, g in GRADIENTS[step].items()}, state)
        assert state.step == step + 1
        for name, w in params.items():
            close(w, expected[name], dtype="float64", rtol=1e-10, atol=1e-14)


def test_every_optimizer_is_compared():
    assert {type(ours) for ours, _, _ in CASES.values()} == set(OPTIMIZERS.values())
    assert all(OPTIMIZERS[name].name == name for name in OPTIMIZERS)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_float32_stays_float32_in_parameters_and_state(backend, close, name):
    """A NumPy float64 scalar, as option or out of a schedule, must not promote."""
    kind = OPTIMIZERS[name]
    reference = kind(learning_rate=0.01, weight_decay=0.01)
    expected = {key: w.copy() for key, w in START.items()}
    expected_state = reference.initial_state(expected)
    for gradients in GRADIENTS[:3]:
        reference.update(expected, gradients, expected_state)
    for rate in (np.float64(0.01), np.float32(0.01), lambda step: np.float64(0.01)):
        optimizer = kind(learning_rate=rate, weight_decay=np.float64(0.01))
        params = variables(backend, "float32")
        state = optimizer.initial_state(params)
        for gradients in GRADIENTS[:3]:
            optimizer.update(params, {key: backend.asarray(g, "float32") for key, g in gradients.items()}, state)
        for key, w in params.items():
            close(w, expected[key], dtype="float32", rtol=1e-4, atol=1e-5)
            for slot in state.slots.values():
                close(slot[key], xpnet.to_host(slot[key]), dtype="float32")


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_gradients_are_left_as_they_are(backend, name):
    optimizer, params = OPTIMIZERS[name](weight_decay=0.1), variables(backend)
    gradients = {key: backend.asarray(g) for key, g in GRADIENTS[0].items()}
    state = optimizer.initial_state(params)
    optimizer.update(params, gradients, state)
    optimizer.update(params, gradients, state)
    for key, g in gradients.items():
        np.testing.assert_array_equal(xpnet.to_host(g), GRADIENTS[0][key])


NUMBERS = {
    "learning_rate": [0.5, 0.1, 0.02],
    "weight_decay": [0.1, 0.0, 0.3],
    "max_gradient_norm": [0.1, 2.0, 1e3],
    "momentum": [0.9, 0.0, 0.5],
    "decay": [0.9, 0.99, 0.0],
    "beta1": [0.9, 0.0, 0.5],
    "beta2": [0.999, 0.9, 0.5],
    "epsilon": [1e-8, 1e-3, 1e-10],
}


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_each_member_may_have_numbers_of_its_own(backend, close, name):
    numbers = {option.name: NUMBERS[option.name] for option in fields(OPTIMIZERS[name]) if option.name in NUMBERS}
    many = OPTIMIZERS[name](**{**numbers, "learning_rate": backend.asarray(numbers["learning_rate"])})
    params = variables(backend, copies=3)
    state = many.initial_state(params)
    for gradients in GRADIENTS[:3]:
        stacked = {key: np.stack([g, g * 2, g - 1]) for key, g in gradients.items()}
        many.update(params, {key: backend.asarray(g) for key, g in stacked.items()}, state, members=True)
    for m in range(3):
        single = OPTIMIZERS[name](**{key: values[m] for key, values in numbers.items()})
        expected = {key: w * (m + 1) for key, w in START.items()}
        single_state = single.initial_state(expected)
        for gradients in GRADIENTS[:3]:
            single.update(expected, {key: [g, g * 2, g - 1][m] for key, g in gradients.items()}, single_state)
        for key, w in params.items():
            close(w[m, ...], expected[key], dtype="float64", rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("numbers", [[0.1, 0.2], (0.1, 0.2), np.asarray([0.1, 0.2])])
def test_numbers_of_members_are_kept_as_a_tuple(numbers):
    assert xpnet.SGD(numbers) == xpnet.SGD((0.1, 0.2))
    assert hash(xpnet.SGD(numbers)) == hash(xpnet.SGD((0.1, 0.2)))


def test_clipping_is_part_of_the_rule(backend, close):
    params, expected = variables(backend), variables(backend)
    rules = xpnet.Momentum(0.1, max_gradient_norm=0.5), xpnet.Momentum(0.1)
    states = [rule.initial_state(params) for rule in rules]
    for gradients in GRADIENTS[:3]:
        gradients = {key: backend.asarray(g) for key, g in gradients.items()}
        rules[0].update(params, gradients, states[0])
        rules[1].update(expected, xpnet.clip_gradient_norm(gradients, 0.5), states[1])
    for key, w in params.items():
        close(w, xpnet.to_host(expected[key]), dtype="float64", rtol=0)


def test_state_is_data_alone():
    """Two runs of one optimizer do not meet: all it remembers is in their states."""
    optimizer = xpnet.Adam()
    runs = []
    for _ in range(2):
        params = {name: w.copy() for name, w in START.items()}
        state = optimizer.initial_state(params)
        for gradients in GRADIENTS:
            optimizer.update(params, gradients, state)
        runs.append(params)
    np.testing.assert_equal(runs[0], runs[1])


# -- clipping


@pytest.mark.needs("torch")
@pytest.mark.parametrize("max_norm", [0.5, 3.0, 1e3])
def test_clipping_is_that_of_pytorch(backend, close, max_norm):
    import torch

    leaves = [torch.tensor(w, requires_grad=True) for w in START.values()]
    for leaf, g in zip(leaves, GRADIENTS[0].values(), strict=True):
        leaf.grad = torch.tensor(g)
    norm = float(torch.nn.utils.clip_grad_norm_(leaves, max_norm))
    # PyTorch divides by norm + 1e-6.
    correction = (norm + 1e-6) / norm if norm > max_norm else 1.0
    clipped = xpnet.clip_gradient_norm({k: backend.asarray(g) for k, g in GRADIENTS[0].items()}, max_norm)
    for leaf, (name, g) in zip(leaves, clipped.items(), strict=True):
        close(g, leaf.grad.numpy() * correction, dtype="float64", rtol=1e-12)
        assert name in SHAPES


def test_clipping_keeps_short_gradients_exactly_and_float32(backend, close):
    for dtype in ("float32", "float64"):
        gradients = {"a": backend.asarray([0.3, 0.1], dtype), "b": backend.asarray([[0.2]], dtype)}
        for name, g in xpnet.clip_gradient_norm(gradients, np.float64(1.0)).items():
            close(g, xpnet.to_host(gradients[name]), dtype=dtype, rtol=0)


def test_clipping_is_for_each_member_by_itself(backend, close):
    gradients = {name: np.stack([g * 1e-3, g, g * 10]) for name, g in GRADIENTS[0].items()}
    clipped = xpnet.clip_gradient_norm({k: backend.asarray(g) for k, g in gradients.items()}, 2.0, members=True)
    for m in range(3):
        single = xpnet.clip_gradient_norm({name: g[m] for name, g in gradients.items()}, 2.0)
        for name, g in clipped.items():
            close(g[m, ...], single[name], dtype="float64")


@pytest.mark.parametrize(
    ("size", "max_norm"), [(1e-30, 1e-30), (1e-30, 1.0), (1.0, 1e-30), (1.0, 1e30), (1e30, 1.0), (1e30, 1e30)]
)
def test_clipping_neither_over_nor_underflows(backend, close, size, max_norm):
    gradients = {"a": size * np.asarray([3.0, 0.0]), "b": size * np.asarray([[4.0]])}
    clipped = xpnet.clip_gradient_norm({key: backend.asarray(g, "float32") for key, g in gradients.items()}, max_norm)
    for key, g in clipped.items():
        # Some ten roundings in float32.
        expected = gradients[key] * min(1.0, max_norm / (5 * size))
        close(g, expected, dtype="float32", rtol=10 * 1.2e-7, atol=1e-38)


@pytest.mark.parametrize("max_norm", [0, -1.0, float("nan"), float("inf")])
def test_clipping_refuses_a_norm_that_is_none(max_norm):
    with pytest.raises(ValueError, match=r"max_norm must be a finite number > 0"):
        xpnet.clip_gradient_norm(GRADIENTS[0], max_norm)


# -- what they refuse


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: xpnet.SGD(0), ValueError, r"learning_rate must be a finite number > 0, got 0"),
        (lambda: xpnet.SGD(float("nan")), ValueError, r"learning_rate must be a finite number > 0, got nan"),
        (lambda: xpnet.SGD("0.1"), TypeError, r"learning_rate must be a finite number > 0, got '0.1' of type str"),
        (lambda: xpnet.SGD(np.asarray([0.1, -1])), ValueError, r"learning_rate of member 1 .* > 0, got -1.0"),
        (lambda: xpnet.SGD(weight_decay=-0.1), ValueError, r"weight_decay must be a finite number >= 0, got -0.1"),
        (lambda: xpnet.Momentum(momentum=1.0), ValueError, r"momentum must be a number in \[0, 1\), got 1.0"),
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
    optimizer = xpnet.Adam(beta1=[0.1, 0.2])
    for members, shown in ((True, 3), (False, "no")):
        params = variables(backend, copies=3)
        with pytest.raises(ValueError, match=rf"beta1 must be .* one for each member: got 2 for {shown} members"):
            optimizer.update(params, params, optimizer.initial_state(params), members=members)
