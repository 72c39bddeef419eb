# Copyright (c) mmevad authors. All rights reserved.
"""Who does what, where and when: the script of one video."""

from dataclasses import dataclass, field
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from .actions import CONTACT, Style
from .camera import half_view

# Relative frequencies of what an idle person does next.
_CHOICES = dict(walk=.12, wave=.2, jump=.18, sit=.12, pick=.2, push=.3)
_ARM_REACH = .47  # statures from the pusher's feet to the other's chest


class Step(NamedTuple):
    """One stretch of a person's time, frames ``start`` <= t < ``end``.

    ``action`` is the posture or whole-body action, ``gesture`` an optional
    'wave' on top. Positions are (x, z) in metres, yaws radians.
    """

    action: str
    start: int
    end: int
    style: Style
    origin: np.ndarray
    target: np.ndarray
    yaw: float
    gesture: Optional[str] = None
    ground_item: Optional[np.ndarray] = None


@dataclass
class Script:
    """The steps of one person, in order and without gaps."""

    lane: float
    stature: float
    position: np.ndarray
    yaw: float
    seat: Optional[Tuple[np.ndarray, float]] = None  # person's spot and yaw
    seated: bool = False
    steps: List[Step] = field(default_factory=list)

    @property
    def now(self) -> int:
        return self.steps[-1].end if self.steps else 0

    def add(self,
            action: str,
            frames: float,
            style: Style,
            target: Optional[np.ndarray] = None,
            yaw: Optional[float] = None,
            gesture: Optional[str] = None,
            ground_item: Optional[np.ndarray] = None) -> None:
        """Append a step that lasts at least one frame."""
        target = self.position if target is None else np.asarray(target)
        self.yaw = self.yaw if yaw is None else yaw
        end = self.now + max(1, int(round(frames)))
        self.steps.append(
            Step(action, self.now, end, style, self.position, target, self.yaw,
                 gesture, ground_item))
        self.position = target


