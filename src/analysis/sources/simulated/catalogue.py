"""What the simulated company sells, to which lines of business, in which regions."""

import numpy as np
import pandas as pd

from analysis.core.tables_customers import PRODUCT_ELIGIBILITY, PRODUCTS, REGIONS
from analysis.sources.simulated.world import World, frame, money, number_ids, pick

REGION_NAMES = (
    "North",
    "North East",
    "East",
    "South East",
    "South",
    "South West",
    "West",
    "Centre",
)
REGION_WEIGHTS = np.array([0.10, 0.08, 0.11, 0.13, 0.18, 0.12, 0.16, 0.12])
REGIONS_COUNT = len(REGION_NAMES)

INDUSTRIES = (
    "Metalworking",
    "Construction",
    "Vehicle repair",
    "Food processing",
    "Facility services",
    "Households",
)
INDUSTRY_WEIGHTS = np.array([0.26, 0.24, 0.18, 0.14, 0.18])
HOUSEHOLDS = len(INDUSTRIES) - 1

CATEGORIES = (
    "Fasteners",
    "Hand tools",
    "Power tools",
    "Safety wear",
    "Lubricants",
    "Maintenance",
    "Calibration",
    "Training",
)
IS_SERVICE = np.array([False] * 5 + [True] * 3)
# Share of customers who ever buy the range, before any lift.
ADOPTION_SHARES = np.array([0.62, 0.50, 0.40, 0.45, 0.30, 0.16, 0.14, 0.16])
# Buyers of the first range take up the second so many times as often as others; 1 is a decoy.
LIFTS = (
    ("Power tools", "Maintenance", 2.5),
    ("Safety wear", "Training", 1.8),
    ("Hand tools", "Calibration", 1.0),
)
# Households buy goods only, and nobody who processes food may use these lubricants.
_INELIGIBLE = {("Lubricants", "Food processing")} | {
    (name, "Households") for name, service in zip(CATEGORIES, IS_SERVICE, strict=True) if service
}
_PRODUCT_NAMES = {
    "Fasteners": ("Hex bolts M8, box", "Wood screws, box", "Rivets, box", "Anchors, box", "Clips"),
    "Hand tools": ("Spanner set", "Screwdriver set", "Hammer", "Clamp", "Measuring tape"),
    "Power tools": ("Cordless drill", "Angle grinder", "Impact driver", "Bench saw"),
    "Safety wear": ("Work gloves, pack", "Safety boots", "Helmet", "Goggles", "Ear protection"),
    "Lubricants": ("Cutting fluid 5 l", "Machine oil 5 l", "Grease cartridge", "Degreaser 5 l"),
    "Maintenance": ("Machine check, hour", "On-site repair, hour", "Spare-part service"),
    "Calibration": ("Gauge calibration", "Torque calibration", "Scale calibration"),
    "Training": ("Safety course, seat", "Machine course, seat", "First aid course, seat"),
}
_LIST_PRICES = {
    "Fasteners": (14, 9, 11, 19, 6),
    "Hand tools": (64, 28, 22, 17, 12),
    "Power tools": (139, 89, 119, 165),
    "Safety wear": (16, 74, 27, 12, 21),
    "Lubricants": (46, 38, 9, 31),
    "Maintenance": (78, 92, 65),
    "Calibration": (55, 62, 48),
    "Training": (95, 120, 85),
}
_COST_SHARES = (0.58, 0.62, 0.71, 0.60, 0.66, 0.55, 0.45, 0.40)


PRODUCT_CATEGORY = np.repeat(np.arange(len(CATEGORIES)), [len(_LIST_PRICES[c]) for c in CATEGORIES])
CATEGORY_SIZE = np.bincount(PRODUCT_CATEGORY)
CATEGORY_START = np.cumsum(CATEGORY_SIZE) - CATEGORY_SIZE
PRICE_CENTS = 100 * np.concatenate([_LIST_PRICES[c] for c in CATEGORIES])
COST_CENTS = np.round(PRICE_CENTS * np.take(_COST_SHARES, PRODUCT_CATEGORY)).astype(int)
PRODUCT_COUNT = len(PRICE_CENTS)


def eligibility() -> np.ndarray:
    """Return whether each industry (row) may use each category (column)."""
    return np.array([[(c, i) not in _INELIGIBLE for c in CATEGORIES] for i in INDUSTRIES])


def catalogue(world: World) -> dict[str, pd.DataFrame]:
    """Return regions, products and product_eligibility; they are the same in every world."""
    return {
        "regions": _regions(),
        "products": _products(),
        "product_eligibility": _product_eligibility(),
    }


def cross_sell_truth(world: World) -> pd.DataFrame:
    """Return which category lifts which, with the share of adopters among the others."""
    has_structure = world.options.has_structure
    rows = [
        (a, b, lift if has_structure else 1.0, ADOPTION_SHARES[CATEGORIES.index(b)])
        for a, b, lift in LIFTS
    ]
    names = ["from_category", "to_category", "lift", "base_share"]
    return pd.DataFrame(rows, columns=names)


def product_ids(index: np.ndarray) -> pd.api.extensions.ExtensionArray:
    return number_ids("P", np.where(np.asarray(index) < 0, -1, np.asarray(index) + 10))


def region_ids(index: np.ndarray) -> pd.api.extensions.ExtensionArray:
    return number_ids("A", np.where(np.asarray(index) < 0, -1, np.asarray(index) + 1))


def _regions() -> pd.DataFrame:
    index = np.arange(-1, REGIONS_COUNT)
    return frame(
        REGIONS,
        region_id=number_ids("A", index + 1),
        region_name=["Home market", *REGION_NAMES],
        parent_region_id=number_ids("A", np.where(index < 0, -1, 0)),
    )


def _products() -> pd.DataFrame:
    return frame(
        PRODUCTS,
        product_id=product_ids(np.arange(PRODUCT_COUNT)),
        product_name=[name for category in CATEGORIES for name in _PRODUCT_NAMES[category]],
        product_category=pick(CATEGORIES, PRODUCT_CATEGORY),
        list_price_amount=money(PRICE_CENTS),
        unit_cost_amount=money(COST_CENTS),
        is_service=IS_SERVICE[PRODUCT_CATEGORY],
    )


def _product_eligibility() -> pd.DataFrame:
    allowed = eligibility()[:, PRODUCT_CATEGORY]
    # An industry should in time use half of the services that it can.
    targets = np.ceil(eligibility()[:, IS_SERVICE].sum(axis=1) / 2).astype(int)
    industry = np.repeat(np.arange(len(INDUSTRIES)), PRODUCT_COUNT)
    return frame(
        PRODUCT_ELIGIBILITY,
        product_id=product_ids(np.tile(np.arange(PRODUCT_COUNT), len(INDUSTRIES))),
        segment=pick(INDUSTRIES, industry),
        is_eligible=allowed.ravel(),
        target_services_count=targets[industry],
    )
