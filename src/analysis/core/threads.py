"""How many processor threads a fit may use."""

from threadpoolctl import threadpool_limits


def one_thread() -> threadpool_limits:
    """Hold every numerical library to one thread within a `with` block.

    On tables of customers the threads of a fit spend their time waiting for each other: one fit of
    boosted trees took six times the processor seconds with two of them.
    """
    return threadpool_limits(1)
