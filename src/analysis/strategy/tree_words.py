"""Numbers of mixed units as people read them: a column may hold money, shares and counts."""

import pandas as pd

from analysis.core.display import Display
from analysis.strategy.tree_levers import COUNTS, SHARES


def with_goal_words(goals: pd.DataFrame, display: Display) -> pd.DataFrame:
    """Add target_text, now_text, rate_text, forecast_text (with its range) and gap_text.

    The gap is what the forecast leaves open, at the present rate where there is none.
    """
    rows = [_goal_words(row, display) for row in goals.to_dict("records")]
    names = ["target_text", "now_text", "rate_text", "forecast_text", "gap_text"]
    words = pd.DataFrame(rows, columns=names, index=goals.index)
    return pd.concat([goals, words], axis=1)


def _goal_words(row: dict, display: Display) -> list[str]:
    is_money = row["unit"] == "amount"
    write = display.amount if is_money else display.share
    forecast, gap = write(row["forecast"]), row["gap_forecast"]
    if row["forecast"] == row["forecast"]:
        forecast = f"{forecast} ({write(row['forecast_low'])} to {write(row['forecast_high'])})"
    else:
        gap = row["gap_rate"]
    # A difference of shares is in points, never in per cent.
    points = "" if gap != gap else f"{display.points(gap)} points"
    texts = [write(row[name]) for name in ("target", "now", "rate")]
    return [*texts, forecast, write(gap) if is_money else points]


def with_factor_words(tree: pd.DataFrame, display: Display) -> pd.DataFrame:
    """Add before_text and now_text: each factor of the tree in its own unit."""
    write = {"customers": display.count, "orders": lambda value: display.number(value, 2)}
    write |= {"margin": display.share}
    words = [
        [write.get(row["factor"], display.amount)(row[name]) for name in ("before", "now")]
        for row in tree.to_dict("records")
    ]
    texts = pd.DataFrame(words, columns=["before_text", "now_text"], index=tree.index)
    return pd.concat([tree, texts], axis=1)


def with_lever_words(bridge: pd.DataFrame, display: Display) -> pd.DataFrame:
    """Add expected_text and good_text: each factor in its own unit, empty for other rows."""
    words = [
        [_factor(row["step"], row[name], display) for name in ("from_value", "to_value")]
        for row in bridge.to_dict("records")
    ]
    texts = pd.DataFrame(words, columns=["expected_text", "good_text"], index=bridge.index)
    return pd.concat([bridge, texts], axis=1)


def _factor(step: str, value: float, display: Display) -> str:
    if value != value:
        return ""
    if step in SHARES:
        return display.share(value)
    if step in COUNTS:
        return display.count(value)
    return display.amount(value) if step == "value" else display.number(value, 2)
