"""Derived tables of public data sets equal what is known about these sets."""

import duckdb
import pandas as pd
import pytest
from features_examples import project_in

from analysis.core.periods import FiscalCalendar
from analysis.customers.btyd import fit_bg_nbd, fit_gamma_gamma
from analysis.features.engine import make_features, read_table

pytestmark = pytest.mark.public_data

QUARTERS = ("2011Q3", "2011Q2", "2010Q3")
# The rule of the data set's README: the overlap is taken from the second file. The kinds here are
# rough; what is tested holds whatever a line that charges is called.
RETAIL_LINES = """
    SELECT
        invoice AS invoice_id,
        ROW_NUMBER() OVER (PARTITION BY invoice) AS line_no,
        CAST(CAST(customer AS BIGINT) AS VARCHAR) AS customer_id,
        code AS product_id,
        CAST(moment AS DATE) AS invoiced_on,
        CAST(quantity AS DOUBLE) AS quantity,
        CAST(quantity * price AS DECIMAL(18, 4)) AS revenue_amount,
        CAST(NULL AS DECIMAL(18, 4)) AS cost_amount,
        'GBP' AS currency,
        CAST(quantity * price AS DECIMAL(18, 4)) AS original_amount,
        CASE
            WHEN code = 'B' THEN 'bad_debt'
            WHEN code IN ('AMAZONFEE', 'BANK CHARGES', 'CRUK') THEN 'fee'
            WHEN code IN ('POST', 'DOT', 'C2') THEN 'postage'
            WHEN NOT REGEXP_MATCHES(code, '[0-9]') THEN 'adjustment'
            WHEN quantity < 0 AND invoice LIKE 'C%' THEN 'return'
            WHEN quantity < 0 THEN 'write_off'
            ELSE 'sale'
        END AS kind,
        CAST(NULL AS TIMESTAMP) AS known_at,
        'shop' AS source_system
    FROM (
        SELECT Invoice AS invoice, StockCode AS code, Quantity AS quantity, InvoiceDate AS moment,
            Price AS price, "Customer ID" AS customer
        FROM '{folder}/year_2009_2010.parquet'
        WHERE InvoiceDate < TIMESTAMP '2010-12-01'
        UNION ALL
        SELECT InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice, CustomerID
        FROM '{folder}/year_2010_2011.parquet'
    )"""
CDNOW_LINES = """
    SELECT
        CAST(ROW_NUMBER() OVER () AS VARCHAR) AS invoice_id,
        1 AS line_no,
        parts[1] AS customer_id,
        CAST(STRPTIME(parts[3], '%Y%m%d') AS DATE) AS invoiced_on,
        CAST(parts[4] AS DOUBLE) AS quantity,
        CAST(parts[5] AS DECIMAL(18, 4)) AS revenue_amount,
        'USD' AS currency,
        revenue_amount AS original_amount,
        'sale' AS kind,
        'cdnow' AS source_system
    FROM (
        SELECT STRING_SPLIT_REGEX(TRIM(line), '\\s+') AS parts
        FROM READ_CSV('{folder}/CDNOW_sample.txt', columns = {{'line': 'VARCHAR'}}, delim = '|',
            header = false)
    )"""


@pytest.fixture(scope="module")
def retail(tmp_path_factory, public_data):
    folder = tmp_path_factory.mktemp("retail")
    return _tables(folder, RETAIL_LINES.format(folder=public_data("online_retail_ii")), "2011Q3")


def _tables(root, query, period):
    project = project_in(root)
    snapshot = project.tables / "public"
    snapshot.mkdir(parents=True)
    duckdb.sql(f"COPY ({query}) TO '{snapshot}/invoice_lines.parquet' (FORMAT parquet)")
    folder = make_features(project, snapshot, project.calendar.parse(period))
    names = ("company_days", "customer_periods", "customer_features", "backtest_origins")
    return {name: read_table(folder, name) for name in names}


def test_the_quarters_revenue_equals_the_sum_of_the_raw_lines(retail):
    days = retail["company_days"]
    assert str(sum(_of(days, "2011Q3")["amount"])) == "2383668.2430"
    sums = [round(float(_of(days, name)["amount"].sum())) for name in QUARTERS]
    assert sums == [2_383_668, 1_907_664, 2_085_663]


def test_revenue_without_a_customer_is_the_rest(retail):
    days, periods = retail["company_days"], retail["customer_periods"]
    shares = []
    for name in QUARTERS:
        total = float(_of(days, name)["amount"].sum())
        known = periods.loc[periods["period"] == name, "revenue_amount"].sum()
        nobody = _of(days, name).query("not has_customer")["amount"].sum()
        assert known + float(nobody) == pytest.approx(total, abs=1e-4)
        shares.append(round(100 * float(nobody) / total, 1))
    assert shares == [11.0, 11.8, 7.4]


def test_active_kept_returned_and_new_customers_of_a_quarter(retail):
    active = retail["customer_periods"].query("period == '2011Q3' and order_count > 0")
    previous, quarter_before = active["previous_order_on"], pd.Timestamp("2011-04-01")
    assert len(active) == 2161
    assert (previous >= quarter_before).sum() == 1211
    assert (previous < quarter_before).sum() == 553
    assert previous.isna().sum() == 397


def test_customers_without_an_order_for_seven_months_before(retail):
    active = retail["customer_periods"].query("order_count > 0")
    since = active["starts_on"] - pd.DateOffset(months=7)
    silent = active[active["previous_order_on"].isna() | (active["previous_order_on"] < since)]
    assert active["period"].value_counts()[list(QUARTERS)].to_list() == [2161, 1991, 2060]
    assert silent["period"].value_counts()[list(QUARTERS)].to_list() == [656, 468, 591]


def test_a_replayed_origin_equals_the_run_of_that_quarter(retail, tmp_path, public_data):
    query = RETAIL_LINES.format(folder=public_data("online_retail_ii"))
    then = _tables(tmp_path, query, "2010Q4")["customer_features"]
    origins = retail["backtest_origins"].query("origin == '2010Q4'").reset_index(drop=True)
    pd.testing.assert_frame_equal(origins[list(then.columns)], then)


def test_the_cancelled_order_of_customer_12346_is_no_usual_order(retail):
    features = retail["customer_features"].set_index("customer_id").loc["12346"]
    assert features["revenue_year_amount"] == pytest.approx(-5.5)
    assert features["mean_repeat_amount"] < 100


def test_cdnow_gives_the_published_models(tmp_path, public_data):
    query = CDNOW_LINES.format(folder=public_data("cdnow"))
    features = _tables(tmp_path, query, "1997Q3")["customer_features"]
    assert (len(features), features["repeat_count"].sum()) == (2357, 2457)
    weeks = (features["repeat_span_days"] / 7, features["tenure_days"] / 7)
    model = fit_bg_nbd(features["repeat_count"], *weeks)
    shown = [round(value, 3) for value in (model.r, model.alpha, model.a, model.b)]
    assert shown == [0.243, 4.414, 0.793, 2.426]
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    spend = fit_gamma_gamma(features["repeat_count"], features["mean_repeat_amount"])
    assert [round(v, 2) for v in (spend.p, spend.q, spend.gamma)] == [6.25, 3.74, 15.44]


def _of(days, name):
    period = FiscalCalendar().parse(name)
    return days[
        (days["day"].dt.date >= period.starts_on) & (days["day"].dt.date < period.ends_before)
    ]
