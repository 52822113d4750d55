// A second verifier of proof bundles, written from docs/proof.md alone: node verify.mjs KEY BUNDLE.zip …
// Prints a line for each bundle: a JSON list of pairs of a place and a sentence, empty where nothing is wrong.
// The expected SHA-256 of verify.py may stand behind the key, with a colon between.
import { createHash, createPublicKey, verify as isSigned } from "node:crypto";
import { readFileSync } from "node:fs";
import { crc32, inflateRawSync } from "node:zlib";

const LAST = ["manifest.txt", "statement.json", "statement.sig"];
const BEFORE_KEY = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo of Ed25519
const sha256 = (content) => createHash("sha256").update(content).digest("hex");
const crc = crc32 ?? ((content) => {
  let sum = ~0;
  for (const byte of content) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
});

function unpack(zip, say) {
  const files = new Map();
  const end = zip.length - 22;
  if (end < 0 || zip.readUInt32LE(end) !== 0x06054b50 || zip.readUInt16LE(end + 20) !== 0) {
    say("the zip", "its end is not where it should be");
    return files;
  }
  let [at, next] = [zip.readUInt32LE(end + 16), 0];
  const directory = at;
  for (let count = zip.readUInt16LE(end + 10); count > 0; count--) {
    if (at + 46 > end || zip.readUInt32LE(at) !== 0x02014b50) {
      say("the zip", "its list of files is damaged");
      return files;
    }
    const [method, sum, packed, size] = [10, 16, 20, 24].map((field) => field === 10 ? zip.readUInt16LE(at + 10) : zip.readUInt32LE(at + field));
    const [long, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    const name = zip.toString("utf8", at + 46, at + 46 + long);
    const header = zip.readUInt32LE(at + 42);
    if (extra || comment || header !== next) say(name, "something that belongs to no file stands before it or beside it");
    if (files.has(name)) say(name, "it is there twice");
    let content = Buffer.alloc(0);
    try {
      if (zip.readUInt32LE(header) !== 0x04034b50 || zip.toString("utf8", header + 30, header + 30 + long) !== name) throw new Error("another name");
      const from = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
      const body = zip.subarray(from, from + packed);
      content = method === 8 ? inflateRawSync(body, { maxOutputLength: Math.max(size, 1) }) : body;
      if (content.length !== size || crc(content) !== sum) throw new Error("another sum");
    } catch (error) {
      say(name, `it cannot be read: ${error.message}`);
    }
    files.set(name, content);
    next = header + 30 + long + packed;
    at += 46 + long + extra + comment;
  }
  if (next !== directory || at !== end) say("the zip", "something that belongs to no file stands in it");
  return files;
}

class Verifier {
  constructor(path, key, program) {
    Object.assign(this, { key, program, wrong: [], place: "the zip", versions: new Set(), needed: new Map(), statement: { heads: {}, deployments: {} } });
    this.files = unpack(readFileSync(path), (place, text) => this.wrong.push([place, text]));
    for (const check of [this.manifest, this.signature, this.histories, this.deployments, this.kept]) {
      try {
        check.call(this);
      } catch (error) {
        this.say(`it has another form: ${error.message}`);
      }
    }
  }

  say(text, place = this.place) {
    this.wrong.push([place, text]);
  }

  text(name) {
    this.place = name;
    return (this.files.get(name) ?? Buffer.alloc(0)).toString("utf8");
  }

  lines(name) {
    const lines = this.text(name).split("\n").slice(0, -1);
    return lines.map((line, index) => {
      this.place = `${name}, line ${index + 1}`;
      return [line, JSON.parse(line)];
    });
  }

  manifest() {
    const entries = this.text("manifest.txt").split("\n").slice(0, -1).map((line) => [line.slice(66), line.slice(0, 64)]);
    const order = [...entries.map(([name]) => name), ...LAST];
    for (const [name, digest] of entries) {
      if (!this.files.has(name)) this.say("it is missing", name);
      else if (sha256(this.files.get(name)) !== digest) this.say("it was changed", name);
    }
    for (const name of LAST) if (!this.files.has(name)) this.say("it is missing", name);
    const there = [...this.files.keys()];
    for (const name of there) if (!order.includes(name)) this.say("it was added", name);
    const moved = there.find((name, index) => order[index] !== name);
    if (moved !== undefined && there.length === order.length && there.every((name) => order.includes(name))) this.say("it stands in another place", moved);
    if (this.program && sha256(this.files.get("verify.py") ?? "") !== this.program) this.say("it is not the program that it should be", "verify.py");
  }

  signature() {
    const text = this.text("statement.json");
    const statement = JSON.parse(text);
    this.statement = statement;
    if (statement.format !== "casepath proof 1") this.say("its format is not known");
    if (sha256(this.files.get("manifest.txt") ?? "") !== statement.manifest) this.say("it is not the one that was signed", "manifest.txt");
    const raw = Buffer.from(statement.key, "hex");
    if (raw.toString("hex") !== this.key && sha256(raw).slice(0, 32) !== this.key) this.say("it is signed with another key");
    const signature = this.text("statement.sig");
    const owner = createPublicKey({ key: Buffer.concat([BEFORE_KEY, raw]), format: "der", type: "spki" });
    if (!/^[0-9a-f]{128}$/.test(signature) || !isSigned(null, Buffer.from(text), owner, Buffer.from(signature, "hex"))) this.say("it is no signature of the statement");
  }

  histories() {
    for (const [number, head] of Object.entries(this.statement.heads)) this.history(`process_instances/${number}`, Number(number), head);
  }

  history(folder, number, head) {
    const values = this.lines(`${folder}/values.jsonl`).map(([, entry]) => entry);
    const events = this.lines(`${folder}/history.jsonl`);
    const [gone, erased] = [[], new Set()];
    let [previous, left] = ["", null];
    events.forEach(([line, event], index) => {
      this.place = `${folder}/history.jsonl, line ${index + 1}`;
      if (event.previous !== previous || event.sequence !== index + 1 || event.process_instance_id !== number) this.say("it does not follow from the line before");
      previous = sha256(line);
      const [sealed, told] = [event.variables ?? {}, values[index] ?? {}];
      for (const [name, [salt, value]] of Object.entries(told)) {
        if (sha256(salt + value) !== sealed[name]) this.say(`the value of ${name} is not the one that was sealed`);
      }
      for (const name of Object.keys(sealed)) if (!(name in told)) gone.push([index + 1, name]);
      if (left !== null && event.state_before !== undefined && event.state_before !== left) this.say("something was changed between this step and the one before");
      left = event.state_after ?? left;
      if (["process_instance.started", "process_instance.migrated"].includes(event.kind)) this.versions.add(`${event.facts.definition} ${event.facts.version}`);
      if (event.kind === "values.erased") {
        for (const [at, names] of Object.entries(event.facts.erased)) for (const name of names) erased.add(`${at} ${name}`);
      }
      if (event.kind === "attachment.added" && Object.keys(told).length) this.needed.set(`attachments/${event.facts.attachment}`, event.facts.sha256);
    });
    this.place = `${folder}/history.jsonl`;
    if (events.length !== head.events || values.length !== head.events || previous !== head.hash) this.say("it does not end as was signed");
    for (const [at, name] of gone) if (!erased.has(`${at} ${name}`)) this.say(`the value of ${name} is gone`, `${folder}/values.jsonl, line ${at}`);
    const row = JSON.parse(this.text(`${folder}/row.json`));
    if (left !== null && sha256(`${row.salt}\n${row.state}\n${row.tokens}\n${row.variables}`) !== left) this.say("it is not what the history ends with");
  }

  deployments() {
    const [digests, versions] = [new Map(), new Set()];
    for (const [, entry] of this.lines("deployments.jsonl")) {
      const names = Object.keys(entry.files).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
      digests.set(String(entry.deployment), sha256(names.map((name) => `${name}\0${entry.files[name]}\n`).join("")));
      for (const each of entry.processes) versions.add(`${each.key} ${each.version}`);
      for (const digest of Object.values(entry.files)) this.needed.set(`deployed/${digest}`, digest);
    }
    this.place = "deployments.jsonl";
    const signed = Object.entries(this.statement.deployments);
    const same = signed.length === digests.size && signed.every(([number, digest]) => digests.get(number) === digest);
    if (!same || [...this.versions].some((version) => !versions.has(version))) this.say("these are not the deployments that were signed");
  }

  kept() {
    const there = new Map();
    for (const name of this.files.keys()) if (/^(deployed|attachments)\//.test(name)) there.set(name.split(".")[0], name);
    for (const name of new Set([...there.keys(), ...this.needed.keys()])) {
      const content = this.files.get(there.get(name)) ?? Buffer.alloc(0);
      if (sha256(content) !== this.needed.get(name)) this.say("it is not there as deployments or histories tell", there.get(name) ?? name);
    }
  }
}

const [key, program] = process.argv[2].split(":");
for (const path of process.argv.slice(3)) console.log(JSON.stringify(new Verifier(path, key, program).wrong));
