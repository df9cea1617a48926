"""Make the environment .venv when it is missing or its recipe changed; otherwise return at once.

    python3 .ci/setup.py

Standard library only, and readable by Python 3.8, so that an old one can say that it is too old.
Every failure is one sentence. What pip said in full is kept in .venv/setup.log.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST, NEWEST = (3, 11), (3, 13)
RECIPE = ("requirements.txt", "pyproject.toml")
SPACE_GB = 4.0  # the environment takes 2.1 GB with the CPU build of torch; pip unpacks beside it
PROBE = "import sys, importlib.util as u; print(*sys.version_info[:2], bool(u.find_spec('venv') and u.find_spec('ensurepip')))"

REASONS = (  # (what pip wrote, what it means and what to do); the first that matches is said
    (r"No space left on device|Errno 28", f"The disk is full. Free at least {SPACE_GB:.0f} GB and run the same command again."),
    (r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|ConnectTimeout|ReadTimeout"
     r"|Network is unreachable|ConnectionResetError|ProxyError|Max retries exceeded",
     "The package index could not be reached. Check the network (or the proxy) and run the same command again; "
     "what was downloaded is kept."),
    (r"No matching distribution found for (\S+)|Could not find a version that satisfies the requirement (\S+)",
     "The package index has no {0} for this Python and this machine. Try another Python ({1}), or look whether "
     "a mirror is configured that lacks it (`pip config list`)."),
    (r"Permission denied|Errno 13", "A file in the environment may not be written. Remove it (`make clean`) and run the same command again."),
    (r"CERTIFICATE_VERIFY_FAILED", "The package index shows a certificate that this machine does not trust. "
     "Behind a company proxy, set PIP_CERT to its certificate."),
    (r"THESE PACKAGES DO NOT MATCH THE HASHES", "A download arrived damaged. Run `pip cache purge` and the same command again."),
    (r"conflicting dependencies|ResolutionImpossible", "The packages of requirements.txt contradict each other; the log names which."),
    (r"subprocess-exited-with-error|metadata-generation-failed|Failed to build",
     "A package had no ready-made build for this Python and could not be compiled. Try another Python ({1})."),
)


def stop(sentence):
    """Say one sentence and end."""
    sys.exit("\n" + sentence)


def dotted(version):
    return ".".join(map(str, version))


def supported():
    return f"{dotted(OLDEST)} to {dotted(NEWEST)}"


def python_of(folder):
    """The interpreter inside an environment."""
    return os.path.join(folder, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))


def probe(python):
    """(version, whether it can make environments) of an interpreter, or None when it does not run."""
    try:
        out = subprocess.run([python, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
        major, minor, can = out.stdout.decode().split()
        return (int(major), int(minor)), can == "True"
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def find_python(first=()):
    """A suitable Python: the ones in `first`, this one, then those on the PATH."""
    names = [*first, sys.executable, "python3.13", "python3.12", "python3.11", "python3", "python"]
    seen, unable = [], None
    for name in names:
        path = shutil.which(name)
        found = probe(path) if path else None
        if not found:
            continue
        version, can_make = found
        seen.append(version)
        if OLDEST <= version <= NEWEST:
            if can_make:
                return path
            unable = unable or version
    if unable:
        stop(f"Python {dotted(unable)} here cannot make environments: its venv module is missing. On Debian or "
             f"Ubuntu: `apt-get install python{dotted(unable)}-venv`; then run the same command again.")
    found = f"found {dotted(max(seen))} ({'too new' if max(seen) > NEWEST else 'too old'})" if seen else "found none"
    stop(f"The book needs Python {supported()} and {found}. Install one of these from python.org or your package "
         "manager and run the same command again; `make PYTHON=/path/to/python3.12 ...` names it.")


def fingerprint(recipe):
    """Changes when the recipe changes, or when the checkout moves (an editable install holds its path)."""
    digest = hashlib.sha256(ROOT.encode())
    for name in recipe:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def is_ready(folder, recipe=RECIPE):
    """Whether the environment was finished from this very recipe, here."""
    try:
        with open(os.path.join(folder, ".ready")) as file:
            return file.read() == fingerprint(recipe) and os.path.exists(python_of(folder))
    except OSError:
        return False


def quiet(*command):
    """Run a program without showing what it prints; returns (exit code, what it printed)."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode(errors="replace")
    except OSError as error:
        return 1, str(error)


