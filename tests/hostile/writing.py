"""A folder is whole whatever happens while it is written: `writing.py CASE FOLDER`.

Conversions are forked from a process that has everything imported: fifty take some seconds.
"""

import contextlib
import hashlib
import io
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import seeds

from onnx2ms.compiler import cli

TIMES = 50
WRITTEN = ("model.py", "model.ckpt", "weight_map.json", "report.json")

Content = dict[str, str]


class Place:
    """A folder with two models and what each is converted to.

    Args:
        folder: An empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "net"
        self.models = [folder / "old.onnx", folder / "new.onnx"]
        for file, name in zip(self.models, ("layers", "attention"), strict=True):
            data = next(seed.data for seed in seeds.small() if seed.name == name)
            file.write_bytes(data)
        self.whole: list[Content] = []
        self.seconds = 0.0
        for model in self.models:
            started = time.monotonic()
            self.convert(model)
            self.seconds = time.monotonic() - started
            self.whole.append(content(self.out))
        self.convert(self.models[0])

    def convert(self, model: Path) -> int:
        """Write the folder anew."""
        return cli.main([str(model), "-o", str(self.out), "--force", "--no-verify", "-q"])

    def fork(self, model: Path, before: Callable[[], object] = lambda: None) -> int:
        """Write it in another process; what that prints is kept beside."""
        child = os.fork()
        if child:
            return child
        told = (self.folder / "told").open("w")
        sys.stderr = told
        before()
        status = self.convert(model)
        told.flush()
        os._exit(status)

    def is_whole(self) -> bool:
        """Tell whether the folder holds what one of the models is converted to."""
        return content(self.out) in self.whole

    def left(self) -> set[str]:
        """Return what lies beside it and does not belong there."""
        names = {self.out.name, "told", *(model.name for model in self.models)}
        return {path.name for path in self.folder.iterdir()} - names


def content(folder: Path) -> Content:
    """Return the sums of what is written the same every time, and which files there are."""
    found = {file.name: "" for file in folder.iterdir()}
    for name in found.keys() & set(WRITTEN[:3]):
        found[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return found


def killed(place: Place) -> None:
    """Kill a run at fifty moments; the folder is the old one or the new one, whole."""
    rng = random.Random(0)
    seen = {"old": 0, "new": 0}
    for number in range(TIMES):
        kept = content(place.out)
        child = place.fork(place.models[(number + 1) % 2])
        time.sleep(rng.random() * place.seconds * 1.5)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert place.is_whole(), f"run {number} left {content(place.out)}"
        seen["old" if content(place.out) == kept else "new"] += 1
    place.convert(place.models[0])
    assert not place.left(), place.left()
    print(f"killed {TIMES} times: {seen}")


def full(place: Place) -> None:
    """Let files grow to less than what is written: the old folder stays."""
    rng = random.Random(0)
    whole = max((place.out / name).stat().st_size for name in WRITTEN)
    for number in range(TIMES):
        most = rng.randrange(whole)

        def limit(most: int = most) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        kept = content(place.out)
        child = place.fork(place.models[(number + 1) % 2], limit)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            assert place.is_whole()
        else:
            assert status == 1, status
            assert content(place.out) == kept, "the old folder is lost"
        assert not place.left(), place.left()
    print(f"{TIMES} limits up to {whole} bytes")


def read_only(place: Place) -> None:
    """Write where one may not: the old folder stays, and a message says why."""

    def become_nobody() -> None:
        if os.geteuid() == 0:
            os.setuid(65534)

    os.chmod(place.folder, 0o555)
    (place.folder / "told").touch()
    os.chmod(place.folder / "told", 0o666)
    for file in place.models:
        os.chmod(file, 0o444)
    kept = content(place.out)
    child = place.fork(place.models[1], become_nobody)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.chmod(place.folder, 0o755)
    told = (place.folder / "told").read_text()
    assert status == 1, (status, told)
    assert "cannot write" in told, told
    assert content(place.out) == kept


def at_once(place: Place) -> None:
    """Let two runs write one folder at the same time: it is that of one of them."""
    for _ in range(TIMES // 2):
        children = [place.fork(model) for model in place.models]
        for child in children:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert status == 0, (place.folder / "told").read_text()
        assert place.is_whole(), content(place.out)
        assert not place.left(), place.left()
    print(f"{TIMES // 2} times two")


def sums(folder: Path) -> None:
    """Print the sums of what every small model is converted to."""
    for seed in seeds.small():
        for name, data in {"net.onnx": seed.data, **seed.files}.items():
            (folder / name).write_bytes(data)
        words = [str(folder / "net.onnx"), "-o", str(folder / "net"), "--force", "--no-verify"]
        with contextlib.redirect_stderr(io.StringIO()):
            status = cli.main([*words, "-q"])
        print(seed.name, status, status or sorted(content(folder / "net").items()))


CASES = {"killed": killed, "full": full, "read_only": read_only, "at_once": at_once}

if __name__ == "__main__":
    case, root = sys.argv[1], Path(sys.argv[2])
    if case == "sums":
        sums(root)
    else:
        CASES[case](Place(root))
