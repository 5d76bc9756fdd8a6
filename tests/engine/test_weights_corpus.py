"""The shared bad inputs, model files: each case gives what its manifest says, within its limits.

All are opened in one child process, which is this file run as a program; where it dies, the next child goes on
behind the case that killed it.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT.parent / "shared" / "bad_inputs" / "make_bad_inputs.py"
CHILD_SECONDS = 120
CHILD_MEMORY = 6 * 2**30  # of addresses, so that a case without bounds ends its child and not the machine


def case_names() -> list[str]:
    if not GENERATOR.exists():
        return []
    listed = subprocess.run([sys.executable, GENERATOR, "-", "--list"], capture_output=True, text=True, check=True)
    return [line.split()[1] for line in listed.stdout.splitlines() if line.startswith("model ")]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad_inputs")
    subprocess.run([sys.executable, GENERATOR, folder, "--only", "model"], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def cases(corpus):
    return {case["id"]: case for case in json.loads((corpus / "manifest.json").read_text())["cases"]}


@pytest.fixture(scope="session")
def results(corpus, cases):
    found = {}
    waiting = list(cases)
    while waiting:
        output, ending = run_child([corpus / cases[name]["path"] for name in waiting])
        found.update(zip(waiting, output, strict=False))
        if len(output) < len(waiting):
            found[waiting[len(output)]] = {"outcome": f"the process {ending}", "message": ""}
        waiting = waiting[len(output) + 1 :]
    return found


def run_child(paths: list[Path]) -> tuple[list[dict[str, object]], str]:
    """What the child wrote, a dict for each path it came to the end of, and how it ended itself."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, *map(str, paths)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=CHILD_SECONDS)
        lines, ending = done.stdout, f"ended with {done.returncode}: {done.stderr[-500:]}"
    except subprocess.TimeoutExpired as expired:
        lines, ending = (expired.stdout or b"").decode(), "did not end"
    return [json.loads(line) for line in lines.splitlines()], ending


@pytest.mark.skipif(not GENERATOR.exists(), reason=f"{GENERATOR} is not there")
@pytest.mark.parametrize("name", case_names())
def test_case(name, corpus, cases, results):
    case, result = cases[name], results[name]
    assert result["outcome"] in {case["expected"], *case["also_ok"]}, result
    for pattern in case["must_mention"] if result["message"] else []:
        assert re.search(pattern, result["message"], re.IGNORECASE), result
    for pattern in case["must_not_mention"]:
        assert not re.search(pattern, result["message"], re.IGNORECASE), result
    if result["outcome"] != "load":
        assert Path(case["path"]).name in result["message"], "names the file"
    if case["sentinel"]:
        assert not (corpus / case["sentinel"]).exists(), "code in the file was run"
    assert result["seconds"] <= case["limits"]["max_seconds"]
    assert result["extra_mb"] <= case["limits"]["max_extra_rss_mb"]


@pytest.mark.skipif(not GENERATOR.exists(), reason=f"{GENERATOR} is not there")
@pytest.mark.parametrize("name", ["pt_good", "pt_good_legacy", "pt_cuda_tagged", "pt_training_ckpt", "st_good"])
def test_values_are_right(name, results):
    import torch

    torch.manual_seed(0)
    true = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)).state_dict()
    assert results[name]["values"] == {key: value.tolist() for key, value in true.items()}


# --------------------------------------------------------------------------------------------------- in the child


def peak_mb(field: str) -> float:
    """A field of Linux' own book-keeping: VmRSS now, VmHWM at most since it was cleared. 0 elsewhere."""
    status = Path("/proc/self/status")
    found = re.search(rf"{field}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0


def main(paths: list[str]) -> None:
    from torch import nn

    from engine.errors import InputError
    from engine.weights import load_into, read_weights

    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (CHILD_MEMORY, CHILD_MEMORY))
    for path in map(Path, paths):
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        if sys.platform == "linux":
            Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
        before, start = peak_mb("VmRSS"), time.perf_counter()
        try:
            warnings = load_into(model, read_weights(path), path)
            outcome, message = "load with warning" if warnings else "load", " ".join(warnings)
        except InputError as error:
            outcome, message = "refuse", str(error)
        result = {
            "outcome": outcome, "message": message, "seconds": time.perf_counter() - start,
            "extra_mb": peak_mb("VmHWM") - before,
            "values": {key: value.tolist() for key, value in model.state_dict().items()},
        }  # fmt: skip
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
