"""Who owns an action and when it is due where nobody has said: the rules, from project.toml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analysis.core.periods import Cadence
from analysis.core.settings import SHIPPED_NOTEBOOKS, Actions

_OTHER = "other"
# Reports in which every chapter is an action: somebody reads what else it says. The fast reports
# speak of the same chapters, so there only what is unusual asks for something.
_READ = ("quarterly", "annual")


@dataclass(frozen=True)
class RegisterRules:
    """Roles by room or notebook, days until due, which way is better, what is to be read."""

    owners: Mapping[str, str]
    due_days: int
    better: Mapping[str, str]  # number -> "up" or "down", beside those known to all companies
    is_read: bool
    notebooks: Mapping[str, str] = field(default_factory=dict)  # name of a Result -> its notebook

    def owner(self, chapter: str) -> str:
        """Return the role that owns what a chapter asks for: by notebook, else by room."""
        notebook = self.notebooks.get(chapter, chapter)
        room = notebook.partition("/")[0]
        found = (self.owners.get(name) for name in (notebook, chapter, room, _OTHER))
        return next((role for role in found if role), "")

    def spelled(self, owner: str) -> str:
        """Return an owner who is one of the roles as the role is spelled; everybody else as is."""
        roles = {role.casefold(): role for role in self.owners.values()}
        return roles.get(owner.casefold(), owner)


def make_rules(actions: Actions, cadence: Cadence, notebooks: Iterable[str]) -> RegisterRules:
    """Return the rules of a cadence's register; `notebooks` are the project's, own ones too."""
    shipped = [name for needs in SHIPPED_NOTEBOOKS.values() for name in needs]
    names = {name.rsplit("/", 1)[-1]: name for name in (*shipped, *notebooks)}
    defaults = Actions()
    days = defaults.due_days | actions.due_days
    owners = defaults.owners | actions.owners
    return RegisterRules(owners, days[cadence], actions.better, cadence in _READ, names)


def default_rules(cadence: Cadence) -> RegisterRules:
    """Return the rules of a project that says nothing about actions."""
    return make_rules(Actions(), cadence, SHIPPED_NOTEBOOKS[cadence])
