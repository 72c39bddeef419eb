# Copyright (c) mmevad authors. All rights reserved.
"""Pictures of what a model sees and says; pure functions of arrays."""
from .boxes import Actor, draw_actors, place_labels
from .canvas import distinct_color, draw_text, enlarge, tile_grid
from .timeline import draw_timeline
from .tokens import draw_actor_attention, draw_kept_tokens

__all__ = [
    'Actor', 'distinct_color', 'draw_actor_attention', 'draw_actors',
    'draw_kept_tokens', 'draw_text', 'draw_timeline', 'enlarge',
    'place_labels', 'tile_grid'
]
