"""RunLog: one line for each record, in whichever of two kinds of log, and nothing where it is not wanted."""

from __future__ import annotations

import json
import logging

import pytest

from routebook import RequestError
from routebook.telemetry.runlog import RunLog, fields_of


def test_by_default_it_writes_to_the_logger_of_that_name(make, caplog):
    caplog.set_level(logging.INFO, logger="routebook.runs")

    RunLog()(make.run())

    [line] = caplog.records
    assert line.name == "routebook.runs"
    assert line.getMessage().startswith("run ended: run_id=run-1 ")


def test_what_went_well_is_info_and_what_did_not_a_warning(every, logger, kept, well):
    log = RunLog(logger)
    for record in every.values():
        log(record)

    levels = dict(zip(every, (line.levelname for line in kept), strict=True))
    assert levels == {name: "INFO" if name in well else "WARNING" for name in levels}


@pytest.mark.parametrize(
    ("level", "failed"), [(logging.DEBUG, "WARNING"), (logging.WARNING, "WARNING"), (logging.ERROR, "ERROR")]
)
def test_the_level_is_that_of_what_went_well_and_what_failed_is_a_warning_at_least(make, logger, kept, level, failed):
    log = RunLog(logger, level=level)
    log(make.run())
    log(make.run(error="ProviderError"))

    assert [line.levelname for line in kept] == [logging.getLevelName(level), failed]


def test_the_extra_fields_are_plain_data_whole_and_exact(every, logger, kept):
    log = RunLog(logger)
    for record in every.values():
        log(record)

    for line, record in zip(kept, every.values(), strict=True):
        fields = vars(line)["routebook"]
        assert json.loads(json.dumps(fields)) == fields == fields_of(record)
        names = set(record.__slots__) | (set(record.attempt.__slots__) if record.type == "attempt" else set())
        assert set(fields) == names - {"attempt"}
    first = vars(kept[0])["routebook"]
    assert first["cost_microusd"] == 9_007_199_254_740_993
    assert first["usage"] == {"input": 210, "output": 18, "cached_input": 0, "cache_write": 0, "reasoning": 0}
    assert first["reason"] is None


def test_a_percent_sign_in_a_reason_is_only_that(make, logger, kept):
    RunLog(logger)(make.attempt(outcome="failed", reason="100 % of %s and %(name)s"))

    assert 'reason="100 % of %s and %(name)s"' in kept[0].getMessage()


def test_an_adapters_own_fields_and_words_come_with_ours(make, logger, kept):
    class Prefixing(logging.LoggerAdapter):
        def process(self, msg, kwargs):
            return f"[shop] {msg}", {**kwargs, "extra": self.extra}

    RunLog(Prefixing(logging.LoggerAdapter(logger, {"tenant": "acme"}), {"shop": 7}))(make.run())
    RunLog(logging.LoggerAdapter(logger, None))(make.turn())

    first, second = kept
    assert first.getMessage().startswith("[shop] run ended: ")
    assert (vars(first)["shop"], vars(first)["tenant"]) == (7, "acme")
    assert vars(first)["routebook"]["run_id"] == vars(second)["routebook"]["run_id"] == "run-1"


def test_a_record_whose_level_is_not_logged_is_not_made_a_line_of(make, logger, kept, monkeypatch):
    logger.setLevel(logging.WARNING)
    log = RunLog(logger)
    monkeypatch.setattr("routebook.telemetry.runlog.line_of", lambda _: pytest.fail("a line was made"))
    monkeypatch.setattr("routebook.telemetry.runlog.fields_of", lambda _: pytest.fail("fields were made"))

    log(make.run())
    log(make.attempt())

    assert kept == []


@pytest.mark.parametrize("level", ["info", 25, True, None, 20.0, []])
def test_a_level_that_is_none_of_the_five_is_refused(level):
    with pytest.raises(RequestError, match=r"level must be one of logging\.DEBUG, ") as caught:
        RunLog(level=level)
    assert caught.value.field == "level"


class Unfinished:
    def info(self, event, **fields):
        """Log."""


class Async:
    async def info(self, event, **fields):
        """Log."""

    warning = info


@pytest.mark.parametrize("given", ["routes.log", print, Unfinished(), Async()])
def test_what_is_no_logger_is_refused(given):
    with pytest.raises(RequestError, match=r"the logger needs a plain method '(info|warning)'") as caught:
        RunLog(given)
    assert caught.value.field == "logger"


def test_any_logger_with_such_methods_is_called_as_structlogs_are(every, well):
    lines = []

    class Plain:
        def info(self, event, **fields):
            lines.append(("info", event, fields))

        def warning(self, event, **fields):
            lines.append(("warning", event, fields))

    log = RunLog(Plain())
    for record in every.values():
        log(record)

    assert lines == [
        ("info" if name in well else "warning", record.type, fields_of(record)) for name, record in every.items()
    ]
