# Copyright (c) mmevad authors. All rights reserved.
"""A video of a report -> plain lists, as ``assets/data.js`` expects them."""
from typing import Any, Dict, List, Optional, Sequence

from .content import ReportKeyframe, ReportSegment, ReportVideo
from .media import Media


def _keyframes(rows: Optional[Sequence[ReportKeyframe]],
               numbers: Dict[str, int]) -> Optional[List[dict]]:
    if rows is None:
        return None
    return [
        dict(
            frame=row.frame,
            people=[
                dict(
                    box=[round(x, 5) for x in person.box],
                    score=person.score,
                    actions=[[numbers[name], score]
                             for name, score in person.actions])
                for person in row.people
            ],
            tokens=None if row.tokens is None else row.tokens._asdict())
        for row in rows
    ]


def _segments(rows: Optional[Sequence[ReportSegment]],
              numbers: Dict[str, int]) -> Optional[List[dict]]:
    if rows is None:
        return None
    return [
        dict(
            start=round(row.start, 4),
            end=round(row.end, 4),
            label=numbers[row.label],
            score=row.score) for row in rows
    ]


def length_of(video: ReportVideo, fps: float) -> float:
    """Seconds: as known, else to the end of what is shown."""
    if video.duration:
        return video.duration
    ends = [
        row.end for row in (video.segments or []) + (video.true_segments or [])
    ]
    ends += [(row.frame + 1) / fps
             for row in (video.keyframes or []) + (video.true_keyframes or [])]
    return max(ends, default=1.)


def video_payload(video: ReportVideo, media: Media,
                  classes: Sequence[str]) -> Dict[str, Any]:
    """Plain dict of one video.

    Args:
        video (ReportVideo): The video.
        media (Media): Its frames.
        classes (list[str]): Names by number.
    """
    numbers = {name: i for i, name in enumerate(classes)}
    fps = video.fps or 25.
    return dict(
        name=video.name,
        fps=fps,
        duration=length_of(video, fps),
        media=dict(
            kind=media.kind, mime=media.mime, rate=media.rate,
            note=media.note),
        keyframes=_keyframes(video.keyframes, numbers),
        truthKeyframes=_keyframes(video.true_keyframes, numbers),
        segments=_segments(video.segments, numbers),
        truthSegments=_segments(video.true_segments, numbers),
        grid=None if video.grid is None else video.grid._asdict())
