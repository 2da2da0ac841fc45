"""Whether the machines of a Ray cluster see the same folders and run the same code."""

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from compute.base.errors import InputError
from compute.base.provenance import ROOT, code_digest, library_versions
from compute.work.machines.ray.connection import first_line, task_options

#: Seconds within which a machine must say what it sees: starting Python there may take long.
LOOK_WITHIN = 120.0


def check_machines(resource: str, folders: list[Path]) -> None:
    """Refuse a cluster unless all its machines with ``resource`` are fit for our units.

    Each must run the same code and libraries as this process, and see in ``folders``, or in
    what there is of them, a file that is put there for the check.

    Raises:
        InputError: names the first machine that does not, and the folder or the library.
    """
    with ExitStack() as stack:
        marks = {}
        for folder in folders:
            there = next(path for path in (folder, *folder.parents) if path.is_dir())
            mark = stack.enter_context(tempfile.NamedTemporaryFile(dir=there, prefix=".seen-"))
            marks[str(folder)] = mark.name
        look = _look_for(marks)
        looks = []
        for node in ray.nodes():
            if node["Alive"] and node["Resources"].get(resource):
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                options = task_options(0) | {"num_cpus": 0, "scheduling_strategy": there}
                found = ray.remote(look).options(**options).remote()
                looks.append((node["NodeManagerHostname"], found))
        for name, found in looks:
            try:
                _check_machine(name, *ray.get(found, timeout=LOOK_WITHIN))
            except RayError as error:
                raise InputError(
                    f"The machine {name} of the Ray cluster does not answer: {first_line(error)}"
                ) from None


#: What a machine says: the folders it does not see; why our code does not run there; the code's
#: digest; versions of libraries.
Look = tuple[list[str], str | None, str, dict[str, str]]


def _look_for(marks: dict[str, str]) -> Callable[[], Look]:
    """A function that Ray ships whole, so that it runs where our code is not found."""

    def look() -> Look:
        from pathlib import Path

        unseen = [folder for folder, mark in marks.items() if not Path(mark).exists()]
        try:
            from compute.base.provenance import code_digest, library_versions

            return unseen, None, code_digest(), library_versions()
        except ImportError as error:  # also of a library whose version is asked for
            return unseen, str(error), "", {}

    return look


def _check_machine(
    name: str, unseen: list[str], fault: str | None, digest: str, versions: dict[str, str]
) -> None:
    machine = f"The machine {name} of the Ray cluster"
    if fault is not None:
        raise InputError(
            f"{machine} cannot run the code in {ROOT} ({fault}); all machines must share that "
            "folder and have the same packages."
        )
    if digest != code_digest():
        raise InputError(f"{machine} has other code in the folder {ROOT}; all must share it.")
    for folder in unseen:
        raise InputError(f"{machine} does not see the folder {folder}; all machines must share it.")
    for library, version in library_versions().items():
        if versions[library] != version:
            raise InputError(
                f"{machine} has {library} {versions[library]}, and this one has {version}; "
                "install the same everywhere."
            )
