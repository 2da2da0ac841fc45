"""How a student follows its teacher: fixed before the text of a ladder is looked at."""

from dataclasses import dataclass

#: Windows that are drawn side by side at most, which bounds the memory of keys and values.
MOST_WINDOWS = 96


@dataclass(frozen=True)
class Recipe:
    """Everything of a student that is not its teacher's: shape, initial weights, rates, batches.

    Attributes:
        teacher_window: share of the teacher's steps so far over which it is averaged.
        student_window: the same of the student.
        replayed: earlier drawn windows in a student's batch for every new one.
        pool: share of the windows drawn so far, the latest, from which those are taken.
        finish: further steps on such windows after the last draw, as a share of all steps, in
            which the learning rate falls to 0.
        hold: steps of a block, for which the teacher's average stays, as a share of those before.
    """

    teacher_window: float
    student_window: float
    replayed: int = 3
    pool: float = 0.3
    finish: float = 0.3
    hold: float = 0.02

    def __post_init__(self) -> None:
        for name in ("teacher_window", "student_window", "pool"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} must be in (0, 1]")
        if self.replayed < 0 or self.finish < 0 or self.hold < 0:
            raise ValueError(f"a number of {self} is negative")

    def blocks(self, steps: int, batch_windows: int) -> list[int]:
        """Steps after which each block ends, rising to ``steps``."""
        ends: list[int] = []
        done = 0
        while done < steps:
            held = min(int(self.hold * done), MOST_WINDOWS // batch_windows)
            done = min(steps, done + max(1, held))
            ends.append(done)
        return ends
