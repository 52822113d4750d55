"""What goes out through channels: once under its key, to those who agree, whatever the server does."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from casepath.engine import deployments, errors, history
from casepath.engine.database import values
from casepath.engine.database.models import Delivery, ExternalTask, OrganisationEvent
from casepath.engine.deployments import channels as declarations
from casepath.engine.instances import deliveries
from casepath.engine.instances.outgoing import LOCK, Outcome
from casepath.engine.registers import records
from casepath.workers import Endpoint, Surroundings, connectors
from casepath.workers.loop import Loop
from casepath.workers.sending import FIRST_BACK_OFF, FIRST_PAUSE, LONGEST_PAUSE
from tests import channels, robots
from tests.acting import OPERATOR, PROGRAM
from tests.robots import Robots

Sessions = sessionmaker[Session]
#: How long a test waits for what should happen, in seconds; machines under load are slow.
PATIENCE = 30.0
#: For what is between a worker and a server: that what comes of it is kept, others show on both kinds.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def server() -> Iterator[Robots]:
    """A server that takes messages."""
    with robots.open_robots() as opened:
        yield opened


@pytest.fixture(autouse=True)
def still(clock: ModuleType) -> datetime:
    """The clock stands still."""
    clock.set_to(now := clock.now())
    at: datetime = now
    return at


def loop_to(transaction: Sessions, **endpoints: Endpoint) -> Loop:
    return Loop(Surroundings(sessions=transaction, endpoints=endpoints), worker_id="w1")


def to(server: Robots, path: str, **more: Any) -> Endpoint:
    return Endpoint(url=server.url(path), **{"private": True, "timeout": 5, **more})


def queue(transaction: Sessions) -> list[Delivery]:
    with transaction.begin() as session:
        found = list(session.scalars(select(Delivery).order_by(Delivery.id)))
        session.expunge_all()
        return found


def states(transaction: Sessions) -> list[str]:
    return [each.state for each in queue(transaction)]


def sent_through_other(transaction: Sessions, amount: Any = 1) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.OTHER, p=channels.sending("other", "to=138", "text=Hello"))
        channels.send(session, amount=amount)


def test_put__written_with_the_step_and_sent_once(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "recipient=${guest}", "text=Dear ${guest}"))
        key = channels.guest(session, "Anna", "154 0000 1111、025-8123 4567")
        number = channels.send(session, guest=key)

    loop_to(transaction).rest()

    (delivery,) = queue(transaction)
    assert (delivery.state, delivery.address, delivery.text) == ("sent", "154 0000 1111", f"Dear {key}")
    assert (delivery.attempts, delivery.business_key, delivery.process_instance_id) == (1, "N1", number)
    with transaction.begin() as session:
        (event,) = [each for each in history.events(session, number) if each.kind == "delivery.queued"]
        assert event.facts == {"channel": "sms", "delivery": delivery.id, "register": "guest"}
        assert event.variables == {"text": f"Dear {key}", "to": key}
        assert history.verify_instance(session, number) == []


def test_put__the_same_key_goes_out_once(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "to=138", "text=Hello"))
        number = channels.send(session)
        common: dict[str, Any] = {"text": "Hello", "to": "138", "process_instance_id": number}
        sms = declarations.declared(session, "sms")
        assert deliveries.put(session, sms, idempotency_key="k", **common)
        assert not deliveries.put(session, sms, idempotency_key="k", **common)

    assert len(queue(transaction)) == 1


def test_put__what_cannot_go_out_fails_its_task_at_once(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "text=Hello"))
        channels.send(session)

    loop_to(transaction).rest()

    assert queue(transaction) == []
    with transaction.begin() as session:
        task = session.scalars(select(ExternalTask)).one()
        assert (task.state, task.retries) == ("failed", 0)


@pytest.mark.parametrize(
    ("agrees", "by_record", "state"),
    [(True, True, "sent"), (False, True, "withheld"), (None, True, "withheld"), (False, False, "withheld")],
)
def test_take__asks_whether_people_agree(
    transaction: Sessions, agrees: bool | None, by_record: bool, state: str
) -> None:
    with transaction.begin() as session:
        whom = "recipient=${guest}" if by_record else "to=15400001111"
        channels.deploy(session, channels.SMS, p=channels.sending("sms", whom, "text=Hello"))
        channels.send(session, guest=channels.guest(session, "Anna", "154 0000 1111", agrees=agrees))

    loop_to(transaction).rest()

    assert states(transaction) == [state]


@pytest.mark.parametrize("searched", [["name"], ["name", "phone"]])
@pytest.mark.parametrize(
    ("held", "address", "state"),
    [
        ("025-8123 4567、+86 154 0000 1111", "15400001111", "withheld"),
        ("025-8123 4567 或 154 0000 1111", "+86 154-0000-1111", "withheld"),
        ("154 0000 1111", "138 0000 0001/154 0000 1111", "withheld"),
        ("154 0000 1111、025-8123 4567", "1540000111", "sent"),
        ("154 0000 1111、025-8123 4567", "1111 025", "sent"),
    ],
)
def test_take__asks_whoever_has_an_address_beside_others(
    transaction: Sessions, held: str, address: str, state: str, searched: list[str]
) -> None:
    declaration = json.loads(channels.REGISTER["registers/guest.json"]) | {"search": searched}
    with transaction.begin() as session:
        file = json.dumps(declaration).encode()
        diagram = channels.sending("sms", f"to={address}", "text=Hello")
        channels.deploy(session, channels.SMS, p=diagram)
        deployments.deploy(session, {**channels.REGISTER, "registers/guest.json": file}, name="s", by=PROGRAM)
        channels.guest(session, "Anna", held, agrees=False)
        channels.send(session)

    loop_to(transaction).rest()

    assert states(transaction) == [state]


@pytest.mark.parametrize("channel", [channels.SMS, channels.OTHER | {"recipients": channels.GUESTS}])
def test_take__many_who_do_not_agree_keep_the_database_from_nobody(
    transaction: Sessions, server: Robots, channel: dict[str, Any]
) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channel, p=channels.sending(channel["id"], "to=1", "text=Hello"))
        number = channels.send(session)
        declared = declarations.declared(session, channel["id"])
        anna, bert = (channels.guest(session, name, name, agrees=name == "Bert") for name in ("Anna", "Bert"))
        for each, key in enumerate([anna] * 70 + [bert]):
            deliveries.put(session, declared, text="Hello", record_key=key, idempotency_key=f"k{each}",
                           process_instance_id=number)  # fmt: skip

    with transaction.begin() as session:
        taken = deliveries.take(session, declared)
    assert (list(taken.items), taken.withheld) == ([], deliveries.WITHHELD_AT_ONCE)
    loop_to(transaction, other=to(server, "/other")).rest()

    assert states(transaction) == [*["withheld"] * 70, "sent", "sent"]


def test_take__who_does_not_agree_any_more_keeps_nobody_waiting(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.OTHER | {"recipients": channels.GUESTS},
                        p=channels.sending("other", "recipient=${guest}", "text=Hello"))  # fmt: skip
        for name in ("Anna", "Bert"):
            channels.send(session, guest=channels.guest(session, name, name))
    loop = loop_to(transaction)
    while loop.couriers.take():
        pass
    with transaction.begin() as session:
        anna = records.get(session, 1, by=PROGRAM)
        records.change(session, anna.id, {"name": "Anna", "phone": "Anna", "agrees": False}, revision=1, by=PROGRAM)
        channel = declarations.declared(session, "other")
        taken = deliveries.take(session, channel)

    assert ([each.address for each in taken.items], taken.withheld) == (["Bert"], 1)
    assert states(transaction) == ["withheld", "waiting"]


def test_take__who_has_no_address(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "recipient=${guest}", "text=Hello"))
        channels.send(session, guest=channels.guest(session, "Anna"))
        channels.send(session, guest="G99999")

    loop_to(transaction).rest()

    assert states(transaction) == ["undeliverable", "undeliverable"]


def test_http__wecom_by_the_key_of_its_address(transaction: Sessions, server: Robots) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.WECOM, p=channels.sending("wecom", "text=${said}"))
        channels.send(session, said='"quoted" \\ 中文 ${no}')

    loop_to(transaction, wecom=to(server, f"/wecom?key={robots.KEY}")).rest()

    assert server.taken == [("/wecom", {"msgtype": "text", "text": {"content": '"quoted" \\ 中文 ${no}'}})]
    (delivery,) = queue(transaction)
    assert delivery.state == "sent"
    assert server.keys == [delivery.idempotency_key]


@on_sqlite
def test_http__dingtalk_by_its_signature(transaction: Sessions, server: Robots) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.DINGTALK, p=channels.sending("dingtalk", "text=Hello"))
        channels.send(session)

    address = f"/dingtalk?access_token={robots.TOKEN}"
    loop_to(transaction, dingtalk=to(server, address, secret=robots.SECRET)).rest()

    assert states(transaction) == ["sent"]
    assert server.taken == [("/dingtalk", {"msgtype": "text", "text": {"content": "Hello"}})]


@on_sqlite
def test_http__wrong_secret_is_refused_and_stands_nowhere(
    transaction: Sessions, server: Robots, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "SEC-that-is-another-one"
    with transaction.begin() as session:
        channels.deploy(session, channels.DINGTALK, p=channels.sending("dingtalk", "text=Hello"))
        channels.send(session)

    loop_to(transaction, dingtalk=to(server, f"/dingtalk?access_token={robots.TOKEN}", secret=wrong)).rest()

    (delivery,) = queue(transaction)
    assert (delivery.state, "sign not match" in str(delivery.answer)) == ("undeliverable", True)
    for secret in (wrong, robots.TOKEN):
        assert secret not in caplog.text
        assert secret not in str(delivery.answer)


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"Authorization": "Bearer to/ken-of-ours"}, "no such token: to/ken-of-ours"),
        ({"Authorization": "Bearer to/ken-of-ours"}, r"no such token: to\/ken-of-ours"),
        ({"X-Key": "one,to/ken-of-ours"}, "no such token: to/ken-of-ours"),
    ],
)
def test_http__a_secret_that_the_server_repeats(headers: dict[str, str], answer: str) -> None:
    said = connectors.hidden(answer, Endpoint(url="https://robot.example/", headers=headers))

    assert said == "no such token: …"


def test_http__a_secret_of_the_address_that_the_server_reads_and_repeats() -> None:
    endpoint = Endpoint(url="https://robot.example/send?key=a%2Bb+c%3Dd-of-ours")

    assert connectors.hidden("wrong: a+b c=d-of-ours", endpoint) == "wrong: …"


@on_sqlite
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/other", {"Authorization": "Bearer token-of-ours\n"}),
        ("/other", {"X-Name": "密钥"}),
        ("/other", {"X-A\nB": "c"}),
        ("/other?key=a b", {}),
        ("/路径", {}),
    ],
)
def test_http__settings_that_cannot_be_sent_leave_nothing_uncertain(
    transaction: Sessions, server: Robots, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str]
) -> None:
    sent_through_other(transaction)

    loop_to(transaction, other=to(server, path, headers=headers)).rest()

    (delivery,) = queue(transaction)
    assert (delivery.state, "cannot be sent" in str(delivery.answer)) == ("waiting", True)
    assert "token-of-ours" not in caplog.text + str(delivery.answer)
    assert server.taken == []


def test_http__one_that_is_too_large_keeps_nobody_waiting(transaction: Sessions, server: Robots) -> None:
    sent_through_other(transaction, amount="x" * 1_000_000)
    with transaction.begin() as session:
        channels.send(session, amount=1)

    loop_to(transaction, other=to(server, "/other")).rest()

    assert states(transaction) == ["undeliverable", "sent"]


def test_http__values_keep_their_type_and_what_it_is_called_is_kept(transaction: Sessions, server: Robots) -> None:
    server.other = (200, {"id": 4711})
    sent_through_other(transaction, amount=[1, {"a": True}])

    loop_to(transaction, other=to(server, "/other")).rest()

    (delivery,) = queue(transaction)
    ((_, taken),) = server.taken
    assert taken == {"to": "138", "text": "Hello", "amount": [1, {"a": True}], "key": delivery.idempotency_key}
    assert delivery.number == "4711"


def test_http__what_it_is_called_is_kept_however_late_that_is_noted(
    transaction: Sessions, server: Robots, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("the database is away"))

    server.other = (200, {"id": 4711})
    sent_through_other(transaction)
    loop = loop_to(transaction, other=to(server, "/other"))
    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "settle", fail)
        with pytest.raises(OperationalError):
            loop.rest()
    assert states(transaction) == ["sending"]

    # Nothing else is to go out.
    loop.rest()

    (delivery,) = queue(transaction)
    assert (delivery.state, delivery.number) == ("sent", "4711")
    assert len(server.taken) == 1


@on_sqlite
def test_stop__waits_for_what_is_on_its_way(transaction: Sessions, server: Robots) -> None:
    is_asked, goes_on = threading.Event(), threading.Event()

    def answer_late() -> None:
        is_asked.set()
        goes_on.wait(PATIENCE)

    server.before = answer_late
    sent_through_other(transaction)
    loop = loop_to(transaction, other=to(server, "/other", timeout=PATIENCE))
    running = threading.Thread(target=loop.run, daemon=True)
    running.start()
    assert is_asked.wait(PATIENCE)

    loop.stop()
    threading.Timer(0.5, goes_on.set).start()
    running.join(PATIENCE)

    assert not running.is_alive()
    assert states(transaction) == ["sent"]


def test_take__keeps_nobody_from_writing_where_nothing_goes_out(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS)
    couriers = loop_to(transaction).couriers

    with transaction.begin() as session:
        # Whoever writes now is not waited for.
        session.connection()
        assert (couriers.take(), couriers.waiting()) == (0, [])


@on_sqlite
@pytest.mark.parametrize(
    ("answer", "state", "again_in"),
    [
        ((400, {}), "undeliverable", None),
        ((503, {}), "waiting", FIRST_BACK_OFF),
        ((429, {}), "waiting", FIRST_BACK_OFF),
        ((401, {}), "waiting", FIRST_PAUSE),
        ((302, {}), "waiting", FIRST_PAUSE),
        (None, "uncertain", None),
    ],
)
def test_http__what_is_answered(
    transaction: Sessions, server: Robots, still: datetime, answer: Any, state: str, again_in: timedelta | None
) -> None:
    server.other = answer
    sent_through_other(transaction)

    loop_to(transaction, other=to(server, "/other")).rest()

    (delivery,) = queue(transaction)
    assert delivery.state == state
    assert again_in is None or delivery.due_at == still + again_in
    assert len(server.taken) == (1 if answer is None else 0)


@on_sqlite
def test_http__a_server_that_never_answers_is_left_within_its_time(transaction: Sessions, server: Robots) -> None:
    server.before = threading.Event().wait
    sent_through_other(transaction)

    loop_to(transaction, other=to(server, "/other", timeout=0.3)).rest()

    assert states(transaction) == ["uncertain"]


@on_sqlite
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/", "private network"),
        ("https://localhost:1/", "private network"),
        ("https://[::ffff:10.0.0.1]/", "private network"),
        ("https://169.254.169.254/latest", "private network"),
        ("https://[64:ff9b::a9fe:a9fe]/latest", "private network"),
        ("https://[::127.0.0.1]/", "private network"),
        ("https://[::ffff:0:10.0.0.1]/", "private network"),
        ("https://[2002:7f00:1::]/", "private network"),
        ("https://[fec0::1]/", "private network"),
        ("http://8.8.8.8/", "https://"),
    ],
)
def test_http__private_networks_only_where_allowed(transaction: Sessions, url: str, words: str) -> None:
    sent_through_other(transaction)

    loop_to(transaction, other=Endpoint(url=url, timeout=1)).rest()

    (delivery,) = queue(transaction)
    assert (delivery.state, words in str(delivery.answer)) == ("waiting", True)


def test_http__no_setting_waits_and_others_go_on(transaction: Sessions, clock: ModuleType, server: Robots) -> None:
    sent_through_other(transaction)
    with transaction.begin() as session:
        channels.deploy(session, channels.OTHER, channels.WECOM, p=channels.sending("wecom", "text=Hello"))
        channels.send(session)
    loop = loop_to(transaction, wecom=to(server, f"/wecom?key={robots.KEY}"))

    loop.rest()

    assert states(transaction) == ["waiting", "sent"]
    began, keep_trying = clock.now(), Surroundings(sessions=transaction).keep_trying
    for after in (timedelta(hours=1), keep_trying - timedelta(seconds=1)):
        clock.set_to(began + after)
        loop.rest()
        assert states(transaction) == ["waiting", "sent"]
    # The last attempt put it off once more.
    clock.set_to(began + keep_trying + LONGEST_PAUSE)
    loop.rest()
    assert states(transaction) == ["undeliverable", "sent"]


def test_http__killed_between_leaving_and_the_answer(
    transaction: Sessions, server: Robots, clock: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """No exception that anybody handles."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    sent_through_other(transaction)
    with monkeypatch.context() as patched:
        patched.setattr("casepath.workers.connectors.judged", die)
        loop = loop_to(transaction, other=to(server, "/other"))
        with pytest.raises(Killed):
            loop.rest()
    assert states(transaction) == ["sending"]

    clock.set_to(clock.now() + LOCK)
    loop_to(transaction, other=to(server, "/other")).rest()

    assert states(transaction) == ["uncertain"]
    assert len(server.taken) == 1


