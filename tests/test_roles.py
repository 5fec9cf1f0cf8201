"""Who sells and who supports: money, hours, handovers and customers that belong to nobody."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_words import jargon, spoken
from sales_examples import SCOPE, stages
from scipy.stats import binom

from analysis.core.problems import SettingsError
from analysis.core.survival import aalen_johansen
from analysis.sales.roles import RolesOptions, Sources, roles
from analysis.sales.roles_handover import BOUGHT, HANDED, NO_SELLER, WAITING, median_range
from analysis.sales.roles_inputs import NOBODY, UNKNOWN, known_of
from analysis.sales.roles_money import role_table
from analysis.sales.roles_time import recorded_days
from analysis.sources.simulated import SimulationOptions, simulate

FEW = RolesOptions(least_shown=2, least_days=2)
DAY = pd.Timedelta(days=1)


def day(text):
    return pd.Timestamp(text)


def people(*more):
    """Ada hunts, Cem farms, Mia serves, Bo has left, Max leads; the shop is a machine."""
    rows = [
        ("ada", "Ada", "hunter", "T1", "max", None),
        ("bo", "Bo", "field", "T1", "max", "2025-07-01"),
        ("cem", "Cem", "farmer", "T1", "max", None),
        ("max", "Max", "manager", "T1", None, None),
        ("mia", "Mia", "service", "T4", "max", None),
        ("shop", "Shop (automatic)", None, None, None, None),
        *more,
    ]
    columns = ["rep_id", "rep_name", "role", "team_id", "leader_rep_id", "left_on"]
    table = pd.DataFrame(rows, columns=columns)
    left = pd.to_datetime(table["left_on"], format="ISO8601").astype("datetime64[s]")
    hired = pd.Series(pd.Timestamp("2020-01-01"), index=table.index).astype("datetime64[s]")
    return table.assign(left_on=left, hired_on=hired, fte_share=1.0)


def sold(*rows):
    """seller_periods of (customer, seller, day, amount): one row per customer, seller, quarter."""
    table = pd.DataFrame(rows, columns=["customer_id", "rep_id", "on", "revenue_amount"])
    on = pd.to_datetime(table["on"], format="ISO8601")
    table = table.assign(starts_on=on.dt.to_period("Q").dt.start_time, on=on)
    return table.groupby(["customer_id", "rep_id", "starts_on"], as_index=False).agg(
        first_on=("on", "min"),
        last_on=("on", "max"),
        day_count=("on", "nunique"),
        revenue_amount=("revenue_amount", "sum"),
    )


def deals(*rows):
    """Opportunities of (id, customer, owner, created, won or None, value)."""
    columns = ["opportunity_id", "customer_id", "rep_id", "created_at", "closed_at"]
    table = pd.DataFrame(rows, columns=[*columns, "value_amount"])
    is_won = table["closed_at"].notna()
    moments = {
        n: pd.to_datetime(table[n], format="ISO8601").astype("datetime64[s]") for n in columns[3:]
    }
    missing = ("product_id", "channel", "deal_type", "selling_model", "lost_reason")
    return table.assign(
        **moments,
        **dict.fromkeys(missing),
        pipeline_id="main",
        stage_id=np.where(is_won, "WON", "S1"),
        is_closed=is_won,
        is_won=is_won,
        expected_close_on=pd.NaT,
    )


def done(*rows):
    """Activities of (customer, who, completed, type, minutes[, deal]), entered when completed."""
    columns = ["customer_id", "rep_id", "completed_at", "activity_type", "duration_minutes"]
    rows = [(*row, None) if len(row) == 5 else row for row in rows]
    table = pd.DataFrame(rows, columns=[*columns, "opportunity_id"])
    at = pd.to_datetime(table["completed_at"], format="ISO8601").astype("datetime64[s]")
    ids = [f"E{n:03d}" for n in range(len(table))]
    minutes = table["duration_minutes"].astype(float)
    return table.assign(
        activity_id=ids,
        completed_at=at,
        created_at=at,
        is_automated=False,
        duration_minutes=minutes,
    )


def answered(*rows):
    """Inbound contacts of (customer, team, first answer, transfers)."""
    columns = ["customer_id", "routed_team_id", "first_response_at", "transfer_count"]
    table = pd.DataFrame(rows, columns=columns)
    at = pd.to_datetime(table["first_response_at"], format="ISO8601").astype("datetime64[s]")
    return table.assign(first_response_at=at)


def recorded(*rows):
    """Time records of (who, day, category, hours)."""
    table = pd.DataFrame(rows, columns=["rep_id", "worked_on", "category", "worked_hours"])
    on = pd.to_datetime(table["worked_on"], format="ISO8601").astype("datetime64[s]")
    return table.assign(worked_on=on, paid_hours=table["worked_hours"])


def owned(*rows):
    """Customers of (id, owner)."""
    table = pd.DataFrame(rows, columns=["customer_id", "rep_id"])
    return table.assign(customer_name="Firm " + table["customer_id"])


# Every customer's first deal, owner Ada unless said. Hours matter: gaps are fractions of days.
WINS = deals(
    ("D1", "plain", "ada", "2025-01-01", "2025-03-10 12:00", 100.0),
    ("D2", "later", "ada", "2025-01-01", "2025-03-10 12:00", 100.0),
    ("D3", "early", "ada", "2025-01-01", "2025-03-10 12:00", 100.0),
    ("D4", "waits", "ada", "2025-01-01", "2025-12-01 12:00", 700.0),
    ("D5", "farmed", "cem", "2025-01-01", "2025-03-10 12:00", 100.0),
    ("D6", "known", "ada", "2025-02-01", "2025-03-10 12:00", 100.0),
    ("D7", "asked", "ada", "2025-01-01", "2025-03-10 12:00", 100.0),
    ("D8", "future", "ada", "2025-01-01", "2025-12-20 12:00", 100.0),
)
LOG = done(
    ("plain", "ada", "2025-03-01 00:00", "call", 10),
    ("plain", "ada", "2025-03-09 12:00", "meeting", 60),  # the last one
    ("plain", "cem", "2025-03-23 18:00", "call", 10),  # 14.25 days later
    ("plain", "ada", "2025-03-25 00:00", "call", 10),  # after the handover: changes nothing
    ("later", "ada", "2025-03-09 12:00", "meeting", 60),
    ("later", "ada", "2025-03-20 00:00", "call", 10),  # after the win, before support
    ("later", "mia", "2025-03-22 00:00", "task", 10),  # done for the customer, not with him
    ("later", "mia", "2025-03-25 00:00", "call", 10),  # 5 days
    ("early", "cem", "2025-02-01 00:00", "call", 10),  # before sales' last contact: no handover
    ("early", "ada", "2025-03-05 00:00", "meeting", 60),
    ("early", "cem", "2025-03-08 00:00", "call", 10),  # 3 days, before the win
    ("waits", "ada", "2025-11-25 00:00", "meeting", 60),  # 37 days to the end of 2025
    ("farmed", "cem", "2025-03-09 12:00", "meeting", 60),
    ("farmed", "ada", "2025-06-01 00:00", "call", 10),  # a seller comes only after the win
    ("known", "ada", "2025-03-09 12:00", "meeting", 60),
    ("asked", "ada", "2025-03-10 18:00", "meeting", 60),  # written down after the win, same day
    ("future", "ada", "2025-12-20 00:00", "meeting", 60),
    ("future", "mia", "2026-01-02 00:00", "call", 10),  # not known yet
)
ANSWERS = answered(
    ("asked", "T1", "2025-03-11", 0),  # a team of both sides: nobody knows who
    ("asked", "T4", "2025-03-12", 1),  # passed on: nobody knows who
    ("asked", "T4", "2025-03-16 18:00", 0),  # 6 days
)
LINES = sold(
    ("known", "ada", "2024-12-30", 10.0),
    ("known", "ada", "2025-03-30", 25.5),
    ("plain", "ada", "2025-04-02", 50.25),
    ("plain", "shop", "2025-05-02", 1.01),
    ("plain", "gone", "2025-05-03", 2.02),
    ("", "", "2025-06-01", 3.03),
    ("waits", "cem", "2025-12-02", 4.04),
)


def company(**changed):
    tables = {
        "reps": people(),
        "customers": owned(("plain", "cem"), ("waits", "cem")),
        "seller_periods": LINES,
        "opportunities": WINS,
        "activities": LOG,
        "inbound_contacts": ANSWERS,
    }
    return Sources(**tables | changed)


@pytest.fixture
def no_pictures(monkeypatch):
    """Drawing is half of the time, and most tests look at tables."""
    monkeypatch.setattr("analysis.sales.roles._charts", lambda *_: {})


class TestHandover:
    def test_measures_the_known_gaps_of_an_event_log(self):
        table = roles(company(), scope=SCOPE, options=FEW).tables["won_customers"]
        table = table.set_index("customer_id")
        assert table["state"].to_dict() == {
            "asked": HANDED,
            "early": HANDED,
            "farmed": NO_SELLER,
            "future": WAITING,
            "known": BOUGHT,
            "later": HANDED,
            "plain": HANDED,
            "waits": WAITING,
        }
        followed = table[table["state"].isin([HANDED, WAITING])]
        assert followed["since_won_days"].to_dict() == {
            "asked": 6.25,
            "early": 0.0,  # support came two days before the win
            "future": 11.5,
            "later": 14.5,
            "plain": 13.25,
            "waits": 30.5,
        }
        # From the seller's last contact, only to describe those who have heard.
        assert followed["gap_days"].dropna().to_dict() == {
            "asked": 6.0,
            "early": 3.0,
            "later": 5.0,
            "plain": 14.25,
        }

    def test_counts_those_who_wait_for_as_long_as_they_have_waited(self):
        row = roles(company(), scope=SCOPE, options=FEW).tables["handover"].iloc[0]
        assert (row["customer_count"], row["handed_count"], row["waiting_count"]) == (6, 4, 2)
        # By hand: ends at 0, 6.25, 13.25 and 14.5 days; one waits 11.5 days, one 30.5. At 13.25
        # days three are left, of 4/6 who wait.
        assert row["within_share"] == pytest.approx(1 - 4 / 6 * 2 / 3)
        assert row["median_days"] == 13.25

    def test_a_seller_who_goes_on_calling_makes_no_wait_shorter(self):
        """Support comes 100 days after the win on average, the seller calls every 5 days."""
        draw, count = np.random.default_rng(3), 120
        names = [f"c{number:03d}" for number in range(count)]
        won = day("2025-01-02") + DAY * draw.integers(0, 60, count)
        first = won + pd.to_timedelta(draw.exponential(100, count), unit="D")
        first = first.floor("s")
        wins = deals(
            *(
                (f"D{name}", name, "ada", "2025-01-01", str(on), 10.0)
                for name, on in zip(names, won, strict=True)
            )
        )
        calls = [
            (name, "ada", str(on + DAY * 5 * step), "call", 10)
            for name, on in zip(names, won, strict=True)
            for step in range(75)
        ]
        calls += [(name, "mia", str(on), "call", 10) for name, on in zip(names, first, strict=True)]
        sources = company(opportunities=wins, activities=done(*calls), inbound_contacts=None)
        result = roles(sources, scope=SCOPE, options=FEW)
        row = result.tables["handover"].iloc[0]
        # 1 - exp(-14/100) is 13 %, half are reached after 69 days.
        assert row["within_low_share"] - 0.04 < 0.13 < row["within_high_share"] + 0.04
        assert row["median_low_days"] - 10 < 69.3 < row["median_high_days"] + 10
        assert result.headline["handover"].value == row["median_days"]
        found = next(f for f in result.findings if f.metric == "handover_within_share")
        assert found.value == row["within_share"]
        assert "days of the win" in found.text
        assert result.tables["won_customers"]["gap_days"].max() <= 5.0  # the seller's doing

    def test_is_the_plain_share_when_nobody_waits(self):
        options = dataclasses.replace(FEW, handover_days=7)
        wins = WINS[WINS["customer_id"].isin(["plain", "later", "early", "asked"])]
        found = roles(company(opportunities=wins), scope=SCOPE, options=options)
        assert found.tables["handover"]["within_share"].iloc[0] == 2 / 4
        assert "waiting" not in found.tables

    def test_lists_who_waits_longest_first_with_the_money(self):
        result = roles(company(), scope=SCOPE, options=FEW)
        table = result.tables["waiting"]
        assert table["customer_id"].tolist() == ["waits", "future"]
        assert table["won_amount"].tolist() == [700.0, 100.0]
        late = result.decisions[-1]
        assert late.text == (
            "Will support call the 1 customer who waits for a first contact? "
            "Longest first: Firm waits."
        )
        assert (late.worth_amount, late.owner) == (700.0, "Max")
        assert late.due_on == day("2026-01-14").date()

    def test_says_so_where_support_logs_nothing(self):
        log = LOG[~LOG["rep_id"].isin(["cem", "mia"])]
        sources = company(activities=log, inbound_contacts=None)
        result = roles(sources, scope=SCOPE, options=FEW)
        texts = [finding.text for finding in result.findings]
        assert any("How soon support speaks with new customers cannot be said" in t for t in texts)
        assert "waiting" not in result.charts
        assert not any("Will support call" in asked.text for asked in result.decisions)

    def test_concludes_nothing_where_little_of_supports_work_is_in_the_log(self):
        times = recorded(
            ("mia", "2025-03-24", "support", 8.0), ("mia", "2025-03-25", "support", 8.0)
        )
        result = roles(company(time_records=times), scope=SCOPE, options=FEW)
        found = next(f for f in result.findings if f.metric == "handover_within_share")
        # 10 minutes of a call on the 25th and 0 of the 24th are in the log: 1 % of 16 hours.
        assert "1\u00a0% of support's hours for buyers are on record" in found.detail
        assert "cannot be concluded" in found.detail
        assert found.rank == 0.0

    def test_the_range_of_the_median_holds_about_as_often_as_it_says(self):
        draw, hits, runs = np.random.default_rng(0), 0, 80
        for _ in range(runs):
            gap, watched = draw.exponential(20, 60), draw.uniform(10, 60, 60)
            ended = np.where(gap <= watched, "handed", "")
            low, high = median_range(aalen_johansen(np.minimum(gap, watched), ended))
            hits += low <= 20 * np.log(2) and not high < 20 * np.log(2)
        assert binom.ppf(0.005, runs, 0.8) <= hits <= binom.ppf(0.995, runs, 0.8)


@pytest.mark.usefixtures("no_pictures")
class TestMoney:
    def test_sums_to_the_company_with_rows_for_no_person_and_no_role(self):
        table = roles(company(), scope=SCOPE, options=FEW).tables["roles"].set_index("role")
        amounts = table["amount"].to_dict()
        assert amounts == {
            "hunter": 75.75,
            "field": 0.0,
            "farmer": 4.04,
            "service": 0.0,
            "manager": 0.0,
            UNKNOWN: 2.02,
            NOBODY: 4.04,  # a machine's 1.01, and 3.03 that name nobody
            "all": 85.85,
        }
        assert table["share"].drop("all").sum() == pytest.approx(1.0)
        # Known before: 25.50 of `known`; the others first bought in the window's quarters.
        assert table.loc["hunter", ["new_amount", "existing_amount"]].tolist() == [50.25, 25.5]

    def test_is_per_full_time_month_present(self):
        table = roles(company(), scope=SCOPE, options=FEW).tables["roles"].set_index("role")
        # 2025 has 261 weekdays; Bo left on 1 July after 129.
        assert table.loc[["hunter", "field"], "full_time_days"].tolist() == [261.0, 129.0]
        assert table.loc["hunter", "month_amount"] == pytest.approx(75.75 / (261 / 21))

    def test_is_the_value_of_deals_won_where_no_line_names_a_seller(self):
        lines = LINES.assign(rep_id="")
        result = roles(company(seller_periods=lines), scope=SCOPE, options=FEW)
        table = result.tables["roles"].set_index("role")
        assert table["amount"][["hunter", "farmer", "all"]].tolist() == [1300.0, 100.0, 1400.0]
        assert any("value of deals won" in finding.text for finding in result.findings)

    @settings(max_examples=6, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", ""]),
                st.sampled_from(["ada", "cem", "shop", "gone", ""]),
                st.sampled_from(["2024-11-05", "2025-02-03", "2025-09-09", "2025-12-31"]),
                st.integers(-99_999, 99_999).map(lambda cents: cents / 100),
            ),
            min_size=1,
            max_size=12,
        )
    )
    def test_loses_no_cent(self, rows):
        lines = sold(*rows, ("a", "ada", "2025-01-01", 1.0))
        known = known_of(company(seller_periods=lines), SCOPE, FEW)
        table = role_table(known, recorded_days(None, known), FEW)
        inside = [round(100 * r[3]) for r in rows if r[2] >= "2025"]
        assert round(100 * table["amount"].iloc[-1]) == sum(inside) + 100
        assert round(100 * table["amount"].iloc[:-1].sum()) == sum(inside) + 100
        parts = table[["new_amount", "existing_amount", "unnamed_amount"]].sum(axis=1)
        assert np.allclose(parts, table["amount"])


@pytest.mark.usefixtures("no_pictures")
class TestHours:
    def test_stand_by_role_activity_and_state_of_the_customer_then(self):
        log = done(
            ("plain", "ada", "2025-03-01", "call", 30),  # before the first win of 10 March
            ("plain", "ada", "2025-03-10", "call", 30),  # on its day: still new
            ("plain", "ada", "2025-03-11", "call", 45),
            ("plain", "cem", "2025-06-01", "call", 15),
            (None, "ada", "2025-06-01", "admin", 60),
        )
        table = roles(company(activities=log), scope=SCOPE, options=FEW).tables["work_types"]
        hours = table[table["activity_count"] > 0].set_index(
            ["role", "activity_type", "customer_state"]
        )["logged_hours"]
        assert hours.to_dict() == {
            ("hunter", "admin", "not named"): 1.0,
            ("hunter", "call", "new"): 1.0,
            ("hunter", "call", "existing"): 0.75,
            ("farmer", "call", "existing"): 0.25,
        }

    def test_are_withheld_where_too_few_activities_have_a_duration(self):
        log = done(
            ("plain", "ada", "2025-06-01", "call", 30),
            ("plain", "ada", "2025-06-02", "call", None),
            ("plain", "ada", "2025-06-03", "call", 0),  # 0 is no duration
            ("plain", "ada", "2025-06-04", "meeting", 60),
            ("plain", "ada", "2025-06-05", "meeting", None),
        )
        result = roles(company(activities=log), scope=SCOPE, options=FEW)
        table = result.tables["work_types"].set_index("activity_type")
        assert table.loc["call", "timed_share"] == pytest.approx(1 / 3)
        assert np.isnan(table.loc["call", "logged_hours"])
        assert table.loc["meeting", "logged_hours"] == 1.0  # of the one that has a duration
        assert any("cannot be said" in finding.text for finding in result.findings)
        assert any("40\u00a0% of 5 logged activities" in text for text in result.caveats)

    def test_leave_out_machines_and_what_is_not_done_or_not_known_yet(self):
        late = done(("plain", "ada", "2025-12-30", "call", 60)).assign(
            created_at=day("2026-01-01"), activity_id="X1"
        )
        machine = done(("plain", "ada", "2025-06-01", "email", 60)).assign(
            is_automated=True, activity_id="X2"
        )
        undone = done(("plain", "ada", None, "call", 60)).assign(
            created_at=day("2025-06-01"), activity_id="X3"
        )
        more = pd.concat([LOG, late, machine, undone])
        first, second = (
            roles(company(activities=log), scope=SCOPE, options=FEW).tables["work_types"]
            for log in (LOG, more)
        )
        pd.testing.assert_frame_equal(first, second)

    def test_tell_what_part_goes_to_new_customers(self):
        log = done(
            ("plain", "ada", "2025-03-01", "call", 45),
            ("plain", "ada", "2025-06-01", "call", 15),
        )
        result = roles(company(activities=log), scope=SCOPE, options=FEW)
        found = next(f for f in result.findings if f.metric == "new_hours_share")
        assert found.value == 0.75
        # By hand: first invoices are `plain` 50.25 + 1.01 + 2.02 and `waits` 4.04, of 85.85 in all.
        assert "brought 67\u00a0% of invoiced revenue" in found.text

    def test_share_out_won_value_and_keep_what_nobody_logged(self):
        log = done(
            ("plain", "ada", "2024-12-01", "call", 30, "D1"),  # before the window: still its deal
            ("plain", "ada", "2025-03-01", "meeting", 30, "D1"),
            ("plain", "cem", "2025-03-02", "meeting", 30, "D1"),
            ("plain", "ada", "2025-04-02", "call", 30, "D1"),  # after the win
        )
        table = roles(company(activities=log), scope=SCOPE, options=FEW).tables["work_types"]
        won = table.groupby(["role", "activity_type"])["won_amount"].sum()
        assert won["hunter", "call"] == pytest.approx(33.33, abs=0.011)
        assert won[NOBODY, "nothing logged"] == 1300.0
        assert round(table["won_amount"].sum(), 2) == 1400.0

    def test_recorded_in_full_have_no_range(self):
        days = pd.bdate_range("2025-01-01", "2025-12-31")
        rows = [
            (who, str(on), kind, hours)
            for who, kind, hours in (("ada", "selling", 6.0), ("ada", "admin", 2.0))
            for on in days
        ]
        rows += [("mia", str(on), "support", 8.0) for on in days]
        result = roles(company(time_records=recorded(*rows)), scope=SCOPE, options=FEW)
        use = result.tables["time_use"].set_index(["role", "category"])
        assert use.loc[("hunter", "selling"), "hours_share"] == 0.75
        low, high = use.loc[("hunter", "selling"), ["hours_low_share", "hours_high_share"]]
        assert (low, high) == (0.75, 0.75)
        shares = result.tables["roles"].set_index("role")["hours_share"]
        assert shares[["hunter", "service"]].tolist() == [0.5, 0.5]

    def test_absence_is_no_working_time(self):
        rows = [("ada", f"2025-06-{n:02d}", "absent", 8.0) for n in (2, 3, 4)]
        rows += [("ada", "2025-06-05", "selling", 8.0), ("mia", "2025-06-05", "support", 4.0)]
        rows += [("mia", "2025-06-06", "support", 4.0)]
        result = roles(company(time_records=recorded(*rows)), scope=SCOPE, options=FEW)
        assert "absent" not in set(result.tables["time_use"]["category"])
        hours = result.tables["roles"].set_index("role")["recorded_hours"]
        assert hours[["hunter", "service", "all"]].tolist() == [8.0, 8.0, 16.0]


@pytest.mark.usefixtures("no_pictures")
class TestOwners:
    CUSTOMERS = owned(
        ("fine", "ada"),
        ("none", None),
        ("left", "bo"),
        ("odd", "gone"),
        ("silent", None),  # no money: nobody has to act
        ("tomorrow", "eve"),
    )
    SOLD = sold(
        ("fine", "ada", "2025-05-01", 1000.0),
        ("none", "ada", "2025-05-01", 10.0),
        ("left", "bo", "2025-05-01", 300.0),
        ("odd", "cem", "2025-05-01", 200.0),
        ("tomorrow", "eve", "2025-05-01", 50.0),
    )
    DEALS = deals(("O1", "none", "ada", "2025-09-01", None, 500.0))

    def found(self, **changed):
        eve = ("eve", "Eve", "hunter", "T1", "max", "2026-01-01")  # the day after the period
        tables = {"customers": self.CUSTOMERS, "seller_periods": self.SOLD}
        tables |= {"reps": people(eve), "opportunities": self.DEALS}
        return roles(company(**tables | changed), scope=SCOPE, options=FEW)

    def test_lists_customers_without_an_owner_most_money_first(self):
        result = self.found()
        table = result.tables["ownerless"]
        assert table[["customer_id", "problem"]].to_numpy().tolist() == [
            ["none", "no owner"],
            ["left", "owner has left"],
            ["odd", "owner is not in the list of people"],
        ]
        assert table["worth_amount"].tolist() == [510.0, 300.0, 200.0]
        assert table["open_count"].tolist() == [1, 0, 0]
        # Bo, who sold to `left`, is gone: nobody here has dealt with that customer.
        assert table["served_by"].fillna("").tolist() == ["Ada", "", "Cem"]
        found = next(f for f in result.findings if f.metric == "ownerless_amount")
        assert (found.value, found.rank) == (300.0, 300.0)  # of `left` alone
        assert "here for 3 customers; people who are here deal with 2 of them" in found.text
        assert result.decisions[0].worth_amount == 300.0
        assert "owner field of 3 customers up to date" in result.decisions[0].text

    def test_takes_who_last_sold_where_the_list_names_nobody(self):
        result = self.found(customers=self.CUSTOMERS.assign(rep_id=None))
        assert result.tables["ownerless"]["customer_id"].tolist() == ["left"]
        assert any("names no owner" in text for text in result.caveats)

    def test_sees_a_change_of_owner_once_and_not_sellers_who_take_turns(self):
        lines = sold(
            ("moved", "bo", "2025-05-01", 1.0),
            ("moved", "cem", "2025-08-01", 1.0),
            ("turns", "ada", "2025-02-01", 1.0),
            ("turns", "cem", "2025-05-01", 1.0),
            ("turns", "ada", "2025-08-01", 1.0),
            ("once", "ada", "2025-02-01", 1.0),
            ("once", "cem", "2025-08-01", 1.0),  # a single day of sales by another
            ("stays", "ada", "2025-08-01", 1.0),
        )
        log = done(
            ("moved", "cem", "2025-06-30", "call", 10),  # before the change
            ("moved", "cem", "2025-07-21", "call", 10),
        )
        result = self.found(seller_periods=lines, activities=log)
        table = result.tables["owner_changes"]
        assert table[["customer_id", "from_id", "to_id"]].to_numpy().tolist() == [
            ["moved", "bo", "cem"]
        ]
        assert table["changed_on"].tolist() == [day("2025-07-01")]  # the day that Bo left
        assert table["waited_days"].tolist() == [20.0]

    def test_sees_a_deal_that_passes_to_another(self):
        events = pd.DataFrame(
            {
                "opportunity_id": "O1",
                "event_no": [1, 2],
                "entered_at": [day("2025-09-01"), day("2025-10-01 09:00")],
                "exited_at": [day("2025-10-01 09:00"), pd.NaT],
                "stage_id": ["S1", "S2"],
                "rep_id": ["ada", "cem"],
                "value_amount": 500.0,
                "expected_close_on": pd.NaT,
            }
        )
        table = self.found(stage_events=events, stages=stages(2)).tables["owner_changes"]
        assert table["customer_id"].tolist() == ["none"]
        assert table["changed_on"].tolist() == [day("2025-10-01")]
        assert table["waited_days"].tolist() == [92.0]  # nobody spoke with them to the end

    def test_tells_how_many_were_spoken_with_after_a_change(self):
        names = ["a", "b", "c", "d"]
        rows = [(n, who, on, 1.0) for n in names for who, on in (("bo", "2025-05-01"),)]
        rows += [(n, "cem", on, 1.0) for n in names for on in ("2025-08-01", "2025-12-01")]
        calls = {"a": "2025-07-04", "b": "2025-07-30", "c": "2025-09-30"}  # `d` has none
        log = done(*((n, "cem", on, "call", 10) for n, on in calls.items()))
        result = self.found(seller_periods=sold(*rows), activities=log)
        found = next(f for f in result.findings if f.metric == "contact_after_change")
        assert found.value == pytest.approx(2 / 4)
        few = done(("a", "cem", "2025-07-04", "call", 10))
        result = self.found(seller_periods=sold(*rows), activities=few)
        found = next(f for f in result.findings if f.metric == "owner_changes")
        assert "cannot be said" in found.text
        assert "25\u00a0% of the customers who bought" in found.detail

    def test_all_is_well_is_a_finding(self):
        result = self.found(customers=self.CUSTOMERS.assign(rep_id="ada"))
        assert "ownerless" not in result.tables
        assert any("belongs to somebody who is here" in f.text for f in result.findings)


class TestMissing:
    def test_nothing_is_said_without_roles_and_owners(self):
        lines = LINES.assign(rep_id="")
        result = roles(Sources(seller_periods=lines), scope=SCOPE)
        assert "Nobody's role is known" in result.unavailable
        assert not result.tables
        # Whoever sold last would be every customer's owner, and nobody is known to have left.
        nameless = people().assign(role=None, left_on=pd.NaT)
        result = roles(Sources(reps=nameless, opportunities=WINS), scope=SCOPE)
        assert "Nobody's role is known" in result.unavailable

    def test_nothing_is_said_of_roles_without_any_work(self):
        result = roles(Sources(reps=people()), scope=SCOPE)
        assert "no revenue, deal, activity or working time" in result.unavailable

    @pytest.mark.parametrize(
        "name",
        ["reps", "customers", "seller_periods", "opportunities", "activities", "inbound_contacts"],
    )
    def test_any_table_may_be_missing(self, name):
        result = roles(company(**{name: None}), scope=SCOPE, options=FEW)
        assert result.findings
        if name != "seller_periods":
            assert any(f"The table {name} is missing" in text for text in result.caveats)

    def test_owners_alone_can_be_told_without_roles(self):
        result = roles(company(reps=None), scope=SCOPE, options=FEW)
        assert set(result.tables) == {"owner_changes", "ownerless"} & set(result.tables)
        assert not result.charts

    def test_never_compares_before_with_after(self):
        texts = roles(company(), scope=SCOPE, options=FEW).caveats
        assert any("customers who stayed as they were" in text for text in texts)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"handover_days": 0}, "handover_days"),
        ({"least_timed_share": 0.0}, "least_timed_share"),
        ({"seller_roles": ("seller",)}, "seller_roles"),
        ({"support_roles": ("hunter",)}, "name each role once"),
    ],
)
def test_options_are_checked(changed, message):
    with pytest.raises(SettingsError, match=message):
        RolesOptions(**changed)


@pytest.fixture(scope="module")
def world():
    return simulate(SimulationOptions(customers=150, quarters=8))


def sources_of(tables):
    lines = tables["invoice_lines"]
    rows = zip(
        lines["customer_id"].fillna(""),
        lines["rep_id"].fillna(""),
        lines["invoiced_on"],
        lines["revenue_amount"].astype(float),
        strict=True,
    )
    names = ("reps", "customers", "opportunities", "stage_events", "stages", "activities")
    rest = {n: tables[n] for n in (*names, "inbound_contacts", "time_records")}
    return Sources(seller_periods=sold(*rows), **rest)


def scope_of(tables):
    last = tables["invoice_lines"]["invoiced_on"].max()
    return dataclasses.replace(SCOPE, period=SCOPE.calendar.containing(last.date(), "quarterly"))


@pytest.fixture(scope="module")
def told(world):
    return roles(sources_of(world.tables), scope=scope_of(world.tables))


class TestSimulated:
    def test_time_use_recovers_the_truth_of_support(self, world, told):
        truth = world.truth["time_shares"].set_index(["team_id", "category"])["time_share"]
        use = told.tables["time_use"].set_index(["role", "category"])
        for category in ("support", "selling", "admin"):
            row = use.loc[("service", category)]
            assert abs(row["hours_share"] - truth["T4", category]) < 0.03

    def test_ownerless_and_revenue_are_what_a_plain_count_gives(self, world, told):
        tables, scope, result = world.tables, scope_of(world.tables), told
        end = pd.Timestamp(scope.as_of)
        lines = tables["invoice_lines"]
        year = lines[lines["invoiced_on"] > end - pd.DateOffset(years=1)]
        total = result.tables["roles"]["amount"].iloc[-1]
        assert total == pytest.approx(year["revenue_amount"].astype(float).sum(), abs=0.005)
        gone = tables["reps"].set_index("rep_id")["left_on"].dropna()
        gone = set(gone.index[gone <= end])
        open_deals = tables["opportunities"].loc[~tables["opportunities"]["is_closed"]]
        busy = set(year["customer_id"].dropna()) | set(open_deals["customer_id"].dropna())
        customers = tables["customers"]
        is_lost = customers["rep_id"].isna() | customers["rep_id"].isin(gone)
        lost = set(customers.loc[is_lost, "customer_id"]) & busy
        assert lost
        assert set(result.tables["ownerless"]["customer_id"]) == lost

    def test_what_comes_later_changes_nothing(self, world):
        """An earlier quarter is the same with the later records and without them."""
        scope = scope_of(world.tables)
        early = dataclasses.replace(scope, period=scope.calendar.shift(scope.period, -2))
        end = pd.Timestamp(early.as_of) + DAY
        moments = {
            "invoice_lines": "invoiced_on",
            "activities": "created_at",
            "stage_events": "entered_at",
            "opportunities": "created_at",
            "inbound_contacts": "received_at",
            "time_records": "worked_on",
        }
        cut = {
            name: table[table[moments[name]] < end] if name in moments else table
            for name, table in world.tables.items()
        }
        whole = sources_of(world.tables)
        known = whole.seller_periods["first_on"] < end  # what the derived table would hold
        whole = dataclasses.replace(whole, seller_periods=whole.seller_periods[known])
        first, second = (roles(s, scope=early) for s in (whole, sources_of(cut)))
        assert first.findings == second.findings
        for name, table in first.tables.items():
            pd.testing.assert_frame_equal(table, second.tables[name])

    def test_the_order_of_rows_does_not_matter(self, world, told):
        sources, scope = sources_of(world.tables), scope_of(world.tables)
        mixed = {
            field.name: getattr(sources, field.name).sample(frac=1, random_state=1)
            for field in dataclasses.fields(sources)
        }
        first, second = told, roles(Sources(**mixed), scope=scope)
        assert first.findings == second.findings
        assert {n: c.svg for n, c in first.charts.items()} == {
            n: c.svg for n, c in second.charts.items()
        }
        for name, table in first.tables.items():
            pd.testing.assert_frame_equal(table, second.tables[name])

    def test_speaks_plainly(self, told):
        results = [told, roles(company(), scope=SCOPE, options=FEW)]
        said = [text for result in results for text in spoken([result]).values()]
        said += [f"{f.text} {f.detail}" for result in results for f in result.findings]
        said += [text for result in results for text in result.caveats]
        assert [found for text in said for found in jargon(text)] == []

    def test_fifty_customers_are_enough_for_a_chapter(self):
        small = simulate(SimulationOptions(customers=50, quarters=6))
        result = roles(sources_of(small.tables), scope=scope_of(small.tables))
        assert not result.unavailable
        assert result.findings
