"""What does a customer of each prospect class get? Services, which ones, and contacts."""

import numpy as np
import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.customers.eligibility import barred_categories, barred_products
from analysis.customers.product_categories import OTHER, product_catalogue
from analysis.customers.service_levels_adoption import (
    Adoption,
    adoption,
    class_levels,
    class_services,
    tenure_asked,
)
from analysis.customers.service_levels_charts import level_chart, service_chart
from analysis.customers.service_levels_contacts import class_contacts
from analysis.customers.service_levels_findings import Levels, caveats, findings
from analysis.customers.service_levels_options import ServiceLevelOptions

__all__ = ["ServiceLevelOptions", "service_levels"]

NAME = "service_levels"
TITLE = "What each class of customers gets"
_MOST_SERVICES = 60  # the most sold ones, where there are more


def service_levels(
    customer_features: pd.DataFrame,
    segments: pd.DataFrame | None,
    bought: tuple[pd.DataFrame, pd.DataFrame],
    products: pd.DataFrame | None = None,
    product_eligibility: pd.DataFrame | None = None,
    activities: pd.DataFrame | None = None,
    *,
    scope: Scope,
    options: ServiceLevelOptions | None = None,
) -> Result:
    """Say how many services suit a customer of each class, which, and how many contacts.

    `bought` is the tables customer_categories and customer_products; where the source knows no
    category, categories are learned from who buys what. Rules of product_eligibility are obeyed.

    Tables: `catalogue` (one row per class: the service catalogue), `class_levels`,
    `class_services`, `contacts` (when activities are loaded).
    """
    options = options or ServiceLevelOptions()
    if segments is None or segments.empty:
        sentence = "Without prospect classes there is nothing to give services and contacts to."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    classes = segments[["customer_id", "prospect_class"]]
    customers = customer_features.merge(classes, on="customer_id", validate="1:1")
    sold, barred = _sold(customers, bought, products, product_eligibility, options)
    tenure = tenure_asked(customers["tenure_days"], options)
    if sold.empty or tenure is None:
        return Result.nothing(NAME, TITLE, scope.period, _why_nothing(sold, options, scope))
    found = adoption(customers, sold, barred, _services(sold))
    levels = class_levels(found, tenure, options)
    services = class_services(found, levels, tenure, options)
    contacts = class_contacts(activities, customers, scope=scope, options=options)
    made = Levels(levels, services, contacts, tenure, options)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(found, made),
        findings=findings(made, scope),
        tables={"catalogue": made.catalogue, "class_levels": levels, "class_services": services}
        | ({} if contacts is None else {"contacts": contacts}),
        charts={
            "service_levels": level_chart(levels, scope),
            "class_services": service_chart(services, scope),
        },
        caveats=caveats(made, scope),
        definitions=_definitions(made, scope),
    )


def _sold(
    customers: pd.DataFrame,
    bought: tuple[pd.DataFrame, pd.DataFrame],
    products: pd.DataFrame | None,
    product_eligibility: pd.DataFrame | None,
    options: ServiceLevelOptions,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customer_id, service and sale_year_amount of what was bought, and what is barred."""
    customer_categories, customer_products = bought
    if options.unit == "service":
        return _service_products(customers, customer_products, products, product_eligibility)
    catalogue = products
    if customer_categories.empty and not customer_products.empty:
        catalogue = product_catalogue(customer_products, products)
        named = customer_products.merge(
            catalogue[["product_id", "product_category"]], on="product_id"
        )
        keys = ["customer_id", "product_category"]
        customer_categories = named.groupby(keys, as_index=False)["sale_year_amount"].sum()
    sold = customer_categories.rename(columns={"product_category": "service"})
    sold = sold[sold["service"] != OTHER]
    if catalogue is None:
        return sold, pd.DataFrame({"customer_id": [], "service": []}, dtype="str")
    known = catalogue[["product_id", "product_category"]].dropna()
    barred = barred_categories(customers, product_eligibility, known)
    return sold, barred.rename(columns={"product_category": "service"})


def _service_products(
    customers: pd.DataFrame,
    customer_products: pd.DataFrame,
    products: pd.DataFrame | None,
    product_eligibility: pd.DataFrame | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if products is None or "is_service" not in products:
        return customer_products.head(0).assign(service=""), customer_products.head(0)
    is_service = products["is_service"].astype("boolean").fillna(False).astype(bool)
    named = products.loc[is_service, ["product_id", "product_name"]]
    name = named["product_name"].fillna(named["product_id"]).astype("str")
    # Two products of one name are two services.
    is_twin = name.duplicated(keep=False)
    name = name.where(~is_twin, name + " (" + named["product_id"].astype("str") + ")")
    names = named.assign(service=name)[["product_id", "service"]]
    barred = barred_products(customers, product_eligibility).merge(names, on="product_id")
    return customer_products.merge(names, on="product_id"), barred


def _services(sold: pd.DataFrame) -> list[str]:
    counts = sold["service"].value_counts().rename_axis("service").reset_index(name="count")
    ranked = counts.sort_values(["count", "service"], ascending=[False, True])
    return ranked["service"].head(_MOST_SERVICES).tolist()


def _why_nothing(sold: pd.DataFrame, options: ServiceLevelOptions, scope: Scope) -> str:
    if sold.empty:
        if options.unit == "service":
            return "No product that was sold is marked as a service, so services cannot be counted."
        return "No product is known of any sale, so services cannot be counted."
    months = round(options.fewest_tenure_days / 2 / 30.4)
    return (
        f"Fewer than {scope.display.count(options.fewest_peers)} customers have been customers for "
        f"{months} months: the others have not had the time to show what they would buy."
    )


def _headline(found: Adoption, made: Levels) -> dict[str, Number]:
    levels = made.levels
    counts = found.counts
    weights = levels["customer_count"] / levels["customer_count"].sum()
    numbers = {
        "services_now": Number(
            f"{made.unit_words[:1].upper()}{made.unit_words[1:]} per customer",
            float(counts.mean()),
            "number",
        ),
        "services_target": Number(
            "The number that suits, over all classes",
            float((levels["target_services_count"] * weights).sum()),
            "number",
            float((levels["target_services_low_count"] * weights).sum()),
            float((levels["target_services_high_count"] * weights).sum()),
        ),
        "below_target": Number(
            "Customers below the number of their class",
            float(np.dot(levels["below_share"], levels["customer_count"])),
            "count",
        ),
    }
    if made.contacts is not None:
        count = made.contacts["contact_count"].sum() / 4
        numbers["contacts"] = Number("Logged contacts per quarter", float(count), "count")
    return numbers


def _definitions(made: Levels, scope: Scope) -> dict[str, str]:
    share = scope.display.share(made.options.quantile_share, 0)
    months = round(made.tenure_days / 30.4)
    return {
        "Service": f"one of the {made.unit_words}, bought at least once; only what the customer "
        "can use counts, where the company says so",
        "Number that suits": f"{share} of the peers have at most so many; peers are customers of "
        f"the same class for {months} months and more, with those of the next better class where "
        "they are too few",
        "Contact": "a finished call, message, meeting or proposal by a person, logged with the "
        "customer",
        "Stayers": "customers of the class whose revenue of the last four quarters was at least "
        "that of the four before",
    }
