"""How a page names a seller."""

from collections.abc import Iterable

import pandas as pd

# One word for whoever sells, on every page of the sales chapters.
SELLER = {
    "Seller": "Whoever owns deals, a row of the table reps; the trade also says sales manager, "
    "account manager or rep. Whoever leads sellers is called their leader."
}
_AUTOMATIC = "(automatic)"
_MOST_NAMED = 3


def some_of(texts: Iterable[str], separator: str = ", ") -> str:
    """Return the first three of these texts in a row, and how many more there are."""
    shown = list(texts)
    more = len(shown) - _MOST_NAMED
    told = separator.join(shown[:_MOST_NAMED])
    return f"{told} and {more} more" if more > 0 else told


def is_person(reps: pd.DataFrame | None, rep_ids: pd.Series) -> pd.Series:
    """Say which ids are of people: there is one, and its name does not end in "(automatic)"."""
    return rep_ids.notna() & ~rep_labels(reps, rep_ids).str.endswith(_AUTOMATIC)


def rep_labels(reps: pd.DataFrame | None, rep_ids: pd.Series) -> pd.Series:
    """Return the name to show for each id, in the order given; the id where no name is known.

    Two people of one name are told apart by their ids. A missing id is "nobody".
    """
    labels = rep_ids.astype(object)
    if reps is not None:
        named = reps.dropna(subset=["rep_name"]).drop_duplicates("rep_id")
        is_shared = named["rep_name"].duplicated(keep=False)
        shown = named["rep_name"].where(
            ~is_shared, named["rep_name"] + " (" + named["rep_id"] + ")"
        )
        labels = labels.map(dict(zip(named["rep_id"], shown, strict=True))).fillna(rep_ids)
    return labels.fillna("nobody").astype("str")


def leader_labels(rep_ids: pd.Series, reps: pd.DataFrame | None) -> pd.Series:
    """Return the name of each seller's leader; None where nobody is known."""
    if reps is None or "leader_rep_id" not in reps:
        return pd.Series(None, index=rep_ids.index, dtype=object)
    by_rep = reps.drop_duplicates("rep_id").set_index("rep_id")["leader_rep_id"]
    ids = rep_ids.map(by_rep)
    return rep_labels(reps, ids).where(ids.notna(), None)
