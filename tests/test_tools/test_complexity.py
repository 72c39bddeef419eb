"""Sizes of the full models, section 7 of the specification."""
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = ROOT / 'configs/evad/evad_vit-base-p16_8xb2-16x4x1-12e_ava-v2.2-rgb.py'
LARGE = ROOT / ('configs/evad/'
                'evad_vit-large-p16_8xb1-16x4x1-12e_ava-v2.2-rgb.py')
spec = importlib.util.spec_from_file_location(
    'complexity', ROOT / 'tools/analysis/complexity.py')
complexity = importlib.util.module_from_spec(spec)
spec.loader.exec_module(complexity)

PARAMS = {BASE: 185_359_636, LARGE: 439_535_220}
# published G multiply-adds by config, side and keep rate
ROWS = [(BASE, 224, 1.0, 223.8), (BASE, 224, 0.9, 186.3),
        (BASE, 224, 0.8, 157.0), (BASE, 224, 0.7, 134.2),
        (BASE, 224, 0.6, 116.3), (BASE, 288, 1.0, 424.5),
        (BASE, 288, 0.9, 346.3), (BASE, 288, 0.8, 287.4),
        (BASE, 288, 0.7, 242.8), (BASE, 288, 0.6, 208.9),
        (LARGE, 224, 1.0, 707.9), (LARGE, 224, 0.7, 409.4),
        (LARGE, 288, 0.7, 737.)]
FAST = (BASE, 224, 0.7, 134.2)


@pytest.mark.parametrize('config,side,rate,published', [
    pytest.param(
        *row,
        marks=() if row == FAST else pytest.mark.slow,
        id='{0.stem}-{1}-{2}'.format(*row)) for row in ROWS
])
def test_published_sizes(config, side, rate, published):
    table = complexity.main([
        str(config), '--keep-rate',
        str(rate), '--size',
        str(side),
        str(side)
    ])
    params, flops = table['total']
    assert params == PARAMS[config]
    assert flops / 1e9 == pytest.approx(published, rel=0.01)
    del table['total']
    assert sum(p for p, _ in table.values()) == params
