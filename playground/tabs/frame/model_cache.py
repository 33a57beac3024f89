"""What happens on the worker: importing torch, keeping models loaded, choosing the device, saying what went wrong.

Everything here except :func:`sentence` runs on the stream's thread, so that the window never waits for torch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from playground import garbage, machine
from playground.contract import Frame, Model, Request
from playground.models import device as device_tests
from playground.models import plane_catalogue
from playground.models.plane_catalogue import TrainedLive

if TYPE_CHECKING:  # numpy comes with them
    from playground.tabs.plane.processes import Processes

KEEP = 10  # models held in memory at once: a race of eight loads each once
AnyModel = TypeVar("AnyModel", bound=Model)
Step = TypeVar("Step")


def prepare() -> None:
    """Import torch and set it up for one long-lived worker."""
    try:
        import torch
    finally:
        garbage.resume()
    torch.set_flush_denormal(True)
    device_tests.full_precision()


def with_threads(model: Model, frames: Iterator[Step]) -> Iterator[Step]:
    """Let each step of a sampler have as many threads as its model wants; lanes of other models come in between."""
    import torch

    wanted = _num_threads(model)
    with contextlib.closing(frames):  # type: ignore[type-var]
        while True:
            if torch.get_num_threads() != wanted:
                torch.set_num_threads(wanted)
            try:
                frame = next(frames)
            except StopIteration:
                return
            yield frame


def _num_threads(model: Model) -> int:
    allowed = os.environ.get("OMP_NUM_THREADS", "")  # whoever sets this has other plans for the other cores
    return model.num_threads or (int(allowed) if allowed.isdecimal() else min(machine.num_cores(), 8))


@dataclasses.dataclass(frozen=True)
class Devices:
    """What there is to compute on: the names that work, the fastest first, and why the others do not."""

    names: list[str]
    faults: dict[str, str]

    @property
    def notice(self) -> str:
        """One sentence about the devices that are there and do not work; empty if all do."""
        reasons = [f"{name} ({why})" for name, why in self.faults.items()]
        return f"Not used, since it does not compute here: {', '.join(reasons)}." if reasons else ""


class ModelCache:
    """Loaded models, the latest used ones kept.

    Attributes:
        device: where they go; None is the fastest there is.
        processes: those that train.
        on_lost: called on the worker with one sentence when a device has stopped working and the CPU takes over.
    """

    def __init__(self, device: str | None = None) -> None:
        self.device = device
        self.on_lost: Callable[[str], object] | None = None
        self._devices: Devices | None = None
        self._models: OrderedDict[tuple[str, int, str], Model] = OrderedDict()
        self._live: dict[str, TrainedLive] = {}

    @cached_property
    def processes(self) -> Processes:
        """Those that train, made when a model of the plane is first opened."""
        from playground.tabs.plane.processes import Processes

        return Processes()

    def close(self) -> None:
        """The window closes, and what trains ends with it."""
        if "processes" in self.__dict__:
            self.processes.close()

    def devices(self) -> Devices:
        """What there is to compute on, tried once."""
        if self._devices is None:
            self._devices = Devices(*device_tests.found())
        return self._devices

    def get(self, id_or_path: str) -> Any:
        """The model, loaded and moved to the device if it is not there yet; of one that is trained live, what it is.

        Raises:
            CheckpointError: one sentence.
            ValueError: if there is no such device.
        """
        if plane_catalogue.is_plane(id_or_path):
            if id_or_path not in self._live:
                self._live[id_or_path] = plane_catalogue.trained_live(id_or_path)
            return self._live[id_or_path]
        import torch

        from playground import checkpoints
        from playground.models import precision

        device = self._chosen()
        file = checkpoints.resolve(id_or_path)
        key = (str(file), file.stat().st_mtime_ns, device)  # a file that was changed is loaded again
        if key not in self._models:
            model = checkpoints.load(id_or_path).to(device)
            torch.set_num_threads(_num_threads(model))  # for the probe, as for the sampler
            precision.settle(model)
            self._models[key] = model
            while len(self._models) > KEEP:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def _chosen(self) -> str:
        found = self.devices()
        device = self.device or found.names[0]
        if device in found.faults:
            raise ValueError(f"The device {device!r} does not compute here ({found.faults[device]}).")
        if device not in found.names:
            raise ValueError(f"There is no device {device!r} here; there is {', '.join(found.names)}.")
        return device

    def sentence(self, error: BaseException) -> str:
        """One clear sentence for the person at the screen; a device that no longer works is given up for the CPU."""
        found = self._devices
        device = (self.device or found.names[0]) if found is not None else "cpu"
        if found is None or device == "cpu" or not isinstance(error, RuntimeError):
            return sentence(error)
        if device_tests.is_out_of_memory(error) or not (why := device_tests.fault(device)):
            return sentence(error)
        names = [name for name in found.names if name != device]
        self._devices = Devices(names, {**found.faults, device: why})
        self.device = "cpu"
        self._models.clear()
        said = f"The device {device} stopped working ({why}). Everything runs on the processor now."
        if self.on_lost is not None:
            self.on_lost(said)
        return said


def memory_guarded(
    model: AnyModel, request: Request, sampler: Callable[[AnyModel, Request], Iterator[Frame]]
) -> Iterator[Frame]:
    """Sample what fits: estimated beforehand on a CPU, found out on a GPU by halving; ``notice`` says so."""
    request, notice = _capped(model, request)
    while True:
        try:
            for frame in sampler(model, request):
                yield (
                    dataclasses.replace(frame, extras={**frame.extras, "notice": notice}) if notice else frame
                )
            return
        except RuntimeError as error:
            if request.num_samples == 1 or not device_tests.is_out_of_memory(error):
                raise
        # out here, where the exception and all that its sampler held are gone: inside, nothing would be freed
        device_tests.free(str(next(model.parameters()).device))
        request = dataclasses.replace(request, num_samples=request.num_samples // 2)
        notice = f"The device ran out of memory, so {request.num_samples} pictures are drawn."


def _capped(model: Model, request: Request) -> tuple[Request, str]:
    """On a CPU, which would swap instead of refusing: as many pictures as fit into half of the free memory."""
    if next(model.parameters()).device.type != "cpu":
        return request, ""
    fits = max(1, machine.free_memory() // 2 // model.sample_bytes)
    if request.num_samples <= fits:
        return request, ""
    notice = f"There is memory for {fits} pictures, so {fits} are drawn."
    return dataclasses.replace(request, num_samples=fits), notice


def sentence(error: BaseException) -> str:
    """One clear sentence for the person at the screen."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    if name == "OutOfMemoryError" or device_tests.is_out_of_memory(error):
        return "There is not enough memory for this: ask for fewer pictures."
    if name in ("CheckpointError", "ValueError", "FileNotFoundError"):
        return text or name
    if isinstance(error, ModuleNotFoundError):
        return f"A package is missing: {text}."
    return f"The model stopped with an error ({name}: {text[:300]})."
