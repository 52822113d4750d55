"""Files that people send to be deployed: where they belong, what comes with them, what is wrong, what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from flask import g
from sqlalchemy.orm import Session

from casepath.engine import deployments, errors
from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments
from casepath.engine.queries import versions
from casepath.web import phrases
from casepath.web.languages import gettext
from casepath.web.navigation import row_id

#: The language beside that of the diagrams, and the file in which its names come with them.
ENGLISH = "en"
ENGLISH_FILE = f"texts.{ENGLISH}.json"
#: Endings of the files that may be uploaded, and the folder of a deployment in which each belongs.
FOLDERS = {".bpmn": "", ".dmn": "", ".form": "forms/", ".md": "guidance/", ".json": ""}


def with_english(name: str, entered: Mapping[str, object]) -> dict[str, bytes]:
    """Return the file of English names that comes with a process's file, with what was entered; nothing without."""
    named = {key: text for key, text in entered.items() if isinstance(text, str)}
    if not named:
        return {}
    with g.readers.begin() as session:
        before = json.loads(versions.companions(session, name).get(ENGLISH_FILE, b"{}"))
    kept = {key: text for key, text in (before | named).items() if text}
    return {ENGLISH_FILE: json.dumps(kept, ensure_ascii=False, indent=2).encode(errors="surrogatepass") + b"\n"}


def stored_name(name: str) -> str:
    """Return where an uploaded file belongs in its deployment; raises `InvalidInput` for what cannot be deployed."""
    base = attachments.safe_name(name)
    ending = next((ending for ending in FOLDERS if base.endswith(ending)), None)
    if ending is None:
        raise errors.InvalidInput(
            "“{file}” cannot be deployed; the name of a file ends in one of: {expected}.",
            code="file-type",
            file=base,
            expected=", ".join(FOLDERS),
        )
    return f"{FOLDERS[ending]}{base}"


def deploy_with_companions(
    sent: dict[str, bytes], name: str, purpose: deployments.Purpose, newest: str | None = None
) -> deployments.DeploymentResult:
    """
    Deploy files together with what belongs to their processes and did not come again; raises `DeploymentRefused`.

    `newest` is the newest version that the sender knew; raises `InvalidInput` where there is a newer one.

    They are checked before the transaction, and by another process first: nobody else has to wait for it.
    """
    return deploy_checked(with_companions(sent), name, purpose, newest)


def with_companions(sent: dict[str, bytes]) -> dict[str, bytes]:
    """Return files together with what belongs to their processes and did not come again."""
    kept: dict[str, bytes] = {}
    with g.readers.begin() as session:
        for file_name in sent:
            kept |= versions.companions(session, file_name)
    anew = {PurePosixPath(file_name).name for file_name in sent}
    kept = {file_name: held for file_name, held in kept.items() if PurePosixPath(file_name).name not in anew}
    return kept | sent


def findings(sent: dict[str, bytes]) -> list[errors.Finding]:
    """Return what a deployment of these files with their companions would find, by another process first."""
    files = with_companions(sent)
    found = deployments.inspect(files)
    if any(finding.level == "error" for finding in found):
        return found
    checked = deployments.check(files)
    with g.readers.begin() as session:
        return deployments.findings(session, checked)


def deploy_checked(
    files: dict[str, bytes], name: str, purpose: deployments.Purpose, newest: str | None = None
) -> deployments.DeploymentResult:
    """Check files, by another process first, and deploy them; raises as `deploy_with_companions`."""
    findings = deployments.inspect(files)
    if any(finding.level == "error" for finding in findings):
        raise errors.DeploymentRefused(findings)
    checked = deployments.check(files)
    with g.sessions.begin() as session:
        require_newest(session, row_id(newest))
        return deployments.deploy(session, checked, name=name[:255], by=g.person, purpose=purpose)


def purpose(sent: Mapping[str, object]) -> deployments.Purpose:
    """Return what changes and why, as it was sent; raises `InvalidInput` where one of the two is missing."""
    what, why = (text if isinstance(text := sent.get(name), str) else "" for name in ("what", "why"))
    return deployments.Purpose.of(what, why)


def require_newest(session: Session, known_id: int | None) -> None:
    """Raise `InvalidInput` where somebody has deployed a newer version than the newest one that is known."""
    if known_id is None:
        return
    newest = definitions.latest(session, "process", definitions.definition(session, known_id).key)
    if newest.id != known_id:
        raise errors.InvalidInput(
            "Version {version} was deployed meanwhile; save yours as a file and open the newest one.",
            code="deployed-meanwhile",
            version=newest.version,
        )


def deployed_text(result: deployments.DeploymentResult) -> str:
    """Say what came of a deployment."""
    if not result.definitions:
        return gettext("Nothing in it is new, so nothing was deployed.")
    names = gettext(", ").join(f"{each.name or each.key} v{each.version}" for each in result.definitions)
    return gettext("Deployed: %(names)s.", names=names)


def told(findings: list[errors.Finding]) -> list[dict[str, str]]:
    """Return findings in the language of the request, errors first."""
    return [
        {
            "level": finding.level,
            "place": ":".join(part for part in (finding.file, str(finding.line or "")) if part),
            "element": finding.name or finding.element_id,
            "message": phrases.told(finding.phrase),
        }
        for finding in sorted(findings, key=lambda finding: finding.level)
    ]


def problems(findings: list[errors.Finding], name: str) -> list[dict[str, str]]:
    """Return findings as `web/assets/modeler.js` shows them; of other files than the one with a name by its name."""
    return [
        {
            "element_id": finding.element_id if finding.file == name else "",
            "level": finding.level,
            "message": ": ".join(
                part
                for part in (
                    finding.file if finding.file != name else "",
                    finding.name or finding.element_id,
                    phrases.told(finding.phrase),
                )
                if part
            ),
        }
        for finding in findings
    ]
