# Copyright (c) mmevad authors. All rights reserved.
import importlib.util
import json

import pytest
import torch

from .evad_clips import make_clips

SPEC = importlib.util.spec_from_file_location(
    'foreground_share', 'tools/analysis/foreground_share.py')
foreground_share = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(foreground_share)
Counts, Shares = foreground_share.Counts, foreground_share.Shares


def test_a_token_is_inside_if_its_centre_is():
    boxes = torch.tensor([[8., 8., 23.9, 24.1], [40., 0., 48., 8.]])
    inside = foreground_share.inside_boxes(boxes, (2, 3), 16)
    assert inside.tolist() == [[True, False, True], [True, False, False]]
    nobody = foreground_share.inside_boxes(boxes[:0], (2, 3), 16)
    assert nobody.shape == (2, 3) and not nobody.any()


def test_the_keyframe_does_not_count():
    kept = torch.tensor([[[1, 0]], [[1, 1]], [[0, 1]]]).bool()
    inside = torch.tensor([[True, False]])
    counts = foreground_share.count_tokens(kept, inside, 1)
    assert counts == Counts(total=4, kept=2, inside=2, kept_inside=1)
    assert foreground_share.shares_of(counts) == Shares(
        kept=50, precision=50, recall=50, foreground=50)
    assert counts.plus(counts) == Counts(8, 4, 4, 2)


def test_table_curves_and_numbers(tmp_path, capsys):
    config, checkpoint = make_clips(tmp_path)
    numbers, curves = tmp_path / 'shares.json', tmp_path / 'shares.png'
    shares = foreground_share.main([
        config, checkpoint, '--keep-rates', '1', '.5', '.8', '--device', 'cpu',
        '--json',
        str(numbers), '--out',
        str(curves)
    ])
    assert list(shares) == [.5, .8, 1]
    # boxes hold the centres of 2 x 4, and of 2 x 4 and 2 x 3, of 48 tokens
    assert shares[1.].foreground == pytest.approx(100 * 22 / 96)
    assert shares[1.] == Shares(100, shares[1.].foreground, 100,
                                shares[1.].foreground)
    # 192, 154 and 124 tokens, of which 48 are the keyframe's
    assert shares[.8].kept == pytest.approx(100 * 76 / 144)
    assert shares[.5].kept == 0 and shares[.5].recall == 0
    rows = json.loads(numbers.read_text())['shares']
    assert rows[0]['precision'] is None and rows[2]['recall'] == 100
    assert curves.stat().st_size > 5000
    assert '2 clips of' in capsys.readouterr().out
