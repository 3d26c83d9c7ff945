"""The chapter "Training a neural network": every section filled in, run and pictured, on any device.

    python scripts/chapter/chapter.py [--device auto|cpu|gpu] [--data digits|mnist] [--out DIR]

It is cut into cells (``# %%``), so that an editor can open it as a notebook. What it prints is Markdown.
"""

# %%
import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
import plots

import xpnet
from xpnet.pictures import plot_curves
from xpnet.training import epoch_order

parser = argparse.ArgumentParser(description='The chapter "Training a neural network", run.')
parser.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N")
parser.add_argument("--data", default="digits", choices=("digits", "mnist"))
parser.add_argument("--out", type=Path, default=Path("chapter-out"), help="folder for the pictures")
options = parser.parse_args([] if "ipykernel" in sys.modules else None)
options.out.mkdir(parents=True, exist_ok=True)


def section(heading, idea):
    """Print the heading of a section and its idea."""
    print(f"\n{heading}\n\n{idea}\n")


def show(label, *values):
    """Print arrays, wherever they live."""
    print(label, *(xpnet.to_host(value) for value in values))


def picture(name, text):
    """Return where to draw a picture, and mention it in what is printed."""
    print(f"![{text}]({name}.png)")
    return options.out / f"{name}.png"


# %%
section(
    "## Before the first section",
    """Every array of this chapter is made by `array`, on the device that was asked for and in float64, and comes back
to the host only to be printed. So the same lines run on a CPU and on a GPU, and print the same numbers.""",
)
device = xpnet.select_device(options.device)
array = partial(device.asarray, dtype="float64")
data = xpnet.load_data(options.data)
print(f"{data.name}: {len(data.train.x)} training and {len(data.test.x)} test images of {data.features} pixels")

# %%
section(
    "## Loss function",
    """A loss is one number that says how wrong the outputs y of a network are, given the targets t. Training makes it
small.""",
)

# %%
section(
    "### Mean squared error, MSE",
    """The chapter's formula is the mean of the squared errors, its code half of their sum: (2² + 2² + 4²) / 2 = 12.
Half the sum is the default here, for its gradient is simply y - t; the formula is one option away.""",
)
y, t = array([1, 2, 3]), array([3, 4, 7])
show("the chapter's code:   ", xpnet.mean_squared_error(y, t))
show("the chapter's formula:", xpnet.mean_squared_error(y, t, scale="mean"))
show("gradient by y:        ", xpnet.mean_squared_error.gradient(y, t))

# %%
section(
    "### Cross entropy error, CEE",
    """Minus the sum of t log y, with 1e-7 added to y, so that y = 0 gives a large loss and no infinity. The first
arrays are the chapter's own, though no probabilities; for a one-hot target, only the true class counts.""",
)
show("the chapter's arrays:  ", xpnet.cross_entropy_error(array([0, 2, 3, 8, 9]), array([3, 4, 7, 8, 9])))
true_class = array([0, 0, 1])
for y in ([0.1, 0.1, 0.8], [0.1, 0.8, 0.1]):
    print(f"{y[2]:.0%} for the true class: {float(xpnet.cross_entropy_error(array(y), true_class)):.6f}")

# %%
section(
    "### Mini batch training",
    """The loss of all images is what counts, but 100 of them, drawn at random, estimate it well enough for a step.
`epoch_order` shuffles on the host, so that every device gets the same mini-batches.""",
)
batch = epoch_order(len(data.train.x), seed=0, epoch=1)[:100]
x, t = array(data.train.x[batch]), device.asarray(data.train.t[batch])
net = xpnet.TwoLayerNet(data.features, 50, data.classes, init="xavier", device=device, dtype="float64")
y = net.predict_proba(x)
losses = xpnet.cross_entropy_error(y, t, reduction="none")
print(f"outputs y {tuple(y.shape)}, labels t {tuple(t.shape)}, losses {tuple(losses.shape)}")
print(f"loss of the mini-batch, their mean: {float(xpnet.cross_entropy_error(y, t)):.6f}")
print(f"loss of all training images:        {xpnet.evaluate(net, *data.train).loss:.6f}")

