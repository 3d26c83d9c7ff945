"""Models and runs in files: one format, sealed by its own SHA-256, and no pickle anywhere.

A file is a safetensors file, which every reader of that format takes. Its header is JSON, its tensors are little-endian
float32 or float64. The same content is always the same bytes.

Tensors
    ``W1``, ``b1``, ``W2``, ``b2``, the parameters; ``optimizer.SLOT.W1`` and so on, what the optimizer remembers;
    ``best.W1`` and so on, the parameters of the epoch with the lowest validation loss; ``origin.scaling.offset``,
    ``origin.scaling.factor`` and the same of ``target_scaling``, and ``origin.encoding.fill``, always float64.
Metadata, all of them texts
    ``sha256``, the first of all: the digest, 64 hexadecimal digits, of the whole file with these digits taken for
    zeros; ``xpnet``: "2", the number of this format; ``version``: of the library that wrote the file; ``activation``
    and ``loss``: their names; and as JSON ``options``: of the loss, ``origin``: the fields of `Origin` but its
    scalings, of its encoding the categories, ``settings``: as in ``config.json``, ``state``: the counters of
    `TrainingState`.

A model has parameters, activation, loss and options; all the rest may be missing. A checkpoint of a run has it all.

The digest is verified whenever a file is read, before anything else is believed: a flipped bit anywhere, or an end
that is missing, is a `DamagedError`. What contradicts itself under a valid digest is a `CheckpointError`. A file is
written under another name, brought to the disk, and renamed: it is there whole or not at all.

Promise: every later version of xpnet reads files of this format. A file of a newer format is refused by its number.
"""

from xpnet.checkpoint.models import Checkpoint, load_checkpoint, load_model, packed, save_model
from xpnet.checkpoint.origin import difference
from xpnet.checkpoint.sealed import CheckpointError, DamagedError

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "DamagedError",
    "difference",
    "load_checkpoint",
    "load_model",
    "packed",
    "save_model",
]
