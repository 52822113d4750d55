"""How an instance begins, whoever or whatever begins it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from casepath.engine import errors, runtime
from casepath.engine.database import numbers
from casepath.engine.database.models import Definition
from casepath.engine.deployments import definitions
from casepath.engine.time import clock

#: Property of a process that says how its business keys look, such as `TS{year}-{number:4}`.
KEY_FORMAT = "businessKeyFormat"
MAX_BUSINESS_KEY = 255


def begin(
    session: Session,
    definition: Definition,
    variables: Mapping[str, Any],
    *,
    business_key: str | None = None,
    by: str | None = None,
    start_element: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> int:
    """
    Start an instance of a process and return its id; `by` is how the history names whoever does, None for the engine.
    It begins with the `facts`, which say what it was started by.

    Without a business key it gets the one that the process makes (`businessKeyFormat`), if it makes any. Raises
    `InvalidState` where the definition is suspended, and `InvalidInput` where it is not executable.
    """
    if definition.suspended:
        raise errors.InvalidState("start", "process definition", definition.key, "suspended")
    if not definition.executable:
        raise errors.InvalidInput(
            "A process to start has to be executable, but “{process}” only documents.",
            code="not-executable",
            process=definition.key,
        )
    spec = definitions.process(session, definition.id)
    if business_key is None and KEY_FORMAT in spec.properties:
        zone = clock.zone_of(definitions.calendar(session))
        business_key = numbers.business_key(spec.properties[KEY_FORMAT], session, clock.now(), zone)
    if business_key is not None and not 0 < len(business_key) <= MAX_BUSINESS_KEY:
        raise errors.InvalidInput(
            "A number of a matter has 1 to {limit} characters; this one has {length}.",
            code="business-key",
            limit=MAX_BUSINESS_KEY,
            length=len(business_key),
        )
    return runtime.begin(
        session, definition, variables, business_key=business_key, by=by, start_element=start_element, facts=facts
    )
