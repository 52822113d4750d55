"""Facts in rows of their own, for lists and searches; those of the process instances that are there are filled in."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from lxml import etree

from casepath.engine.database import facts, values

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: Rows that are read at once.
BATCH = 500
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
definitions = sa.table(
    "definitions", sa.column("id"), sa.column("kind"), sa.column("key"), sa.column("resource_id")
)
resources = sa.table("resources", sa.column("id"), sa.column("content", sa.LargeBinary()))
instances = sa.table(
    "process_instances",
    sa.column("id"),
    sa.column("definition_id"),
    sa.column("root_id"),
    sa.column("variables"),
)
rows_of_facts = sa.table(
    "facts",
    sa.column("process_instance_id"),
    sa.column("name"),
    sa.column("root_id"),
    sa.column("position"),
    sa.column("value"),
    sa.column("folded"),
)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "facts",
        sa.Column("process_instance_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("root_id", ROW_ID, sa.ForeignKey("process_instances.id"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("process_instance_id", "name"),
    )
    op.create_index("facts_of_root", "facts", ["root_id", "process_instance_id", "position"])
    fill()


def fill() -> None:
    """Write the facts of the process instances whose process declares any."""
    connection = op.get_bind()
    processes = (
        sa.select(definitions.c.id, definitions.c.key, resources.c.content)
        .join(resources, resources.c.id == definitions.c.resource_id)
        .where(definitions.c.kind == "process")
    )
    for definition_id, key, content in connection.execute(processes).all():
        names = facts.declared(declaration(content, key)) if b'"facts"' in content else ()
        last = 0
        while names:
            found = connection.execute(
                sa.select(instances)
                .where(instances.c.definition_id == definition_id, instances.c.id > last)
                .order_by(instances.c.id)
                .limit(BATCH)
            ).all()
            if not found:
                break
            last = found[-1].id
            if rows := [row for instance in found for row in rows_of(instance, names)]:
                connection.execute(sa.insert(rows_of_facts), rows)


def declaration(content: bytes, key: str) -> str:
    """Return what the process of a key declares in its file."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    found = root.xpath(
        "//b:process[@id=$key]/b:extensionElements/c:properties/c:property[@name='facts']/@value",
        namespaces={"b": BPMN.strip("{}"), "c": CAMUNDA.strip("{}")},
        key=key,
    )
    return str(found[0]) if isinstance(found, list) and found else ""


def rows_of(instance: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the facts of a process instance as they stand."""
    held: Any = values.loads(instance.variables)
    scope = held.get("0", {})
    owner = {"process_instance_id": instance.id, "root_id": instance.root_id or instance.id}
    return [
        {**owner, "name": name, "position": position, "value": values.dumps(scope[name]), "folded": ""}
        for position, name in enumerate(names)
        if scope.get(name) not in (None, "", [])
    ]
