# Copyright (c) mmevad authors. All rights reserved.
"""Datasets and metrics of odd options work or are refused.

One to three options are changed at once; the files are good. What can be
built has to read all of its items, or to evaluate predictions.
"""
import logging
import os
import sys
import warnings
from collections import Counter

import hypothesis
import pytest

import mmevad  # noqa: F401  isort: skip
from mmengine.registry import init_default_scope

from mmevad.utils.errors import DataError
from .fuzz_configs import configs
from .fuzz_configs_data import KINDS as DATASETS
from .fuzz_configs_data import placed, write_files
from .fuzz_configs_metrics import KINDS as METRICS
from .isolated import little_memory
from .test_fuzz_files import no_hang

QUICK, MANY = 15, int(os.environ.get('MMEVAD_FUZZ_CONFIGS', 1000)) // 3
KINDS = {**DATASETS, **METRICS}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('files')
    write_files(path)
    return path


def outcome(kind, cfg, folder):
    """'refused', 'failed' or 'used'; all else is an error of the test.

    A file that does not go with the config may be told when it is read.
    """
    done = 'refused'
    try:
        built = kind.registry.build(placed(cfg, str(folder)))
        done = 'failed'
        kind.use(built, folder)
    except (DataError, FileNotFoundError) as error:
        message = str(error)
        assert message and all(len(x) < 600 for x in message.split('\n'))
        return done
    return 'used'


def fuzz(name, count, folder):
    """Counts of outcomes for one class."""
    kind, counts = KINDS[name], Counter()
    init_default_scope('mmaction')

    @hypothesis.settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(configs(kind.model))
    def run(case):
        cfg, changes = case
        hypothesis.note(changes)
        with no_hang():
            counts[outcome(kind, cfg, folder)] += 1

    logging.disable(logging.WARNING)
    try:
        with little_memory(), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            run()
    finally:
        logging.disable(logging.NOTSET)
    return counts


@pytest.mark.parametrize('name', KINDS)
def test_some_work_or_are_refused(name, folder):
    counts = fuzz(name, QUICK, folder)
    assert sum(counts.values()) >= QUICK
    assert counts['used'] and counts['refused']


@pytest.mark.reliability
def test_many_work_or_are_refused(folder):
    total = 0
    for name in KINDS:
        counts = fuzz(name, MANY, folder)
        print(f'{name:12} {dict(counts)}', file=sys.stderr)
        total += sum(counts.values())
        assert min(counts['used'], counts['refused']) > MANY / 8, name
        assert counts['failed'] < MANY / 4, name
    assert total >= len(KINDS) * MANY
