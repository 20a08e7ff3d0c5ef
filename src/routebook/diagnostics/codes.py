"""Every diagnostic code, in one table. A code's meaning never changes; a retired one is never used again.

Each has the sentences that `docs/diagnostics.md` and `explain_code` show: what it means and why it matters, and how to
mend it in general. What a diagnostic itself says is more exact, and is written where it is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for in a line, what that means, how to mend it, and how severe it is."""

    title: str
    meaning: str
    mend: str
    severity: Literal["error", "warning", "note"] = "error"


CODES: dict[str, Code] = {
    # reading
    "RB101": Code(
        "file is not valid UTF-8",
        "Route files are UTF-8, so that they mean the same on every machine. The place is that of the first byte that "
        "is not.",
        "Save the file as UTF-8 in your editor; text from an old Windows program is often Latin-1.",
    ),
    "RB102": Code(
        "YAML or JSON syntax error",
        "The file cannot be read, so nothing that it defines is known. Names that only this file may define are not "
        "reported as unknown.",
        "Look at the place and just before it: an open bracket or quote, a tab, a missing `: `, wrong indentation.",
    ),
    "RB103": Code(
        "duplicate key in a mapping",
        "Most readers silently keep the last of two equal keys, and one of two routes is lost. Here it is an error.",
        "Keep one of the two, or rename one if they are two definitions.",
    ),
    "RB104": Code(
        "aliases expand to too much",
        "Aliases of aliases grow with each level, and a file of a few lines can fill the memory. There is a bound.",
        "Anchor smaller parts, or write out what an alias stands for.",
    ),
    "RB105": Code(
        "file is too large or nested too deeply",
        "A file may have 1 MiB and 100 levels of nesting. More than that is a mistake or an attack, never a route.",
        "Split the file: a book in many files means the same as in one.",
    ),
    "RB106": Code(
        "YAML feature that route files do not have",
        "Tags, merge keys, several documents and keys that are not text are read differently by different programs. "
        "Route files do without them.",
        "Quote what is meant as text; give a second document a file of its own.",
    ),
    "RB107": Code(
        "file cannot be read",
        "A file of the book, or one that it names with `{file: PATH}`, is missing, unreadable, not a regular file, or "
        "outside the book. Nothing outside the book is ever opened, secrets excepted.",
        "Name a file below the book's root, relative to the root, and make it readable.",
    ),
    "RB108": Code(
        "no such directory, or a directory without route files",
        "A book is a directory with `*.yaml`, `*.yml` or `*.json` files. Names that begin with `.` or `_` do not "
        "count, nor do folders that are named so.",
        "Check `--routes`, or begin a book with `routebook init DIR`.",
    ),
    "RB109": Code(
        "file is empty",
        "A route file without anything in it is most often one that was cut off while it was written. A table "
        "compiled without it would lack its routes.",
        "Write a section in it, `{}` where it is to be empty, or remove the file.",
    ),
    "RB110": Code(
        "ignore comment that cannot be understood",
        "The comment names no code, a code that there is not, or an error. Only warnings and notes can be ignored.",
        "Write `# routebook: ignore RB501`, with commas between several codes.",
        "warning",
    ),
    # shape
    "RB201": Code(
        "unknown key",
        "A key that nothing reads is nearly always a misspelt one, and what it was to set would not be set.",
        "Take the key that is suggested. The schema line at the top of a file lets an editor complete them.",
    ),
    "RB202": Code(
        "wrong type",
        "The value is text where a number belongs, a mapping where a list belongs, and so on. Nothing is converted in "
        "silence; only values from environment variables are.",
        "Write the value as the message says; quotes make text of a number or of `true`.",
    ),
    "RB203": Code(
        "value out of range or not one of the allowed ones",
        "The value has the right type, and still no meaning in this place: a number beyond its bounds, a word that is "
        "not in the list, a duration without its unit.",
        "Take one of the values that the message names.",
    ),
    "RB204": Code(
        "required key is missing",
        "The definition says too little to be used. The place is the name of what lacks the key.",
        "Add the key.",
    ),
    "RB205": Code(
        "bad name",
        "Names stand in tables, logs, metrics and addresses, so they are short and plain: a lower-case letter, then up "
        "to 63 lower-case letters, digits, dots, `_` or `-`. The name of a tool server has no dot.",
        "Rename it, and what refers to it.",
    ),
    "RB206": Code(
        "literal secret where a reference belongs",
        "Route files are committed, reviewed and shown. A secret in one of them is no secret, so only a reference may "
        "stand here. What was written is masked in every message.",
        "Write `{env: NAME}` or `{file: PATH}`. Replace a key that has been committed: it is in the history.",
    ),
    # names
    "RB301": Code(
        "unknown name",
        "Something refers to a definition that no file of the book has. A name of another section does not count: a "
        "model is not a provider.",
        "Take the name that is suggested, or define what is missing.",
    ),
    "RB302": Code(
        "name defined twice",
        "The files of a book have no order, so neither of two definitions could win. Names are unique in their "
        "section over all files.",
        "Rename or remove one; the message cites the other.",
    ),
    "RB303": Code(
        "cyclic reference",
        "Profiles that extend each other in a circle have no first one to inherit from.",
        "Remove one `extends` of the circle.",
    ),
    "RB304": Code(
        "ambiguous reference",
        "`provider/model-id` takes the settings of the model that is declared with that provider and id. Here several "
        "are, and they may differ in price or options.",
        "Write the name of the one that is meant.",
    ),
    # meaning
    "RB401": Code(
        "feature without a route in some profile",
        "A call in that profile would have nowhere to go. Every profile needs an entry of its own or of one that it "
        "extends, unless the feature has `use` or `pin`. Rules do not count, as none may hold.",
        "Add `use`, or an entry for each profile that is named.",
    ),
    "RB402": Code(
        "option that the API or the model does not carry",
        "The option would never reach the model. Providers drop or refuse such options, each in its own way; here it "
        "is said before any call, at the line that sets it.",
        "Remove it, or set it to `null` for the target that does not take it.",
    ),
    "RB403": Code(
        "fallback equal to its primary on every route",
        "A fallback with the provider, model and options that have just failed fails again. It is dropped from a route "
        "where that is so; here it is so on all of them.",
        "Name another model, or another provider of the same one.",
    ),
    "RB404": Code(
        "invalid JSON Schema",
        "The schema of an output or of a feature's inputs is no valid JSON Schema (2020-12), or refers to something "
        "outside itself. It could neither be sent to a model nor checked against.",
        "Mend the place that is shown. Copy what a remote `$ref` names into `$defs`.",
    ),
    "RB405": Code(
        "capability that a feature needs and a model lacks",
        "The feature uses tools, an output, or something under `needs`, and a model that it can reach declares its "
        "capabilities without it. Fallbacks count, since they are reached on the worst day.",
        "Name another model, or add the capability to the model's `capabilities` if it has it.",
    ),
    "RB406": Code(
        "output check that does not fit its schema",
        "The check reads a field that the schema does not have, or that cannot hold what the check compares, so that "
        "it could never pass, or never fail.",
        "Name a field of the schema, or mend the field's type.",
    ),
    "RB407": Code(
        "provider or tool server that cannot be called as it stands",
        "It lacks an address, a key or a command, has two that exclude each other, or would send a key to a host that "
        "it was not meant for.",
        "Add or remove the key that the message names; `auth: none` says that no credential is needed.",
    ),
    "RB408": Code(
        "default profile missing or unknown",
        "A call that names no profile gets the default one, so a book with profiles must say which that is, and the "
        "settings must name profiles that exist.",
        "Set `settings.default_profile` to one of the profiles.",
    ),
    "RB409": Code(
        "tool list that fits no server",
        "A pattern of `allow`, `deny` or `approve` cannot match a tool of the feature's servers. A misspelt `deny` or "
        "`approve` would leave a tool open that was to be guarded.",
        "Write patterns as `server.tool`, with `*` for any, and name servers of the feature.",
    ),
    "RB410": Code(
        "split whose weights or arms cannot be used",
        "No arm has a weight, two arms share a name, or the split is to stick to something that callers do not have. "
        "Which arm a user gets would not be defined.",
        "Give each arm a name of its own and at least one a weight above 0; `key` is user, tenant, region or "
        "metadata.KEY.",
    ),
    "RB411": Code(
        "prompt that cannot be used",
        "The template is no valid Jinja, reads a variable that the feature's `input` does not declare, or never shows "
        "the candidates that the output chooses from. It would fail, or mislead the model, at the first call.",
        "Mend the template, declare the variable under `input`, or name the candidates in the prompt.",
    ),
    "RB412": Code(
        "override of a pinned feature",
        "A pin beats everything, also the model that a caller asks for, so the two contradict each other.",
        "Remove `allow_override` or the pin.",
    ),
    "RB413": Code(
        "kinds of calls that do not go together",
        "A feature makes chat, embeddings or images, and nothing of two of them. Prompts, tools and outputs belong to "
        "chat.",
        "Make two features of it, or remove what belongs to the other kind.",
    ),
    "RB414": Code(
        "request that no context window holds",
        "What is sent in any case, the fixed text of the prompt and the least input that leads here, together with the "
        "answer that is asked for, is more than the model takes. Tokens of text are counted as `input_tokens` are: "
        "UTF-8 bytes divided by four. Every such call would fail.",
        "Name a model with a wider window, shorten the prompt, or lower `max_output_tokens`.",
    ),
    "RB415": Code(
        "capability that a model declares and its API cannot have",
        "No request to this provider can use it, whatever the model could do elsewhere: the API has no place for it, "
        "or the provider refuses it. A feature that relies on it would fail in the call.",
        "Remove the capability from the model, or reach the model through a provider that has it.",
    ),
    # dead configuration
    "RB501": Code(
        "definition that nothing uses",
        "No feature leads to it. Often it is the rest of an edit; sometimes a feature names another one by mistake.",
        "Remove it, or use it. To keep it for later, put `# routebook: ignore RB501` on its line.",
        "warning",
    ),
    "RB502": Code(
        "route that is never taken",
        "Something before it always wins: a pin, a weight of zero, an entry with fallbacks of its own. Whoever edits "
        "it will see no effect.",
        "Remove it, or what hides it.",
        "warning",
    ),
    "RB503": Code(
        "secret that would travel unencrypted",
        "The address begins with `http://` and is not on this machine, so anyone on the way can read the key.",
        "Use `https://`, or ignore the warning on a network that encrypts by itself.",
        "warning",
    ),
    "RB504": Code(
        "model that declares no capabilities",
        "What the model can do is unknown, so nothing is held against it: a feature that needs tools compiles, and "
        "fails in the call if the model has none. It is said once a model.",
        "Declare the model under `models` with its `capabilities`.",
        "note",
    ),
    "RB505": Code(
        "literal that looks like a secret",
        "The text has the form of a vendor's key or of an address with a password. In this place any text may stand, "
        "so it is a guess, and a warning. What was written is masked.",
        "Use `{env: NAME}`, and replace a key that has been committed. If it is none, ignore the warning.",
        "warning",
    ),
    "RB506": Code(
        "ignore comment that silences nothing",
        "What the comment was for is mended, or it stands on another line. Left there, it would hide the next mistake "
        "of that kind. It is not reported while the book has errors, as not every warning is known then.",
        "Remove the comment, or the code from it.",
        "warning",
    ),
    "RB508": Code(
        "rule that earlier rules leave nothing",
        "Rules are tried in order, and every request that this one fits is taken by one before it, or by several of "
        "them together. Whoever edits it will see no effect. The notes say which lines take its place, and show a "
        "request.",
        "Move it before them, narrow one of them, or remove it.",
        "warning",
    ),
    "RB509": Code(
        "conditions that cannot hold together",
        "No request satisfies all that the rule asks for, so it is never taken: a number above 10 and below 5, a text "
        "that is and is not the same, a fact that is said to be absent.",
        "Mend the condition, or remove the rule. Conditions of which one is enough are two rules.",
        "warning",
    ),
    "RB510": Code(
        "fallback that no failure reaches",
        "A fallback runs after a failure that its `on` names. None of the attempts before it can fail in one of these "
        "ways, so it never runs: a queue's time-out without a limit, a refused key of a caller.",
        "Name failures that can happen under `on`, leave `on` away for the usual ones, or remove the fallback.",
        "warning",
    ),
    "RB511": Code(
        "fallback that the deadline may leave no time",
        "The attempts before it may wait for an answer as long as the whole `deadline` of the feature. When a provider "
        "hangs, which is what a fallback is for, the run then ends before the fallback has its turn.",
        "Give the attempts before it a `timeout` and a `retry` that leave time, or a longer `deadline`.",
        "note",
    ),
    "RB512": Code(
        "not proved",
        "Whether a rule can be reached is worked out exactly, by taking from it what earlier rules take, up to 100,000 "
        "pieces. Here there were more, or percents look at more than six fields. The rule is not called unreachable, "
        "and may be so.",
        "Write fewer or simpler conditions; a feature with this many rules is hard to read, too.",
        "note",
    ),
    "RB513": Code(
        "contract or name that an API cannot express",
        "The API of a model that the feature can reach has no place for this as it is written. Something as near as "
        "can be is sent instead, and answers are checked here in any case; the message says what.",
        "Nothing has to be mended. To be exact, write it within the API's bounds, or name another model.",
        "note",
    ),
    # invariants
    "RB601": Code(
        "invariant that does not hold",
        "The table can make a decision that breaks it. The place is the line that lets it through; the notes show a "
        "request and the decision that it leads to. A price that is not known and a bound that there is not break an "
        "invariant, too.",
        "Change the route, or the invariant if it asks for too much.",
    ),
    "RB602": Code(
        "invariant that selects nothing",
        "No decision that the table can make is one of those that `where` selects, so the invariant guards nothing. "
        "Often a tag is missing where it belongs.",
        "Mend `where`, or remove the invariant.",
        "warning",
    ),
    "RB603": Code(
        "invariant that is not proved",
        "A target breaks it if its rule can be reached, and the rules are too entangled to find out. What is not "
        "proved does not hold.",
        "Simplify the rules of the feature, or change the target so that it keeps the invariant.",
    ),
    # environment
    "RB701": Code(
        "environment variable is not set",
        "A field is read from a variable that has no value here, and the reference gives no default. It is an error on "
        "every machine that compiles the book, so that no route depends on chance.",
        "Set the variable, or write `{env: NAME, default: VALUE}`.",
    ),
    "RB702": Code(
        "environment variable does not fit the field",
        "The variable's text cannot be read as the field's type. Its value is not repeated, as it may be a secret.",
        "Set it to a value of the type that the message names.",
    ),
    "RB703": Code(
        "secret cannot be read",
        "With `check --env`, each secret that the book refers to is looked for on this machine. This one is missing or "
        "empty, so calls that need it would fail.",
        "Set the variable, or write the file.",
    ),
    "RB704": Code(
        "optional dependency is not installed",
        "What the book asks for is done by a package that does not come with Routebook by itself: an API, finding the "
        "credentials of a provider that has no key, or the transport. A run would fail, so the book does not compile.",
        "Install the extra that the help names, or write what does without it.",
    ),
}


def explain_code(code: str) -> str:
    """Return what *code* stands for, for people: its severity and title, what it means and how to mend it.

    Raises:
        KeyError: There is no such code.
    """
    known = CODES[code]
    return f"{code} ({known.severity}): {known.title}\n\n{known.meaning}\n\n{known.mend}\n"
