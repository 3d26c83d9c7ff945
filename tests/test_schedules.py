"""Schedules: their formulas at the corners, and as text there and back."""

import math

import pytest

from xpnet import CosineDecay, StepDecay, WarmUp
from xpnet.schedules import read_schedule


def test_step_decay_falls_after_so_many_steps():
    rate = StepDecay(0.8, steps=100, factor=0.5)
    assert [rate(step) for step in (0, 99, 100, 199, 200)] == [0.8, 0.8, 0.4, 0.4, 0.2]


def test_cosine_decay_goes_from_initial_to_final():
    rate = CosineDecay(1.0, steps=100, final=0.2)
    assert rate(0) == 1.0
    assert rate(50) == pytest.approx(0.6, rel=4e-16)
    assert rate(25) == pytest.approx(0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2, rel=4e-16)
    assert [rate(step) for step in (100, 101, 10**6)] == [0.2] * 3


@pytest.mark.parametrize("then", [1.0, StepDecay(1.0, steps=2, factor=0.5)])
def test_warm_up_rises_and_then_follows(then):
    rate = WarmUp(then, steps=4)
    assert [rate(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    follow = then if callable(then) else lambda _: then
    assert [rate(4 + step) for step in range(5)] == [follow(step) for step in range(5)]


SCHEDULES = {
    "step": StepDecay(0.3),
    "step:10": StepDecay(0.3, steps=10),
    "step:10:0.5": StepDecay(0.3, steps=10, factor=0.5),
    "step:1000:0.5": StepDecay(0.3, factor=0.5),
    "cosine:70": CosineDecay(0.3, steps=70),
    "cosine:70:0.001": CosineDecay(0.3, steps=70, final=0.001),
    "warmup:100": WarmUp(0.3, steps=100),
    "warmup:100,cosine:900:0.001": WarmUp(CosineDecay(0.3, steps=900, final=0.001), steps=100),
    "warmup:5,warmup:5,step": WarmUp(WarmUp(StepDecay(0.3), steps=5), steps=5),
}


@pytest.mark.parametrize("text", SCHEDULES)
def test_a_schedule_is_written_and_read_back(text):
    assert read_schedule(text, 0.3, steps=7) == SCHEDULES[text]
    assert str(SCHEDULES[text]) == text


def test_a_schedule_that_says_no_steps_takes_those_of_the_run():
    assert read_schedule("cosine", 0.3, steps=1000) == CosineDecay(0.3, steps=1000)
    assert read_schedule("warmup:100,cosine", 0.3, steps=1000) == WarmUp(CosineDecay(0.3, steps=900), steps=100)
    assert read_schedule("warmup:100,cosine", 0.3, steps=50) == WarmUp(CosineDecay(0.3, steps=1), steps=100)
    assert read_schedule("constant", 0.3, steps=1000) == 0.3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"schedule must be one of constant, step, cosine, warmup; got ''"),
        ("cosin", r"schedule must be one of .*: did you mean 'cosine'\?"),
        ("cosine:", r"schedule: steps must be an integer in 'cosine:': write cosine:STEPS:FINAL"),
        ("cosine:0", r"schedule: steps must be an integer >= 1, got 0 in 'cosine:0': write"),
        ("cosine:1.5", r"schedule: steps must be an integer in"),
        ("cosine:10:-1", r"schedule: final must be a finite number >= 0, got -1.0 in"),
        ("cosine:10:0:3", r"schedule: 3 numbers are too many in 'cosine:10:0:3': write cosine:STEPS:FINAL"),
        ("step:10:nan", r"schedule: factor must be a finite number > 0, got nan in 'step:10:nan': write step:STEPS:FA"),
        ("step:10,cosine", r"schedule: nothing can follow 'step', got 'step:10,cosine': leave out"),
        ("warmup", r"schedule: 0 numbers are too few in 'warmup': write warmup:STEPS"),
        ("warmup:10,", r"schedule must be one of .*; got ''"),
        ("warmup:10,cosine:x", r"^schedule: steps must be an integer in 'cosine:x': write cosine:STEPS:FINAL"),
        ("constant:0.1", r"schedule: 'constant' takes no number, got 'constant:0.1': write 'constant'"),
    ],
)
def test_text_that_is_no_schedule(text, message):
    with pytest.raises(ValueError, match=message):
        read_schedule(text, 0.3, steps=1000)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (StepDecay, (0.0,), "initial must be a finite number > 0"),
        (StepDecay, (0.1, 0), "steps must be an integer >= 1"),
        (StepDecay, (0.1, 10, -1.0), "factor must be a finite number > 0"),
        (CosineDecay, (math.inf, 10), "initial must be a finite number > 0"),
        (CosineDecay, (0.1, -3), "steps must be an integer >= 1"),
        (WarmUp, (-0.1, 10), "initial must be a finite number > 0"),
        (WarmUp, (0.1, 0), "steps must be an integer >= 1"),
    ],
)
def test_numbers_out_of_their_domain(kind, arguments, message):
    with pytest.raises(ValueError, match=message):
        kind(*arguments)
