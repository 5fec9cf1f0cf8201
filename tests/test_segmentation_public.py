"""Segments of Online Retail II beside the marks of the usual tools (methods.md 2)."""

import pytest
from test_features_public import RETAIL_LINES, _tables

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.customers.segmentation import segmentation

pytestmark = pytest.mark.public_data


@pytest.fixture(scope="module")
def retail(tmp_path_factory, public_data):
    query = RETAIL_LINES.format(folder=public_data("online_retail_ii"))
    return _tables(tmp_path_factory.mktemp("segments"), query, "2011Q3")["customer_features"]


def test_segments_of_online_retail_are_stable_and_of_useful_size(retail):
    result = segmentation(retail, None, scope=Scope(FiscalCalendar().parse("2011Q3")))
    chosen = result.tables["stability"].query("is_chosen").iloc[0]
    # Measured: ARI .96, Jaccard .97, strength .90 (mark of six features and k-means: .959, .95).
    assert chosen["bootstrap_ari"] >= 0.93
    assert chosen["worst_jaccard_share"] >= 0.93
    assert chosen["prediction_strength_share"] >= 0.85
    sizes = result.tables["segment_profiles"].query("segment_id != 'new'")["customer_share"]
    assert sizes.between(0.03, 0.5).all()
    assert len(result.tables["segments"]) == len(retail)
