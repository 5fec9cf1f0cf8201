"""Literal Results that the tests of the page share; one customer has an awkward name.

The numbers of revenue are those of a public data set, 2011Q3; the others are invented.
"""

from datetime import date

import numpy as np
import pandas as pd

from analysis.core.display import Display
from analysis.core.figures import ACCENT, FAN, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.periods import FiscalCalendar
from analysis.core.result import Decision, Finding, Number, Result
from analysis.core.scope import Scope

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
AS_OF = date(2011, 9, 30)
DISPLAY = Display("GBP", "en_GB")
SCOPE = Scope(FiscalCalendar().parse("2011Q3"), display=DISPLAY)
CUT_SHORT = Scope(SCOPE.period, display=DISPLAY, known_to=date(2011, 9, 9))
CUT_SHORT_WORDS = (
    "The data end on 9 September 2011, before 2011Q3 does: its sums are not those of a whole "
    "quarter, and are compared with none."
)

_MONTHS = [
    *(623, 533, 766, 590, 616, 680, 576, 657, 853, 1045, 1424, 748),
    *(560, 498, 683, 493, 724, 691, 681, 683, 1019),
]
_CLASSES = {
    "Keep and enlarge": (0.83, 0.5, 1100),
    "Grow": (0.62, 0.78, 420),
    "Develop": (0.36, 0.7, 240),
    "Serve lightly": (0.28, 0.3, 200),
    "Win back": (0.53, 0.2, 160),
}


def revenue_result() -> Result:
    """Six true numbers, three findings, decisions, a line with a forecast fan."""
    return Result(
        "revenue",
        "What happened to revenue",
        "2011Q3",
        AS_OF,
        headline={
            "revenue": Number(
                "Net revenue",
                2_383_668,
                "amount",
                before=1_907_664,
                year_before=2_085_663,
                note="£30,560 per trading day, 78 days",
                history=(1_922_000, 1_886_000, 2_085_663, 3_217_000, 1_741_000, 1_907_664, 2383668),
            ),
            "active": Number(
                "Active customers",
                2_161,
                "count",
                before=1_991,
                year_before=2_060,
                note="1,211 also in 2011Q2, 553 returned, 397 never seen before",
                history=(1_700, 1_950, 2_060, 2_700, 1_680, 1_991, 2_161),
            ),
            "again": Number(
                "Bought again after 2011Q2",
                0.608,
                "share",
                before=0.611,
                year_before=0.578,
                history=(0.58, 0.578, 0.62, 0.52, 0.611, 0.608),
            ),
            "nobody": Number(
                "Revenue without a customer", 0.11, "share", before=0.118, year_before=0.074
            ),
        },
        findings=(
            Finding(
                "Revenue is up £298 k on 2010Q3 (+14.3 %).",
                "It splits exactly into: identified customers +£191 k; no customer +£74.1 k; "
                "smaller bad debt +£33.0 k.",
                rank=298_005,
            ),
            Finding(
                "63 of 2011Q2's top customers bought nothing.",
                "They spent £104 k in 2011Q2. In 5 earlier quarters 39 % to 54 % of such customers "
                "were back one quarter later.",
                rank=104_375,
            ),
            Finding("60.8 % bought again, too close to call against a year ago (57.8 %)."),
        ),
        decisions=(
            Decision(
                "Call a random half of the 63 silent top customers? Only a lift near 35 points "
                "would show in one quarter.",
                worth_amount=104_375,
            ),
            Decision(
                "Who owns missing customer numbers?",
                worth_amount=262_203,
                owner="order desk",
                due_on=date(2011, 10, 31),
            ),
        ),
        tables={
            "changes": pd.DataFrame(
                {
                    "customer_id": ["17450", "14646", "12415", SCRIPT],
                    "revenue_amount": [83_284.8, 66_433.1, 27_619.25, -1_204.0],
                    "change_amount": [54_843.0, 21_000.5, -18_023.0, np.nan],
                    "last_order_on": pd.to_datetime(
                        ["2011-09-20", "2011-09-28", "2011-07-01", None]
                    ),
                }
            )
        },
        charts={"by_month": month_chart()},
        caveats=("Silent is not lost: without contracts, nobody says that he leaves.",),
        definitions={"Net revenue": "sum of all lines that count as revenue, returns deducted"},
    )


