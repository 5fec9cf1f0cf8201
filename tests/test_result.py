"""A Result is saved and loaded whole; figures and numbers keep to the house style."""

from datetime import date

import pandas as pd
import pytest

from analysis.core.display import SPACE, Display
from analysis.core.figures import ACCENT, chart, new_axes
from analysis.core.result import Decision, Finding, Number, Result


def _chart(name="growth-fan"):
    figure, axes = new_axes()
    axes.plot([1, 2], [3, 4], color=ACCENT)
    axes.set_xlabel("<b>weeks</b>")
    return chart(figure, name, title="Fan", alternative_text="A line that rises.")


def _result():
    return Result(
        "growth",
        "Growth",
        "2026Q2",
        date(2026, 6, 30),
        headline={"revenue": Number("Revenue", 12.5, "amount", low=1, history=(1.0, 2.0))},
        findings=(Finding("Up.", value=0.5, rank=3),),
        decisions=(Decision("Call them?", 100.0, "Ann", date(2026, 7, 31)),),
        tables={"customers": pd.DataFrame({"customer_id": ["1", "2"], "x_count": [1, 2]})},
        charts={"fan": _chart()},
        caveats=("Little data.",),
        definitions={"Revenue": "sum of lines"},
    )


def test_what_is_saved_is_loaded(tmp_path):
    saved = _result()
    saved.save(tmp_path / "growth")
    loaded = Result.load(tmp_path / "growth")
    for field in ("headline", "findings", "decisions", "charts", "caveats", "definitions", "as_of"):
        assert getattr(loaded, field) == getattr(saved, field), field
    pd.testing.assert_frame_equal(loaded.tables["customers"], saved.tables["customers"])


def test_saving_again_leaves_nothing_of_the_old(tmp_path):
    _result().save(tmp_path / "growth")
    Result("growth", "Growth", "2026Q2", date(2026, 6, 30)).save(tmp_path / "growth")
    assert [p.name for p in (tmp_path / "growth").iterdir()] == ["result.json"]


def test_the_same_figure_gives_the_same_bytes_and_another_name_other_ids():
    assert _chart().svg == _chart().svg
    assert 'id="growth-fan-' in _chart().svg
    assert 'id="growth-fan-' not in _chart("other").svg


def test_a_figure_takes_its_colours_from_the_page_and_escapes_text():
    svg = _chart().svg
    assert "var(--accent, #0f5c63)" in svg
    assert "<b>weeks" not in svg
    assert svg.startswith("<svg")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2_383_668, f"£2.38{SPACE}M"),
        (98_000, f"£98.0{SPACE}k"),
        (999_950, f"£1.00{SPACE}M"),
        (-12.3, "−£12"),
        (-0.2, "£0"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_money_is_short_and_keeps_its_sign(value, text):
    assert Display("GBP", "en_GB").amount(value) == text


def test_a_locale_puts_the_sign_where_its_readers_expect_it():
    assert Display("EUR", "de_DE").amount(1_234_567) == f"1,23{SPACE}M{SPACE}€"


def test_a_change_carries_its_sign_and_nought_does_not():
    display = Display()
    assert display.change(0.143) == f"+14.3{SPACE}%"
    assert display.change(-0.0001) == f"0.0{SPACE}%"
