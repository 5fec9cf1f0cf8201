"""Naive recomputation from the simulated tables finds what was planted in them."""

import numpy as np
import pandas as pd
import pytest
from simulated_examples import (
    end_of,
    log_odds,
    naive_lift,
    quarterly_sales,
    sample,
    won_by_true_end,
    world,
)

from analysis.sources.simulated import (
    SimulationOptions,
    simulate,
)
from analysis.sources.simulated import customers as simulated_customers

# --- customers ----------------------------------------------------------------------------------


def test_archetypes_have_their_shares():
    found = world().truth["customers"]["archetype_before"].value_counts(normalize=True)
    wanted = dict(
        zip(simulated_customers.ARCHETYPES, simulated_customers.ARCHETYPE_SHARES, strict=True)
    )
    for name, share in wanted.items():
        error = 4 * np.sqrt(share * (1 - share) / 5000)
        assert found[name] == pytest.approx(share, abs=error), name


def test_expected_sales_are_what_customers_buy_on_average():
    truth = world().truth["customers"].set_index("customer_id")
    stays = truth.index[(truth["starts_on"] < "2023-07-01") & truth["churned_on"].isna()]
    expected = world().truth["customer_quarters"].query("customer_id in @stays")
    sums = expected.groupby("period")["expected_amount"].sum()
    actual = quarterly_sales(world()).reindex(stays).sum()
    assert (actual / sums.reindex(actual.index)).between(0.9, 1.12).all()


