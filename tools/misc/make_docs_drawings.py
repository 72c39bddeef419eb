# Copyright (c) mmevad authors. All rights reserved.
"""Draw the data flow of both models: docs/images/{evad,actionformer}_flow.svg.

The panel is opaque, so the drawings look the same on light and dark pages.
"""
import os.path as osp
from typing import List, NamedTuple, Sequence, Tuple
from xml.sax.saxutils import escape

FOLDER = osp.join(
    osp.dirname(osp.dirname(osp.dirname(osp.abspath(__file__)))), 'docs',
    'images')
FILLS = dict(data='#fff7d6', part='#dbeafe', keep='#d9f2e0', note='#f6f8fa')
TITLE, TEXT, SHAPE = 15, 12, 12  # sizes of letters, in units of the drawing
INK, GREY, BLUE = '#1f2328', '#57606a', '#0b4f9e'

Point = Tuple[float, float]


class Box(NamedTuple):
    """A rectangle with a title and lines below it."""
    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str
    lines: Sequence[str] = ()

    def draw(self) -> str:
        middle = self.x + self.width / 2
        rows = 1 + len(self.lines)
        y = self.y + self.height / 2 - 8.5 * (rows - 1) + 5
        parts = [
            f'<rect x="{self.x}" y="{self.y}" width="{self.width}" '
            f'height="{self.height}" rx="8" fill="{FILLS[self.kind]}" '
            f'stroke="{GREY}"/>',
            letters(middle, y, self.title, TITLE, INK, 'bold')
        ]
        parts += [
            letters(middle, y + 17 * i, line, TEXT, GREY)
            for i, line in enumerate(self.lines, 1)
        ]
        return '\n'.join(parts)


class Arrow(NamedTuple):
    """A line through points, with shapes written from ``at`` downwards."""
    points: Sequence[Point]
    shapes: Sequence[str]
    at: Point
    anchor: str = 'middle'

    def draw(self) -> str:
        path = ' '.join(f'{x},{y}' for x, y in self.points)
        parts = [
            f'<polyline points="{path}" fill="none" stroke="{INK}" '
            'stroke-width="1.6" marker-end="url(#tip)"/>'
        ]
        parts += [
            letters(self.at[0], self.at[1] + 15 * i, shape, SHAPE, BLUE,
                    'bold', self.anchor) for i, shape in enumerate(self.shapes)
        ]
        return '\n'.join(parts)


def letters(x: float,
            y: float,
            text: str,
            size: int,
            color: str,
            weight: str = 'normal',
            anchor: str = 'middle') -> str:
    """One line of text."""
    return (f'<text x="{x}" y="{y}" font-size="{size}" fill="{color}" '
            f'font-weight="{weight}" text-anchor="{anchor}">'
            f'{escape(text)}</text>')


def drawing(width: int, height: int, title: str, parts: List) -> str:
    """The whole SVG file."""
    body = '\n'.join(part.draw() for part in parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} '
            f'{height}" width="{width}" height="{height}" role="img" '
            'font-family="Helvetica, Arial, sans-serif">\n'
            f'<title>{escape(title)}</title>\n'
            '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" '
            'markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0,0 L10,5 L0,10 z" fill="{INK}"/></marker></defs>\n'
            f'<rect x="1" y="1" width="{width - 2}" height="{height - 2}" '
            f'rx="12" fill="#ffffff" stroke="#d0d7de"/>\n{body}\n</svg>\n')


