"""What a check prints of its proofs, and the commands that its notes show, as people paste them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

MORE = """\
features:
  news:
    tags: [pii]
    rules:
      - {name: long, when: {metadata.kind: {prefix: a}}, use: {model: small}}
      - {name: longer, when: {metadata.kind: {prefix: ab}, user: "it's\\nme"}, use: {model: small}}
    use: {model: small}
"""
PROMISE = "invariants: {cheap: {where: {tags: pii}, require: {price.output: {lt: 2}}}}\n"


def test_the_command_of_a_shadowed_rule_leads_to_the_rule_that_takes_its_place(routebook, tmp_path: Path):
    (tmp_path / "routes" / "more.yaml").write_text(MORE)
    (tmp_path / "routes").rename(tmp_path / "my routes")

    said = routebook("check", "--routes", "my routes").stdout
    (shown,) = re.findall(r"`(routebook explain .*)` goes to rule 'long'", said)

    assert "$'user=it\\'s\\u000ame'" in shown
    done = routebook("explain", "news", "--routes", "my routes", "--set", "metadata.kind=ab~", "--set", "user=it's\nme")
    assert done.stdout.startswith("news under profile premium: rule:long\n")


def test_the_command_of_a_broken_invariant_shows_the_decision_that_breaks_it(routebook, tmp_path: Path):
    (tmp_path / "routes" / "more.yaml").write_text(MORE + PROMISE)

    (shown, *_) = re.findall(r"for example: routebook (explain .*)$", routebook("check").stdout, re.MULTILINE)
    done = routebook(*shlex.split(shown))

    assert done.returncode == 1
    assert done.stdout.startswith("news under profile premium: ")
    assert done.stderr.startswith("error: the book does not compile, as invariants do not hold")


def test_a_check_sums_up_what_it_covered_and_proved(routebook, tmp_path: Path):
    more = tmp_path / "routes" / "more.yaml"
    more.write_text(MORE + PROMISE)
    assert "routes: does not compile: 8 decisions covered, 0 invariants proved, 1 not; " in routebook("check").stdout

    more.write_text(MORE + PROMISE.replace("lt: 2", "lte: 2").replace("tags: pii", "route: override"))
    assert "8 decisions covered, 0 invariants proved, 1 about nothing; " in routebook("check").stdout

    more.write_text(MORE + PROMISE.replace("lt: 2", "lte: 2"))
    summary = json.loads(routebook("check", "--json").stdout)["summary"]
    assert summary["decisions"] == 8
    assert summary["invariants"] == {"proved": 1, "broken": 0, "idle": 0}


def test_invariants_are_proved_of_sound_features_while_others_have_errors(routebook, tmp_path: Path):
    (tmp_path / "routes" / "more.yaml").write_text(MORE + "  oops: {use: {model: smal}}\n" + PROMISE)

    codes = {found["code"] for found in json.loads(routebook("check", "--json").stdout)["diagnostics"]}

    assert {"RB301", "RB601"} <= codes