def growth_result() -> Result:
    """An estimate with its interval, a wide table with lists, a back-test."""
    count = 60
    steps = np.arange(count)
    forecast = np.round(98_000 / (1 + steps), 2)
    names = ["14646", "14911", SCRIPT, FORMULA, *(f"{12_000 + i}" for i in range(count - 4))]
    return Result(
        "growth",
        "How each customer can grow",
        "2011Q3",
        AS_OF,
        headline={
            "forecast": Number(
                "Forecast 2011Q4",
                2_903_000,
                "amount",
                low=2_500_000,
                high=3_310_000,
                history=(1_741_000, 1_907_664, 2_383_668, 2_903_000),
            ),
            "gap": Number("Potential beyond the forecast", 1_830_000, "amount", note="in a year"),
            "none": Number("Target", None, "amount", note="none supplied"),
        },
        findings=(
            Finding(
                "Last quarter's forecast was 9 % low, inside its interval.",
                "£2.17 M forecast, 1.8 to 2.6 M; last value, the simplest baseline, was 20 % low.",
                rank=90_000,
            ),
            Finding(
                f"{SCRIPT} could buy £31 k more.", "Three categories that peers buy.", rank=31_000
            ),
        ),
        decisions=(Decision("Which customers in “Grow” get a named seller?", 900_000.0),),
        tables={
            "customer_growth": pd.DataFrame(
                {
                    "customer_id": names,
                    "active_share": np.round(0.99 / (1 + steps / 30), 3),
                    "forecast_quarter_amount": forecast,
                    "forecast_quarter_low_amount": forecast * 0.6,
                    "forecast_quarter_high_amount": forecast * 1.45,
                    "gap_year_amount": forecast * 0.3,
                    "next_products": [["cake stand", "bunting"] if i % 3 else [] for i in steps],
                    "reason": ["buys every 9 days, smaller baskets than its peers"] * count,
                }
            ),
            "backtest": pd.DataFrame(
                {
                    "origin": ["2010Q4", "2011Q1", "2011Q2"],
                    "forecast_amount": [1_800_000.0, 1_850_000.0, 2_170_000.0],
                    "forecast_low_amount": [1_500_000.0, 1_540_000.0, 1_800_000.0],
                    "forecast_high_amount": [2_200_000.0, 2_210_000.0, 2_600_000.0],
                    "actual_amount": [1_741_000.0, 1_907_664.0, 2_383_668.0],
                    "error_share": [0.034, -0.03, -0.09],
                    "is_within_interval": [True, True, True],
                }
            ),
        },
        charts={"classes": class_chart()},
        caveats=("Intervals hold only if the coming quarter is like those that were seen.",),
        definitions={"Potential": "what the best fifth of similar customers reach in a year"},
    )


def quality_result() -> Result:
    """Balanced rows and money."""
    return Result(
        "data_quality",
        "How far the data can be trusted",
        "2011Q3",
        AS_OF,
        headline={
            "read": Number("Rows read", 1_067_370, "count"),
            "kept": Number("Rows kept", 0.978, "share"),
        },
        findings=(Finding("Every row is kept, merged or rejected, to the penny."),),
        tables={
            "files": pd.DataFrame(
                {
                    "file": ["year_2009_2010.csv", "year_2010_2011.csv"],
                    "read_count": [525_461, 541_909],
                    "merged_count": [0, 22_523],
                    "rejected_count": [4, 4],
                }
            )
        },
    )


def unavailable_result() -> Result:
    """An analysis without the data that it needs."""
    sentence = "No CRM data: neither funnel nor throughput can be said."
    return Result.nothing("funnel", "The way from lead to order", SCOPE.period, sentence)


def all_results() -> dict[str, Result]:
    """Return a whole report's Results in the order of its chapters."""
    return {
        "customers/revenue": revenue_result(),
        "customers/growth": growth_result(),
        "data_quality": quality_result(),
        "sales/funnel": unavailable_result(),
    }


def month_chart() -> Chart:
    """Revenue by month with a forecast fan, labelled directly."""
    figure, axes = new_axes(height=2.9)
    months = pd.date_range("2010-01-01", periods=len(_MONTHS), freq="MS")
    ahead = pd.date_range("2011-09-01", periods=4, freq="MS")
    middle = np.array([1019, 1060, 1390, 750])
    axes.axvspan(pd.Timestamp("2011-07-01"), pd.Timestamp("2011-09-30"), color=RULE)
    axes.fill_between(ahead, middle * [1, 0.8, 0.75, 0.7], middle * [1, 1.2, 1.2, 1.3], color=FAN)
    axes.plot(months, _MONTHS, color=ACCENT, linewidth=2.2)
    axes.plot(ahead, middle, color=ACCENT, linewidth=2, linestyle="--")
    axes.set_ylim(0, 1_750)
    axes.set_ylabel("£ thousand a month")
    axes.annotate("forecast, 80 % interval", (ahead[3], 1_000), color=SOFT)
    axes.grid(axis="y", color=RULE)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return chart(
        figure,
        "by-month",
        title="Revenue by month and the forecast for 2011Q4",
        alternative_text="Line of revenue by month with an autumn peak each year & a fan ahead.",
    )


def class_chart() -> Chart:
    """Prospect classes: value now, growth ahead, area is revenue."""
    figure, axes = new_axes(height=3.6)
    for (name, (x, y, size)), colour in zip(_CLASSES.items(), SERIES, strict=False):
        axes.scatter([x], [y], s=size * 3, color=colour)
        radius = 0.035 + size**0.5 / 420
        axes.annotate(f"{name} · £{size} k", (x, y + radius), ha="center", weight="bold")
    axes.set(xlim=(0, 1.1), ylim=(0, 1), xticks=[], yticks=[])
    axes.set_xlabel("value now →", loc="right")
    axes.set_ylabel("growth ahead →", loc="top")
    return chart(
        figure,
        "classes",
        title="Prospect classes, area is revenue this quarter",
        alternative_text="Five classes by value now and growth ahead; Keep and enlarge is largest.",
    )
