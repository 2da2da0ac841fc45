"""Progress of units on other machines.  Imports nothing heavy: its process only keeps counts."""

import ray


@ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)
class ProgressBoard:
    """The latest count of tokens of each running unit, kept until the driver asks for it."""

    def __init__(self):
        self._tokens: dict[str, int] = {}

    def put(self, unit: str, tokens: int) -> None:
        """Note how far the unit of this name is."""
        self._tokens[unit] = tokens

    def take(self) -> dict[str, int]:
        """What has been noted since the last call."""
        taken, self._tokens = self._tokens, {}
        return taken
