# Copyright (c) mmevad authors. All rights reserved.
"""Do the tokens that an EVAD keeps lie on people? Over the keep rate.

As in fig. 7 of the paper: of the tokens outside the keyframe that are left
after the last pruning layer, how many are inside an annotated box, and how
many of those inside are left. A token is inside if its centre is. Boxes are
those of the keyframe, for all time slices, which is also where the context
decoder looks for the actors.
"""
import argparse
import sys
from typing import Dict, List, NamedTuple, Optional, Sequence

import mmevad  # noqa: F401  isort: skip
import torch
from rich.progress import track
from torch import Tensor

from mmevad.models.evad.keyframe import find_keyframe
from mmevad.utils.errors import CheckpointError, DataError
from mmevad.utils.json_file import write_json
from mmevad.visualization.charts import save_figure, share_curves
from mmevad.visualization.model_inputs import (build_split, choose_items,
                                               img_shapes, load_evad,
                                               preprocess)
from mmevad.visualization.token_probe import keep_rates, kept_map


class Counts(NamedTuple):
    """Tokens outside keyframes.

    Attributes:
        total, kept (int): All, and those that are left.
        inside, kept_inside (int): The same inside of boxes.
    """
    total: int = 0
    kept: int = 0
    inside: int = 0
    kept_inside: int = 0

    def plus(self, other: 'Counts') -> 'Counts':
        """Sum of both."""
        return Counts(*(a + b for a, b in zip(self, other)))


class Shares(NamedTuple):
    """What is left, in percent.

    Attributes:
        kept (float): Of the tokens outside the keyframe.
        precision (float): Of those left, inside a box.
        recall (float): Of those inside a box, left.
        foreground (float): Of all, inside a box.
    """
    kept: float
    precision: float
    recall: float
    foreground: float


def inside_boxes(boxes: Tensor, grid: Sequence[int],
                 patch_size: int) -> Tensor:
    """Tokens whose centre is in a box.

    Args:
        boxes (Tensor): (M, 4) xyxy in pixels of the clip.
        grid (tuple[int]): (h, w).
        patch_size (int): Pixels of a token's side.

    Returns:
        Tensor: (h, w) bool.
    """
    y, x = ((torch.arange(n, device=boxes.device) + .5) * patch_size
            for n in grid)
    x1, y1, x2, y2 = boxes[:, :, None].unbind(1)
    columns, rows = (x1 <= x) & (x <= x2), (y1 <= y) & (y <= y2)
    return (rows[:, :, None] & columns[:, None]).any(0)


def count_tokens(kept: Tensor, inside: Tensor, keyframe: int) -> Counts:
    """Count one clip.

    Args:
        kept (Tensor): (t, h, w) bool.
        inside (Tensor): (h, w) bool.
        keyframe (int): Slice that does not count.
    """
    others = torch.cat((kept[:keyframe], kept[keyframe + 1:]))
    inside = inside.expand_as(others)
    return Counts(others.numel(), int(others.sum()), int(inside.sum()),
                  int((others & inside).sum()))


def shares_of(counts: Counts) -> Shares:
    """Percentages; NaN where there is nothing to divide by."""

    def percent(part: int, whole: int) -> float:
        return 100 * part / whole if whole else float('nan')

    return Shares(
        percent(counts.kept, counts.total),
        percent(counts.kept_inside, counts.kept),
        percent(counts.kept_inside, counts.inside),
        percent(counts.inside, counts.total))


