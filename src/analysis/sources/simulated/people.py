"""Who sells in the simulated company: teams, skills, ramp, leavers, and how they use their time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.tables_sales import REPS, TEAMS, TIME_RECORDS
from analysis.sources.simulated.customers import Population
from analysis.sources.simulated.world import SOURCE_SYSTEM, World, frame, number_ids, pick, words

TEAMS_NAMED = (
    ("T1", "Field sales north", "direct sales"),
    ("T2", "Field sales south", "direct sales"),
    ("T3", "Inside sales", "inside sales"),
    ("T4", "Customer support", "support"),
    ("T5", "Marketing", "marketing"),
)
FIELD_TEAMS, SUPPORT_TEAM, MARKETING_TEAM = (0, 1, 2), 3, 4
RAMP_MONTHS = 5.0  # a new seller's capacity is 1 - exp(-months / RAMP_MONTHS) of the full one
COMPLIANCE = (0.60, 0.95)  # share of tasks on time, least to most careful seller
STAGES_COUNT = 5
WEAK_STAGE, WEAK_EFFECT = 2, -1.0  # one old hand in five fails at the proposal
_SKILL_SPREAD = 0.45
_SUPPORTERS, _MARKETERS = 3, 1
_STUDY_DAYS = 21
TIME_CATEGORIES = ("admin", "internal", "support", "travel", "selling")
_TIME_SHARES = {
    "field": (0.27, 0.12, 0.09, 0.20, 0.32),
    "inside": (0.26, 0.14, 0.15, 0.01, 0.44),
    "support": (0.20, 0.12, 0.60, 0.01, 0.07),
}
AUTOMATION_TEAM = 1
AUTOMATION_EFFECT = -0.08  # share of the day, from admin to selling
_FIRST_NAMES = words("Ada Ben Cem Dora Eli Finn Gina Hugo Ida Jan Kira Leo Mia Nils Ole Pia")
_LAST_NAMES = words("Berg Costa Dahl Ekman Falk Grau Holm Iversen Jansen Klein Lund Moser")


@dataclass(frozen=True)
class Staff:
    """One array element per person; sellers come first, then support, marketing, leaders."""

    hired_day: np.ndarray
    left_day: np.ndarray  # inf while employed
    team: np.ndarray
    role: np.ndarray  # text
    leader: np.ndarray  # -1 for none
    fte: np.ndarray
    skill: np.ndarray  # logit, added at every stage
    stage_skill: np.ndarray  # person x stage, logit, added at that stage
    compliance: np.ndarray
    lead_taste: np.ndarray  # how much the person gets of good leads: the confounding
    seller_count: int
    customer_rep: np.ndarray  # who is to look after each customer
    deputy: np.ndarray  # who stands in for each person: a seller there from the beginning

    @property
    def size(self) -> int:
        return len(self.team)

    def capacity(self, day: np.ndarray) -> np.ndarray:
        """Return person x day: full-time share times ramp, 0 while not employed; sellers only."""
        sellers = np.arange(self.seller_count)
        months = (day[None, :] - self.hired_day[sellers, None]) / 30.44
        ramp = 1 - np.exp(-np.maximum(months, 0) / RAMP_MONTHS)
        return self.fte[sellers, None] * ramp * (day[None, :] < self.left_day[sellers, None])

    def owner_on(self, customer: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Return who looks after each customer on a day: the deputy before hiring and after."""
        rep = self.customer_rep[customer]
        works = (day >= self.hired_day[rep]) & (day < self.left_day[rep])
        return np.where(works, rep, self.deputy[rep])


