"""Script tasks: what they give, and what they cannot do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from casepath.engine import errors
from casepath.engine.bpmn import scripts
from casepath.engine.bpmn.scripts import Limits, ScriptResult, compile_script
from tests.each import each

NOW = datetime(2026, 10, 1, 9, tzinfo=UTC)
FIVE: dict[str, object] = {"a": 1, "b": [2], "c": 3, "d": 4, "e": 5}
#: What no busy machine exceeds by accident, and what hostile scripts shall exceed soon.
AMPLE = Limits(seconds=10, memory=20_000_000)
SHORT = Limits(seconds=0.3, memory=20_000_000)


@pytest.fixture(scope="module", autouse=True)
def _ended_sandbox() -> Iterator[None]:
    yield
    scripts.close()


def run(text: str, **variables: object) -> ScriptResult:
    return compile_script(text, format="python").run(variables, now=NOW, seed=7, limits=AMPLE)


@each(
    "text, variables, assigned, value",
    [
        ("total = price * 2", {"price": 5}, {"total": 10}, None),
        ("total = price * 2\ntotal + 1", {"price": Decimal("1.10")}, {"total": Decimal("2.20")}, Decimal("3.20")),
        ("a, b = 1, [2]\nc: int = 3\nif (d := 4) > 3:\n    e = 5", {}, FIVE, None),
        ("count += 1", {"count": 1}, {"count": 2}, None),
        ("if large:\n    note = 'x'", {"large": False}, {}, None),
        ("items.append(3)", {"items": [1], "other": [2]}, {"items": [1, 3]}, None),
        ("m['x'] = 1\nlen(m)", {"m": {}}, {"m": {"x": 1}}, 1),
        ("same = items", {"items": [1]}, {"same": [1]}, None),
        ("_x = 1\ndef twice(n):\n    y = 2\n    return n * y\nfor n in [1, 2]:\n    x = twice(n)", {}, {"x": 4}, None),
        ("import re\nok = bool(re.match('a+', name))", {"name": "aab"}, {"ok": True}, None),
        ("later = day + wait", {"day": date(2026, 1, 1), "wait": timedelta(days=2)}, {"later": date(2026, 1, 3)}, None),
        ("print('nobody hears it')", {}, {}, None),
        ("", {}, {}, None),
        ("# only a comment", {}, {}, None),
        ("None", {}, {}, None),
    ],
)
def test_run(text: str, variables: dict[str, object], assigned: dict[str, object], value: object) -> None:
    assert run(text, **variables) == ScriptResult(assigned=assigned, value=value)


def test_run__replay_gives_the_same() -> None:
    text = "import random\nfrom datetime import datetime\nat = datetime.now()\nchance = random.random()"

    first = run(text)

    assert first == run(text)
    assert first.assigned["at"] == NOW
    assert first != compile_script(text, format="python").run({}, now=NOW, seed=8, limits=AMPLE)


def test_run__leaves_nothing_for_the_next() -> None:
    run("left = 1")

    with pytest.raises(errors.ScriptError, match="'left' is not defined"):
        run("left + 1")


def test_run__only_what_it_reads_is_passed() -> None:
    assert run("x = 1", unreadable=object()) == ScriptResult(assigned={"x": 1})


def test_compile_script__names() -> None:
    script = compile_script("a = b + 1\ndef f(c):\n    d = e\n    return c\n_g = 1\nh.append(i)", format="python")

    assert script.names_assigned == {"a"}
    assert script.names_read >= {"b", "e", "h", "i"}


@each(
    "text, exception, argument",
    [
        ("raise BpmnError('NO_STOCK', 'none left')", "BpmnError", "NO_STOCK"),
        ("def check():\n    raise BpmnError('NO_STOCK')\ncheck()", "BpmnError", "NO_STOCK"),
        ("raise ValueError('E_1')", "ValueError", "E_1"),
        ("raise KeyError('k')", "KeyError", "k"),
        ("raise ValueError", "ValueError", ""),
        ("assert False, 'why'", "AssertionError", "why"),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
    ],
)
def test_run__what_the_script_raises(text: str, exception: str, argument: str) -> None:
    with pytest.raises(errors.ScriptError) as raised:
        run(text)

    assert (raised.value.exception, raised.value.argument) == (exception, argument)


def test_run__a_caught_bpmn_error_is_none() -> None:
    assert run("try:\n    raise BpmnError('X')\nexcept Exception:\n    ok = 1") == ScriptResult(assigned={"ok": 1})


def test_run__the_line_of_an_error() -> None:
    with pytest.raises(errors.ScriptError, match="in line 3 ZeroDivisionError"):
        run("x = 1\n\ny = x / 0")


@each(
    "text, message",
    [
        ("x =", "in line 1"), ("x = 1\ny = (", "in line 2"),
        ("class E(Exception):\n    pass", "in line 1.*inheritance"),
        ("def f():\n    yield 1", "yield"), ("x" * 30_000, "at most 20000 characters"),
        ("\x00", "Expected a Python script"),
        ("(" * 5_000 + ")" * 5_000, "Expected"), ("-" * 19_000 + "1", "Expected"),
        ("+".join(["1"] * 9_000), "Expected"),
        ("[" * 10_000, "Expected"), ("a" + ".b" * 9_000, "Expected"), ("x = " + "9" * 10_000, "Expected"),
    ],
)  # fmt: skip
def test_compile_script__refuses(text: str, message: str) -> None:
    with pytest.raises(errors.ScriptError, match=message):
        compile_script(text, format="python")


@pytest.mark.parametrize("format_", ["groovy", "javascript", "", "Python 3"])
def test_compile_script__refuses_other_formats(format_: str) -> None:
    with pytest.raises(errors.ScriptError, match="Expected a script in one of python, feel"):
        compile_script("1", format=format_)


def test_run__feel() -> None:
    script = compile_script("amount * 2", format="feel")

    assert script.names_read == {"amount"}
    assert script.run({"amount": 5}, now=NOW, seed=1) == ScriptResult(value=Decimal(10))


def test_compile_script__refuses_what_is_no_feel() -> None:
    with pytest.raises(errors.ScriptError, match="FEEL"):
        compile_script("amount *", format="feel")


HOSTILE = [
    # time
    "while True: pass", "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
    "sum(range(10**12))",
    "def f(n):\n    return f(n - 1) + f(n - 2) if n > 1 else 1\nf(60)", "x = 3\nwhile True: x = x * x % 1000003",
    "while True: print('x' * 100)",
    # memory
    "x = []\nwhile True: x.append('a' * 100000)", "'a' * 10**10", "[0] * 10**9", "9**9**9", "1 << 10**10",
    "list(range(10**9))",
    "'a'.ljust(10**10)", "f'{1:>1000000000}'", "x = 'a' * 10**6\n''.join([x] * 1000)",
    "x = {}\nfor i in range(10**8): x[i] = i",
    "import math\nmath.factorial(10**7)", "x = 'ab'\nfor i in range(60): x = x + x", "'a'.replace('a', 'b' * 10**9)",
    "bytes(10**10)",
    # recursion and nesting
    "def f(): return f()\nf()", "f = lambda g: g(g)\nf(f)", "x = []\nfor i in range(100): x = [x, x]",
    "x = []\nfor i in range(1000): x = [x]",
    "import json\njson.loads('[' * 100000)", "eval('(' * 9000 + ')' * 9000)",
    # the way out
    "open('/etc/passwd').read()", "open('x', 'w').write('1')", "import subprocess", "import socket", "import ctypes",
    "import urllib.request",
    "__import__('os').system('id')", "import os\nos.system('id')", "import os\nos.listdir('/')",
    "import os\nos.environ['PATH']",
    "from pathlib import Path\nPath('/etc/passwd').read_text()", "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__",
    "(lambda: 0).__globals__", "__builtins__", "globals()", "getattr(1, '__class__').__base__",
    "type(1).__subclasses__()", "breakpoint()",
    "input()", "exit()", "import sys\nsys.modules['os']", "import importlib",
    "import builtins\nbuiltins.open('/etc/passwd')", "import pickle",
    "import threading", "import multiprocessing", "raise SystemExit", "raise KeyboardInterrupt",
    "BpmnError.__globals__", "import casepath",
    # results that are no values
    "x = lambda: 1", "import re\nx = re", "class C:\n    pass\nx = C()", "x = {1, 2}", "x = b'a'", "x = float('nan')",
    "x = {1: 2}", "x = print",
    "x = object", "x = 1j", "x = 10**5000", "x = [lambda: 1]\nx = {2: x}", "{1, 2}",
]  # fmt: skip


@each("text", HOSTILE)
def test_run__hostile(text: str) -> None:
    with pytest.raises(errors.ScriptError, match="Expected"):
        compile_script(text, format="python").run({}, now=NOW, seed=7, limits=SHORT)

    assert run("1 + 1").value == 2


def test_run__variables_that_no_script_can_read() -> None:
    with pytest.raises(errors.ScriptError, match="Expected variables"):
        run("x", x=object())


def test_run__from_many_threads() -> None:
    results: list[object] = []

    def double(number: int) -> None:
        results.append(run("n * 2", n=number).value)

    threads = [threading.Thread(target=double, args=(number,)) for number in range(12)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(str(result) for result in results) == sorted(str(number * 2) for number in range(12))


def test_run__in_a_child_of_a_process_that_has_run_scripts_is_refused() -> None:
    run("1")
    child = os.fork()
    if child == 0:
        try:
            run("1 + 1")
        except errors.ScriptError as error:
            os._exit(0 if "forked" in error.message else 1)
        os._exit(2)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert run("1 + 1").value == 2


def test_run__in_a_child_forked_before() -> None:
    program = (
        "import datetime, os; from casepath.engine.bpmn import scripts\n"
        "child = os.fork()\n"
        "now = datetime.datetime.now(datetime.UTC)\n"
        "script, ample = scripts.compile_script('1 + 1', format='python'), scripts.Limits(seconds=10)\n"
        "os.write(1, f'{script.run({}, now=now, seed=1, limits=ample).value}\\n'.encode())  # whole lines, not mixed\n"
        "if child: os.waitpid(child, 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert ended.stdout.split() == ["2", "2"]


def test_run__after_the_worker_was_killed() -> None:
    run("1")
    for child in children(os.getpid()):
        os.kill(child, signal.SIGKILL)

    assert run("1 + 1").value == 2


def test_close__and_the_next_run_starts_anew() -> None:
    run("1")
    scripts.close()

    assert children(os.getpid()) == []
    assert run("1 + 1").value == 2


@pytest.mark.parametrize("end", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"], ids=["exit", "kill"])
def test_sandbox__ends_with_its_process(end: str) -> None:
    program = (
        "import datetime, os; from engine.bpmn.scripts import compile_script, Limits\n"
        "now = datetime.datetime.now(datetime.UTC)\n"
        "compile_script('1', format='python').run({}, now=now, seed=1, limits=Limits(seconds=10))\n"
        "print(open(f'/proc/self/task/{os.getpid()}/children').read(), flush=True)\n" + end
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    workers = [int(number) for number in ended.stdout.split()]

    assert workers
    for worker in workers:
        assert gone(worker)


def children(process: int) -> list[int]:
    """Return the sandboxes that a process has started and that still run; it may have started a browser, too."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    found = [int(number) for task in tasks for number in (task / "children").read_text("ascii").split()]
    return [number for number in found if program(number) == "monty"]


def program(process: int) -> str:
    """Return the name of the program that a process runs; empty where it is gone."""
    try:
        return Path(f"/proc/{process}/comm").read_text("utf-8").strip()
    except FileNotFoundError:
        return ""


def gone(process: int) -> bool:
    """Tell whether a process ends within some seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        threading.Event().wait(0.1)
    return False
