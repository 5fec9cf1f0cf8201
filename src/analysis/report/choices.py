"""How notebooks show their tables, so that a chapter of the report shows them the same way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from analysis.core.files import read_json

# Rides in the output of a cell beside the HTML; JupyterLab and pages pass over it.
MIME_TYPE = "application/vnd.analysis.table+json"


@dataclass(frozen=True)
class TableChoice:
    """What a notebook chose for one table: see `report.table`, which has the same words."""

    result: str
    table: str
    columns: Sequence[str] | Mapping[str, str] | None = None
    caption: str = ""
    order: str = ""

    def bundle(self) -> dict[str, Any]:
        """Return the choice as a notebook keeps it."""
        columns: list[Any] | None = None if self.columns is None else list(self.columns)
        if isinstance(self.columns, Mapping):
            # Pairs: a notebook's file sorts the keys of mappings, and columns have an order.
            columns = [list(pair) for pair in self.columns.items()]
        return {MIME_TYPE: asdict(self) | {"columns": columns}}


# Result -> its tables in the order of its notebook.
Choices = Mapping[str, Sequence[TableChoice]]


def read_choices(executed: Path) -> Iterator[TableChoice]:
    """Yield the tables that an executed notebook showed, in order; of one shown twice, the first.

    FileNotFoundError when there is no such notebook.
    """
    seen = set()
    for cell in read_json(executed)["cells"]:
        for output in cell.get("outputs", ()):
            kept = output.get("data", {}).get(MIME_TYPE)
            if kept and (kept["result"], kept["table"]) not in seen:
                seen.add((kept["result"], kept["table"]))
                yield TableChoice(**kept | {"columns": _columns(kept["columns"])})


def _columns(kept: Any) -> Any:
    """Columns as they were chosen: pairs are names with headings."""
    is_pairs = isinstance(kept, list) and kept and isinstance(kept[0], list)
    return dict(kept) if is_pairs else kept
