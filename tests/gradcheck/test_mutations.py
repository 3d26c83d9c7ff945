"""More than fifty wrong backpropagations, one operator, number, name or statement changed in each: all have to FAIL."""

import ast
import copy
import inspect
import textwrap

import numpy as np
import pytest

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.gradcheck.network import check_network
from xpnet.losses import LOSSES, Terms
from xpnet.network import net as net_module
from xpnet.network import passes

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult}


def wrong_nodes(node, names):
    """Yield what may stand for a node by mistake: another operator, number or variable, or nothing."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        yield from (ast.Name(name, ast.Load()) for name in names if name != node.id)
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in SWAPS:
        changed = copy.deepcopy(node)
        changed.op = SWAPS[type(node.op)]()
        yield changed
    if isinstance(node, ast.AugAssign):
        yield ast.Pass()
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value >= 0:
        yield ast.Constant(node.value + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield ast.BinOp(node.right, node.op, node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield node.left


class Replace(ast.NodeTransformer):
    """Replaces the node that comes at a place in the walk through a tree."""

    def __init__(self, place, new):
        self.place, self.new = place, new

    def visit(self, node):
        self.place -= 1
        return self.new if self.place == -1 else self.generic_visit(node)


def order_of(tree):
    """Return the nodes in the order in which `Replace` meets them."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        yield from order_of(child)


def mutants(function):
    """Yield every function with one mistake, and what the mistake is."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    first = 1 if isinstance(tree.body[0], ast.Expr) else 0  # the docstring
    body = ast.Module(tree.body[first:], [])
    tree.body = body.body
    tree.decorator_list, tree.returns = [], None
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names = sorted(stored | {argument.arg for argument in tree.args.args} - {"self"})
    for place, node in enumerate(order_of(tree)):
        for new in wrong_nodes(node, names):
            changed = ast.fix_missing_locations(Replace(place, new).visit(copy.deepcopy(tree)))
            namespace = dict(inspect.unwrap(function).__globals__)
            exec(compile(ast.Module([changed], []), "<mutant>", "exec"), namespace)
            yield namespace[tree.name], f"{ast.unparse(node)} -> {ast.unparse(new)}"


def targets_of_mutation():
    yield "backpropagate", passes, "backpropagate", "softmax_cross_entropy", "sigmoid"
    yield "gradient of the terms", Terms, "gradient", "mean_squared_error", "sigmoid"
    for name, activation in ACTIVATIONS.items():
        yield f"derivative of {name}", type(activation), "_derivative", "softmax_cross_entropy", name
    for name in ("softmax_cross_entropy", "mean_squared_error", "huber", "poisson", "multilabel_cross_entropy"):
        yield f"terms of {name}", LOSSES[name], "_terms", name, "tanh"


def check(loss, activation):
    """Return the gradients of a small network, and the verdict on them."""
    rng = np.random.default_rng(3)
    net = xpnet.TwoLayerNet(4, 5, 3, loss=loss, activation=activation, init="normal:0.8", dtype="float64", seed=1)
    x = rng.normal(size=(8, 4))
    own = {"poisson": rng.poisson(2, (8, 3)), "multilabel_cross_entropy": rng.integers(0, 2, (8, 3))}
    t = rng.integers(0, 3, 8) if net.loss_function.classification else own.get(loss, rng.normal(size=(8, 3)))
    return net.gradient(x, t), check_network(net, x, t).verdict


def test_no_wrong_backpropagation_passes(monkeypatch):
    found, survivors = 0, []
    for what, owner, name, loss, activation in targets_of_mutation():
        right, verdict = check(loss, activation)
        assert verdict == "PASS"
        for mutant, mistake in mutants(getattr(owner, name)):
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, mutant)
                if owner is passes:
                    patch.setattr(net_module, name, mutant)
                try:
                    with np.errstate(all="ignore"):
                        wrong, verdict = check(loss, activation)
                except Exception:  # Its shapes or dtypes do not fit: nobody would take it for right.
                    continue
            # Bit for bit the same, or but for rounding: no mistake at all, such as one in the value of the loss.
            if all(np.allclose(wrong[key], right[key], rtol=1e-13, atol=0) for key in right):
                continue
            found += 1
            if verdict != "FAIL":
                survivors.append((what, mistake, verdict))
    assert survivors == []
    assert found >= 50


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_every_parameter_is_looked_at(monkeypatch, name):
    right = passes.backpropagate

    def wrong(*arguments, **options):
        outputs, terms, gradients = right(*arguments, **options)
        return outputs, terms, {**gradients, name: gradients[name] * (1 + 1e-9)}

    monkeypatch.setattr(net_module, "backpropagate", wrong)
    assert check("softmax_cross_entropy", "sigmoid")[1] == "FAIL"