class Director:
    """Writes the scripts of all people of one video.

    Args:
        rng (np.random.Generator): Source of all choices.
        statures (list[float]): Heights of the people in metres.
        num_frames (int): Length of the video.
        fps (float): Frame rate.
        aspect (float): Frame width / height.
    """

    def __init__(self, rng: np.random.Generator, statures: List[float],
                 num_frames: int, fps: float, aspect: float) -> None:
        self.rng = rng
        self.num_frames = num_frames
        self.fps = fps
        self.aspect = aspect
        lanes = np.linspace(
            2.4, 3.2, len(statures)) if len(statures) > 1 else np.array([2.8])
        lanes = rng.permutation(lanes + rng.uniform(-.2, .2, len(lanes)))
        places = rng.permutation(np.linspace(-.6, .6, len(statures)))
        self.scripts = []
        for lane, place, stature in zip(lanes, places, statures):
            half = half_view(lane, aspect)
            x = place * half
            if rng.random() < .12:  # enters later
                x = float(rng.choice([-1.3, 1.3])) * half
            self.scripts.append(
                Script(lane, stature, np.array([x, lane]), self._front()))

    def run(self) -> List[Script]:
        """Let the person who is idle first choose, until time is over."""
        for script in self.scripts:
            if abs(script.position[0]) > half_view(script.lane, self.aspect):
                self._walk(script)
            else:
                self._idle(script, .3, 1.2)
        while True:
            script = min(self.scripts, key=lambda s: s.now)
            if script.now >= self.num_frames:
                return self.scripts
            self._next(script)

    def _style(self) -> Style:
        return Style.sample(self.rng)

    def _front(self) -> float:
        return np.deg2rad(self.rng.uniform(-120, -60))

    def _side(self) -> float:
        """In profile, to the left or to the right."""
        return np.deg2rad(
            self.rng.choice([-180., 0.]) + self.rng.uniform(-25, 25))

    def _seconds(self, low: float, high: float) -> float:
        return self.fps * self.rng.uniform(low, high)

    def _idle(self,
              script: Script,
              low: float,
              high: float,
              yaw: Optional[float] = None) -> None:
        action = 'sit' if script.seated else 'stand'
        script.add(action, self._seconds(low, high), self._style(), yaw=yaw)

    def _next(self, script: Script) -> None:
        names = list(_CHOICES)
        if script.seated:
            choice = str(self.rng.choice(['wave', 'rest']))
        else:
            odds = np.array(list(_CHOICES.values()))
            choice = str(self.rng.choice(names, p=odds / odds.sum()))
        if choice == 'push' and not self._push(script):
            choice = 'walk'
        if choice == 'wave':
            self._wave(script)
        elif choice == 'rest':
            self._idle(script, 1.5, 3.)
        elif choice == 'jump':
            style = self._style()
            script.add('jump', self._seconds(.8, 1.) * style.repeats, style)
        elif choice == 'sit':
            self._sit(script)
        elif choice == 'pick':
            script.yaw = self._side()
            ahead = np.array([np.cos(script.yaw), np.sin(script.yaw)])
            item = script.position + .3 * script.stature * ahead
            script.add(
                'pick up',
                self._seconds(2., 2.8),
                self._style(),
                ground_item=item)
        elif choice == 'walk':
            gesture = 'wave' if self.rng.random() < .1 else None
            self._walk(script, gesture=gesture)
        if self.rng.random() < .5:
            self._idle(script, .8, 1.6)

    def _wave(self, script: Script) -> None:
        action = 'sit' if script.seated else 'stand'
        script.add(
            action, self._seconds(2.4, 3.8), self._style(), gesture='wave')

    def _walk(self,
              script: Script,
              target: Optional[np.ndarray] = None,
              gesture: Optional[str] = None,
              yaw: Optional[float] = None) -> None:
        if target is None:
            half = half_view(script.lane, self.aspect)
            reach = 1.25 if self.rng.random() < .12 else .75
            side = -np.sign(script.position[0]) or 1.
            x = side * half * self.rng.uniform(.1, reach)
            target = np.array([x, script.lane])
        way = target - script.position
        distance = float(np.linalg.norm(way))
        if distance > .25:
            style = self._style()
            script.add(
                'walk',
                max(.6 * self.fps, self.fps * distance / style.speed),
                style,
                target,
                float(np.arctan2(way[1], way[0])),
                gesture=gesture)
        script.yaw = self._front() if yaw is None else yaw

    def _sit(self, script: Script) -> None:
        script.yaw = self._side()
        script.seat = (script.position, script.yaw)
        script.add('sit down', self._seconds(1.5, 2.1), self._style())
        script.seated = True
        self._idle(script, 1., 2.)

    def _push(self, script: Script) -> bool:
        """Walk up to somebody who stands and push; False if impossible."""
        others = [s for s in self.scripts if s is not script and not s.seated]
        view = [
            abs(s.position[0]) < .8 * half_view(s.position[1], self.aspect)
            for s in others
        ]
        others = [s for s, seen in zip(others, view) if seen]
        if not others or script.seated:
            return False
        other = others[self.rng.integers(len(others))]
        side = np.sign(script.position[0] - other.position[0]) or 1.
        gap = _ARM_REACH * script.stature
        spot = other.position + np.array([side * gap, .02])
        arrival = script.now + self.fps * np.linalg.norm(spot -
                                                         script.position)
        if other.now - arrival > 1.5 * self.fps:
            return False
        towards, back = (np.pi, 0.) if side > 0 else (0., np.pi)
        self._walk(script, spot, yaw=towards)
        # Both turn to each other before it begins.
        meet = max(script.now, other.now) + int(.3 * self.fps)
        for one, yaw in ((script, towards), (other, back)):
            one.add('stand', meet - one.now, self._style(), yaw=yaw)
        frames = int(self._seconds(1.6, 2.2))
        contact = int(round(CONTACT * frames)) - 1
        other.add('stand', contact, self._style())
        script.add('push', frames, self._style())
        stumble = other.position - np.array(
            [side * self.rng.uniform(.45, .75), 0])
        other.add('be pushed', self._seconds(1.5, 2.), self._style(), stumble)
        self._idle(other, .5, 1.)
        return True
