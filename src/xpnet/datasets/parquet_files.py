"""Tables in .parquet files, read by pyarrow, some rows at a time."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._files import open_regular
from xpnet._text import printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.decoding import DataError, check_unpacked, decoding
from xpnet.datasets.samples import RawSamples
from xpnet.datasets.tables import Table

_CELLS = 2**18
"""How many are read at a time."""
_MAX_METADATA = 2**24


def read_parquet(path: Path, columns: Columns) -> tuple[RawSamples]:
    """Return the samples in a .parquet file, one in each row."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise ImportError(f'{path}: needs pyarrow, which is not installed: pip install "xpnet[parquet]"') from None
    with decoding(path, "a .parquet file"), open_regular(path) as stream:
        file = pyarrow.parquet.ParquetFile(
            stream, thrift_string_size_limit=_MAX_METADATA, thrift_container_size_limit=_MAX_METADATA
        )
        schema, facts, size = file.schema_arrow, file.metadata, path.stat().st_size
        groups = [facts.row_group(group).total_byte_size for group in range(facts.num_row_groups)]
        check_unpacked(str(path), max(4 * facts.num_rows * len(schema), *groups, 0), size)
        names = [printable(name) for name in schema.names]
        if len(set(names)) < len(names) or facts.num_columns != len(names):
            raise DataError(f"{path}: has nested columns, or two of the same name: keep plain ones, each with a name")
        table = Table(path, len(names), names, columns)
        for batch in file.iter_batches(batch_size=max(1, _CELLS // len(names))):
            by_column = [
                [] if column in table.unwanted else _values(values, f"{path}: {table.called(column)}")
                for column, values in enumerate(batch.columns)
            ]
            table.add_typed(by_column, len(batch))
        if not table.rows:
            raise DataError(f"{path}: holds no rows of data: use a table with samples")
        return (table.samples(),)


def _values(values: Any, name: str) -> NDArray[np.float64] | list[str]:
    """Return numbers, NaN where they are missing, or texts, empty where they are missing."""
    import pyarrow as pa
    from pyarrow import types

    kind = values.type.value_type if types.is_dictionary(values.type) else values.type
    if types.is_string(kind) or types.is_large_string(kind):
        return [text or "" for text in values.cast(pa.string()).to_pylist()]
    if types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif not any(is_kind(kind) for is_kind in (types.is_integer, types.is_floating, types.is_decimal, types.is_null)):
        raise DataError(f"{name} is of type {values.type}: keep numbers and texts")
    numbers: NDArray[np.float64] = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return numbers