def test_erase__what_it_said_and_to_whom(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "to=138", "text=Hello"))
        number = channels.send(session)
    loop = loop_to(transaction)
    loop.couriers.take()

    with transaction.begin() as session:
        history.erase(session, number, ["text", "to"], by="ada", reason="asked for")
    loop.rest()

    (delivery,) = queue(transaction)
    assert (delivery.state, delivery.text, delivery.address) == ("given_up", "", None)
    with transaction.begin() as session:
        assert history.verify_instance(session, number) == []


@pytest.mark.parametrize(("outcome", "state"), [("sent", "sent"), ("uncertain", "given_up"), ("waiting", "given_up")])
def test_erase__while_it_leaves(transaction: Sessions, outcome: Outcome, state: str) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "to=138", "text=Hello"))
        number = channels.send(session)
    loop_to(transaction).couriers.take()
    with transaction.begin() as session:
        (item,) = deliveries.take(session, declarations.declared(session, "sms")).items
        assert deliveries.hand_over(session, item)

    with transaction.begin() as session:
        history.erase(session, number, ["text", "to"], by="ada", reason="asked for")
    with transaction.begin() as session:
        deliveries.settle(session, item, outcome, answer="138 has it")

    (delivery,) = queue(transaction)
    assert (delivery.state, delivery.address, delivery.answer) == (state, None, None)


