"""A small simulated company whose every name is an attack, with a report of each cadence."""

import csv
from pathlib import Path

from analysis.core.periods import CADENCES
from analysis.core.project import Project
from analysis.run.cadence import run_cadence
from analysis.run.new_project import new_sample

MARK = "zqx"  # in every planted name, so that a place that shows one is found
ATTACKS = (
    f"<script>alert('{MARK}')</script>",
    f'=HYPERLINK("http://{MARK}.example","{MARK}")',
    f'"><img src=x onerror=alert("{MARK}")>',
    f"]]></style><!--{MARK}",
    f"@{MARK}|'cmd'!A1",
    f"+{MARK}&<b>{MARK}</b>",
)
NAMES = {
    "customers": ("customer_name", "industry"),
    "products": ("product_name", "product_category"),
    "regions": ("region_name",),
    "reps": ("rep_name",),
    "teams": ("team_name",),
    "comments": ("text", "author", "about"),
    "feedback": ("text",),
}


def attacked_company(folder: Path) -> Project:
    """Make the project; every name is replaced by an attack of its own."""
    new_sample(folder, 60, 9, 4, 0.3)
    for table, columns in NAMES.items():
        _rename(folder / "data" / "raw" / "sample" / f"{table}.csv", columns)
    toml = folder / "project.toml"
    title = f'name = "{ATTACKS[0]}"'.replace('"', "'''", 1)[:-1] + "'''"
    lines = toml.read_text(encoding="utf-8").splitlines()
    named = [title if line.startswith("name = ") else line for line in lines]
    toml.write_text("\n".join(named) + "\n", encoding="utf-8")
    return Project(folder)


def publish_all(project: Project) -> None:
    """Publish the last complete period of every cadence."""
    for cadence in CADENCES:
        record = run_cadence(project, cadence)
        failed = {name: book.error for name, book in record.failed.items()}
        assert record.state == "succeeded", (cadence, record.error, failed)


def _rename(path: Path, columns: tuple[str, ...]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0]) if rows else []
    renamed: dict[tuple[str, str], str] = {}
    for row in rows:
        for column in set(columns) & set(names):
            if row[column]:
                attack = ATTACKS[len(renamed) % len(ATTACKS)]
                new = f"{attack} {len(renamed)}"
                row[column] = renamed.setdefault((column, row[column]), new)
    if rows:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
