"""The words of ``%gemini help`` that stand in no table of the parser: overview, topics, more on single options."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

START = """\
%gemini QUESTION               one line; x = %gemini QUESTION uses the reply and shows nothing
%gemini -- QUESTION            the same, for a question that starts like an option or a subcommand
%%gemini [OPTIONS] [NAME <<]   the cell below is the prompt; NAME << stores the reply, shows nothing

{{name}} in a prompt is a Python expression, and its value goes in: text, numbers, tables, pictures,
functions, replies. The reply is in _gemini; it has .text .parts .images .code .usage and more."""

PROMPTS = """\
{{expression}}     the value of a Python expression, in its place: text, table, picture, file
{{df:20}}          a table with 20 rows of it
\\{{               two braces as they stand; --raw does that for the whole cell
Single braces, $ and % are text. Braces that hold no Python expression are text, too.
Values are never read again: braces in a value stay as they are.
Tab completes variables and their attributes inside {{."""

_FILES = """\
Files go into a prompt in three ways
  {{gm.file("report.pdf")}}   at this place, after `import gemini_magic as gm`; so does a Path
  -f report.pdf               before the prompt; repeatable, and may be a pattern: -f "scans/*.png"
  -f https://youtu.be/…       an address of YouTube, the Files API or gs://…: the server fetches it

PDF, pictures, audio, video and text files are sent as what they are. A file is read when the cell
runs, never because a model or a template names it. What is too large, or no such file, stops the
cell before anything is sent; above 20 MB a line says which parts are the largest."""

_PICTURES = """\
Pictures are values like any other
  What differs between {{fig}} and {{photo}}?

A matplotlib, plotly or altair chart, a PIL image, an array of height × width or height × width × 3
or 4, an IPython Image, bytes of a PNG, JPEG, WebP or GIF: each goes where it is named.
  -i NAME or -i PATH    a picture before the prompt; may be repeated
  --max-side N          shrink what is larger than N pixels, and only that
  --quality N           send as JPEG of this quality, from 1 to 100
Without the two the bytes of a picture file go out as they are. Pictures of an answer are in
_gemini.images as PIL images."""

_CONVERSATIONS = """\
Each prompt goes on with the conversation named main; -c NAME goes on with another
  %gemini chats, %gemini chat NAME    list them; change which one cells go on with
  --new, --no-history                 start afresh; ask outside of any conversation
  %gemini history, undo, edit N       look back, take back, ask a turn's question differently
  --branch NAME, %gemini fork NAME    try something else in a copy
  %gemini save FILE, load FILE        .json keeps everything; .md and .ipynb are for reading

A cell that is run again replaces its turn, and the turns after it are marked as stale, for their
answers came from another history; %gemini replay asks them again in order. --append adds a turn
instead. A turn that failed or was blocked stays in the history and is not sent again."""

_JOBS = """\
--bg answers in the background, while the kernel is free for other cells
  %%gemini --bg -o summary      the answer comes below its own cell, and into summary in the end
  %gemini jobs                  what is running, and what has run
  %gemini stop, %gemini stop 2  stop all jobs, or one; what had come stays"""

_TAPE = """\
A tape lets a notebook run without key and network, in a class or in tests
  --record answers.jsonl        write each exchange of this cell to a file
  --replay answers.jsonl        answer from the file; a request that is not on it stops the cell
  %gemini config record FILE    the same for all cells of this notebook; so for replay
Keys are never on a tape, prompts and answers are: read it before you share it.
--cache is for yourself: the same request is answered from this computer's memory, at no cost."""

_TEMPLATES = """\
A template is a prompt to use again
  %gemini template save NAME    keep the last prompt as it was typed
  -u NAME                       use it: {{prompt}} in it is where the cell's own text goes;
                                without {{prompt}} the text goes behind it
  %gemini template list         all of them; show NAME and remove NAME do what they say

It is a Markdown file in the folder of the settings, or in .gemini_magic/templates beside the
notebook when that folder is there, to be shared with it. Because it may come from somebody else,
its braces hold names, attributes and literal indexes only, such as {{report.tables["costs"]}} or
{{df:20}}: no calls, and nothing that starts with an underscore."""

_CONTEXT = """\
--context puts the notebook into the prompt, and says what it put in
  --context above    the cells that were run before, with what they printed and returned
  --context 3        the last three of them
  --context error    the last error, with the cell that failed and the line marked
The kernel does not know the order of the notebook, so "above" means "run before". Cells that only
ask are left out, and the oldest where it gets too long. %gemini fix explains the last error and
puts a mended cell below, for you to read and run."""

_REPLY = """\
The reply is in _gemini, in the NAME of -o NAME or NAME <<, or in x of x = %gemini …
  .text .thoughts .parts .images .blobs .code   what came: text, wire parts, PIL images, bytes, code
  .json() .df()                                 the text read as JSON; rows as a dataframe
  .citations .function_calls .candidates        what else came
  .usage .model .seconds .status                tokens, who answered, how long, how it ended
  .finish_reason .block_reason .raw             the server's own words"""

_STRUCTURE = """\
With a schema the answer is data: checked, shown as a table, and repaired once where it does not fit
  %%gemini --schema 'name, age int, tags[]' --list --df people
  --schema Person          a pydantic model, dataclass, TypedDict, Enum, or a dict with JSON Schema
  --schema list[Person]    the same as --schema Person --list; rows are shown as they come
  --schema @person.json    JSON Schema from a file
The reply's .value has what the schema makes of it, .json() plain data, .df() a dataframe. An answer
that stops at the token limit fails the cell; its whole rows are in .value of _gemini. The
conversation keeps the answer that counts, not what was said to have it repaired."""

_BATCH = """\
--each asks the cell's prompt for every row of a dataframe, series or list
  %%gemini --each df.text --schema 'mood, score int' --df moods
  How does the writer of {{text}} feel?
{{text}} is a column here; without braces the row goes behind the prompt. Rows without a value are
not sent, equal ones are sent once, and moods has the index of df.
  --where 'df.lang == "de"'    only these rows; any expression of the notebook
  --limit 20, --budget $0.50   stop early; run the cell again to go on
  --workers 16, --rpm 60       how many requests at a time, and in a minute
  --bg                         in the background; %gemini stop ends it
Every answer is in a file before it counts: the same cell run again, even after a restart, asks only
for what is missing. The run is in _gemini: .errors .usage .details .inspect(label) .retry_failed()."""

_TOOLS = """\
With --tools the model may call functions of this notebook, those that you name and no others
  def get_weather(city: str, unit: Literal["C", "F"] = "C") -> dict:
      \"\"\"The weather of today.

      Args:
          city: Such as Oslo.
      \"\"\"
  %%gemini --tools get_weather,shop.search
  Is it warmer in Oslo or in Bergen?
The model sees name, docstring and types; what it writes for an argument is checked against the type
before anything is called. The functions are for this cell alone; gm.Conversation(tools=[…]) keeps
its own. The value may be a function, a method, a gm.tool, a toolbox, or a list of these.

Each call waits for your leave: Run, Run all (this function, for this question), or Deny
  @gm.tool(read_only=True)     runs without leave: for functions that change nothing
  @gm.tool(approve="always")   a rule of its own: ask, always or never; it wins over all but never
  --approve always             runs without asking; --approve never runs nothing
  %config GeminiMagics.approve = "never"    the same for every cell
Where nobody can be asked, such as in nbconvert, a call that needs leave is denied, and the model is
told so. What a function returns goes to the model: it may be wrong, or hold words that try to steer
the model, and an answer that follows them still has to ask for leave.

Limits: 8 rounds (--max-steps N, or %config GeminiMagics.max_steps), 16 calls and 120 seconds for an
answer; 30 seconds and 64 kB for a call, unless @gm.tool(seconds=…, max_bytes=…) says more. A thread
cannot be killed: what a call that took too long still does, it does; only its result is not used.
Each call is a card below the cell, with arguments, result and time; _gemini.runs lists them.

Ready tools: table = gm.tools.frame(df) looks into a table, by conditions and without any code;
names = gm.tools.variables("df*") lists and describes variables. --tools table,names

  --tool-mode any              the model has to call; none: it must not; f,g: one of these
  --search --url-context --code-exec    tools of the server, which run there and need no leave
  --tool '{"googleMaps": {}}'  any other tool of the server, as it stands on the wire"""

#: Topics beside the groups of options; the parser learns their names in ``vocabulary.TOPICS``.
TOPIC_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "files": _FILES,
        "pictures": _PICTURES,
        "conversations": _CONVERSATIONS,
        "jobs": _JOBS,
        "tape": _TAPE,
        "templates": _TEMPLATES,
        "context": _CONTEXT,
        "reply": _REPLY,
        "structure": _STRUCTURE,
        "batch": _BATCH,
        "tools": _TOOLS,
    }
)

#: Option (its last flag) or subcommand → what its line in the list leaves out.
MORE: Mapping[str, str] = MappingProxyType(
    {
        "--model": "Any name that the gateway knows; %gemini models lists them, and Tab completes those known so far.",
        "--think": "Models of the 2.5 family take a number of tokens, -1 to choose themselves; newer ones a level.",
        "--set": "PATH is a place in the request as the REST documentation names it, such as "
        "generationConfig.topK=5 or tools[0].googleSearch={}; it is put in last.",
        "--config": "A dict with the names of the REST documentation, or a wire.GenerationConfig. Options win over it.",
        "--system": 'In quotes when it has spaces: -s "Answer in one sentence." A name after $ is a variable, a path '
        "after @ a text file. It stays with the conversation.",
        "--image": "See %gemini help pictures.",
        "--file": "See %gemini help files.",
        "--max-side": "See %gemini help pictures.",
        "--quality": "See %gemini help pictures.",
        "--use": "See %gemini help templates.",
        "--context": "See %gemini help context.",
        "--chat": "It is made when there is none of that name. See %gemini help conversations.",
        "--branch": "The original stays as it is. See %gemini help conversations.",
        "--append": "See %gemini help conversations.",
        "--format": "md renders the answer, html shows only safe HTML, code only its code, text and json plain words.",
        "--insert": "The cell is not run: read it first.",
        "--bg": "See %gemini help jobs.",
        "--schema": "See %gemini help structure.",
        "--list": "See %gemini help structure.",
        "--df": "With --each it takes the result, on the index of the rows. See %gemini help structure.",
        "--retries-invalid": "The request for it has the answer's beginning and end and what was wrong with it.",
        "--each": "See %gemini help batch.",
        "--where": "A mask of as many rows, or a function of a row. See %gemini help batch.",
        "--budget": "Such as 50k or $2.50. What came is kept. See %gemini help batch.",
        "--pack": "Cheaper for short rows; each has to come back under its own number.",
        "--store": "By default a file of this job's own in your folder for data. See %gemini help batch.",
        "--resume": "Rows that failed for want of an answer are asked again, those with an answer are not.",
        "--tools": "A name, or a path such as shop.search; Tab completes them. See %gemini help tools.",
        "--approve": "ask: before each call (the default; functions marked read_only run without). always: run "
        "without asking. never: run nothing. Run, Run all or Deny is answered below the cell, or typed; where nobody "
        "can answer, the call is denied and the model is told so.",
        "--max-steps": "8 unless given. When it asks for more, the cell fails; what was called stays visible.",
        "--tool-mode": "Any and names hold until the first result is there; then the model may answer in words.",
        "--tool": "Such as --tool '{\"googleMaps\": {}}'. Functions in functionDeclarations are described to the model "
        "and not called: the calls stand in _gemini.function_calls.",
        "--fallback": "Names with commas between; the answer says which one gave it.",
        "--cache": "See %gemini help tape.",
        "--record": "See %gemini help tape.",
        "--replay": "See %gemini help tape.",
        "--dry-run": "The card has the request as it would go out, what it weighs and, where known, what it would "
        "cost. The key is masked.",
        "--raw": "One pair of braces is kept by a backslash before it: \\{{.",
        "last": "Alone it shows the last answer again. raw is what came, request what was sent, curl and python the "
        "same as a command and as a script; the key is masked in each.",
        "fix": "The cell that failed and its error are sent; the mended cell is put below and not run.",
        "budget": "Such as 200k tokens or $0.50. Nothing is sent once it is used up; alone it shows the state.",
        "profile": "A profile is a gateway with its address and the name of its key's variable. Keys are never typed "
        "here: see %gemini help keys.",
        "template": "See %gemini help templates.",
        "repair": "Gemini signs its calls, and newer models refuse signatures that they did not make. Do "
        "this when a signature was refused; what the model had thought is lost to it.",
        "replay": "A turn is stale when one before it was asked again.",
        "config": "Settings hold for this notebook session; an option in a cell wins over them.",
        "doctor": "It sends a few small requests.",
    }
)
