"""Options, results and conversations: what the gateway gets, and what the notebook has of the answer."""

from __future__ import annotations

import pytest
from wire_server import Say, answer, error, event, unary

from gemini_magic import ledger
from gemini_magic.chat import KERNEL
from gemini_magic.exceptions import GeminiMagicError, ServerUnavailable

# Options

OPTIONS = [
    ("-t 0", {"generationConfig": {"temperature": 0}}),
    ("--temperature=1.5", {"generationConfig": {"temperature": 1.5}}),
    ("--top-p 0.5 --top-k 3", {"generationConfig": {"topP": 0.5, "topK": 3}}),
    ("--max-tokens 9", {"generationConfig": {"maxOutputTokens": 9}}),
    ("--seed -1", {"generationConfig": {"seed": -1}}),
    ("--stop a --stop='b c'", {"generationConfig": {"stopSequences": ["a", "b c"]}}),
    ("-n 2", {"generationConfig": {"candidateCount": 2}}),
    ("--think 128", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 128}}}),
    ("--think off", {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}),
    (
        "--think low --thoughts",
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}},
    ),
    ("--set generationConfig.newField=1", {"generationConfig": {"newField": 1}}),
    ("--set cachedContent=x", {"cachedContent": "x"}),
    ("--set tools[0].googleSearch={}", {"tools": [{"googleSearch": {}}]}),
    ("--config settings", {"generationConfig": {"topK": 4, "temperature": 0.25}}),
    ("--config settings -t 1", {"generationConfig": {"topK": 4, "temperature": 1}}),
    ("-s 'Be brief.'", {"systemInstruction": {"parts": [{"text": "Be brief."}]}}),
    ("--system $rules", {"systemInstruction": {"parts": [{"text": "Rhyme."}]}}),
    ("--system @rules.txt", {"systemInstruction": {"parts": [{"text": "From a file.\n"}]}}),
    ("--timeout 9 --retries 1 --fallback gemini-y -q -o kept --no-history --new --chat a --raw", {}),
]


@pytest.mark.parametrize(("line", "fields"), OPTIONS)
def test_an_option_lands_in_the_request_and_nothing_else_does(notebook, tmp_path, line, fields):
    (tmp_path / "rules.txt").write_text("From a file.\n")
    notebook.run(f"%%gemini {line}\nWhy", settings={"topK": 4, "temperature": 0.25}, rules="Rhyme.")
    assert notebook.body == {"contents": [{"role": "user", "parts": [{"text": "Why"}]}], **fields}


def test_the_model_stands_in_the_address(notebook):
    notebook.run("%gemini -m gemini-other why")
    assert notebook.wire.seen[-1].path == "/v1beta/models/gemini-other:streamGenerateContent"
    assert notebook["_gemini"].model == "gemini-other"


def test_without_streaming_a_whole_answer_is_asked_for(notebook, capsys):
    notebook.wire.answers(unary("All at once."))
    notebook.run("%gemini --no-stream why")
    assert notebook.wire.seen[-1].target == "/v1beta/models/gemini-x:generateContent"
    assert capsys.readouterr().out.startswith("All at once.\n")


def test_a_profile_is_another_gateway(notebook):
    with notebook.config.open("a") as file:
        file.write(f'[profiles.there]\nbase_url = "{notebook.wire.url}/v1"\nauth = "none"\nmodel = "there-1"\n')
    notebook.run("%gemini --profile there why")
    assert "/models/there-1:" in notebook.wire.seen[-1].path


def test_a_fallback_model_answers_and_one_line_says_so(notebook, capsys):
    notebook.wire.answers(error(404, "no such model"), answer("I can."))
    notebook.run("%gemini --fallback gemini-y,gemini-z why")
    assert [seen.path.rpartition("/")[2].partition(":")[0] for seen in notebook.wire.seen] == ["gemini-x", "gemini-y"]
    shown = capsys.readouterr().out
    assert shown.count("gemini-x") == 1
    assert shown.index("gemini-x") < shown.index("I can.")


