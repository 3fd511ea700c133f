"""``df.gemini`` in a notebook."""

from __future__ import annotations

import pandas as pd
from wire_server import Say, event


def test_a_frame_can_be_asked_and_forgets_it_when_the_extension_leaves(notebook):
    notebook.wire.answers(Say([event('{"mood": "good"}', "STOP")[6:].strip()]))
    notebook.run("import pandas as pd\ndf = pd.DataFrame({'text': ['Nice.', None]}, index=[7, 8])")
    notebook.run("out = df.gemini.extract('mood str', '{{text}}')")
    assert list(notebook["out"]["mood"].fillna("–")) == ["good", "–"]
    assert list(notebook["out"].index) == [7, 8]
    assert len(notebook.wire.seen) == 1
    notebook.run("%unload_ext gemini_magic")
    assert not hasattr(pd.DataFrame, "gemini")
