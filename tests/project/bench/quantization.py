"""Time and memory of our LDLQ against auto-gptq's GPTQ on the same layers, one thread each."""

import json
import resource
import statistics
import subprocess
import sys
import time

#: (rows, columns) of the layers.
LAYERS = ((512, 2048), (2048, 2048))

#: Repetitions, of which the median counts; the first one, which warms up, does not.
REPEATS = 5


def report() -> None:
    """Print one line per layer."""
    print(
        "\nError feedback at 4 bits: seconds per layer, peak memory of the process above its start"
    )
    for rows, columns in LAYERS:
        found = {name: _in_fresh_process(name, rows, columns) for name in ("gptq", "ldlq")}
        theirs, ours = found["gptq"], found["ldlq"]
        print(
            f"  {rows} x {columns}: LDLQ {ours['seconds']:.2f} s, auto-gptq "
            f"{theirs['seconds']:.2f} s ({theirs['seconds'] / ours['seconds']:.1f} times as fast); "
            f"{ours['memory'] / 2**20:.0f} MiB against {theirs['memory'] / 2**20:.0f} MiB; "
            f"proxy loss {ours['loss'] / theirs['loss']:.5f} of theirs"
        )


def _in_fresh_process(name: str, rows: int, columns: int) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "tests.project.bench.quantization",
        name,
        str(rows),
        str(columns),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def _measure(name: str, rows: int, columns: int) -> dict[str, float]:
    import torch

    from compute.quantize.quantizers import gptq, ldlq

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(rows, columns, generator=generator)
    mixing = torch.randn(columns, columns, generator=generator) / columns**0.5
    inputs = torch.randn(2 * columns, columns, generator=generator) @ mixing
    hessian = (inputs.T @ inputs / len(inputs)).double()
    quantize = {"gptq": gptq.quantize, "ldlq": ldlq.quantize}[name]
    quantize(weight[:8, :64], hessian[:64, :64], 4)  # loads and warms up what is needed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        tensor = quantize(weight, hessian, 4)
        seconds.append(time.perf_counter() - start)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    error = tensor.dequantize().double() - weight.double()
    return {
        "seconds": statistics.median(seconds[1:]),
        "memory": memory,
        "loss": ((error @ hessian) * error).sum().item(),
    }


if __name__ == "__main__":
    name, rows, columns = sys.argv[1:]
    print(json.dumps(_measure(name, int(rows), int(columns))))
