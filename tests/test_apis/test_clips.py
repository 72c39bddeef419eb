# Copyright (c) mmevad authors. All rights reserved.
"""Which frames are read, in which order."""
import weakref

import numpy as np
import pytest
from mmengine.config import Config

from mmevad.apis.clips import (ClipShape, count_clips, find_clip_shape,
                               sliding_clips, split_pipeline)
from mmevad.utils.errors import DataError


class CountingVideo:
    """Frames that are their number; remembers what was read."""

    def __init__(self, length):
        self.length, self.reads = length, []

    def __len__(self):
        return self.length

    def read(self, indices):
        self.reads += indices
        return list(indices)


@pytest.mark.parametrize('stride', [1, 2, 3, 4, 6, 50])
@pytest.mark.parametrize('shape', [(1, 1), (4, 1), (8, 2), (5, 3)])
def test_clips_are_where_the_grid_says_and_frames_are_read_once(shape, stride):
    shape, video = ClipShape(*shape), CountingVideo(101)
    clips = list(sliding_clips(video, shape, stride))
    assert len(clips) == count_clips(101, shape, stride)
    for g, (indices, images) in enumerate(clips):
        expected = g * stride + shape.frame_interval * np.arange(
            shape.clip_len)
        assert indices.tolist() == images == expected.tolist()
    # the next window would leave the video
    assert len(clips) * stride + shape.num_frames > 101
    assert (len(clips) - 1) * stride + shape.num_frames <= 101
    assert video.reads == sorted(set(video.reads))


def test_frames_are_let_go():
    """However long the video, 8 of a clip are held and 2 of the next."""

    class Frame:
        pass

    class Video(CountingVideo):
        alive, most = weakref.WeakSet(), 0

        def read(self, indices):
            frames = [Frame() for _ in indices]
            self.alive.update(frames)
            self.most = max(self.most, len(self.alive))
            return frames

    video = Video(500)
    assert sum(1 for _ in sliding_clips(video, ClipShape(8, 2), 4)) == 122
    assert video.most <= 10


def test_no_clips_in_a_video_shorter_than_one():
    video = CountingVideo(15)
    assert not list(sliding_clips(video, ClipShape(8, 2), 1))
    assert len(list(sliding_clips(CountingVideo(16), ClipShape(8, 2), 1))) == 1


@pytest.mark.parametrize('sampler, expected', [
    (dict(type='SampleFrames', clip_len=8, frame_interval=8, num_clips=10),
     (8, 8)),
    (dict(type='SampleFrames', clip_len=16), (16, 1)),
    (dict(type='SampleAVAFrames', clip_len=8), (8, 2)),
    (dict(type='DenseSampleFrames', clip_len=32, frame_interval=2), (32, 2)),
    (dict(type='SampleFrames', clip_len=1, num_clips=1), (1, 1)),
])
def test_the_test_pipeline_gives_the_clip(sampler, expected):
    assert find_clip_shape(sampler) == expected
    assert find_clip_shape(sampler, 4) == (4, expected[1])
    assert find_clip_shape(sampler, None, 5) == (expected[0], 5)


@pytest.mark.parametrize('sampler, missing', [
    (dict(type='SampleFrames', clip_len=1, num_clips=8), 'clip_len'),
    (dict(type='UniformSample', clip_len=16), 'frame_interval'),
    (dict(type='SampleFrames', clip_len=13, frame_interval=6,
          target_fps=30), 'frame_interval'),
])
def test_what_adapts_to_the_video_must_be_given(sampler, missing):
    with pytest.raises(DataError, match=f'^{missing} must be given'):
        find_clip_shape(sampler)
    assert find_clip_shape(sampler, 8, 4) == (8, 4)


def test_one_step_chooses_frames():
    steps = [dict(type='DecordInit'), dict(type='Resize', scale=(-1, 32))]
    with pytest.raises(DataError, match='needs one SampleFrames or'):
        split_pipeline(steps)
    sample = Config(dict(type='SampleFrames', clip_len=4))
    assert split_pipeline([steps[0], sample, steps[1]]) == (sample, steps[1:])
