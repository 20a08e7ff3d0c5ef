"""RunLog over structlog itself, in the ways that it is configured."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog as package

from routebook.telemetry.runlog import RunLog, fields_of


@pytest.fixture
def structlog():
    """The package, configured anew by each test."""
    yield package
    package.reset_defaults()


def test_a_record_is_one_event_with_its_fields(every, structlog, well):
    with structlog.testing.capture_logs() as lines:
        log = RunLog(structlog.get_logger())
        for record in every.values():
            log(record)

    assert lines == [
        {"event": record.type, "log_level": "info" if name in well else "warning", **fields_of(record)}
        for name, record in every.items()
    ]


@pytest.mark.parametrize("renderer", ["JSONRenderer", "KeyValueRenderer", "LogfmtRenderer"])
def test_no_text_begins_a_line_of_its_own(structlog, make, renderer):
    out = io.StringIO()
    processors = [structlog.processors.add_log_level, getattr(structlog.processors, renderer)()]
    structlog.configure(processors=processors, logger_factory=structlog.PrintLoggerFactory(out))
    log = RunLog(structlog.get_logger())

    log(make.attempt(usage=None, rate_limits=None, outcome="failed", kind="timeout", reason="x\nrun error=none"))

    assert len(out.getvalue().splitlines()) == 1
    assert "timeout" in out.getvalue()


def test_json_keeps_costs_exact(structlog, make):
    out = io.StringIO()
    processors = [structlog.processors.JSONRenderer()]
    structlog.configure(processors=processors, logger_factory=structlog.PrintLoggerFactory(out))

    RunLog(structlog.get_logger())(make.attempt())

    assert json.loads(out.getvalue())["cost_microusd"] == 9_007_199_254_740_993


def test_a_record_below_the_configured_level_is_not_read(structlog, make, monkeypatch):
    out = io.StringIO()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(out),
    )
    log = RunLog(structlog.get_logger())
    log(make.run(error="ProviderError"))
    monkeypatch.setattr("routebook.telemetry.runlog.fields_of", lambda _: pytest.fail("fields were made"))
    log(make.run())

    assert json.loads(out.getvalue())["error"] == "ProviderError"


def test_over_a_logger_of_the_standard_library_its_level_counts(structlog, make, logger, kept, monkeypatch):
    logger.setLevel(logging.WARNING)
    structlog.configure(
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        logger_factory=lambda *_: logger,
    )
    log = RunLog(structlog.get_logger())
    log(make.attempt(outcome="failed", kind="timeout"))
    monkeypatch.setattr("routebook.telemetry.runlog.fields_of", lambda _: pytest.fail("fields were made"))
    log(make.run())

    [line] = kept
    assert (line.getMessage(), vars(line)["kind"]) == ("attempt", "timeout")


@pytest.mark.parametrize("wrapper", ["BoundLogger", "stdlib.BoundLogger"])
def test_a_wrapper_that_does_not_know_its_level_is_written_to(structlog, make, wrapper):
    out = io.StringIO()
    kind = structlog.stdlib.BoundLogger if "." in wrapper else structlog.BoundLogger
    structlog.configure(
        wrapper_class=kind,
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(out),
    )
    RunLog(structlog.get_logger())(make.run())

    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["run"]


def test_what_a_logger_is_bound_to_is_in_every_line(structlog, make):
    with structlog.testing.capture_logs() as lines:
        RunLog(structlog.get_logger().bind(service="shop"))(make.turn())

    assert [line["service"] for line in lines] == ["shop"]
