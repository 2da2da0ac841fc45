"""Find a good point of a grid in few evaluations.

If every point of the grid is valid and paid for, any point gives a valid bound, so the
search may be rough: missing the best point loses tightness, never validity.
"""

from collections.abc import Callable, Sequence

Index = tuple[int, ...]


def pattern_search(
    value: Callable[[Index], float], sizes: Sequence[int], starts: Sequence[Index], step: int = 16
) -> Index:
    """Index of a small value: from the best start, steps along each axis that halve when stuck.

    Args:
        value: function of an index; evaluated once per index.
        sizes: length of each axis of the grid.
        starts: indices to begin from.
        step: first length of a step, in places of the grid.
    """
    known: dict[Index, float] = {}

    def look_up(index: Index) -> float:
        if index not in known:
            known[index] = value(index)
        return known[index]

    def moved(index: Index, axis: int, by: int) -> Index:
        place = min(max(index[axis] + by, 0), sizes[axis] - 1)
        return (*index[:axis], place, *index[axis + 1 :])

    best = min(starts, key=look_up)
    while step:
        moves = [moved(best, axis, by) for axis in range(len(sizes)) for by in (-step, step)]
        candidate = min(moves, key=look_up)
        if look_up(candidate) < look_up(best):
            best = candidate
        else:
            step //= 2
    return best
