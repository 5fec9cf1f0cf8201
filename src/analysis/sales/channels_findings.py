"""The sentences of the chapter on channels; none says more than its interval allows."""

import pandas as pd

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.sales.channels_holdout import EVERYBODY
from analysis.sales.channels_options import ChannelsOptions
from analysis.sales.channels_response import EVERY_CHANNEL
from analysis.sales.channels_told import Lifetime, Marketing, Told

_YEAR_DAYS = 365


def findings(what: Told, options: ChannelsOptions, scope: Scope) -> tuple[Finding, ...]:
    """Return what leads and customers say."""
    found = [
        _by_kind(what, "channel", options, scope),
        _by_kind(what, "campaign", options, scope),
        _ownerless(what, scope),
        _response(what.response, options, scope),
        *_lifetime(what.lifetime, scope),
    ]
    return tuple(finding for finding in found if finding is not None)


def _by_kind(what: Told, kind: str, options: ChannelsOptions, scope: Scope) -> Finding | None:
    if what.found is None:
        return None
    rows = what.groups[what.groups["kind"] == kind]
    compared = scope.display.count(rows["p_value"].notna().sum())
    if len(rows) < 2:
        return None
    if not rows["p_value"].notna().any():
        return Finding(
            f"The {kind}s cannot be compared: too few leads have been known for long enough.",
            f"At least {options.least_compared} are needed on each side.",
        )
    different = rows[rows["is_different"]].sort_values("won_share", ascending=False)
    if different.empty:
        return Finding(
            f"No {kind}'s leads are won more or less often than chance explains "
            f"({compared} compared)."
        )
    share, money = scope.display.share, scope.display.amount
    texts = [
        f"{row.value}: {share(row.won_share, 0)} won ({share(row.won_low_share, 0)} to "
        f"{share(row.won_high_share, 0)}), {money(row.lead_amount)} per lead "
        f"({money(row.lead_low_amount)} to {money(row.lead_high_amount)})"
        for row in different.itertuples()
    ]
    names = "differs" if len(different) == 1 else "differ"
    return Finding(
        f"Of {compared} {kind}s compared, {len(different)} {names} from the others in the share "
        f"of leads won: {_listed(different['value'])}.",
        "; ".join(texts) + ". What leads of a channel cost is not known here.",
        metric=f"won_share_by_{kind}",
        value=float(different["won_share"].iloc[0]),
    )


def _listed(names: pd.Series) -> str:
    texts = [str(name) for name in names]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _ownerless(what: Told, scope: Scope) -> Finding | None:
    if what.found is None:
        return None
    count = int(what.groups.loc[what.groups["kind"] == "channel", "ownerless_count"].sum())
    if not count:
        return None
    return Finding(
        f"{scope.display.count(count)} leads came to nothing and belong to nobody.",
        "Who worked on them, if anybody did, cannot be told; they stand with no seller.",
        metric="ownerless_leads",
        value=float(count),
    )


def _response(response: pd.DataFrame, options: ChannelsOptions, scope: Scope) -> Finding | None:
    if "within_share" not in response or response["within_share"].isna().all():
        return None
    share = scope.display.share
    row = response[response["channel"] == EVERY_CHANNEL].iloc[0]
    text = (
        f"{share(row['within_share'], 0)} of enquiries are answered within "
        f"{options.answer_hours:g} hours, half within {row['median_hours']:.1f}."
    )
    if pd.isna(row.get("difference_share")):
        return Finding(text, "Too few wait longer to say what becomes of them.")
    is_told = row["difference_low_share"] > 0
    both = (
        f"{share(row['deal_within_share'], 0)} of those answered in time became a deal, "
        f"{share(row['deal_later_share'], 0)} of the others"
    )
    gap = f"difference {share(row['difference_low_share'], 0)} to "
    gap += share(row["difference_high_share"], 0)
    last = (
        "Later answers and fewer deals go together; harder enquiries may explain a part."
        if is_told
        else "That is no difference that chance could not make."
    )
    return Finding(text, f"{both} ({gap}). {last}", "answered_in_time", "", row["within_share"])


def _lifetime(lifetime: Lifetime, scope: Scope) -> list[Finding]:
    if lifetime.table.empty:
        return []
    money = scope.display.amount
    table = lifetime.table
    different = table[table["is_different"]].sort_values("lifetime_amount", ascending=False)
    compared = scope.display.count(table["p_value"].notna().sum())
    if different.empty:
        first = Finding(
            "No group of new customers is worth more or less than chance explains "
            f"({compared} compared)."
        )
        return [first, *_held(lifetime, scope)]
    texts = [
        f"{row.kind} {row.value}: {money(row.lifetime_amount)} "
        f"({money(row.lifetime_low_amount)} to {money(row.lifetime_high_amount)})"
        for row in different.itertuples()
    ]
    top = different.iloc[0]
    side = "more" if top["difference_amount"] > 0 else "less"
    first = Finding(
        f"New customers of {top['kind']} {top['value']} are worth {side} than others: "
        f"{money(top['lifetime_amount'])} each.",
        "; ".join(texts) + f". {compared} groups were compared together.",
        metric="lifetime_amount",
        value=float(top["lifetime_amount"]),
        low=float(top["lifetime_low_amount"]),
        high=float(top["lifetime_high_amount"]),
    )
    return [first, *_held(lifetime, scope)]


