"""A disk that is full or may not be written to, said as a problem that a person can mend."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from analysis.core.problems import AnalysisError, InputError, Problem

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
# The engine and Arrow say it in text.
_FULL_TEXT = re.compile(r"No space left on device|Disk quota exceeded|File too large", re.I)


def disk_problem(error: BaseException) -> Problem | None:
    """Return what is wrong with the disk; None when the error is about something else."""
    number = getattr(error, "errno", None)
    where = str(getattr(error, "filename", None) or "the disk of this project")
    if number in _FULL or (number is None and _FULL_TEXT.search(str(error))):
        mend = "make room on the disk, or raise the user's quota, then run again"
        return Problem(where, "no space left to write to", "some free space", mend)
    if number in _REFUSED and isinstance(error, OSError):
        mend = "give this user the right to write there, then run again"
        return Problem(where, f"may not be written ({error.strerror})", "a writable place", mend)
    return None


@contextmanager
def disk_errors_in_words() -> Iterator[None]:
    """Raise an InputError where the block fails for want of space or of the right to write."""
    try:
        yield
    except AnalysisError:
        raise
    except Exception as error:
        problem = disk_problem(error)
        if problem is None:
            raise
        raise InputError(problem) from error