def has_pip(python):
    return quiet(python, "-m", "pip", "--version")[0] == 0


def make_folder(folder, python):
    """An environment whose Python and pip run; one left half made is mended or made anew."""
    inside = python_of(folder)
    found = probe(inside)
    if found and OLDEST <= found[0] <= NEWEST and (has_pip(inside) or not quiet(inside, "-m", "ensurepip")[0]):
        return
    print(f"Making {os.path.basename(folder)}", flush=True)
    code, said = quiet(python, "-m", "venv", "--clear", folder)
    if code and re.search("No space|Errno 28", said):
        stop(REASONS[0][1])
    if code:
        stop(f"The environment {os.path.basename(folder)} could not be made: {said.strip().splitlines()[-1]}")
    if not has_pip(inside):
        stop(f"The pip that came with {python} does not run. Reinstall that Python, or name another with "
             "`make PYTHON=/path/to/python3.12 ...`.")


def check_space(folder, needed):
    free = shutil.disk_usage(os.path.dirname(folder)).free / 1e9
    if free < needed:
        stop(f"The environment needs {needed:.0f} GB of free space and this disk has {free:.1f} GB. Free some and "
             "run the same command again.")


def pip_install(folder, arguments):
    """pip install, its progress shown, its complaints kept; a failure becomes one sentence."""
    log = os.path.join(folder, "setup.log")
    command = [python_of(folder), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    said = []
    bar = sys.stdout.isatty()  # pip draws its own progress bar on a terminal; elsewhere we name its steps
    with open(log, "w", encoding="utf-8") as file:
        pip = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=None if bar else subprocess.PIPE)
        steps = None if bar else threading.Thread(target=show_steps, args=(pip.stdout,))
        if steps:
            steps.start()
        for line in pip.stderr:
            text = line.decode(errors="replace")
            said.append(text)
            file.write(text)
            if "Retrying" in text:
                print("The package index does not answer; trying again.", flush=True)
        if steps:
            steps.join()
    if pip.wait():
        stop(explain("".join(said)) + f" (pip's own words: {os.path.relpath(log, ROOT)})")


def show_steps(lines):
    """Print what pip downloads and installs, without what it finds already there."""
    for line in lines:
        text = line.decode(errors="replace").strip()
        if text.startswith(("Downloading", "Processing", "Installing collected", "Successfully installed")):
            print("  " + text[:100], flush=True)


def explain(said):
    """The sentence for what pip wrote on its error stream.

    >>> explain("ERROR: No matching distribution found for torch==9")[:46]
    'The package index has no torch==9 for this Pyt'
    """
    for pattern, sentence in REASONS:
        if match := re.search(pattern, said):
            return sentence.format(next((part for part in match.groups() if part), ""), supported())
    return "pip could not install the packages."


def prepare(folder, arguments, recipe=RECIPE, python=None, needed=SPACE_GB):
    """Make or finish an environment. Does nothing when it is ready; goes on where it was interrupted."""
    if is_ready(folder, recipe):
        return
    began, name = time.time(), os.path.basename(folder)
    fresh = not os.path.exists(python_of(folder))
    check_space(folder, needed if fresh else 0.5)
    make_folder(folder, python or find_python())
    stamp = os.path.join(folder, ".ready")
    if os.path.exists(stamp):
        os.remove(stamp)
    print(f"Installing packages into {name} (the first time: some minutes)", flush=True)
    pip_install(folder, arguments)
    with open(stamp, "w") as file:
        file.write(fingerprint(recipe))
    print(f"{name} is ready after {time.time() - began:.0f} s.", flush=True)


def main():
    try:
        prepare(os.path.join(ROOT, ".venv"), ["-r", "requirements.txt"], python=find_asked(sys.argv[1:]))
    except KeyboardInterrupt:
        stop("Stopped. The same command goes on from here; what was downloaded is kept.")
    except OSError as error:
        stop("The environment could not be written: %s." % (error.strerror or error))


def find_asked(names):
    """The interpreter asked for by name, or None. One that cannot be used is said so."""
    if not names or is_ready(os.path.join(ROOT, ".venv")):
        return None
    found = probe(shutil.which(names[0]) or names[0])
    if not found:
        stop(f"{names[0]} is no Python that runs.")
    return find_python(first=names)


if __name__ == "__main__":
    main()
