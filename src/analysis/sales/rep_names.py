"""How a page names a salesperson."""

import pandas as pd


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