@pytest.mark.parametrize("options", ["-q", "-q --no-stream"])
def test_quiet_still_says_that_another_model_answered(notebook, capsys, options):
    notebook.wire.answers(error(404, "no such model"), unary("I can."))
    notebook.run(f"%gemini {options} --fallback gemini-y why")
    shown = capsys.readouterr().out
    assert shown.count("\n") == 1
    assert "gemini-y" in shown


def test_a_fallback_without_streaming_is_told_once(notebook, capsys):
    notebook.wire.answers(error(404, "no such model"), unary("I can."))
    notebook.run("%gemini --no-stream --fallback gemini-y why")
    assert capsys.readouterr().out.count("gemini-x") == 1


def test_retries_are_counted(notebook):
    notebook.wire.answers(error(503, "busy", retry_after="0"), answer("Now."))
    with pytest.raises(ServerUnavailable):
        notebook.run("%gemini --retries 0 why")
    assert len(notebook.wire.seen) == 1
    notebook.wire.answers(error(503, "busy", retry_after="0"), answer("Now."))
    notebook.run("%gemini --retries 1 why")
    assert notebook["_gemini"].text == "Now."
    assert notebook["_gemini"].attempts == 2


def test_a_timeout_ends_the_call(notebook):
    notebook.wire.answers(Say(status=None, ending="hang"))
    with pytest.raises(GeminiMagicError, match=r"0\.05"):
        notebook.run("%gemini --timeout 0.05 --retries 0 why")


# Results


def test_a_line_alone_shows_the_answer_and_returns_nothing(notebook, capsys):
    assert notebook.run("%gemini why") is None
    shown = capsys.readouterr().out
    assert shown.startswith("Yes.\n")
    assert shown.count("Yes.") == 1
    assert notebook["_gemini"].text == "Yes."


def test_an_assignment_gets_the_reply_and_shows_nothing(notebook, capsys):
    notebook.run("x = %gemini why")
    assert notebook["x"].text == "Yes."
    assert notebook["x"] is notebook["_gemini"]
    assert capsys.readouterr().out == ""


def test_an_expression_gets_the_reply_and_shows_nothing(notebook, capsys):
    notebook.run("n = len(get_ipython().run_line_magic('gemini', 'why').text)")
    assert notebook["n"] == 4
    assert capsys.readouterr().out == ""


def test_a_reply_at_the_end_of_a_cell_is_shown(notebook, capsys):
    notebook.run("x = %gemini why\nx")
    assert capsys.readouterr().out.count("Yes.") == 1


def test_lines_in_loops_and_functions_show_their_answers(notebook, capsys):
    notebook.run("for n in range(2):\n    %gemini {{n}}\ndef f(z):\n    %gemini {{z}}\n    return 5\nf('z')")
    assert notebook.prompts == ["0", "1", "z"]
    assert capsys.readouterr().out.count("Yes.\n") == 3


def test_a_module_s_function_gets_the_reply(notebook, tmp_path, capsys):
    (tmp_path / "helper_of_test.py").write_text(
        "from IPython import get_ipython\n\n\ndef ask():\n    return get_ipython().run_line_magic('gemini', 'why')\n"
    )
    notebook.run(
        "import sys\nsys.path.insert(0, '.')\nfrom helper_of_test import ask\nreply = ask()\nask()\nsys.path.pop(0)"
    )
    assert notebook["reply"].text == "Yes."
    assert "Yes." not in capsys.readouterr().out


def test_out_stores_and_shows(notebook, capsys):
    notebook.run("%%gemini -o kept\nwhy")
    assert notebook["kept"].text == "Yes."
    assert "Yes." in capsys.readouterr().out
    notebook.run("%who Reply")
    assert capsys.readouterr().out.split() == ["kept"]


