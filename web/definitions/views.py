"""Processes, decision tables and forms as they are deployed, and deploying new versions of them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from casepath.engine import deployments, errors, texts
from casepath.engine.deployments import definitions
from casepath.engine.instances import attachments
from casepath.engine.people import authorization
from casepath.engine.queries import deployed, people, versions
from casepath.web import forms, headers, languages, names, phrases, uploads, words
from casepath.web.auth import requires
from casepath.web.definitions import files, shown_forms
from casepath.web.languages import gettext
from casepath.web.navigation import row_id

bp = Blueprint("definitions", __name__, url_prefix="/processes")

#: Warnings that are told after a deployment: they travel in a cookie, which browsers keep only up to 4 kB.
MAX_FLASHES = 5


@bp.get("/")
def index() -> str:
    """Show one page of the processes that are deployed."""
    with g.readers.begin() as session:
        rows, following = newest(session, "process")
        return render_template(
            "definitions/index.html",
            rows=rows,
            refused={each.id for each in rows if each.executable and deployed.refusal(session, each.id)},
            next=following,
            names=people.names(session, [each.created_by for each in rows]),
            may_deploy=authorization.may_deploy(g.person),
        )


@bp.get("/decisions/")
def decision_list() -> str:
    """Show one page of the decision tables that are deployed."""
    with g.readers.begin() as session:
        rows, following = newest(session, "decision")
        return render_template(
            "definitions/decisions.html",
            rows=rows,
            next=following,
            names=people.names(session, [each.created_by for each in rows]),
            may_deploy=authorization.may_deploy(g.person),
        )


@bp.get("/forms/")
def form_list() -> str:
    """Show one page of the forms that are deployed."""
    with g.readers.begin() as session:
        rows, following = newest(session, "form")
        used = shown_forms.places(session)
        return render_template(
            "definitions/forms.html",
            rows=[shown_forms.shown(session, row, used) for row in rows],
            next=following,
            names=people.names(session, [each.created_by for each in rows]),
            may_deploy=authorization.may_deploy(g.person),
        )


def newest(session: Session, kind: str) -> tuple[list[versions.Version], str | None]:
    """Return the definitions of a kind on the page of the address; and behind which key the next page begins."""
    rows, following = versions.newest(session, kind, after=texts.storable(request.args.get("after", "")))
    return [names.version(session, row) for row in rows], following


@bp.get("/show/<key>")
def show(key: str) -> str:
    """Show a version of a process, the newest unless another one is asked for."""
    headers.allow_style_attributes()
    with g.readers.begin() as session:
        shown = chosen(session, "process", key)
        known, earlier = of_key(session, shown)
        said = deployed.texts(session, shown.id, languages.of_names())
        came = versions.files(session, shown.deployment_id)
        tables = versions.newest_of(session, "decision", said.decisions.values())
        return render_template(
            "definitions/show.html",
            process=names.version(session, shown),
            versions=known,
            earlier=earlier,
            made=deployments.purposes.made(session, {each.deployment_id for each in known}),
            texts=said,
            tables={each.key: names.version(session, each).name for each in tables},
            refusal=deployed.refusal(session, shown.id) if shown.executable else None,
            form_keys=definitions.form_keys(session, shown.id) if shown.executable else [],
            guidance=guidance(session, shown, said, came),
            files=came,
            names=people.names(session, [each.created_by for each in known]),
            may_deploy=authorization.may_deploy(g.person),
            sees_standing=authorization.may_see_standing(g.person),
        )


@bp.get("/diagrams/<int:definition_id>")
def diagram(definition_id: int) -> Response:
    """Return the file of a process."""
    with g.readers.begin() as session:
        must_be_process(session, definition_id)
        # The editor asks for the file as it came.
        content = deployed.diagram(session, definition_id, "" if "plain" in request.args else languages.of_names())
    return FlaskResponse(content, mimetype="application/xml")


@bp.get("/diagrams/<int:definition_id>/standing")
@requires(authorization.may_see_standing)
def standing(definition_id: int) -> Response:
    """Return where the instances of a process stand."""
    with g.readers.begin() as session:
        must_be_process(session, definition_id)
        return jsonify(versions.standing(session, definition_id))


def must_be_process(session: Session, definition_id: int) -> None:
    """Raise `NotFound` unless this is the definition of a process."""
    if definitions.definition(session, definition_id).kind != "process":
        raise errors.NotFound("process definition", definition_id)


@bp.get("/decisions/<key>")
def decision(key: str) -> str:
    """Show a version of a decision table."""
    with g.readers.begin() as session:
        shown = chosen(session, "decision", key)
        known, earlier = of_key(session, shown)
        found = deployed.decision_table(session, shown.id)
        return render_template(
            "definitions/decision.html",
            decision=names.version(session, shown),
            versions=known,
            earlier=earlier,
            table=words.table(session, shown.id, found, words.of(session)) if found else None,
            ill_worded=files.told(deployed.ill_worded(session, shown.id)),
            names=people.names(session, [each.created_by for each in known]),
        )


@bp.get("/forms/<key>")
def form(key: str) -> str:
    """Show a form as those see it who fill it in."""
    with g.readers.begin() as session:
        shown = chosen(session, "form", key)
        known, earlier = of_key(session, shown)
        found = definitions.form(session, key, shown.id)
        return render_template(
            "definitions/form.html",
            form=shown_forms.shown(session, shown, shown_forms.places(session)),
            versions=known,
            earlier=earlier,
            fields=forms.fields(found, every=True) if found else [],
            names=people.names(session, [each.created_by for each in known]),
        )


@bp.get("/deployments/")
def history() -> str:
    """Show what was deployed when and by whom."""
    with g.readers.begin() as session:
        page = versions.deployments(session, below=row_id(request.args.get("below")))
        rows = [names.deployment(session, each) for each in page.rows]
        return render_template(
            "definitions/deployments.html",
            rows=rows,
            made=deployments.purposes.made(session, {each.id for each in rows}),
            next=page.next,
            names=people.names(session, [each.created_by for each in rows]),
            may_deploy=authorization.may_deploy(g.person),
        )


@bp.get("/deployments/<int:deployment_id>")
def deployment(deployment_id: int) -> str:
    """Show a deployment with its files."""
    with g.readers.begin() as session:
        found = names.deployment(session, versions.deployment(session, deployment_id))
        used = shown_forms.places(session)
        return render_template(
            "definitions/deployment.html",
            deployment=found,
            made=deployments.purposes.made(session, {deployment_id}).get(deployment_id),
            titles={
                each.id: shown_forms.shown(session, each, used).title
                for each in found.versions
                if each.kind == "form"
            },
            files=versions.files(session, deployment_id),
            differences=versions.differences(session, deployment_id),
            may_deploy=authorization.may_deploy(g.person),
            names=people.names(session, [found.created_by]),
        )


@bp.get("/deployments/<int:deployment_id>/again")
@requires(authorization.may_deploy)
def again(deployment_id: int) -> str:
    """Show what deploying a deployment once more would change."""
    return render_again(deployment_id)


@bp.post("/deployments/<int:deployment_id>/again")
@requires(authorization.may_deploy)
def deploy_again(deployment_id: int) -> Response | tuple[str, int]:
    """Deploy the files of a deployment once more, as new versions; findings are shown."""
    with g.readers.begin() as session:
        found, held = versions.deployment(session, deployment_id), versions.contents(session, deployment_id)
        in_force = versions.in_force(session, deployment_id)
    if row_id(request.form.get("in_force")) != in_force:
        flash(gettext("Something else was deployed meanwhile; please look at the differences again."), "warning")
        return redirect(url_for(".again", deployment_id=deployment_id), 303)
    name = gettext("%(name)s, again #%(number)s", name=found.name, number=found.id)
    try:
        result = files.deploy_checked(held, name, files.purpose(request.form))
    except errors.DeploymentRefused as refusal:
        return render_again(deployment_id, findings=files.told(refusal.findings)), 422
    except errors.InvalidInput as refusal:
        return render_again(deployment_id, refusal=phrases.sentence(refusal)), 422
    flash(files.deployed_text(result), "success")
    return redirect(url_for(".history"), 303)


def render_again(deployment_id: int, *, findings: Sequence[dict[str, str]] = (), refusal: str = "") -> str:
    """Return the page on which somebody confirms to deploy a deployment once more."""
    with g.readers.begin() as session:
        found = versions.deployment(session, deployment_id)
        in_force = versions.deployment(session, versions.in_force(session, deployment_id))
        return render_template(
            "definitions/again.html",
            deployment=found,
            in_force=in_force,
            differences=versions.differences(session, deployment_id),
            findings=findings,
            refusal=refusal,
            typed=request.form,
            names=people.names(session, [found.created_by, in_force.created_by]),
        )


@bp.get("/deployments/<int:deployment_id>/files/<path:name>")
def file(deployment_id: int, name: str) -> Response:
    """Return a file of a deployment, to be saved."""
    with g.readers.begin() as session:
        content = versions.content(session, deployment_id, name)
    answer = FlaskResponse(content, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = headers.content_disposition(name.rpartition("/")[2])
    return answer


@bp.get("/modeler")
@requires(authorization.may_deploy)
def modeler() -> str:
    """Show the editor: on a process, or on a new one."""
    headers.allow_style_attributes()
    definition_id = row_id(request.args.get("definition"))
    with g.readers.begin() as session:
        found = definitions.definition(session, definition_id) if definition_id is not None else None
        if found is not None and found.kind != "process":
            raise errors.NotFound("process definition", definition_id)
        name = versions.file_name(session, found.id) if found else "process.bpmn"
        newest = definitions.latest(session, "process", found.key) if found else None
        named = deployed.texts(session, found.id, files.ENGLISH).translated if found else {}
        return render_template(
            "definitions/modeler.html",
            process=found,
            newest=newest,
            resource_name=name,
            english={key: text for key, text in named.items() if "." not in key},
        )


@bp.post("/modeler/check")
@requires(authorization.may_deploy)
def check() -> tuple[Response, int] | Response:
    """Return what is wrong with what the editor holds, and whether it could be deployed."""
    sent = edited()
    if sent is None:
        return jsonify(message=gettext("Something is missing in what your browser sent."), problems=[]), 400
    findings = files.findings(dict([sent]))
    deployable = all(each.level != "error" for each in findings)
    return jsonify(problems=files.problems(findings, sent[0]), deployable=deployable)


@bp.post("/modeler")
@requires(authorization.may_deploy)
def deploy() -> tuple[Response, int] | Response:
    """Deploy what the editor holds; findings are answered as JSON."""
    sent = edited()
    if sent is None:
        return jsonify(message=gettext("Something is missing in what your browser sent."), problems=[]), 400
    name, content = sent
    said = request.get_json()
    newest, english = said.get("newest"), said.get("english")
    try:
        purpose = files.purpose(said)
        sent_files = {name: content, **files.with_english(name, english if isinstance(english, dict) else {})}
        result = files.deploy_with_companions(sent_files, name, purpose, newest if isinstance(newest, str) else None)
    except errors.DeploymentRefused as refusal:
        found = files.problems(refusal.findings, name)
        return jsonify(message=gettext("The deployment is refused"), problems=found), 422
    except errors.Forbidden:
        raise
    except errors.EngineError as error:
        return jsonify(message=phrases.sentence(error), problems=[]), 422
    flash(files.deployed_text(result), "success")
    processes = [each for each in result.definitions if each.kind == "process"]
    return jsonify(location=url_for(".show", key=processes[0].key) if processes else url_for(".index"))


def edited() -> tuple[str, bytes] | None:
    """Return name and content of the file that the editor has sent; None where it is none."""
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict) or not isinstance(sent.get("xml"), str):
        return None
    name = attachments.safe_name(str(sent.get("name") or "process.bpmn"))
    return name if name.endswith(".bpmn") else f"{name}.bpmn", sent["xml"].encode(errors="surrogatepass")


@bp.get("/upload")
@requires(authorization.may_deploy)
def upload() -> str:
    """Show the form for files."""
    return render_upload()


@bp.post("/upload")
@requires(authorization.may_deploy)
def deploy_files() -> Response | tuple[str, int]:
    """Deploy files; findings are shown."""
    name = texts.storable(request.form.get("name", "")).strip()
    try:
        sent_files = uploads.chosen("files", limit=uploads.MAX_RESOURCES)
        sent = {files.stored_name(each.filename or ""): each.read() for each in sent_files}
        result = files.deploy_with_companions(sent, name or next(iter(sent)), files.purpose(request.form))
    except errors.DeploymentRefused as refusal:
        return render_upload(name, findings=files.told(refusal.findings)), 422
    except errors.InvalidInput as refusal:
        return render_upload(name, refusal=phrases.sentence(refusal)), 422
    flash(files.deployed_text(result), "success")
    for finding in files.told(result.warnings)[:MAX_FLASHES]:
        flash(f"{finding['place']}: {finding['message']}"[:200], "warning")
    return redirect(url_for(".index"), 303)


def render_upload(name: str = "", *, findings: Sequence[dict[str, str]] = (), refusal: str = "") -> str:
    """Return the page with the form for files, and what is wrong with those that were sent."""
    return render_template(
        "definitions/upload.html",
        name=name,
        findings=findings,
        refusal=refusal,
        typed=request.form,
        endings=", ".join(files.FOLDERS),
        max_files=uploads.MAX_RESOURCES,
    )


def chosen(session: Session, kind: str, key: str) -> versions.Version:
    """Return the version of the address, else the newest; raises `NotFound`."""
    asked = request.args.get("version")
    number = row_id(asked)
    if asked is not None and number is None:
        raise errors.NotFound("version", asked[:20])
    return versions.one(session, kind, key, number)


def of_key(session: Session, shown: versions.Version) -> tuple[list[versions.Version], int | None]:
    """Return the versions beside the one shown, on the page of the address; and below which the earlier ones begin."""
    return versions.of_key(session, shown.kind, shown.key, below=row_id(request.args.get("below")))


def guidance(
    session: Session, shown: versions.Version, texts: deployed.DiagramTexts, came: list[versions.File]
) -> list[tuple[str, str]]:
    """Return name and guidance of each element that has one, in the language of the request."""
    language = "zh_CN" if languages.is_chinese() else "en"
    written = {file.name.rpartition("/")[2].partition(".")[0] for file in came if file.name.endswith(".md")}
    found = [
        (name, deployed.guidance(session, shown.id, element_id, language))
        for element_id, name in texts.names.items()
        if element_id in written
    ]
    return [(name, text) for name, text in found if text]


