"""How a student follows its teacher; the bound pays for the choice (docs/THEORY.md, section 10)."""

from dataclasses import dataclass

#: Windows that are drawn side by side at most, which bounds the memory of keys and values.
MOST_WINDOWS = 96


@dataclass(frozen=True)
class Block:
    """What happens between two draws.

    Attributes:
        steps: of the student.
        windows: drawn before them.
    """

    steps: int
    windows: int


@dataclass(frozen=True)
class Recipe:
    """Everything of teacher and student that their model does not say.

    Attributes:
        passes: of the teacher over the real data, while the student takes as many steps as one
            epoch has.
        tether: after each of its steps the teacher moves towards the student by 1/(tether * steps
            so far), so that it knows little that the student would have to learn for nothing.
        teacher_window: share of its steps so far over which the teacher is averaged.
        student_window: the same of the student.
        drawn: windows drawn, as a share of those of the real data.
        replayed: earlier drawn windows in a student's batch for every one in a teacher's.
        pool: share of the windows drawn so far, the latest, from which those are taken.
        flatness: the student's logits are multiplied by it at the end.  Losses that spread less
            leave a smaller gap, and below 1 they do.
        hold: steps of a block, for which teacher and student are not compared again, as a share of
            those before.
    """

    passes: int = 4
    tether: float = 0.1
    teacher_window: float = 0.1
    student_window: float = 0.1
    drawn: float = 0.5
    replayed: int = 3
    pool: float = 0.3
    flatness: float = 0.9
    hold: float = 0.02

    def __post_init__(self) -> None:
        shares = ("tether", "teacher_window", "student_window", "drawn", "pool", "flatness")
        for name in shares:
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name}={getattr(self, name)} must be in (0, 1]")
        if self.passes < 1 or self.replayed < 0 or self.hold < 0:
            raise ValueError(f"a number of {self} is too small")

    def blocks(self, steps: int, batch_windows: int) -> list[Block]:
        """The student's ``steps`` in blocks, each with at least one window drawn for it."""
        blocks: list[Block] = []
        done = drawn = 0
        while done < steps:
            held = max(1, min(int(self.hold * done), MOST_WINDOWS // batch_windows))
            held = min(held, steps - done)
            windows = max(1, round(self.drawn * (done + held) * batch_windows) - drawn)
            blocks.append(Block(held, windows))
            done, drawn = done + held, drawn + windows
        return blocks
