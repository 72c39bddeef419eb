# Copyright (c) mmevad authors. All rights reserved.
"""What comes with the package works by name alone, without its data."""
import numpy as np
import pytest

from mmevad.apis import EVADInferencer, TALInferencer
from mmevad.datasets.synth_actors.actions import LABELS
from .small import frames

EVAD = 'evad_vit-tiny-p16_1xb8-8x2x1_synth-actors-rgb'
TAL = 'actionformer_evad-vit-tiny_1xb8-80x2x1-40e_synth-actors-rgb'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No annotation files are found."""
    monkeypatch.chdir(tmp_path)


def test_names_of_actions_are_in_the_config():
    assert EVADInferencer(EVAD).classes == list(LABELS)


def test_segments_of_a_video():
    """The features are those of the shipped EVAD."""
    inferencer = TALInferencer(TAL)
    assert len(inferencer.classes) == 7
    assert not any(name.startswith('class ') for name in inferencer.classes)
    video = np.concatenate([frames()] * 2)
    found = inferencer(video, score_thr=0., show_progress=False)
    prediction, = found['predictions']
    assert prediction['segments']
    assert {x['label']
            for x in prediction['segments']} <= set(inferencer.classes)