def evad() -> str:
    """ViT-B, 224 x 224 pixels, keep rate 0.7, AVA."""
    return drawing(960, 500, 'Data flow of EVAD', [
        Box(20, 60, 110, 100, 'data', 'clip',
            ['16 frames', 'around the', 'keyframe']),
        Box(290, 30, 250, 160, 'part', 'KeyframeTokenPruneViT', [
            'cubes of 2 x 16 x 16 pixels: 1568 tokens',
            'block 3 drops: 1098 are left', 'block 6 drops: 769 are left',
            'block 9 drops: 539 are left',
            'the 196 of the keyframe always stay'
        ]),
        Box(290, 290, 250, 60, 'part', 'KeyframeFPN',
            ['four depths, strides 4 to 32']),
        Box(290, 420, 250, 60, 'part', 'QueryActorHead',
            ['100 queries, 6 stages']),
        Box(690, 60, 250, 130, 'part', 'ContextRefineDecoder', [
            'tokens back to their places (8, 14, 14)',
            'people pooled from all 8 slices: 100',
            '6 blocks: 539 tokens and 100 people',
            'attend to each other, width 384'
        ]),
        Box(20, 420, 110, 60, 'data', 'who, where', ['person boxes']),
        Box(760, 310, 110, 60, 'data', 'does what', ['action scores']),
        Arrow([(130, 110), (288, 110)], ['(B, 3, 16, 224, 224)'], (210, 100)),
        Arrow([(540, 110), (688, 110)], ['tokens', '(B, 539, 768)'],
              (614, 86)),
        Arrow([(415, 190), (415, 288)], [
            'maps of the keyframe', '(B, 768, 56, 56)  (B, 768, 28, 28)',
            '(B, 768, 14, 14)  (B, 768, 7, 7)'
        ], (425, 222), 'start'),
        Arrow([(415, 350), (415, 418)], [
            '(B, 256, 56, 56)  (B, 256, 28, 28)',
            '(B, 256, 14, 14)  (B, 256, 7, 7)'
        ], (425, 377), 'start'),
        Arrow([(290, 450),
               (132, 450)], ['boxes (B, 100, 4)', 'logits (B, 100, 2)'],
              (212, 426)),
        Arrow([(540, 450), (715, 450), (715, 192)], ['boxes (B, 100, 4)'],
              (620, 442)),
        Arrow([(815, 190), (815, 308)], ['(B, 100, 80)'], (824, 252), 'start'),
    ])


def actionformer() -> str:
    """THUMOS14 with I3D features, 20 classes."""
    levels = [
        Box(300, 165 + 32 * i, 330 - 43 * i, 27, 'keep',
            f'(B, 512, {2304 >> i})') for i in range(6)
    ]
    return drawing(960, 500, 'Data flow of ActionFormer', [
        Box(20, 30, 220, 60, 'data', 'features of videos', ['(2048, T) each']),
        Box(20, 200, 220, 120, 'part', 'ActionFormerNeck', [
            '2 convolutions, 2 blocks', 'at full rate, 5 that halve it;',
            'attention in windows of 19'
        ]),
        *levels,
        Box(710, 200, 230, 120, 'part', 'ActionFormerHead', [
            'the same for all levels;', 'each point: classes, and the',
            'distances to both ends'
        ]),
        Box(710, 420, 230, 60, 'part', 'SoftNMS',
            ['of the best 2000 points a level']),
        Box(300, 420, 220, 60, 'data', 'segments',
            ['start, end, label, score']),
        Arrow([(130, 90),
               (130, 198)], ['padded, with a mask', '(B, 2048, 2304)'],
              (140, 140), 'start'),
        Arrow([(240, 260), (288, 260)], [], (0, 0)),
        Arrow([(560, 260), (708, 260)], ['a pyramid of six levels:'],
              (465, 150)),
        Arrow([(825, 320), (825, 418)], ['(B, T_l, 20)', '(B, T_l, 2)'],
              (834, 364), 'start'),
        Arrow([(710, 450),
               (522, 450)], ['at most 200 a video', '(200, 2) in seconds'],
              (616, 426)),
    ])


def main() -> None:
    for name, draw in (('evad', evad), ('actionformer', actionformer)):
        with open(osp.join(FOLDER, f'{name}_flow.svg'), 'w') as file:
            file.write(draw())


if __name__ == '__main__':
    main()
