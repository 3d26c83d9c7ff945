"""How much of the disk a library takes, with all that it needs."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def installed_bytes(module: str) -> int:
    """Return the bytes of all files of a module's distribution and of those that it requires, extras aside."""
    distributions = required(_DISTRIBUTIONS.get(module, module), {})
    size = sum(path.stat().st_size for one in distributions.values() for path in files(one) if path.is_file())
    spec = find_spec(module)
    if spec is not None and spec.origin is not None and not owns(distributions, Path(spec.origin)):
        # Installed in place, to be edited: its own files are those of the package's folder.
        size += sum(path.stat().st_size for path in Path(spec.origin).parent.rglob("*") if path.is_file())
    return size


def required(name: str, found: dict[str, Distribution]) -> dict[str, Distribution]:
    """Return the distribution of that name and all that it requires, those that are not installed left out."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key not in found:
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            return found
        for requirement in found[key].requires or ():
            wanted = re.match(r"[\w.-]+", requirement)
            if wanted and not re.search(r"\bextra\s*==", requirement):
                required(wanted[0], found)
    return found


def files(one: Distribution) -> Iterator[Path]:
    """Yield the files of a distribution, compiled ones aside, of which Python writes as many as are used."""
    for file in one.files or ():
        if file.suffix != ".pyc":
            yield Path(str(one.locate_file(file)))


def owns(distributions: dict[str, Distribution], origin: Path) -> bool:
    """Return whether a file belongs to one of the distributions."""
    return any(path == origin for one in distributions.values() for path in files(one))
