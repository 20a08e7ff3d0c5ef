"""Worst cases on the command line: `explain --bounds` and `table --bounds`."""

from __future__ import annotations

import json

import pytest

MORE = """
providers:
  acme:
    api: openai-chat
    base_url: https://acme.test/v1
    auth: none
    timeout: 20s
    retry: {attempts: 2, backoff: 1s}
    limits: {concurrency: 8, queue_timeout: 5s}
models:
  large:
    provider: acme
    capabilities: [tools, json_schema]
    context_window: 100000
    max_output_tokens: 10000
    price: {input: 1, output: 10}
mcp_servers:
  clock: {command: clock, start_timeout: 10s}
features:
  agent:
    tags: [tooled]
    use: {model: large}
    fallbacks: [{model: acme/other-1}]
    tools: {servers: [clock], max_turns: 3, max_calls: 4, parallel: 2, timeout: 5s}
  sort:
    profiles: {premium: {model: large}}
    use: {model: large, options: {max_output_tokens: 1000}}
    output: folders
    deadline: 30s
    budget: {usd_per_run: 0.1}
    shadow: {model: large, percent: 100}
    allow_override: [small]
  mixed:
    profiles:
      premium: {model: large, options: {timeout: 1s}}
      max: {model: large, options: {max_output_tokens: 10}}
outputs:
  folders: {schema: {type: object}, repair: {attempts: 4}}
"""


@pytest.fixture
def bounded(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text(MORE)
    return routebook


def arithmetic(done):
    return done.stdout[done.stdout.index("  bounds\n") :].splitlines()


def test_explain_shows_the_arithmetic_under_the_decision(bounded):
    plain, done = bounded("explain", "agent"), bounded("explain", "agent", "--bounds")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(plain.stdout)
    assert arithmetic(done) == [
        "  bounds",
        "    at most 16 calls of 1 provider, 463 s, unpriced",
        "    models    (3 turns + 1 to finish) x (1 + 0 repairs) = asked 4 times",
        "    1. large at acme",
        "       calls     4 x 2 tries = 8",
        "       seconds   8 x (20 s + 5 s in a queue) + 4 x 1 s of pauses = 204 s",
        "       a call    (90,000 in x $1 + 10,000 out x $10) / 1M = $0.19",
        "       dollars   8 x $0.19 = $1.52",
        "    2. acme/other-1 at acme",
        "       calls     4 x 2 tries = 8",
        "       seconds   8 x (20 s + 5 s in a queue) + 4 x 1 s of pauses = 204 s",
        "       dollars   unpriced",
        "    tools     10 s to start + 3 waves of calls x 15 s = 55 s",
        "    - acme/other-1 at acme: model 'acme/other-1' is not declared, so what it",
        "      costs is not known",
        "    - a provider's Retry-After may ask for longer pauses, each up to its",
        "      timeout.total",
    ]


def test_explain_shows_what_a_deadline_a_budget_and_a_shadow_do(bounded):
    done = bounded("explain", "sort", "--bounds")

    assert arithmetic(done)[-5:] == [
        "    deadline  30 s, instead of 255 s",
        "    budget    $0.1 + $0.76 of failed tries + $0.38, asked once more = $1.24",
        "    shadow    large at acme, one call: $0.19",
        "    - the budget counts answers; failed tries tell no usage, and may be billed",
        "      all the same",
    ]
    assert "    at most 10 calls of 1 provider, 30 s, $1.43" in arithmetic(done)


def test_every_line_of_the_arithmetic_fits_a_terminal(bounded):
    for feature in ("agent", "sort", "echo", "conv_folder"):
        assert max(map(len, arithmetic(bounded("explain", feature, "--bounds")))) <= 80


def test_the_bounds_are_those_of_the_decision_that_is_asked_for(bounded):
    def usd(*arguments: str) -> float:
        return json.loads(bounded("explain", "sort", "--bounds", "--json", *arguments).stdout)["bounds"]["usd"]

    assert usd("--profile", "premium", "--option", "max_output_tokens=5000") < usd()
    assert (
        json.loads(bounded("explain", "sort", "--model", "small", "--bounds", "--json").stdout)["bounds"]["calls"] == 15
    )


def test_explain_prints_bounds_as_json_where_they_are_asked_for(bounded):
    plain = json.loads(bounded("explain", "sort", "--json").stdout)
    whole = json.loads(bounded("explain", "sort", "--json", "--bounds").stdout)
    bounds = whole.pop("bounds")

    assert whole == plain
    assert (bounds["calls"], bounds["seconds"], bounds["providers"]) == (10, 30.0, 1)
    assert bounds["loop"] == {"turns": 1, "finish": 0, "repairs": 4, "rounds": 5}
    assert bounds["attempts"][0] | {"seconds": 0} == {
        "provider": "acme",
        "model": "large",
        "calls": 10,
        "tries": 2,
        "call_s": 20.0,
        "queue_s": 5.0,
        "pauses_s": 1.0,
        "seconds": 0,
        "input_tokens": 90_000,
        "output_tokens": 10_000,
        "answers": 1,
        "input_price": 1.0,
        "output_price": 10.0,
        "call_usd": 0.19,
        "gap": None,
        "usd": pytest.approx(1.9),
    }
    assert bounds["shadow"] == {"provider": "acme", "model": "large", "usd": 0.19}


def test_table_ranks_features_by_their_worst_case(bounded):
    done = bounded("table", "--bounds")

    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split() for line in done.stdout.splitlines()[2:]] == [
        ["agent", "16", "463", "s", "unpriced", "use"],
        ["sort", "15", "30", "s", "unbounded", "override", "small"],
        ["conv_folder", "3", "1,801.5", "s", "unbounded", "use"],
        ["echo", "3", "1,801.5", "s", "unbounded", "use"],
        ["mixed", "2", "51", "s", "$0.38", "profile:premium;", "time:", "profile:max"],
    ]


def test_the_ranking_takes_the_filters_of_the_table_and_prints_json(bounded):
    peaks = json.loads(bounded("table", "--bounds", "--model", "large", "--json").stdout)

    assert [(peak["feature"], peak["calls"], peak["routes"]["usd"]) for peak in peaks] == [
        ("agent", 16, "use"),
        ("sort", 10, "profile:premium"),
        ("mixed", 2, "profile:premium"),
    ]
    assert [
        peak["feature"] for peak in json.loads(bounded("table", "--bounds", "--tag", "tooled", "--json").stdout)
    ] == ["agent"]
    assert bounded("table", "echo", "--bounds", "--provider", "acme").stdout == "no feature is so\n"
