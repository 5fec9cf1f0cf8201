"""Names of people and firms replaced by pseudonyms: the same name, the same pseudonym, everywhere.

A pseudonym is made from the name with a key of the project, so that nobody without the key can try
names out. It holds forty bits: two of 50,000 names share one with a chance of about one in a
thousand.
"""

import base64
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from analysis.core.dictionary import TABLES

_BYTES = 5
_HALF = 4
# What a pseudonym begins with; whatever else is personal names a person.
_WORDS = {"customer_name": "Customer", "customer_id": "C", "rep_id": "R", "text": "Text"}
PERSONAL = frozenset(c.name for table in TABLES.values() for c in table.columns if c.is_personal)


@dataclass(frozen=True)
class Pseudonyms:
    """Replaces what the declarations call personal, and the further columns that are named."""

    key: bytes
    further: frozenset[str] = frozenset()

    def of(self, frame: pd.DataFrame, table: str = "") -> pd.DataFrame:
        """Return a copy of `frame` with pseudonyms; of a table that is declared, by its columns."""
        names = self._personal(table) & set(frame.columns)
        replaced = {name: self._column(frame[name], name) for name in sorted(names)}
        return frame.assign(**replaced) if replaced else frame

    def rejects(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rejected rows without their raw text, and without what stood in such a column."""
        hidden = "not shown: names are replaced by pseudonyms"
        is_personal = frame["column"].isin(PERSONAL | self.further)
        found = frame["found"].mask(is_personal & frame["found"].notna(), hidden)
        return (
            frame.assign(found=found, raw=hidden) if "raw" in frame else frame.assign(found=found)
        )

    def name(self, text: str, column: str) -> str:
        """Return the pseudonym of one name."""
        digest = hmac.new(self.key, text.strip().encode("utf-8"), hashlib.sha256).digest()
        code = base64.b32encode(digest[:_BYTES]).decode("ascii")
        return f"{_WORDS.get(column, 'Person')} {code[:_HALF]}-{code[_HALF:]}"

    def _personal(self, table: str) -> Collection[str]:
        declared = TABLES.get(table)
        if declared is None:
            return PERSONAL | self.further
        return {c.name for c in declared.columns if c.is_personal} | self.further

    def _column(self, values: pd.Series, column: str) -> pd.Series:
        known = values.dropna().unique()
        names = {value: self.name(str(value), column) if str(value) else value for value in known}
        replaced = values.astype(object).map(names)
        kind = values.dtype
        return replaced.astype("str" if isinstance(kind, pd.CategoricalDtype) else kind)
