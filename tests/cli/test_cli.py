"""The command line as its user meets it: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from routebook.cli.main import COMMANDS

ROUTEBOOK = Path(sys.executable).with_name("routebook")


def test_help_names_every_command_with_its_line(routebook):
    done = routebook("--help")

    assert done.returncode == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in done.stdout] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_imports_alone(routebook, command):
    done = routebook(command, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: routebook {command}")


@pytest.mark.parametrize(
    "arguments",
    [
        ["chek"],
        ["run"],
        ["check", "--nope"],
        ["check", "--format", "xml"],
        ["explain", "echo", "--set", "nonsense"],
        ["explain", "echo", "--set", "usr=1"],
        ["explain", "echo", "--set", "input_tokens=many"],
        ["run", "echo", "--message", "x", "--input", "{"],
        ["run", "echo", "--message", "x", "--input", "[]"],
        ["run", "echo", "--message", "x", "--input", "@missing.json"],
        ["run", "echo", "--message", "x", "--key", "stage"],
        ["run", "echo", "--message", "x", "--key", "stage=UNSET_VARIABLE"],
        ["run", "echo", "--message", "x", "--set", "input_tokens=9000"],
        ["table", "--profile", "premum"],
        ["table", "ekko"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(routebook, arguments):
    done = routebook(*arguments)

    assert done.returncode == 2
    assert "Error:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_command_is_met_with_the_near_one(routebook):
    assert "did you mean 'check'?" in routebook("chek").stderr


def test_check_sums_up_a_good_book_in_one_line(routebook):
    done = routebook("check", "--strict")

    assert done.returncode == 0
    assert done.stdout.startswith(
        "routes: 2 features, 2 profiles, 1 model; 4 decisions covered, 0 invariants proved; "
        "0 errors, 0 warnings, 0 notes; table "
    )
    assert done.stderr == ""


def test_check_of_a_broken_book_exits_with_1_and_shows_the_line(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text("features:\n  oops: {use: {model: smal}}\n")

    done = routebook("check")

    assert done.returncode == 1
    assert done.stdout.startswith(
        "routes/more.yaml:2:23: RB301 error: feature 'oops' names model 'smal', which no file"
    )
    assert "help: did you mean 'small' (book.yaml:10)?" in done.stdout
    assert "\x1b[" not in done.stdout


@pytest.mark.parametrize("arguments", [["--json"], ["--format", "json"]])
def test_check_prints_diagnostics_as_json(routebook, tmp_path, arguments):
    (tmp_path / "routes" / "more.yaml").write_text("features:\n  oops: {use: {model: smal}}\n")

    (found,) = json.loads(routebook("check", *arguments).stdout)["diagnostics"]

    assert (found["path"], found["line"], found["column"], found["code"]) == ("more.yaml", 2, 23, "RB301")
    assert found["source"] == "  oops: {use: {model: smal}}"


def test_check_prints_paths_as_the_working_directory_sees_them(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text("features:\n  oops: {use: {model: smal}}\n")
    (tmp_path / "routes").rename(tmp_path / "elsewhere")

    for routes in ("elsewhere", "./elsewhere/", str(tmp_path / "elsewhere")):
        shown = routebook("check", "--routes", routes).stdout.partition(":2:23: ")[0]
        assert (tmp_path / shown).samefile(tmp_path / "elsewhere" / "more.yaml")
    assert shown.startswith("/")


def test_check_prints_workflow_commands_with_the_paths_of_the_repository(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text("features:\n  oops: {use: {model: smal}}\n")

    done = routebook("check", "--format", "github")

    assert done.stdout.startswith("::error file=routes/more.yaml,line=2,col=23,")


def test_warnings_are_errors_only_with_strict(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text("models:\n  idle: {provider: stage, capabilities: []}\n")

    assert routebook("check").returncode == 0
    assert routebook("check", "--strict").returncode == 1


def test_check_env_tells_which_secrets_are_missing_and_no_values(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text(
        "providers: {openai: {}, groq: {}}\nfeatures:\n  more: {use: {model: openai/a}, fallbacks: [{model: groq/b}]}\n"
    )

    done = routebook("check", "--env", GROQ_API_KEY="canary-42-canary")

    assert done.returncode == 1
    assert "RB703" in done.stdout
    assert "OPENAI_API_KEY is not set" in done.stdout
    assert "GROQ_API_KEY" not in done.stdout
    assert "canary" not in done.stdout


@pytest.mark.parametrize("command", [["check"], ["table"], ["explain", "echo"], ["run", "echo", "--message", "x"]])
def test_a_missing_book_is_one_clear_error(routebook, command):
    done = routebook(*command, "--routes", "nowhere")

    assert done.returncode == 1
    assert "nowhere" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_book_is_found_by_the_environment(routebook, tmp_path):
    (tmp_path / "routes").rename(tmp_path / "elsewhere")

    assert routebook("check", ROUTEBOOK_ROUTES="elsewhere").returncode == 0


def test_table_has_a_row_for_each_feature(routebook):
    done = routebook("table")

    assert done.returncode == 0
    for words in (["conv_folder", "premium, max", "stage", "small", "folder", "1→2"], ["echo", "premium, max"]):
        assert any(all(word in line for word in words) for line in done.stdout.splitlines())


def test_profiles_share_a_row_of_the_table_only_if_their_options_are_the_same(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text(
        "features:\n  warm:\n    profiles:\n"
        "      premium: {model: small, options: {temperature: 0}}\n"
        "      max: {model: small, options: {temperature: 1}}\n"
    )

    rows = json.loads(routebook("table", "warm", "--json").stdout)

    assert [row["profiles"] for row in rows] == [["premium"], ["max"]]


@pytest.mark.parametrize("target", ["openai/m", "small"])
def test_the_table_shows_what_only_a_callers_key_serves(routebook, tmp_path, target):
    (tmp_path / "routes" / "more.yaml").write_text(
        f"providers: {{openai: {{}}}}\nfeatures:\n  own: {{credentials: caller, use: {{model: {target}}}}}\n"
    )

    (row,) = json.loads(routebook("table", "own", "--json").stdout)

    assert (row["model"], row["profiles"]) == (target, ["premium", "max"])


def test_table_prints_json(routebook):
    rows = json.loads(routebook("table", "echo", "--profile", "max", "--json").stdout)

    assert rows == [
        {
            "feature": "echo",
            "profiles": ["max"],
            "route": "use",
            "arm": None,
            "share": 1.0,
            "provider": "stage",
            "model": "small",
            "fallbacks": [],
            "tools": [],
            "output": None,
            "price": {"input": 1.0, "output": 2.0},
        }
    ]


def test_explain_shows_the_decision_and_the_lines_it_rests_on(routebook):
    done = routebook("explain", "echo", "--profile", "max", "--option", "seed=7")

    assert done.returncode == 0
    assert "1. small (small-1) at stage, api scripted, credential none" in done.stdout
    assert "temperature = 0.5  by " in done.stdout
    assert "seed = 7  by the caller" in done.stdout
    assert "[book.yaml:18]" in done.stdout


@pytest.mark.parametrize("command", [["explain", "echo"], ["run", "echo", "--message", "x"]])
@pytest.mark.parametrize("option", ["temperature=hot", "temprature=1"])
def test_an_option_that_does_not_fit_is_wrong_usage_that_names_it(routebook, command, option):
    done = routebook(*command, "--option", option)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"Invalid value for --option: {option.partition('=')[0]}: " in done.stderr


def test_explain_shows_a_callers_option_as_the_run_would_send_it(routebook):
    assert 'timeout = {"total": 30.0}  by the caller' in routebook("explain", "echo", "--option", "timeout=30s").stdout


def test_explain_prints_the_decision_as_json(routebook):
    decision = json.loads(routebook("explain", "echo", "--json").stdout)

    assert (decision["feature"], decision["route"], decision["attempts"][0]["model"]) == ("echo", "use", "small")


def test_an_unknown_feature_is_met_with_the_near_one(routebook):
    done = routebook("explain", "ecko")

    assert done.returncode == 1
    assert done.stderr == "error: the book has no feature 'ecko'; did you mean 'echo'?\n"


def test_run_prints_the_answer_alone_on_standard_output(routebook):
    done = routebook("run", "echo", "--message", "hello")

    assert (done.returncode, done.stdout) == (0, "you said hello\n")
    assert "100 in, 10 out, $0.000120" in done.stderr


def test_run_reads_the_message_and_the_inputs_from_where_they_are_said_to_be(routebook, tmp_path):
    (tmp_path / "folders.json").write_text('{"folders": [{"id": "f-1", "name": "One"}, {"id": "f-2", "name": "Two"}]}')

    by_file = routebook("run", "conv_folder", "--message", "folder: two", "--input", "@folders.json")
    by_pipe = routebook("run", "echo", "--message", "-", stdin="from a pipe")

    assert json.loads(by_file.stdout) == {"folder_id": "f-2"}
    assert "check choice: accepted" in by_file.stderr
    assert by_pipe.stdout == "you said from a pipe\n"


@pytest.mark.parametrize(
    ("piped", "said"), [("one\n", "one"), ("one\ntwo\n\n", "one\ntwo\n"), ("\none", "\none"), ("one ", "one ")]
)
def test_a_message_from_standard_input_loses_the_line_break_at_its_end_and_nothing_else(routebook, piped, said):
    done = routebook("run", "echo", "--message", "-", "--json", stdin=piped)

    assert json.loads(done.stdout)["messages"][0]["content"] == [{"type": "text", "text": said}]


def test_run_prints_the_whole_result_as_json(routebook):
    result = json.loads(routebook("run", "echo", "--message", "hello", "--json").stdout)

    assert result["text"] == "you said hello"
    assert result["decision"]["feature"] == "echo"
    assert [attempt["kind"] for attempt in result["attempts"]] == [None]


def test_run_plays_a_script_instead_of_calling_a_provider(routebook, tmp_path):
    (tmp_path / "script.yaml").write_text('- reply: {text: "played"}\n')

    assert routebook("run", "echo", "--message", "fail", "--script", "script.yaml").stdout == "played\n"


def test_a_broken_script_is_reported_with_its_line(routebook, tmp_path):
    (tmp_path / "script.yaml").write_text("- reply: {txt: played}\n")

    done = routebook("run", "echo", "--message", "x", "--script", "script.yaml")

    assert done.returncode == 1
    assert "script.yaml:1:11: RB201 error: unknown key 'txt'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_run_exits_with_1_and_says_kind_provider_model_and_what_to_do(routebook):
    done = routebook("run", "echo", "--message", "fail")

    assert (done.returncode, done.stdout) == (1, "")
    attempts, error = done.stderr.splitlines()
    assert attempts == "small at stage server_error: the house is closed (nobody pays) (3 times)"
    assert error.startswith(
        "error: server_error: provider 'stage', model 'small', HTTP 503: the house is closed (help: "
    )


def test_inputs_that_a_check_cannot_use_are_one_clear_error(routebook):
    done = routebook("run", "conv_folder", "--message", "x", "--input", '{"folders": [{"id": 1}, {"id": 1}]}')

    assert done.returncode == 1
    assert done.stderr.startswith("error: inputs['folders'][1]")


def test_ctrl_c_ends_a_run_with_130_and_without_a_traceback(routebook, tmp_path):
    command = [ROUTEBOOK, "run", "echo", "--message", "slow"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    assert process.returncode == 130
    assert (out, err.strip()) == ("", "interrupted")


def test_a_reader_that_goes_away_is_no_error_of_ours(tmp_path):
    command = f"'{ROUTEBOOK}' schema | head -c 10"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )

    assert done.stderr == ""


def test_schema_prints_and_writes_the_schemas(routebook, tmp_path):
    printed = json.loads(routebook("schema").stdout)
    routebook("schema", "--write", "out")

    assert sorted(printed) == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert json.loads((tmp_path / "out" / "route-file.schema.json").read_text()) == printed["route-file.schema.json"]


def test_init_writes_a_book_that_is_good_and_runs_offline(routebook, tmp_path):
    done = routebook("init", "my book")

    assert done.returncode == 0
    assert routebook("check", "--strict", "--routes", "my book").returncode == 0
    ran = routebook(
        "run", "summary", "--routes", "my book", "--message", "x", "--script", "my book/_scripts/offline.yaml"
    )
    assert ran.stdout == "A summary of: x\n"
    first = (tmp_path / "my book" / "routes.yaml").read_text().splitlines()[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (tmp_path / "my book" / schema).is_file()


def test_init_writes_the_example_book_whole_with_the_schemas_that_its_files_name(routebook, tmp_path):
    assert routebook("init", "--example", "book").returncode == 0
    assert routebook("check", "--strict", "--routes", "book").returncode == 0
    for file in (tmp_path / "book").rglob("*.yaml"):
        schema = file.read_text().splitlines()[0].removeprefix("# yaml-language-server: $schema=")
        assert (file.parent / schema).is_file(), file


@pytest.mark.parametrize("command", [["init"], ["init", "--example"], ["schema", "--write"]])
def test_a_directory_that_cannot_be_made_is_one_clear_line(routebook, tmp_path, command):
    (tmp_path / "file").write_text("")

    done = routebook(*command, "file/book")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: ")
    assert "file/book" in done.stderr


def test_init_never_writes_over_what_is_there(routebook, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")

    done = routebook("init", "taken")

    assert done.returncode == 1
    assert os.listdir(tmp_path / "taken") == ["notes.txt"]
    assert "nothing was written" in done.stderr


def test_a_table_in_a_pipe_is_not_wrapped(routebook, tmp_path):
    long = "a_feature_with_a_name_that_is_as_long_as_a_name_may_well_get_ok"
    (tmp_path / "routes" / "more.yaml").write_text(f"features:\n  {long}: {{use: {{model: small}}}}\n")

    assert any(line.startswith(f"{long} ") for line in routebook("table").stdout.splitlines())


def test_a_closed_standard_output_is_no_traceback(tmp_path):
    done = subprocess.run(
        ["bash", "-c", f"'{ROUTEBOOK}' check >&-"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert "Traceback" not in done.stderr


def test_a_run_without_a_message_is_refused_where_no_prompt_stands_in_for_it(routebook):
    done = routebook("run", "echo")

    assert (done.returncode, done.stdout) == (1, "")
    assert "feature 'echo' needs a message" in done.stderr


def test_check_explains_a_code(routebook):
    done = routebook("check", "--explain", "rb301")

    assert done.returncode == 0
    assert done.stdout.startswith("RB301 (error): ")
    assert routebook("check", "--explain", "RB000").returncode == 2


def test_the_table_shows_rules_and_arms_and_can_be_filtered(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text(
        """
