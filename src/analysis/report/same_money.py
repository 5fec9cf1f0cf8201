"""Two forecasts of the same money: the first screen shows the one to plan with, once."""

from collections.abc import Iterable
from dataclasses import replace

from analysis.core.result import Result

_TABLE = "money"
# Chapter -> its numbers and the metrics of its findings that forecast that money.
_NUMBERS = {
    "growth": ("forecast_quarter", "forecast_year"),
    "pipeline_forecast": ("won_amount", "median_amount", "open_amount", "new_amount"),
}
_METRICS = {"growth": ("forecast_quarter",), "pipeline_forecast": ("won_amount",)}


def told_once(results: Iterable[Result]) -> list[Result]:
    """Return the Results without the numbers and ranks of a forecast that is not planned with.

    The pipeline forecast says by its table `money` (chapter, is_to_plan_with) that two chapters
    forecast the same money. Chapters keep everything: this is for the first screen.
    """
    given = list(results)
    left_out = {
        chapter
        for result in given
        if _TABLE in result.tables and "is_to_plan_with" in result.tables[_TABLE]
        for chapter in _others(result)
    }
    return [_without(result) if result.name in left_out else result for result in given]


def _others(result: Result) -> list[str]:
    table = result.tables[_TABLE]
    return table.loc[~table["is_to_plan_with"].astype(bool), "chapter"].tolist()


def _without(result: Result) -> Result:
    numbers, metrics = _NUMBERS.get(result.name, ()), _METRICS.get(result.name, ())
    return replace(
        result,
        headline={name: n for name, n in result.headline.items() if name not in numbers},
        findings=tuple(
            replace(one, rank=0.0) if one.metric in metrics else one for one in result.findings
        ),
    )
