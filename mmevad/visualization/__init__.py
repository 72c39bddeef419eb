# Copyright (c) mmevad authors. All rights reserved.
"""Pictures of what a model sees and says; pure functions of arrays."""
from .boxes import Actor, draw_actors, place_labels
from .canvas import distinct_color, draw_text, enlarge, tile_grid

__all__ = [
    'Actor', 'distinct_color', 'draw_actors', 'draw_text', 'enlarge',
    'place_labels', 'tile_grid'
]
