"""Around every run: it is written into the history, told to people, and old data are cleared."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from analysis.core.project import Project
from analysis.run import history
from analysis.run.lock import BusyError
from analysis.run.record import RunRecord, now


@dataclass
class Book:
    """The attempt under way; `ended` is set when the run returns, whether published or not."""

    project: Project
    record: RunRecord
    is_told: bool  # False for a look with --only, and for a period that a person mistyped
    file: Path | None = None
    ended: RunRecord | None = field(default=None)

    def begin(self) -> None:
        """Write down that it began, under the project's lock."""
        self.file = history.new_entry(self.project, self.record)
        history.keep(self.file, self.record)

    def end(self, record: RunRecord) -> RunRecord:
        """Tell and write down how it ended, under the project's lock; return the record."""
        self.ended = record
        if self.is_told:  # else it was a look with --only
            self._write(record)
            if not record.is_unchanged:
                self._tell(record)
                self._write(record)
            if record.is_published and not record.is_unchanged:
                self._clean()
        return record

    def fail(self, error: BaseException) -> None:
        """Do the same for a run that was broken off by an error."""
        if self.ended is not None or isinstance(error, BusyError):
            return
        record = self.ended = self.record
        record.state, record.finished_at = "failed", record.finished_at or now()
        record.error = record.error or in_words(error)
        if self.is_told and isinstance(error, Exception):
            self._tell(record, error)
        if self.file is not None or self.is_told:
            self._write(record)

    def _tell(self, record: RunRecord, error: Exception | None = None) -> None:
        if not self.project.settings.notify:
            return
        from analysis.run import notify  # here, because most projects tell nobody

        message = notify.run_message(self.project.settings.company.name, record, error)
        record.notices = notify.tell(self.project.settings, message)
        if record.folder is not None:
            with suppress(OSError):  # the record without its messages is still whole
                record.save(record.folder)

    def _write(self, record: RunRecord) -> None:
        if record.is_unchanged:  # the record is that of the run that published
            self.record.period, self.record.state = record.period, "succeeded"
            self.record.finished_at, self.record.is_unchanged = now(), True
            self.record.notebooks = {
                name: replace(done, is_reused=True) for name, done in record.notebooks.items()
            }
            record = self.record
        file = self.file or history.new_entry(self.project, record)
        history.keep(file, record)

    def _clean(self) -> None:
        from analysis.run.retention import clean

        with suppress(OSError):  # what cannot be removed now, the next run tries again
            clean(self.project)


@contextmanager
def closing(book: Book) -> Iterator[Book]:
    """Make sure that an error in the block is written down and told, too."""
    try:
        yield book
    except BaseException as error:
        book.fail(error)
        raise


def in_words(error: BaseException) -> str:
    """Say what ended a run, in one text for its record."""
    if isinstance(error, KeyboardInterrupt):
        return "broken off"
    return str(error) if hasattr(error, "problems") else f"{type(error).__name__}: {error}"
