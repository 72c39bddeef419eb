"""Segment mAP against the numbers of the released metric.

The folder comes from the environment variable MMEVAD_GOLDEN; whatever sets
its metrics_expected.json lists are tested.
"""
import json
import os
from pathlib import Path

import numpy as np
import pytest

from mmevad.evaluation import (clean_ground_truth, evaluate_segments,
                               read_ground_truth, read_results)

ROOT = Path(
    os.environ.get(
        'MMEVAD_GOLDEN',
        Path(__file__).parents[1] / 'data' / 'golden')) / 'actionformer'
SUFFIX = '_only_gt_labels'


def load_cases():
    path = ROOT / 'metrics_expected.json'
    expected = json.loads(path.read_text()) if path.exists() else {}
    for name, results in expected.items():
        for key, numbers in results.items():
            # Without the suffix, labels that the ground truth lacks were
            # counted for another class.
            if key + SUFFIX not in results:
                yield pytest.param(name, numbers, id=f'{name}-{key}')


@pytest.mark.parametrize('name,expected', load_cases())
def test_golden_actionformer_metrics(name, expected):
    files = [ROOT / f'metrics_{name}_{kind}.json' for kind in ('gt', 'pred')]
    if not all(path.exists() for path in files):
        pytest.skip(f'{ROOT} has no files of {name}')
    truth = read_ground_truth(str(files[0]), 'validation')
    preds = read_results(str(files[1]), truth)
    scores = evaluate_segments(truth, preds, expected['tiou'],
                               expected['recall_top_k'])
    for got, key in [
        (scores.mean_ap, 'mAP'),
        (scores.average, 'average_mAP'),
        (scores.ap, 'ap_per_tiou_per_class'),
        (scores.mean_recall, 'mRecall_per_tiou_per_k'),
        (scores.recall, 'recall_per_tiou_per_k_per_class'),
    ]:
        np.testing.assert_allclose(
            got, expected[key], rtol=0, atol=1e-9, err_msg=key)
    assert scores.classes.tolist() == expected['gt_label_ids']
    assert scores.num_gts.tolist() == expected['num_gt_per_class']
    gts, *_ = clean_ground_truth(truth.segments)
    assert len(gts.labels) == expected['num_gt_after_dedup']
    others = ~np.isin(preds.labels, expected['gt_label_ids'])
    assert scores.num_ignored == others.sum()
