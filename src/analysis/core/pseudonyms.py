"""Names of people and firms replaced by pseudonyms: the same name, the same pseudonym, everywhere.

A pseudonym is made from the name with a key of the project, so that nobody without the key can try
names out. It holds forty bits: two of 50,000 names share one with a chance of about one in a
thousand.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pandas as pd

from analysis.core.dictionary import TABLES

_BYTES = 5
_HALF = 4
# What a pseudonym begins with; whatever else is personal names a person.
_WORDS = {"customer_name": "Customer", "customer_id": "C", "rep_id": "R", "text": "Text"}
_MADE = re.compile(r"(?:Customer|C|R|Text|Person) [A-Z2-7]{4}-[A-Z2-7]{4}")
# Ids of people and firms: where a value is a name, it is replaced like the name.
_IDS = ("customer_id", "rep_id", "team_id", "source_id", "scope_id", "team_name", "scope_name")
_NAMES = frozenset({"customer_name", "rep_name"})
PERSONAL = frozenset(c.name for table in TABLES.values() for c in table.columns if c.is_personal)


@dataclass(frozen=True)
class Pseudonyms:
    """Replaces what the declarations call personal, the further columns, and ids that are names.

    `named` gives for every name of a person or firm the column that it stands in. `ids` are the
    kinds of ids (customer_id, rep_id) that are names in this project: all of them are replaced.
    """

    key: bytes
    further: frozenset[str] = frozenset()
    named: Mapping[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()

    def of(self, frame: pd.DataFrame, table: str = "") -> pd.DataFrame:
        """Return a copy of `frame` with pseudonyms; of a table that is declared, by its columns."""
        return self._replaced(frame, self._personal(table))

    def again(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return what an earlier run left, perhaps before names were replaced."""
        return self._replaced(frame, _NAMES | self.further)

    def rejects(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rejected rows without their raw text, and without what stood in such a column."""
        hidden = "not shown: names are replaced by pseudonyms"
        columns = frame["column"].astype("str").fillna("")
        is_personal = columns.isin(PERSONAL | self.further) | columns.str.endswith(self.ids)
        is_personal |= frame["found"].isin(self.named)
        found = frame["found"].mask(is_personal & frame["found"].notna(), hidden)
        return (
            frame.assign(found=found, raw=hidden) if "raw" in frame else frame.assign(found=found)
        )

    def name(self, text: str, column: str) -> str:
        """Return the pseudonym of one name; what is a pseudonym already stays."""
        name = text.strip()
        if _MADE.fullmatch(name):
            return name
        digest = hmac.new(self.key, name.encode("utf-8"), hashlib.sha256).digest()
        code = base64.b32encode(digest[:_BYTES]).decode("ascii")
        word = _WORDS.get(self.named.get(name, column), "Person")
        return f"{word} {code[:_HALF]}-{code[_HALF:]}"

    def _replaced(self, frame: pd.DataFrame, personal: Collection[str]) -> pd.DataFrame:
        replaced = {}
        for name in [str(name) for name in frame.columns]:
            if name in personal or name.endswith(self.ids):
                replaced[name] = self._column(frame[name], name)
            elif name.endswith(_IDS) and frame[name].isin(self.named).any():
                replaced[name] = self._column(frame[name], name, self.named)
        return frame.assign(**replaced) if replaced else frame

    def _personal(self, table: str) -> Collection[str]:
        declared = TABLES.get(table)
        if declared is None:
            return PERSONAL | self.further
        return {c.name for c in declared.columns if c.is_personal} | self.further

    def _column(
        self, values: pd.Series, column: str, only: Collection[str] | None = None
    ) -> pd.Series:
        """Return a column with pseudonyms; `only`: of these names, all else stays."""
        known = [value for value in values.dropna().unique() if str(value)]
        if only is not None:
            known = [value for value in known if value in only]
        names = {value: self.name(str(value), column) for value in known}
        replaced = values.astype(object).map(lambda value: names.get(value, value))
        kind = values.dtype
        return replaced.astype("str" if isinstance(kind, pd.CategoricalDtype) else kind)
