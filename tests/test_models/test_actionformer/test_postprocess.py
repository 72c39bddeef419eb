"""Decoding one level, and seconds."""
import pytest
import torch

from mmevad.models.actionformer.postprocess import decode, to_seconds
from mmevad.structures.segments import FeatureGrid


def decode_level(logits, offsets, mask, points, *args):
    """One level of one video, without those that are none."""
    found = decode([logits[None]], [offsets[None]], [mask[None]], [points],
                   *args)
    return [x[found[1] >= 0] for x in found]


def level(frames=6, classes=3, stride=2., seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(frames, classes, generator=generator)
    offsets = torch.rand(frames, 2, generator=generator) * 3
    points = torch.stack((torch.arange(frames) * stride, torch.zeros(frames),
                          torch.ones(frames), torch.full((frames, ), stride)),
                         1)
    mask = torch.arange(frames) < frames - 1
    return logits, offsets, mask, points


def plain(logits, offsets, mask, points, threshold, topk, duration):
    """One loop over all points and classes."""
    found = []
    for t in range(len(logits)):
        for c in range(logits.size(1)):
            score = float(logits[t, c].sigmoid() * mask[t])
            if score > threshold:
                time, stride = float(points[t, 0]), float(points[t, 3])
                left, right = offsets[t].tolist()
                found.append((-score, len(found), time - left * stride,
                              time + right * stride, c))
    found = sorted(found)[:topk]
    return [(s, e, -score, c) for score, _, s, e, c in found
            if e - s > duration]


@pytest.mark.parametrize('threshold,topk,duration', [(.001, 2000, .05),
                                                     (.5, 2000, 0.),
                                                     (.001, 4, 3.),
                                                     (.3, None, 4.),
                                                     (1., 10, 0.)])
@pytest.mark.parametrize('ties', [False, True])
def test_equals_plain_loop(threshold, topk, duration, ties):
    inputs = level(frames=40)
    if ties:
        inputs = (inputs[0].round(), *inputs[1:])
    segments, scores, labels = decode_level(*inputs, threshold, topk, duration)
    expected = plain(*inputs, threshold, topk, duration)
    assert len(segments) == len(scores) == len(labels) == len(expected)
    assert labels.tolist() == [row[3] for row in expected]
    if expected:
        torch.testing.assert_close(
            torch.cat((segments, scores[:, None]), 1),
            torch.tensor(expected)[:, :3])


def test_equal_scores_in_order_of_points_then_classes():
    logits, offsets, mask, points = level()
    segments, _, labels = decode_level(
        torch.zeros_like(logits), offsets + .1, mask, points, .1, 7)
    assert labels.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert torch.equal(segments[:, 0],
                       (points[:, 0] -
                        (offsets + .1)[:, 0] * 2)[[0, 0, 0, 1, 1, 1, 2]])


def test_nothing_found():
    logits, offsets, mask, points = level()
    segments, scores, labels = decode_level(logits, offsets, mask & False,
                                            points, .001, 5)
    assert segments.shape == (0, 2) and scores.shape == labels.shape == (0, )


def test_padding_has_no_candidates():
    """Also with a threshold below zero scores of padding stay out."""
    logits, offsets, mask, points = level()
    segments, scores, _ = decode_level(logits, offsets + 1, mask, points, 0.,
                                       None)
    assert len(scores) == 5 * 3
    assert segments.shape == (15, 2)


def test_videos_and_levels_do_not_mix():
    """As many rows for each video, -1 where one has found less."""
    levels = [[level(20, seed=0), level(20, seed=1)],
              [level(10, stride=4., seed=2),
               level(10, stride=4., seed=3)]]
    levels[0][1][2][:] = False
    points = [videos[0][3] for videos in levels]
    found = decode(
        *([torch.stack([video[i] for video in videos]) for videos in levels]
          for i in range(3)), points, .3, 10)
    assert [tuple(x.shape) for x in found] == [(2, 20, 2), (2, 20), (2, 20)]
    assert (found[1] >= 0).sum(1).tolist() == [20, 10]
    for video in range(2):
        alone = [decode_level(*x[video], .3, 10) for x in levels]
        for both, parts in zip(found, zip(*alone)):
            valid = found[1][video] >= 0
            assert torch.allclose(both[video][valid], torch.cat(parts))


def test_to_seconds_clips():
    """(g * 4 + 8) / 30, in a video of 2 s."""
    grid = FeatureGrid(fps=30, feat_stride=4, num_frames=16)
    segments = torch.tensor([[-3., 1.], [4., 40.]])
    assert to_seconds(segments, grid, 2.).tolist() == [[0.,
                                                        pytest.approx(.4)],
                                                       [pytest.approx(.8), 2.]]
