"""
Verifies a proof bundle of Casepath 核验证明包: python3 verify.py BUNDLE.zip KEY

KEY is the operator's public key (64 hex digits), its fingerprint (32), or a file with some of them. It has to come to
you by another way than the bundle: whoever can forge the one can put a key of his own into it. Needs Python 3.8 or
newer and nothing else; opens no network, writes nothing. Casepath's docs/proof.md describes the format. Ends with 0
(proven), 1 (something is wrong) or 2 (nothing is wrong, but who signed it is not known).
"""
from __future__ import annotations

import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

# Ed25519 (RFC 8032) over the curve -x² + y² = 1 + Dx²y²; a point is (x, y, z, t) with t = xy/z.
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE = (4 * pow(5, P - 2, P) % P).to_bytes(32, "little")

def point(text: bytes) -> Any:
    sign, y = divmod(int.from_bytes(text, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x * pow(2, (P - 1) // 4, P) % P if (x * x - square) % P else x
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    return (x, y, 1, x * y % P) if x & 1 == sign else (P - x, y, 1, -x * y % P)

def add(one: Any, other: Any) -> Any:
    a, b = (one[1] - one[0]) * (other[1] - other[0]), (one[1] + one[0]) * (other[1] + other[0])
    c, d = 2 * one[3] * other[3] * D, 2 * one[2] * other[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(number: int, of: Any) -> Any:
    result = (0, 1, 1, 0)
    while number:
        result = add(result, of) if number & 1 else result
        of, number = add(of, of), number >> 1
    return result

def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    owner, start, number = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if not owner or not start or number >= ORDER or len(key) != 32 or len(signature) != 64:
        return False
    digest = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left, right = times(number, point(BASE)), add(start, times(digest, owner))
    return not any((left[axis] * right[2] - right[axis] * left[2]) % P for axis in (0, 1))

def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

class Bundle:
    """What is in a bundle; `wrong` tells what is not as it should be, in pairs of a place and a sentence."""
    def __init__(self, path: str) -> None:
        self.contents: dict[str, bytes] = {}
        self.said: dict[str, Any] = {}
        self.versions: set[Any] = set()  # of processes that the histories name
        self.needed: dict[str, str] = {}  # SHA-256 of deployed and attached files, by their names without ending
        self.wrong: list[tuple[str, str]] = []
        self.path, self.place, self.events, self.erased = path, "the zip", 0, 0

    def say(self, sentence: str, place: str = "") -> None:
        self.wrong.append((place or self.place, sentence))

    def read(self) -> None:
        archive, end = zipfile.ZipFile(self.path), 0
        for entry in archive.infolist():
            if entry.filename in self.contents or entry.header_offset != end:
                self.say("it is there twice, or behind something that belongs to no file", entry.filename)
            self.contents[entry.filename] = b""
            try:
                self.contents[entry.filename] = archive.read(entry)
            except Exception as error:  # a damaged file makes the library stumble over anything
                self.say(f"it cannot be read: {error}", entry.filename)
            end = entry.header_offset + 30 + len(entry.filename) + entry.compress_size
        if Path(self.path).stat().st_size != end + sum(46 + len(name) for name in archive.namelist()) + 22:
            self.say("something that belongs to no file stands in it")

    def verify(self, keys: set[str]) -> list[tuple[str, str]]:
        """Check everything; `keys` are the public keys or fingerprints that are known from elsewhere."""
        for check in (self.read, self.files, lambda: self.statement(keys), self.histories, self.deployments):
            try:
                check()
            except Exception as error:  # there is no end to the forms that a forged file may have
                self.say(f"it is not of the form that the format has: {error!r:.200}")
        return self.wrong

    def text(self, name: str) -> str:
        self.place = name
        return self.contents.get(name, b"").decode("utf-8")

    def lines(self, name: str) -> Any:
        for number, line in enumerate(self.text(name).split("\n")[:-1], 1):
            self.place = f"{name}, line {number}"
            yield number, line, json.loads(line)
        self.place = name

    def files(self) -> None:
        """Every file is there, in its place and as the manifest says, and there is no other one."""
        named = {line[66:]: line[:64] for line in self.text("manifest.txt").split("\n")[:-1]}
        order, there = [*named, "manifest.txt", "statement.json", "statement.sig"], list(self.contents)
        for name in sorted({*order, *there}):
            if name not in there or name not in order:
                self.say("it is missing" if name in order else "it was added: manifest.txt does not name it", name)
            elif sha256(self.contents[name]) != named.get(name, sha256(self.contents[name])):
                self.say("it was changed: another SHA-256 than in manifest.txt", name)
        if sorted(order) == sorted(there) and order != there:
            self.say("it stands in another place", next(name for at, name in enumerate(there) if order[at] != name))

    def statement(self, keys: set[str]) -> None:
        """The statement is about this manifest, and signed with the key that is known from elsewhere."""
        text = self.text("statement.json")
        self.said = json.loads(text)
        if self.said["format"] != "casepath proof 1":
            self.say("this program does not know its format")
        if sha256(self.contents.get("manifest.txt", b"")) != self.said["manifest"]:
            self.say("it is not the one that was signed", "manifest.txt")
        key = bytes.fromhex(self.said["key"])
        if keys and not keys & {key.hex(), sha256(key)[:32]}:
            self.say(f"it is signed with another key than yours: {key.hex()}")
        signature = self.text("statement.sig")
        if not (re.fullmatch("[0-9a-f]{128}", signature) and is_signed(key, text.encode(), bytes.fromhex(signature))):
            self.say("it is no signature of statement.json by the key that stands there")

    def histories(self) -> None:
        """Each history is a chain that ends where the statement says; its values and its row are as it tells."""
        for number, head in self.said["heads"].items():
            folder, owner, previous, sequence, left = f"process_instances/{number}", int(number), "", 0, None
            gone, erased = set(), set()  # values: numbers of their events with their names
            values = [line for _, _, line in self.lines(f"{folder}/values.jsonl")]
            for sequence, line, event in self.lines(f"{folder}/history.jsonl"):
                if (event["previous"], event["sequence"], event["process_instance_id"]) != (previous, sequence, owner):
                    self.say("it does not follow from the line before: one of them was changed, moved or is gone")
                previous, facts, sealed = sha256(line.encode()), event["facts"], event["variables"] or {}
                told = values[sequence - 1] if sequence <= len(values) else {}
                for name, (salt, value) in told.items():
                    if sha256((salt + value).encode()) != sealed.get(name):
                        self.say(f"the value of {name} in values.jsonl is not the one that was sealed here")
                gone |= {(sequence, name) for name in sealed if name not in told}
                if left and event.get("state_before", left) != left:
                    self.say("variables or tokens were changed between this step and the one before")
                left = event.get("state_after", left)
                if event["kind"] in ("process_instance.started", "process_instance.migrated"):
                    self.versions.add((facts["definition"], facts["version"]))
                elif event["kind"] == "values.erased":
                    erased |= {(int(at), name) for at, names in facts["erased"].items() for name in names}
                elif event["kind"] == "attachment.added" and told:
                    self.needed[f"attachments/{facts['attachment']}"] = facts["sha256"]
            if [sequence, sequence, previous] != [len(values), head["events"], head["hash"]]:
                self.say(f"it has {sequence} lines; signed were {head['events']} that end with {head['hash']}")
            for at, name in sorted(gone - erased):
                self.say(f"{name} is gone, and no erasure tells of it", f"{folder}/values.jsonl, line {at}")
            row = json.loads(self.text(f"{folder}/row.json"))
            if left and sha256(f"{row['salt']}\n{row['state']}\n{row['tokens']}\n{row['variables']}".encode()) != left:
                self.say("state, tokens or variables are not those that the history ends with")
            self.events, self.erased = self.events + sequence, self.erased + len(gone)

    def deployments(self) -> None:
        """Deployments are those that were signed; deployed and attached files are all there, as they were."""
        versions, digests = set(), {}
        for _, _, entry in self.lines("deployments.jsonl"):
            text = "".join(f"{name}\0{entry['files'][name]}\n" for name in sorted(entry["files"]))
            digests[str(entry["deployment"])] = sha256(text.encode())
            versions |= {(each["key"], each["version"]) for each in entry["processes"]}
            self.needed.update((f"deployed/{digest}", digest) for digest in entry["files"].values())
        if digests != self.said["deployments"] or not self.versions <= versions:
            self.say("these are not the deployments that were signed and that the histories tell of")
        there = {name.split(".")[0]: name for name in self.contents if re.match("deployed/|attachments/", name)}
        for name in sorted({*there, *self.needed}):
            if sha256(self.contents.get(there.get(name, ""), b"")) != self.needed.get(name):
                self.say("it is not there as deployments or histories tell", there.get(name, name))

def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    path, key = (*sys.argv[1:], "", "")[:2]
    given = Path(key).read_text("utf-8") if Path(key).is_file() else re.sub(r"[\s:-]", "", key)
    keys = set(re.findall(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", given.lower()))
    if not Path(path).is_file() or (key and not keys):
        raise SystemExit(f"{__doc__}\nNo such file, or no such key 没有这个文件，或不是密钥: {path} {key}")
    bundle = Bundle(path)
    for place, sentence in bundle.verify(keys):
        print(f"WRONG 有误  {place}: {sentence}")
    if bundle.wrong:
        print(f"NOT PROVEN 未能证明: {len(bundle.wrong)} faults")
        return 1
    said, digest = bundle.said, sha256(bytes.fromhex(bundle.said["key"]))
    print(f"""Checked 已核验: files, {bundle.events} events, {len(said['heads'])} chains, {bundle.erased} erased values
Of {said['matter']!r}, as {said['operator']!r} states at {said['at']} by the clock there ({said['product']})
Not proven 不能证明: that all that happened was recorded, and that nobody with the operator's key has written a
history anew before it was signed: heads that were kept elsewhere since an earlier day tell that
{'PROVEN 已证明' if keys else 'WHO SIGNED IS NOT KNOWN 签名人未核实'}, key {said['key']}, fingerprint {digest[:32]}""")
    return 0 if keys else 2

if __name__ == "__main__":
    raise SystemExit(main())
