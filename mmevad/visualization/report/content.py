# Copyright (c) mmevad authors. All rights reserved.
"""What a report shows of a video, whichever file or model it comes from."""
from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional, Tuple

TOP_K = 5  # actions of a person, at most


class Person(NamedTuple):
    """Somebody on a keyframe.

    Attributes:
        box (tuple[float]): x1, y1, x2, y2 as shares of width and height.
        score (float, optional): That it is a person; None for ground truth.
        actions (list[tuple]): (name, score), score None for ground truth.
    """
    box: Tuple[float, float, float, float]
    score: Optional[float]
    actions: List[Tuple[str, Optional[float]]]


class KeyframeTokens(NamedTuple):
    """Tokens of the clip around a keyframe.

    Attributes:
        alive (str): One digit, of base 36, for each of the t * h * w tokens,
            in the order of the grid: in how many of the grid's layers it is
            there.
        frames (list[int]): First frame of each of the t time slices.
    """
    alive: str
    frames: List[int]


class ReportKeyframe(NamedTuple):
    """A frame with its persons.

    Attributes:
        frame (int): From 0.
        people (list[Person]): Of it.
        tokens (KeyframeTokens, optional): If a model was run.
    """
    frame: int
    people: List[Person]
    tokens: Optional[KeyframeTokens] = None


class ReportSegment(NamedTuple):
    """A part of a video, in seconds; ground truth has no score."""
    start: float
    end: float
    label: str
    score: Optional[float] = None


class TokenGrid(NamedTuple):
    """How tokens lie on a clip.

    Attributes:
        layers (list[str]): Of the pruning layers, the first being all tokens.
        shape (tuple[int]): (t, h, w).
        cell (tuple[float]): Width and height of a token as shares of the
            frame's.
    """
    layers: List[str]
    shape: Tuple[int, int, int]
    cell: Tuple[float, float]


@dataclass
class ReportVideo:
    """A video of a report.

    Attributes:
        name (str): Its name, in files of results and annotations.
        source (str): Where it came from, for messages.
        duration (float, optional): Seconds.
        fps (float, optional): Frame rate.
        keyframes, true_keyframes (list[ReportKeyframe], optional): Of EVAD;
            None if there is no prediction, or no ground truth.
        segments, true_segments (list[ReportSegment], optional): Of
            ActionFormer; likewise.
        grid (TokenGrid, optional): Of ``tokens`` of the keyframes.
        paths (list[str]): Where its frames may be, the likeliest first.
    """
    name: str
    source: str = ''
    duration: Optional[float] = None
    fps: Optional[float] = None
    keyframes: Optional[List[ReportKeyframe]] = None
    true_keyframes: Optional[List[ReportKeyframe]] = None
    segments: Optional[List[ReportSegment]] = None
    true_segments: Optional[List[ReportSegment]] = None
    grid: Optional[TokenGrid] = None
    paths: List[str] = field(default_factory=list)


class Missing(NamedTuple):
    """A part that a report lacks.

    Attributes:
        part (str): Such as 'Predictions'.
        reason (str): One sentence: what is not there.
        remedy (str): One sentence: how to get it.
    """
    part: str
    reason: str
    remedy: str