@pytest.mark.parametrize(
    ("sent", "names", "held", "state"),
    [
        (False, ["amount"], {}, "given_up"),
        (True, ["amount"], {}, "sent"),
        (True, ["other"], {"amount": "Anna owes 1"}, "sent"),
    ],
)
def test_erase__a_variable_that_goes_with_it(
    transaction: Sessions, server: Robots, sent: bool, names: list[str], held: dict[str, str], state: str
) -> None:
    sent_through_other(transaction, amount="Anna owes 1")
    loop = loop_to(transaction, other=to(server, "/other"))
    loop.couriers.take()
    if sent:
        loop.rest()

    with transaction.begin() as session:
        history.erase(session, 1, names, by="ada", reason="asked for")
    loop.rest()

    (delivery,) = queue(transaction)
    assert (delivery.state, values.loads(delivery.fields), delivery.text) == (state, held, "Hello")
    assert len(server.taken) == (1 if sent else 0)


def test_report__of_one_that_was_erased(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "to=138", "text=Hello"))
        number = channels.send(session)
    loop_to(transaction).rest()

    with transaction.begin() as session:
        history.erase(session, number, ["text"], by="ada", reason="asked for")
        assert not deliveries.report(session, 1, "failed", answer="138 is off")
        assert deliveries.report(session, 1, "delivered")

    (delivery,) = queue(transaction)
    assert (delivery.state, delivery.answer) == ("delivered", None)


