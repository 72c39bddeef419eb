# Copyright (c) mmevad authors. All rights reserved.
"""Actor looks: body proportions, clothes, hair and skin."""

import colorsys
from dataclasses import dataclass
from typing import Tuple

import numpy as np

from .skeleton import Body

Color = Tuple[int, int, int]  # BGR

_SKINS = ((205, 224, 245), (170, 200, 235), (130, 165, 215), (95, 130, 185),
          (80, 110, 165), (70, 95, 145))
_HAIRS = ((25, 25, 30), (40, 60, 90), (60, 110, 150), (95, 175, 215),
          (50, 75, 160), (150, 150, 155))


@dataclass(frozen=True)
class Look:
    """One actor.

    Colours are BGR in 0..255.
    """

    look_id: str
    body: Body
    skin: Color
    hair: Color
    shirt: Color
    trousers: Color
    shoes: Color
    stripe: Color
    long_sleeves: bool
    legwear: str  # 'long', 'short' or 'skirt'
    hair_style: str  # 'short', 'long', 'bald' or 'cap'
    striped: bool


def _vivid(rng: np.random.Generator) -> Color:
    rgb = colorsys.hsv_to_rgb(rng.uniform(), rng.uniform(.3, .85),
                              rng.uniform(.8, 1))
    return tuple(int(255 * c) for c in rgb[::-1])


def sample_look(look_id: str, rng: np.random.Generator) -> Look:
    """Draw one look at random."""

    def near(value: float, spread: float) -> float:
        return value * rng.uniform(1 - spread, 1 + spread)

    body = Body(
        stature=rng.uniform(1.5, 1.88),
        trunk=near(.28, .06),
        head=near(.08, .12),
        upper_arm=near(.165, .06),
        forearm=near(.165, .06),
        thigh=near(.245, .05),
        shin=near(.235, .05),
        shoulder=near(.105, .15),
        hip=near(.055, .15),
        girth=rng.uniform(.85, 1.3))
    return Look(
        look_id=look_id,
        body=body,
        skin=_SKINS[rng.integers(len(_SKINS))],
        hair=_HAIRS[rng.integers(len(_HAIRS))],
        shirt=_vivid(rng),
        trousers=_vivid(rng),
        shoes=tuple(int(c) for c in rng.integers(15, 110, 3)),
        stripe=_vivid(rng),
        long_sleeves=bool(rng.random() < .5),
        legwear=str(rng.choice(['long', 'short', 'skirt'], p=[.6, .25, .15])),
        hair_style=str(
            rng.choice(['short', 'long', 'bald', 'cap'], p=[.45, .3, .08,
                                                            .17])),
        striped=bool(rng.random() < .35))
