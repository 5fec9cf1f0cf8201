"""Words that a leader should not have to look up, and how to find them on a first screen."""

import re
from html import unescape

# Words of statistics, of data work and of this program; whole words, in any case.
FORBIDDEN = (
    *("p-value", "significant", "significance", "statistically", "hypothesis", "null"),
    *("bootstrap", "bayes", "bayesian", "posterior", "prior", "regression", "coefficient"),
    *("quantile", "percentile", "variance", "standard deviation", "sigma", "z-score", "outlier"),
    *("confidence interval", "credible", "gini", "lorenz", "entropy", "auc", "rmse", "mape"),
    *("wape", "crps", "ewma", "xmr", "autocorrelation", "seasonality", "stationary"),
    *("cohort", "churn", "rfm", "clv", "ltv", "btyd", "pareto", "nbd", "poisson", "gamma"),
    *("cluster", "clustering", "k-means", "centroid", "silhouette", "shapley", "markov"),
    *("survival", "hazard", "censored", "shrinkage", "shrunk", "calibration", "backtest"),
    *("baseline", "algorithm", "parameter", "heuristic", "dataframe", "parquet", "snapshot"),
    *("schema", "null value", "nan", "notebook", "json", "sql", "pipeline run", "kpi"),
    *("leverage", "synergy", "holistic", "utilise", "low-hanging"),
)
_FORBIDDEN = re.compile(
    r"(?<![\w-])(" + "|".join(map(re.escape, FORBIDDEN)) + r")(?![\w-])", re.IGNORECASE
)


def jargon(text: str) -> list[str]:
    """Return the forbidden words of a text, each with what stands around it."""
    return [text[max(0, m.start() - 30) : m.end() + 30] for m in _FORBIDDEN.finditer(text)]


def first_screen_text(html: str) -> str:
    """Return the words of a page from its title to its first chapter."""
    start = html.index("<h1")
    part = html[start : html.index("<section", start)]
    part = re.sub(r"<svg.*?</svg>", " ", part, flags=re.DOTALL)
    part = re.sub(r"<nav.*?</nav>", " ", part, flags=re.DOTALL)  # titles of chapters
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", part)))


def spoken(results) -> dict[str, str]:
    """Return every sentence that Results could put on a first screen, by where it stands."""
    found = {}
    for result in results:
        for place, finding in enumerate(result.findings):
            if finding.rank > 0:
                found[f"{result.name}, finding {place}"] = f"{finding.text} {finding.detail}"
        for place, decision in enumerate(result.decisions):
            found[f"{result.name}, decision {place}"] = decision.text
        for name, number in result.headline.items():
            found[f"{result.name}, {name}"] = f"{number.label}. {number.note}"
        unknown = " ".join([result.unavailable, *result.unknown])
        found[f"{result.name}, not known"] = unknown
    return found