@pytest.mark.parametrize("change", [{"text": "Bye"}, {"channel": "other"}])
def test_verify__a_delivery_that_was_changed(transaction: Sessions, change: dict[str, str]) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "to=138", "text=Hello"))
        number = channels.send(session)
    loop_to(transaction).rest()

    with transaction.begin() as session:
        session.execute(update(Delivery).values(**change))
        assert "delivery 1" in str(history.verify_instance(session, number))


def test_retry__and_give_up_are_in_the_history_of_the_house(transaction: Sessions, server: Robots) -> None:
    server.other = (400, {})
    sent_through_other(transaction)
    loop = loop_to(transaction, other=to(server, "/other"))
    loop.rest()
    server.other = (200, {})

    with transaction.begin() as session:
        deliveries.retry(session, 1, by=OPERATOR)
    loop.rest()

    assert states(transaction) == ["sent"]
    with transaction.begin() as session:
        kinds = set(session.scalars(select(OrganisationEvent.kind)))
    assert "delivery.retried" in kinds
    with pytest.raises(errors.InvalidState), transaction.begin() as session:
        deliveries.give_up(session, 1, by=OPERATOR)


def test_report__only_of_what_the_other_side_has(transaction: Sessions, server: Robots) -> None:
    sent_through_other(transaction)
    loop = loop_to(transaction, other=to(server, "/other"))
    loop.couriers.take()
    with transaction.begin() as session:
        assert not deliveries.report(session, 1, "delivered")
    loop.rest()
    with transaction.begin() as session:
        assert deliveries.report(session, 1, "failed", answer="switched off")
        assert not deliveries.report(session, 1, "failed")
        assert deliveries.report(session, 1, "delivered")
        assert not deliveries.report(session, 1, "failed")

    assert states(transaction) == ["delivered"]