# %%
section(
    "### Implement cross entropy error",
    """One function for all four cases: targets as one-hot rows or as labels, of a whole mini-batch or of one sample at
a time.""",
)
one_hot = array(np.eye(data.classes)[data.train.t[batch]])
for name, targets in (("one-hot", one_hot), ("labels", t)):
    singles = [float(xpnet.cross_entropy_error(y[i, :], targets[i, ...])) for i in range(len(batch))]
    print(f"{name:7}  batch: {float(xpnet.cross_entropy_error(y, targets)):.12f}")
    print(f"{name:7}  mean of single samples: {np.mean(singles):.12f}")

# %%
section(
    "## Numerical derivative",
    """The slope of a function, from its values alone: step a little to both sides, and divide the difference by the
distance.""",
)

# %%
section(
    "### Derivative",
    """The central difference (f(x + h) - f(x - h)) / 2h with the chapter's step h = 1e-4, at 100 points at once. (The
square is written x * x, because GPUs do not round x**2 as CPUs do.)""",
)


def f(x):
    return 0.01 * (x * x) + 0.1 * x


slopes = xpnet.numerical_diff(f, array(np.linspace(-1, 1, 100)), h=1e-4)
print(repr(xpnet.to_host(slopes)))

# %%
section(
    "### CAUTION: too small a step",
    """In float32, 1e-50 is 0, and x + h is x: the textbook's difference would be 0 / 0. Here that is an error that says
so. With 1e-4, float32 leaves three correct digits; without `h`, the step suits the dtype.""",
)
show("float32(1e-50) =", device.asarray(1e-50, dtype="float32"))
five = device.asarray(5.0, dtype="float32")
try:
    xpnet.numerical_diff(f, five, h=1e-50)
except ValueError as error:
    print("ValueError:", error)
print(f"f'(5) in float32 with h = 1e-4:     {float(xpnet.numerical_diff(f, five, h=1e-4)):.6f}")
print(f"f'(5) in float32 with its own step: {float(xpnet.numerical_diff(f, five)):.6f}")

# %%
section(
    "### Example for numerical derivative",
    """The same f at 5 and 10, where its derivative 0.02 x + 0.1 is 0.2 and 0.3: eleven digits agree. The lines through
these points with these slopes are the tangents of f.""",
)
slope_at = {x: float(xpnet.numerical_diff(f, array(x), h=1e-4)) for x in (5.0, 10.0)}
for x, slope in slope_at.items():
    print(f"f'({x:.0f}) = {slope}")
plots.tangent_lines(f, slope_at, picture("tangent_lines", "f and its tangent lines at x = 5 and x = 10"))

# %%
section(
    "### Partial derivative",
    """The derivative of a function of several variables by one of them, the others held still: of x0² + x1² at (3, 4),
where they are 6 and 8.""",
)


def bowl(x):
    return x[0] * x[0] + x[1] * x[1]


for index in (0, 1):
    show(f"by x{index}:", xpnet.numerical_partial_diff(bowl, array([3, 4]), index, h=1e-4))

# %%
section(
    "## Gradient",
    """All partial derivatives together. The gradient points where the function rises fastest, so its negative points
downhill: here, towards the minimum at (0, 0), and the farther from it the longer.""",
)
gradient = partial(xpnet.numerical_gradient, bowl, h=1e-4)
for point in ([3, 4], [0, 2], [3, 0]):
    show(f"at {point}:", gradient(array(point)))

grid = [(x0, x1) for x0 in np.linspace(-2, 2, 13) for x1 in np.linspace(-2, 2, 13)]
field = [xpnet.to_host(gradient(array(point))) for point in grid]
plots.gradient_field(grid, field, picture("gradient_field", "The negative gradient of x0² + x1² at 169 points"))

# %%
section(
    "### Gradient descent method",
    """From (-3, 4), 100 steps against the gradient: x becomes x - rate * gradient. With the rate 0.1, x arrives. With
1e-10 it hardly leaves. With 10 each step multiplies x by -19, until h = 1e-4 vanishes beside it: there the textbook's
loop stops, at [-2.58983747e+13, -1.29524862e+12], for it sees no slope any more; here it is an error.""",
)
start, paths = array([-3, 4]), {}
for rate in (0.1, 1e-10):
    x, paths[rate] = xpnet.gradient_descent(bowl, start, rate, 100, gradient=gradient, history=True)
    show(f"rate {rate}:", x)
try:
    xpnet.gradient_descent(bowl, start, 10.0, 100, gradient=gradient)
except ValueError as error:
    print("rate 10.0: ValueError:", error)