def test_a_name_stores_and_does_not_show(notebook, capsys):
    assert notebook.run("%%gemini -t 0 kept <<\nwhy") is None
    assert notebook["kept"].text == "Yes."
    assert notebook["_gemini"] is notebook["kept"]
    assert capsys.readouterr().out == ""


def test_quiet_shows_nothing(notebook, capsys):
    notebook.run("%%gemini -q\nwhy")
    assert notebook["_gemini"].text == "Yes."
    assert capsys.readouterr().out == ""


def test_the_reply_says_what_it_is(notebook):
    notebook.wire.answers(
        Say([event("Hi"), event("!", "STOP", usageMetadata={"promptTokenCount": 3})], framing="chunked")
    )
    notebook.run("reply = %gemini why")
    reply = notebook["reply"]
    assert (reply.text, reply.finish_reason, reply.status) == ("Hi!", "STOP", "ok")
    assert reply.usage.prompt_token_count == 3


# Conversations


def roles_of(body):
    return [(content["role"], content["parts"][0]["text"]) for content in body["contents"]]


def test_cells_build_on_each_other(notebook):
    notebook.run("%gemini one")
    notebook.run("%%gemini\ntwo")
    assert roles_of(notebook.body) == [("user", "one"), ("model", "Yes."), ("user", "two")]


def test_a_named_conversation_is_another(notebook):
    notebook.run("%gemini one")
    notebook.run("%gemini --chat other two")
    assert roles_of(notebook.body) == [("user", "two")]
    notebook.run("%gemini -c other three")
    assert roles_of(notebook.body) == [("user", "two"), ("model", "Yes."), ("user", "three")]
    assert KERNEL.names == ["main", "other"]


def test_without_history_nothing_is_sent_along_or_kept(notebook):
    notebook.run("%gemini one")
    notebook.run("%gemini --no-history two")
    assert roles_of(notebook.body) == [("user", "two")]
    notebook.run("%gemini three")
    assert roles_of(notebook.body) == [("user", "one"), ("model", "Yes."), ("user", "three")]


def test_new_starts_afresh(notebook):
    notebook.run("%gemini -s Old. one")
    notebook.run("%gemini --new two")
    assert roles_of(notebook.body) == [("user", "two")]
    assert "systemInstruction" not in notebook.body
    notebook.run("%gemini three")
    assert roles_of(notebook.body) == [("user", "two"), ("model", "Yes."), ("user", "three")]


def test_a_system_instruction_stays_with_its_conversation(notebook):
    notebook.run("%gemini -s First. one")
    notebook.run("%gemini two")
    assert notebook.body["systemInstruction"]["parts"] == [{"text": "First."}]
    notebook.run("%gemini --chat other three")
    assert "systemInstruction" not in notebook.body
    notebook.run("%gemini -s Second. four")
    notebook.run("%gemini five")
    assert notebook.body["systemInstruction"]["parts"] == [{"text": "Second."}]


def test_what_cannot_be_sent_leaves_the_conversation_alone(notebook):
    notebook.run("%gemini -s First. one")
    for line in ("--new {{nope}}", "--new --config nope two", "--new -s Second. --config wrong two", "-s @nope two"):
        with pytest.raises(GeminiMagicError):
            notebook.run(f"%gemini {line}", wrong={"temperature": "hot"})
    notebook.run("%gemini two")
    assert roles_of(notebook.body) == [("user", "one"), ("model", "Yes."), ("user", "two")]
    assert notebook.body["systemInstruction"]["parts"] == [{"text": "First."}]
    assert len(notebook.wire.seen) == 2


def test_usage_is_booked_by_conversation_and_model(notebook):
    notebook.run("%gemini one\n%gemini -c other -m gemini-y two\n%gemini --no-history three")
    booked = [(entry.conversation, entry.model) for entry in ledger.KERNEL.entries]
    assert booked == [("main", "gemini-x"), ("other", "gemini-y"), ("", "gemini-x")]
