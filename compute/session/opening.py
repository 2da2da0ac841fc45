"""From a request to its session: of a ladder, or of published models."""

from dataclasses import replace

from compute.base.errors import InputError
from compute.session import hub_session, ladder_session
from compute.session.place import place_of
from compute.session.request import Goes, Request
from compute.session.session import Session
from compute.suites.published.hub_suite import hub_presets


def open_session(request: Request) -> Session:
    """Check everything that can be checked before long work begins.

    Raises:
        InputError: one sentence naming what is wrong.
    """
    if request.executor == "ray":  # its processes run in other folders
        folders = (request.data_dir.absolute(), request.cache_dir.absolute())
        request = replace(request, data_dir=folders[0], cache_dir=folders[1])
    place = place_of(request)
    if request.model:
        if request.preset is not None:
            raise InputError("--preset names a suite and --model a model; give one of them.")
        request.check(Goes.MODEL, "--model")
        return hub_session.open_model(place)
    preset, why = request.preset, None
    if preset is None:
        preset = "pythia" if place.device.startswith("cuda") else "small"
        why = (
            f"Preset {preset}, since there is {'a' if preset == 'pythia' else 'no'} GPU; choose "
            "another with --preset (PRESET=... of make)."
        )
        place = replace(place, request=replace(request, preset=preset))
    if preset in hub_presets(request.hub_file):
        request.check(Goes.PUBLISHED, f"the preset {preset}")
        return replace(hub_session.open_preset(place, preset), why=why)
    request.check(Goes.LADDER, f"the preset {preset}, which is trained here")
    return replace(ladder_session.open_ladder(place, preset), why=why)
