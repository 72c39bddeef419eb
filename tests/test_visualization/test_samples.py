# Copyright (c) mmevad authors. All rights reserved.
import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.structures import InstanceData

from mmevad.visualization import distinct_color
from mmevad.visualization import samples as samples_module
from mmevad.visualization.samples import (clip_images, draw_clip_item,
                                          draw_feature_item, draw_keyframe,
                                          draw_segments, predicted_actors,
                                          true_actors, true_segments)
from mmevad.visualization.visualizer import DetectionVisualizer

NAMES = ['run', 'jump', 'sit']


def clip_sample():
    sample = ActionDataSample()
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[10., 20, 30, 60], [50, 10, 70, 90]]),
        # background first
        labels=torch.tensor([[0., 1, 0, 1], [0, 0, 1, 0]]))
    sample.pred_instances = InstanceData(
        bboxes=torch.tensor([[.1, .2, .3, .6]]),
        scores=torch.tensor([[0., .8, .05, .3]]),
        person_scores=torch.tensor([.9]))
    return sample


def video_sample():
    sample = ActionDataSample()
    sample.set_metainfo(
        dict(
            video_name='v',
            duration=20.,
            fps=10.,
            feat_stride=5.,
            num_frames=10.))
    sample.gt_instances = InstanceData(
        segments=torch.tensor([[0., 4.]]), labels=torch.tensor([1]))
    sample.pred_instances = InstanceData(
        segments=torch.tensor([[1., 3.], [5., 9.], [6., 9.], [0., 20.]]),
        scores=torch.tensor([.2, .9, .05, .5]),
        labels=torch.tensor([1, 0, 2, 1]))
    return sample


@pytest.fixture
def timelines(monkeypatch):
    """Arguments of timelines that would be drawn."""
    calls = []

    def draw(*args, **kwargs):
        calls.append((args, kwargs))
        return np.zeros((50, 400, 3), np.uint8)

    monkeypatch.setattr(samples_module, 'draw_timeline', draw)
    return calls


def test_a_clip_becomes_pictures_in_opencv_order():
    clip = torch.zeros(3, 2, 4, 6)
    clip[0] = 300.  # red, and too much
    images = clip_images(clip)
    assert images.shape == (2, 4, 6, 3) and images.dtype == np.uint8
    assert (images == (0, 0, 255)).all()


def test_truth_has_all_labels_and_no_scores():
    actors = true_actors(clip_sample(), 3, NAMES)
    assert [x.actions for x in actors] == [[('run', None), ('sit', None)],
                                           [('jump', None)]]
    assert actors[1].box.tolist() == [50, 10, 70, 90]
    # also without a background column
    sample = clip_sample()
    sample.gt_instances.labels = sample.gt_instances.labels[:, 1:]
    again = true_actors(sample, 3, None)
    assert [x.actions for x in again] == [[('class 0', None),
                                           ('class 2', None)],
                                          [('class 1', None)]]


def test_predictions_are_scaled_sorted_and_thresholded():
    actor, = predicted_actors(clip_sample(), (200, 100), NAMES)
    np.testing.assert_allclose(actor.box, [20, 20, 60, 60], rtol=1e-6)
    assert actor.person_score == pytest.approx(.9)
    assert [name for name, _ in actor.actions] == ['run', 'sit']
    actor, = predicted_actors(clip_sample(), (200, 100), NAMES, top_k=1)
    assert actor.actions == [('run', pytest.approx(.8))]


def test_truth_lies_left_of_prediction():
    clip = torch.zeros(3, 4, 400, 400, dtype=torch.uint8)
    clip[:, 2] = 50  # the keyframe
    picture = draw_keyframe(clip, clip_sample(), NAMES, 'v')
    sample = clip_sample()
    del sample.gt_instances
    alone = draw_keyframe(clip, sample, NAMES, 'v')
    assert picture.shape[1] == 2 * alone.shape[1] == 808
    np.testing.assert_array_equal(picture[70:, 404:], alone[70:])
    assert np.median(alone[70:400, 10:390]) == 50
    # the second person is on the left only
    second = (picture == distinct_color(1)[::-1]).all(-1)
    assert second[:, :404].sum() > 100 and not second[:, 404:].any()


def test_timeline_has_seconds_and_the_best_predictions(timelines):
    draw_segments(video_sample(), NAMES, 'v', max_segments=2)
    (rows, duration), options = timelines[0]
    # of the grid: 0 and 4 steps of 0.5 s, and half a window of 1 s
    assert rows['ground truth'] == [dict(segment=[.5, 2.5], label='jump')]
    assert rows['prediction'] == [
        dict(segment=[5, 9], label='run', score=pytest.approx(.9)),
        dict(segment=[0, 20], label='jump', score=pytest.approx(.5))
    ]
    assert duration == 20 and options['classes'] == NAMES
    draw_segments(video_sample(), NAMES, 'v', score_thr=.1)
    assert len(timelines[1][0][0]['prediction']) == 3


def test_items_of_both_tasks(timelines):
    clip = torch.zeros(3, 8, 96, 128, dtype=torch.uint8)
    sample = clip_sample()
    del sample.pred_instances
    picture = draw_clip_item(clip, sample, 3, NAMES, 'item')
    # the keyframe, enlarged, beside two rows of four frames
    assert 480 + 640 < picture.shape[1] < 1400 and picture.shape[0] < 500
    sample = video_sample()
    feats = torch.full((4, 11), 3.)
    draw_feature_item(feats, sample, NAMES, 'item')
    (rows, duration), options = timelines[0]
    assert rows == dict(segments=true_segments(sample, NAMES))
    assert duration == 6  # 10 steps of 0.5 s and a window of 1 s
    times, norm = options['curves']['norm of features']
    assert times[0] == .5 and times[-1] == 5.5 and set(norm) == {6.}
    assert '11 features of 4 channels' in options['title']


class Recorder:
    """A back end."""

    def __init__(self):
        self.images = []

    def add_image(self, name, image, step=0, **kwargs):
        self.images.append((name, image, step))

    def close(self):
        pass


@pytest.fixture
def visualizer(request):
    visualizer = DetectionVisualizer(f'vis-{request.node.name}')
    visualizer._vis_backends = dict(recorder=Recorder())
    return visualizer


def test_visualizer_hands_pictures_to_its_back_ends(visualizer):
    clip = torch.zeros(3, 4, 96, 128, dtype=torch.uint8)
    clip[2] = 200  # blue
    visualizer.add_datasample('run/v 0012', clip, clip_sample(), step=7)
    visualizer.add_datasample('v', torch.zeros(4, 9), video_sample())
    (name, image, step), (other, timeline,
                          _) = visualizer._vis_backends['recorder'].images
    assert (name, step, other) == ('run_v_0012', 7, 'v')
    assert np.median(image[70:400, 10:390], (0, 1)).tolist() == [0, 0, 200]
    assert timeline.shape[1] == 1200


def test_visualizer_writes_to_a_folder_instead(visualizer, tmp_path):
    folder = tmp_path / 'new'
    visualizer.add_datasample(
        'a/v', torch.zeros(4, 9), video_sample(), out_dir=str(folder), step=3)
    assert [x.name for x in folder.iterdir()] == ['a_v_3.png']
    assert not visualizer._vis_backends['recorder'].images


def test_visualizer_knows_the_classes_of_the_dataset(visualizer, timelines):
    visualizer.dataset_meta = dict(classes=NAMES)
    visualizer.add_datasample('v', torch.zeros(4, 9), video_sample())
    assert timelines[0][1]['classes'] == NAMES