def test_growers_grow_and_decliners_decline_and_the_constant_stay():
    truth = world().truth["customers"].set_index("customer_id")
    sales = quarterly_sales(world())
    years = sales.T.groupby(np.arange(12) // 4).sum().T
    stays = truth[(truth["starts_on"] < "2023-07-01") & truth["churned_on"].isna()]
    growth = (
        years.reindex(stays.index).groupby(stays["archetype"]).sum().pipe(lambda y: y[2] / y[0])
    )
    assert growth["grower"] > 1.5
    assert growth["decliner"] < 0.75
    constant = truth.index[truth["is_constant"]]
    assert len(constant) > 500
    # Prices rise by 0.6 % a quarter, and deliveries improve orders in three regions.
    assert years.reindex(constant).sum().pipe(lambda y: y[2] / y[0]) == pytest.approx(
        1.08, abs=0.05
    )


def test_switches_change_the_archetype_within_the_data():
    truth = world().truth["customers"]
    switched = truth["switched_on"].notna()
    assert 0.03 < switched.mean() < 0.12
    assert (truth["archetype"] != truth["archetype_before"]).equals(switched)
    assert not (truth["is_constant"] & switched).any()


def test_clockwork_customers_keep_their_rhythm_and_consumers_do_not():
    truth = world().truth["customers"].set_index("customer_id")
    lines = world().tables["invoice_lines"].query("kind == 'sale'")
    days = lines[["customer_id", "invoiced_on"]].drop_duplicates().sort_values("invoiced_on")
    gaps = days.groupby("customer_id")["invoiced_on"].diff().dt.days
    spread = gaps.groupby(days["customer_id"]).agg(["mean", "std", "count"]).query("count >= 15")
    variation = (spread["std"] / spread["mean"]).groupby(truth["is_clockwork"]).median()
    consumers = (spread["std"] / spread["mean"])[~truth["is_b2b"].reindex(spread.index)]
    assert variation[True] < 0.3 < variation[False]
    assert consumers.median() > 0.8


def test_seasonal_customers_have_their_season():
    truth = world().truth["customers"].set_index("customer_id")
    seasonal = truth.index[truth["archetype_before"].eq("seasonal")]
    by_quarter = quarterly_sales(world()).reindex(seasonal).sum()
    spring = by_quarter[["2024Q2", "2025Q2", "2026Q2"]].mean()
    assert spring > 1.5 * by_quarter.drop(["2024Q2", "2025Q2", "2026Q2"]).mean()


@pytest.mark.parametrize("lifted", ["Maintenance", "Training", "Calibration"])
def test_cross_sell_lift_is_planted_and_shows_among_companies_that_buy_often(lifted):
    rule = world().truth["cross_sell"].set_index("to_category").loc[lifted]
    adopted, customers = world().truth["adoption"], world().truth["customers"]
    uses = pd.crosstab(adopted["customer_id"], adopted["product_category"]) > 0
    uses = uses.reindex(customers.query("is_b2b")["customer_id"])
    others = uses.loc[~uses[rule["from_category"]], lifted].mean()
    planted = uses.loc[uses[rule["from_category"]], lifted].mean() / others
    assert others == pytest.approx(rule["base_share"], abs=0.03)
    assert planted == pytest.approx(rule["lift"], rel=0.2)
    # Invoices show less of it: who buys more ranges buys each of them less often.
    found = naive_lift(world(), rule["from_category"], lifted)
    assert found == pytest.approx(planted, rel=0.3)


def test_returns_are_two_to_three_per_cent_of_sales():
    kinds = sample().tables["invoice_lines"].groupby("kind")["revenue_amount"].sum()
    assert 0.018 < -kinds["return"] / kinds["sale"] < 0.032


def test_the_future_is_kept_as_truth_only():
    future = world().truth["future"]
    assert sorted(future["period"].unique()) == ["2026Q3", "2026Q4", "2027Q1", "2027Q2"]
    expected = world().truth["customer_quarters"]
    assert set(expected["period"]) > set(future["period"])


def test_wallets_are_larger_than_what_is_bought():
    truth = world().truth["customers"]
    assert truth["share_of_wallet"].between(0, 1).all()
    year = world().truth["customer_quarters"].query("'2025Q3' <= period <= '2026Q2'")
    bought = year.groupby("customer_id")["expected_amount"].sum().reindex(truth["customer_id"])
    wanted = bought.to_numpy() / truth["share_of_wallet"].to_numpy()
    assert np.allclose(truth["wallet_year_amount"], wanted, rtol=1e-4, atol=0.02)


# --- selling ------------------------------------------------------------------------------------


def test_true_chances_are_calibrated():
    truth = world().truth["opportunities"]
    variance = (truth["win_share"] * (1 - truth["win_share"])).sum()
    missed = truth["is_won"].sum() - truth["win_share"].sum()
    assert abs(missed) < 4 * np.sqrt(variance)


def test_standardised_win_shares_follow_skill_where_raw_ones_are_confounded():
    deals = won_by_true_end(world())
    truth = world().truth["rep_win_shares"].set_index("rep_id")["standardised_win_share"]
    weights = deals["channel"].value_counts(normalize=True)
    cells = deals.groupby(["rep_id", "channel"])["is_won"].agg(["sum", "count"]).reset_index()
    # Shrunk towards the channel's share by five deals, or empty cells would spoil the sum.
    usual = cells["channel"].map(deals.groupby("channel")["is_won"].mean())
    cells["share"] = (cells["sum"] + 5 * usual) / (cells["count"] + 5)
    cells["weight"] = cells["channel"].map(weights)
    totals = cells.assign(part=cells["share"] * cells["weight"]).groupby("rep_id")
    standard = totals["part"].sum() / totals["weight"].sum()
    often = deals["rep_id"].value_counts()
    sellers = often.index[often >= 25].intersection(truth.index)
    raw = deals.groupby("rep_id")["is_won"].mean()
    fair = standard[sellers].corr(truth[sellers], method="spearman")
    naive = raw[sellers].corr(truth[sellers], method="spearman")
    assert fair > 0.7
    assert fair > naive + 0.05


def test_weaker_sellers_get_the_better_leads():
    leads = world().tables["leads"]
    skill = world().truth["reps"].set_index("rep_id")["skill"]
    good = leads["channel"].isin(["referral", "phone"]).groupby(leads["rep_id"]).mean()
    assert good.corr(skill.reindex(good.index)) < -0.5


def test_some_sellers_fail_at_the_proposal():
    weak = world().truth["reps"].query("weak_stage_effect < 0")["rep_id"]
    assert len(weak) >= 2
    deals = won_by_true_end(world())
    # Held against the stage before, because these two may be good sellers otherwise.
    step = deals["pass_s3"].map(log_odds) - deals["pass_s2"].map(log_odds)
    is_weak = deals["rep_id"].isin(weak)
    assert step[is_weak].mean() < step[~is_weak].mean() - 0.5


def test_deals_that_end_after_the_data_are_open():
    deals = (
        world()
        .tables["opportunities"]
        .merge(world().truth["opportunities"][["opportunity_id", "closes_at"]], on="opportunity_id")
    )
    is_later = deals["closes_at"] >= end_of(world())
    assert is_later.sum() > 100
    assert (deals["is_closed"] == ~is_later).all()
    assert deals.loc[is_later, "closed_at"].isna().all()
    assert not deals.loc[is_later, "is_won"].any()


def test_stays_of_a_deal_follow_one_another_and_end_where_the_deal_stands():
    events = sample().tables["stage_events"]
    deals = sample().tables["opportunities"].set_index("opportunity_id")
    after = events.groupby("opportunity_id")["entered_at"].shift(-1)
    assert events["exited_at"].equals(after)
    assert (events["entered_at"] <= events["exited_at"].fillna(events["entered_at"])).all()
    last = events.groupby("opportunity_id").last()
    assert last["stage_id"].equals(deals["stage_id"].reindex(last.index))
    before = events.groupby("opportunity_id")["stage_id"].shift()
    assert (events["previous_stage_id"].fillna("") == before.fillna("")).all()


def test_loops_skips_and_bulk_edits_occur():
    events = world().tables["stage_events"]
    ways = events["previous_stage_id"] + events["stage_id"]
    assert 0.02 < ways.isin(["S2S1", "S3S2", "S4S3", "S5S4"]).mean() < 0.08
    assert ways.isin(["S1S3", "S2S4", "S3S5"]).any()
    bulk = events[events["is_bulk"]]
    assert len(bulk) > 30
    assert (bulk["entered_at"].dt.strftime("%H:%M") == "17:00").all()


def test_the_chance_of_a_lead_halves_with_the_half_life_of_waiting():
    truth = world().truth["channels"].set_index("channel")
    leads = world().tables["leads"].merge(world().truth["leads"], on="lead_id")
    asked = leads[leads["channel"].isin(["web", "phone"]) & (leads["status"] != "working")]
    at_once = asked["channel"].map(truth["convert_share_at_once"])
    wanted = at_once * 0.5 ** (asked["delay_hours"] / 36)
    band = pd.cut(asked["delay_hours"], [0, 6, 12, 24, 48])
    shares = pd.DataFrame({"found": asked["converted_at"].notna(), "wanted": wanted})
    means = shares.groupby(band, observed=True).mean()
    errors = np.sqrt(means["wanted"] * (1 - means["wanted"]) / band.value_counts(sort=False))
    assert means["found"].is_monotonic_decreasing
    assert ((means["found"] - means["wanted"]).abs() < 4 * errors).all()


def test_tasks_are_on_time_as_often_as_the_seller_is_careful():
    tasks = world().tables["activities"].query("not is_automated and due_at < '2026-05-01'")
    truth = world().truth["reps"].set_index("rep_id")["compliance_share"]
    on_time = (
        (tasks["completed_at"] <= tasks["due_at"]).groupby(tasks["rep_id"]).agg(["mean", "count"])
    )
    on_time = on_time[on_time["count"] >= 60].join(truth, how="inner")
    assert np.abs(on_time["mean"] - on_time["compliance_share"]).mean() < 0.05


def test_new_sellers_ramp_up():
    reps = world().tables["reps"].set_index("rep_id")
    leads = world().tables["leads"].dropna(subset=["rep_id"])
    hired = leads["rep_id"].map(reps["hired_on"])
    month = (leads["created_at"] - hired).dt.days // 30.44
    new = hired > pd.Timestamp("2023-07-01")
    known = new & (hired < pd.Timestamp("2025-06-30"))
    early, later = (month[known].between(a, b).sum() / 3 for a, b in ((0, 2), (9, 11)))
    # 1 - exp(-t / 5) is .26 on average over months 0 to 2 and .88 over 9 to 11; some have left.
    assert 0.15 < early / later < 0.5
    assert reps["left_on"].notna().any()


def test_hours_of_a_day_sum_to_the_paid_hours():
    hours = sample().tables["time_records"]
    day = hours.groupby(["rep_id", "worked_on"])["paid_hours"].sum().round(6)
    assert set(day) <= {6.4, 8.0}
    assert (hours["worked_hours"] >= 0).all()


# --- improvements -------------------------------------------------------------------------------


def test_training_lifts_the_proposal_of_the_trained_and_nobody_elses():
    events = world().tables["stage_events"]
    after = events.groupby("opportunity_id")["stage_id"].shift(-1)
    ended = events.assign(passes=after.isin(["S4", "S5", "WON"]))[
        (events["stage_id"] == "S3") & after.isin(["S4", "S5", "WON", "LOST"])
    ]
    treated = world().tables["improvement_assignments"].query("improvement_id == 'M1'")
    since = ended["rep_id"].map(treated.set_index("unit_id")["treated_from_on"])
    is_after = ended["entered_at"] >= since.fillna(pd.Timestamp("2025-01-01"))
    shares = ended.groupby([since.notna().to_numpy(), is_after.to_numpy()])["passes"].mean()
    odds = shares.map(log_odds)
    effect = (odds[True, True] - odds[True, False]) - (odds[False, True] - odds[False, False])
    truth = world().truth["improvements"].set_index("improvement_id")["effect"]
    assert effect == pytest.approx(truth["M1"], abs=0.45)
    assert truth[["M5", "M6"]].eq(0).all()


def test_better_delivery_raises_orders_in_its_regions():
    tables = world().tables
    treated = tables["improvement_assignments"].query("improvement_id == 'M4'")
    lines = tables["invoice_lines"].query("kind == 'sale'")
    orders = lines.groupby(["customer_id", "invoice_id"], as_index=False).agg(
        amount=("revenue_amount", "sum"), day=("invoiced_on", "first")
    )
    orders["is_after"] = orders["day"] >= treated["treated_from_on"].iloc[0]
    orders["amount"] = np.log(orders["amount"])
    means = orders.pivot_table(index="customer_id", columns="is_after", values="amount").dropna()
    region = tables["customers"].set_index("customer_id")["region_id"].reindex(means.index)
    change = (means[True] - means[False]).groupby(region.isin(treated["unit_id"])).mean()
    truth = world().truth["improvements"].set_index("improvement_id")["effect"]
    assert np.exp(change[True] - change[False]) - 1 == pytest.approx(truth["M4"], abs=0.035)


def test_automation_frees_time_of_one_team_only():
    hours, reps = world().tables["time_records"], world().tables["reps"]
    day = world().truth["improvements"].set_index("improvement_id").loc["M3", "effective_on"]
    team = hours["rep_id"].map(reps.set_index("rep_id")["team_id"])
    sums = hours["paid_hours"].groupby([team, hours["worked_on"] >= day, hours["category"]]).sum()
    admin = (sums / sums.groupby(level=[0, 1]).transform("sum")).xs("admin", level=2)
    change = admin.unstack().pipe(lambda share: share[True] - share[False])
    assert change["T2"] == pytest.approx(-0.08, abs=0.02)
    assert change[["T1", "T3", "T4"]].abs().max() < 0.025


def test_faster_routing_halves_the_wait_of_the_web():
    contacts = world().tables["inbound_contacts"].query("customer_state == 'prospect'")
    day = world().truth["improvements"].set_index("improvement_id").loc["M2", "effective_on"]
    wait = (contacts["first_response_at"] - contacts["received_at"]).dt.total_seconds()
    typical = wait.groupby([contacts["channel"], contacts["received_at"] >= day]).median()
    assert typical["web", True] / typical["web", False] == pytest.approx(0.5, abs=0.08)
    assert typical["phone", True] / typical["phone", False] == pytest.approx(1.0, abs=0.15)


def test_contacts_follow_the_routing_rules_with_the_known_share():
    contacts, rules = world().tables["inbound_contacts"], world().tables["routing_rules"]
    routed = contacts.merge(rules, on=["channel", "customer_state", "topic"], validate="m:1")
    assert len(routed) == len(contacts)
    right = routed["routed_team_id"] == routed["team_id"]
    assert right.mean() == pytest.approx(0.85, abs=0.02)
    assert (routed.loc[right, "transfer_count"] == 0).all()
    assert (routed.loc[~right, "transfer_count"] > 0).all()


def test_two_lists_tell_the_size_of_each_market():
    lists, truth = world().tables["market_listings"], world().truth["market"].set_index("region_id")
    names = lists["list_name"].unique()
    for region, rows in lists.groupby("region_id"):
        first, second = (set(rows.query("list_name == @n")["organisation_id"]) for n in names)
        a, b, both = len(first), len(second), len(first & second)
        size = (a + 1) * (b + 1) / (both + 1) - 1  # Chapman 1951
        error = (a + 1) * (b + 1) * (a - both) * (b - both) / ((both + 1) ** 2 * (both + 2))
        assert abs(size - truth.loc[region, "organisation_count"]) < 4 * np.sqrt(error)


# --- a world without structure ------------------------------------------------------------------


def test_a_world_without_structure_has_no_truth_to_find():
    flat = world(has_structure=False)
    truth = flat.truth
    assert truth["customers"]["archetype"].eq("steady").all()
    assert truth["customers"]["growth_per_quarter"].eq(0).all()
    assert truth["customers"]["switched_on"].isna().all()
    assert truth["cross_sell"]["lift"].eq(1).all()
    assert truth["reps"][["skill", "weak_stage_effect"]].eq(0).all(axis=None)
    assert truth["improvements"]["effect"].eq(0).all()
    assert truth["opportunities"]["win_share"].nunique() == 1
    assert truth["region_effects"]["stage_effect"].eq(0).all()


def test_a_world_without_structure_shows_none_to_naive_methods():
    flat = world(has_structure=False)
    assert naive_lift(flat, "Power tools", "Maintenance") == pytest.approx(1, abs=0.2)
    deals = won_by_true_end(flat)
    counts = deals.groupby("rep_id")["is_won"].agg(["sum", "count"])
    share = deals["is_won"].mean()
    expected = counts["count"] * share
    chi_square = ((counts["sum"] - expected) ** 2 / (expected * (1 - share))).sum()
    assert chi_square < len(counts) + 4 * np.sqrt(2 * len(counts))


def test_difficulty_makes_archetypes_overlap():
    def separation(difficulty: float) -> float:
        options = SimulationOptions(customers=2000, difficulty=difficulty, has_sales=False)
        truth = simulate(options).truth["customers"]
        rate = np.log(truth["orders_per_quarter"] * truth["order_amount"])
        groups = rate.groupby(truth["archetype"])
        return groups.mean().var() / groups.var().mean()

    assert separation(0.0) > 2 * separation(0.5) > 4 * separation(1.0)
