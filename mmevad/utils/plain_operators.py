# Copyright (c) mmevad authors. All rights reserved.
"""A switch from fused, hand-written operators to plain ones, for exporters.

Some layers have a fast way, with an ``autograd.Function`` and writes into
parts of tensors, that no exporter follows for tensors of any length. They ask
:func:`wants_plain_operators` and compute the same with operators that every
runtime knows.
"""
from contextlib import contextmanager
from typing import Iterator

_plain = False


@contextmanager
def plain_operators() -> Iterator[None]:
    """Within it, models compute with plain operators; slower, same result."""
    global _plain
    before, _plain = _plain, True
    try:
        yield
    finally:
        _plain = before


def wants_plain_operators() -> bool:
    """Whether :func:`plain_operators` is on."""
    return _plain
