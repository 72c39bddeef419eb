# Copyright (c) mmevad authors. All rights reserved.
"""Files of strangers are refused without running or allocating anything."""
import sys

import pytest

from . import hostile_table

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith('linux'), reason='needs fork and /proc')


@pytest.mark.reliability
def test_every_hostile_file_is_refused_everywhere():
    cases = hostile_table.all_cases()
    bad = [case for case in cases if not case.good]
    print(hostile_table.to_markdown(cases), file=sys.stderr)
    most = max(case.outcome.megabytes for case in cases)
    print(
        f'{len(cases)} cases, {len(bad)} not refused, at most {most} MiB '
        'taken',
        file=sys.stderr)
    assert not bad
    assert len(cases) > 400