@torch.no_grad()
def measure(model: torch.nn.Module, dataset: Sequence[dict],
            items: Sequence[int], rates: Sequence[float],
            batch_size: int) -> Dict[float, Counts]:
    """Count all items at each keep rate.

    Raises:
        DataError: If items have no annotated boxes.
    """
    backbone = model.backbone
    counts = {rate: Counts() for rate in rates}
    starts = range(0, len(items), batch_size)
    for start in track(starts, 'Clips', disable=not sys.stdout.isatty()):
        batch = preprocess(
            model, choose_items(dataset, items[start:start + batch_size]))
        shapes = img_shapes(batch.samples)
        for rate in rates:
            with keep_rates(backbone, dict.fromkeys(backbone.keep_rates,
                                                    rate)):
                kept = kept_map(backbone(batch.inputs, shapes))
            key = find_keyframe(
                batch.inputs.size(2), backbone.tubelet_size,
                backbone.keyframe_index)[1]
            for clip, sample, (height, width) in zip(kept, batch.samples,
                                                     shapes):
                if 'gt_instances' not in sample:
                    raise DataError('Items have no gt_instances; the pipeline '
                                    'must pack gt_bboxes.')
                patch = backbone.patch_size
                # padding is nobody's
                clip = clip[:, :-(-height // patch), :-(-width // patch)]
                inside = inside_boxes(
                    sample.gt_instances.bboxes.to(kept.device), clip.shape[1:],
                    patch)
                counts[rate] = counts[rate].plus(
                    count_tokens(clip, inside, key))
    return counts


def format_table(shares: Dict[float, Shares]) -> str:
    """One row for each keep rate."""
    lines = [
        f'{"keep rate":>9}{"left":>10}{"of them inside":>17}'
        f'{"inside left":>14}   percent of tokens outside keyframes'
    ]
    lines += [
        f'{rate:>9g}{x.kept:>10.2f}{x.precision:>17.2f}{x.recall:>14.2f}'
        for rate, x in shares.items()
    ]
    foreground = next(iter(shares.values())).foreground
    lines.append(f'{foreground:.2f} % of all are inside a box.')
    return '\n'.join(lines)


def _finite(rows: List[dict]) -> List[dict]:
    """With None for NaN, which JSON does not know."""
    return [{k: v if v == v else None for k, v in row.items()} for row in rows]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument(
        'config', help='config file of an EVAD, or its name in the zoo')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        '--split', choices=('train', 'val', 'test'), default='test')
    parser.add_argument(
        '--keep-rates',
        type=float,
        nargs='+',
        default=(.5, .6, .7, .8, .9, 1.),
        help='of each pruning layer; 0.5 to 1 by default')
    parser.add_argument(
        '--number', type=int, help='clips, evenly spread; all by default')
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument('--out', help='.png file to draw the curves to')
    parser.add_argument('--json', help='.json file to write the table to')
    parser.add_argument('--device', help='by default CUDA if there is any')
    return parser.parse_args(argv)


def run(args: argparse.Namespace) -> Dict[float, Shares]:
    """Measure, print and write."""
    cfg, model, _ = load_evad(args.config, args.checkpoint, args.device)
    dataset = build_split(cfg, args.split)
    number = min(args.number or len(dataset), len(dataset))
    items = torch.linspace(0, len(dataset) - 1, number).long().tolist()
    rates = sorted(set(args.keep_rates))
    counts = measure(model, dataset, items, rates, args.batch_size)
    shares = {rate: shares_of(x) for rate, x in counts.items()}
    print(f'{number} clips of {args.config}\n{format_table(shares)}')
    if args.json:
        rows = [dict(keep_rate=r, **s._asdict()) for r, s in shares.items()]
        write_json(args.json, dict(number=number, shares=_finite(rows)))
    if args.out:
        names = ('inside a box, of the tokens left',
                 'left, of the tokens inside a box')
        figure = share_curves(
            rates, {
                names[0]: [x.precision for x in shares.values()],
                names[1]: [x.recall for x in shares.values()]
            },
            'Tokens outside the keyframe after the last pruning layer', {
                names[0]: [x.foreground for x in shares.values()],
                names[1]: [x.kept for x in shares.values()]
            },
            x_label='keep rate of each pruning layer')
        save_figure(figure, args.out)
    return shares


def main(argv: Optional[List[str]] = None) -> Dict[float, Shares]:
    try:
        return run(parse_args(argv))
    except (CheckpointError, DataError, ValueError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