x, paths[10.0] = xpnet.gradient_descent(bowl, start, 10.0, 100, history=True)
show("rate 10.0, with steps that grow with x:", x)

paths = {rate: xpnet.to_host(path) for rate, path in paths.items()}
plots.descent(paths, picture("gradient_descent", "Gradient descent with three learning rates"))

# %%
section(
    "### Gradient at neural network",
    """The loss is a function of the weights, so it has a gradient by them, in the shape of the weights. A network of a
single layer, 2 inputs and 3 classes, and the same gradient by backpropagation: x times that by the outputs.""",
)
weights = array([[0.47355232, 0.9977393, 0.84668094], [0.85557411, 0.03563661, 0.69422093]])
x, t = array([0.6, 0.9]), array([0, 0, 1])


def loss(weights):
    return xpnet.softmax_cross_entropy(x @ weights, t)


numerical = xpnet.numerical_gradient(loss, weights, h=1e-4)
backpropagated = x[:, None] * xpnet.softmax_cross_entropy.gradient(x @ weights, t)[None, :]
print(f"loss {float(loss(weights)):.6f}")
show("gradient, numerical:\n", numerical)
show("gradient, by backpropagation:\n", backpropagated)
print("equal to 9 digits:", float(device.namespace.max(abs(numerical - backpropagated))) < 1e-9)

# %%
section(
    "## Implement Learning Algorithms",
    """Draw a mini-batch, compute the gradient of its loss by all parameters, step against it, repeat.""",
)

# %%
section(
    "### Implement two layer neural network class",
    """`TwoLayerNet` holds two weight matrices and two bias vectors, predicts, and knows the gradient of its loss by
each of them: numerically, as in the chapter, and by backpropagation. The two agree.""",
)
net = xpnet.TwoLayerNet(data.features, 50, data.classes, init="xavier", device=device, dtype="float64")
x, t = array(data.train.x[batch]), device.asarray(data.train.t[batch])
numerical, backpropagated = net.numerical_gradient(x, t), net.gradient(x, t)
for name, parameter in net.params.items():
    difference = float(device.namespace.max(abs(numerical[name] - backpropagated[name])))
    print(f"{name} {tuple(parameter.shape)!s:9} both gradients equal to 9 digits: {difference < 1e-9}")
print(f"outputs {tuple(net.outputs(x).shape)}")
print(f"loss {float(net.loss(x, t)):.4f}, accuracy {float(net.accuracy(x, t)):.0%}")

# %%
section(
    "### Implement mini batch training",
    """`fit` is the training loop. First a short stretch, twice from the same start: with numerical gradients alone, as
the chapter does it, and with backpropagation. The losses are the same, mini-batch by mini-batch.""",
)
few = data.train.x[:2000], data.train.t[:2000]
curves = {}
for method in ("backpropagation", "numerical"):
    net = xpnet.TwoLayerNet(data.features, 50, data.classes, init="xavier", device=device, dtype="float64")
    rule = xpnet.SGD(learning_rate=1.0)
    records = xpnet.fit(net, *few, optimizer=rule, epochs=2, gradient=method)
    losses = curves[method] = np.concatenate([record.batch_losses for record in records])
    print(f"{method:15}  loss {losses[0]:.4f} at first, {losses[-1]:.4f} at step {len(losses)}")
print("equal to 9 digits:", abs(curves["numerical"] - curves["backpropagation"]).max() < 1e-9)
plots.two_curves(curves, picture("two_gradients", "Loss by both gradients, one curve on the other"))

# %%
section(
    "### Evaluation on test dataset",
    """Then the whole training, with the chapter's settings: 10,000 mini-batches of 100, learning rate 0.1. Images that
the network has never seen tell whether it has learnt, or only learnt by heart.""",
)
net = xpnet.TwoLayerNet(data.features, 50, data.classes, device=device, dtype="float64")
records = xpnet.fit(net, *data.train, validation=data.test)
print("epoch  iteration  training loss  train accuracy  test accuracy")
for record in (r for r in records if r.epoch in (1, 2, 5, 10, 20, 50, 100, 200, len(records))):
    print(
        f"{record.epoch:5}  {record.step:9}  {record.train_loss:13.4f}  "
        f"{record.train_accuracy:14.2%}  {record.validation_accuracy:13.2%}"
    )
path = picture("training", "Training loss, and train and test accuracy")
plot_curves(records, path, title=f"The chapter's training, on {data.name}")