def _held(lifetime: Lifetime, scope: Scope) -> list[Finding]:
    if lifetime.holdout.empty:
        return []
    money = scope.display.amount
    row = lifetime.holdout[lifetime.holdout["kind"] == EVERYBODY].iloc[0]
    verdict = "inside" if row["is_inside"] else "outside"
    inside, count = int(lifetime.holdout["is_inside"].sum()), len(lifetime.holdout)
    return [
        Finding(
            f"Reckoned a year ago, the {scope.display.count(row['customer_count'])} new customers "
            f"of then would have left {money(row['expected_amount'])} in the year since; "
            f"{money(row['came_amount'])} came, {verdict} the 80 % range.",
            f"Range {money(row['expected_low_amount'])} to {money(row['expected_high_amount'])}. "
            f"{inside} of {count} groups came out inside theirs.",
        )
    ]


def decisions(what: Told, scope: Scope) -> tuple[Decision, ...]:
    """Return what only leaders can decide: whether to move money between channels."""
    if what.found is None:
        return ()
    rows = what.groups[(what.groups["kind"] == "channel") & what.groups["is_different"]]
    ranges = rows.dropna(subset=["lead_amount"]).sort_values("lead_amount")
    if len(ranges) < 2:
        return ()
    worst, best = ranges.iloc[0], ranges.iloc[-1]
    if not best["lead_low_amount"] > worst["lead_high_amount"]:
        return ()
    text = (
        f"What do leads by {best['value']} and by {worst['value']} cost? They bring "
        f"{scope.display.amount(best['lead_amount'])} and "
        f"{scope.display.amount(worst['lead_amount'])} each; where a lead costs more than it "
        "brings, stop."
    )
    due = scope.next_period.last_day
    return (Decision(text, owner="marketing and sales directors", due_on=due),)


def caveats(
    what: Told, marketing: Marketing, options: ChannelsOptions, scope: Scope
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    texts = [*_lead_limits(what, marketing, options, scope), *_lifetime_limits(what, options)]
    return tuple(texts)


def _lead_limits(
    what: Told, marketing: Marketing, options: ChannelsOptions, scope: Scope
) -> list[str]:
    if marketing.leads is None:
        return ["No leads are loaded: what channels and campaigns bring cannot be told."]
    if what.found is None:
        return [f"Fewer than {options.least_shown} leads came: their shares are not shown."]
    texts = [
        f"Leads of the {options.window_days} days to {scope.display.day(scope.as_of)}; young ones "
        "count for as long as they have been known.",
        "Only the first touch is known: a lead counts wholly for the channel and campaign that it "
        "came by, whatever else the buyer has seen.",
        "Channels differ in whom they reach: that leads of one are won more often does not say "
        "that more money there would bring more of the same.",
        "Money is the value of won deals in the CRM, not what was invoiced.",
    ]
    if what.other_count:
        texts.append(
            f"{scope.display.count(what.other_count)} won deals worth "
            f"{scope.display.amount(what.other_amount)} came from no lead and stand in no channel."
        )
    if what.response.empty:
        texts.append(
            "No table tells when somebody first answered: what is agreed between marketing and "
            "sales about answering cannot be checked."
        )
    else:
        texts.append("Hours until an answer are by the clock, nights and weekends included.")
    return texts


def _lifetime_limits(what: Told, options: ChannelsOptions) -> list[str]:
    lifetime = what.lifetime
    if lifetime.profile is None:
        return [
            f"Lifetime value is not shown: it needs {options.least_customers} customers who first "
            f"bought after the first {options.old_quarters} quarters of the data and have been "
            f"followed for a year; there are {lifetime.new_count} new customers."
        ]
    seen = lifetime.profile.seen_quarters
    texts = [
        "A group of customers differs from others for many reasons; its worth is no effect of the "
        "channel or the first product.",
    ]
    beyond = 4 * options.horizon_years - seen
    if beyond > 0:
        texts.append(
            f"Customers have been followed for {seen} quarters; the other {beyond} of lifetime "
            "value go on from the last four, shrinking as old customers' did."
        )
    if lifetime.worth == "revenue":
        texts.append("Costs are not known for most revenue: lifetime value is revenue, not margin.")
    return texts


def definitions(what: Told, options: ChannelsOptions, scope: Scope) -> dict[str, str]:
    """Return what each term of the chapter means."""
    terms = {
        "Lifetime value": f"{what.lifetime.worth.capitalize()} of a new customer over "
        f"{options.horizon_years} years from the first order, a year of waiting taking off "
        f"{scope.display.share(options.discount_share, 0)}; the mean of all who began, whether "
        "they still buy or not.",
        "New customer": f"Whose first order lies after the first {options.old_quarters} quarters "
        "of the data; of others nobody knows when they began.",
        "Drawn to all": "Small groups are moved towards the value of all, as far as chance could "
        "explain the difference.",
        "Differs from the others": "More than chance makes when all comparisons of a kind are "
        "looked at together (at most "
        f"{scope.display.share(options.false_discovery_share, 0)} of those named by chance).",
    }
    if what.found is None:
        return terms
    days, convert = f"{what.found.horizon_days:.0f}", f"{what.found.convert_days:.0f}"
    return terms | {
        "Converted": f"Became an opportunity within {convert} days (Aalen-Johansen: leads not yet "
        "so old are counted for as long as they have been known).",
        "Won": f"Its deal was won within {days} days of the lead.",
        "Won per lead": f"Value of deals won within {days} days, divided by all leads known for "
        "so long.",
        "Owner": "The seller of the lead; one without is nobody's.",
    }