def staff(world: World, people: Population) -> Staff:
    """Draw the people; about one seller for 70 customers, at least 8 and at most 120."""
    rng = world.stream("staff")
    sellers = min(max(8, world.options.customers // 70), 120)
    count = sellers + _SUPPORTERS + _MARKETERS + 2
    kept = max(3, sellers // 2)  # sellers there from the beginning to the end
    hired = -rng.integers(400, 3000, count).astype(float)
    new = np.arange(kept, sellers)[: (sellers - kept) * 3 // 4]
    hired[new] = np.floor(rng.random(len(new)) * 0.8 * world.end)
    left = np.full(count, np.inf)
    leavers = np.arange(kept, sellers)[rng.random(sellers - kept) < 0.45]
    left[leavers] = np.floor(hired[leavers].clip(0) + rng.uniform(120, 700, len(leavers)))
    left[left >= world.end] = np.inf
    team, role = _positions(sellers)
    skill = _spread(sellers, count, rng) * _SKILL_SPREAD
    stage_skill = np.zeros((count, STAGES_COUNT))
    stage_skill[rng.permutation(kept)[: max(2, sellers // 10)], WEAK_STAGE] = WEAK_EFFECT
    if not world.options.has_structure:
        skill, stage_skill = np.zeros(count), np.zeros_like(stage_skill)
    low, high = COMPLIANCE
    compliance = low + (high - low) * (0.5 + _spread(sellers, count, rng) / 2)
    fte = np.where(rng.random(count) < 0.2, 0.8, 1.0)
    taste = np.where(np.arange(count) < sellers, -2.0 * skill + rng.normal(0, 0.2, count), 0)
    return Staff(
        hired_day=hired,
        left_day=left,
        team=team,
        role=role,
        leader=np.where(np.arange(count) < count - 1, np.where(team < 3, count - 2, count - 1), -1),
        fte=fte,
        skill=skill,
        stage_skill=stage_skill,
        compliance=compliance,
        lead_taste=taste,
        seller_count=sellers,
        customer_rep=rng.integers(0, sellers, people.size),
        deputy=np.arange(count) % kept,
    )


def _positions(sellers: int) -> tuple[np.ndarray, np.ndarray]:
    team = np.concatenate(
        [
            np.arange(sellers) % 3,
            [SUPPORT_TEAM] * _SUPPORTERS,
            [MARKETING_TEAM] * _MARKETERS,
            [0, 3],
        ]
    )
    by_team = np.array(["hunter", "field", "inside", "service", "marketing"])
    role = by_team[team]
    farmers = np.arange(sellers)[2::4]
    role[farmers] = "farmer"
    role[-2:] = "manager"
    return team, role


def _spread(sellers: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """-1 to 1 in equal steps over the sellers in random order; 0 for everybody else."""
    values = np.zeros(count)
    values[:sellers] = rng.permutation(np.linspace(-1, 1, sellers))
    return values


def rep_ids(index: np.ndarray) -> pd.api.extensions.ExtensionArray:
    return number_ids("R", np.where(np.asarray(index) < 0, -1, np.asarray(index) + 10))


def team_ids(index: np.ndarray) -> pd.api.extensions.ExtensionArray:
    return pick([team[0] for team in TEAMS_NAMED], index)


def people_tables(world: World, staff: Staff) -> dict[str, pd.DataFrame]:
    """Return reps and teams."""
    number = np.arange(staff.size)
    first = np.array(_FIRST_NAMES)[number % len(_FIRST_NAMES)]
    last = np.array(_LAST_NAMES)[(number * 5 + number // len(_LAST_NAMES)) % len(_LAST_NAMES)]
    reps = frame(
        REPS,
        rep_id=rep_ids(number),
        rep_name=[f"{a} {b}" for a, b in zip(first, last, strict=True)],
        team_id=team_ids(staff.team),
        role=pick(staff.role, number),
        leader_rep_id=rep_ids(staff.leader),
        hired_on=world.dates(staff.hired_day),
        left_on=world.dates(staff.left_day),
        fte_share=staff.fte,
    )
    ids, names, kinds = zip(*TEAMS_NAMED, strict=True)
    return {"reps": reps, "teams": frame(TEAMS, team_id=ids, team_name=names, team_kind=kinds)}


def automation_day(world: World) -> int:
    """Day from which automation frees one team's time, the first of a quarter."""
    return int(world.quarter_edges[int(0.5 * world.options.quarters)])


def time_records(world: World, staff: Staff) -> pd.DataFrame:
    """Return what everybody did on one random working day in every three weeks.

    A time study by random days gives unbiased shares at a tenth of the rows of a full record.
    """
    rng = world.stream("time")
    spans = np.arange(0, world.end - _STUDY_DAYS, _STUDY_DAYS)
    person = np.repeat(np.arange(staff.size - 2), len(spans))
    day = np.tile(spans, staff.size - 2) + rng.integers(0, _STUDY_DAYS, len(person))
    day = np.maximum(world.workday(day), 0)
    present = (day >= staff.hired_day[person]) & (day < staff.left_day[person])
    person, day = person[present], day[present]
    share = rng.gamma(40 * _time_shares(world, staff, person, day))
    share /= share.sum(axis=1, keepdims=True)
    paid = np.round(8 * staff.fte[person], 1)
    worked = np.round(paid * rng.uniform(0.97, 1.12, len(person)), 1)
    count = len(TIME_CATEGORIES)
    table = frame(
        TIME_RECORDS,
        rep_id=rep_ids(np.repeat(person, count)),
        worked_on=world.dates(np.repeat(day, count)),
        category=pick(TIME_CATEGORIES, np.tile(np.arange(count), len(person))),
        worked_hours=_parts(worked, share).ravel(),
        paid_hours=_parts(paid, share).ravel(),
        source_system=SOURCE_SYSTEM,
    )
    return table.drop_duplicates(["rep_id", "worked_on", "category"], ignore_index=True)


def _time_shares(world: World, staff: Staff, person: np.ndarray, day: np.ndarray) -> np.ndarray:
    kinds = ["field", "field", "inside", "support", "support"]
    shares = np.array([_TIME_SHARES[kind] for kind in kinds])[staff.team[person]]
    if world.options.has_structure:
        freed = (staff.team[person] == AUTOMATION_TEAM) & (day >= automation_day(world))
        shares[freed, TIME_CATEGORIES.index("admin")] += AUTOMATION_EFFECT
        shares[freed, TIME_CATEGORIES.index("selling")] -= AUTOMATION_EFFECT
    return shares


def _parts(total: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Split hours in tenths so that each row sums to its total exactly; the last takes the rest."""
    tenths = np.floor(10 * total[:, None] * share)
    tenths[:, -1] += np.round(10 * total) - tenths.sum(axis=1)
    return tenths / 10


def staff_truth(world: World, staff: Staff) -> dict[str, pd.DataFrame]:
    """Return each seller's skill, care and share of good leads, and how time is really used."""
    sellers = np.arange(staff.seller_count)
    reps = pd.DataFrame(
        {
            "rep_id": rep_ids(sellers),
            "skill": staff.skill[sellers],
            "weak_stage_effect": staff.stage_skill[sellers, WEAK_STAGE],
            "compliance_share": staff.compliance[sellers],
            "lead_taste": staff.lead_taste[sellers],
            "ramp_months": RAMP_MONTHS,
        }
    )
    rows = [
        (team, category, share)
        for team, kind in (("T1", "field"), ("T2", "field"), ("T3", "inside"), ("T4", "support"))
        for category, share in zip(TIME_CATEGORIES, _TIME_SHARES[kind], strict=True)
    ]
    shares = pd.DataFrame(rows, columns=["team_id", "category", "time_share"])
    return {"reps": reps, "time_shares": shares}
