# Copyright (c) mmevad authors. All rights reserved.
"""Broken files either load right or are refused by name and place.

A dozen of each kind in the ordinary tests; ``make test-reliability`` tries
hundreds (``MMEVAD_FUZZ`` sets how many of each kind).
"""
import contextlib
import os
import signal
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

import mmevad  # noqa: F401  isort: skip
from mmengine.registry import init_default_scope

from mmevad.utils.errors import CheckpointError, DataError
from .fuzz_converters import CONVERTERS
from .fuzz_features import FEATURES
from .fuzz_formats import FORMATS

QUICK, MANY = 12, int(os.environ.get('MMEVAD_FUZZ', 100))
SECONDS = 20
KINDS = {**FORMATS, **FEATURES, **CONVERTERS}


class HungError(BaseException):
    """Not an Exception, which a reader might catch."""


@contextlib.contextmanager
def no_hang():
    """Seconds of computing, not of waiting for the machine."""

    def stop(*_):
        raise HungError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def outcome(kind, files):
    """'loaded' or 'refused'; anything else is an error of the test."""
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter('ignore')
        folder = Path(name)
        for file, raw in files.items():
            (folder / file).write_bytes(raw)
        inside = set(os.listdir(folder))
        try:
            with no_hang():
                loaded = kind.read(folder)
        except (DataError, CheckpointError) as error:
            # names the file, or the folder that lacks one
            assert any(x in str(error) for x in (*files, name)), error
            # a converter that refuses has written nothing
            assert not any(x.startswith('out') for x in os.listdir(folder))
            return 'refused'
        assert inside <= set(os.listdir(folder))
        assert loaded == kind.expected(files)
    return 'loaded'


def fuzz(name, count):
    """Counts of outcomes for one kind of file."""
    kind, counts = KINDS[name], Counter()
    init_default_scope('mmaction')

    @hypothesis.settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(kind.files)
    def run(files):
        counts[outcome(kind, files)] += 1

    run()
    return counts


@pytest.mark.parametrize('name', KINDS)
def test_few_of_each_kind(name):
    counts = fuzz(name, QUICK)
    assert sum(counts.values()) >= QUICK
    assert counts['loaded'], 'not even the file without changes'


@pytest.mark.reliability
def test_many_of_each_kind():
    found = {name: fuzz(name, MANY) for name in KINDS}
    for name, counts in found.items():
        print(
            f'{name:32} {counts["loaded"]:6} loaded {counts["refused"]:6} '
            'refused',
            file=sys.stderr)
    total = sum(sum(counts.values()) for counts in found.values())
    print(f'{total} files', file=sys.stderr)
    assert total >= min(2000, MANY * len(KINDS))
    for name, counts in found.items():
        assert counts['loaded'] and counts['refused'], name
