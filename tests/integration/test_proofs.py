"""Proof bundles: two verifiers find nothing wrong with them, and everything that was changed, with its place."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from casepath.commands import main
from casepath.engine import database, deployments, errors
from casepath.engine.database.models import Attachment, HistoryEvent, ProcessInstance
from casepath.engine.deployments import definitions
from casepath.engine.history import bundle, organisation
from casepath.engine.history.bundle import verify
from casepath.engine.instances import attachments, comments, process_instances, proofs, user_tasks
from tests import bundles, diagrams, factories
from tests.acting import ADMINISTRATOR, PROGRAM
from tests.bundles import changes
from tests.each import each

Sessions = sessionmaker[Session]

KEY = "TS2026-0001"
SECRET = "13800138000"
TAKES = '<extensionElements><camunda:in variables="all"/></extensionElements>'
INNER = diagrams.process(
    '<startEvent id="s"/>', '<userTask id="ask" camunda:candidateGroups="service"/>', '<endEvent id="e"/>',
    flow="s > ask; ask > e", key="inner",
)  # fmt: skip
OUTER = diagrams.process(
    '<startEvent id="s"/>', f'<callActivity id="call" calledElement="inner">{TAKES}</callActivity>',
    '<endEvent id="e"/>', flow="s > call; call > e", key="outer",
)  # fmt: skip
OPERATOR = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNER = bundle.Signer(key=OPERATOR.public_key().public_bytes_raw().hex(), sign=OPERATOR.sign)
STORY = {"story.en.html": b"<p>story</p>\n", "story.zh-CN.html": "<p>经过</p>\n".encode()}


@pytest.fixture
def matter(transaction: Sessions) -> Sessions:
    """A matter that has called a process, with a comment, a file of a hostile name, and an erased value."""
    fill(transaction)
    return transaction


def fill(sessions: Sessions) -> None:
    definitions.forget()
    files = {"a.bpmn": INNER, "b.bpmn": OUTER}
    with sessions.begin() as session:
        factories.group(session, "service")
        factories.group(session, "board", sees_all=True)
        factories.user(session, "alice", groups=["service"])
        factories.user(session, "selma", groups=["board"])
        deployments.deploy(session, files, name="p", by=PROGRAM)
        given = {"phone": SECRET, "city": "上海"}
        outer = process_instances.start(session, "outer", given, business_key=KEY, by="alice").id
        comments.add(session, KEY, "来电：很急", by="alice")
        attachments.add(session, KEY, name="车.html", content=b"<script>", by="alice")
        photo = attachments.add(session, KEY, name="p.jpg", content=b"\xff\xd8\xff" + bytes(60), by="alice")
        user_tasks.complete(session, user_tasks.open_of(session, KEY, "ask"), {"done": True}, by="alice")
        for number in session.scalars(select(ProcessInstance.id).order_by(ProcessInstance.id)):
            process_instances.erase(session, number, ["phone"], by=ADMINISTRATOR, reason="asked for")
        assert outer == min(session.scalars(select(ProcessInstance.id)))
        named = update(Attachment).where(Attachment.id == photo.id)
        session.execute(named.values(name="../../../etc/cron.d/x.jpg"))


def taken(sessions: Sessions, matter: str | int = KEY, signer: bundle.Signer = SIGNER) -> bytes:
    """The bundle of a matter."""
    signatory = bundle.Signatory(signer=signer, operator="某店", product="casepath 1")
    file = io.BytesIO()
    with database.sessions(sessions.kw["bind"], read_only=True).begin() as session:
        proofs.write(session, file, matter, story=STORY, signatory=signatory)
    return file.getvalue()


def found(content: bytes, folder: Path, key: str = SIGNER.key) -> list[bundles.Found]:
    """What the two verifiers find."""
    path = folder / "bundle.zip"
    path.write_bytes(content)
    return [bundles.found_in_python(path, key), *bundles.found_in_javascript([path], key)]


def test_bundle__two_verifiers_find_nothing_wrong(matter: Sessions, tmp_path: Path) -> None:
    content = taken(matter)

    assert found(content, tmp_path) == [[], []]
    files = dict(bundles.unpacked(content))
    assert len({name.split("/")[1] for name in files if name.startswith("process_instances/")}) == 2
    assert all(SECRET.encode() not in held for held in files.values())
    assert "来电：很急".encode() in b"".join(files.values())
    said = json.loads(files["statement.json"])
    assert (said["matter"], said["operator"], said["key"]) == (KEY, "某店", SIGNER.key)


def test_bundle__its_names_lead_nowhere_and_start_nothing(matter: Sessions) -> None:
    names = [name for name, _ in bundles.unpacked(taken(matter))]

    assert [name for name in names if name.startswith("attachments/")] == ["attachments/1.bin", "attachments/2.jpg"]
    assert all(part not in {"", ".", ".."} for name in names for part in name.split("/"))
    assert len(names) == len(set(names))


def test_bundle__is_the_same_again_apart_from_the_statement(matter: Sessions) -> None:
    first, second = (dict(bundles.unpacked(taken(matter))) for _ in range(2))

    assert list(first) == list(second)
    with zipfile.ZipFile(io.BytesIO(taken(matter))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    differing = {name for name in first if first[name] != second[name]}
    assert differing <= {"statement.json", "statement.sig"}


def test_bundle__a_matter_without_a_number(matter: Sessions, tmp_path: Path) -> None:
    with matter.begin() as session:
        definitions.forget()
        number = process_instances.start(session, "outer", {}, by="alice").id
        session.execute(
            update(ProcessInstance).where(ProcessInstance.root_id == number).values(business_key=None)
        )

    # What was said of the number by hand is in no history; the row is, and it is not what was sealed.
    assert json.loads(dict(bundles.unpacked(taken(matter, number)))["statement.json"])["matter"] == number
    assert found(taken(matter, number), tmp_path) == [[], []]


def test_bundle__tells_what_was_done_to_the_tables(matter: Sessions, tmp_path: Path) -> None:
    """Who changes a row by SQL has signed that it does not fit its history."""
    with matter.begin() as session:
        number = session.scalars(select(ProcessInstance.id).order_by(ProcessInstance.id)).first()
        own = (HistoryEvent.process_instance_id == number) & (HistoryEvent.sequence == 2)
        session.execute(update(HistoryEvent).where(own).values(by="somebody_else"))
        session.execute(update(ProcessInstance).where(ProcessInstance.id == number).values(variables='{"0":{}}'))
        session.execute(update(Attachment).where(Attachment.id == 2).values(content=b"other"))

    wanted = (f"process_instances/{number}/history.jsonl, line 3", f"process_instances/{number}/row.json",
              "attachments/2.jpg")  # fmt: skip
    for wrong in found(taken(matter), tmp_path):
        assert [place for place, _ in wrong] == list(wanted)
    with matter.begin() as session:
        session.execute(update(HistoryEvent).where(own).values(by=None))


def test_changes__each_is_found_by_both_with_its_place(matter: Sessions, tmp_path: Path) -> None:
    """All kinds, twice; `python -m tests.bundles` does a thousand."""
    made = list(changes.changed(taken(matter), SIGNER, 2 * len(changes.KINDS) + 4, seed=1))
    assert {each.kind for each in made} == set(changes.KINDS)
    paths = [tmp_path / f"{number}.zip" for number in range(len(made))]
    for path, each_made in zip(paths, made, strict=True):
        path.write_bytes(each_made.content)

    in_javascript = bundles.found_in_javascript(paths, SIGNER.key)

    missed = [
        (each_made.kind, each_made.places, wrong)
        for path, each_made, second in zip(paths, made, in_javascript, strict=True)
        for wrong in (bundles.found_in_python(path, SIGNER.key), second)
        if not changes.named(wrong, each_made.places)
    ]
    assert missed == []


def test_changes__what_the_operator_writes_anew_and_signs_nobody_can_find(matter: Sessions, tmp_path: Path) -> None:
    """As `docs/proof.md` says; only what was kept elsewhere tells."""
    forger = changes.Forger(taken(matter), SIGNER, Random(1))
    changes.rewritten_by_the_operator(forger)

    assert found(forger.content, tmp_path) == [[], []]


@each(
    "forge, place",
    [
        (lambda content: content + b"x", "the zip"),
        (lambda content: b"x" + content, "verify.py"),
        (lambda content: content[:-30], "the zip"),
        (lambda content: b"", "the zip"),
        (lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:], "verify.py"),
    ],
)
def test_zip__holds_nothing_but_its_files(forge: Callable[[bytes], bytes], place: str, tmp_path: Path) -> None:
    files = [("verify.py", bundle.VERIFIER.read_bytes())]

    first, second = found(forge(bundles.packed(files)), tmp_path)

    assert place in {where for where, _ in first}
    assert second


def test_zip__hides_nothing_between_its_files(matter: Sessions, tmp_path: Path) -> None:
    forged = bundles.packed(bundles.unpacked(taken(matter)), hidden=b"something")

    for wrong in found(forged, tmp_path):
        assert [place for place, _ in wrong] == ["statement.sig"]


def test_changed_verifier__is_found_by_the_other(matter: Sessions, tmp_path: Path) -> None:
    forger = changes.Forger(taken(matter), SIGNER, Random(1))
    forger.files["verify.py"] = b'print("PROVEN")\n'
    forger.mend(sign=True)

    assert found(forger.content, tmp_path)[1] == [("verify.py", "it is not the program that it should be")]


def test_memory__one_file_at_a_time(matter: Sessions, tmp_path: Path) -> None:
    size = 1_000_000
    with matter.begin() as session:
        like = session.get_one(Attachment, 1)
        number = like.process_instance_id or 0
        row = {column.name: getattr(like, column.name) for column in Attachment.__table__.c if column.name != "id"}
        session.execute(insert(Attachment), [{**row, "content": bytes(size), "size": size} for _ in range(16)])
        session.expunge_all()
    signatory = bundle.Signatory(signer=SIGNER, operator="", product="")
    with (tmp_path / "bundle.zip").open("wb+") as file:
        with database.sessions(matter.kw["bind"], read_only=True).begin() as session:
            tracemalloc.start()
            bundle.write(session, file, [number], matter=KEY, story={}, signatory=signatory)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert file.tell() > 16 * size

    assert peak < 7 * size


# -- who takes it ------------------------------------------------------------------------------------------------------


def test_take__is_on_record(matter: Sessions) -> None:
    with matter.begin() as session:
        proofs.take(session, KEY, by="selma")
        (event,) = (each for each in organisation.events(session) if each.kind == proofs.TAKEN)
        numbers = sorted(session.scalars(select(ProcessInstance.id)))

    assert (event.by, event.facts) == ("selma", {"matter": KEY, "process_instances": numbers})


def test_take__not_by_who_only_sees_it(matter: Sessions) -> None:
    with matter.begin() as session:
        with pytest.raises(errors.Forbidden):
            proofs.take(session, KEY, by="alice")
        with pytest.raises(errors.NotFound):
            proofs.take(session, "TS2026-9999", by=PROGRAM)
        assert [each for each in organisation.events(session) if each.kind == proofs.TAKEN] == []


# -- the program that goes along ---------------------------------------------------------------------------------------


def test_verifier__is_short_old_and_alone() -> None:
    """At most 200 lines of Python 3.8, and nothing but the standard library."""
    text = bundle.VERIFIER.read_text(encoding="utf-8")

    tree = ast.parse(text, feature_version=(3, 8))

    assert len(text.splitlines()) <= 200
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert modules <= sys.stdlib_module_names
    later = {"removeprefix", "removesuffix", "is_relative_to", "batched", "pairwise", "bit_count"}
    assert {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & later == set()


@pytest.fixture
def stranger(matter: Sessions, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the program that was in a bundle, without anything of ours."""
    content = taken(matter)
    (tmp_path / "bundle.zip").write_bytes(content)
    (tmp_path / "verify.py").write_bytes(dict(bundles.unpacked(content))["verify.py"])
    (tmp_path / "keys.pub").write_text(f"{SIGNER.key} 2026-01-01T00:00:00+00:00\n", encoding="ascii")
    (tmp_path / "changed.zip").write_bytes(next(changes.changed(content, SIGNER, 1, seed=1)).content)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-X", "utf8", "verify.py", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)

    return run


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_verifier__says_what_is_proven(stranger: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    fingerprint = bundle.PublicKey(text=SIGNER.key, since=datetime(2026, 1, 1, tzinfo=UTC)).fingerprint
    grouped = " ".join(fingerprint[at : at + 4] for at in range(0, 32, 4)).upper()
    for key in (SIGNER.key, fingerprint, grouped, "keys.pub"):
        answer = stranger("bundle.zip", key)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert f"PROVEN 已证明, key {SIGNER.key}" in answer.stdout
        assert "'某店' states at" in answer.stdout
    unknown, other = stranger("bundle.zip"), stranger("bundle.zip", "0" * 64)
    assert (unknown.returncode, other.returncode, stranger("changed.zip", SIGNER.key).returncode) == (2, 1, 1)
    assert "WHO SIGNED IS NOT KNOWN" in unknown.stdout
    assert "PROVEN 已证明" not in unknown.stdout + other.stdout
    for words in ([], ["bundle.zip", "nothing"], ["nothing.zip", SIGNER.key]):
        answer = stranger(*words)
        assert (answer.returncode, answer.stdout) == (1, "")
        refused = " ".join([*words, "", ""][:2])
        assert answer.stderr.endswith(f"No such file, or no such key 没有这个文件，或不是密钥: {refused}\n")


@each(
    "key, message, signature",
    [
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ],
)  # fmt: skip
def test_signature__as_rfc_8032_says(key: str, message: str, signature: str) -> None:
    owner, text, given = map(bytes.fromhex, (key, message, signature))
    assert verify.is_signed(owner, text, given)
    assert not verify.is_signed(owner, text + b"x", given)
    # The same point, told with another number: whoever lets that pass has two signatures of one text.
    larger = (int.from_bytes(given[32:], "little") + verify.ORDER).to_bytes(32, "little")
    assert not verify.is_signed(owner, text, given[:32] + larger)
    assert not verify.is_signed(owner, text, given[:63])
    assert not verify.is_signed(b"\xff" * 32, text, given)


# -- the command -------------------------------------------------------------------------------------------------------


def test_command__writes_a_bundle_that_the_key_verifies(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'casepath.db'}"
    pool = database.connect(url)
    database.upgrade(pool)
    sessions = database.sessions(pool)
    fill(sessions)

    def run(*words: object) -> Result:
        environment = {"CASEPATH_DATA_FOLDER": str(tmp_path / "data"), "CASEPATH_DATABASE_URL": url}
        return CliRunner().invoke(main, ["history", *map(str, words)], env=environment)

    path = tmp_path / "out.zip"
    written = run("bundle", KEY, "--to", path, "--by", "selma")
    assert written.exit_code == 0, written.output
    key = run("key").output.split()[0]
    assert key in written.output
    assert bundles.found_in_python(path, key) == bundles.found_in_javascript([path], key)[0] == []
    names = [name for name, _ in bundles.unpacked(path.read_bytes())]
    assert {"story.en.html", "story.zh-CN.html"} < set(names)
    with sessions.begin() as session:
        number = max(session.scalars(select(ProcessInstance.id)))
        assert [each.by for each in organisation.events(session) if each.kind == proofs.TAKEN] == ["selma"]

    assert run("key", "--new").output.split()[0] != key
    assert [line.split()[0] for line in run("key").output.splitlines()][1:] == [key]
    # By the number of what was called, too; and with the new key.
    assert run("bundle", number, "--to", path).exit_code == 0
    assert bundles.found_in_python(path, key)[0][0] == "statement.json"
    assert run("bundle", "TS2026-9999", "--to", tmp_path / "none.zip").exit_code == 1
    assert not (tmp_path / "none.zip").exists()
    pool.dispose()
