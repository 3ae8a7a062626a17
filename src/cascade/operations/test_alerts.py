from __future__ import annotations

import time

import pytest

from cascade.framework.conftest import SampleProject
from cascade.operations.conftest import Cascade, LoopbackServer
from cascade.operations.sending import LIMIT_SECONDS, Sender, SendingError, post

pytestmark = pytest.mark.usefixtures("things", "program")

RANGE = ("materialize", "things", "--partition-range", "2024-01-02...2024-01-04")


def test_each_run_that_fails_or_refuses_rows_is_one_alert(
    cascade: Cascade, receiver: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_ALERT_WEBHOOK", f"{receiver.url}/hook")
    monkeypatch.setenv("CASCADE_ALERT_SLACK", f"{receiver.url}/chat")
    assert "told" not in cascade(*RANGE).stderr
    failed, refused = receiver.documents("/hook")
    assert (failed["kind"], failed["asset"], failed["partition"]) == ("failed", "things", "2024-01-03")
    assert failed["message"].endswith("ValueError: the source is down")
    assert failed["command"] == "cascade materialize things --partition 2024-01-03"
    assert failed["title"] == "project: things 2024-01-03 failed"
    assert failed["run_id"] in failed["text"]
    assert (refused["kind"], refused["partition"]) == ("quarantined", "2024-01-04")
    assert refused["message"] == "1 of 2 rows were refused, by int_parsing. The others are in the table."
    assert refused["command"] == "cascade quarantine show raw.things --partition 2024-01-04"
    assert "four" not in str(refused)
    chat, _ = receiver.documents("/chat")
    assert chat == {"text": f"*project: things 2024-01-03 failed*\n{failed['text'].partition(chr(10))[2]}"}


def test_nothing_is_sent_unless_it_is_asked_for(
    cascade: Cascade, receiver: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASCADE_ALERT_WEBHOOK", f"{receiver.url}/hook")
    monkeypatch.setenv("CASCADE_ALERT_ON", "late, blocked")
    cascade("materialize", "things", "--partition", "2024-01-03")
    assert receiver.bodies == []
    monkeypatch.setenv("CASCADE_ALERT_ON", "late,broken")
    assert "unknown kind of alert, 'broken'" in cascade("status").stderr


def test_a_receiver_that_is_down_costs_one_warning_and_no_run(
    cascade: Cascade, receiver: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = receiver.url
    receiver.server_close()
    monkeypatch.setenv("CASCADE_ALERT_WEBHOOK", f"{url}/services/hush-hush")
    result = cascade(*RANGE)
    assert "things 2024-01-04" in result.stdout
    assert result.stderr.count("The webhook of alerts is not told of everything: it cannot be reached") == 1
    assert "hush-hush" not in result.output


def test_a_slow_receiver_is_left_alone(receiver: LoopbackServer, capsys: pytest.CaptureFixture[str]) -> None:
    receiver.seconds = LIMIT_SECONDS + 2
    sender = Sender("It")
    started = time.monotonic()
    assert [sender.send(lambda: post(receiver.url, document={})) for _ in range(3)] == [False, False, False]
    assert time.monotonic() - started < LIMIT_SECONDS + 1
    assert capsys.readouterr().err.count("did not answer within 3 seconds") == 1


def test_a_refusal_is_told_without_the_address(receiver: LoopbackServer) -> None:
    receiver.status = 403
    with pytest.raises(SendingError, match=r"^it answered 403 Forbidden$"):
        post(f"{receiver.url}/hush", document={})


def test_without_a_receiver_dagster_uses_its_own_instance(cascade: Cascade, things: SampleProject) -> None:
    cascade("status")
    assert "instance_class" not in (things.root / ".cascade/dagster/dagster.yaml").read_text()
