# Copyright (c) mmevad authors. All rights reserved.
"""The demos of an installed mmevad, from any folder, by name alone."""
import json

import pytest

from ..test_apis.small import frames, write_video
from .test_install import installed, mim  # noqa: F401

pytestmark = pytest.mark.slow
CONFIG = 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb'


def test_mim_runs_the_evad_demo(installed, tmp_path):  # noqa: F811
    """Config and weights come with the package."""
    python, _ = installed
    write_video(tmp_path / 'clip.mp4', frames())
    mim(python,
        'run',
        'mmevad',
        'evad_demo',
        'clip.mp4',
        '--config',
        CONFIG,
        '--person-score-thr',
        0,
        '--out-dir',
        'out',
        cwd=tmp_path)
    content = json.loads((tmp_path / 'out' / 'clip.json').read_text())
    assert [len(x['actors']) for x in content['keyframes']] == [10] * 3
    assert (tmp_path / 'out' / 'clip_actions.mp4').is_file()


@pytest.mark.parametrize('demo', ['evad_demo', 'tal_demo'])
def test_mim_finds_the_demos(installed, tmp_path, demo):  # noqa: F811
    python, _ = installed
    out = mim(
        python,
        'run',
        'mmevad',
        demo,
        'none.mp4',
        '--config',
        'no_such_model',
        cwd=tmp_path,
        check=False)
    assert 'error: The model no_such_model does not exist' in out.stderr
    # mim's own traceback follows
    assert 'in _find_config' not in out.stderr