@pytest.mark.parametrize(("answer", "state"), [((503, {}), "waiting"), ((400, {}), "undeliverable")])
def test_report__delivered_is_not_sent_again(
    transaction: Sessions, server: Robots, clock: ModuleType, answer: tuple[int, Any], state: str
) -> None:
    server.other = answer
    sent_through_other(transaction)
    loop = loop_to(transaction, other=to(server, "/other"))
    loop.rest()
    assert states(transaction) == [state]

    with transaction.begin() as session:
        assert not deliveries.report(session, 1, "failed")
        assert deliveries.report(session, 1, "delivered")
    server.other = (200, {})
    clock.set_to(clock.now() + FIRST_BACK_OFF)
    loop.rest()

    assert (states(transaction), server.taken) == (["delivered"], [])


def test_retry__one_that_the_other_side_could_not_deliver(transaction: Sessions, server: Robots) -> None:
    sent_through_other(transaction)
    loop = loop_to(transaction, other=to(server, "/other"))
    loop.rest()
    with transaction.begin() as session:
        assert deliveries.report(session, 1, "failed", answer="switched off")

    with transaction.begin() as session:
        deliveries.retry(session, 1, by=OPERATOR)
    loop.rest()

    assert (states(transaction), len(server.taken)) == (["sent"], 2)


def test_log__many_at_once(transaction: Sessions) -> None:
    with transaction.begin() as session:
        channels.deploy(session, channels.SMS, p=channels.sending("sms", "to=138", "text=Hello"))
        number = channels.send(session)
        sms = declarations.declared(session, "sms")
        for each in range(250):
            deliveries.put(
                session, sms, text="Hello", to=f"138{each}", idempotency_key=f"k{each}", process_instance_id=number
            )

    loop_to(transaction).rest()

    assert set(states(transaction)) == {"sent"}
    assert len(queue(transaction)) == 251
