"""The house: who may import whom, who may name CuPy and print, and what ``import xpnet`` costs."""

import ast
import os
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import xpnet

SOURCE = Path(xpnet.__file__).parent

README = Path(__file__).parents[1] / "README.md"
# The README draws the rooms, one on each line below "src/xpnet/"; the front door and the command stand above them all.
DRAWN = re.search(r"^src/xpnet/\n((?:  .*\n)+)", README.read_text("utf-8"), re.MULTILINE)[1]
ROOMS = ["xpnet.__main__", *(f"xpnet.{name}" for name in re.findall(r"^  [ \d]  (\w+)", DRAWN, re.MULTILINE))]
ROOMS.insert(2, "xpnet")  # The front door hands out names of all rooms below it; only the command line may use it.
FLOORS = {room: len(ROOMS) - line for line, room in enumerate(ROOMS)}
SLOW_OR_OPTIONAL = ["click", "cupy", "jax", "matplotlib", "pooch", "rich", "safetensors", "scipy", "sklearn", "torch"]
SLOW_OR_OPTIONAL += ["jinja2", "mpi4py", "onnx", "pandas", "PIL", "tensorboardX", "threadpoolctl", "typer"]


def name_of(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))}


def room_of(module):
    """Return the room, a file or a folder right below xpnet, that a module is or belongs to."""
    return ".".join(module.split(".")[:2])


def imports_of(module):
    """Return the modules of xpnet that a module imports, anywhere in its code."""
    found = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import in line {node.lineno}: name the module in full"
            # "from xpnet import datasets" imports a module, "from xpnet.datasets import load" a name in one.
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else str(node.module) for name in inner}
    return {name for name in found if name.split(".")[0] == "xpnet"}


def test_every_room_has_a_floor_and_every_floor_its_room():
    assert {room_of(module) for module in MODULES} == set(FLOORS)


@pytest.mark.parametrize("module", list(MODULES))
def test_imports_only_from_floors_below(module):
    room = room_of(module)
    upwards = {
        other for other in imports_of(module) if room_of(other) != room and not FLOORS[room_of(other)] < FLOORS[room]
    }
    assert upwards == set()


def test_no_imports_go_in_a_circle():
    try:
        TopologicalSorter({module: imports_of(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


def words_of(tree):
    """Return the names in the code, and the strings that are names of modules; not prose."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield from (node.name, node.asname or "")
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w.]+", node.value):
            yield node.value


def modules_with(*wanted):
    """Return the modules in whose code a name, or the first part of a module's name, is one of these."""
    return {
        module for module, tree in MODULES.items() if {word.partition(".")[0] for word in words_of(tree)} & set(wanted)
    }


def test_only_devices_names_cupy():
    naming = {module for module, tree in MODULES.items() if any("cupy" in word.lower() for word in words_of(tree))}
    assert {room_of(module) for module in naming} == {"xpnet.devices"}


def test_only_the_command_line_prints_and_knows_click():
    assert {room_of(module) for module in modules_with("print", "click")} == {"xpnet.cli"}


def test_only_the_command_line_and_the_bar_of_fit_know_rich():
    knowing = modules_with("rich")
    assert {room_of(module) for module in knowing - {"xpnet.training.progress"}} == {"xpnet.cli"}
    assert "xpnet.training.progress" in knowing


def lazily_typed():
    """Return the room of every name that type checkers see at the front door."""
    (block,) = (node for node in MODULES["xpnet"].body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    assert all(isinstance(node, ast.ImportFrom) for node in block.body)
    return {alias.asname or alias.name: node.module for node in block.body for alias in node.names}


def test_the_front_door_says_the_same_three_times():
    """To type checkers, to ``import *`` and to those who ask for a name; and every room has what it is said to have."""
    assert lazily_typed() == xpnet._ROOM_OF
    assert sorted(xpnet.__all__) == sorted(xpnet._ROOM_OF)
    assert dir(xpnet) == sorted(xpnet.__all__)
    for name, room in xpnet._ROOM_OF.items():
        assert getattr(xpnet, name) is getattr(import_module(room), name)
    with pytest.raises(AttributeError, match="module 'xpnet' has no attribute 'nothing'"):
        getattr(xpnet, "noth" + "ing")


def run(code, **environment):
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return result.stdout


def test_import_of_every_public_name_loads_nothing_slow_or_optional():
    loaded = run(
        f"import sys; from xpnet import *; print([name for name in {SLOW_OR_OPTIONAL} if name in sys.modules])"
    )
    assert loaded.strip() == "[]"


def test_a_room_is_there_without_an_import_of_its_own():
    assert run("import xpnet; print(*xpnet.losses.LOSSES)").split() == list(xpnet.losses.LOSSES)


def test_import_alone_loads_not_even_numpy():
    assert run("import sys, xpnet; print('numpy' in sys.modules)").strip() == "False"


@pytest.mark.parametrize(
    ("code", "share"),
    [
        ("import xpnet", 0.2),  # 0.11 when this was written, most of it Python's own typing
        ("from xpnet import *", 3.2),  # 2.0, NumPy's 1 among them
    ],
)
def test_import_takes_little_beside_that_of_numpy(tmp_path, code, share):
    """In processor time, the least of several runs by turns, so that other work on the machine does not count."""

    def seconds(code):
        code = f"import time; start = time.process_time(); {code}; print(time.process_time() - start)"
        # Compiled files are kept, as after an installation, but out of the way.
        return float(run(code, PYTHONPYCACHEPREFIX=str(tmp_path), PYTHONDONTWRITEBYTECODE="", OPENBLAS_NUM_THREADS="1"))

    seconds(code), seconds("import numpy")  # compiles
    numpy, ours = [], []
    for _ in range(20):
        numpy.append(seconds("import numpy"))
        ours.append(seconds(code))
        if len(ours) >= 3 and min(ours) <= share * min(numpy):
            break
    assert min(ours) <= share * min(numpy)