features:
  shared:
    tags: [new]
    rules: [{name: long, when: {input_tokens: {gt: 9}}, use: {model: small}}]
    use: {split: [{name: a, weight: 3, model: small}, {name: b, weight: 1, model: small, options: {seed: 1}}]}
"""
    )
    rows = json.loads(routebook("table", "sh*", "--tag", "new", "--profile", "max", "--json").stdout)

    assert [(row["route"], row["arm"], row["share"]) for row in rows] == [
        ("rule:long", None, 1.0),
        ("use", "a", 0.75),
        ("use", "b", 0.25),
    ]
    assert "rule long" in routebook("table", "shared").stdout
    assert routebook("table", "echo", "--tag", "new").stdout == "no feature is so\n"
    assert routebook("table", "--model", "smal").stderr.rstrip().endswith("did you mean 'small'?")


def test_explain_shows_why_a_rule_does_not_hold(routebook, tmp_path):
    (tmp_path / "routes" / "more.yaml").write_text(
        "features: {picky: {rules: [{name: tenth, when: {user: {percent: 10}}, use: {model: small}}],"
        " use: {model: small}}}"
    )
    said = routebook("explain", "picky", "--set", "user=u2")
    plain = json.loads(routebook("explain", "picky", "--set", "user=u2", "--json").stdout)

    assert "rule 'tenth': no, user percent 10 does not hold: 'u2' falls at " in said.stdout
    assert [step["outcome"] for step in plain["considered"]][-1] == "taken"
    assert plain["key"] == "u2"
