"""Documentation that runs: the examples of every module and of the README, and at least one for every public name."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import xpnet

README = Path(__file__).parents[1] / "README.md"
MODULES = [
    module.name
    for module in pkgutil.walk_packages(xpnet.__path__, "xpnet.")
    if not module.name.endswith("__main__")  # importing it would run the command line
]
# Nobody makes these: the examples of the functions that return them show them.
RESULTS = {"Checkpoint", "Dataset", "Derivative", "Evaluation", "Record", "Sweep", "TrainingState"}


def documented(name):
    """Return what holds the docstring of a public name: a function or class, or the class of an instance."""
    value = getattr(xpnet, name)
    return value if inspect.isroutine(value) or isinstance(value, type) else type(value)


@pytest.mark.parametrize("name", ["xpnet", *MODULES])
def test_the_examples_of_a_module_run(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_examples_of_the_readme_run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted >= 5


@pytest.mark.parametrize("name", xpnet.__all__)
def test_every_public_name_is_documented_by_an_example(name):
    subject = documented(name)
    docstring = vars(subject).get("__doc__") if isinstance(subject, type) else subject.__doc__
    assert docstring, f"xpnet.{name} has no docstring of its own"
    if name in RESULTS or (isinstance(subject, type) and issubclass(subject, BaseException)):
        return
    examples = [example for test in doctest.DocTestFinder().find(subject, name) for example in test.examples]
    assert any(example.want for example in examples), f"xpnet.{name} has no example with a result"
