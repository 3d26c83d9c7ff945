"""What the processes of `benchmark_startup.py` run, for each library."""

import sys
from collections.abc import Sequence
from pathlib import Path

LIBRARIES = {"xpnet": "xpnet", "sklearn": "scikit-learn", "torch": "PyTorch"}

IMPORTS = {
    "xpnet": "import xpnet",
    "sklearn": "from sklearn.neural_network import MLPClassifier",
    "torch": "import torch",
}

_BATCH = "import numpy; x = numpy.ones((100, 784), numpy.float32); t = numpy.arange(100) % 10; "

FIRST_STEPS = {
    "xpnet": _BATCH + "import xpnet; xpnet.fit(xpnet.TwoLayerNet(784, 50, 10), x, t, epochs=1)",
    "sklearn": _BATCH + "from sklearn.neural_network import MLPClassifier; "
    "MLPClassifier((50,), activation='logistic', solver='sgd', batch_size=100).partial_fit(x, t, classes=range(10))",
    "torch": _BATCH + "import torch; from torch import nn; "
    "net = nn.Sequential(nn.Linear(784, 50), nn.Sigmoid(), nn.Linear(50, 10)); "
    "rule = torch.optim.SGD(net.parameters(), lr=0.1); "
    "nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(t)).backward(); rule.step()",
}

_READ = """
import gzip, os, sys, time
import numpy as np

folder, epochs = sys.argv[1], int(sys.argv[2])

def read(name, skip):
    path = os.path.join(folder, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=skip)

def part(name):
    x, t = read(name + "-images-idx3-ubyte", 16), read(name + "-labels-idx1-ubyte", 8)
    return x.reshape(-1, 784).astype(np.float32) / np.float32(255), t.astype(np.int64)

(x, t), (x_test, t_test) = part("train"), part("t10k")
"""

FIT = "seconds of fit:"
_END = f"""
print("{FIT}", seconds)
"""

_TRAIN = {
    "sklearn": """
import warnings
from sklearn.neural_network import MLPClassifier

start = time.perf_counter()
warnings.simplefilter("ignore")  # It has not converged after so many epochs, as is meant.
net = MLPClassifier((50,), activation="logistic", solver="sgd", batch_size=100, learning_rate_init=0.1, momentum=0.0,
                    nesterovs_momentum=False, alpha=0.0, max_iter=epochs, n_iter_no_change=epochs)
net.fit(x, t)
seconds = time.perf_counter() - start
print(net.score(x_test, t_test))
""",
    "torch": """
import torch
from torch import nn

start = time.perf_counter()
x, t, x_test, t_test = map(torch.from_numpy, (x, t, x_test, t_test))
net = nn.Sequential(nn.Linear(784, 50), nn.Sigmoid(), nn.Linear(50, 10))
rule = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(epochs):
    for rows in torch.randperm(len(x)).split(100):
        rule.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), t[rows]).backward()
        rule.step()
seconds = time.perf_counter() - start
print((net(x_test).argmax(dim=1) == t_test).float().mean().item())
""",
}


def mnist_command(name: str, data_dir: Path, epochs: str, scratch: Path) -> Sequence[str]:
    """Return the command that trains on MNIST."""
    if name != "xpnet":
        return sys.executable, "-c", _READ + _TRAIN[name] + _END, str(data_dir / "mnist"), epochs
    run = f'd=$(mktemp -d "{scratch}/XXXXXX") && exec "$0" -m xpnet train --data mnist --quiet --out "$d/run" "$@"'
    return "sh", "-c", run, sys.executable, "--data-dir", str(data_dir), "--epochs", epochs
