"""The few type names that every room shares."""

from collections.abc import MutableMapping
from typing import Any, TypeAlias

Array: TypeAlias = Any
"""An array of any library that follows the array API standard."""

Namespace: TypeAlias = Any
"""The functions of one array library, such as ``array_api_compat.numpy`` or ``jax.numpy``."""

Params: TypeAlias = MutableMapping[str, Array]
"""Named arrays: the parameters of a network, or their gradients under the same names."""
